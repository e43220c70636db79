#include "model/object.h"

namespace weir::model {
namespace {

/// Of a stored document. Chosen because a transaction of the store takes no more than 1 MiB and one
/// list holds at most 10 000 retired slots. Reached: control cannot read the object; the log says
/// so.
constexpr JsonLimits kStoredLimits{.size_max = 1 << 20, .depth_max = 16, .items_max = 20'000};

Error bad_member(std::string_view name, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(name)};
}

Result<void> read_labels(const Json& json, Object& into) {
  if (!json.is_object()) return bad_member("labels", "must be an object");
  for (const auto& [key, value] : json.as_object()) {
    if (!value.is_string()) return bad_member("labels." + key, "must be a string");
    into.labels[key] = value.as_string();
  }
  return {};
}

Result<void> read_member(const std::string& name, Json& value, Object& into) {
  if (name == "labels") return read_labels(value, into);
  if (name == "spec" || name == "admin") {
    if (!value.is_object()) return bad_member(name, "must be an object");
    (name == "spec" ? into.spec : into.admin) = std::move(value);
    return {};
  }
  std::string* text = name == "owner"     ? &into.owner
                      : name == "name"    ? &into.name
                      : name == "created" ? &into.created
                                          : nullptr;
  if (text == nullptr) return bad_member(name, "is not a known field");
  if (!value.is_string()) return bad_member(name, "must be a string");
  *text = value.as_string();
  return {};
}

}  // namespace

std::string stored_text(const Object& object) {
  Json labels = Json::object();
  for (const auto& [key, value] : object.labels) labels.as_object().emplace_back(key, value);
  return Json::object({{"owner", object.owner},
                       {"name", object.name},
                       {"labels", std::move(labels)},
                       {"created", object.created},
                       {"spec", object.spec},
                       {"admin", object.admin}})
      .dump();
}

Result<Object> object_from_stored(Kind kind, std::string_view id, Revision revision,
                                  std::string_view text) {
  WEIR_ASSIGN_OR_RETURN(Json json, parse_json(text, kStoredLimits));
  if (!json.is_object()) return bad_member("", "a stored object must be a JSON object");
  Object object;
  object.kind = kind;
  object.id = id;
  object.revision = revision;
  for (auto& [name, value] : json.as_object()) WEIR_TRY(read_member(name, value, object));
  return object;
}

}  // namespace weir::model
