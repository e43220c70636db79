// Every live object of the store in memory, one moment of it at a time, with the changes that led
// there: what reads, checks, watches and the stream to the nodes work on. What a deleted load
// balancer leaves behind in the store is never live here. Follows the store by itself; after a
// commit its writer calls refresh(), so that whoever was answered reads what was written.
// Thread: any.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "model/object.h"
#include "model/world_view.h"
#include "store/store.h"

namespace weir::api {

/// Changes kept for watches, page walks and nodes that come back; beyond either bound they list
/// again. Source: as many as the store keeps (store.h). Reached: 412 to a page, a watch or a resync
/// that wants older ones; it lists again.
inline constexpr std::size_t kLiveChangesKept = 10'000;
/// Of memory, for what those changes replaced. Chosen because a target group of 10 targets takes
/// 5 KiB: all of them fit. Reached: 412 to a page, a watch or a resync that wants older ones; it
/// lists again.
inline constexpr std::size_t kLiveChangesBytesKept = std::size_t{64} << 20;

/// What happened to one live object. One of both is absent when it was made or has gone.
struct LiveChange {
  Revision revision;
  std::shared_ptr<const model::Object> before;
  std::shared_ptr<const model::Object> after;

  const model::Object& object() const { return after ? *after : *before; }
};

class Catalog {
 public:
  /// Reads the whole store. Errors: kUnavailable
  static Result<std::unique_ptr<Catalog>> open(const store::Store& store);
  ~Catalog();

  /// Catches up with everything committed before the call. Errors: kUnavailable
  Result<void> refresh();
  Revision revision() const WEIR_EXCLUDES(mutex_);
  /// Waits until the revision is above `after`; false when `deadline` passed or stop() was called,
  /// or when `interrupt` is true: it is looked at before, and after each wake().
  bool wait_after(Revision after, Instant deadline,
                  const std::atomic<bool>* interrupt = nullptr) const WEIR_EXCLUDES(mutex_);
  /// Lets the waits that run look at their interrupt.
  void wake() const WEIR_EXCLUDES(mutex_);
  /// Wakes all waits for good.
  void stop() WEIR_EXCLUDES(mutex_);

  /// Calls `read(const model::ObjectIndex&, Revision)` on one moment; it must not keep pointers.
  template <class Read>
  auto read(Read&& reading) const WEIR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return reading(static_cast<const model::ObjectIndex&>(index_), revision_);
  }

  struct Progress {
    std::vector<LiveChange> changes;  // ascending by revision
    Revision revision;                // everything up to here is included
  };
  /// What happened above `after`, or nothing when that is no longer (or not yet) known.
  std::optional<Progress> changes_after(Revision after) const WEIR_EXCLUDES(mutex_);
  /// All objects as they were at `revision`, or nothing when that is no longer known.
  std::optional<model::ObjectIndex> index_at(Revision revision) const WEIR_EXCLUDES(mutex_);

  /// The object that holds a part (model/parts.h); empty without one.
  model::Id whole_of_part(std::string_view part) const WEIR_EXCLUDES(mutex_);

  /// Stored objects below load balancers that have been deleted, by load balancer: to be collected.
  std::map<model::Id, std::vector<model::Object>> hidden() const WEIR_EXCLUDES(mutex_);

 private:
  struct Kept {
    LiveChange change;
    std::size_t bytes = 0;
  };

  explicit Catalog(const store::Store& store) : store_(store) {}
  void follow(const std::stop_token& stop);
  Result<void> pull(Instant deadline);
  Result<void> relist();
  void take(const store::Changes& changes) WEIR_EXCLUDES(mutex_);
  void take_revision(std::vector<store::Change> changes) WEIR_REQUIRES(mutex_);
  void take_put(model::Object object) WEIR_REQUIRES(mutex_);
  void take_delete(model::Kind kind, const model::Id& id, Revision revision) WEIR_REQUIRES(mutex_);
  void hide_children(const model::Object& load_balancer, Revision revision) WEIR_REQUIRES(mutex_);
  bool is_live(const model::Object& object) const WEIR_REQUIRES(mutex_);
  void note(LiveChange change) WEIR_REQUIRES(mutex_);
  void index_parts(const LiveChange& change) WEIR_REQUIRES(mutex_);

  const store::Store& store_;

  mutable Mutex mutex_;
  mutable Condition changed_;
  model::ObjectIndex index_ WEIR_GUARDED_BY(mutex_);
  std::map<model::Id, model::Id, std::less<>> whole_of_part_ WEIR_GUARDED_BY(mutex_);
  Revision revision_ WEIR_GUARDED_BY(mutex_);
  std::deque<Kept> changes_ WEIR_GUARDED_BY(mutex_);
  std::size_t changes_bytes_ WEIR_GUARDED_BY(mutex_) = 0;
  Revision forgotten_ WEIR_GUARDED_BY(mutex_);  // changes up to this one are not known
  std::map<model::Id, std::map<std::string, model::Object>> hidden_ WEIR_GUARDED_BY(mutex_);
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;

  std::jthread follower_;
};

}  // namespace weir::api
