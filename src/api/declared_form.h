// Resources as a file declares them: names instead of ids, nothing that control makes, and nothing
// that is the default anyway. What apply reads is turned into ids here, what export prints into
// names. Thread: any (pure).
#pragma once

#include <functional>
#include <string>

#include "api/object_names.h"
#include "base/json.h"
#include "base/result.h"
#include "model/object.h"
#include "model/registry.h"
#include "model/world_view.h"

namespace weir::api {

/// Whether a file may declare resources of this kind: those that users make, and no parts.
bool is_declarable(const model::KindDescription& kind);

/// Whether users declare the object: not the default group of a VPC, which comes with that.
bool is_declarable(const model::Object& object);

/// The parent below which a reference of `object` to a `kind` is looked up by name: its load
/// balancer, or the VPC it stands in; empty: anywhere.
model::Id scope_of(const model::Object& object, model::Kind kind, const model::ObjectIndex& index);

/// Every reference in `spec` goes through `turn`, which changes the text in its place (a path such
/// as "spec.targets[2].instanceId"). Values of another form are left to the field tables.
using Turn = std::function<void(model::Kind kind, const std::string& path, std::string& text)>;
void turn_references(const std::vector<model::FieldDescription>& fields, const std::string& path,
                     Json& spec, const Turn& turn);

/// {name, labels, spec, admin} with every value that a user can set, and names for ids; the ids of
/// parts stay, so that they can be told apart.
Json named_form(const model::Object& object, const model::ObjectIndex& index,
                const ObjectNames& names);

/// {kind, name, labels?, spec, admin?} as apply takes it, without defaults; an id where the name is
/// not the only one.
Json declared_form(const model::Object& object, const model::ObjectIndex& index,
                   const ObjectNames& names);

}  // namespace weir::api
