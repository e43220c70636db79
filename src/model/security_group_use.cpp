#include "model/security_group_use.h"

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
  auto using_it = world.children(Kind::kLoadBalancer, group.id);
  std::erase_if(using_it, [&](const Object* lb) { return lb->owner != group.owner; });
  return using_it;
}

}  // namespace weir::model
