// The calls of the native face that belong to no kind, one line each: where they are, what they
// take and what they answer. The router, the policy and the OpenAPI document go by it. Users,
// tokens and access keys stand in people_face.h. Thread: any (constants).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/policy.h"
#include "api/schema_lines.h"

namespace weir::api {

struct NativePage {
  NativeCall call{};
  std::string_view path{};  // behind /weir/v1/: "audit/verification"
  std::string_view id{};    // in the document: "verifyAudit"
  std::string_view sentence{};
  std::span<const SchemaLine> parameters{};  // of the query
  std::span<const SchemaLine> answer{};
  /// "audit verification", in weir_api_requests_total{operation}.
  std::string counted_as() const;
};

/// All of them are read with GET or HEAD.
std::span<const NativePage> native_pages();

/// The page at these segments of a path, "weir" and "v1" first; null when there is none.
const NativePage* find_native_page(std::span<const std::string> path);

}  // namespace weir::api
