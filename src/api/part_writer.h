// Writes of single parts (model/parts.h): each is an update of the whole that holds the part, so
// that what follows from it, as slots, drain records and uniqueness, follows in one transaction.
// Thread: any.
#pragma once

#include <optional>

#include "api/catalog.h"
#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/json.h"
#include "model/object_body.h"
#include "model/parts.h"

namespace weir::api {

/// A part as the API shows it, with the revision of its whole.
struct PartDocument {
  Json body;  // {kind, id, spec, admin}
  Revision revision;
};

/// The part as it stands in `whole`. The index must exist (model::part_index).
PartDocument part_document(const model::PartKind& kind, const model::Object& whole,
                           std::size_t index);

class PartWriter {
 public:
  PartWriter(Catalog& catalog, ResourceWriter& writer) : catalog_(catalog), writer_(writer) {}

  Outcome<PartDocument> create(const model::PartKind& kind, const Json& body, const Caller& caller);
  /// Which part; refused with kStale when its whole has another revision.
  struct Place {
    const model::PartKind& kind;
    model::Id id;
    std::optional<Revision> if_match;
  };
  Outcome<PartDocument> update(const Place& place, const Json& body, model::UpdateMode mode,
                               const Caller& caller);
  Outcome<PartDocument> remove(const Place& place, const Caller& caller);

 private:
  /// The whole that holds the part; empty when there is none of the caller's.
  model::Id whole_of(const Place& place, const Caller& caller) const;

  Catalog& catalog_;
  ResourceWriter& writer_;
};

}  // namespace weir::api
