// One unit of an apply (apply_units.h) over a picture of the store: which resource each document
// is, its references as ids, the writes, and what they change. Thread: owner.
#pragma once

#include <set>
#include <utility>

#include "api/apply_units.h"
#include "api/caller.h"
#include "api/change_list.h"
#include "api/object_names.h"
#include "api/resource_writer.h"
#include "api/staged_writes.h"
#include "base/result.h"

namespace weir::api {

class UnitStage {
 public:
  using Key = std::pair<model::Kind, model::Id>;
  struct Parts {
    const ResourceWriter& writer;
    StagedWrites& writes;
    const model::ObjectIndex& picture;  // in which the writes happen
    const Caller& caller;
  };
  explicit UnitStage(const Parts& parts)
      : parts_(parts), names_(parts.picture, parts.caller.account) {}

  /// `seen`: what documents have been so far; two may not be the same. All errors, with paths from
  /// the body's root.
  Errors stage(const ApplyUnit& unit, std::set<Key>& seen);
  ChangeList take_changes() { return std::move(changes_); }

 private:
  Errors stage_document(const Document& document, const ApplyUnit& unit, std::set<Key>& seen);
  Errors create(const Document& document, const Json& body, model::Id& made);
  Errors update(const Document& document, const Json& body, const model::Id& id);
  void remove(const Key& key, const ApplyUnit& unit, Errors& errors);
  Json with_ids(const Document& document, Errors& errors) const;
  Result<model::Id> id_of(const Document& document, const Json& body) const;
  void note(const model::Id& id, const Document& document, const ApplyUnit& unit,
            const Json& before);

  const Parts parts_;
  ObjectNames names_;
  ChangeList changes_;
};

}  // namespace weir::api
