// Servers on the JD Cloud face: the vm operations of instances that exist. Registering one makes
// nothing run, and no call touches the server itself. Source: product.md A.15, B.6. Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/outcome.h"
#include "api/resource_writer.h"
#include "api/v1_kinds.h"
#include "api/v1_operations.h"
#include "base/json.h"
#include "model/object.h"

namespace weir::api {

/// A list of instances in another form: which keys of each it shows, and under which name.
struct V1InstanceView {
  std::string_view segment;  // of the path: "instanceStatus"
  std::string_view plural;   // of the result: "instanceStatuses"
  std::span<const std::string_view> keys;
  /// Of a view with filters and answers of its own: then it has no keys.
  std::span<const V1Filter> filters{};
  Json (*document)(const model::Object& instance) = nullptr;
};

/// Null when the segment stands for none.
const V1InstanceView* find_instance_view(std::string_view segment);
/// The keys of an instance's answer that the view has.
Json viewed(const Json& instance, const V1InstanceView& view);

/// Of the one interface that an instance has: "port-" and the rest of the id of the instance.
std::string network_interface_id(const model::Object& instance);

/// The instance as an answer shows it; `group` is its availability group, or null.
Json v1_instance(const model::Object& instance, const model::Object* group);

class V1Vm {
 public:
  explicit V1Vm(ResourceWriter& writer) : writer_(writer) {}

  /// {instanceSpec, maxCount}: the instances as they were made, all or none.
  Outcome<std::vector<model::Object>> create(const Json& body, const Caller& caller);
  /// What is done to which instance; refused with kStale when it has another revision.
  struct Action {
    const V1Operation& operation;  // one of those of a single instance
    model::Id id;
    std::optional<Revision> if_match;
  };
  Outcome<model::Object> act(const Action& action, const Json& body, const Caller& caller);

 private:
  ResourceWriter& writer_;
};

}  // namespace weir::api
