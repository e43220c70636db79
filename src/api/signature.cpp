#include "api/signature.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/secrets.h"
#include "api/signature_canonical.h"
#include "api/signature_key.h"

namespace weir::api {
namespace {

constexpr std::string_view kAuthorization = "authorization";
constexpr std::string_view kDate = "x-jdcloud-date";
constexpr std::string_view kNonce = "x-jdcloud-nonce";
constexpr std::string_view kAlgorithm = "x-jdcloud-algorithm";
constexpr std::string_view kBodyHash = "x-jdcloud-content-sha256";
constexpr std::string_view kSecurityToken = "x-jdcloud-security-token";

// Stands in for the secret of an access key that nobody has.
constexpr std::string_view kNoSecret = "0000000000000000000000000000000000000000";

Error refused(std::string_view header, std::string message) {
  return {ErrorCode::kUnauthenticated, std::move(message), std::string(header)};
}

bool equals_in_any_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

/// The value of a header; null when it is absent. Standing twice leaves open which one counts.
/// Errors:  kUnauthenticated
Result<const std::string*> single_header(const SignedRequest& request, std::string_view name) {
  const std::string* found = nullptr;
  for (const http::HeaderLine& line : request.headers) {
    if (!equals_in_any_case(line.name, name)) continue;
    if (found != nullptr) return refused(name, "stands more than once");
    found = &line.value;
  }
  return found;
}

Result<std::string> needed_header(const SignedRequest& request, std::string_view name) {
  WEIR_ASSIGN_OR_RETURN(const std::string* value, single_header(request, name));
  if (value == nullptr || value->empty()) return refused(name, "is missing");
  return *value;
}

bool signs(const SignatureHeader& header, std::string_view name) {
  return std::ranges::binary_search(header.signed_headers, name);
}

/// A number of decimal digits only; -1 for anything else.
int number_of(std::string_view digits) {
  int number = -1;
  if (digits.empty() || digits.front() == '-') return -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : -1;
}

/// "20190214T104514Z".
std::optional<WallTime> time_of(std::string_view text) {
  using namespace std::chrono;  // NOLINT: literals of the calendar
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const int y = number_of(text.substr(0, 4));
  const int m = number_of(text.substr(4, 2));
  const int d = number_of(text.substr(6, 2));
  const int hour = number_of(text.substr(9, 2));
  const int minute = number_of(text.substr(11, 2));
  const int second = number_of(text.substr(13, 2));
  if (y < 1970 || m < 0 || d < 0) return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 59) {
    return std::nullopt;
  }
  // Years beyond what the clock can count are refused before they overflow.
  if (y > 2200) return std::nullopt;
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
}

Result<void> read_date(const SignedRequest& request, const SignatureRules& rules, WallTime now,
                       SignatureClaims& claims) {
  WEIR_ASSIGN_OR_RETURN(claims.date, needed_header(request, kDate));
  const auto time = time_of(claims.date);
  if (!time) return refused(kDate, "must have the form YYYYMMDDTHHmmssZ");
  claims.time = *time;
  if (claims.time < now - rules.skew_max || claims.time > now + rules.skew_max) {
    return refused(kDate, "is too far from the server's time");
  }
  if (!claims.date.starts_with(claims.header.day)) {
    return refused(kDate, "is not on the day of the scope");
  }
  return {};
}

Result<void> read_nonce(const SignedRequest& request, SignatureClaims& claims) {
  WEIR_ASSIGN_OR_RETURN(claims.nonce, needed_header(request, kNonce));
  if (claims.nonce.size() > kNonceMax) {
    return refused(kNonce, "must have at most " + std::to_string(kNonceMax) + " bytes");
  }
  return {};
}

/// What must be under the signature. Version 3 clients sign neither date nor nonce; their date is
/// covered by the string to sign.
Result<void> check_coverage(const SignatureClaims& claims) {
  if (claims.header.version == SignatureVersion::kJdcloud2) {
    for (const std::string_view name : {kDate, kNonce}) {
      if (!signs(claims.header, name)) return refused(name, "must be signed");
    }
  }
  if (!claims.security_token.empty() && !signs(claims.header, kSecurityToken)) {
    return refused(kSecurityToken, "must be signed");
  }
  return {};
}

Result<void> read_security_token(const SignedRequest& request, SignatureClaims& claims) {
  WEIR_ASSIGN_OR_RETURN(const std::string* token, single_header(request, kSecurityToken));
  if (token == nullptr) return {};
  if (token->empty()) return refused(kSecurityToken, "is empty");
  claims.security_token = *token;
  return {};
}

/// Headers that repeat what is known already.
Result<void> check_repeated_claims(const SignedRequest& request, const SignatureClaims& claims) {
  const std::string_view algorithm = words_of(claims.header.version).algorithm;
  WEIR_ASSIGN_OR_RETURN(const std::string* named, single_header(request, kAlgorithm));
  if (named != nullptr && *named != algorithm) {
    return refused(kAlgorithm, "is not the algorithm of the authorization");
  }
  WEIR_ASSIGN_OR_RETURN(const std::string* hash, single_header(request, kBodyHash));
  if (hash != nullptr && *hash != claims.body_sha256) {
    return refused(kBodyHash, "is not the hash of the body");
  }
  // Python sends a header of this name whose value is its name.
  WEIR_ASSIGN_OR_RETURN(const std::string* marker, single_header(request, algorithm));
  if (marker != nullptr && *marker != algorithm && *marker != claims.body_sha256) {
    return refused(algorithm, "must be the hash of the body or its own name");
  }
  return {};
}

Result<void> check_signed_headers(const SignedRequest& request, const SignatureHeader& header) {
  for (const std::string& name : header.signed_headers) {
    WEIR_ASSIGN_OR_RETURN(const std::string* value, single_header(request, name));
    if (value == nullptr) return refused(name, "is signed but was not sent");
  }
  return {};
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

/// The forms of one part of the target that a client may have signed.
std::vector<std::string> forms(std::string canonical, std::string_view raw) {
  std::vector<std::string> all = {std::move(canonical)};
  if (all.front() != raw) all.emplace_back(raw);
  return all;
}

}  // namespace

SignedRequest signed_request(const http::Request& request) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  SignedRequest view;
  view.method = request.method;
  view.path = target.substr(0, mark);
  if (mark != std::string_view::npos) view.query = target.substr(mark + 1);
  view.headers = request.headers;
  view.body = request.body;
  return view;
}

