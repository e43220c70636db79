// Numbers that all nodes must share and none may invent: the seed of the hash of flows. Made by
// control at its first start. `previous` and `next` are for a change of the seed that no flow
// notices. Source: design.md decision 14. Thread: values.
#pragma once

#include <string>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

/// The only keyring there is.
inline constexpr std::string_view kHashSeedId = "hash-seed";

struct Keyring {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kKeyring;

  std::string previous;
  std::string current;
  std::string next;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("previous", s.previous, "the seed before, 16 hexadecimal digits; empty: none",
      Text{TextRule::kNone, 16});
    v("current", s.current, "the seed in force, 16 hexadecimal digits", kRequired,
      Text{TextRule::kNone, 16});
    v("next", s.next, "the seed to come, 16 hexadecimal digits; empty: none",
      Text{TextRule::kNone, 16});
  }

  friend bool operator==(const Keyring&, const Keyring&) = default;
};

}  // namespace weir::model
