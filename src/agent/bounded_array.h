// A JSON array that must fit a frame: takes items while they fit a number of bytes, and counts the
// rest. What the reports between proxy, node and control are built with. Thread: owner.
#pragma once

#include <cstddef>
#include <utility>

#include "base/json.h"

namespace weir::agent {

class BoundedArray {
 public:
  /// Units: bytes of JSON text.
  explicit BoundedArray(std::size_t bytes_max) : bytes_left_(bytes_max) {}

  void add(Json item);
  /// Items that did not fit.
  std::size_t more() const { return more_; }
  /// The array; call once.
  Json take() { return std::move(items_); }

 private:
  Json items_ = Json::array();
  std::size_t bytes_left_;
  std::size_t more_ = 0;
};

}  // namespace weir::agent
