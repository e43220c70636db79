// The events that are still known, in two rings: changes of objects, which come from the store and
// are read back from it after a start, and what was observed, which is of this run alone. Fed by
// the hub's thread (watch.h), read by every stream of events (docs/formats/events.md).
// Thread: any.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/event.h"
#include "api/object_events.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::api {

/// Events of each ring. Source: as many as the store keeps changes (store.h), so that a reader who
/// comes back after a start finds what the store still has. Reached: the oldest goes; a reader that
/// wants it is told to list again, weir_api_limit_reached_total{limit="events"}.
inline constexpr std::size_t kEventsKept = 10'000;
/// Units: bytes, of each ring. Chosen because 10 000 events of 1.5 KiB fit. Reached: as above.
inline constexpr std::size_t kEventBytesKept = std::size_t{16} << 20;

class EventLog {
 public:
  struct Parts {
    const store::Store& store;
    const Clock& clock;
    Metrics& metrics;
    std::size_t events_kept = kEventsKept;
    /// What was observed since it was asked last, without order and number.
    std::function<std::vector<Event>()> observe = [] { return std::vector<Event>(); };
  };
  /// Begins with what is committed from now on. Errors: kUnavailable
  static Result<std::unique_ptr<EventLog>> open(Parts parts);

  /// Takes what has happened since. A store that cannot be read is asked again the next time.
  void advance() WEIR_EXCLUDES(advance_mutex_, mutex_);

  /// The end of the stream.
  EventPosition newest() const WEIR_EXCLUDES(mutex_);
  /// Before everything that is still known. Errors: kUnavailable
  Result<EventPosition> oldest() WEIR_EXCLUDES(mutex_);
  /// Before everything of that moment and later. Errors: kUnavailable
  Result<EventPosition> since(WallTime time) WEIR_EXCLUDES(mutex_);
  /// Reads back what a reader at `from` wants and happened before this run. Errors: kUnavailable
  Result<void> recall(const EventPosition& from) WEIR_EXCLUDES(mutex_);

  struct Missed {
    std::string_view scope;  // "objects" or "observed"
    std::string_view reason;
  };
  struct Told {
    EventPosition position;  // behind this event
    std::string json;
  };
  struct Batch {
    std::vector<Missed> missed;  // before the events
    std::vector<Told> events;
    EventPosition reached;  // also behind what the query does not let through
  };
  /// What follows `from`, as far as about `bytes_max` go.
  Batch read(const EventPosition& from, const EventQuery& query, std::size_t bytes_max) const
      WEIR_EXCLUDES(mutex_);

 private:
  struct Ring {
    std::deque<Event> events;
    std::size_t bytes = 0;
  };

  explicit EventLog(Parts parts) : parts_(std::move(parts)) {}
  Result<void> begin() WEIR_EXCLUDES(advance_mutex_, mutex_);
  Result<void> take_changes() WEIR_REQUIRES(advance_mutex_) WEIR_EXCLUDES(mutex_);
  Result<AuditRows> rows_until(Revision revision) WEIR_REQUIRES(advance_mutex_);
  Result<AuditRows> rows_since(Revision revision) const;
  void add_changes(std::vector<Event> events, Revision revision) WEIR_REQUIRES(mutex_);
  void add_observed(std::vector<Event> events) WEIR_REQUIRES(mutex_);
  void trim(Ring& ring) WEIR_REQUIRES(mutex_);
  EventPosition from_known(const EventPosition& from, std::vector<Missed>& missed) const
      WEIR_REQUIRES(mutex_);
  EventPosition newest_locked() const WEIR_REQUIRES(mutex_);
  EventPosition oldest_locked() const WEIR_REQUIRES(mutex_);

  const Parts parts_;
  // Constant after begin().
  Epoch epoch_;
  std::string run_;
  Revision begun_;  // changes above it were seen as they came

  Mutex advance_mutex_;                                           // before mutex_
  std::uint64_t audit_seen_ WEIR_GUARDED_BY(advance_mutex_) = 0;  // newest row that was read
  bool is_store_readable_ WEIR_GUARDED_BY(advance_mutex_) = true;
  Mutex recall_mutex_;  // before mutex_
  bool is_recalled_ WEIR_GUARDED_BY(recall_mutex_) = false;

  mutable Mutex mutex_;
  Ring changes_ WEIR_GUARDED_BY(mutex_);
  Ring observed_ WEIR_GUARDED_BY(mutex_);
  Revision revision_ WEIR_GUARDED_BY(mutex_);   // changes up to it are in
  Revision forgotten_ WEIR_GUARDED_BY(mutex_);  // changes up to it are not known
  std::uint64_t observed_forgotten_ WEIR_GUARDED_BY(mutex_) = 0;
  std::uint64_t observed_count_ WEIR_GUARDED_BY(mutex_) = 0;
  std::uint64_t order_ WEIR_GUARDED_BY(mutex_) = 0;
};

}  // namespace weir::api
