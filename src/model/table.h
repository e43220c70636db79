// The slot table of a group that a hash algorithm uses or has used; written by control with
// each change of the group, since it depends on the table before it. Source: design.md decision 8,
// docs/adr/0010-slot-tables.md. Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

/// Chosen because the largest table has 331 KB, in base64 a third more. Reached: nothing: no table
/// is larger.
inline constexpr std::size_t kTableCharactersMax = 460'000;

struct Table {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kTable;

  std::string load_balancer_id;
  std::string group_id;
  std::int64_t generation = 0;
  std::int64_t checksum = 0;
  std::string rows;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id,
      "the load balancer of a target group; an availability group has none", kOmitEmpty, kImmutable,
      Ref{Kind::kLoadBalancer});
    v("groupId", s.group_id, "the group whose slots it names", kRequired, kImmutable);
    v("generation", s.generation, "number of the change that made it");
    v("checksum", s.checksum, "CRC-32 of the rows; equal on all nodes");
    v("rows", s.rows, "the whole table (docs/formats/tables.md), base64", kRequired,
      Text{TextRule::kNone, kTableCharactersMax});
  }

  friend bool operator==(const Table&, const Table&) = default;
};

}  // namespace weir::model
