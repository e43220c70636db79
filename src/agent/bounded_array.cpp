#include "agent/bounded_array.h"

#include <utility>

namespace weir::agent {

void BoundedArray::add(Json item) {
  const std::size_t bytes = item.dump().size() + 1;  // and its comma
  if (bytes > bytes_left_) {
    ++more_;
    return;
  }
  bytes_left_ -= bytes;
  items_.push_back(std::move(item));
}

}  // namespace weir::agent
