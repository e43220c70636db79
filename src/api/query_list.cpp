#include "api/query_list.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace weir::api {
namespace {

using Values = std::map<std::uint64_t, std::string>;

// One filters.N, tags.N or sorts.N as it comes in, before its parts are judged.
struct Group {
  std::map<std::string, std::string, std::less<>> members;  // name, operator, key, direction
  Values values;
};
using Groups = std::map<std::uint64_t, Group>;

struct GroupKind {
  std::string_view prefix;
  std::span<const std::string_view> members;
  bool has_values;
};

constexpr std::string_view kFilterMembers[] = {"name", "operator"};
constexpr std::string_view kTagMembers[] = {"key"};
constexpr std::string_view kSortMembers[] = {"name", "direction"};
constexpr GroupKind kFilters{"filters", kFilterMembers, true};
constexpr GroupKind kTags{"tags", kTagMembers, true};
constexpr GroupKind kSorts{"sorts", kSortMembers, false};

constexpr std::pair<std::string_view, FilterOperator> kOperators[] = {
    {"eq", FilterOperator::kEq}, {"ne", FilterOperator::kNe},     {"lt", FilterOperator::kLt},
    {"le", FilterOperator::kLe}, {"gt", FilterOperator::kGt},     {"ge", FilterOperator::kGe},
    {"in", FilterOperator::kIn}, {"like", FilterOperator::kLike},
};

Error wrong(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Of digits only; the largest number when it is larger.
std::uint64_t number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : std::numeric_limits<std::uint64_t>::max();
}

std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

std::string range_text(std::uint64_t low, std::uint64_t high) {
  return "must be an integer between " + std::to_string(low) + " and " + std::to_string(high);
}

/// "a, b or c", for messages.
template <class Range, class Text>
std::string one_of(const Range& range, Text text) {
  std::string list = "must be one of";
  for (const auto& item : range) list.append(" ").append(text(item));
  return list;
}

class Reader {
 public:
  Reader(const QueryNames& names, QueryList& into) : names_(names), into_(into) {}

  Errors read(std::span<const std::pair<std::string, std::string>> pairs) {
    if (pairs.size() > kQueryPairsMax) {
      return {wrong("query", "has more than " + std::to_string(kQueryPairsMax) + " parameters")};
    }
    for (const auto& [name, value] : pairs) read_pair(name, value);
    take_pages();
    take_arrays();
    take_filters();
    take_tags();
    take_sorts();
    return std::move(errors_);
  }

 private:
  void fail(std::string field, std::string message) {
    Error error = wrong(std::move(field), std::move(message));
    if (errors_.empty() || errors_.back() != error) errors_.push_back(std::move(error));
  }

  /// Numbers out of range are one mistake, however many there are.
  void fail_once(const std::string& field, std::uint64_t max) {
    if (!std::exchange(out_of_range_[field], true)) {
      fail(field, "is numbered: each number " + range_text(1, max));
    }
  }

  void read_pair(const std::string& name, const std::string& value) {
    std::string_view rest = name;
    const std::string_view prefix = cut(rest, '.');
    if (prefix == kFilters.prefix) return read_member(kFilters, name, value, filters_);
    if (prefix == kTags.prefix) return read_member(kTags, name, value, tags_);
    if (prefix == kSorts.prefix) return read_member(kSorts, name, value, sorts_);
    if (!prefix.empty() && is_number(rest)) {
      put(arrays_[std::string(prefix)], rest, "query", value);
    } else if (!into_.plain.emplace(name, value).second) {
      fail(known(name), "is given twice");
    }
  }

  /// The name of a parameter is the caller's text: only names of ours are said back.
  static std::string known(const std::string& name) {
    return name == "pageNumber" || name == "pageSize" ? name : "query";
  }

  /// "<prefix>.N.<member>" or "<prefix>.N.values.M".
  void read_member(const GroupKind& kind, std::string_view name, const std::string& value,
                   Groups& groups) {
    const std::string prefix(kind.prefix);
    std::string_view rest = name;
    cut(rest, '.');
    const std::string_view number = cut(rest, '.');
    const std::string_view member = cut(rest, '.');
    const bool is_values = kind.has_values && member == "values" && is_number(rest);
    const bool is_member = rest.empty() && !name.ends_with('.') &&
                           std::ranges::find(kind.members, member) != kind.members.end();
    if (!is_number(number) || (!is_values && !is_member)) {
      return fail(prefix, "has a parameter that is not " + prefix + ".N and one of its members");
    }
    const std::uint64_t at = number_of(number);
    if (at < 1 || at > kQueryGroupsMax) {
      return fail_once(prefix, kQueryGroupsMax);
    }
    const std::string field = prefix + "." + std::to_string(at) + "." + std::string(member);
    if (is_values) return put(groups[at].values, rest, field, value);
    if (!groups[at].members.emplace(member, value).second) fail(field, "is given twice");
  }

