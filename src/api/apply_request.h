// The body of POST /weir/v1/apply: resources as a file declares them, in any order, and which of
// those that are not declared shall go. Thread: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "model/object.h"
#include "model/registry.h"

namespace weir::api {

struct Document {
  std::size_t index = 0;  // in the list of the body
  const model::KindDescription* kind = nullptr;
  std::string name{};
  model::Id id{};                      // empty: the name says which one it is
  std::optional<Revision> revision{};  // applied only while this one is stored
  Json body = Json::object();

  /// "objects[3]".
  std::string path() const { return "objects[" + std::to_string(index) + "]"; }
};

struct ApplyRequest {
  std::vector<Document> documents{};
  /// Labels of what goes when it is not declared; empty: nothing does.
  std::map<std::string, std::string> prune{};
};

/// {objects: [{kind, name, id?, revision?, labels?, spec, admin?}], prune?: {labels: {...}}}. What
/// could be read is in `into`, so that the rest of it can be judged too.
/// Errors:  kInvalidArgument, all of them
Errors read_apply(const Json& body, ApplyRequest& into);

}  // namespace weir::api
