// Lists of things in calls of the JD Cloud face, each of which is a part of the object that the
// call changes. Thread: any (pure).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace weir::api {

/// "targetSpecs[2]".
std::string item_path(std::string_view list, std::size_t index);

/// The list of a call, which must be there and not empty. Errors: kInvalidArgument
Result<Json::Array> list_of(const Json& body, std::string_view key);

/// Which item of the call stands at which place of the stored list.
using ItemPlaces = std::map<std::size_t, std::size_t>;

/// Errors about the stored list `native` ("spec.targets") as paths of the call.
Errors as_item_errors(Errors errors, std::string_view native, std::string_view list,
                      const ItemPlaces& items);

}  // namespace weir::api
