#include "base/json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/check.h"
#include "base/printable.h"

namespace weir {
namespace {

/// Of a caller's text, in a message. Chosen because it shows the mistake and keeps a message short.
constexpr std::size_t kShownBytes = 80;

/// Builds a Json from the library's events and refuses what the library itself lets through.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX))
      return add(Json(static_cast<double>(value)));
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) return fail("number out of range: " + text.substr(0, 32));
    return add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return fail("binary values are not JSON"); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(string_t& name) override {
    Level& level = open_.back();
    if (!level.keys.insert(name).second) {
      return fail("duplicate key '" + printable(name, kShownBytes) + "'");
    }
    if (level.keys.size() > limits_.items_max) return fail_items();
    level.key = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const std::string text = error.what();
    const auto detail = text.rfind("; ");
    return fail("not valid JSON at byte " + std::to_string(position) +
                (detail == std::string::npos
                     ? ""
                     : ": " + printable(text.substr(detail + 2), kShownBytes)));
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }
  bool fail_items() {
    return fail("more than " + std::to_string(limits_.items_max) + " items in one value");
  }

  bool open(Json value) {
    if (static_cast<int>(open_.size()) >= limits_.depth_max) {
      return fail("deeper than " + std::to_string(limits_.depth_max) + " levels");
    }
    open_.push_back({std::move(value), {}, {}});
    return true;
  }
  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }
  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = open_.back();
    if (level.value.is_object()) {
      level.value.as_object().emplace_back(std::move(level.key), std::move(value));
      return true;
    }
    level.value.push_back(std::move(value));
    return level.value.as_array().size() <= limits_.items_max || fail_items();
  }

  const JsonLimits& limits_;
  std::vector<Level> open_;
  Json root_;
  std::string problem_;
};

void write_string(const std::string& text, std::string& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_break(int indent, int level, std::string& out) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent * level), ' ');
}

void write_value(const Json& value, int indent, int level, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_integer()) {
    out += std::to_string(value.as_integer());
  } else if (value.is_number()) {
    out += nlohmann::json(value.as_number()).dump();
  } else if (value.is_string()) {
    write_string(value.as_string(), out);
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value.as_array()) {
      if (!std::exchange(first, false)) out += ',';
      write_break(indent, level + 1, out);
      write_value(item, indent, level + 1, out);
    }
    if (!first) write_break(indent, level, out);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : value.as_object()) {
      if (!std::exchange(first, false)) out += ',';
      write_break(indent, level + 1, out);
      write_string(key, out);
      out += indent < 0 ? ":" : ": ";
      write_value(member, indent, level + 1, out);
    }
    if (!first) write_break(indent, level, out);
    out += '}';
  }
}

}  // namespace

Json Json::object(Object members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

bool Json::as_bool() const {
  WEIR_CHECK(is_bool());
  return std::get<bool>(value_);
}

std::int64_t Json::as_integer() const {
  WEIR_CHECK(is_integer());
  return std::get<std::int64_t>(value_);
}

double Json::as_number() const {
  if (is_integer()) return static_cast<double>(as_integer());
  WEIR_CHECK(is_number());
  return std::get<double>(value_);
}

const std::string& Json::as_string() const {
  WEIR_CHECK(is_string());
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  WEIR_CHECK(is_array());
  return std::get<Array>(value_);
}

Json::Array& Json::as_array() {
  WEIR_CHECK(is_array());
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  WEIR_CHECK(is_object());
  return std::get<Object>(value_);
}

Json::Object& Json::as_object() {
  WEIR_CHECK(is_object());
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const auto& [name, member] : as_object()) {
    if (name == key) return &member;
  }
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object();
  if (Json* found = find(key)) return *found;
  return as_object().emplace_back(std::string(key), Json()).second;
}

bool Json::erase(std::string_view key) {
  return is_object() &&
         std::erase_if(as_object(), [&](const Member& m) { return m.first == key; }) > 0;
}

void Json::push_back(Json item) {
  if (is_null()) value_ = Array();
  as_array().push_back(std::move(item));
}

std::string Json::string_or(std::string_view key, std::string_view other) const {
  const Json* member = find(key);
  return member != nullptr && member->is_string() ? member->as_string() : std::string(other);
}

std::int64_t Json::integer_or(std::string_view key, std::int64_t other) const {
  const Json* member = find(key);
  return member != nullptr && member->is_integer() ? member->as_integer() : other;
}

bool Json::bool_or(std::string_view key, bool other) const {
  const Json* member = find(key);
  return member != nullptr && member->is_bool() ? member->as_bool() : other;
}

std::string Json::dump(int indent) const {
  std::string out;
  write_value(*this, indent, 0, out);
  return out;
}

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.size_max) {
    return Error{ErrorCode::kInvalidArgument,
                 "larger than " + std::to_string(limits.size_max) + " bytes", ""};
  }
  if (text.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument, "not valid JSON: holds a NUL byte", ""};
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return Error{ErrorCode::kInvalidArgument, "not valid JSON: begins with a byte order mark", ""};
  }
  Builder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error{ErrorCode::kInvalidArgument,
                 builder.problem().empty() ? "not valid JSON" : builder.problem(), ""};
  }
  return builder.take();
}

}  // namespace weir
