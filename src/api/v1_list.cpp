#include "api/v1_list.h"

#include <algorithm>
#include <charconv>

namespace weir::api {
namespace {

constexpr std::string_view kTypeFilter = "loadBalancerType";

const Json* at_path(const Json& document, std::string_view path) {
  const Json* value = &document;
  while (value != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return value;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Numbers by size, everything else as text.
int compared(const std::string& left, const std::string& right) {
  const auto a = number_of(left);
  const auto b = number_of(right);
  if (a && b) return *a < *b ? -1 : *a > *b ? 1 : 0;
  return left.compare(right);
}

bool holds(const std::string& have, FilterOperator op, const std::string& wanted) {
  switch (op) {
    case FilterOperator::kLike:
      return have.find(wanted) != std::string::npos;
    case FilterOperator::kLt:
      return compared(have, wanted) < 0;
    case FilterOperator::kLe:
      return compared(have, wanted) <= 0;
    case FilterOperator::kGt:
      return compared(have, wanted) > 0;
    case FilterOperator::kGe:
      return compared(have, wanted) >= 0;
    case FilterOperator::kEq:
    case FilterOperator::kNe:
    case FilterOperator::kIn:
      break;
  }
  return have == wanted;
}

/// The words that stand for every class of availability zone, and every status.
bool is_any(const V1Filter& known, const ListFilter& filter) {
  const auto names = [&](std::string_view word) {
    return std::ranges::find(filter.values, word) != filter.values.end();
  };
  if (known.filter.name == "status") return names("ALL");
  return (known.filter.name == "azType" || known.filter.name == "subnetType") && names("all");
}

bool matches_one(const Json& document, const V1Filter& known, const ListFilter& filter) {
  if (is_any(known, filter)) return true;
  const Json* value = at_path(document, known.path);
  if (value == nullptr) return false;
  const Json::Array items = value->is_array() ? value->as_array() : Json::Array{*value};
  const bool is_found = std::ranges::any_of(items, [&](const Json& item) {
    return std::ranges::any_of(filter.values, [&](const std::string& wanted) {
      return holds(text_of(item), known.is_fuzzy ? FilterOperator::kLike : filter.op, wanted);
    });
  });
  return filter.op == FilterOperator::kNe ? !is_found : is_found;
}

bool has_tag(const Json& document, const ListTag& wanted) {
  const Json* tags = document.find("tags");
  if (tags == nullptr || !tags->is_array()) return false;
  return std::ranges::any_of(tags->as_array(), [&](const Json& tag) {
    if (tag.string_or("key", "") != wanted.key) return false;
    return wanted.values.empty() ||
           std::ranges::find(wanted.values, tag.string_or("value", "")) != wanted.values.end();
  });
}

const V1Filter* find_filter(std::span<const V1Filter> filters, std::string_view name) {
  const auto found = std::ranges::find_if(
      filters, [&](const V1Filter& known) { return known.filter.name == name; });
  return found == filters.end() ? nullptr : &*found;
}

}  // namespace

Errors read_v1_query(const QueryPairs& pairs, std::span<const V1Filter> filters, QueryList& into) {
  std::vector<FilterName> names;
  for (const V1Filter& known : filters) names.push_back(known.filter);
  Errors errors = read_query_list(pairs, {.filters = names, .sorts = {}}, into);
  if (!errors.empty() || find_filter(filters, kTypeFilter) == nullptr) return errors;
  const bool is_narrowed = std::ranges::any_of(into.filters, [&](const ListFilter& filter) {
    const V1Filter* known = find_filter(filters, filter.name);
    return filter.name == kTypeFilter || (known != nullptr && known->is_id);
  });
  if (!is_narrowed)
    into.filters.push_back({std::string(kTypeFilter), FilterOperator::kEq, {"alb"}});
  return errors;
}

bool matches_v1(const Json& document, std::span<const V1Filter> filters, const QueryList& query) {
  bool has_either = false;
  bool is_either = false;
  for (const ListFilter& filter : query.filters) {
    const V1Filter* known = find_filter(filters, filter.name);
    if (known == nullptr) return false;
    const bool is_match = matches_one(document, *known, filter);
    if (!known->is_either && !is_match) return false;
    has_either = has_either || known->is_either;
    is_either = is_either || (known->is_either && is_match);
  }
  return has_either == is_either && std::ranges::all_of(query.tags, [&](const ListTag& tag) {
           return has_tag(document, tag);
         });
}

V1Page v1_page_of(std::size_t total, const QueryList& query) {
  const std::size_t size = query.page_size;
  const std::size_t pages = std::max<std::size_t>((total + size - 1) / size, 1);
  const std::size_t page = std::clamp<std::size_t>(query.page_number, 1, pages);
  return {std::min((page - 1) * size, total), std::min(page * size, total)};
}

Json v1_page(std::string_view plural, Json::Array shown, std::size_t total) {
  return Json::object({{std::string(plural), Json(std::move(shown))}, {"totalCount", total}});
}

Json v1_page(std::string_view plural, Json::Array documents, const QueryList& query) {
  const V1Page page = v1_page_of(documents.size(), query);
  const auto at = [&](std::size_t number) {
    return std::make_move_iterator(documents.begin() + static_cast<std::ptrdiff_t>(number));
  };
  return v1_page(plural, Json::Array(at(page.begin), at(page.end)), documents.size());
}

}  // namespace weir::api
