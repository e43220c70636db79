// What answers of the JD Cloud face hold beside the fields of a kind's spec, one line each, and the
// schemas of its answers. Source: product.md A, B.4, B.6. Thread: any (pure).
#pragma once

#include "api/v1_kinds.h"
#include "api/v1_vm.h"
#include "base/json.h"

namespace weir::api {

/// One object as lists and describe calls show it (v1_document()).
Json v1_item_schema(const V1Kind& kind);
/// One of a list of instances in another form.
Json v1_view_schema(const V1InstanceView& view);
/// One of describeTargetHealth.
Json v1_target_health_schema();
/// The result of describeQuota and describeQuotas.
Json v1_quota_schema();
/// Those that others refer to by name: {charge, tags, ...}.
Json v1_shared_schemas();

}  // namespace weir::api