  void put(Values& values, std::string_view number, const std::string& field,
           const std::string& value) {
    const std::uint64_t at = number_of(number);
    if (at < 1 || at > kQueryValuesMax) {
      fail_once(field, kQueryValuesMax);
    } else if (!values.emplace(at, value).second) {
      fail(field, "has one number twice");
    }
  }

  void take_pages() {
    if (const std::string* text = plain("pageNumber")) {
      into_.page_number = is_number(*text) ? number_of(*text) : 0;
      if (into_.page_number < 1) fail("pageNumber", "must be an integer of at least 1");
    }
    if (const std::string* text = plain("pageSize")) {
      into_.page_size = is_number(*text) ? number_of(*text) : 0;
      if (into_.page_size < kListPageSizeMin || into_.page_size > kListPageSizeMax) {
        fail("pageSize", range_text(kListPageSizeMin, kListPageSizeMax));
      }
    }
  }

  const std::string* plain(std::string_view name) const {
    const auto found = into_.plain.find(name);
    return found == into_.plain.end() ? nullptr : &found->second;
  }

  void take_arrays() {
    for (auto& [name, values] : arrays_) into_.arrays[name] = in_order(std::move(values));
  }

  static std::vector<std::string> in_order(Values values) {
    std::vector<std::string> list;
    for (auto& [number, value] : values) list.push_back(std::move(value));
    return list;
  }

  static const std::string* find_member(const Group& group, std::string_view name) {
    const auto found = group.members.find(name);
    return found == group.members.end() ? nullptr : &found->second;
  }

  void take_filters() {
    for (auto& [number, group] : filters_) {
      const std::string field = "filters." + std::to_string(number);
      ListFilter filter;
      filter.values = in_order(std::move(group.values));
      if (filter.values.empty()) fail(field + ".values", "is missing");
      read_operator(group, field, filter);
      read_filter_name(group, field, filter);
      into_.filters.push_back(std::move(filter));
    }
  }

  void read_operator(const Group& group, const std::string& field, ListFilter& filter) {
    const std::string* word = find_member(group, "operator");
    if (word == nullptr) return;
    const auto* found = std::ranges::find(kOperators, *word, [](const auto& o) { return o.first; });
    if (found == std::end(kOperators)) {
      return fail(field + ".operator", one_of(kOperators, [](const auto& o) { return o.first; }));
    }
    filter.op = found->second;
    if (filter.op == FilterOperator::kLike && filter.values.size() > 1) {
      fail(field + ".values", "must be one value with the operator like");
    }
  }

  void read_filter_name(const Group& group, const std::string& field, ListFilter& filter) {
    const std::string* name = find_member(group, "name");
    if (name == nullptr) return fail(field + ".name", "is missing");
    const auto found = std::ranges::find(names_.filters, *name, &FilterName::name);
    if (found == names_.filters.end()) {
      return fail(field + ".name", one_of(names_.filters, [](const auto& f) { return f.name; }));
    }
    if (filter.op == FilterOperator::kLike && !found->takes_like) {
      fail(field + ".operator", "like is not supported for this filter");
    }
    filter.name = *name;
  }

  void take_tags() {
    for (auto& [number, group] : tags_) {
      const std::string* key = find_member(group, "key");
      if (key == nullptr) {
        fail("tags." + std::to_string(number) + ".key", "is missing");
        continue;
      }
      into_.tags.push_back({*key, in_order(std::move(group.values))});
    }
  }

  void take_sorts() {
    for (const auto& [number, group] : sorts_) {
      const std::string field = "sorts." + std::to_string(number);
      const std::string* name = find_member(group, "name");
      if (name == nullptr) {
        fail(field + ".name", "is missing");
      } else if (std::ranges::find(names_.sorts, *name) == names_.sorts.end()) {
        fail(field + ".name", one_of(names_.sorts, [](std::string_view sort) { return sort; }));
      }
      const auto descending = is_descending(find_member(group, "direction"));
      if (!descending) fail(field + ".direction", "must be one of asc desc");
      if (name != nullptr && descending) into_.sorts.push_back({*name, *descending});
    }
  }

  /// In any case; absent means ascending.
  static std::optional<bool> is_descending(const std::string* direction) {
    if (direction == nullptr) return false;
    std::string word = *direction;
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (word == "desc") return true;
    return word == "asc" ? std::optional(false) : std::nullopt;
  }

  const QueryNames& names_;
  QueryList& into_;
  Groups filters_;
  Groups tags_;
  Groups sorts_;
  std::map<std::string, Values> arrays_;
  std::map<std::string, bool> out_of_range_;
  Errors errors_;
};

}  // namespace

Errors read_query_list(std::span<const std::pair<std::string, std::string>> pairs,
                       const QueryNames& names, QueryList& into) {
  return Reader(names, into).read(pairs);
}

}  // namespace weir::api
