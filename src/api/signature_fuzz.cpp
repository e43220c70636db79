// A signed request as anybody may send it: no crash, canonical forms that stay as they are when
// made again, and a request that is accepted with exactly the signature its secret gives. The first
// line is "<method> <target>", header lines follow, then an empty line and the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/query_list.h"
#include "api/signature.h"
#include "api/signature_canonical.h"
#include "api/signature_key.h"
#include "base/check.h"
#include "http/request_target.h"

namespace {

using namespace weir;
using namespace weir::api;

// 2026-01-01T01:00:00Z, the date of the seeds.
constexpr WallTime kNow{std::chrono::seconds(1767229200)};
constexpr std::string_view kSecret = "TESTSK";

std::string_view cut(std::string_view& rest, std::string_view separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + separator.size());
  return part;
}

http::Request request_of(std::string_view text) {
  http::Request request;
  std::string_view head = cut(text, "\n\n");
  request.body = text;
  std::string_view start = cut(head, "\n");
  request.method = cut(start, " ");
  request.target = start;
  while (!head.empty()) {
    std::string_view line = cut(head, "\n");
    const std::string_view name = cut(line, ":");
    request.headers.push_back({std::string(name), std::string(line)});
  }
  return request;
}

void check_canonical(const SignedRequest& request) {
  for (const auto version : {SignatureVersion::kJdcloud2, SignatureVersion::kJdcloud3}) {
    const std::string path = canonical_path(request.path, version);
    WEIR_CHECK(path.starts_with('/'));
    WEIR_CHECK(canonical_path(path, version) == path);
  }
  const std::string query = canonical_query(request.query);
  WEIR_CHECK(canonical_query(query) == query);
  QueryList list;
  const Errors errors = read_query_list(http::query_pairs(request.query), {}, list);
  WEIR_CHECK(list.filters.empty() || !errors.empty());  // no filter has a name here
}

void check_claims(const SignedRequest& request, SignatureClaims claims) {
  // Each check makes up to nine keyed hashes: the signature says which one is made.
  const char pick = claims.header.signature.back();
  if (pick < '4') {
    WEIR_CHECK(!check_signature(request, claims, std::nullopt));
    return;
  }
  const std::string canonical =
      canonical_request(request, claims, canonical_path(request.path, claims.header.version),
                        canonical_query(request.query));
  const auto chain = key_chain(claims.header, kSecret);
  WEIR_CHECK(chain);
  claims.header.signature = sign_text(*chain, string_to_sign(claims, canonical)).value();
  if (pick < 'a') {
    WEIR_CHECK(check_signature(request, claims, kSecret));
    return;
  }
  char& last = claims.header.signature.back();
  last = last == '0' ? '1' : '0';
  WEIR_CHECK(!check_signature(request, claims, kSecret));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const http::Request request = request_of({reinterpret_cast<const char*>(data), size});
  const SignedRequest view = signed_request(request);
  check_canonical(view);
  const auto claims = read_signature(view, SignatureRules(), kNow);
  if (claims) check_claims(view, *claims);
  return 0;
}
