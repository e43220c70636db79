#include "api/schema_lines.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "base/check.h"

namespace weir::api {
namespace {

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Json words_schema(std::string_view words) {
  Json list = Json::array();
  while (!words.empty()) {
    const std::size_t bar = std::min(words.find('|'), words.size());
    list.push_back(Json(words.substr(0, bar)));
    words.remove_prefix(std::min(bar + 1, words.size()));
  }
  return Json::object({{"type", "string"}, {"enum", std::move(list)}});
}

/// The schema behind "[]", made when it is not there.
Json& items_of(Json& list) {
  if (list.find("items") == nullptr) {
    list["type"] = "array";
    list["items"] = Json::object();
  }
  return list["items"];
}

void require(Json& object_schema, std::string_view name) {
  Json& required = object_schema["required"];
  if (required.is_null()) required = Json::array();
  const auto& names = required.as_array();
  if (std::ranges::find(names, Json(name)) == names.end()) required.push_back(Json(name));
}

}  // namespace

Json schema_reference(std::string_view name) {
  return Json::object({{"$ref", "#/components/schemas/" + std::string(name)}});
}

Json schema_of_type(std::string_view type) {
  if (type == "any") return Json::object();
  if (type.starts_with('#')) return schema_reference(type.substr(1));
  if (type == "time") return Json::object({{"type", "string"}, {"format", "date-time"}});
  if (type.starts_with("id ")) {
    return Json::object({{"type", "string"}, {"x-weir-kind", type.substr(3)}});
  }
  if (type.find('|') != std::string_view::npos) return words_schema(type);
  const std::size_t space = std::min(type.find(' '), type.size());
  Json schema = Json::object({{"type", type.substr(0, space)}});
  const std::size_t dots = type.find("..");
  if (dots == std::string_view::npos) return schema;
  schema["minimum"] = Json(number_in(type.substr(space + 1)));
  schema["maximum"] = Json(number_in(type.substr(dots + 2)));
  return schema;
}

void add_member(Json& object_schema, std::string_view path, Json member, bool is_required) {
  Json* at = &object_schema;
  for (bool is_last = false; !is_last;) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    is_last = dot == path.size();
    std::string_view name = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    const bool is_list = name.ends_with("[]");
    if (is_list) name.remove_suffix(2);
    (*at)["type"] = "object";
    if (is_required) require(*at, name);
    Json& place = (*at)["properties"][name];
    if (place.is_null()) place = Json::object();
    at = is_list ? &items_of(place) : &place;
  }
  *at = std::move(member);
}

Json schema_of(std::span<const SchemaLine> lines) {
  Json schema = Json::object({{"type", "object"}});
  for (const SchemaLine& line : lines) {
    Json member = schema_of_type(line.type);
    if (!line.sentence.empty()) member["description"] = Json(line.sentence);
    add_member(schema, line.path, std::move(member), line.is_required);
  }
  return schema;
}

}  // namespace weir::api
