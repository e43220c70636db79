// Watches of the native API: one thread that hands each live change to every stream that asked for
// its kind, once and in order. A reader that cannot follow is dropped by its stream; one that would
// miss something is ended, and lists again. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "api/catalog.h"
#include "api/listing.h"
#include "api/observed.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "http/server.h"

namespace weir::api {

class WatchHub {
 public:
  WatchHub(const Catalog& catalog, const Observed& observed);
  ~WatchHub();

  struct Watch {
    ListQuery query;
    Revision after;
    /// Asked before each line and every kRightsPause: a stream ends when its token is revoked.
    std::function<bool()> may_follow;
  };
  /// Sends every change above `after` that `query` lets through, as one JSON line each:
  /// {"type": "put"|"delete", "revision", "object"}. A resource that a change takes out of the
  /// filters is a delete.
  void add(std::unique_ptr<http::ResponseStream> stream, Watch watch) WEIR_EXCLUDES(mutex_);

 private:
  struct Watcher {
    std::unique_ptr<http::ResponseStream> stream;
    Watch watch;
    Instant asked{};  // when may_follow was asked last
  };
  void run(const std::stop_token& stop);
  void serve();
  bool serve_one(Watcher& watcher, const ObservedView& observed) const;

  const Catalog& catalog_;
  const Observed& observed_;
  Mutex mutex_;
  std::vector<Watcher> added_ WEIR_GUARDED_BY(mutex_);
  std::vector<Watcher> watchers_;  // owned by the hub's thread
  std::jthread thread_;
};

/// The lines that `change` means for a watch.
std::string watch_lines(const LiveChange& change, const ListQuery& query,
                        const model::ObjectIndex& index, const ObservedView& observed);

}  // namespace weir::api
