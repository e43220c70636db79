// How many rows of a slot table each member gets: the divisor method of Webster and Sainte-Lague
// within bounds. Which rows they are is decided in slot_table.cpp. Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir::balancing {

/// What one member may get.
struct Claim {
  std::uint64_t weight = 1;   // relative, above 0
  std::uint32_t lowest = 0;   // rows it must keep
  std::uint32_t highest = 0;  // rows it may have
};

/// Hands out `rows` one by one, each to the member with the largest weight / (2 * its rows + 1)
/// that is not at its highest; of equals the first one. Everybody starts at the lowest.
///
/// Without bounds it is monotone: a further member takes rows from the others and gives them none.
/// Range:   sum of lowest <= rows <= sum of highest; sum of weights below 2^32
/// Cost:    n log n for n claims when the bounds are not far from the weights
/// Source:  Balinski and Young, "Fair Representation": the divisor method of Webster
std::vector<std::uint32_t> row_quotas(std::span<const Claim> claims, std::uint32_t rows);

}  // namespace weir::balancing
