// JSON Schema (2020-12) of field tables: what a kind's spec and administrative part may be in a
// body, and are in an answer. Thread: any (pure).
#pragma once

#include <vector>

#include "base/json.h"
#include "model/field.h"

namespace weir::api {

enum class SchemaUse {
  kCreate,  // with what must be given; without what control makes
  kUpdate,  // the same, nothing must be given
  kAnswer,  // everything that may be there
};

/// Of one field, with its sentence and limits. Words that come later are not among its values.
Json field_schema(const model::FieldDescription& field, SchemaUse use);

/// Of an object with these fields.
Json fields_schema(const std::vector<model::FieldDescription>& fields, SchemaUse use);

}  // namespace weir::api
