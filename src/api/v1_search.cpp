#include "api/v1_search.h"

#include <algorithm>
#include <optional>
#include <string>

#include "api/v1_projection.h"
#include "model/group_view.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kTargetAddress = "targetPrivateIpAddress";

/// A member of an answer that is stored as it stands.
struct StoredMember {
  Kind kind;
  std::string_view key;
  std::string_view field;
  bool is_admin = false;
};
constexpr StoredMember kStored[] = {{Kind::kInstance, "vpcId", "vpcId", true},
                                    {Kind::kInstance, "status", "state", true},
                                    {Kind::kInstance, "privateIpAddress", "ipAddress", true},
                                    {Kind::kInstance, "subnetId", "subnetId"},
                                    {Kind::kInstance, "az", "az"},
                                    {Kind::kInstance, "instanceType", "instanceType"},
                                    {Kind::kInstance, "imageId", "imageId"},
                                    {Kind::kLoadBalancer, "vpcId", "vpcId", true},
                                    {Kind::kSubnet, "vpcId", "vpcId"},
                                    {Kind::kSecurityGroup, "vpcId", "vpcId"},
                                    {Kind::kListener, "loadBalancerId", "loadBalancerId"},
                                    {Kind::kBackend, "loadBalancerId", "loadBalancerId"},
                                    {Kind::kTargetGroup, "loadBalancerId", "loadBalancerId"}};

std::string type_of(const Object* load_balancer) {
  return load_balancer == nullptr ? "" : load_balancer->spec.string_or("type", "alb");
}

/// A member of the answer, when it can be had without the answer.
std::optional<std::string> simple_member(const Object& object, const model::ObjectIndex& index,
                                         std::string_view key) {
  const V1Kind& kind = v1_kind_of(object.kind);
  if (key == kind.id_key()) return object.id;
  if (key == kind.name_key()) return object.name;
  if (object.kind == Kind::kLoadBalancer && key == "type") return type_of(&object);
  if (key == "loadBalancerType") {
    return type_of(index.find(Kind::kLoadBalancer, model::load_balancer_of(object)));
  }
  for (const StoredMember& member : kStored) {
    if (member.kind != object.kind || member.key != key) continue;
    return (member.is_admin ? object.admin : object.spec).string_or(member.field, "");
  }
  return std::nullopt;
}

/// The members by the paths of the filters; nothing when one of them is not simple.
std::optional<Json> simple_members(const Object& object, const model::ObjectIndex& index,
                                   const QueryList& query) {
  if (!query.tags.empty()) return std::nullopt;
  Json members = Json::object();
  for (const ListFilter& filter : query.filters) {
    for (const V1Filter& known : v1_kind_of(object.kind).filters) {
      if (known.filter.name != filter.name) continue;
      auto member = simple_member(object, index, known.path);
      if (!member) return std::nullopt;
      members[known.path] = Json(*std::move(member));
    }
  }
  return members;
}

Json target_addresses(const Object& load_balancer, const model::ObjectIndex& index) {
  Json addresses = Json::array();
  for (const Object* group : index.children(Kind::kTargetGroup, load_balancer.id)) {
    for (const Json& target : v1_targets(*group, index)) {
      addresses.push_back(target.string_or("ipAddress", ""));
    }
  }
  for (const Object* backend : index.children(Kind::kBackend, load_balancer.id)) {
    for (const model::Id& group : model::availability_groups_of(*backend)) {
      for (const Object* member : index.children(Kind::kInstance, group)) {
        addresses.push_back(member->admin.string_or("ipAddress", ""));
      }
    }
  }
  return addresses;
}

}  // namespace

Json v1_searched(const Object& object, const model::ObjectIndex& index,
                 const ObservedView& observed, const QueryList& query) {
  if (auto simple = simple_members(object, index, query)) return *std::move(simple);
  Json document = v1_document(object, index, observed);
  const auto is_asked = [&](std::string_view name) {
    return std::ranges::find(query.filters, name, &ListFilter::name) != query.filters.end();
  };
  if (is_asked("azType") && document.find("azType") == nullptr) document["azType"] = "standard";
  if (object.kind == Kind::kAvailabilityGroup && is_asked("vpcId")) {
    document["vpcId"] = model::vpc_of_group(object, index.view());
  }
  if (is_asked(kTargetAddress)) document[kTargetAddress] = target_addresses(object, index);
  return document;
}

}  // namespace weir::api
