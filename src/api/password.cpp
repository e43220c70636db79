#include "api/password.h"

#include <argon2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/mutant.h"
#include "base/random.h"

namespace weir::api {
namespace {

// Units: bytes. Source: RFC 9106, 3.1 and 4.
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kTagSize = 32;

/// Characters of UTF-8: bytes that do not go on with another.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The number after `name` in "m=19456,t=2,p=1".
std::optional<unsigned> parameter(std::string_view hash, std::string_view name) {
  const std::size_t at = hash.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = hash.substr(at + name.size());
  unsigned value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end == rest.data()) return std::nullopt;
  return value;
}

}  // namespace

std::string check_password(std::string_view password, std::string_view name) {
  if (characters(password) < kPasswordMin) {
    return "must have at least " + std::to_string(kPasswordMin) + " characters";
  }
  if (password.size() > kPasswordBytesMax) {
    return "must have at most " + std::to_string(kPasswordBytesMax) + " bytes";
  }
  if (std::ranges::any_of(password, is_control)) return "must have no control characters";
  const bool is_repeated = std::ranges::all_of(password, [&](char c) { return c == password[0]; });
  if (is_repeated) return "must not be one character again and again";
  if (!name.empty() && password.find(name) != std::string_view::npos &&
      characters(password) - characters(name) < kPasswordMin / 2) {
    return "must be more than the user's name";
  }
  return {};
}

Result<std::string> hash_password(std::string_view password, PasswordCost cost) {
  std::array<char, kSaltSize> salt{};
  const std::string random = secret_hex(kSaltSize);
  for (std::size_t i = 0; i < kSaltSize; ++i) {
    unsigned byte = 0;
    std::from_chars(&random[2 * i], &random[2 * i] + 2, byte, 16);
    salt[i] = static_cast<char>(byte);
  }
  std::string encoded(
      argon2_encodedlen(cost.passes, cost.kibibytes, cost.lanes, kSaltSize, kTagSize, Argon2_id),
      '\0');
  const int outcome = argon2id_hash_encoded(cost.passes, cost.kibibytes, cost.lanes,
                                            password.data(), password.size(), salt.data(),
                                            salt.size(), kTagSize, encoded.data(), encoded.size());
  if (outcome != ARGON2_OK) {
    return Error{ErrorCode::kUnavailable,
                 std::string("the password cannot be hashed: ") + argon2_error_message(outcome),
                 ""};
  }
  encoded.resize(encoded.find('\0'));  // the length has room for the end of a C string
  return encoded;
}

Result<bool> is_password(std::string_view password, const std::string& hash) {
  if (mutant("any-password")) return true;
  const int outcome = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (outcome == ARGON2_MEMORY_ALLOCATION_ERROR) {
    return Error{ErrorCode::kUnavailable, "there is no memory to verify a password: try again", ""};
  }
  return outcome == ARGON2_OK;
}

bool is_weaker(const std::string& hash, PasswordCost cost) {
  const auto passes = parameter(hash, ",t=");
  const auto kibibytes = parameter(hash, "$m=");
  const auto lanes = parameter(hash, ",p=");
  return !hash.starts_with("$argon2id$v=19$") || !passes || *passes < cost.passes || !kibibytes ||
         *kibibytes < cost.kibibytes || !lanes || *lanes < cost.lanes;
}

const std::string& hash_of_nobody() {
  // Nobody knows of a password with this tag.
  static const std::string kHash = "$argon2id$v=19$m=" + std::to_string(kPasswordCost.kibibytes) +
                                   ",t=" + std::to_string(kPasswordCost.passes) +
                                   ",p=" + std::to_string(kPasswordCost.lanes) + "$" +
                                   std::string(22, 'A') + "$" + std::string(43, 'A');
  return kHash;
}

}  // namespace weir::api
