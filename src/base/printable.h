// A caller's bytes as a message or a log line may repeat them: short, and never a byte that ends
// the line, drives a terminal or is no UTF-8.
// Thread: any (pure).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

/// The first `bytes_max` bytes, then "..." when there are more; '?' for every byte that is not
/// printable ASCII.
std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace weir
