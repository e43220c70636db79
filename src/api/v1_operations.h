// The operations of the JD Cloud face, one line each: which call of V1Face answers which method and
// path. Whatever is not here answers 404; the reference page is made from it.
// Source: product.md B.4, B.6. Thread: any (constants).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::api {

enum class V1Call : std::uint8_t {
  kList,
  kCreate,
  kShow,
  kUpdate,
  kDelete,
  kHealth,
  kListTargets,
  kAddTargets,
  kUpdateTargets,
  kRemoveTargets,
  kStartInstance,
  kStopInstance,
  kRebootInstance,
  kModifyInstance,
  kAssociateElasticIp,
  kDisassociateElasticIp,
  kModifyElasticIp,
  kAssociateGroups,
  kDisassociateGroups,
  kListByGroup,
  kAddRules,
  kModifyRules,
  kRemoveRules,
  kAbandonInstances,
  kShowQuota,
  kModifyQuota,
  kLater,  // answers "not supported yet"
};

struct V1Operation {
  V1Call call{};
  std::string_view action{};      // the public product's name: "describeLoadBalancers"
  std::string_view method{};      // GET also for HEAD
  std::string_view collection{};  // the segment behind the region: "loadBalancers"
  bool is_one = false;            // with an id behind the collection
  /// What stands behind the id, with its separator: ":registerTargets", "/health", or nothing.
  std::string_view tail{};
  std::string_view counted_as{};  // in weir_api_requests_total{operation}
};

/// In the order of the reference page.
std::span<const V1Operation> v1_operations();

/// Where a request wants to go, without the region.
struct V1Place {
  std::string_view method;
  std::string_view collection;
  bool is_one = false;
  std::string_view tail;
};
/// Null when there is no such operation.
const V1Operation* find_v1_operation(const V1Place& place);

/// Whether any operation has the collection; some have no kind of their own.
bool has_v1_collection(std::string_view collection);

/// "/loadBalancers/{loadBalancerId}", behind /v1/regions/<region>.
std::string v1_path(const V1Operation& operation);

}  // namespace weir::api
