#include "api/password_record.h"

#include <algorithm>

#include "base/json.h"

namespace weir::api {

bool PasswordRecord::knows(const std::string& address) const {
  return std::ranges::find(addresses, address) != addresses.end();
}

void PasswordRecord::note_login(const std::string& address, std::string time) {
  std::erase(addresses, address);
  addresses.insert(addresses.begin(), address);
  if (addresses.size() > kKnownAddressesMax) addresses.resize(kKnownAddressesMax);
  last_login = std::move(time);
}

std::string PasswordRecord::text() const {
  Json known = Json::array();
  for (const std::string& address : addresses) known.push_back(Json(address));
  return Json::object({{"hash", hash},
                       {"serial", serial},
                       {"changed", changed},
                       {"lastLogin", last_login},
                       {"addresses", std::move(known)}})
      .dump();
}

std::string password_key(std::string_view user_id) {
  return "people/password/" + std::string(user_id);
}

std::string session_prefix(std::string_view user_id) {
  return "session/" + std::string(user_id) + "/";
}

Result<std::optional<PasswordRecord>> read_password(const store::Store& store,
                                                    std::string_view user_id) {
  const auto stored = store.get(password_key(user_id));
  if (!stored && stored.error().code == ErrorCode::kNotFound)
    return std::optional<PasswordRecord>();
  if (!stored) return stored.error();
  const auto json = parse_json(stored->value);
  if (!json) return Error{ErrorCode::kUnavailable, "a password cannot be read", ""};
  PasswordRecord record{.hash = json->string_or("hash", ""),
                        .serial = json->string_or("serial", ""),
                        .changed = json->string_or("changed", ""),
                        .last_login = json->string_or("lastLogin", ""),
                        .addresses = {},
                        .revision = stored->revision};
  if (const Json* known = json->find("addresses"); known != nullptr && known->is_array()) {
    for (const Json& address : known->as_array()) {
      if (address.is_string()) record.addresses.push_back(address.as_string());
    }
  }
  return std::optional(std::move(record));
}

}  // namespace weir::api
