// A JSON value and its strict reader. The library that scans the text stays in json.cpp.
// Objects keep the order in which keys were added. Integers and other numbers are told apart: 80 is
// an integer, 80.0 and 1e2 are not, and an integer outside 64 bits counts as a (non-integer)
// number. Thread: values, owned by whoever holds them.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace weir {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}

  static Json object(Object members = {});
  static Json array(Array items = {}) { return Json(std::move(items)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // The kind must have been asked for before: a wrong one aborts.
  bool as_bool() const;
  std::int64_t as_integer() const;
  double as_number() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();

  /// The member, or null when this is no object or has no such key.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  /// The member, added as null when missing; a null value becomes an object first.
  Json& operator[](std::string_view key);
  /// Removes the member; true when it was there.
  bool erase(std::string_view key);
  /// A null value becomes an array first.
  void push_back(Json item);

  /// The member's string or integer or bool, or `other` when it is missing or of another kind.
  std::string string_or(std::string_view key, std::string_view other) const;
  std::int64_t integer_or(std::string_view key, std::int64_t other) const;
  bool bool_or(std::string_view key, bool other) const;

  /// Compact text, or indented by `indent` spaces per level when it is not negative.
  std::string dump(int indent = -1) const;

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// Limits of one document. Source: the request limits of the API. Reached: 400, nothing is read.
struct JsonLimits {
  std::size_t size_max = 1 << 20;  // bytes
  int depth_max = 32;              // levels
  std::size_t items_max = 1000;    // members of one object or items of one array
};

/// Reads one document: refuses NUL bytes, duplicate keys, invalid UTF-8, trailing bytes and
/// anything beyond `limits`.
///
/// Errors:  kInvalidArgument, with what was found and where
/// Thread:  any
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace weir
