// The control plane as one object: store, native API, stream to the nodes and the keepers. Made by
// app/control.cpp (roles `weir control` and `weir up`) and by tests, with a store in memory there.
// Thread: start and stop by the owner; everything inside has its own threads.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/login_limits.h"
#include "api/node_questions.h"
#include "api/transport.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "model/public_pool.h"
#include "store/store.h"

namespace weir::api {

/// Names of the region and its availability zones, from the configuration.
struct Region {
  std::string id = "local";
  std::vector<std::string> azs = {"local-1a", "local-1b"};
};

struct ControlOptions {
  std::string data_dir;  // made when missing (mode 0700)
  Transport api;
  /// Addresses for remote nodes ("address:port", TLS with the key of DIR/node.key); the local
  /// socket DIR/stream.sock is always open.
  std::vector<std::string> stream_listen;
  /// Where the node of this machine has its own pages ("address:port"; anything else is no such
  /// address): no target, as the API is none.
  std::string ops_listen;
  /// Names the API answers for beside the address it listens on and localhost; others get 421.
  std::vector<std::string> hosts;
  Region region;
  /// Where elastic IPs take their addresses from.
  std::vector<model::PublicPool> pools = {model::default_pool()};
  /// Quotas that differ from the defaults (product.md D.4), by counter (model/keys.h
  /// kQuotaCounters). Units: objects.
  std::map<std::string, std::int64_t> quotas;
  /// Of attempts to log in.
  LoginSettings logins{};
  /// Of questions to nodes, as `explain` asks them.
  NodeQuestions::Limits questions{};
  std::string build = "0.1.0";
  /// Owns: absent = the SQLite store in data_dir.
  std::unique_ptr<store::Store> store;
};

/// The file of the embedded store.
inline std::string store_path(const std::string& data_dir) { return data_dir + "/weir.db"; }

class ControlServer {
 public:
  /// First start makes epoch, vpc-default with one subnet, the administrator token with
  /// DIR/credentials.json, and DIR/node.key (both mode 0600).
  /// Errors:  kUnavailable (store or address), kInvalidArgument (options)
  static Result<std::unique_ptr<ControlServer>> start(ControlOptions options, Metrics& metrics,
                                                      const Clock& clock);
  virtual ~ControlServer() = default;

  /// "http://127.0.0.1:8420", with the real port; "https://NAME:8420" with TLS, NAME being the
  /// first of the hosts.
  virtual std::string api_endpoint() const = 0;
  /// Reads the files of the API's certificate again, soon. Thread: any.
  virtual void reload_certificate() = 0;
  /// "unix:DIR/stream.sock" first, then those of stream_listen with real ports.
  virtual std::vector<std::string> stream_addresses() const = 0;
  virtual std::string credentials_path() const = 0;
  /// Ends streams and running calls; idempotent, the destructor does the same.
  virtual void stop(Instant deadline) = 0;
};

}  // namespace weir::api
