// What is stored of a user's password, below people/password/. Apart from the user, so that no
// document that is shown has it. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong_type.h"
#include "store/store.h"

namespace weir::api {

/// Addresses where a user logged in, newest first. Chosen because a person has few: home, office,
/// telephone. Reached: the oldest is forgotten.
inline constexpr std::size_t kKnownAddressesMax = 8;

struct PasswordRecord {
  std::string hash;
  /// New with each password: a session is for the one it was opened with.
  std::string serial;
  std::string changed;     // time, as the API shows it
  std::string last_login;  // the same; empty: never
  std::vector<std::string> addresses;
  Revision revision;  // not part of the text

  bool knows(const std::string& address) const;
  void note_login(const std::string& address, std::string time);
  std::string text() const;
};

std::string password_key(std::string_view user_id);
/// What the keys of a user's sessions begin with.
std::string session_prefix(std::string_view user_id);

/// Nothing when the user has no password. Errors:  kUnavailable
Result<std::optional<PasswordRecord>> read_password(const store::Store& store,
                                                    std::string_view user_id);

}  // namespace weir::api
