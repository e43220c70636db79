#include "cli/declared_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "cli/exit_status.h"

namespace weir::cli {
namespace {

/// Units: bytes, of one file. Chosen because the largest call of the API has 1 MiB as JSON, which
/// is four times as long when it is written for people. Reached: the file is refused.
constexpr std::size_t kTextMax = std::size_t{4} << 20;
/// Values of one file, each counted as often as an alias repeats it. Chosen because a text of that
/// size has fewer. Reached: the file is refused, with the line.
constexpr std::size_t kValuesMax = 200'000;
/// Levels of one file. Source: those of the API's JSON. Reached: the file is refused, with the
/// line.
constexpr int kDepthMax = 32;

constexpr std::string_view kInput = "-";
constexpr std::string_view kObjects = "objects[";

using Documents = std::vector<DeclaredDocument>;
using Lines = std::vector<std::string>;

bool is_declared_file(const std::filesystem::path& path) {
  static const std::set<std::string> kEndings = {".yaml", ".yml", ".json"};
  return kEndings.contains(path.extension().string());
}

/// The files that the names stand for.
Lines files_of(const Lines& names, Lines& problems) {
  Lines files;
  for (const std::string& name : names) {
    std::error_code error;
    if (name == kInput || !std::filesystem::is_directory(name, error)) {
      files.push_back(name);
      continue;
    }
    Lines found;
    for (auto at = std::filesystem::directory_iterator(name, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      if (is_declared_file(at->path())) found.push_back(at->path().string());
    }
    if (error) problems.push_back(name + ": " + error.message());
    std::ranges::sort(found);
    if (found.empty()) problems.push_back(name + ": has no .yaml, .yml or .json file");
    std::ranges::move(found, std::back_inserter(files));
  }
  return files;
}

Result<std::string> text_of(const std::string& name) {
  if (name == kInput) return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream stream(name, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) return Error{ErrorCode::kNotFound, "cannot be read", ""};
  return text;
}

/// The list in a document that is one.
const YamlNode* list_in(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kList) return &node;
  const bool is_resource =
      std::ranges::find(node.members, "kind", &YamlMember::key) != node.members.end();
  if (is_resource) return nullptr;
  for (const YamlMember& member : node.members) {
    const bool is_list = member.value.kind == YamlNode::Kind::kList;
    if (is_list && (member.key == "items" || member.key == "objects")) return &member.value;
  }
  return nullptr;
}

void add_file(const std::string& name, Documents& into, Lines& problems) {
  const std::string shown = name == kInput ? "standard input" : name;
  const auto text = text_of(name);
  if (!text) return problems.push_back(shown + ": " + text.error().message);
  const auto parsed = parse_yaml(*text, {kTextMax, kValuesMax, kDepthMax});
  if (!parsed) return problems.push_back(shown + ": " + parsed.error().message);
  int number = 0;
  const auto add = [&](const YamlNode& node) {
    auto body = json_of(node);
    if (!body) return problems.push_back(shown + ": " + body.error().message);
    into.push_back({shown, number, node, *std::move(body)});
  };
  for (const YamlNode& node : *parsed) {
    ++number;
    if (node.kind == YamlNode::Kind::kNull) continue;
    const YamlNode* list = list_in(node);
    if (list == nullptr) {
      add(node);
    } else {
      std::ranges::for_each(list->items, add);
    }
  }
}

}  // namespace

std::string DeclaredDocument::place(std::string_view path) const {
  std::string text =
      file + ":" + std::to_string(line_at(node, path)) + " (document " + std::to_string(number);
  const std::string kind = body.string_or("kind", "");
  const std::string name = body.string_or("name", "");
  if (!kind.empty()) text += ", " + kind + (name.empty() ? "" : " " + name);
  return text + ")";
}

Outcome<Documents> read_declared(const std::vector<std::string>& names) {
  Documents documents;
  Lines problems;
  for (const std::string& file : files_of(names, problems)) add_file(file, documents, problems);
  if (documents.size() > kDeclaredMax) {
    problems.push_back(std::to_string(documents.size()) + " resources are more than the " +
                       std::to_string(kDeclaredMax) +
                       " of one call: divide the files, load balancer by load balancer");
  }
  if (!problems.empty()) return {{}, Failure{kExitUsage, std::move(problems)}};
  return {std::move(documents), {}};
}

std::string placed_error(const Documents& documents, const std::string& field,
                         const std::string& message) {
  const std::string plain = (field.empty() ? "" : field + ": ") + message;
  if (!field.starts_with(kObjects)) return plain;
  std::size_t index = 0;
  const char* first = field.data() + kObjects.size();
  const auto [end, error] = std::from_chars(first, field.data() + field.size(), index);
  if (error != std::errc() || index >= documents.size()) return plain;
  // Behind the bracket and the dot.
  const auto after = static_cast<std::size_t>(end - field.data()) + 1;
  const std::string path = after < field.size() ? field.substr(after + 1) : "";
  return documents[index].place(path) + ": " + (path.empty() ? "" : path + ": ") + message;
}

}  // namespace weir::cli
