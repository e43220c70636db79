#include "app/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <span>
#include <thread>

#include "agent/listen_sockets.h"
#include "api/transport.h"
#include "app/config_file.h"
#include "app/settings.h"
#include "model/keys.h"
#include "model/text_rules.h"
#include "net/address.h"

namespace weir::app {
namespace {

using Kind = ConfigNode::Kind;

/// Units: characters of a pool's name, provider or zone. Source: the names that the model allows.
/// Reached: the configuration is refused.
constexpr std::size_t kPoolNameMax = 32;

/// Applies a file to a configuration and collects what is wrong with it.
class FileReader {
 public:
  FileReader(std::string file, Config& config, Problems& problems)
      : file_(std::move(file)), config_(config), problems_(problems) {}

  void read(const ConfigNode& root) {
    if (root.kind == Kind::kNull) return;
    if (root.kind != Kind::kMap) return add(root.line, "", "must be a map of settings");
    read_map(root, "");
  }

 private:
  void add(int line, const std::string& key, std::string message) {
    problems_.push_back({file_ + ":" + std::to_string(line), key, std::move(message)});
  }

  /// False when this key was there before.
  bool is_first(std::set<std::string>& seen, const std::string& key, int line,
                const std::string& path) {
    if (seen.insert(key).second) return true;
    add(line, path, "stands here twice");
    return false;
  }

  void read_map(const ConfigNode& map, const std::string& prefix) {
    std::set<std::string> seen;
    for (const auto& [key, node] : map.members) {
      const std::string path = prefix.empty() ? key : prefix + "." + key;
      if (!is_first(seen, key, node.line, path)) continue;
      if (path == "node.bindings") {
        read_bindings(node);
      } else if (path == "pools") {
        read_pools(node);
      } else if (path == "quotas") {
        read_quotas(node);
      } else if (const Setting* setting = find_setting(path)) {
        read_setting(node, *setting);
      } else if (!is_group(path)) {
        add(node.line, path, "is not a setting");
      } else if (node.kind == Kind::kMap) {
        read_map(node, path);
      } else if (node.kind != Kind::kNull) {
        add(node.line, path, "must be a map");
      }
    }
  }

  static bool is_group(const std::string& path) {
    return std::ranges::any_of(all_settings(), [&path](const Setting& setting) {
      return setting.key.starts_with(path + ".");
    });
  }

  void read_setting(const ConfigNode& node, const Setting& setting) {
    std::vector<std::string> values;
    if (node.kind == Kind::kText) values.push_back(node.text);
    for (const ConfigNode& item : node.items) {
      if (item.kind != Kind::kText) {
        return add(item.line, std::string(setting.key), "must be a list of plain values");
      }
      values.push_back(item.text);
    }
    const bool is_plain = node.kind == Kind::kText || (setting.is_list && node.kind == Kind::kList);
    if (!is_plain) {
      return add(node.line, std::string(setting.key),
                 setting.is_list ? "must be a value or a list of values" : "must be a value");
    }
    const std::string wrong = setting.set(config_, values);
    if (!wrong.empty()) add(node.line, std::string(setting.key), wrong);
  }

  void read_bindings(const ConfigNode& node) {
    config_.bindings.clear();
    if (node.kind != Kind::kList) return add(node.line, "node.bindings", "must be a list");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string path = "node.bindings[" + std::to_string(i) + "]";
      const ConfigNode& item = node.items[i];
      if (item.kind != Kind::kMap) {
        add(item.line, path, "must be a map of subnet or pool, mode, interface, sources");
        continue;
      }
      read_binding(item, path);
    }
  }

  void read_binding(const ConfigNode& item, const std::string& path) {
    agent::Binding binding;
    const std::size_t before = problems_.size();
    std::set<std::string> seen;
    for (const auto& [key, node] : item.members) {
      if (!is_first(seen, key, node.line, path + "." + key)) continue;
      if (key == "subnet") {
        binding.subnet = text_of(node, path + ".subnet");
      } else if (key == "pool") {
        binding.subnet = model::pool_network(name_of(node, path + ".pool"));
      } else if (key == "mode") {
        const auto mode = agent::binding_mode_of(text_of(node, path + ".mode"));
        if (!mode) add(node.line, path + ".mode", mode.error().message);
        if (mode) binding.mode = *mode;
      } else if (key == "interface") {
        binding.interface = text_of(node, path + ".interface");
      } else if (key == "sources") {
        read_sources(node, path + ".sources", binding);
      } else {
        add(node.line, path + "." + key, "is not a setting");
      }
    }
    if (seen.contains("subnet") && seen.contains("pool")) {
      add(item.line, path + ".pool", "must be absent where subnet is set");
    }
    if (!seen.contains("mode")) add(item.line, path + ".mode", "must be set");
    if (problems_.size() == before) {
      for (const Error& error : agent::check_binding(binding)) {
        add(item.line, path + "." + error.field, error.message);
      }
    }
    config_.bindings.push_back(std::move(binding));
  }

