// Hands the listening sockets of a node to the next image of its program, which execve puts in its
// place: a memory file lists them, its number stands in the environment. Its proxies need nothing
// here: they find the new image at the rendezvous. Thread: owner.
#pragma once

#include <string>
#include <vector>

#include "agent/listen_sockets.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace weir::agent {

/// Names the descriptor of the memory file.
inline constexpr const char* kHandoverVariable = "WEIR_NODE_HANDOVER";

struct InheritedSockets {
  net::Endpoint endpoint;
  std::vector<UniqueFd> sockets;
};

/// Writes the list and lets the descriptors in it survive execve. Errors: kUnavailable
Result<UniqueFd> write_handover(const ListenSockets& sockets);
/// Takes that back, when execve failed.
void cancel_handover(const ListenSockets& sockets);
/// What an earlier image left, once; empty when there was none. Forgets the environment variable.
std::vector<InheritedSockets> take_handover();

}  // namespace weir::agent
