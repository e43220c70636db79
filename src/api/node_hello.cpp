#include "api/node_hello.h"

#include <algorithm>

#include "model/registry.h"

namespace weir::api {
namespace {

// Chosen because an id is part of keys and metrics; host names have at most 63 characters. Reached:
// the node is turned away; weir_stream_refused_total.
constexpr std::size_t kNodeIdCharactersMax = 64;
/// Source: a node has at most a few hundred subnets; bounds what a wrong node can make us store.
/// Reached: the node is turned away; weir_stream_refused_total.
constexpr std::size_t kBindingsMax = 1000;
/// Chosen because a release adds a few. Reached: the node is turned away;
/// weir_stream_refused_total.
constexpr std::size_t kFeaturesMax = 100;

Error wrong(std::string_view field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

bool is_node_id(const std::string& id) {
  return !id.empty() && id.size() <= kNodeIdCharactersMax && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool names_format(const Json& body, std::int64_t format) {
  const Json* formats = body.find("formats");
  if (formats == nullptr || !formats->is_array()) return false;
  return std::ranges::find(formats->as_array(), Json(format)) != formats->as_array().end();
}

Result<Version> read_have(const Json& body) {
  const Json* have = body.find("have");
  if (have == nullptr || !have->is_object()) return wrong("have", "must be an object");
  const std::int64_t epoch = have->integer_or("epoch", -1);
  const std::int64_t revision = have->integer_or("revision", -1);
  if (epoch < 0 || revision < 0) return wrong("have", "must name an epoch and a revision");
  return Version{Epoch(static_cast<std::uint64_t>(epoch)),
                 Revision(static_cast<std::uint64_t>(revision))};
}

/// Members that a newer node sends beside those known here are left out.
Result<std::vector<model::Binding>> read_bindings(const Json& body) {
  std::vector<model::Binding> bindings;
  const Json* list = body.find("bindings");
  if (list == nullptr || !list->is_array() || list->as_array().size() > kBindingsMax) {
    return wrong("bindings", "must be a list of at most " + std::to_string(kBindingsMax));
  }
  for (const Json& item : list->as_array()) {
    const std::string path = "bindings[" + std::to_string(bindings.size()) + "]";
    auto parsed = model::from_json<model::Binding>(item, path, model::UnknownKeys::kIgnore);
    if (!parsed.errors.empty()) return parsed.errors.front();
    bindings.push_back(std::move(parsed.value));
  }
  return bindings;
}

/// A node of the first release does not say what it knows.
Result<std::vector<std::string>> read_features(const Json& body) {
  std::vector<std::string> features;
  const Json* list = body.find("features");
  if (list == nullptr) return features;
  const auto is_word = [](const Json& item) {
    return item.is_string() && item.as_string().size() <= kNodeIdCharactersMax;
  };
  if (!list->is_array() || list->as_array().size() > kFeaturesMax ||
      !std::ranges::all_of(list->as_array(), is_word)) {
    return wrong("features",
                 "must be a list of at most " + std::to_string(kFeaturesMax) + " short words");
  }
  for (const Json& item : list->as_array()) features.push_back(item.as_string());
  return features;
}

}  // namespace

Result<NodeHello> read_hello(const model::Frame& frame) {
  if (frame.kind != "hello") return wrong("", "want a hello, found " + frame.kind);
  NodeHello hello;
  hello.id = frame.id;
  if (!is_node_id(hello.id)) {
    return wrong("id", "a node id has 1 to 64 letters, digits, '-', '_' or '.'");
  }
  WEIR_ASSIGN_OR_RETURN(const Json body, parse_json(frame.body, kNodeJsonLimits));
  if (!names_format(body, model::kFrameFormat)) {
    return Error{ErrorCode::kFailedPrecondition,
                 "control writes frames of format " + std::to_string(model::kFrameFormat) +
                     ", which the node does not read",
                 "formats"};
  }
  WEIR_ASSIGN_OR_RETURN(hello.have, read_have(body));
  WEIR_ASSIGN_OR_RETURN(hello.spec.bindings, read_bindings(body));
  WEIR_ASSIGN_OR_RETURN(hello.spec.features, read_features(body));
  hello.spec.region = body.string_or("region", "");
  hello.spec.az = body.string_or("az", "");
  hello.spec.build = body.string_or("build", "");
  return hello;
}

model::Object node_object(const NodeHello& hello, const std::string& created) {
  model::Object node;
  node.kind = model::Kind::kNode;
  node.id = hello.id;
  node.name = hello.id;
  node.owner = model::kDefaultOwner;
  node.created = created;
  node.spec = model::to_json(hello.spec);
  return node;
}

}  // namespace weir::api
