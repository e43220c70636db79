#include "api/write_plan.h"

#include <algorithm>

#include "model/keys.h"

namespace weir::api {
namespace {

constexpr std::string_view kLiveRoot = "live";
constexpr std::string_view kAddressPrefix = "address/";

/// "quota/<x>/lb/alb" -> "lb/alb".
std::string counter_name(const std::string& key) {
  const std::size_t owner = key.find('/');
  return key.substr(key.find('/', owner + 1) + 1);
}

}  // namespace

std::string releasing_text(const model::Id& load_balancer, const std::vector<std::string>& nodes) {
  Json list = Json::array();
  for (const std::string& node : nodes) list.push_back(node);
  return Json::object({{"released", load_balancer}, {"nodes", std::move(list)}}).dump();
}

std::optional<std::vector<std::string>> releasing_nodes(const std::string& value) {
  if (!value.starts_with('{')) return std::nullopt;
  const auto json = parse_json(value);
  const Json* list = json ? json->find("nodes") : nullptr;
  std::vector<std::string> nodes;
  if (list == nullptr || !list->is_array()) return nodes;
  for (const Json& node : list->as_array()) {
    if (node.is_string()) nodes.push_back(node.as_string());
  }
  return nodes;
}

void WritePlan::expect(const std::string& key, Revision revision) {
  transaction_.expectations.push_back({key, revision});
}

store::Write* WritePlan::write_of(const std::string& key) {
  const auto found = std::ranges::find(transaction_.writes, key, &store::Write::key);
  return found == transaction_.writes.end() ? nullptr : &*found;
}

void WritePlan::claim(const std::string& key, const model::Id& id) {
  // What another object of the transaction lets go of is held by it until then: the root says so.
  if (store::Write* released = write_of(key)) {
    released->value = id;
    return;
  }
  expect(key, Revision());
  transaction_.writes.push_back({key, id});
}

void WritePlan::release(const std::string& key, const model::Object& object,
                        const std::vector<std::string>& holders) {
  if (write_of(key) != nullptr) {
    std::erase_if(transaction_.expectations, [&](const auto& each) { return each.key == key; });
    return;
  }
  if (key.starts_with(kAddressPrefix) && !holders.empty()) {
    transaction_.writes.push_back({key, releasing_text(object.id, holders)});
  } else {
    transaction_.writes.push_back({key, std::nullopt});
  }
}

/// A transaction changes each counter once.
void WritePlan::count(const std::string& counter, std::int64_t amount,
                      std::optional<std::int64_t> max) {
  auto& counters = transaction_.counters;
  const auto known = std::ranges::find(counters, counter, &store::CounterChange::key);
  if (known == counters.end()) {
    counters.push_back({counter, amount, max});
    return;
  }
  known->amount += amount;
  if (max) known->max = max;
}

void WritePlan::create(const model::Object& object, model::LoadBalancerType type,
                       const QuotaSettings& quotas) {
  touch(object);
  const std::string key = model::object_key(object.kind, object.id);
  expect(key, Revision());
  transaction_.writes.push_back({key, model::stored_text(object)});
  for (const std::string& claimed : model::claimed_keys(object)) claim(claimed, object.id);
  for (const model::QuotaUse& use : model::quota_uses(object, type)) {
    const auto setting = quotas.find(counter_name(use.key));
    count(use.key, 1, setting == quotas.end() ? use.max : setting->second);
  }
}

void WritePlan::update(const model::Object& old, const model::Object& updated,
                       const std::vector<std::string>& holders) {
  touch(old);
  touch(updated);
  const std::string key = model::object_key(updated.kind, updated.id);
  expect(key, old.revision);
  transaction_.writes.push_back({key, model::stored_text(updated)});
  const auto before = model::claimed_keys(old);
  const auto after = model::claimed_keys(updated);
  for (const std::string& claimed : before) {
    if (std::ranges::find(after, claimed) == after.end()) release(claimed, old, holders);
  }
  for (const std::string& claimed : after) {
    if (std::ranges::find(before, claimed) == before.end()) claim(claimed, updated.id);
  }
}

void WritePlan::discard(const model::Object& object) { withdraw(object, {}); }

void WritePlan::withdraw(const model::Object& object, const std::vector<std::string>& holders) {
  const std::string key = model::object_key(object.kind, object.id);
  expect(key, object.revision);
  transaction_.writes.push_back({key, std::nullopt});
  for (const std::string& claimed : model::claimed_keys(object)) release(claimed, object, holders);
}

void WritePlan::remove(const model::Object& object, model::LoadBalancerType type,
                       const std::vector<std::string>& holders) {
  touch(object);
  withdraw(object, holders);
  for (const model::QuotaUse& use : model::quota_uses(object, type)) {
    count(use.key, -1, std::nullopt);
  }
}

void WritePlan::remove_root(const std::string& id) {
  removed_roots_.insert(model::root_key(id));
  touched_roots_.insert(model::root_key(id));
  for (const char* counter : {"listener", "backend", "tg", "subnet", "instance", "securityGroup"}) {
    for (const char* before : {"quota/", "limit/"}) {
      transaction_.writes.push_back({before + id + "/" + counter, std::nullopt});
    }
  }
}

void WritePlan::bury_root(const std::string& id) {
  buried_roots_.insert(model::root_key(id));
  touched_roots_.insert(model::root_key(id));
}

void WritePlan::touch(const model::Object& object) {
  for (std::string& key : model::root_keys(object)) touched_roots_.insert(std::move(key));
}

bool WritePlan::lacks_root() const {
  return !std::ranges::all_of(touched_roots_,
                              [this](const std::string& key) { return roots_.contains(key); });
}

store::Transaction WritePlan::take(store::AuditRow audit) {
  // Roots are judged first: a writer that lost a race reads again and sees the whole picture.
  std::vector<store::Expectation> roots;
  for (const auto& [key, revision] : roots_) {
    if (!touched_roots_.contains(key)) continue;
    roots.push_back({key, revision});
    if (removed_roots_.contains(key)) {
      transaction_.writes.push_back({key, std::nullopt});
    } else {
      transaction_.writes.push_back(
          {key, std::string(buried_roots_.contains(key) ? kBuriedRoot : kLiveRoot)});
    }
  }
  auto& expectations = transaction_.expectations;
  expectations.insert(expectations.begin(), roots.begin(), roots.end());
  transaction_.audit = std::move(audit);
  return std::move(transaction_);
}

}  // namespace weir::api
