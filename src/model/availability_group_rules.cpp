// Who may belong to an availability group, and which backend service it may serve. Its zones never
// change, nor do those of a load balancer, so what is judged when two come together holds for good;
// its VPC is that of whoever came first (model/group_view.h).
#include <algorithm>
#include <set>

#include "model/checker.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/subnet_addresses.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

std::vector<std::string> azs_of(const Object& group) {
  return from_json<AvailabilityGroup>(group.spec).value.azs;
}

/// Whoever comes to a group that is bound already must be of its VPC.
void check_vpc(Checker& checker, std::string_view path, const Object& group, const Id& vpc) {
  const Id bound = vpc_of_group(group, checker.world());
  if (bound.empty() || vpc.empty() || bound == vpc) return;
  checker.add(
      ErrorCode::kFailedPrecondition, path,
      "availability group " + group.id + " is bound to VPC " + bound + ", found VPC " + vpc);
}

/// A node of an older release would leave the backend service as it was before it named the group.
void check_nodes(Checker& checker, std::string_view path, const Id& lb) {
  for (const Object* placement : checker.world().children(Kind::kPlacement, lb)) {
    const Id id = placement->spec.string_or("nodeId", "");
    const Object* found = checker.world().find(Kind::kNode, id);
    if (found == nullptr) continue;
    const Node node = from_json<Node>(found->spec).value;
    if (contains(node.features, std::string(kAvailabilityGroupsFeature))) continue;
    checker.add(ErrorCode::kFailedPrecondition, path,
                "node " + id + ", which serves the load balancer, runs version " +
                    quoted(node.build) + ", which does not know availability groups: update it");
  }
}

/// One that the backend service did not name before.
void check_new_group(Checker& checker, const std::string& path, const Object& group,
                     const Object& lb) {
  check_vpc(checker, path, group, lb.admin.string_or("vpcId", ""));
  check_nodes(checker, path, lb.id);
  const LoadBalancer spec = from_json<LoadBalancer>(lb.spec).value;
  // Source: product.md A.8, G50.
  const bool is_alb = spec.type == LoadBalancerType::kAlb;
  for (const std::string& az : is_alb ? azs_of(group) : std::vector<std::string>()) {
    if (contains(spec.azs, az)) continue;
    checker.add(ErrorCode::kFailedPrecondition, path,
                "availability group " + group.id + " stands in AZ " + joined(azs_of(group)) +
                    ", the load balancer is in AZ " + joined(spec.azs) + " only");
  }
  auto others = checker.world().children(Kind::kBackend, group.id);
  std::erase_if(others, [&](const Object* other) { return other->id == checker.object().id; });
  if (others.size() < kAgBackendsMax) return;
  checker.add(ErrorCode::kQuotaExceeded, path,
              "quota limit backend exceeded: at most " + std::to_string(kAgBackendsMax) +
                  " backend services name one availability group");
}

/// Of an instance that comes into being as a member.
void check_new_member(Checker& checker, const Instance& instance, const Object& group) {
  const auto azs = azs_of(group);
  if (checker.is_good("spec.az") && !contains(azs, instance.az)) {
    checker.add(ErrorCode::kFailedPrecondition, "spec.az",
                "availability group " + group.id + " stands in AZ " + joined(azs) + ", found " +
                    quoted(instance.az));
  }
  const Object* subnet = checker.find(Kind::kSubnet, instance.subnet_id);
  if (subnet != nullptr) {
    check_vpc(checker, "spec.subnetId", group, subnet->spec.string_or("vpcId", ""));
  }
  const auto address = net::IpAddress::parse(instance.ip_address);
  if (!address || !checker.is_good("spec.ipAddress")) return;
  if (!address->is_loopback()) check_no_node(checker, "spec.ipAddress", *address);
  check_own_member(checker, group, *address);
}

}  // namespace

void check_availability_group(Checker& checker) {
  const AvailabilityGroup group = checker.spec<AvailabilityGroup>();
  if (!checker.is_good("spec.azs")) return;
  if (std::set<std::string>(group.azs.begin(), group.azs.end()).size() != group.azs.size()) {
    checker.invalid("spec.azs", "may not name a zone twice");
  }
  const auto& known = checker.world().azs;
  for (std::size_t i = 0; i < group.azs.size(); ++i) {
    if (known.empty() || contains(known, group.azs[i])) continue;
    checker.invalid("spec.azs[" + std::to_string(i) + "]",
                    quoted(group.azs[i]) + " is no availability zone of the region");
  }
}

void check_backend_groups(Checker& checker, const Backend& backend) {
  const Object* lb = checker.find(Kind::kLoadBalancer, backend.load_balancer_id);
  if (lb == nullptr) return;
  for (std::size_t i = 0; i < backend.ag_ids.size(); ++i) {
    const std::string path = "spec.agIds[" + std::to_string(i) + "]";
    const Object* group = checker.find(Kind::kAvailabilityGroup, backend.ag_ids[i]);
    const bool is_new = checker.old() == nullptr || !names_group(*checker.old(), backend.ag_ids[i]);
    if (group == nullptr || !is_new || !checker.is_good(path)) continue;
    check_new_group(checker, path, *group, *lb);
  }
}

void check_membership(Checker& checker, const Instance& instance) {
  static constexpr std::string_view kField = "spec.agId";
  if (!checker.is_good(kField) || instance.ag_id.empty() || !checker.is_changed("agId")) return;
  // Source: product.md A.15.
  if (checker.old() != nullptr) {
    return checker.invalid(kField,
                           "cannot be set on an instance that exists: a group takes those that are "
                           "registered into it, and takes none back");
  }
  const Object* group = checker.find(Kind::kAvailabilityGroup, instance.ag_id);
  if (group != nullptr) check_new_member(checker, instance, *group);
}

}  // namespace weir::model
