// Who made a call: what its writes and refusals are recorded under, whose objects it sees and what
// it may do. Thread: values.
#pragma once

#include <string>

#include "model/people.h"

namespace weir::api {

struct Caller {
  std::string who;  // "<user>/<id of a token or access key>", "node/<id>", or "unauthenticated"
  std::string request_id;
  std::string account{};  // empty: nobody's
  std::string source{};   // address
  model::Role role = model::Role::kViewer;
};

/// The caller of no one.
inline constexpr const char* kUnauthenticated = "unauthenticated";

}  // namespace weir::api
