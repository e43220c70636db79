#include "model/validate.h"

#include <algorithm>

#include "model/backend.h"
#include "model/checker.h"
#include "model/group_view.h"
#include "model/load_balancer.h"
#include "model/registry.h"
#include "model/security_group.h"
#include "model/security_group_use.h"
#include "model/target_view.h"

namespace weir::model {
namespace {

struct Use {
  Kind kind;
  std::string_view field;  // a spec member with the id, or a list of ids; empty: any child
};

/// What must be gone before an object of the kind can go. Source: product.md A.4.2.
std::vector<Use> uses_of(Kind kind) {
  switch (kind) {
    case Kind::kVpc:
      return {{Kind::kSubnet, ""}, {Kind::kSecurityGroup, ""}};
    case Kind::kSubnet:
      return {{Kind::kLoadBalancer, ""}, {Kind::kInstance, ""}};
    case Kind::kLoadBalancer:
      return {{Kind::kListener, ""}, {Kind::kBackend, ""}, {Kind::kTargetGroup, ""}};
    case Kind::kBackend:
      return {{Kind::kListener, "backendId"}};
    case Kind::kTargetGroup:
      return {{Kind::kBackend, "targetGroupIds"}};
    case Kind::kAvailabilityGroup:
      return {{Kind::kInstance, "agId"}, {Kind::kBackend, "agIds"}};
    default:
      return {};
  }
}

bool names(const Object& user, std::string_view field, const Id& id) {
  if (field.empty()) return true;
  const Json* value = user.spec.find(field);
  if (value == nullptr) return false;
  if (!value->is_array()) return *value == Json(id);
  const auto& items = value->as_array();
  return std::ranges::find(items, Json(id)) != items.end();
}

/// "listener listener-... (web)".
std::string user_text(const Object& user) {
  std::string text = std::string(description_of(user.kind).singular) + " " + user.id;
  return user.name.empty() ? text : text + " (" + user.name + ")";
}

Errors protection_errors(const Object& object) {
  if (object.kind != Kind::kLoadBalancer || !object.spec.bool_or("deleteProtection", false)) {
    return {};
  }
  return {
      {ErrorCode::kConflict, object.id + " is protected from deletion", "spec.deleteProtection"}};
}

/// Source: product.md G26
Errors elastic_ip_errors(const Object& elastic_ip) {
  const std::string holder = elastic_ip.admin.string_or("loadBalancerId", "");
  if (holder.empty()) return {};
  return {
      {ErrorCode::kFailedPrecondition,
       elastic_ip.id + " is associated with load balancer " + holder + ": disassociate it first",
       ""}};
}

/// Every target group that has the instance as a target.
Errors instance_errors(const Object& instance, const WorldView& world) {
  Errors errors;
  for (const Object* subnet :
       world.children(Kind::kSubnet, instance.admin.string_or("vpcId", ""))) {
    for (const Object* lb : world.children(Kind::kLoadBalancer, subnet->id)) {
      for (const Object* group : world.children(Kind::kTargetGroup, lb->id)) {
        const auto ids = instances_of(*group);
        if (std::ranges::find(ids, instance.id) == ids.end()) continue;
        errors.push_back(
            {ErrorCode::kConflict, instance.id + " is a target of " + user_text(*group), ""});
      }
    }
  }
  return errors;
}

/// The rules that a new group begins with, and the ports of all.
void fill_in_rules(Object& object) {
  auto group = from_json<SecurityGroup>(object.spec).value;
  if (!group.rules) group.rules = first_rules();
  std::ranges::for_each(*group.rules, fill_in_ports);
  object.spec = to_json(group);
}

/// A default group goes with its VPC; any other when no load balancer uses it.
Errors security_group_errors(const Object& group, const WorldView& world) {
  const std::string vpc = group.spec.string_or("vpcId", "");
  if (is_default_group(group)) {
    return {{ErrorCode::kConflict, group.id + " is the default group of VPC " + vpc + " and stays",
             ""}};
  }
  Errors errors;
  for (const Object* lb : load_balancers_using(group, world)) {
    errors.push_back({ErrorCode::kConflict, group.id + " is in use by " + user_text(*lb), ""});
  }
  return errors;
}

Errors check(const Object* old, const Object& object, const WorldView& world, Errors found) {
  // What is wrong with the whole body leaves nothing to judge.
  if (std::ranges::any_of(found, [](const Error& error) { return error.field.empty(); })) {
    return found;
  }
  Checker checker(old, object, world, std::move(found));
  check_fields(checker);
  check_kind(checker);
  return checker.take();
}

}  // namespace

void fill_in_defaults(Object& object, const WorldView& world) {
  if (!object.spec.is_object()) return;
  if (object.kind == Kind::kSecurityGroup) fill_in_rules(object);
  if (object.kind != Kind::kBackend) return;
  const Json* algorithm = object.spec.find("algorithm");
  const Object* lb = world.find(Kind::kLoadBalancer, load_balancer_of(object));
  if (lb == nullptr || (algorithm != nullptr && !algorithm->is_null())) return;
  auto backend = from_json<Backend>(object.spec).value;
  backend.algorithm = default_algorithm(from_json<LoadBalancer>(lb->spec).value.type);
  object.spec = to_json(backend);
}

Errors check_create(const Object& object, const WorldView& world, Errors found) {
  return check(nullptr, object, world, std::move(found));
}

Errors check_update(const Object& old, const Object& updated, const WorldView& world,
                    Errors found) {
  // An older release may have left out what has a default now; that is no change.
  Object before = old;
  Errors ignored;
  before.spec = canonical_spec(old.kind, old.spec, ignored);
  return check(&before, updated, world, std::move(found));
}

Errors check_delete(const Object& object, const WorldView& world) {
  if (object.kind == Kind::kElasticIp) return elastic_ip_errors(object);
  if (object.kind == Kind::kInstance) return instance_errors(object, world);
  if (object.kind == Kind::kSecurityGroup) return security_group_errors(object, world);
  Errors errors = protection_errors(object);
  const bool owns_users = object.kind == Kind::kVpc || object.kind == Kind::kSubnet ||
                          object.kind == Kind::kLoadBalancer ||
                          object.kind == Kind::kAvailabilityGroup;
  const Id parent = owns_users ? object.id : load_balancer_of(object);
  for (const Use& use : uses_of(object.kind)) {
    for (const Object* user : world.children(use.kind, parent)) {
      // The default group of a VPC goes with it.
      if (!names(*user, use.field, object.id) || is_default_group(*user)) continue;
      errors.push_back({ErrorCode::kConflict, object.id + " is in use by " + user_text(*user), ""});
    }
  }
  return errors;
}

Errors check_cascade(const Object& load_balancer) { return protection_errors(load_balancer); }

}  // namespace weir::model
