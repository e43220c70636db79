#include "api/security_groups.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "api/write_plan.h"
#include "base/random.h"
#include "model/keys.h"
#include "model/registry.h"
#include "model/security_group.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;
using model::SecurityGroup;
using model::SecurityGroupRule;
using model::SecurityGroupType;
using Rules = std::vector<SecurityGroupRule>;

Rules rules_of(const Object& group) {
  return model::from_json<SecurityGroup>(group.spec).value.rules.value_or(Rules());
}

/// The rule without what control makes.
SecurityGroupRule as_asked(SecurityGroupRule rule) {
  rule.rule_id.clear();
  rule.created_time.clear();
  rule.rule_type = SecurityGroupType::kCustom;
  return rule;
}

bool says_same(const SecurityGroupRule& left, const SecurityGroupRule& right) {
  return as_asked(left) == as_asked(right);
}

bool is_first(const SecurityGroupRule& rule) {
  for (const Rules& first : {model::first_rules(), model::open_rules()}) {
    if (std::ranges::any_of(first, [&](const auto& one) { return says_same(one, rule); }))
      return true;
  }
  return false;
}

/// The rule of before that this one is, unless another has taken its id.
const SecurityGroupRule* before_of(const SecurityGroupRule& rule, const Rules& before,
                                   std::set<std::string>& taken) {
  const auto has_id = [&](const auto& one) { return one.rule_id == rule.rule_id; };
  const auto is_free_twin = [&](const auto& one) {
    return says_same(one, rule) && !taken.contains(one.rule_id);
  };
  auto found = std::ranges::find_if(before, has_id);
  if (found == before.end() || taken.contains(found->rule_id)) {
    found = std::ranges::find_if(before, is_free_twin);
  }
  if (found == before.end()) return nullptr;
  taken.insert(found->rule_id);
  return &*found;
}

}  // namespace

void complete_rules(const Object* old, Object& group, WallTime now) {
  auto spec = model::from_json<SecurityGroup>(group.spec).value;
  if (!spec.rules) return;
  const Rules before = old == nullptr ? Rules() : rules_of(*old);
  Random random;
  std::set<std::string> taken;
  for (SecurityGroupRule& rule : *spec.rules) {
    if (const SecurityGroupRule* known = before_of(rule, before, taken)) {
      rule.rule_id = known->rule_id;
      rule.created_time = known->created_time;
      rule.rule_type = known->rule_type;
      continue;
    }
    const bool is_made_with_group = old == nullptr && is_first(rule);
    rule.rule_type = is_made_with_group ? SecurityGroupType::kDefault : SecurityGroupType::kCustom;
    rule.rule_id = model::new_rule_id(random);
    rule.created_time = utc_text(now);
  }
  group.spec = model::to_json(spec);
}

Object default_group_of(const Object& vpc, WallTime now) {
  Object group;
  group.kind = Kind::kSecurityGroup;
  group.id = model::default_group_id(vpc.id);
  group.name = "default";
  group.owner = vpc.owner;
  group.created = utc_text(now);
  SecurityGroup spec;
  spec.vpc_id = vpc.id;
  spec.rules = model::open_rules();
  spec.description = "opens everything";
  group.spec = model::to_json(spec);
  group.admin = model::to_json(model::SecurityGroupAdmin{SecurityGroupType::kDefault});
  complete_rules(nullptr, group, now);
  return group;
}

Result<void> make_default_groups(store::Store& store, const Clock& clock) {
  const std::string prefix = model::object_prefix(Kind::kVpc);
  WEIR_ASSIGN_OR_RETURN(const store::Listing vpcs, store.list(prefix));
  for (const store::Entry& entry : vpcs.entries) {
    const model::Id id = entry.key.substr(prefix.size());
    const auto made =
        store.get(model::object_key(Kind::kSecurityGroup, model::default_group_id(id)));
    if (made) continue;
    if (made.error().code != ErrorCode::kNotFound) return made.error();
    WEIR_ASSIGN_OR_RETURN(const Object vpc,
                          model::object_from_stored(Kind::kVpc, id, entry.revision, entry.value));
    const auto root = store.get(model::root_key(id));
    if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
    WritePlan plan({{model::root_key(id), root ? root->revision : Revision()}});
    plan.create(default_group_of(vpc, clock.wall_now()), model::LoadBalancerType::kAlb, {});
    store::AuditRow audit;
    audit.who = "control";
    audit.operation = "make default security group";
    audit.object = id;
    audit.result = "ok";
    const auto committed = store.commit(plan.take(std::move(audit)));
    if (!committed) return committed.error();
  }
  return {};
}

}  // namespace weir::api
