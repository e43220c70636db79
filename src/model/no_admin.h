// The administrative part of a kind that has none. Thread: values.
#pragma once

namespace weir::model {

struct NoAdmin {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}

  friend bool operator==(const NoAdmin&, const NoAdmin&) = default;
};

}  // namespace weir::model
