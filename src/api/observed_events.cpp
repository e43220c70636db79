#include "api/observed_events.h"

#include <algorithm>
#include <optional>
#include <set>

#include "api/object_events.h"
#include "api/placement.h"
#include "model/registry.h"
#include "model/slots.h"
#include "model/target_group.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;
using snapshot::HealthState;

/// `more` stands behind type, time and object.
Event event_about(const Object& object, const std::string& type, WallTime now, const Json& more) {
  Event event;
  event.type = type;
  event.kind = object.kind;
  event.id = object.id;
  event.owner = object.owner;
  event.labels = {object.labels};
  event.at = now;
  Json body =
      Json::object({{"type", type}, {"time", utc_text(now)}, {"object", event_object(object)}});
  for (const auto& [name, value] : more.as_object()) {
    // Only what says something.
    if (!(value.is_string() && value.as_string().empty())) body[name] = value;
  }
  event.body = body.dump();
  return event;
}

Object node_of(const std::string& id, const model::ObjectIndex& index) {
  const Object* known = index.find(Kind::kNode, id);
  if (known != nullptr) return *known;
  Object node;
  node.kind = Kind::kNode;
  node.id = node.name = id;
  node.owner = model::kDefaultOwner;
  return node;
}

/// Load balancers and elastic IPs by the address that nodes serve for them.
std::map<std::string, const Object*> served_addresses(const model::ObjectIndex& index) {
  std::map<std::string, const Object*> objects;
  for (const Object* lb : index.all(Kind::kLoadBalancer)) {
    objects[lb->admin.string_or("vip", "")] = lb;
  }
  for (const Object* elastic_ip : index.all(Kind::kElasticIp)) {
    if (elastic_ip->admin.string_or("loadBalancerId", "").empty()) continue;
    objects[elastic_ip->admin.string_or("address", "")] = elastic_ip;
  }
  return objects;
}

/// What differs between two reports of one node.
class ReportDifference {
 public:
  ReportDifference(std::string node, const NodeReport& before, const NodeReport& after)
      : node_(std::move(node)), before_(before), after_(after) {}

  void add(const model::ObjectIndex& index, WallTime now, std::vector<Event>& events) const {
    const auto tell = [&](const Object* object, const char* type, Json more) {
      if (object == nullptr) return;
      more["node"] = Json(node_);
      events.push_back(event_about(*object, type, now, more));
    };
    if (before_.is_connected() != after_.is_connected()) {
      events.push_back(event_about(node_of(node_, index),
                                   after_.is_connected() ? "connected" : "disconnected", now,
                                   Json::object()));
    }
    add_problems(index, tell);
    add_states(
        before_.listeners, after_.listeners,
        [&](const std::string& id) { return index.find(Kind::kListener, id); }, tell);
    if (has_other_addresses()) {
      const auto objects = served_addresses(index);
      const auto find = [&](const std::string& address) {
        const auto found = objects.find(address);
        return found == objects.end() ? nullptr : found->second;
      };
      add_states(before_.addresses, after_.addresses, find, tell);
    }
    for (const std::string& id : after_.failing_open) {
      if (before_.failing_open.contains(id)) continue;
      tell(index.find(Kind::kBackend, id), "fail-open-began", Json::object());
    }
    for (const std::string& id : before_.failing_open) {
      if (after_.failing_open.contains(id)) continue;
      tell(index.find(Kind::kBackend, id), "fail-open-ended", Json::object());
    }
  }

 private:
  using States = std::map<std::string, ServedState>;
  static bool is_same(const ServedState& one, const ServedState& other) {
    return one.state == other.state && one.detail == other.detail;
  }
  bool has_other_addresses() const {
    return !std::ranges::equal(
        before_.addresses, after_.addresses, [](const auto& one, const auto& other) {
          return one.first == other.first && is_same(one.second, other.second);
        });
  }

