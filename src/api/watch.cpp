#include "api/watch.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "api/status.h"

namespace weir::api {
namespace {

using model::Object;

/// How often the hub looks for new watchers and for those that have gone.
constexpr std::chrono::milliseconds kIdleSlice{50};
/// How often a quiet watch is asked whether it still may follow. Source: the reliability guide, a
/// revoked credential is refused everywhere within a second.
constexpr std::chrono::milliseconds kRightsPause{500};

/// The resources of one state of an object that the filters let through, by id.
std::map<std::string, Json> shown(const Object* object, const ListQuery& query,
                                  const model::ObjectIndex& index) {
  std::map<std::string, Json> resources;
  if (object == nullptr || !is_of(*object, query.account)) return resources;
  for (Json& resource : resources_of(*object, *query.kind, index)) {
    if (matches(resource, query)) {
      const std::string id = resource.string_or("id", "");
      resources.emplace(id, std::move(resource));
    }
  }
  return resources;
}

std::string line_of(std::string_view type, Revision revision, Json object) {
  return Json::object({{"type", type}, {"revision", revision.value}, {"object", std::move(object)}})
             .dump() +
         "\n";
}

/// Parts whose whole changed elsewhere are not changed themselves.
bool is_same(const Json& before, const Json& after, const ListQuery& query) {
  if (query.kind->kind) return false;
  return *before.find("spec") == *after.find("spec") &&
         *before.find("admin") == *after.find("admin");
}

}  // namespace

std::string watch_lines(const LiveChange& change, const ListQuery& query,
                        const model::ObjectIndex& index, const ObservedView& observed) {
  if (change.object().kind != model::stored_kind(*query.kind)) return "";
  std::string lines;
  const auto before = shown(change.before.get(), query, index);
  auto after = shown(change.after.get(), query, index);
  for (const auto& [id, resource] : before) {
    if (!after.contains(id)) lines += line_of("delete", change.revision, resource);
  }
  for (auto& [id, resource] : after) {
    const auto old = before.find(id);
    if (old != before.end() && is_same(old->second, resource, query)) continue;
    if (query.kind->kind) resource["status"] = status_of(*change.after, index, observed);
    lines += line_of("put", change.revision, std::move(resource));
  }
  return lines;
}

Watch resource_watch(const Catalog& catalog, const Observed& observed, ListQuery query,
                     Revision after) {
  Watch watch;
  watch.next = [&catalog, &observed, query = std::move(query), after](std::size_t,
                                                                      Instant) mutable {
    const auto progress = catalog.changes_after(after);
    if (!progress) return Watch::Next{"", true};
    after = progress->revision;
    if (progress->changes.empty()) return Watch::Next();
    const ObservedView view = observed.view();
    return catalog.read([&](const model::ObjectIndex& index, Revision) {
      Watch::Next next;
      for (const LiveChange& change : progress->changes) {
        next.bytes += watch_lines(change, query, index, view);
      }
      return next;
    });
  };
  return watch;
}

bool serve_watch(const Watch& watch, http::ResponseStream& stream, Instant now, Instant& asked) {
  if (!stream.is_open()) return false;
  Watch::Next next = watch.next(stream.waiting(), now);
  if (!next.bytes.empty() || now - asked >= kRightsPause) {
    if (!watch.may_follow()) {
      if (!watch.farewell.empty()) stream.write(watch.farewell);
      return false;
    }
    asked = now;
  }
  if (!next.bytes.empty() && !stream.write(std::move(next.bytes))) return false;
  return !next.is_last;
}

WatchHub::WatchHub(const Catalog& catalog, Metrics& metrics, std::function<void()> prepare)
    : catalog_(catalog),
      prepare_(std::move(prepare)),
      readers_(metrics.value(Metric::kApiStreams)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

WatchHub::~WatchHub() {
  thread_.request_stop();
  thread_.join();
}

void WatchHub::add(std::unique_ptr<http::ResponseStream> stream, Watch watch) {
  const MutexLock lock(mutex_);
  added_.push_back({std::move(stream), std::move(watch)});
}

void WatchHub::run(const std::stop_token& stop) {
  Revision seen;
  while (!stop.stop_requested()) {
    catalog_.wait_after(seen, std::chrono::steady_clock::now() + kIdleSlice);
    seen = catalog_.revision();
    prepare_();
    serve();
  }
}

void WatchHub::serve() {
  {
    const MutexLock lock(mutex_);
    std::ranges::move(added_, std::back_inserter(watchers_));
    added_.clear();
  }
  const Instant now = std::chrono::steady_clock::now();
  std::erase_if(watchers_, [&](Watcher& watcher) {
    return !serve_watch(watcher.watch, *watcher.stream, now, watcher.asked);
  });
  readers_.set(static_cast<double>(watchers_.size()));
}

}  // namespace weir::api
