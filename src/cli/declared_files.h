// The files of `weir apply` and `weir diff`: their documents in one list, each knowing where it
// stands, so that what the API says of "objects[3].spec.port" can be told with file and line.
// Thread: owner.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/api_client.h"
#include "cli/yaml.h"

namespace weir::cli {

/// Resources of one call. Source: the items that a list of the API may have. Reached: exit status
/// 2, before anything is sent.
inline constexpr std::size_t kDeclaredMax = 1000;

struct DeclaredDocument {
  std::string file{};  // as it was named; "standard input"
  int number = 0;      // of the document in its file, from 1
  YamlNode node{};
  Json body{};

  /// "tree.yaml:12 (document 3, listener front)".
  std::string place(std::string_view path) const;
};

/// Reads files, folders (their .yaml, .yml and .json files, by name) and "-", standard input. A
/// document is a resource, or a list of them: {items: [...]} or {objects: [...]}. Failures: all of
/// them, one line each.
Outcome<std::vector<DeclaredDocument>> read_declared(const std::vector<std::string>& names);

/// An error of the API, with the place of the document that it names.
std::string placed_error(const std::vector<DeclaredDocument>& documents, const std::string& field,
                         const std::string& message);

}  // namespace weir::cli