  template <class Tell>
  void add_problems(const model::ObjectIndex& index, const Tell& tell) const {
    std::map<std::pair<std::string, std::string>, const ObjectProblem*> old;
    for (const ObjectProblem& one : before_.problems) old[{one.kind, one.id}] = &one;
    const auto find = [&](const ObjectProblem& one) -> const Object* {
      const auto kind = model::kind_of_name(one.kind);
      return kind ? index.find(*kind, one.id) : nullptr;
    };
    for (const ObjectProblem& one : after_.problems) {
      const auto known = old.extract({one.kind, one.id});
      const bool is_told = !known.empty() && known.mapped()->reason == one.reason &&
                           known.mapped()->detail == one.detail;
      if (is_told) continue;
      tell(find(one), "error", Json::object({{"reason", one.reason}, {"detail", one.detail}}));
    }
    for (const auto& [key, one] : old) tell(find(*one), "recovered", Json::object());
  }

  /// In a first report only what is wrong is news: control has started anew.
  template <class Find, class Tell>
  void add_states(const States& before, const States& after, const Find& find,
                  const Tell& tell) const {
    for (const auto& [key, state] : after) {
      const auto known = before.find(key);
      const bool is_told = known != before.end() && is_same(known->second, state);
      const bool is_old = !before_.has_reported && state.state != "failed";
      if (is_told || is_old) continue;
      tell(find(key), "state", Json::object({{"state", state.state}, {"detail", state.detail}}));
    }
    for (const auto& [key, state] : before) {
      if (after.contains(key)) continue;
      tell(find(key), "state", Json::object({{"state", "ended"}}));
    }
  }

  const std::string node_;
  const NodeReport& before_;
  const NodeReport& after_;
};

/// Ids of targets by their slots.
std::map<std::uint16_t, std::string> targets_by_slot(const model::ObjectIndex& index,
                                                     const std::string& group) {
  std::map<std::uint16_t, std::string> targets;
  const Object* object = index.find(Kind::kTargetGroup, group);
  if (object == nullptr) return targets;
  const auto spec = model::from_json<model::TargetGroup>(object->spec, "spec").value;
  const auto admin = model::from_json<model::TargetGroupAdmin>(object->admin, "admin").value;
  for (const model::Target& target : spec.targets) {
    if (const auto slot = model::slot_of(admin, target.target_id)) {
      targets[slot->value] = target.target_id;
    }
  }
  return targets;
}

bool has_problem(const NodeReport& report, Kind kind, const model::Id& id) {
  return std::ranges::any_of(report.problems, [&](const ObjectProblem& problem) {
    return problem.id == id && problem.kind == model::kind_name(kind);
  });
}

/// The nodes, once all of them have applied the change; an empty list when one cannot.
std::optional<Json> applied_by(const Object& object, const ObservedView& observed,
                               const model::ObjectIndex& index) {
  const auto nodes = nodes_of(index, model::load_balancer_of(object));
  if (nodes.empty()) return std::nullopt;
  Json names = Json::array();
  bool is_refused = false;
  for (const std::string& node : nodes) {
    const NodeReport* report = observed.node(node);
    if (report == nullptr || !report->has_reported) return std::nullopt;
    if (report->applied.revision < object.revision) return std::nullopt;
    is_refused = is_refused || has_problem(*report, object.kind, object.id);
    names.push_back(node);
  }
  return is_refused ? Json::array() : names;
}

}  // namespace

ObservedEvents::ObservedEvents(Parts parts)
    : parts_(parts),
      begun_(utc_text(parts_.clock.wall_now())),
      before_(parts_.observed.view()),
      seen_(parts_.catalog.revision()) {}

std::vector<Event> ObservedEvents::take() {
  const ObservedView now = parts_.observed.view();
  const bool is_more_awaited = await_changes();
  const bool has_reports = now.nodes != before_.nodes;
  Round round;
  parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    if (has_reports) add_nodes(now, index, round);
    add_verdicts(now, index, round);
    if (has_reports || is_more_awaited) add_applied(now, index, round);
  });
  before_ = now;
  return round;
}

