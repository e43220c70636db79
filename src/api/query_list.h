// The query of a list call of the JD Cloud face: pages, filters, tags, sorts and numbered arrays.
// Knows how they are encoded, not what they mean: that a filter compares a field is the caller's.
// Source: product.md B.3. Thread: any (pure).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace weir::api {

/// Source of the ranges: product.md B.3. Reached: 400 naming pageSize; weir_api_requests_total
/// counts it.
inline constexpr std::uint64_t kListPageSizeMin = 10;
inline constexpr std::uint64_t kListPageSizeMax = 100;
inline constexpr std::uint64_t kListPageSizeDefault = 20;

/// Parameters of one query. Chosen because the widest call has a tenth; the head's 64 KiB would
/// hold 5 000. Reached: 400; weir_api_requests_total counts it.
inline constexpr std::size_t kQueryPairsMax = 1000;
/// The N of filters.N, tags.N and sorts.N. Chosen because no operation has more than ten filters.
/// Reached: 400 naming the parameter.
inline constexpr std::size_t kQueryGroupsMax = 50;
/// The M of values.M, and the N of name.N. Chosen because it is twice the largest page. Reached:
/// 400 naming the parameter.
inline constexpr std::size_t kQueryValuesMax = 200;

enum class FilterOperator : std::uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kIn, kLike };

struct ListFilter {
  std::string name;
  FilterOperator op = FilterOperator::kEq;
  std::vector<std::string> values;  // one of them must match; not empty
};

struct ListTag {
  std::string key;
  std::vector<std::string> values;  // empty: the key alone
};

struct ListSort {
  std::string name;
  bool is_descending = false;
};

/// A filter that an operation has.
struct FilterName {
  std::string_view name;
  bool takes_like = false;
};

struct QueryNames {
  std::span<const FilterName> filters;
  std::span<const std::string_view> sorts;
};

/// In the order of their numbers; gaps between numbers are closed, as clients leave them.
struct QueryList {
  std::uint64_t page_number = 1;  // beyond the end means the last page
  std::uint64_t page_size = kListPageSizeDefault;
  std::vector<ListFilter> filters;
  std::vector<ListTag> tags;
  std::vector<ListSort> sorts;
  std::map<std::string, std::vector<std::string>, std::less<>> arrays;  // name.N
  std::map<std::string, std::string, std::less<>> plain;                // everything else
};

/// Reads decoded pairs (http::query_pairs). Parameters that no operation
/// knows end in `arrays` or `plain` and may be ignored.
/// Errors:  kInvalidArgument, all of them
Errors read_query_list(std::span<const std::pair<std::string, std::string>> pairs,
                       const QueryNames& names, QueryList& into);

}  // namespace weir::api
