#include "model/field.h"

#include <algorithm>

#include "model/text_rules.h"

namespace weir::model {
namespace {

std::string range_text(std::int64_t low, std::int64_t high) {
  return "must be an integer between " + std::to_string(low) + " and " + std::to_string(high);
}

/// A value as a message shows it: short, and nothing of lists and objects.
std::string shown(const Json& json) {
  if (json.is_string()) return quoted(json.as_string());
  if (json.is_array()) return "a list";
  if (json.is_object()) return "an object";
  return json.dump();
}

bool is_later(std::string_view word, const FieldOptions& options) {
  return !word.empty() && std::ranges::find(options.later, word) != options.later.end();
}

std::string offered(std::span<const std::string_view> words, const FieldOptions& options) {
  std::string text;
  for (const std::string_view word : words) {
    if (is_later(word, options)) continue;
    text += (text.empty() ? "" : ", ") + std::string(word);
  }
  return text;
}

}  // namespace

namespace field {

std::string read(const Json& json, const FieldOptions&, bool& into) {
  if (!json.is_bool()) return "must be true or false, found " + shown(json);
  into = json.as_bool();
  return "";
}

std::string read(const Json& json, const FieldOptions& options, std::string& into) {
  if (!json.is_string()) return "must be a string, found " + shown(json);
  std::string problem = check_text(json.as_string(), options.text, options.characters_max);
  if (problem.empty()) into = json.as_string();
  return problem;
}

std::string read_integer(const Json& json, const FieldOptions& options, std::int64_t lowest,
                         std::int64_t highest, std::int64_t& into) {
  const std::int64_t low = std::max(lowest, options.min.value_or(lowest));
  const std::int64_t high = std::min(highest, options.max.value_or(highest));
  if (!json.is_integer() || json.as_integer() < low || json.as_integer() > high) {
    return range_text(low, high) + ", found " + shown(json);
  }
  into = json.as_integer();
  return "";
}

std::string read_word(const Json& json, const FieldOptions& options,
                      std::span<const std::string_view> words, std::size_t& into) {
  if (!json.is_string()) {
    return "must be one of [" + offered(words, options) + "], found " + shown(json);
  }
  const std::string& text = json.as_string();
  if (is_later(text, options)) return quoted(text) + " is not supported yet";
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) {
    return "is " + quoted(text) + ", expected one of [" + offered(words, options) + "]";
  }
  into = static_cast<std::size_t>(found - words.begin());
  return "";
}

std::string check_list(const Json& json, const FieldOptions& options) {
  if (!json.is_array()) return "must be a list, found " + shown(json);
  const std::size_t count = json.as_array().size();
  if (count >= options.items_min && count <= options.items_max) return "";
  return "must have " + std::to_string(options.items_min) + " to " +
         std::to_string(options.items_max) + " items, found " + std::to_string(count);
}

std::string member_path(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

std::string item_path(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace field

const Json* FieldReader::take(std::string_view name, const FieldOptions& options) {
  seen_.push_back(name);
  const Json* value = json_.find(name);
  if (value != nullptr && value->is_null()) value = nullptr;
  const bool is_blank = value != nullptr && value->is_string() && value->as_string().empty();
  if (options.is_required && (value == nullptr || is_blank)) {
    fail(field::member_path(path_, name), "is missing");
    return nullptr;
  }
  return value;
}

void FieldReader::fail(std::string path, std::string message) {
  errors_.push_back({ErrorCode::kInvalidArgument, std::move(message), std::move(path)});
}

void FieldReader::finish() {
  if (!json_.is_object()) {
    if (!json_.is_null()) fail(path_, "must be an object");
    return;
  }
  if (unknown_ == UnknownKeys::kIgnore) return;
  for (const auto& [name, member] : json_.as_object()) {
    if (std::ranges::find(seen_, name) != seen_.end()) continue;
    fail(field::member_path(path_, check_text(name, TextRule::kName, 64).empty() ? name : "?"),
         "is not a known field");
  }
}

FieldDescription& FieldDescriber::add(std::string_view name, std::string_view sentence,
                                      const FieldOptions& options) {
  FieldDescription& field = out_.emplace_back();
  field.name = name;
  field.v1_name = options.v1_name.empty() ? name : options.v1_name;
  field.sentence = sentence;
  field.options = options;
  for (const std::string_view word : options.later) {
    if (!word.empty()) field.later.emplace_back(word);
  }
  return field;
}

void FieldDescriber::add_words(std::span<const std::string_view> words, FieldDescription& field) {
  for (const std::string_view word : words) {
    if (!is_later(word, field.options)) field.choices.emplace_back(word);
  }
}

}  // namespace weir::model