void ObservedEvents::add_nodes(const ObservedView& now, const model::ObjectIndex& index,
                               Round& round) const {
  static const NodeReport kNone;
  for (const auto& [node, report] : now.nodes) {
    const NodeReport* before = before_.node(node);
    if (before == report.get()) continue;
    ReportDifference(node, before == nullptr ? kNone : *before, *report)
        .add(index, parts_.clock.wall_now(), round);
  }
}

void ObservedEvents::add_verdicts(const ObservedView& now, const model::ObjectIndex& index,
                                  Round& round) {
  for (const std::string& service : now.verdicts.backends_apart(before_.verdicts)) {
    add_service(service, now.verdicts.find(service), index, round);
  }
}

void ObservedEvents::add_service(const std::string& service, const ServiceVerdicts* verdicts,
                                 const model::ObjectIndex& index, Round& round) {
  const Object* backend = index.find(Kind::kBackend, service);
  if (backend == nullptr) {
    said_.erase(service);
    return;
  }
  if (verdicts == nullptr) return;
  auto& said = said_[service];
  std::map<std::string, std::map<std::uint16_t, std::string>> groups;
  for (const auto& [key, verdict] : *verdicts) {
    const Said news{verdict.state, verdict.since};
    const auto known = said.find(key);
    const bool is_first = known == said.end();
    if (!is_first && known->second == news) continue;
    said[key] = news;
    // A node tells all it knows to a control that has started anew: what was well before is no
    // news.
    if (is_first && verdict.state != HealthState::kUnhealthy && verdict.since < begun_) continue;
    const auto [group, is_new] = groups.try_emplace(verdict.target.group);
    if (is_new) group->second = targets_by_slot(index, verdict.target.group);
    const auto target = group->second.find(verdict.target.slot.value);
    if (target == group->second.end()) continue;
    round.push_back(event_about(*backend, "verdict", parts_.clock.wall_now(),
                                Json::object({{"target", target->second},
                                              {"state", snapshot::health_state_name(verdict.state)},
                                              {"reason", verdict.reason},
                                              {"detail", verdict.detail},
                                              {"since", verdict.since},
                                              {"node", verdict.prober}})));
  }
}

/// What users changed since, below load balancers: nodes have to apply it. True when there is more,
/// or when other nodes may have to.
bool ObservedEvents::await_changes() {
  const auto progress = parts_.catalog.changes_after(seen_);
  seen_ = progress ? progress->revision : parts_.catalog.revision();
  if (!progress) return true;
  for (const LiveChange& change : progress->changes) {
    const Object& object = change.object();
    const std::pair key(object.kind, object.id);
    if (!change.after) awaited_.erase(key);
    const bool is_awaited = change.after && model::description_of(object.kind).is_user_made &&
                            !model::load_balancer_of(object).empty();
    if (!is_awaited) continue;
    if (awaited_.size() >= kAwaitedMax && !awaited_.contains(key)) {
      parts_.metrics.value(Metric::kApiLimitReached, {"events_applied"}).add();
      continue;
    }
    awaited_[key] = change.revision;
  }
  return !progress->changes.empty();
}

void ObservedEvents::add_applied(const ObservedView& now, const model::ObjectIndex& index,
                                 Round& round) {
  std::erase_if(awaited_, [&](const auto& entry) {
    const Object* object = index.find(entry.first.first, entry.first.second);
    if (object == nullptr) return true;
    const auto nodes = applied_by(*object, now, index);
    if (nodes && !nodes->as_array().empty()) {
      round.push_back(event_about(*object, "applied", parts_.clock.wall_now(),
                                  Json::object({{"nodes", *nodes}})));
    }
    return nodes.has_value();
  });
}

}  // namespace weir::api
