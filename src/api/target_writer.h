// Writes of single targets: each is an update of the group that holds the target, so that slots,
// drain records and uniqueness follow in one transaction. Thread: any.
#pragma once

#include <optional>

#include "api/catalog.h"
#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/json.h"
#include "model/object_body.h"
#include "model/target_view.h"

namespace weir::api {

/// A target as the API shows it, with the revision of its group.
struct TargetDocument {
  Json body;  // {kind, id, spec, admin}
  Revision revision;
};

/// The target as it stands in `group`. The index must exist (model::target_index).
TargetDocument target_document(const model::Object& group, std::size_t index);

class TargetWriter {
 public:
  TargetWriter(Catalog& catalog, ResourceWriter& writer) : catalog_(catalog), writer_(writer) {}

  Outcome<TargetDocument> create(const Json& body, const Caller& caller);
  Outcome<TargetDocument> update(const model::Id& id, const Json& body, model::UpdateMode mode,
                                 std::optional<Revision> if_match, const Caller& caller);
  Outcome<TargetDocument> remove(const model::Id& id, std::optional<Revision> if_match,
                                 const Caller& caller);

 private:
  model::Id group_of(const model::Id& target, const Caller& caller) const;

  Catalog& catalog_;
  ResourceWriter& writer_;
};

}  // namespace weir::api
