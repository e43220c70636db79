// What a status can hold, for the schema and the reference page. status.h puts it together; a test
// holds what it answers against this list. Thread: any (constants).
#pragma once

#include <span>
#include <string_view>

namespace weir::api {

struct StatusField {
  std::string_view kind;  // "lb"; empty: of every kind
  std::string_view path;  // "nodes[].state"
  std::string_view type;  // "string", "integer"
  std::string_view sentence;
};

std::span<const StatusField> status_fields();

}  // namespace weir::api
