#include "app/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "agent/listen_sockets.h"
#include "net/address.h"

namespace weir::app {
namespace {

using Values = std::vector<std::string>;

/// Units: seconds. Chosen because a day is longer than anybody waits for a replaced proxy. Reached:
/// the configuration is refused.
constexpr int kDrainSecondsMax = 86'400;
/// Source: the names that the model allows (letters, digits and hyphens). Reached: the
/// configuration is refused.
constexpr std::size_t kNameMax = 63;

std::optional<int> number(const std::string& text, int min, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || value < min || value > max) return std::nullopt;
  return value;
}

std::string not_between(int min, int max, const std::string& found) {
  return "must be a number between " + std::to_string(min) + " and " + std::to_string(max) +
         ", found \"" + found + "\"";
}

std::string check_name(const std::string& text) {
  const bool is_plain = std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!text.empty() && text.size() <= kNameMax && is_plain) return {};
  return "must have 1 to " + std::to_string(kNameMax) +
         " letters, digits, hyphens, dots or underscores, found \"" + text + "\"";
}

std::string check_listen(const std::string& text, bool allows_unix) {
  if (allows_unix && text.starts_with("unix:/")) return {};
  if (net::Endpoint::parse(text)) return {};
  return "must be address:port" + std::string(allows_unix ? " or unix:/path" : "") + ", found \"" +
         text + "\"";
}

std::string set_region(Config& config, const Values& values) {
  config.region = values.front();
  return check_name(config.region);
}

std::string set_azs(Config& config, const Values& values) {
  config.azs = values;
  if (values.empty()) return "must name at least one zone";
  for (const std::string& az : values) {
    if (std::string wrong = check_name(az); !wrong.empty()) return wrong;
  }
  return {};
}

std::string set_data_dir(Config& config, const Values& values) {
  config.data_dir = values.front();
  return config.data_dir.empty() ? "must be a path" : "";
}

std::string set_workers(Config& config, const Values& values) {
  const auto value = number(values.front(), 1, agent::kWorkersMax);
  config.workers = value.value_or(1);
  return value ? "" : not_between(1, agent::kWorkersMax, values.front());
}

std::string set_drain_seconds(Config& config, const Values& values) {
  const auto value = number(values.front(), 0, kDrainSecondsMax);
  config.drain_seconds = value.value_or(0);
  return value ? "" : not_between(0, kDrainSecondsMax, values.front());
}

std::string set_log_level(Config& config, const Values& values) {
  static constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  const auto at = std::ranges::find(kNames, values.front());
  if (at == kNames.end()) {
    return "must be debug, info, warning or error, found \"" + values.front() + "\"";
  }
  config.log_level = static_cast<log::Level>(at - kNames.begin());
  return {};
}

std::string set_log_format(Config& config, const Values& values) {
  if (values.front() != "text" && values.front() != "json") {
    return "must be text or json, found \"" + values.front() + "\"";
  }
  config.log_format = values.front() == "json" ? log::Format::kJson : log::Format::kText;
  return {};
}

std::string set_api_listen(Config& config, const Values& values) {
  config.api_listen = values.front();
  return check_listen(config.api_listen, true);
}

std::string set_api_hosts(Config& config, const Values& values) {
  config.api_hosts = values;
  for (const std::string& host : values) {
    if (std::string wrong = check_name(host); !wrong.empty()) return wrong;
  }
  return {};
}

std::string set_api_tls_certificate(Config& config, const Values& values) {
  config.api_tls_certificate = values.front();
  return config.api_tls_certificate.empty() ? "must be a path" : "";
}

std::string set_api_tls_key(Config& config, const Values& values) {
  config.api_tls_key = values.front();
  return config.api_tls_key.empty() ? "must be a path" : "";
}

std::string set_api_allow_plain_http(Config& config, const Values& values) {
  if (values.front() != "true" && values.front() != "false") {
    return "must be true or false, found \"" + values.front() + "\"";
  }
  config.api_allows_plain_http = values.front() == "true";
  return {};
}

std::string set_stream_listen(Config& config, const Values& values) {
  config.stream_listen = values;
  for (const std::string& address : values) {
    if (std::string wrong = check_listen(address, false); !wrong.empty()) return wrong;
  }
  return {};
}

std::string set_ops_listen(Config& config, const Values& values) {
  config.ops_listen = values.front();
  return check_listen(config.ops_listen, true);
}

std::string set_node_name(Config& config, const Values& values) {
  config.node_name = values.front();
  return check_name(config.node_name);
}

