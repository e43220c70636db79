// Who made a call: what its writes and refusals are recorded under, and whose objects it sees.
// Thread: values.
#pragma once

#include <string>

namespace weir::api {

struct Caller {
  std::string who;  // key id, "node/<id>", or "unauthenticated"
  std::string request_id;
  std::string account{};  // empty: nobody's
  std::string source{};   // address
};

/// The caller of no one.
inline constexpr const char* kUnauthenticated = "unauthenticated";

}  // namespace weir::api
