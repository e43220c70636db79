// The service addresses (VIPs) this node holds. Mode `interface`: adds them by netlink, announces
// them, and takes them away after the last connection; `loopback` and `external`: only keeps the
// account. What it added is written down first, so that a later start takes leftovers away.
// Thread: owner loop.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/binding.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/address.h"

namespace weir::agent {

/// Longest time an address stays for connections of a deleted load balancer. Source: the longest
/// drain of the product, 3600 s. Reached: the address goes, and what still used it is cut.
inline constexpr std::chrono::seconds kAddressReleaseMax{3600};

/// The file of a node's data directory that lists what the node added.
inline constexpr const char* kAddressRecord = "addresses.json";

/// The calls that reach the machine.
struct AddressCalls {
  /// False when the address was there already.
  std::function<Result<bool>(const std::string& interface, const net::IpAddress&)> add;
  /// An address that is gone already is no error.
  std::function<Result<void>(const std::string& interface, const net::IpAddress&)> remove;
  /// Tells the neighbours where the address is now.
  std::function<Result<void>(const std::string& interface, const net::IpAddress&)> announce;
  /// Connections that end at this address, those in TIME_WAIT and listening sockets not counted.
  std::function<std::size_t(const net::IpAddress&)> connections;
};

/// The real ones.
AddressCalls machine_address_calls();

struct WantedAddress {
  net::IpAddress address;
  std::string subnet_id;
  Binding binding;
};

struct AddressState {
  std::string subnet_id;
  BindingMode mode = BindingMode::kLoopback;
  std::string interface;
  std::string failure;      // why it is not here; empty when it is
  bool is_ours = false;     // added by this node, so taken away by it
  bool is_present = false;  // known to be there
  bool is_releasing = false;
  Instant release_deadline;
};

class Addresses {
 public:
  /// `record` is the file that lists what was added; its addresses are taken over as leftovers
  /// until ensure() wants them.
  Addresses(AddressCalls calls, std::string record, const Clock& clock);

  /// Adds what is missing (failures are tried again with the next call); what is not wanted any
  /// more starts to be released.
  void ensure(const std::vector<WantedAddress>& wanted);
  /// Puts back what somebody else has taken away; failures count as with ensure(). True when
  /// something has changed.
  bool restore();
  /// Takes away released addresses without connections, or past their limit. True when one went.
  bool release_idle();
  /// Takes away all it added, when the node ends. What cannot be taken away stays held and on
  /// record, and the answer is false.
  bool release_all();

  /// Everything held, failed, or being released.
  const std::map<net::IpAddress, AddressState>& states() const { return states_; }
  bool has_work() const;

 private:
  void add(const net::IpAddress& address, AddressState& state);
  void announce(const net::IpAddress& address, const AddressState& state);
  /// False when the address may still be there.
  bool remove(const net::IpAddress& address, const AddressState& state);
  void read_record();
  void write_record() const;

  const AddressCalls calls_;
  const std::string record_;
  const Clock& clock_;
  std::map<net::IpAddress, AddressState> states_;
};

}  // namespace weir::agent
