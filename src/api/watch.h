// Streams that go on: one thread that hands to every reader what is new for it, once and in order:
// watches of a kind, and the event stream (event_watch.h). A reader that cannot follow is ended,
// and nobody waits for it. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/catalog.h"
#include "api/listing.h"
#include "api/observed.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "http/server.h"

namespace weir::api {

/// One stream, as the hub's thread asks for it.
struct Watch {
  struct Next {
    std::string bytes;
    bool is_last = false;  // the stream ends behind them
  };
  /// What is new now, for a reader of which so many bytes wait.
  std::function<Next(std::size_t waiting, Instant now)> next;
  /// Asked before anything is written and every kRightsPause: a stream ends when its credential is
  /// revoked.
  std::function<bool()> may_follow;
  /// Written when it may not.
  std::string farewell{};
};

class WatchHub {
 public:
  /// `prepare` is called on the hub's thread before each round.
  WatchHub(const Catalog& catalog, Metrics& metrics, std::function<void()> prepare);
  ~WatchHub();

  void add(std::unique_ptr<http::ResponseStream> stream, Watch watch) WEIR_EXCLUDES(mutex_);

 private:
  struct Watcher {
    std::unique_ptr<http::ResponseStream> stream;
    Watch watch;
    Instant asked{};  // when may_follow was asked last
  };
  void run(const std::stop_token& stop);
  void serve();

  const Catalog& catalog_;
  const std::function<void()> prepare_;
  MetricValue& readers_;
  Mutex mutex_;
  std::vector<Watcher> added_ WEIR_GUARDED_BY(mutex_);
  std::vector<Watcher> watchers_;  // owned by the hub's thread
  std::jthread thread_;
};

/// One step of a stream; false when it is to be ended. `asked` is when its right was asked last.
bool serve_watch(const Watch& watch, http::ResponseStream& stream, Instant now, Instant& asked);

/// A watch of one kind: sends every change above `after` that `query` lets through, as one JSON
/// line each: {"type": "put"|"delete", "revision", "object"}. A resource that a change takes out of
/// the filters is a delete. One that would miss something is ended, and lists again.
Watch resource_watch(const Catalog& catalog, const Observed& observed, ListQuery query,
                     Revision after);

/// The lines that `change` means for a watch.
std::string watch_lines(const LiveChange& change, const ListQuery& query,
                        const model::ObjectIndex& index, const ObservedView& observed);

}  // namespace weir::api
