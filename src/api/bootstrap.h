// First start of a service: the default VPC with one subnet, the administrator's token and access
// key with credentials.json, the key for remote nodes. Every later start finds them. Secrets go to
// that file alone: never to a log, and only hashed or sealed to the store. Called by
// control_server.cpp before anything is served. Thread: owner.
#pragma once

#include <string>

#include "api/write_plan.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::api {

inline constexpr std::string_view kDefaultSubnetId = "subnet-default";
inline constexpr std::string_view kDefaultSubnetPrefix = "127.64.0.0/16";

/// Makes the default VPC and subnet, once in the life of a store. Errors:  kUnavailable
Result<void> make_default_network(store::Store& store, const Clock& clock);

/// Makes the administrator, once in the life of a store: DIR/credentials.json {endpoint, accessKey,
/// secretKey, token}; the secret key is stored sealed under DIR/control.key. Errors:  kUnavailable
Result<void> make_administrator(store::Store& store, const std::string& data_dir,
                                const std::string& endpoint);

/// Writes the endpoint clients should use into DIR/credentials.json, when the file is there.
/// Errors:  kUnavailable
Result<void> note_endpoint(const std::string& data_dir, const std::string& endpoint);

std::string credentials_file(const std::string& data_dir);

/// "accesskey/<id>": the store's key of an access key, to which its sealed secret is bound.
std::string access_key_place(std::string_view access_key);

/// The key that secrets are sealed under, in DIR/control.key. Errors:  those of key_file()
Result<std::string> control_key(const std::string& data_dir);

/// The same before anything is served. A key that is missing is made only where nothing needs the
/// one before; of what another key has sealed the log tells.
/// Errors:  kUnavailable when it is missing and the store has what it sealed; those of key_file()
Result<std::string> open_control_key(const store::Store& store, const std::string& data_dir);

/// The key of remote nodes, in DIR/node.key. Errors:  those of key_file()
Result<std::string> node_key(const std::string& data_dir);

}  // namespace weir::api