std::string set_node_az(Config& config, const Values& values) {
  config.node_az = values.front();
  return check_name(config.node_az);
}

std::string set_control(Config& config, const Values& values) {
  config.control = values.front();
  return check_listen(config.control, true);
}

std::string set_node_key_file(Config& config, const Values& values) {
  config.node_key_file = values.front();
  return config.node_key_file.empty() ? "must be a path" : "";
}

std::string set_check_source(Config& config, const Values& values) {
  const auto address = net::IpAddress::parse(values.front());
  if (!address || !address->is_v4() || address->is_unspecified()) {
    return "must be an IPv4 address, found \"" + values.front() + "\"";
  }
  config.check_source = *address;
  return {};
}

std::string set_bindings(Config& config, const Values& values) {
  config.bindings.clear();
  for (const std::string& text : values) {
    auto binding = agent::parse_binding(text);
    if (!binding) return weir::to_string(binding.error());
    config.bindings.push_back(*std::move(binding));
  }
  return {};
}

// clang-format off
constexpr std::array kSettings = {
    Setting{"data-dir", "--data-dir", kBothRoles, false,
            "folder of everything that is kept", "/var/lib/weir as root, else ~/.local/share/weir", set_data_dir},
    Setting{"region", "--region", kBothRoles, false, "name of the region", "local", set_region},
    Setting{"azs", "--azs", kBothRoles, true, "availability zones", "local-1a local-1b", set_azs},
    Setting{"workers", "--workers", kNodeRole, false, "proxy workers", "one per core", set_workers},
    Setting{"drain-seconds", "--drain-seconds", kNodeRole, false,
            "how long a replaced proxy may live on for its connections, in seconds", "3600", set_drain_seconds},
    Setting{"log.level", "--log-level", kBothRoles, false, "debug, info, warning or error", "info", set_log_level},
    Setting{"log.format", "--log-format", kBothRoles, false, "text or json", "text", set_log_format},
    Setting{"api.listen", "--api-listen", kControlRole, false, "address of the API", "127.0.0.1:8420", set_api_listen},
    Setting{"api.hosts", "--api-host", kControlRole, true, "further names the API answers for", "", set_api_hosts},
    Setting{"api.tls-certificate", "--api-tls-certificate", kControlRole, false,
            "certificate of the API with those of its issuers (PEM): TLS", "", set_api_tls_certificate},
    Setting{"api.tls-key", "--api-tls-key", kControlRole, false, "key of that certificate (PEM)", "", set_api_tls_key},
    Setting{"api.allow-plain-http", "--api-allow-plain-http", kControlRole, false,
            "unencrypted API on an address that other machines reach: true or false", "false", set_api_allow_plain_http},
    Setting{"stream.listen", "--stream-listen", kControlRole, true, "addresses for nodes on other machines", "", set_stream_listen},
    Setting{"ops.listen", "--ops-listen", kBothRoles, false,
            "address of the node's /metrics, /livez, /readyz; control takes it for no target", "127.0.0.1:8421", set_ops_listen},
    Setting{"node.name", "--node-name", kNodeRole, false, "name of this node", "the host's name", set_node_name},
    Setting{"node.az", "--node-az", kNodeRole, false, "zone of this node", "the first of azs", set_node_az},
    Setting{"node.control", "--control", kNodeRole, false,
            "unix:/path or address:port of control", "unix:DATA_DIR/stream.sock", set_control},
    Setting{"node.key-file", "--node-key", kNodeRole, false, "key shared with control, for address:port", "", set_node_key_file},
    Setting{"node.check-source", "--check-source", kNodeRole, false,
            "address that health checks of a dnlb leave from, where this node has it", "169.254.169.110", set_check_source},
    Setting{"node.bindings", "--binding", kNodeRole, true,
            "subnet=mode[:interface][,source]..., mode loopback, interface or external; pool/NAME stands for the elastic IPs of a pool", "*=loopback", set_bindings},
};
// clang-format on

}  // namespace

std::span<const Setting> all_settings() { return kSettings; }

const Setting* find_setting(std::string_view key) {
  const auto at = std::ranges::find(kSettings, key, &Setting::key);
  return at == kSettings.end() ? nullptr : &*at;
}

std::string help_text(const Setting& setting) {
  std::string text(setting.help);
  if (!setting.default_text.empty())
    text += " (default: " + std::string(setting.default_text) + ")";
  return text;
}

std::string environment_name(std::string_view key) {
  std::string name = "WEIR_SERVER_";
  for (const char c : key) {
    name +=
        c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

}  // namespace weir::app
