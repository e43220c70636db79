// Which nodes may still have an address that was taken from them: it is not given to others before
// they have reported it gone. Called by writes and by the keeper. Thread: any (pure).
#pragma once

#include <string>
#include <vector>

#include "api/observed.h"
#include "base/strong_type.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Whether the node has given the address up that was taken from it in `released`; one that was
/// deleted has nothing.
bool has_given_up(const std::string& node, const std::string& address, Revision released,
                  const model::ObjectIndex& index, const ObservedView& observed);

/// The nodes that have the address of `object`, or may have: those to wait for when it goes.
std::vector<std::string> holders_of(const model::Object& object, const model::ObjectIndex& index);

}  // namespace weir::api
