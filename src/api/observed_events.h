// Events of what nodes report: each call tells what differs from the moment of the call before, and
// which changes all nodes have applied since. Nothing of it is stored (design.md decision 3). Feeds
// event_log.h. Thread: one at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/catalog.h"
#include "api/event.h"
#include "api/observed.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "model/world_view.h"

namespace weir::api {

/// Changes that wait until their nodes have applied them. Chosen because no more are kept either.
/// Reached: the next ones are not told as applied,
/// weir_api_limit_reached_total{limit="events_applied"}; the status tells them.
inline constexpr std::size_t kAwaitedMax = kLiveChangesKept;

class ObservedEvents {
 public:
  struct Parts {
    const Catalog& catalog;
    const Observed& observed;
    const Clock& clock;
    Metrics& metrics;
  };
  /// What is there when it is made is no news.
  explicit ObservedEvents(Parts parts);

  /// What is new since the last call.
  std::vector<Event> take();

 private:
  struct Said {
    snapshot::HealthState state{};
    std::string since;

    friend bool operator==(const Said&, const Said&) = default;
  };
  using Round = std::vector<Event>;

  void add_nodes(const ObservedView& now, const model::ObjectIndex& index, Round& round) const;
  void add_verdicts(const ObservedView& now, const model::ObjectIndex& index, Round& round);
  void add_service(const std::string& service, const ServiceVerdicts* verdicts,
                   const model::ObjectIndex& index, Round& round);
  bool await_changes();
  void add_applied(const ObservedView& now, const model::ObjectIndex& index, Round& round);

  const Parts parts_;
  const std::string begun_;
  ObservedView before_;
  Revision seen_;
  std::map<std::pair<model::Kind, model::Id>, Revision> awaited_;
  /// Last told about each target on each node, by backend service: a node that comes back tells
  /// everything anew.
  std::map<std::string, std::map<std::pair<snapshot::TargetKey, std::string>, Said>> said_;
};

}  // namespace weir::api
