// The listening sockets of one worker: takes new connections, a few per turn, and pauses where
// there is no listener in force or no descriptor left. Thread: one worker.
#pragma once

#include <map>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/proxy/parts.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

class Acceptor : public Timed {
 public:
  explicit Acceptor(Parts& parts) : Timed(TimerKind::kAcceptor), parts_(parts) {}

  /// Sockets of a known endpoint replace the old ones.
  void add(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets);
  void remove(const net::Endpoint& endpoint);
  void remove_all();
  void on_event(const Tag& tag);
  /// Looks again at sockets that were paused: the plan changed, or descriptors came free.
  void resume();
  void on_timer() { resume(); }
  /// Sockets wait for a descriptor to come free.
  bool is_short() const { return short_ > 0; }

 private:
  struct Socket {
    net::Endpoint endpoint;
    UniqueFd fd;
    std::uint32_t generation = 0;
    std::uint32_t batch = 1;  // connections taken per turn
    bool is_paused = false;
    bool is_short = false;  // paused for want of descriptors
  };

  void accept(Socket& socket);
  bool accept_one(Socket& socket, ListenerEntry& listener);
  void refuse(int fd, ListenerEntry& listener);
  void serve(int fd, ListenerEntry& listener, const net::Endpoint& peer);
  void pause(Socket& socket, bool is_short);
  void restart(Socket& socket);
  Tag tag(std::uint32_t index) const {
    return {TagKind::kListener, index, sockets_[index].generation};
  }

  Parts& parts_;
  std::vector<Socket> sockets_;  // those without descriptor are free
  std::size_t paused_ = 0;
  std::size_t short_ = 0;
};

}  // namespace weir::dataplane::proxy
