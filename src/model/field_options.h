// What the line of a field may say beside its name, its member and its sentence. Written in the
// fields() lists of the kinds, e.g. Range{1, 65535}, kRequired. Thread: any (constants).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/kind.h"
#include "model/words.h"

namespace weir::model {

/// What a string may hold.
enum class TextRule {
  kNone,         // any valid UTF-8 without control and bidi characters
  kName,         // Chinese characters, letters, digits, _ and -
  kDescription,  // as kNone; may be empty
  kAddress,      // a canonical IPv4 literal
  kPrefix,       // a canonical IPv4 prefix, 10.0.0.0/24
  kDomain,       // letters, digits, - and .
  kHttpPath,     // the path of a check (product.md A.7)
  kHttpCodes,    // an item of httpCode (product.md A.7)
  kServerName,   // as kName, and . but not first or last; at least 2 characters
  kTime,         // UTC, 2026-01-31T12:00:00Z
};

/// What all options of one line amount to.
struct FieldOptions {
  bool is_required = false;
  bool is_immutable = false;
  bool is_output = false;
  bool is_settable = false;
  bool is_not_yet = false;
  bool is_kept = false;
  bool omits_empty = false;
  bool is_update_only = false;
  bool is_native_only = false;
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;
  TextRule text = TextRule::kNone;
  std::size_t characters_max = 256;
  std::size_t items_min = 0;
  std::size_t items_max = 1000;
  std::array<std::string_view, 4> later{};  // known words that are not supported yet
  std::optional<Kind> reference;
  unsigned types = 7;      // bit per LoadBalancerType
  unsigned protocols = 3;  // bit per Protocol
  std::string_view v1_name;
  std::string_view instead_of;  // another list of the same object; empty: none
};

/// Inclusive; checked before the value is narrowed to its member.
struct Range {
  std::int64_t min;
  std::int64_t max;
  constexpr void set(FieldOptions& o) const { o.min = min, o.max = max; }
};

/// Rule and longest length of a string, in characters (not bytes).
struct Text {
  TextRule rule;
  std::size_t characters_max = 256;
  constexpr void set(FieldOptions& o) const { o.text = rule, o.characters_max = characters_max; }
};

/// How many items a list may hold.
struct Items {
  std::size_t min;
  std::size_t max;
  constexpr void set(FieldOptions& o) const { o.items_min = min, o.items_max = max; }
};

/// Words of the product that answer "not supported yet".
struct NotYet {
  std::array<std::string_view, 4> later{};
  template <class... Word>
  constexpr explicit NotYet(Word... word) : later{word...} {}
  constexpr void set(FieldOptions& o) const { o.later = later; }
};

/// The value (or each item) is the id of an object of that kind and of the same owner; for kinds
/// below a load balancer also of the same load balancer.
struct Ref {
  Kind kind;
  constexpr void set(FieldOptions& o) const { o.reference = kind; }
};

/// Another value than the default is refused on other types of load balancer.
template <class... Type>
struct OnlyOn {
  unsigned mask;
  constexpr explicit OnlyOn(Type... type) : mask(((1u << static_cast<unsigned>(type)) | ...)) {}
  constexpr void set(FieldOptions& o) const { o.types = mask; }
};

/// Another value than the default is refused with other protocols of the object.
struct OnlyWith {
  Protocol protocol;
  constexpr void set(FieldOptions& o) const { o.protocols = 1u << static_cast<unsigned>(protocol); }
};

/// Name on the /v1 face when it differs from the native one.
struct V1Name {
  std::string_view name;
  constexpr void set(FieldOptions& o) const { o.v1_name = name; }
};

/// Of this list and the other one may hold something: a body that fills this one and does not name
/// the other empties it.
struct InsteadOf {
  std::string_view other;
  constexpr void set(FieldOptions& o) const { o.instead_of = other; }
};

/// A switch of FieldOptions as a word of a field's line.
struct Mark {
  bool FieldOptions::* member;
  constexpr void set(FieldOptions& o) const { o.*member = true; }
};
inline constexpr Mark kRequired{&FieldOptions::is_required};
inline constexpr Mark kImmutable{&FieldOptions::is_immutable};
/// Made by control; what a caller sends is ignored.
inline constexpr Mark kOutputOnly{&FieldOptions::is_output};
/// A field of the admin part that users set (the others are control's own).
inline constexpr Mark kSettable{&FieldOptions::is_settable};
/// Its effect comes later: any value but the default answers "not supported yet".
inline constexpr Mark kNotYet{&FieldOptions::is_not_yet};
/// An update of the whole object that does not name it leaves it as it is.
inline constexpr Mark kKept{&FieldOptions::is_kept};
/// Not written when empty. For fields added after the first release: an older node that does not
/// know the field can then read every object that does not use it.
inline constexpr Mark kOmitEmpty{&FieldOptions::omits_empty};
/// Another value than the default is refused at creation.
inline constexpr Mark kUpdateOnly{&FieldOptions::is_update_only};
/// Not on the /v1 face: it neither takes nor shows it, and an update there leaves it as it is.
inline constexpr Mark kNativeOnly{&FieldOptions::is_native_only};

template <class... Option>
constexpr FieldOptions field_options(const Option&... option) {
  FieldOptions options;
  (option.set(options), ...);
  return options;
}

}  // namespace weir::model
