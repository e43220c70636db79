#include "api/signature_header.h"

#include <algorithm>
#include <array>
#include <optional>

namespace weir::api {
namespace {

constexpr SignatureWords kWords[] = {
    {"JDCLOUD2-HMAC-SHA256", "JDCLOUD2", "jdcloud2_request"},
    {"JDCLOUD3-HMAC-SHA256", "JDCLOUD3", "jdcloud3_request"},
};
// Hex digits of a SHA-256.
constexpr std::size_t kSignatureSize = 64;

Error malformed(std::string message) {
  return {ErrorCode::kUnauthenticated, std::move(message), "authorization"};
}

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.';
}

/// tchar of RFC 9110, 5.6.2, without capitals.
bool is_header_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kScopeWordMax && std::ranges::all_of(text, is_word_char);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Cuts the text before `separator` off `rest`; all of it when there is none.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

std::optional<SignatureVersion> version_of(std::string_view algorithm) {
  for (const auto version : {SignatureVersion::kJdcloud2, SignatureVersion::kJdcloud3}) {
    if (words_of(version).algorithm == algorithm) return version;
  }
  return std::nullopt;
}

Result<void> read_credential(std::string_view text, SignatureHeader& into) {
  std::array<std::string_view, 5> parts;
  const bool has_five = std::ranges::count(text, '/') == 4;
  for (std::string_view& part : parts) part = cut(text, '/');
  if (!has_five || !is_word(parts[0]) || !is_word(parts[2]) || !is_word(parts[3])) {
    return malformed("the credential must be key/day/region/service/terminator");
  }
  if (parts[1].size() != 8 || !std::ranges::all_of(parts[1], is_digit)) {
    return malformed("the day of the scope must be eight digits");
  }
  if (parts[4] != words_of(into.version).terminator) {
    return malformed("the scope must end in " + std::string(words_of(into.version).terminator));
  }
  into.access_key = parts[0];
  into.day = parts[1];
  into.region = parts[2];
  into.service = parts[3];
  return {};
}

Result<void> read_signed_headers(std::string_view text, SignatureHeader& into) {
  for (bool has_more = true; has_more;) {
    has_more = text.find(';') != std::string_view::npos;
    const std::string_view name = cut(text, ';');
    if (name.empty() || !std::ranges::all_of(name, is_header_char)) {
      return malformed("a signed header's name must be a lower-case token");
    }
    if (!into.signed_headers.empty() && into.signed_headers.back() >= name) {
      return malformed("the signed headers must be in ascending order");
    }
    into.signed_headers.emplace_back(name);
  }
  return {};
}

Result<void> read_signature_text(std::string_view text, SignatureHeader& into) {
  if (text.size() != kSignatureSize || !std::ranges::all_of(text, is_hex_digit)) {
    return malformed("the signature must be 64 lower-case hex digits");
  }
  into.signature = text;
  return {};
}

/// One "Name=value" of the header; each stands once.
Result<void> read_part(std::string_view part, SignatureHeader& into) {
  const std::string_view name = cut(part, '=');
  if (name == "Credential" && into.access_key.empty()) return read_credential(part, into);
  if (name == "SignedHeaders" && into.signed_headers.empty()) {
    return read_signed_headers(part, into);
  }
  if (name == "Signature" && into.signature.empty()) return read_signature_text(part, into);
  return malformed("expected Credential, SignedHeaders and Signature, each once");
}

}  // namespace

const SignatureWords& words_of(SignatureVersion version) {
  return kWords[version == SignatureVersion::kJdcloud3 ? 1 : 0];
}

std::string SignatureHeader::scope() const {
  return day + "/" + region + "/" + service + "/" + std::string(words_of(version).terminator);
}

bool names_signature(std::string_view authorization) {
  authorization = trimmed(authorization);
  return version_of(cut(authorization, ' ')).has_value();
}

Result<SignatureHeader> parse_signature_header(std::string_view authorization) {
  authorization = trimmed(authorization);
  const auto version = version_of(cut(authorization, ' '));
  if (!version) return malformed("the algorithm is not one of this server");
  SignatureHeader header;
  header.version = *version;
  while (!authorization.empty()) {
    WEIR_TRY(read_part(trimmed(cut(authorization, ',')), header));
  }
  if (header.access_key.empty() || header.signed_headers.empty() || header.signature.empty()) {
    return malformed("expected Credential, SignedHeaders and Signature, each once");
  }
  return header;
}

}  // namespace weir::api
