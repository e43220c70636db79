#include "model/target_view.h"

namespace weir::model {

std::string address_of(const Target& target, const ObjectIndex& index) {
  if (target.instance_id.empty()) return target.ip_address;
  const Object* instance = index.find(Kind::kInstance, target.instance_id);
  return instance == nullptr ? "" : instance->admin.string_or("ipAddress", "");
}

std::set<std::string> target_addresses(const WorldView& world, const Id& vpc) {
  std::set<std::string> addresses;
  const auto take = [&](const Object& group) {
    const Json* targets = group.spec.find("targets");
    if (targets == nullptr || !targets->is_array()) return;
    for (const Json& target : targets->as_array()) {
      const Json* address = target.find("ipAddress");
      if (address != nullptr && address->is_string()) addresses.insert(address->as_string());
    }
  };
  for (const Object* subnet : world.children(Kind::kSubnet, vpc)) {
    for (const Object* lb : world.children(Kind::kLoadBalancer, subnet->id)) {
      for (const Object* group : world.children(Kind::kTargetGroup, lb->id)) take(*group);
    }
  }
  return addresses;
}

}  // namespace weir::model
