// Who made a call: what its writes and refusals are recorded under, whose objects it sees and what
// it may do. Thread: values.
#pragma once

#include <string>

#include "model/people.h"

namespace weir::api {

/// What makes a create safe to repeat (api/client_tokens.h).
struct RepeatToken {
  std::string text{};     // empty: none
  std::string field{};    // where the caller gave it: "Idempotency-Key"
  std::string request{};  // digest of what it asks for
};

struct Caller {
  std::string who;  // "<user>/<id of a token or access key>", "node/<id>", or "unauthenticated"
  std::string request_id;
  std::string account{};  // empty: nobody's
  std::string source{};   // address
  model::Role role = model::Role::kViewer;
  /// Of a create, if the caller gave one: the same again gets what the first made, by id and
  /// revision alone.
  RepeatToken repeat{};
  std::string user{};     // id; empty: what the first start made
  std::string session{};  // id, when the call came with a session's cookie
};

/// The caller of no one.
inline constexpr const char* kUnauthenticated = "unauthenticated";

}  // namespace weir::api
