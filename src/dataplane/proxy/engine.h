// The user-space data plane: HTTP/1.1 and TCP over worker threads that share nothing. Lives in
// `weir proxy`; the agent loop gives it Snapshots, marks and listening sockets. It opens no
// listening socket itself and checks no health. Thread: agent loop, but for stats(), connections()
// and wake() (any). connect_failed is called on worker threads.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "dataplane/engine.h"
#include "dataplane/proxy/limits.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

struct Options {
  std::size_t workers = 1;
  /// Must outlive the engine. With a virtual clock, call wake() after it moved.
  const Clock* clock = nullptr;
  Limits limits;
};

struct Callbacks {
  /// A connect to this target failed in traffic; at most once per 100 ms, target and worker. Must
  /// not block. Thread:  a worker's
  std::function<void(const snapshot::TargetKey&)> connect_failed;
};

class ProxyEngine final : public Engine {
 public:
  /// Starts the worker threads.
  /// Errors:  kInvalidArgument when there is no worker or no clock, kUnavailable when the system
  /// refuses a resource
  static Result<std::unique_ptr<ProxyEngine>> open(const Options& options, Callbacks callbacks);
  /// Cuts what is left and joins the workers.
  ~ProxyEngine() override;

  /// Takes over listening sockets of `endpoint`, one per worker (more or fewer are dealt out in
  /// turn). Accepting starts when the Snapshot in force has a listener of that endpoint. Sockets of
  /// a known endpoint replace the old ones. Owns:    the descriptors Errors:  kInvalidArgument when
  /// there is no socket
  Result<void> add_listener(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets);
  /// Stops accepting and closes the sockets; established connections run on.
  void remove_listener(const net::Endpoint& endpoint);

  /// Returns when all workers use the Snapshot, or after kApplyPatience with the version they all
  /// have.
  Result<Applied> apply(std::shared_ptr<const snapshot::Snapshot> snapshot) override;
  /// The version that all workers have, also when the last of them was too late for apply().
  Version applied() const;
  void mark(std::span<const HealthMark> marks) override;
  std::vector<DrainProgress> progress() const override;
  void stats(std::vector<Sample>& out) const override;
  Result<Explanation> explain(const Flow& flow) const override;
  Capabilities capabilities() const override;
  /// Returns at once; is_stopped() turns true when no client connection is left or at the deadline.
  /// Until then every response ends its connection, and idle client connections wait for their next
  /// request.
  void stop(Instant deadline) override;

  bool is_stopped() const;
  /// Client connections open now.
  std::uint64_t connections() const;
  /// Makes the workers look at the clock.
  void wake();

 private:
  struct Core;
  explicit ProxyEngine(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace weir::dataplane::proxy
