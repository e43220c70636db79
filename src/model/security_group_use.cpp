#include "model/security_group_use.h"

#include <algorithm>

#include "model/security_group.h"

namespace weir::model {

bool is_default_group(const Object& object) {
  return object.kind == Kind::kSecurityGroup &&
         object.admin.string_or("type", "") == word_of(SecurityGroupType::kDefault);
}

std::vector<Id> named_groups(const Object& load_balancer) {
  std::vector<Id> ids;
  const Json* list = load_balancer.spec.find("securityGroupIds");
  if (list == nullptr || !list->is_array()) return ids;
  for (const Json& id : list->as_array()) {
    if (id.is_string()) ids.push_back(id.as_string());
  }
  return ids;
}

std::vector<Id> groups_in_force(const Object& load_balancer) {
  const auto type = word_of(LoadBalancerType::kAlb);
  if (load_balancer.spec.string_or("type", type) != type) return {};
  std::vector<Id> ids = named_groups(load_balancer);
  if (ids.empty()) ids.push_back(default_group_id(load_balancer.admin.string_or("vpcId", "")));
  return ids;
}

Error last_group_error(const Id& vpc) {
  return {ErrorCode::kFailedPrecondition,
          "the last group cannot be removed; " + default_group_id(vpc) +
              ", the default group of the VPC, opens everything",
          "spec.securityGroupIds"};
}

std::vector<const Object*> load_balancers_using(const Object& group, const WorldView& world) {
  std::vector<const Object*> using_it;
  for (const Object* subnet : world.children(Kind::kSubnet, group.spec.string_or("vpcId", ""))) {
    for (const Object* lb : world.children(Kind::kLoadBalancer, subnet->id)) {
      if (lb->owner != group.owner) continue;
      const auto ids = groups_in_force(*lb);
      if (std::ranges::find(ids, group.id) != ids.end()) using_it.push_back(lb);
    }
  }
  return using_it;
}

}  // namespace weir::model
