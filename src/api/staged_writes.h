// Several writes that become one transaction. Each is checked and completed as a write of its own
// would be, over a picture in which those before it have happened; what is stored in the end is the
// difference between that picture and the store. Used by apply (apply.h) on one moment of the
// catalog. Thread: owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/caller.h"
#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/result.h"
#include "model/object.h"
#include "model/world_view.h"
#include "store/store.h"

namespace weir::api {

class StagedWrites {
 public:
  /// What is read before the moment that the writes are judged on: roots, and what nodes report.
  class Ground {
   public:
    /// Errors: kUnavailable
    static Result<Ground> read(const ResourceWriter& writer, const std::set<std::string>& roots);

   private:
    friend class StagedWrites;
    ResourceWriter::Preparation prepared_;
  };

  struct Parts {
    const ResourceWriter& writer;
    Ground& ground;
    model::ObjectIndex& picture;  // of its own: the writes happen in it
  };
  StagedWrites(const Parts& parts, Caller caller) : parts_(parts), caller_(std::move(caller)) {}

  /// Each answers what is wrong, with paths of the object's own body. An object that could not be
  /// made is in the picture all the same, so that those which name it are judged on their own.
  Errors create(ResourceWriter::Draft draft);
  Errors update(const ResourceWriter::Place& place, const ResourceWriter::Change& change);
  Errors remove(const ResourceWriter::Place& place);

  bool is_changed() const;

  struct Staged {
    store::Transaction transaction;
    /// Roots that were not read: the transaction may not be committed.
    std::set<std::string> missing_roots;
  };
  /// The transaction of all of it; `operation` is for the audit.
  Staged take(const std::string& operation);

 private:
  using Key = std::pair<model::Kind, model::Id>;
  /// As it was before all of them; nothing when it was not there.
  using Before = std::map<Key, std::optional<model::Object>>;

  /// One side is null where the object came or went.
  struct Difference {
    const model::Object* before;
    const model::Object* after;
  };
  std::vector<Difference> differences() const;

  void put(const model::Object& object);
  void erase(const model::Object& object);
  void touch(const model::Object& object);
  void take_effects(const SideEffects& effects);
  Result<HookContext> context_of(const model::Object& object);
  Errors complete_made(model::Object& object);
  void add_to(WritePlan& plan, const model::Object& before, const model::Object* after);

  const Parts parts_;
  const Caller caller_;
  Before before_;
};

}  // namespace weir::api
