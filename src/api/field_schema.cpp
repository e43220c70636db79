#include "api/field_schema.h"

#include <string>

#include "api/schema_lines.h"
#include "model/registry.h"
#include "model/words.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::FieldOptions;

std::string_view format_of(model::TextRule rule) {
  if (rule == model::TextRule::kAddress) return "ipv4";
  if (rule == model::TextRule::kTime) return "date-time";
  return "";
}

void add_text_limits(const FieldDescription& field, SchemaUse use, Json& schema) {
  const FieldOptions& options = field.options;
  if (options.reference) schema["x-weir-kind"] = Json(model::kind_name(*options.reference));
  const std::string_view format = format_of(options.text);
  // What is absent elsewhere stands as an empty text in some answers.
  if (!format.empty() && use != SchemaUse::kAnswer) schema["format"] = Json(format);
  if (options.text == model::TextRule::kPrefix) schema["x-weir-text"] = "prefix";
  if (use != SchemaUse::kAnswer) schema["maxLength"] = Json(options.characters_max);
}

/// Of the value itself, or of one item of a list.
Json value_schema(const FieldDescription& field, SchemaUse use) {
  if (field.type == "object") return fields_schema(field.fields, use);
  Json schema = Json::object({{"type", field.type}});
  if (!field.choices.empty()) {
    Json words = Json::array();
    for (const std::string& word : field.choices) words.push_back(Json(word));
    schema["enum"] = std::move(words);
    return schema;
  }
  if (field.type == "string") add_text_limits(field, use, schema);
  if (field.options.min) schema["minimum"] = Json(*field.options.min);
  if (field.options.max) schema["maximum"] = Json(*field.options.max);
  return schema;
}

std::string words_of(std::span<const std::string_view> words, unsigned bits) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if ((bits >> i & 1u) != 0) text += (text.empty() ? "" : ", ") + std::string(words[i]);
  }
  return text;
}

/// The sentence, and what no word of JSON Schema says.
std::string description_of(const FieldDescription& field) {
  const FieldOptions& options = field.options;
  std::string text = field.sentence;
  constexpr unsigned kAllTypes = (1u << std::size(model::kLoadBalancerTypeWords)) - 1;
  constexpr unsigned kAllProtocols = (1u << std::size(model::kProtocolWords)) - 1;
  if ((options.types & kAllTypes) != kAllTypes) {
    text += "; only on " + words_of(model::kLoadBalancerTypeWords, options.types);
  }
  if ((options.protocols & kAllProtocols) != kAllProtocols) {
    text += "; only with " + words_of(model::kProtocolWords, options.protocols);
  }
  if (options.is_immutable) text += "; at creation only";
  if (options.is_update_only) text += "; by an update only";
  if (options.is_not_yet) text += "; not supported yet";
  for (const std::string& word : field.later) text += "; " + word + " is not supported yet";
  return text;
}

}  // namespace

Json field_schema(const FieldDescription& field, SchemaUse use) {
  Json schema = value_schema(field, use);
  if (field.is_list) {
    schema = Json::object({{"type", "array"}, {"items", std::move(schema)}});
    if (use != SchemaUse::kAnswer) {
      schema["minItems"] = Json(field.options.items_min);
      schema["maxItems"] = Json(field.options.items_max);
    }
  }
  schema["description"] = Json(description_of(field));
  const bool is_plain = field.is_list || field.type != "object";
  if (use == SchemaUse::kCreate && is_plain && !field.default_value.is_null() &&
      !field.options.is_required) {
    schema["default"] = field.default_value;
  }
  if (use == SchemaUse::kAnswer && field.options.is_output) schema["readOnly"] = Json(true);
  if (field.options.is_not_yet) schema["x-weir-effect"] = "not supported yet";
  return schema;
}

Json fields_schema(const std::vector<FieldDescription>& fields, SchemaUse use) {
  Json schema = Json::object({{"type", "object"}});
  for (const FieldDescription& field : fields) {
    if (use != SchemaUse::kAnswer && field.options.is_output) continue;
    const bool is_required = use == SchemaUse::kCreate && field.options.is_required;
    add_member(schema, field.name, field_schema(field, use), is_required);
  }
  return schema;
}

}  // namespace weir::api
