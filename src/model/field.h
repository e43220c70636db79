// One line per field: a struct lists its fields once, as
//   template <class Self, class Visitor> static void fields(Self& s, Visitor& v) {
//     v("port", s.port, "what it is", Range{1, 65535}, kRequired);
//   }
// and the visitors below make of that list its JSON reader with validation, its writer and its
// schema. Members: bool, int, std::int64_t, std::uint16_t, std::string, enumerations of words.h,
// structs with fields(), std::vector and std::optional of these. Thread: any.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/field_options.h"

namespace weir::model {

/// One field as the API's schema, the command line and the reference page see it.
struct FieldDescription {
  std::string name;
  std::string v1_name;
  std::string type;  // "string", "integer", "boolean", "object"; of the items when is_list
  bool is_list = false;
  std::string sentence;
  Json default_value;                    // null: absent
  std::vector<std::string> choices;      // offered words
  std::vector<std::string> later;        // words that answer "not supported yet"
  FieldOptions options;                  // all flags, range, lengths, reference
  std::vector<FieldDescription> fields;  // of an object
};

/// What to do with members the list does not name: native face and stored text, or /v1.
enum class UnknownKeys { kRefuse, kIgnore };

namespace field {  // The untemplated half; used by the visitors only.

/// Reads one value into a member. Return what is wrong, empty when nothing is.
std::string read(const Json& json, const FieldOptions& options, bool& into);
std::string read(const Json& json, const FieldOptions& options, std::string& into);
std::string read_integer(const Json& json, const FieldOptions& options, std::int64_t lowest,
                         std::int64_t highest, std::int64_t& into);
std::string read_word(const Json& json, const FieldOptions& options,
                      std::span<const std::string_view> words, std::size_t& into);
std::string check_list(const Json& json, const FieldOptions& options);
std::string member_path(std::string_view path, std::string_view name);
std::string item_path(std::string_view path, std::size_t index);

template <class T>
concept Struct = requires(T& t, int& visitor) { &T::template fields<T, int>; };

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

}  // namespace field

/// JSON -> struct. A member that is absent or null keeps its default; all errors are collected.
class FieldReader {
 public:
  FieldReader(const Json& json, std::string path, UnknownKeys unknown, Errors& errors)
      : json_(json), path_(std::move(path)), unknown_(unknown), errors_(errors) {}

  template <class T, class... Option>
  void operator()(std::string_view name, T& member, std::string_view /*sentence*/,
                  const Option&... option) {
    const FieldOptions options = field_options(option...);
    const Json* value = take(name, options);
    if (value == nullptr) return;
    const std::string path = field::member_path(path_, name);
    if (!options.is_not_yet) return read_into(*value, path, options, member);
    const T before = member;
    const std::size_t errors_before = errors_.size();
    read_into(*value, path, options, member);
    if (member == before || errors_.size() != errors_before) return;
    member = before;
    fail(path, "not supported yet");
  }

  /// Call after the list: reports members that it did not name.
  void finish();

 private:
  const Json* take(std::string_view name, const FieldOptions& options);
  void fail(std::string path, std::string message);

  template <class T>
  void read_into(const Json& value, const std::string& path, const FieldOptions& options,
                 T& member) {
    if constexpr (field::IsOptional<T>::value) {
      typename T::value_type inner{};
      const std::size_t errors_before = errors_.size();
      read_into(value, path, options, inner);
      if (errors_.size() == errors_before) member = std::move(inner);
    } else if constexpr (field::IsVector<T>::value) {
      read_list(value, path, options, member);
    } else if constexpr (field::Struct<T>) {
      read_struct(value, path, member);
    } else {
      std::string problem = read_scalar(value, options, member);
      if (!problem.empty()) fail(path, std::move(problem));
    }
  }

  template <class T>
  void read_list(const Json& value, const std::string& path, const FieldOptions& options,
                 std::vector<T>& member) {
    std::string problem = field::check_list(value, options);
    if (!problem.empty()) return fail(path, std::move(problem));
    member.clear();
    std::size_t index = 0;
    for (const Json& item : value.as_array()) {
      T inner{};
      read_into(item, field::item_path(path, index++), options, inner);
      member.push_back(std::move(inner));
    }
  }

  template <class T>
  void read_struct(const Json& value, const std::string& path, T& member) {
    if (!value.is_object()) return fail(path, "must be an object");
    FieldReader reader(value, path, unknown_, errors_);
    T::fields(member, reader);
    reader.finish();
  }

