#include "snapshot/fact_cache.h"

#include <algorithm>
#include <utility>

namespace weir::snapshot {
namespace {

ObjectError error_of(const ObjectSet::Key& key, const ReceivedObject& object, const Error& error) {
  const bool is_unsupported = error.code == ErrorCode::kFailedPrecondition;
  return {.kind = key.first,
          .id = key.second,
          .revision = object.version.revision,
          .reason = is_unsupported ? "unsupported" : "invalid",
          .detail = to_string(error)};
}

template <class Facts>
Result<Facts> read(model::Kind kind, const std::string& id, const ReceivedObject& received) {
  const auto object = model::object_from_stored(kind, id, received.version.revision, received.body);
  if (!object) return classified(object.error());
  Facts facts{};
  WEIR_TRY(read_facts(*object, facts));
  return facts;
}

}  // namespace

/// True when it was read.
template <class Table>
bool FactCache::update_entry(Table& table, const ObjectSet::Key& key,
                             const ReceivedObject* received) {
  if (received == nullptr) {
    table.entries.erase(key.second);
    errors_.erase(key);
    return false;
  }
  const auto [at, is_new] = table.entries.try_emplace(key.second);
  auto& entry = at->second;
  if (!is_new && entry.version == received->version) return false;
  entry.version = received->version;
  using Facts = typename decltype(entry.facts)::value_type;
  auto facts = read<Facts>(Table::kind, key.second, *received);
  if (facts) {
    entry.facts = *std::move(facts);
    errors_.erase(key);
  } else {
    errors_.insert_or_assign(key, error_of(key, *received, facts.error()));
  }
  return true;
}

std::size_t FactCache::update(const ObjectSet& objects, const Keys& keys) {
  std::size_t read_count = 0;
  filters_made_ = 0;
  for (const ObjectSet::Key& key : keys) {
    const auto found = objects.objects().find(key);
    const ReceivedObject* received = found == objects.objects().end() ? nullptr : &found->second;
    const auto kind = model::kind_of_name(key.first);
    if (kind) {
      forget_filters(*kind, key.second);
      const auto visit = [&](auto& table) {
        if (table.kind == *kind && update_entry(table, key, received)) ++read_count;
      };
      std::apply([&](auto&... table) { (visit(table), ...); }, tables_);
    } else if (received == nullptr) {
      errors_.erase(key);
    } else {
      const Error unknown{ErrorCode::kFailedPrecondition, "this build has no such kind", ""};
      errors_.insert_or_assign(key, error_of(key, *received, unknown));
    }
  }
  return read_count;
}

void FactCache::forget_filters(model::Kind kind, const std::string& id) {
  if (kind == model::Kind::kLoadBalancer) filters_.erase(id);
  if (kind != model::Kind::kSecurityGroup) return;
  std::erase_if(filters_, [&](const auto& filters) {
    const LoadBalancerFacts* lb = table<kLoadBalancer>().find(filters.first);
    return lb == nullptr || std::ranges::find(lb->security_groups, id) != lb->security_groups.end();
  });
}

FactCache::Filters& FactCache::filters_of(const std::string& load_balancer) const {
  const auto [at, is_new] = filters_.try_emplace(load_balancer);
  const LoadBalancerFacts* lb = table<kLoadBalancer>().find(load_balancer);
  if (!is_new || lb == nullptr || lb->security_groups.empty()) return at->second;
  std::vector<SecurityRule> rules;
  for (const std::string& id : lb->security_groups) {
    const SecurityGroupFacts* group = table<kSecurityGroup>().find(id);
    if (group != nullptr) rules.insert(rules.end(), group->rules.begin(), group->rules.end());
  }
  at->second.all = {lb->security_groups, std::move(rules)};
  ++filters_made_;
  return at->second;
}

const SecurityFilter& FactCache::security_filter(const std::string& load_balancer) const {
  return filters_of(load_balancer).all;
}

const AddressFilter& FactCache::admission(const std::string& load_balancer,
                                          std::uint16_t port) const {
  Filters& filters = filters_of(load_balancer);
  const auto [at, is_new] = filters.inbound.try_emplace(port);
  if (!is_new) return at->second;
  at->second = filters.all.inbound(port);
  if (!at->second.is_open()) ++filters_made_;
  return at->second;
}

std::optional<ObjectError> missing_security_group(const std::string& load_balancer,
                                                  const FactCache& facts) {
  const auto& table = facts.table<model::Kind::kLoadBalancer>();
  const LoadBalancerFacts* lb = table.find(load_balancer);
  if (lb == nullptr) return std::nullopt;
  for (const std::string& group : lb->security_groups) {
    if (facts.table<model::Kind::kSecurityGroup>().find(group) != nullptr) continue;
    return ObjectError{.kind = std::string(model::kind_name(model::Kind::kLoadBalancer)),
                       .id = load_balancer,
                       .revision = table.entries.at(load_balancer).version.revision,
                       .reason = "pending",
                       .detail = "security group " + group +
                                 " has not arrived: until then nothing of it is allowed"};
  }
  return std::nullopt;
}

const GroupFacts* FactCache::find_group(const std::string& id) const {
  const GroupFacts* group = table<kTargetGroup>().find(id);
  return group != nullptr ? group : table<kAvailabilityGroup>().find(id);
}

Revision FactCache::revision_of_group(const std::string& id) const {
  const auto& groups = table<kTargetGroup>().entries;
  const auto group = groups.find(id);
  if (group != groups.end()) return group->second.version.revision;
  return table<kAvailabilityGroup>().entries.at(id).version.revision;
}

FactCache::Keys FactCache::all_keys(const ObjectSet& objects) const {
  Keys keys;
  for (const auto& [key, object] : objects.objects()) keys.insert(keys.end(), key);
  for (const auto& [key, error] : errors_) keys.insert(key);
  const auto add = [&](const auto& table) {
    const std::string kind(model::kind_name(table.kind));
    for (const auto& [id, entry] : table.entries) keys.emplace(kind, id);
  };
  std::apply([&](const auto&... table) { (add(table), ...); }, tables_);
  return keys;
}

}  // namespace weir::snapshot
