#include "agent/node_report.h"

#include <algorithm>

#include "agent/bounded_array.h"
#include "agent/protocol.h"
#include "base/log.h"
#include "model/kind.h"
#include "model/public_pool.h"

namespace weir::agent {
namespace {

/// Bytes of each list in a report; together less than a frame takes (1 MiB). Chosen because a
/// listener that is left out counts as not serving, and a drain holds up to 1000 targets. Reached:
/// what is beyond is left out of the report and counted in its "more", and the log says so once.
constexpr std::size_t kErrorsBytesMax = 170'000;
constexpr std::size_t kDrainsBytesMax = 200'000;
constexpr std::size_t kAddressesBytesMax = 150'000;
constexpr std::size_t kListenersBytesMax = 350'000;
constexpr std::size_t kTablesBytesMax = 120'000;
/// Bytes of the list of services that fail open. Chosen because it names about 1 900, and what is
/// left of a frame is little. Reached: as of the other lists; `failingOpenOn` of a service that is
/// left out does not name the node, while weir_backend_fail_open and the log do.
constexpr std::size_t kFailingOpenBytesMax = 40'000;

Json version_json(Version version) {
  return Json::object({{"epoch", version.epoch.value}, {"revision", version.revision.value}});
}

Version version_of(const snapshot::ObjectSet& objects, model::Kind kind, const std::string& id) {
  const auto found = objects.objects().find({std::string(model::kind_name(kind)), id});
  return found == objects.objects().end() ? Version() : found->second.version;
}

Json error_json(std::string_view kind, const std::string& id, Revision revision,
                std::string_view reason, const std::string& detail) {
  return Json::object({{"kind", kind},
                       {"id", id},
                       {"revision", revision.value},
                       {"reason", reason},
                       {"detail", detail}});
}

/// Objects that cannot be compiled, and listeners whose socket cannot be opened.
BoundedArray errors_of(const NodeView& view) {
  BoundedArray errors(kErrorsBytesMax);
  for (const snapshot::ObjectError& error : view.snapshot.errors) {
    errors.add(error_json(error.kind, error.id, error.revision, error.reason, error.detail));
  }
  for (const auto& listener : view.snapshot.listeners) {
    const std::string failure = listener_failure(view, *listener);
    if (failure.empty()) continue;
    const Version version = version_of(view.objects, model::Kind::kListener, listener->id);
    errors.add(error_json(model::kind_name(model::Kind::kListener), listener->id, version.revision,
                          "cannot_listen", failure));
  }
  return errors;
}

bool serves_all(const ProxyChild& child, const snapshot::Listener& listener) {
  return std::ranges::all_of(listener.endpoints(),
                             [&](const net::Endpoint& endpoint) { return child.serves(endpoint); });
}

BoundedArray listeners_of(const NodeView& view) {
  BoundedArray listeners(kListenersBytesMax);
  const bool has_all = view.serving != nullptr && view.serving->applied() >= view.objects.version();
  for (const auto& listener : view.snapshot.listeners) {
    const std::string failure = listener_failure(view, *listener);
    const bool is_applied = view.serving != nullptr && serves_all(*view.serving, *listener) &&
                            (has_all || version_of(view.objects, model::Kind::kListener,
                                                   listener->id) <= view.serving->applied());
    if (failure.empty() && !is_applied) continue;  // On its way.
    listeners.add(Json::object({{"id", listener->id},
                                {"state", failure.empty() ? "serving" : "failed"},
                                {"detail", failure},
                                {"datapath", "proxy"}}));
  }
  return listeners;
}

/// The slot tables in use, for control to compare between nodes.
BoundedArray tables_of(const NodeView& view) {
  BoundedArray tables(kTablesBytesMax);
  for (const auto& service : view.snapshot.services) {
    const auto& slots = service->flow_table.slots;
    if (slots == nullptr) continue;
    tables.add(Json::object({{"groupId", service->group_id},
                             {"generation", slots->generation.value},
                             {"checksum", slots->checksum}}));
  }
  return tables;
}

/// Ids of the backend services whose traffic goes to all that run, since checks call no target
/// usable.
BoundedArray failing_open(const NodeView& view) {
  BoundedArray ids(kFailingOpenBytesMax);
  for (const auto& service : view.snapshot.services) {
    if (service->raises_alarm) ids.add(service->id);
  }
  return ids;
}

/// "the subnet", "public pool edge".
std::string network_text(const std::string& network) {
  if (!network.starts_with(model::kPoolPrefix)) return "the subnet";
  return "public pool " + network.substr(model::kPoolPrefix.size());
}

struct AddressList {
  BoundedArray items{kAddressesBytesMax};
  bool has_all_releasing = true;
};

/// Those that are being released first: control gives an address elsewhere when it is not told of
/// it any more.
AddressList addresses_of(const NodeView& view) {
  AddressList list;
  const auto add = [&addresses = list.items](const net::IpAddress& address,
                                             const std::string& subnet, const std::string& failure,
                                             const std::string& note) {
    addresses.add(Json::object({{"address", address.text()},
                                {"subnet", subnet},
                                {"state", failure.empty() ? "held" : "failed"},
                                {"detail", failure.empty() ? note : failure}}));
  };
  std::map<net::IpAddress, std::string> notes;
  for (const auto& served : view.snapshot.addresses) notes[served.address] = served.note;
  for (const bool is_releasing : {true, false}) {
    for (const auto& [address, state] : view.addresses.states()) {
      if (state.is_releasing != is_releasing) continue;
      add(address, state.subnet_id, state.failure, notes[address]);
    }
    if (is_releasing) list.has_all_releasing = list.items.more() == 0;
  }
  for (const auto& [address, subnet] : view.unbound) {
    add(address, subnet, "this node has no binding for " + network_text(subnet), "");
  }
  return list;
}

std::string endpoint_failure(const NodeView& view, const net::Endpoint& endpoint) {
  const auto unbound = view.unbound.find(endpoint.address);
  if (unbound != view.unbound.end()) {
    return "this node has no binding for " + network_text(unbound->second) + " of " +
           endpoint.address.text();
  }
  const auto address = view.addresses.states().find(endpoint.address);
  if (address != view.addresses.states().end() && !address->second.failure.empty()) {
    return address->second.failure;
  }
  const auto socket = view.sockets.failures().find(endpoint);
  return socket == view.sockets.failures().end() ? "" : socket->second;
}

}  // namespace

std::string listener_failure(const NodeView& view, const snapshot::Listener& listener) {
  for (const net::Endpoint& endpoint : listener.endpoints()) {
    std::string failure = endpoint_failure(view, endpoint);
    if (!failure.empty()) return failure;
  }
  return "";
}

Json report_json(const NodeView& view) {
  Json report = Json::object({{"applied", version_json(view.applied)}});
  Json more = Json::object();
  const auto put = [&](const std::string& name, Json list, std::size_t left_out) {
    report[name] = std::move(list);
    if (left_out > 0) more[name] = left_out;
  };
  const auto put_array = [&put](const std::string& name, BoundedArray list) {
    put(name, list.take(), list.more());
  };
  BoundedDrains drains = drains_json(view.drains, kDrainsBytesMax);
  put_array("errors", errors_of(view));
  put("drains", std::move(drains.list), drains.more);
  AddressList addresses = addresses_of(view);
  if (addresses.items.more() > 0 && addresses.has_all_releasing) report["listsAllReleasing"] = true;
  put_array("addresses", std::move(addresses.items));
  put_array("listeners", listeners_of(view));
  put_array("tables", tables_of(view));
  put_array("failingOpen", failing_open(view));
  if (!more.as_object().empty()) report["more"] = std::move(more);
  return report;
}

void LeftOutWatch::update(const Json& report) {
  const Json* more = report.find("more");
  std::set<std::string> now;
  if (more != nullptr) {
    for (const auto& [list, count] : more->as_object()) {
      now.insert(list);
      if (lists_.contains(list)) continue;
      log::warning("a report has no room for all that this node has",
                   {{"list", list}, {"left_out", count.as_integer()}});
    }
  }
  lists_ = std::move(now);
}

Json ReportedLists::shortened(Json report) {
  Json shorter = Json::object();
  Json same = Json::array();
  std::map<std::string, Json> told;
  for (auto& [name, value] : report.as_object()) {
    if (!value.is_array()) {
      shorter[name] = std::move(value);
      continue;
    }
    const auto known = told_.find(name);
    if (known != told_.end() && known->second == value) {
      same.push_back(name);
    } else {
      shorter[name] = value;
    }
    told.emplace(name, std::move(value));
  }
  told_ = std::move(told);
  if (!same.as_array().empty()) shorter["same"] = std::move(same);
  return shorter;
}

Json held_json(const Addresses& addresses) {
  Json held = Json::array();
  for (const auto& [address, state] : addresses.states()) {
    if (!state.is_present) continue;
    held.push_back(Json::object({{"address", address.text()}, {"subnet", state.subnet_id}}));
  }
  return held;
}

std::map<std::string, Binding> resolve_bindings(const snapshot::ObjectSet& objects,
                                                const std::vector<Binding>& bindings) {
  const std::string kind(model::kind_name(model::Kind::kSubnet));
  std::map<std::string, Binding> resolved;
  for (auto at = objects.objects().lower_bound({kind, ""});
       at != objects.objects().end() && at->first.first == kind; ++at) {
    const Result<Json> stored = parse_json(at->second.body, body_limits());
    const std::string name = stored ? stored->string_or("name", "") : "";
    const Binding* best = nullptr;
    int best_rank = 0;  // 1 = any subnet, 2 = by name, 3 = by id
    for (const Binding& binding : bindings) {
      const int rank = binding.subnet == at->first.second        ? 3
                       : !name.empty() && binding.subnet == name ? 2
                       : binding.subnet == kAnySubnet            ? 1
                                                                 : 0;
      if (rank <= best_rank) continue;
      best = &binding;
      best_rank = rank;
    }
    if (best != nullptr) resolved.emplace(at->first.second, *best);
  }
  return resolved;
}

const Binding* pool_binding(std::string_view network, const net::IpAddress& address,
                            const std::vector<Binding>& bindings) {
  if (!network.starts_with(model::kPoolPrefix)) return nullptr;
  const auto own = std::ranges::find(bindings, network, &Binding::subnet);
  if (own != bindings.end()) return &*own;
  const auto any = std::ranges::find(bindings, kAnySubnet, &Binding::subnet);
  const bool fits =
      any != bindings.end() && (any->mode != BindingMode::kLoopback || address.is_loopback());
  return fits ? &*any : nullptr;
}

}  // namespace weir::agent
