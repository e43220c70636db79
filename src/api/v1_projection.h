// The JD Cloud form of stored objects, made from the field tables: answers, bodies of native calls
// made of JD Cloud ones, and errors in the caller's own words. Nothing here knows paths or
// transport. Source: product.md A, B.4, E34, G6, G7. Thread: any (pure).
#pragma once

#include <string>

#include "api/observed.h"
#include "api/v1_kinds.h"
#include "base/json.h"
#include "base/result.h"
#include "model/object.h"
#include "model/registry.h"
#include "model/world_view.h"

namespace weir::api {

/// The object as an answer shows it.
Json v1_document(const model::Object& object, const model::ObjectIndex& index,
                 const ObservedView& observed);

/// The maxCount of a create, 1 when it is absent. Errors: 400 naming maxCount
std::size_t v1_count(const Json& body, std::size_t most, Errors& errors);

/// What an answer says of the bill: nothing of it has an effect, it is always settled.
/// Source: product.md A.16, F.3
Json v1_charge(const model::Object& object);

/// The targets of a group, each {targetId, targetGroupId, type, port, weight, ipAddress} and, when
/// it is an instance, {instanceId, privateIpAddress}.
Json::Array v1_targets(const model::Object& group, const model::ObjectIndex& index);

/// {targetGroupId or agId, instanceId, type, port, weight, status, ipAddress, unhealthReason} of
/// each target. Source: product.md A.7.1
Json::Array v1_target_healths(const model::Object& backend, const model::ObjectIndex& index,
                              const ObservedView& observed);

/// The native body of a create: keys that the kind does not have and nulls are left out.
/// Errors:  kInvalidArgument for keys whose effect comes later
Json native_create_body(const V1Kind& kind, const Json& body, Errors& errors);

/// The native body (kReplace) of an update of `old`: what is absent or null stays, what a create
/// alone can say is ignored. Errors:  as native_create_body()
Json native_update_body(const V1Kind& kind, const Json& body, const model::Object& old,
                        Errors& errors);

/// The fields of `value` that the table names, without nulls.
Json known_fields(const Json& value, const std::vector<model::FieldDescription>& fields);

/// Errors whose fields are native paths ("spec.healthCheck.port") as paths of the call's body.
Errors as_v1_errors(Errors errors, const V1Kind& kind);

/// Whether calls of this face can set the field at all.
bool is_taken(const V1Kind& kind, const model::FieldDescription& field);
/// Whether updates can.
bool is_updated(const V1Kind& kind, const model::FieldDescription& field);

/// Refuses keys whose effect comes later, unless they ask for nothing.
void check_later(const Json& body, std::span<const V1Later> later, Errors& errors);

}  // namespace weir::api
