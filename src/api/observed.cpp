#include "api/observed.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "snapshot/verdict_id.h"

namespace weir::api {
namespace {

Error wrong(std::string_view field, std::string_view wanted) {
  return {ErrorCode::kInvalidArgument, "must be " + std::string(wanted), std::string(field)};
}

Result<std::uint64_t> read_number(const Json& json, std::string_view field) {
  const Json* value = json.find(field);
  if (value == nullptr || !value->is_integer() || value->as_integer() < 0) {
    return wrong(field, "a number that is not negative");
  }
  return static_cast<std::uint64_t>(value->as_integer());
}

/// The items of a list member; missing counts as empty.
Result<Json::Array> read_list(const Json& json, std::string_view field) {
  const Json* value = json.find(field);
  if (value == nullptr) return Json::Array();
  if (!value->is_array()) return wrong(field, "a list");
  return value->as_array();
}

ServedState served_state(const Json& item) {
  return {item.string_or("state", "failed"), item.string_or("detail", ""),
          item.string_or("datapath", "")};
}

Result<DrainReport> read_drain(const Json& item) {
  DrainReport drain{.is_waiting = item.bool_or("waiting", false),
                    .connections = item.integer_or("connections", 0),
                    .oldest_seconds = item.integer_or("oldestSeconds", 0),
                    .later_seconds = item.integer_or("laterSeconds", 0),
                    .more = item.integer_or("more", 0)};
  WEIR_ASSIGN_OR_RETURN(const Json::Array targets, read_list(item, "targets"));
  for (const Json& target : targets) {
    drain.targets[{target.string_or("serviceId", ""), target.integer_or("slot", -1)}] = {
        target.integer_or("connections", 0), target.integer_or("oldestSeconds", 0)};
  }
  return drain;
}

Result<void> read_lists(const Json& body, NodeReport& into) {
  WEIR_ASSIGN_OR_RETURN(const Json::Array errors, read_list(body, "errors"));
  for (const Json& item : errors) {
    const auto revision = static_cast<std::uint64_t>(item.integer_or("revision", 0));
    into.problems.push_back({item.string_or("kind", ""), item.string_or("id", ""),
                             Revision(revision), item.string_or("reason", ""),
                             item.string_or("detail", "")});
  }
  WEIR_ASSIGN_OR_RETURN(const Json::Array drains, read_list(body, "drains"));
  for (const Json& item : drains) {
    WEIR_ASSIGN_OR_RETURN(into.drains[item.string_or("id", "")], read_drain(item));
  }
  WEIR_ASSIGN_OR_RETURN(const Json::Array addresses, read_list(body, "addresses"));
  for (const Json& item : addresses) {
    into.addresses[item.string_or("address", "")] = served_state(item);
  }
  WEIR_ASSIGN_OR_RETURN(const Json::Array listeners, read_list(body, "listeners"));
  for (const Json& item : listeners) {
    into.listeners[item.string_or("id", "")] = served_state(item);
  }
  WEIR_ASSIGN_OR_RETURN(const Json::Array tables, read_list(body, "tables"));
  for (const Json& item : tables) {
    into.tables[item.string_or("groupId", "")] = {item.integer_or("generation", 0),
                                                  item.integer_or("checksum", 0)};
  }
  WEIR_ASSIGN_OR_RETURN(const Json::Array open, read_list(body, "failingOpen"));
  for (const Json& id : open) {
    if (!id.is_string()) return wrong("failingOpen", "a list of ids");
    into.failing_open.insert(id.as_string());
  }
  return {};
}

/// Names of the lists that the report says are as they were in the one before it, which had those
/// in `before`.
Result<std::set<std::string>> read_same(const Json& body, const std::set<std::string>& before) {
  WEIR_ASSIGN_OR_RETURN(const Json::Array items, read_list(body, "same"));
  std::set<std::string> same;
  for (const Json& item : items) {
    if (!item.is_string() || !before.contains(item.as_string())) {
      return wrong("same", "names of lists that this stream has been told");
    }
    same.insert(item.as_string());
  }
  return same;
}

void keep_same(const std::set<std::string>& same, const NodeReport& before, NodeReport& into) {
  if (same.contains("errors")) into.problems = before.problems;
  if (same.contains("drains")) into.drains = before.drains;
  if (same.contains("addresses")) into.addresses = before.addresses;
  if (same.contains("listeners")) into.listeners = before.listeners;
  if (same.contains("tables")) into.tables = before.tables;
  if (same.contains("failingOpen")) into.failing_open = before.failing_open;
}

Result<NodeReport> read_report(const Json& body) {
  const Json* applied = body.find("applied");
  if (applied == nullptr || !applied->is_object()) return wrong("applied", "an object");
  NodeReport report;
  WEIR_ASSIGN_OR_RETURN(const std::uint64_t epoch, read_number(*applied, "epoch"));
  WEIR_ASSIGN_OR_RETURN(const std::uint64_t revision, read_number(*applied, "revision"));
  report.applied = {Epoch(epoch), Revision(revision)};
  report.has_reported = true;
  WEIR_TRY(read_lists(body, report));
  const Json* more = body.find("more");
  report.may_have_more_addresses = more != nullptr && more->integer_or("addresses", 0) > 0 &&
                                   !body.bool_or("listsAllReleasing", false);
  return report;
}

}  // namespace

const NodeReport* ObservedView::node(const std::string& id) const {
  const auto found = nodes.find(id);
  return found == nodes.end() ? nullptr : found->second.get();
}

bool ObservedView::is_connected(const std::string& id) const {
  const NodeReport* report = node(id);
  return report != nullptr && report->is_connected();
}

const snapshot::Verdict* ObservedView::verdict(const snapshot::TargetKey& target,
                                               const std::string& node) const {
  const ServiceVerdicts* service = verdicts.find(target.service);
  if (service == nullptr) return nullptr;
  const auto found = service->find({target, node});
  return found == service->end() ? nullptr : &found->second;
}

std::size_t SharedVerdicts::part_of(const std::string& backend) {
  return std::hash<std::string>()(backend) % kParts;
}

const ServiceVerdicts* SharedVerdicts::find(const std::string& backend) const {
  const auto& part = (*parts_)[part_of(backend)];
  if (part == nullptr) return nullptr;
  const auto found = part->find(backend);
  return found == part->end() ? nullptr : found->second.get();
}

void SharedVerdicts::put(std::map<std::string, ServiceVerdicts> verdicts) {
  if (verdicts.empty()) return;
  std::map<std::size_t, Part> changed;
  for (auto& [backend, about] : verdicts) {
    const auto [at, is_new] = changed.try_emplace(part_of(backend));
    const auto& held = (*parts_)[at->first];
    if (is_new && held != nullptr) at->second = *held;
    if (about.empty()) {
      at->second.erase(backend);
    } else {
      at->second[backend] = std::make_shared<const ServiceVerdicts>(std::move(about));
    }
  }
  Parts parts = *parts_;
  for (auto& [number, part] : changed) {
    parts[number] = std::make_shared<const Part>(std::move(part));
  }
  parts_ = std::make_shared<const Parts>(std::move(parts));
}

std::size_t SharedVerdicts::parts_apart(const SharedVerdicts& other) const {
  std::size_t apart = 0;
  for (std::size_t i = 0; i < kParts; ++i) apart += (*parts_)[i] == (*other.parts_)[i] ? 0 : 1;
  return apart;
}

std::vector<std::string> SharedVerdicts::backends() const {
  std::vector<std::string> ids;
  for (const auto& part : *parts_) {
    if (part == nullptr) continue;
    for (const auto& [backend, verdicts] : *part) ids.push_back(backend);
  }
  return ids;
}

std::vector<std::string> SharedVerdicts::backends_apart(const SharedVerdicts& other) const {
  std::vector<std::string> ids;
  static const Part kNothing;
  for (std::size_t i = 0; i < kParts; ++i) {
    if ((*parts_)[i] == (*other.parts_)[i]) continue;
    const Part& own = (*parts_)[i] ? *(*parts_)[i] : kNothing;
    const Part& others = (*other.parts_)[i] ? *(*other.parts_)[i] : kNothing;
    for (const auto& [backend, verdicts] : own) {
      const auto found = others.find(backend);
      if (found == others.end() || found->second != verdicts) ids.push_back(backend);
    }
    for (const auto& [backend, verdicts] : others) {
      if (!own.contains(backend)) ids.push_back(backend);
    }
  }
  return ids;
}

void Observed::change_node(const std::string& node,
                           const std::function<void(NodeReport&)>& change) {
  auto& held = view_.nodes[node];
  NodeReport report = held ? *held : NodeReport();
  change(report);
  held = std::make_shared<const NodeReport>(std::move(report));
  ++serial_;
  changed_.notify_all();
}

ServiceVerdicts& Observed::changing(const std::string& service) {
  const auto [at, is_new] = changing_.try_emplace(service);
  const ServiceVerdicts* held = is_new ? view_.verdicts.find(service) : nullptr;
  if (held != nullptr) at->second = *held;
  return at->second;
}

void Observed::publish_changes() const { view_.verdicts.put(std::exchange(changing_, {})); }

void Observed::forget_verdicts_of(const std::string& node) {
  const auto is_its_own = [&](const auto& entry) { return entry.first.second == node; };
  publish_changes();
  for (const std::string& service : view_.verdicts.backends()) {
    if (!std::ranges::any_of(*view_.verdicts.find(service), is_its_own)) continue;
    std::erase_if(changing(service), is_its_own);
  }
}

NodeStream Observed::connected(const std::string& node) {
  const MutexLock lock(mutex_);
  forget_verdicts_of(node);
  change_node(node, [](NodeReport& report) { ++report.streams; });
  newest_[node] = {.number = ++streams_, .lists = {}};
  return {node, streams_};
}

bool Observed::is_newest(const NodeStream& stream) const {
  const auto newest = newest_.find(stream.node);
  return newest != newest_.end() && newest->second.number == stream.number;
}

void Observed::disconnected(const std::string& node) {
  const MutexLock lock(mutex_);
  change_node(node, [](NodeReport& report) { --report.streams; });
}

Result<void> Observed::report(const NodeStream& stream, const Json& body) {
  WEIR_ASSIGN_OR_RETURN(NodeReport taken, read_report(body));
  const MutexLock lock(mutex_);
  if (!is_newest(stream)) return {};
  auto& lists = newest_[stream.node].lists;
  WEIR_ASSIGN_OR_RETURN(std::set<std::string> same, read_same(body, lists));
  auto& held = view_.nodes[stream.node];
  taken.streams = held->streams;
  keep_same(same, *held, taken);
  for (const auto& [name, value] : body.as_object()) {
    if (value.is_array() && name != "same") same.insert(name);
  }
  lists = std::move(same);
  held = std::make_shared<const NodeReport>(std::move(taken));
  ++serial_;
  changed_.notify_all();
  return {};
}

void Observed::verdict(const NodeStream& stream, const snapshot::Verdict& verdict) {
  const MutexLock lock(mutex_);
  if (!is_newest(stream)) return;
  changing(verdict.target.service).insert_or_assign({verdict.target, stream.node}, verdict);
}

void Observed::verdict_gone(const NodeStream& stream, std::string_view id) {
  const auto target = snapshot::target_of_verdict_id(id);
  if (!target) return;
  const MutexLock lock(mutex_);
  if (!is_newest(stream)) return;
  changing(target->service).erase({*target, stream.node});
}

void Observed::forget_services(const std::vector<std::string>& backends) {
  const MutexLock lock(mutex_);
  for (const std::string& backend : backends) changing(backend).clear();
}

ObservedView Observed::view() const {
  const MutexLock lock(mutex_);
  publish_changes();
  return view_;
}

void Observed::wake() {
  const MutexLock lock(mutex_);
  ++serial_;
  changed_.notify_all();
}

std::uint64_t Observed::wait(std::uint64_t seen, Instant deadline) const {
  const MutexLock lock(mutex_);
  while (serial_ <= seen) {
    if (!changed_.wait_until(mutex_, deadline)) break;
  }
  return serial_;
}

}  // namespace weir::api
