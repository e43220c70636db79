#include "agent/fail_open_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace weir::agent {

void FailOpenWatch::update(const snapshot::Snapshot& snapshot) {
  std::set<std::string> now;
  for (const auto& service : snapshot.services) {
    if (!service->raises_alarm) continue;
    now.insert(service->id);
    if (failing_open_.contains(service->id)) continue;
    const auto taking = std::ranges::count(service->targets, true, &snapshot::Target::takes_new);
    log::warning("a backend service fails open: no target is usable, all that run get its traffic",
                 {{"backend", service->id}, {"name", service->name}, {"targets", taking}});
  }
  for (const std::string& id : std::exchange(failing_open_, now)) {
    if (!now.contains(id)) log::info("a backend service fails open no longer", {{"backend", id}});
  }
}

}  // namespace weir::agent
