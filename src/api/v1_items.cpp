#include "api/v1_items.h"

namespace weir::api {
namespace {

/// Whether the path is the place or leads into it.
bool has_place(const std::string& field, const std::string& place) {
  return field == place || field.starts_with(place + ".");
}

}  // namespace

std::string item_path(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

Result<Json::Array> list_of(const Json& body, std::string_view key) {
  const Json* list = body.find(key);
  if (list == nullptr || list->is_null()) {
    return Error{ErrorCode::kInvalidArgument, "is required", std::string(key)};
  }
  if (!list->is_array() || list->as_array().empty()) {
    return Error{ErrorCode::kInvalidArgument, "must be a list with at least one item",
                 std::string(key)};
  }
  return list->as_array();
}

Errors as_item_errors(Errors errors, std::string_view native, std::string_view list,
                      const ItemPlaces& items) {
  for (Error& error : errors) {
    if (error.field == native) error.field = list;
    for (const auto& [place, item] : items) {
      const std::string path = item_path(native, place);
      if (!has_place(error.field, path)) continue;
      error.field = item_path(list, item) + error.field.substr(path.size());
      break;
    }
  }
  return errors;
}

}  // namespace weir::api