  void read_sources(const ConfigNode& node, const std::string& path, agent::Binding& binding) {
    if (node.kind != Kind::kList) return add(node.line, path, "must be a list of addresses");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const auto address = net::IpAddress::parse(node.items[i].text);
      if (address) {
        binding.sources.push_back(*address);
      } else {
        add(node.items[i].line, path + "[" + std::to_string(i) + "]", address.error().message);
      }
    }
  }

  void read_pools(const ConfigNode& node) {
    if (node.kind != Kind::kList) return add(node.line, "pools", "must be a list");
    if (node.items.size() > model::kPoolsMax) {
      return add(node.line, "pools",
                 "must have at most " + std::to_string(model::kPoolsMax) + " items");
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      read_pool(node.items[i], "pools[" + std::to_string(i) + "]");
    }
  }

  void read_pool(const ConfigNode& item, const std::string& path) {
    if (item.kind != Kind::kMap) {
      return add(item.line, path, "must be a map of name, provider, az, prefixes");
    }
    model::PublicPool pool;
    std::set<std::string> seen;
    for (const auto& [key, node] : item.members) {
      if (!is_first(seen, key, node.line, path + "." + key)) continue;
      if (key == "name") {
        pool.name = name_of(node, path + ".name");
      } else if (key == "provider") {
        pool.provider = name_of(node, path + ".provider");
      } else if (key == "az") {
        pool.az = text_of(node, path + ".az");
      } else if (key == "prefixes") {
        read_prefixes(node, path + ".prefixes", pool);
      } else {
        add(node.line, path + "." + key, "is not a setting");
      }
    }
    for (const char* key : {"name", "prefixes"}) {
      if (!seen.contains(key)) add(item.line, path + "." + key, "must be set");
    }
    config_.pools.push_back(std::move(pool));
  }

  std::string name_of(const ConfigNode& node, const std::string& path) {
    std::string name = text_of(node, path);
    const std::string wrong = node.kind == Kind::kText
                                  ? model::check_text(name, model::TextRule::kName, kPoolNameMax)
                                  : "";
    if (name.empty() || !wrong.empty()) {
      add(node.line, path, name.empty() ? "must be set" : wrong);
    }
    return name;
  }

  void read_prefixes(const ConfigNode& node, const std::string& path, model::PublicPool& pool) {
    if (node.kind != Kind::kList || node.items.empty() ||
        node.items.size() > model::kPoolPrefixesMax) {
      return add(node.line, path,
                 "must be a list of 1 to " + std::to_string(model::kPoolPrefixesMax) + " prefixes");
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string item = path + "[" + std::to_string(i) + "]";
      const auto prefix = net::Prefix::parse(text_of(node.items[i], item));
      if (!prefix) {
        add(node.items[i].line, item, prefix.error().message);
      } else if (!prefix->base.is_v4() || prefix->length < model::kPoolMaskMin) {
        add(node.items[i].line, item,
            "must be an IPv4 prefix with a mask between " + std::to_string(model::kPoolMaskMin) +
                " and 32, found " + prefix->text());
      } else {
        pool.prefixes.push_back(*prefix);
      }
    }
  }

  void read_quotas(const ConfigNode& node) {
    if (node.kind != Kind::kMap) return add(node.line, "quotas", "must be a map of numbers");
    std::set<std::string> seen;
    for (const auto& [counter, value] : node.members) {
      const std::string path = "quotas." + counter;
      if (!is_first(seen, counter, value.line, path)) continue;
      if (std::ranges::find(model::kQuotaCounters, counter) == std::end(model::kQuotaCounters)) {
        add(value.line, path, "is not a quota");
        continue;
      }
      const std::string text = text_of(value, path);
      std::int64_t& quota = config_.quotas[counter];
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quota);
      const bool is_whole = error == std::errc() && end == text.data() + text.size();
      const std::int64_t most = model::quota_limit(counter);
      if (is_whole && quota >= 0 && quota <= most) continue;
      add(value.line, path, "must be a number between 0 and " + std::to_string(most));
    }
  }

  std::string text_of(const ConfigNode& node, const std::string& path) {
    if (node.kind != Kind::kText) add(node.line, path, "must be a value");
    return node.text;
  }

  const std::string file_;
  Config& config_;
  Problems& problems_;
};

void apply(const Result<ConfigNode>& root, const std::string& name, Config& config,
           Problems& problems) {
  if (!root) {
    problems.push_back({name, "", root.error().message});
    return;
  }
  FileReader(name, config, problems).read(*root);
}

void read_file(const std::string& path, Config& config, Problems& problems) {
  apply(read_config_file(path), path, config, problems);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// Values of a list are separated by blanks, because a binding has commas.
void read_environment(const char* const* environment, Config& config, Problems& problems) {
  constexpr std::string_view kPrefix = "WEIR_SERVER_";
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string entry = *environment;
    if (!entry.starts_with(kPrefix)) continue;
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const std::string name = entry.substr(0, equals);
    const std::string value = equals < entry.size() ? entry.substr(equals + 1) : "";
    const auto setting = std::ranges::find(
        all_settings(), name, [](const Setting& one) { return environment_name(one.key); });
    if (setting == all_settings().end()) {
      problems.push_back({name, "", "is not a setting"});
      continue;
    }
    const auto values = setting->is_list ? split(value, ' ') : std::vector<std::string>{value};
    const std::string wrong = setting->set(config, values);
    if (!wrong.empty()) problems.push_back({name, "", wrong});
  }
}

