#include "cli/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::cli {
namespace {

Error at_line(int line, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "line " + std::to_string(line) + ": " + what, {}};
}

/// One document of a text.
struct Part {
  int lines_before = 0;
  std::string text;
};

bool is_mark(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return false;
  return line.size() == mark.size() || line.find_first_of(" \t\r", mark.size()) == mark.size();
}

/// Its documents, each for itself: the library's own way to read them all does not end with some
/// texts. A line that begins with a mark is one wherever it stands (YAML 1.2, 9.1).
std::vector<Part> parts_of(std::string_view text) {
  std::vector<Part> parts;
  Part part;
  bool has_content = false;
  int number = 0;
  const auto finish = [&](int next) {
    if (has_content) parts.push_back(std::move(part));
    part = {next, {}};
    has_content = false;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string_view whole = text.substr(0, end + 1);
    const std::string_view line = whole.substr(0, whole.find('\n'));
    text.remove_prefix(whole.size());
    if (is_mark(line, "---") && has_content) finish(number);
    ++number;
    if (is_mark(line, "...")) {
      finish(number);
      continue;
    }
    const std::size_t first = line.find_first_not_of(" \t\r");
    const bool is_content = first != line.npos && line[first] != '#' && line.front() != '%';
    has_content = has_content || is_content;
    part.text += whole;
  }
  finish(number);
  return parts;
}

/// Converts one text; counts down the values that may still come.
class Converter {
 public:
  explicit Converter(const YamlBounds& limits) : limits_(limits), left_(limits.values) {}

  /// `lines_before`: the document's in its file.
  Result<YamlNode> convert_document(const YAML::Node& yaml, int lines_before) {
    lines_before_ = lines_before;
    return convert(yaml, 0);
  }

 private:
  Result<YamlNode> convert(const YAML::Node& yaml, int depth) {
    YamlNode node;
    node.line = lines_before_ + yaml.Mark().line + 1;
    if (depth > limits_.depth) return at_line(node.line, "nested too deep");
    if (left_-- == 0) {
      return at_line(node.line, "has more than " + std::to_string(limits_.values) + " values");
    }
    if (yaml.IsScalar()) {
      node.kind = YamlNode::Kind::kText;
      node.text = yaml.Scalar();
      node.is_quoted = yaml.Tag() == "!";
    } else if (yaml.IsSequence()) {
      node.kind = YamlNode::Kind::kList;
      for (const YAML::Node& item : yaml) {
        WEIR_ASSIGN_OR_RETURN(YamlNode inner, convert(item, depth + 1));
        node.items.push_back(std::move(inner));
      }
    } else if (yaml.IsMap()) {
      WEIR_TRY(add_members(yaml, depth, node));
    }
    return node;
  }

  Result<void> add_members(const YAML::Node& yaml, int depth, YamlNode& node) {
    node.kind = YamlNode::Kind::kMap;
    for (const auto& member : yaml) {
      WEIR_ASSIGN_OR_RETURN(YamlNode value, convert(member.second, depth + 1));
      // The line of the key is where a reader looks.
      value.line = lines_before_ + member.first.Mark().line + 1;
      node.members.push_back({member.first.Scalar(), std::move(value)});
    }
    return {};
  }

  const YamlBounds limits_;
  std::size_t left_;
  int lines_before_ = 0;
};

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Source: YAML 1.2, core schema, without octal and hexadecimal numbers.
Json scalar(const YamlNode& node) {
  const std::string& text = node.text;
  if (node.is_quoted) return Json(text);
  if (text.empty() || text == "~" || text == "null") return {};
  if (text == "true" || text == "false") return Json(text == "true");
  if (const auto integer = number_of<std::int64_t>(text)) return Json(*integer);
  const bool is_number = text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                         text.find_first_of("0123456789") != std::string::npos;
  if (const auto number = number_of<double>(text); is_number && number) return Json(*number);
  return Json(text);
}

const YamlNode* member_of(const YamlNode& node, std::string_view key) {
  const auto found = std::ranges::find(node.members, key, &YamlMember::key);
  return found == node.members.end() ? nullptr : &found->value;
}

}  // namespace

Result<std::vector<YamlNode>> parse_yaml(const std::string& text, const YamlBounds& limits) {
  if (text.size() > limits.bytes) {
    return Error{ErrorCode::kInvalidArgument,
                 "is larger than " + std::to_string(limits.bytes >> 20) + " MiB",
                 {}};
  }
  Converter converter(limits);
  std::vector<YamlNode> documents;
  for (const Part& part : parts_of(text)) {
    try {
      WEIR_ASSIGN_OR_RETURN(YamlNode document,
                            converter.convert_document(YAML::Load(part.text), part.lines_before));
      documents.push_back(std::move(document));
    } catch (const YAML::Exception& problem) {
      return at_line(part.lines_before + problem.mark.line + 1, problem.msg);
    }
  }
  return documents;
}

Result<Json> json_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return Json();
    case YamlNode::Kind::kText:
      return scalar(node);
    case YamlNode::Kind::kList: {
      Json list = Json::array();
      for (const YamlNode& item : node.items) {
        WEIR_ASSIGN_OR_RETURN(Json value, json_of(item));
        list.push_back(std::move(value));
      }
      return list;
    }
    case YamlNode::Kind::kMap:
      break;
  }
  Json object = Json::object();
  for (const auto& [key, member] : node.members) {
    if (object.find(key) != nullptr)
      return at_line(member.line, "'" + key + "' stands there twice");
    WEIR_ASSIGN_OR_RETURN(Json value, json_of(member));
    object[key] = std::move(value);
  }
  return object;
}

int line_at(const YamlNode& node, std::string_view path) {
  const YamlNode* at = &node;
  while (!path.empty()) {
    const YamlNode* next = nullptr;
    if (path.front() == '[') {
      const std::size_t close = std::min(path.find(']'), path.size() - 1);
      const auto index = number_of<std::size_t>(path.substr(1, close - 1));
      if (index && *index < at->items.size()) next = &at->items[*index];
      path.remove_prefix(close + 1);
    } else {
      if (path.front() == '.') path.remove_prefix(1);
      const std::size_t end = std::min(path.find_first_of(".["), path.size());
      // A label's key may have dots.
      next = member_of(*at, path);
      if (next != nullptr) return next->line;
      next = member_of(*at, path.substr(0, end));
      path.remove_prefix(end);
    }
    if (next == nullptr) break;
    at = next;
  }
  return at->line;
}

}  // namespace weir::cli
