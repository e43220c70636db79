// Passwords: which are taken, and what is stored of them. The hashing library stays in
// password.cpp. Hashing takes tens of milliseconds and 19 MiB: call it on the threads of a
// PasswordPool alone. Thread: any (pure functions).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::api {

/// Units: characters. Source: reliability guide, section 6. Reached: 400 naming the field.
inline constexpr std::size_t kPasswordMin = 12;
/// Units: bytes. Chosen because sentences fit, and nobody makes the service hash a book. Reached:
/// 400 naming the field.
inline constexpr std::size_t kPasswordBytesMax = 256;

/// What a hash costs.
struct PasswordCost {
  unsigned passes = 0;
  unsigned kibibytes = 0;
  unsigned lanes = 0;

  friend bool operator==(const PasswordCost&, const PasswordCost&) = default;
};

/// Source: OWASP Password Storage Cheat Sheet (Argon2id); reliability guide, section 6. A password
/// whose hash is weaker is hashed anew when it was found right.
inline constexpr PasswordCost kPasswordCost{.passes = 2, .kibibytes = 19'456, .lanes = 1};

/// What is wrong with a new password, or nothing. `name`: of its user.
std::string check_password(std::string_view password, std::string_view name);

/// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>". Errors:  kUnavailable (no memory)
Result<std::string> hash_password(std::string_view password, PasswordCost cost = kPasswordCost);

/// Whether `hash` is of this password. Takes as long for a wrong one as for a right one.
/// Errors:  kUnavailable (no memory)
Result<bool> is_password(std::string_view password, const std::string& hash);

/// Whether the hash costs less than `cost` in any way.
bool is_weaker(const std::string& hash, PasswordCost cost = kPasswordCost);

/// The hash of no password, for names that nobody has.
const std::string& hash_of_nobody();

}  // namespace weir::api
