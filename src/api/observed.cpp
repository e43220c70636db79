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

/// Lists that the report says are as they were before.
void keep_same(const Json& body, const NodeReport& before, NodeReport& into) {
  const Json* same = body.find("same");
  if (same == nullptr || !same->is_array()) return;
  const auto is_same = [same](std::string_view name) {
    return std::ranges::any_of(same->as_array(), [name](const Json& item) {
      return item.is_string() && item.as_string() == name;
    });
  };
  if (is_same("errors")) into.problems = before.problems;
  if (is_same("drains")) into.drains = before.drains;
  if (is_same("addresses")) into.addresses = before.addresses;
  if (is_same("listeners")) into.listeners = before.listeners;
  if (is_same("tables")) into.tables = before.tables;
  if (is_same("failingOpen")) into.failing_open = before.failing_open;
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

void SharedVerdicts::put(const std::string& backend, ServiceVerdicts verdicts) {
  Parts parts = *parts_;
  auto& held = parts[part_of(backend)];
  Part part = held != nullptr ? *held : Part();
  if (verdicts.empty()) {
    part.erase(backend);
  } else {
    part[backend] = std::make_shared<const ServiceVerdicts>(std::move(verdicts));
  }
  held = std::make_shared<const Part>(std::move(part));
  parts_ = std::make_shared<const Parts>(std::move(parts));
}

std::vector<std::string> SharedVerdicts::backends() const {
  std::vector<std::string> ids;
  for (const auto& part : *parts_) {
    if (part == nullptr) continue;
    for (const auto& [backend, verdicts] : *part) ids.push_back(backend);
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

void Observed::publish_changes() const {
  for (auto& [service, verdicts] : changing_) view_.verdicts.put(service, std::move(verdicts));
  changing_.clear();
}

void Observed::forget_verdicts_of(const std::string& node) {
  const auto is_its_own = [&](const auto& entry) { return entry.first.second == node; };
  publish_changes();
  for (const std::string& service : view_.verdicts.backends()) {
    if (!std::ranges::any_of(*view_.verdicts.find(service), is_its_own)) continue;
    std::erase_if(changing(service), is_its_own);
  }
}

void Observed::connected(const std::string& node) {
  const MutexLock lock(mutex_);
  forget_verdicts_of(node);
  change_node(node, [](NodeReport& report) { ++report.streams; });
}

void Observed::disconnected(const std::string& node) {
  const MutexLock lock(mutex_);
  change_node(node, [](NodeReport& report) { --report.streams; });
}

Result<void> Observed::report(const std::string& node, const Json& body) {
  WEIR_ASSIGN_OR_RETURN(NodeReport taken, read_report(body));
  const MutexLock lock(mutex_);
  auto& held = view_.nodes[node];
  taken.streams = held ? held->streams : 0;
  if (held != nullptr) keep_same(body, *held, taken);
  held = std::make_shared<const NodeReport>(std::move(taken));
  ++serial_;
  changed_.notify_all();
  return {};
}

void Observed::verdict(const std::string& node, const snapshot::Verdict& verdict) {
  const MutexLock lock(mutex_);
  changing(verdict.target.service).insert_or_assign({verdict.target, node}, verdict);
}

void Observed::verdict_gone(const std::string& node, std::string_view id) {
  const auto target = snapshot::target_of_verdict_id(id);
  if (!target) return;
  const MutexLock lock(mutex_);
  changing(target->service).erase({*target, node});
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
