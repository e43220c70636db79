// The calls of declarative use: POST /weir/v1/apply (with ?plan=true nothing is stored), and the
// answer of the page /weir/v1/export. Called by native_face.cpp with a call whose caller is known.
// Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "api/apply.h"
#include "api/audit_trail.h"
#include "api/policy.h"
#include "api/schema_lines.h"
#include "http/server.h"

namespace weir::api {

/// Which apply the request is; nothing when it is another call.
std::optional<NativeCall> declarative_call(const http::Request& request);

/// "apply" or "plan apply": what it is called in the audit and in metrics.
std::string declarative_operation(NativeCall call);

http::Response declarative_response(const Applier& applier, NativeCall call,
                                    const http::Request& request, const CallRecord& record);

/// Of a caller who may read.
http::Response export_response(Catalog& catalog, const http::Request& request,
                               const Caller& caller);

/// What an apply takes and answers, for the OpenAPI document.
std::span<const SchemaLine> apply_body_lines();
std::span<const SchemaLine> apply_answer_lines();

}  // namespace weir::api
