#include "api/bootstrap.h"

#include "api/auth.h"
#include "api/files.h"
#include "api/secrets.h"
#include "api/security_groups.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "model/keys.h"
#include "model/registry.h"
#include "model/resources.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kNetworkMade = "meta/default-network";
constexpr std::string_view kAdministratorMade = "meta/administrator";
// Units: bytes. Source: reliability guide, section 6 (256 random bits); AES-256.
constexpr std::size_t kSecretSize = 32;
// The form of the public product's access keys: 32 upper-case characters.
constexpr std::size_t kAccessKeySize = 16;

store::AuditRow audit(const char* operation) {
  store::AuditRow row;
  row.who = "control";
  row.operation = operation;
  row.result = "ok";
  return row;
}

template <class T>
Object own_object(const model::Id& id, const T& spec, const Clock& clock) {
  Object object;
  object.kind = T::kKind;
  object.id = id;
  object.name = id;
  object.owner = model::kDefaultOwner;
  object.created = utc_text(clock.wall_now());
  object.spec = model::to_json(spec);
  object.admin = model::to_json(typename T::Admin());
  return object;
}

/// Stores token and access key in place of those of an unfinished attempt.
Result<void> store_administrator(store::Store& store, const NewToken& token,
                                 const std::string& access_key, const std::string& key,
                                 const std::string& secret_key) {
  store::Transaction transaction;
  for (const char* prefix : {"token/", "accesskey/"}) {
    WEIR_ASSIGN_OR_RETURN(const store::Listing left, store.list(prefix));
    for (const store::Entry& entry : left.entries) {
      transaction.writes.push_back({entry.key, std::nullopt});
    }
  }
  const std::string place = access_key_place(access_key);
  WEIR_ASSIGN_OR_RETURN(const std::string sealed, seal(key, place, secret_key));
  transaction.writes.push_back(
      {token_key(token.id),
       Json::object({{"sha256", token.sha256}, {"role", "administrator"}}).dump()});
  transaction.writes.push_back(
      {place, Json::object({{"sealed", sealed}, {"role", "administrator"}}).dump()});
  transaction.audit = audit("make administrator");
  const auto committed = store.commit(transaction);
  if (!committed) return committed.error();
  return {};
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

}  // namespace

std::string credentials_file(const std::string& data_dir) { return data_dir + "/credentials.json"; }

std::string access_key_place(std::string_view access_key) {
  return "accesskey/" + std::string(access_key);
}

Result<std::string> control_key(const std::string& data_dir) {
  return key_file(data_dir + "/control.key", kSecretSize);
}

Result<std::string> open_control_key(const store::Store& store, const std::string& data_dir) {
  const std::string path = data_dir + "/control.key";
  WEIR_ASSIGN_OR_RETURN(const store::Listing keys, store.list(access_key_place("")));
  const auto text = read_file(path);
  const bool is_missing = !text && text.error().code == ErrorCode::kNotFound;
  if (is_missing && !keys.entries.empty()) {
    return Error{ErrorCode::kUnavailable,
                 path + " is missing, and the store has " + std::to_string(keys.entries.size()) +
                     " access keys that it sealed: put the file back from your copy, or give them "
                     "up with a new one of 64 hex digits (openssl rand -hex 32)",
                 ""};
  }
  WEIR_ASSIGN_OR_RETURN(std::string key, control_key(data_dir));
  std::size_t lost = 0;
  for (const store::Entry& entry : keys.entries) {
    const auto json = parse_json(entry.value);
    if (!json || !unseal(key, entry.key, json->string_or("sealed", ""))) ++lost;
  }
  if (lost > 0) {
    log::error("control.key is not the one that sealed these access keys: their calls answer 503",
               {{"count", std::to_string(lost)}, {"file", path}});
  }
  return key;
}

Result<std::string> node_key(const std::string& data_dir) {
  return key_file(data_dir + "/node.key", kSecretSize);
}

Result<void> make_default_network(store::Store& store, const Clock& clock) {
  const auto made = store.get(kNetworkMade);
  if (made) return {};
  if (made.error().code != ErrorCode::kNotFound) return made.error();
  const model::Id vpc_id(model::kDefaultVpcId);
  model::Vpc vpc;
  vpc.address_prefix = "127.0.0.0/8";
  vpc.description = "loopback of this machine";
  model::Subnet subnet;
  subnet.vpc_id = vpc_id;
  subnet.address_prefix = kDefaultSubnetPrefix;
  WritePlan plan({{model::root_key(vpc_id), Revision()}});
  const Object made_vpc = own_object(vpc_id, vpc, clock);
  plan.create(made_vpc, model::LoadBalancerType::kAlb, {});
  plan.create(default_group_of(made_vpc, clock.wall_now()), model::LoadBalancerType::kAlb, {});
  plan.create(own_object(model::Id(kDefaultSubnetId), subnet, clock), model::LoadBalancerType::kAlb,
              {});
  store::Transaction transaction = plan.take(audit("make default network"));
  transaction.writes.push_back({std::string(kNetworkMade), "1"});
  const auto committed = store.commit(transaction);
  if (!committed) return committed.error();
  return {};
}

Result<void> make_administrator(store::Store& store, const std::string& data_dir,
                                const std::string& endpoint) {
  const auto made = store.get(kAdministratorMade);
  if (made) return {};
  if (made.error().code != ErrorCode::kNotFound) return made.error();
  WEIR_ASSIGN_OR_RETURN(const std::string key, control_key(data_dir));
  const NewToken token = new_token();
  const std::string access_key = upper(secret_hex(kAccessKeySize));
  const std::string secret_key = secret_hex(kSecretSize);
  WEIR_TRY(store_administrator(store, token, access_key, key, secret_key));
  const Json credentials = Json::object({{"endpoint", endpoint},
                                         {"accessKey", access_key},
                                         {"secretKey", secret_key},
                                         {"token", token.text}});
  WEIR_TRY(write_private_file(credentials_file(data_dir), credentials.dump(2) + "\n"));
  // After a crash before this point the next start makes new ones: nobody has read these.
  store::Transaction transaction;
  transaction.writes = {{std::string(kAdministratorMade), "1"}};
  transaction.audit = audit("make administrator");
  const auto committed = store.commit(transaction);
  if (!committed) return committed.error();
  log::info("made an administrator", {{"credentials", credentials_file(data_dir)}});
  return {};
}

Result<void> note_endpoint(const std::string& data_dir, const std::string& endpoint) {
  const std::string path = credentials_file(data_dir);
  const auto text = read_file(path);
  if (!text && text.error().code == ErrorCode::kNotFound) return {};
  if (!text) return text.error();
  auto credentials = parse_json(*text);
  if (!credentials || !credentials->is_object()) {
    log::warning("credentials.json cannot be read; it stays as it is", {{"path", path}});
    return {};
  }
  if (credentials->string_or("endpoint", "") == endpoint) return {};
  (*credentials)["endpoint"] = Json(endpoint);
  return write_private_file(path, credentials->dump(2) + "\n");
}

}  // namespace weir::api
