// Targets on the JD Cloud face: each call changes one target group in one transaction, for all
// targets it names or for none. Source: product.md A.8, B.4. Thread: any.
#pragma once

#include "api/catalog.h"
#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/json.h"

namespace weir::api {

class V1Targets {
 public:
  explicit V1Targets(ResourceWriter& writer) : writer_(writer) {}

  /// The group of a call; refused with kStale when it has another revision.
  struct Place {
    model::Id group;
    std::optional<Revision> if_match;
  };
  /// {targetSpecs: [{instanceId or ipAddress, port, weight, type}]}.
  Outcome<model::Object> add(const Place& group, const Json& body, const Caller& caller);
  /// {targetIds: []}.
  Outcome<model::Object> remove(const Place& group, const Json& body, const Caller& caller);
  /// {targetUpdateSpecs: [{targetId, port, weight}]}.
  Outcome<model::Object> update(const Place& group, const Json& body, const Caller& caller);

 private:
  Outcome<model::Object> write(const Place& group, const std::string& operation,
                               const ResourceWriter::Change& change, const Caller& caller);

  ResourceWriter& writer_;
};

}  // namespace weir::api