/// An address belongs to one pool, and a name to one.
void check_pools(const Config& config, Problems& problems) {
  const auto add = [&](std::size_t index, std::string_view key, std::string message) {
    problems.push_back(
        {"", "pools[" + std::to_string(index) + "]." + std::string(key), std::move(message)});
  };
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const model::PublicPool& pool = config.pools[i];
    const std::span<const model::PublicPool> before(config.pools.data(), i);
    if (!pool.az.empty() && std::ranges::find(config.azs, pool.az) == config.azs.end()) {
      add(i, "az", "must be one of azs, found \"" + pool.az + "\"");
    }
    if (std::ranges::find(before, pool.name, &model::PublicPool::name) != before.end()) {
      add(i, "name", "\"" + pool.name + "\" names another pool");
    }
    for (std::size_t at = 0; at < pool.prefixes.size(); ++at) {
      const auto* other = model::pool_overlapping(before, pool.prefixes[at]);
      const auto twin = std::ranges::find_if(
          pool.prefixes.begin(), pool.prefixes.begin() + static_cast<std::ptrdiff_t>(at),
          [&](const net::Prefix& prefix) { return prefix.overlaps(pool.prefixes[at]); });
      const bool is_twice = twin != pool.prefixes.begin() + static_cast<std::ptrdiff_t>(at);
      if (other == nullptr && !is_twice) continue;
      add(i, "prefixes",
          pool.prefixes[at].text() + " overlaps another prefix of pool " +
              (other == nullptr ? pool.name : other->name));
    }
  }
}

void check_whole(const Config& config, Problems& problems) {
  check_pools(config, problems);
  const bool is_az_known =
      config.node_az.empty() || std::ranges::find(config.azs, config.node_az) != config.azs.end();
  if (!is_az_known) {
    problems.push_back({"", "node.az", "must be one of azs, found \"" + config.node_az + "\""});
  }
  std::set<std::string> subnets;
  for (const agent::Binding& binding : config.bindings) {
    if (subnets.insert(binding.subnet).second) continue;
    problems.push_back({"", "node.bindings", "name subnet \"" + binding.subnet + "\" twice"});
  }
  const bool is_remote = !config.control.empty() && !config.control.starts_with("unix:");
  if (is_remote && config.node_key_file.empty()) {
    problems.push_back({"", "node.key-file", "must be set for a control at address:port"});
  }
}

bool is_there(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0;
}

std::string default_data_dir() {
  if (geteuid() == 0) return "/var/lib/weir";
  const char* const home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/tmp") + "/.local/share/weir";
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.where;
  for (const std::string& part : {problem.key, problem.message}) {
    if (part.empty()) continue;
    if (!text.empty()) text += ": ";
    text += part;
  }
  return text;
}

Config load_config(const ConfigSources& sources, Problems& problems) {
  Config config;
  if (!sources.file.empty()) {
    read_file(sources.file, config, problems);
  } else if (is_there(kDefaultConfigFile)) {
    read_file(kDefaultConfigFile, config, problems);
  }
  read_environment(sources.environment, config, problems);
  for (const GivenFlag& flag : sources.flags) {
    const Setting* const setting = find_setting(flag.key);
    const std::string wrong =
        setting == nullptr ? "is not a setting" : setting->set(config, flag.values);
    if (!wrong.empty()) problems.push_back({flag.flag, "", wrong});
  }
  check_whole(config, problems);
  return config;
}

Config config_from_text(const std::string& text, Problems& problems) {
  Config config;
  apply(parse_config(text), "text", config, problems);
  check_whole(config, problems);
  return config;
}

void check_for_control(const Config& config, Problems& problems) {
  const api::Transport transport{config.api_listen, config.api_tls_certificate, config.api_tls_key,
                                 config.api_allows_plain_http};
  for (const Error& error : api::check_transport(transport)) {
    problems.push_back({"", error.field, error.message});
  }
}

void fill_in_defaults(Config& config) {
  if (config.data_dir.empty()) config.data_dir = default_data_dir();
  if (config.workers == 0) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    config.workers = std::clamp(cores, 1, agent::kWorkersMax);
  }
  if (config.node_az.empty() && !config.azs.empty()) config.node_az = config.azs.front();
  if (config.bindings.empty()) {
    // Loopback subnets need nothing of the machine, so a node serves them unless told otherwise.
    config.bindings.push_back({.subnet = std::string(agent::kAnySubnet),
                               .mode = agent::BindingMode::kLoopback,
                               .interface = {},
                               .sources = {}});
  }
  if (config.pools.empty()) config.pools.push_back(model::default_pool());
  if (config.control.empty()) config.control = "unix:" + config.data_dir + "/stream.sock";
}

}  // namespace weir::app
