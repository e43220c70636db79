#include "api/auth.h"

#include "api/secrets.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/random.h"

namespace weir::api {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kTokenPrefix = "weir_";
// Units: bytes of randomness. Source: reliability guide, section 6 (tokens have 256 bits).
constexpr std::size_t kSecretSize = 32;
constexpr std::size_t kIdSize = 5;

Error refused() { return {ErrorCode::kUnauthenticated, "a valid bearer token is required", ""}; }

/// The id inside a token, or nothing when it has not the form of one.
std::string_view id_of(std::string_view token) {
  constexpr std::size_t kSize = kTokenPrefix.size() + 2 * kIdSize + 1 + 2 * kSecretSize;
  if (token.size() != kSize || !token.starts_with(kTokenPrefix)) return {};
  const std::string_view id = token.substr(kTokenPrefix.size(), 2 * kIdSize);
  return id.find_first_not_of("0123456789abcdef") == std::string_view::npos ? id
                                                                            : std::string_view();
}

}  // namespace

std::string token_key(std::string_view id) { return "token/" + std::string(id); }

std::string token_id(std::string_view id) { return "token-" + std::string(id); }

NewToken new_token() {
  NewToken token;
  token.id = secret_hex(kIdSize);
  token.text = std::string(kTokenPrefix) + token.id + "_" + secret_hex(kSecretSize);
  token.sha256 = sha256_hex(token.text);
  return token;
}

Result<Principal> authenticate(const http::Request& request, const store::Store& store,
                               WallTime now) {
  const std::string* header = request.header("Authorization");
  if (header == nullptr || !header->starts_with(kBearer)) return refused();
  const std::string_view token = std::string_view(*header).substr(kBearer.size());
  const std::string_view id = id_of(token);
  // An unknown token takes the same steps as a known one.
  std::string expected(2 * kSecretSize, '-');
  Json known;
  if (!id.empty()) {
    const auto stored = store.get(token_key(id));
    if (!stored && stored.error().code != ErrorCode::kNotFound) return stored.error();
    auto json = stored ? parse_json(stored->value) : Result<Json>(Json());
    if (json) known = *std::move(json);
    expected = known.string_or("sha256", expected);
  }
  if (!equals_in_constant_time(expected, sha256_hex(token))) return refused();
  return principal_of(token_id(id), known, store, now);
}

}  // namespace weir::api
