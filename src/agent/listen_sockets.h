// The listening sockets of a node: one per (endpoint, worker), sharing the endpoint by
// SO_REUSEPORT. They belong to the node and outlive every proxy child; a socket is never closed and
// bound again while its endpoint is wanted, because connections wait in it. Accepts nothing itself.
// Thread: owner loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/descriptor_passing.h"

namespace weir::agent {

/// Workers of a proxy. Chosen because one message carries at most 200 descriptors and no machine
/// we know of has more cores to spend. Reached: the configuration is refused.
inline constexpr int kWorkersMax = 128;
/// Sockets of one endpoint, own and adopted. Chosen because all go to a proxy in one message.
/// Reached: further inherited sockets are closed, with a line in the log.
inline constexpr std::size_t kSocketsPerEndpointMax = net::kDescriptorsPerMessage;

struct WantedEndpoint {
  net::Endpoint endpoint;
  /// The address may be absent from this machine (binding `external`).
  bool free_bind = false;
};

class ListenSockets {
 public:
  struct Entry {
    std::vector<UniqueFd> sockets;
    /// Another number = other sockets: whoever got the old ones must give them back.
    std::uint64_t generation = 0;
  };

  explicit ListenSockets(int workers) : workers_(workers) {}

  /// Opens what is missing and closes what is not wanted any more; failures stand in failures() and
  /// are tried again with the next call.
  void ensure(const std::vector<WantedEndpoint>& wanted);
  /// Takes over sockets that listen already, of an earlier image of this program or of a child
  /// whose node is gone; those held already, and those over the limit, are closed
  /// again. Answers how many were new.
  std::size_t adopt(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets);

  const std::map<net::Endpoint, Entry>& entries() const { return entries_; }
  /// Endpoints that are wanted and could not be opened, with the reason.
  const std::map<net::Endpoint, std::string>& failures() const { return failures_; }

 private:
  Result<void> open(const WantedEndpoint& wanted);

  const int workers_;
  std::uint64_t next_generation_ = 1;
  std::map<net::Endpoint, Entry> entries_;
  std::map<net::Endpoint, std::string> failures_;
};

}  // namespace weir::agent