  template <class T>
  static std::string read_scalar(const Json& value, const FieldOptions& options, T& member) {
    if constexpr (std::is_enum_v<T>) {
      std::size_t index = static_cast<std::size_t>(member);
      std::string problem = field::read_word(value, options, words(T{}), index);
      if (problem.empty()) member = static_cast<T>(index);
      return problem;
    } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
      std::int64_t number = 0;
      std::string problem = field::read_integer(value, options, std::numeric_limits<T>::min(),
                                                std::numeric_limits<T>::max(), number);
      if (problem.empty()) member = static_cast<T>(number);
      return problem;
    } else {
      return field::read(value, options, member);
    }
  }

  const Json& json_;
  std::string path_;
  UnknownKeys unknown_;
  Errors& errors_;
  std::vector<std::string_view> seen_;
};

namespace field {

template <class T>
Json written(const T& member);

}  // namespace field

/// struct -> JSON, in the order of the list. Absent optionals and fields of later releases are left
/// out.
class FieldWriter {
 public:
  explicit FieldWriter(Json& json) : json_(json) {}

  template <class T, class... Option>
  void operator()(std::string_view name, const T& member, std::string_view /*sentence*/,
                  const Option&... option) {
    constexpr bool kIsOptional = field::IsOptional<T>::value;
    const FieldOptions options = field_options(option...);
    if (options.is_not_yet) return;
    if (options.omits_empty && member == T{}) return;
    if constexpr (kIsOptional) {
      if (!member) return;
    }
    json_.as_object().emplace_back(std::string(name), field::written(member));
  }

 private:
  Json& json_;
};

/// struct -> schema; the defaults are those of the object visited.
class FieldDescriber {
 public:
  explicit FieldDescriber(std::vector<FieldDescription>& out) : out_(out) {}

  template <class T, class... Option>
  void operator()(std::string_view name, const T& member, std::string_view sentence,
                  const Option&... option) {
    const FieldOptions options = field_options(option...);
    FieldDescription& field = add(name, sentence, options);
    describe(static_cast<const T*>(nullptr), field);
    if (!options.is_required) field.default_value = field::written(member);
  }

 private:
  FieldDescription& add(std::string_view name, std::string_view sentence,
                        const FieldOptions& options);
  static void add_words(std::span<const std::string_view> words, FieldDescription& field);

  template <class T>
  static void describe(const std::optional<T>*, FieldDescription& field) {
    describe(static_cast<const T*>(nullptr), field);
  }
  template <class T>
  static void describe(const std::vector<T>*, FieldDescription& field) {
    describe(static_cast<const T*>(nullptr), field);
    field.is_list = true;
  }
  template <class T>
  static void describe(const T*, FieldDescription& field) {
    if constexpr (field::Struct<T>) {
      field.type = "object";
      FieldDescriber inner(field.fields);
      T value{};
      T::fields(std::as_const(value), inner);
    } else if constexpr (std::is_enum_v<T>) {
      field.type = "string";
      add_words(words(T{}), field);
    } else if constexpr (std::same_as<T, bool>) {
      field.type = "boolean";
    } else {
      field.type = std::integral<T> ? "integer" : "string";
    }
  }

  std::vector<FieldDescription>& out_;
};

template <class T>
struct Parsed {
  T value{};      // what could be read; the rest is at its default
  Errors errors;  // empty: all of it
};

/// Reads a struct; error paths begin with `path`.
template <class T>
Parsed<T> from_json(const Json& json, std::string_view path = "",
                    UnknownKeys unknown = UnknownKeys::kRefuse) {
  Parsed<T> parsed;
  FieldReader reader(json, std::string(path), unknown, parsed.errors);
  T::fields(parsed.value, reader);
  reader.finish();
  return parsed;
}

template <class T>
Json to_json(const T& value) {
  Json json = Json::object();
  FieldWriter writer(json);
  T::fields(value, writer);
  return json;
}

template <class T>
std::vector<FieldDescription> describe() {
  std::vector<FieldDescription> fields;
  FieldDescriber describer(fields);
  const T value{};
  T::fields(value, describer);
  return fields;
}

namespace field {

template <class T>
Json written(const T& member) {
  if constexpr (IsOptional<T>::value) {
    return member ? written(*member) : Json();
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : member) list.push_back(written(item));
    return list;
  } else if constexpr (Struct<T>) {
    return to_json(member);
  } else if constexpr (std::is_enum_v<T>) {
    return Json(word_of(member));
  } else {
    return Json(member);
  }
}

}  // namespace field

}  // namespace weir::model
