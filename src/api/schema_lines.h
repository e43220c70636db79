// Members of JSON documents that no field table has, one line each, and the JSON Schema (2020-12)
// that they make. The pages of the native face, the answers and the own bodies of the JD Cloud face
// are written down so. Thread: any (pure).
#pragma once

#include <span>
#include <string_view>

#include "base/json.h"

namespace weir::api {

/// `type` is one of: string, integer, "integer 1..100", number, boolean, object, any, time (UTC),
/// words with | between them, "id KIND" (of an object of that kind), "#Name" (a component).
struct SchemaLine {
  std::string_view path;  // "nodes[].state": a list of objects; "azs[]": a list of plain values
  std::string_view type;
  std::string_view sentence;
  bool is_required = false;
};

/// The schema of one value.
Json schema_of_type(std::string_view type);
/// "#/components/schemas/<name>"
Json schema_reference(std::string_view name);

/// Puts the schema of one member where the path says; objects and lists on the way are made, and
/// are required with it.
void add_member(Json& object_schema, std::string_view path, Json member, bool is_required);

/// The schema of an object with these members.
Json schema_of(std::span<const SchemaLine> lines);

}  // namespace weir::api
