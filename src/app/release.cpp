// `weir release`: takes away the addresses that a node left behind when it was killed and will not
// start again, because its package goes, for example. A node that runs or starts does it itself.
#include <unistd.h>

#include <iostream>

#include "agent/addresses.h"
#include "agent/rendezvous.h"
#include "app/roles.h"

namespace weir::app {

int run_release(const RoleFlags& flags) {
  configure_log(flags.config, "release");
  const std::string& folder = flags.config.data_dir;
  const std::string record = folder + "/" + agent::kAddressRecord;
  // Nothing was ever added here; a lock that root makes would only be in the way of a later node.
  if (access(record.c_str(), F_OK) != 0) return 0;
  const Result<UniqueFd> lock = agent::hold_node_lock(folder);
  if (!lock) {
    std::cerr << "weir release: " << to_string(lock.error()) << "\n";
    return 1;
  }
  const SystemClock clock;
  agent::Addresses left(agent::machine_address_calls(), record, clock);
  if (left.states().empty() || left.release_all()) return 0;
  std::cerr << "weir release: addresses are left, see the log; it takes CAP_NET_ADMIN\n";
  return 1;
}

}  // namespace weir::app
