// The configuration of the daemons: flags before environment before file before default. Small and
// static; everything else goes through the API. Thread: values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/binding.h"
#include "base/log.h"
#include "model/public_pool.h"
#include "net/address.h"

namespace weir::app {

/// Read when it is there and no other file is named.
inline constexpr const char* kDefaultConfigFile = "/etc/weir/weir.yaml";

struct Config {
  std::string data_dir;  // filled in by with_defaults()
  std::string region = "local";
  std::vector<std::string> azs = {"local-1a", "local-1b"};
  int workers = 0;  // 0 = one per core
  int drain_seconds = 3600;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  std::string api_listen = "127.0.0.1:8420";
  std::vector<std::string> api_hosts;
  std::string api_tls_certificate;
  std::string api_tls_key;
  bool api_allows_plain_http = false;
  std::vector<std::string> stream_listen;
  std::string ops_listen = "127.0.0.1:8421";
  std::string node_name;  // empty = the host's name, once
  std::string node_az;    // empty = the first of azs
  std::string control;    // empty = unix:DATA_DIR/stream.sock
  std::string node_key_file;
  std::vector<agent::Binding> bindings;
  /// Source: product.md C.7.
  net::IpAddress check_source = net::IpAddress::v4(0xA9FE'A96E);  // 169.254.169.110
  std::vector<model::PublicPool> pools;  // empty: the default pool, a part of loopback
  /// Quotas that differ from the defaults, by counter: "lb/alb", "listener". Units: objects.
  std::map<std::string, std::int64_t> quotas;

  friend bool operator==(const Config&, const Config&) = default;
};

/// Something wrong, and where: "FILE:12", "--workers", "WEIR_SERVER_WORKERS".
struct Problem {
  std::string where;
  std::string key;  // "node.bindings[1].mode"; empty when it is about no key
  std::string message;
};
using Problems = std::vector<Problem>;

/// "weir.yaml:12: node.az: must be one of azs".
std::string to_string(const Problem& problem);

/// A flag as given: its key and one or more values.
struct GivenFlag {
  std::string key;
  std::string flag;
  std::vector<std::string> values;
};

struct ConfigSources {
  std::string file;  // must exist; empty = kDefaultConfigFile if it is there
  const char* const* environment = nullptr;  // as in environ
  std::vector<GivenFlag> flags{};
};

/// Everything that is wrong is found in one go; the result is only of use without problems.
Config load_config(const ConfigSources& sources, Problems& problems);

/// What a file with this text gives, without environment and flags.
Config config_from_text(const std::string& text, Problems& problems);

/// What control alone would refuse: how its API can be reached.
void check_for_control(const Config& config, Problems& problems);

/// Fills in what depends on the machine: data directory, workers, zone, control.
void fill_in_defaults(Config& config);

}  // namespace weir::app
