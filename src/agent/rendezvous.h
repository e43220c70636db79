// Where proxies whose node is gone meet a later node: a Unix socket in the node's data directory,
// and a lock that says whether any proxy still holds listening sockets. The frames that are spoken
// there are proxy_child.h's and proxy_role.h's business. Thread: owner loop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace weir::agent {

/// Pause between attempts of an orphan to find a node. Chosen because an upgrade of the node leaves
/// its proxy alone for this long at most.
inline constexpr std::chrono::milliseconds kOrphanPause{100};
/// For so long after its start a node does not say that a drain is over. Chosen because proxies
/// of an earlier node call every 100 ms, and one that is slow by much more has lost its machine.
/// Reached: drains without connections are over, also while a proxy has not come.
inline constexpr std::chrono::milliseconds kOrphanGrace{2000};

/// The node's side.
class Rendezvous {
 public:
  using Arrived = std::function<void(UniqueFd socket, pid_t pid)>;

  /// Errors:  kAlreadyExists when another node uses the folder, kUnavailable, kPermissionDenied
  static Result<std::unique_ptr<Rendezvous>> open(net::EventLoop& loop, const std::string& folder,
                                                  Arrived arrived);
  ~Rendezvous();

 private:
  Rendezvous(net::EventLoop& loop, UniqueFd listener, Arrived arrived);
  void accept_all();

  net::EventLoop& loop_;
  const UniqueFd listener_;
  const Arrived arrived_;
};

/// An orphan's attempt to find a node. Errors: kUnavailable when there is none, kNotFound when the
/// folder itself is gone, so that no node can ever come
Result<UniqueFd> call_at_rendezvous(const std::string& folder);

/// Held (until it is closed) by every proxy that may have listening sockets.
/// Errors:  kUnavailable, kPermissionDenied, kNotFound
Result<UniqueFd> hold_proxy_lock(const std::string& folder);
/// True when any proxy holds it.
bool is_proxy_lock_held(const std::string& folder);

/// Held by the node: one per folder. Errors: kAlreadyExists when another node runs there,
/// kUnavailable, kPermissionDenied
Result<UniqueFd> hold_node_lock(const std::string& folder);

}  // namespace weir::agent