bool is_signed(const SignedRequest& request) {
  return std::ranges::any_of(request.headers, [](const http::HeaderLine& line) {
    return equals_in_any_case(line.name, kAuthorization) && names_signature(line.value);
  });
}

Result<SignatureClaims> read_signature(const SignedRequest& request, const SignatureRules& rules,
                                       WallTime now) {
  WEIR_ASSIGN_OR_RETURN(const std::string authorization, needed_header(request, kAuthorization));
  SignatureClaims claims;
  WEIR_ASSIGN_OR_RETURN(claims.header, parse_signature_header(authorization));
  WEIR_TRY(read_date(request, rules, now, claims));
  WEIR_TRY(read_nonce(request, claims));
  WEIR_TRY(read_security_token(request, claims));
  WEIR_TRY(check_coverage(claims));
  WEIR_TRY(check_signed_headers(request, claims.header));
  claims.body_sha256 = hex_of(sha256(request.body));
  WEIR_TRY(check_repeated_claims(request, claims));
  return claims;
}

std::string canonical_request(const SignedRequest& request, const SignatureClaims& claims,
                              std::string_view path, std::string_view query) {
  std::string text = upper_case(request.method);
  text.append("\n").append(path).append("\n").append(query).append("\n");
  std::string names;
  for (const std::string& name : claims.header.signed_headers) {
    const auto value = single_header(request, name);
    const bool is_present = value && *value != nullptr;
    text.append(name).append(":");
    text += is_present ? canonical_value(**value, claims.header.version) : std::string();
    text += '\n';
    names.append(names.empty() ? "" : ";").append(name);
  }
  return text.append("\n").append(names).append("\n").append(claims.body_sha256);
}

std::string string_to_sign(const SignatureClaims& claims, std::string_view canonical) {
  std::string text(words_of(claims.header.version).algorithm);
  text.append("\n").append(claims.date).append("\n").append(claims.header.scope());
  return text.append("\n").append(hex_of(sha256(canonical)));
}

Result<void> check_signature(const SignedRequest& request, const SignatureClaims& claims,
                             std::optional<std::string_view> secret) {
  WEIR_ASSIGN_OR_RETURN(const KeyChain chain, key_chain(claims.header, secret.value_or(kNoSecret)));
  const auto paths = forms(canonical_path(request.path, claims.header.version), request.path);
  const auto queries = forms(canonical_query(request.query), request.query);
  bool is_equal = false;
  // Every form is tried, so that the time does not tell which one was right.
  for (const std::string& path : paths) {
    for (const std::string& query : queries) {
      const std::string canonical = canonical_request(request, claims, path, query);
      WEIR_ASSIGN_OR_RETURN(const std::string expected,
                            sign_text(chain, string_to_sign(claims, canonical)));
      is_equal |= equals_in_constant_time(expected, claims.header.signature);
    }
  }
  if (!secret) return refused("authorization", "names an unknown access key");
  if (!is_equal) return refused("authorization", "the signature does not match");
  return {};
}

Error signature_refusal() {
  return {ErrorCode::kUnauthenticated, "a valid signature is required", ""};
}

}  // namespace weir::api
