// The field tables as JSON: what clients build forms and flags from.
#include "api/native_face.h"

namespace weir::api {
namespace {

Json words_json(const auto& words) {
  Json list = Json::array();
  for (const auto& word : words) list.push_back(Json(word));
  return list;
}

Json fields_json(const std::vector<model::FieldDescription>& fields);

/// Only what says something: a member that is absent is false or unbounded.
Json field_json(const model::FieldDescription& field) {
  const model::FieldOptions& options = field.options;
  Json json = Json::object({{"name", field.name}, {"type", field.type}});
  json["sentence"] = Json(field.sentence);
  const auto flag = [&json](const char* name, bool value) {
    if (value) json[name] = Json(true);
  };
  flag("isList", field.is_list);
  flag("isRequired", options.is_required);
  flag("isImmutable", options.is_immutable);
  flag("isOutput", options.is_output);
  flag("isSettable", options.is_settable);
  flag("isNotSupportedYet", options.is_not_yet);
  flag("isUpdateOnly", options.is_update_only);
  if (!field.default_value.is_null()) json["default"] = field.default_value;
  if (options.min) json["min"] = Json(*options.min);
  if (options.max) json["max"] = Json(*options.max);
  if (field.is_list) json["itemsMax"] = Json(options.items_max);
  if (field.type == "string" && field.choices.empty()) {
    json["charactersMax"] = Json(options.characters_max);
  }
  if (!field.choices.empty()) json["choices"] = words_json(field.choices);
  if (!field.later.empty()) json["later"] = words_json(field.later);
  if (options.reference) json["reference"] = Json(model::kind_name(*options.reference));
  if (!field.fields.empty()) json["fields"] = fields_json(field.fields);
  return json;
}

Json fields_json(const std::vector<model::FieldDescription>& fields) {
  Json list = Json::array();
  for (const model::FieldDescription& field : fields) list.push_back(field_json(field));
  return list;
}

}  // namespace

Json schema_json() {
  Json kinds = Json::array();
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    Json columns = Json::array();
    for (const model::Column& column : kind.columns) {
      columns.push_back(Json::object({{"title", column.title}, {"path", column.path}}));
    }
    Json json = Json::object({{"name", kind.word},
                              {"singular", kind.singular},
                              {"sentence", kind.sentence},
                              {"aliases", words_json(kind.aliases)},
                              {"isUserMade", kind.is_user_made},
                              {"columns", std::move(columns)},
                              {"spec", fields_json(kind.spec)},
                              {"admin", fields_json(kind.admin)}});
    if (!kind.parent_field.empty()) json["parentField"] = Json(kind.parent_field);
    kinds.push_back(std::move(json));
  }
  return Json::object({{"kinds", std::move(kinds)}});
}

}  // namespace weir::api
