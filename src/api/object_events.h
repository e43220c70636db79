// Events of changes of stored objects, made from the store's change log and the audit rows of the
// same transactions: so they are the same after control has started anew. Thread: any (pure).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/event.h"
#include "model/object.h"
#include "store/store.h"

namespace weir::api {

/// Paths that one event names. Chosen because a change by hand touches a few; a larger one is seen
/// better in the object itself. Reached: `fieldsMore` counts the rest.
inline constexpr std::size_t kEventFieldsMax = 50;

/// Audit rows of transactions that wrote something, by revision.
using AuditRows = std::map<Revision, store::AuditEntry>;

/// Events of whole revisions, in order; `order` is left for who keeps them. What this build cannot
/// read is passed over.
std::vector<Event> object_events(const std::vector<store::Change>& changes, const AuditRows& rows);

/// Paths of everything that differs: "name", "labels.team", "spec.port",
/// "spec.targets[target-...].weight".
std::vector<std::string> changed_fields(const model::Object& before, const model::Object& after);

/// {kind, id, name, owner, revision, loadBalancerId?}: how an event names an object.
Json event_object(const model::Object& object);

}  // namespace weir::api
