// `weir proxy`: the child of a node. Started by agent/proxy_children.h, never by hand.
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <utility>

#include "agent/proxy_role.h"
#include "app/roles.h"
#include "app/settings.h"
#include "app/signals.h"
#include "dataplane/proxy/engine.h"

namespace weir::app {
namespace {

struct ProxyFlags {
  UniqueFd node;
  std::string folder;
  Config config;  // for the log alone
};

/// `--fd N --folder DIR [--log-level L --log-format F]`, as run_node() writes them.
Result<ProxyFlags> parse(const std::vector<std::string>& arguments) {
  ProxyFlags flags;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == "--fd") {
      int fd = -1;
      std::from_chars(value.data(), value.data() + value.size(), fd);
      flags.node.reset(fd);
    } else if (arguments[i] == "--folder") {
      flags.folder = value;
    } else if (arguments[i] == "--log-level") {
      find_setting("log.level")->set(flags.config, {value});
    } else if (arguments[i] == "--log-format") {
      find_setting("log.format")->set(flags.config, {value});
    }
  }
  if (flags.node.valid()) return flags;
  return Error{ErrorCode::kInvalidArgument, "weir proxy is started by weir node", {}};
}

Result<agent::RoleEngine> make_engine(int workers, const Clock& clock,
                                      std::function<void(const snapshot::TargetKey&)> failed) {
  namespace proxy = dataplane::proxy;
  proxy::Options options;
  options.workers = static_cast<std::size_t>(workers);
  options.clock = &clock;
  WEIR_ASSIGN_OR_RETURN(auto engine,
                        proxy::ProxyEngine::open(options, {.connect_failed = std::move(failed)}));
  proxy::ProxyEngine* const raw = engine.get();
  agent::RoleEngine role;
  role.engine = std::move(engine);
  role.listen = [raw](const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
    return raw->add_listener(endpoint, std::move(sockets));
  };
  role.unlisten = [raw](const net::Endpoint& endpoint) { raw->remove_listener(endpoint); };
  role.is_stopped = [raw] { return raw->is_stopped(); };
  return role;
}

}  // namespace

int run_proxy(const std::vector<std::string>& arguments) {
  Result<ProxyFlags> flags = parse(arguments);
  if (!flags) {
    std::cerr << "weir: " << flags.error().message << "\n";
    return 2;
  }
  configure_log(flags->config, "proxy");
  block_signals();
  raise_descriptor_limit();
  const SystemClock clock;
  auto loop = net::EventLoop::open(clock);
  if (!loop) return 1;
  agent::ProxyRole* role = nullptr;
  agent::ProxyRoleOptions options{
      .make_engine =
          [&](int workers) {
            return make_engine(workers, clock, [&role](const snapshot::TargetKey& target) {
              role->connect_failed(target);
            });
          },
      .folder = flags->folder,
      .build = kBuild,
      .ended = [&loop] { (*loop)->stop(); },
  };
  agent::ProxyRole proxy(**loop, std::move(flags->node), std::move(options));
  role = &proxy;
  // Ctrl-C is for the node, which then retires this process.
  const auto signals = Signals::open(**loop, [&proxy](int number) {
    if (number == SIGTERM) proxy.retire(agent::kTermDrain);
  });
  if (!signals) return 1;
  (*loop)->run();
  return 0;
}

}  // namespace weir::app
