#include "api/object_events.h"

#include <algorithm>
#include <ranges>

#include "base/log.h"
#include "model/keys.h"
#include "model/parts.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

void compare(const std::string& path, const Json& before, const Json& after,
             std::vector<std::string>& fields);

/// The member that tells the items of both lists apart; empty when they have none.
std::string_view item_id(const Json& before, const Json& after) {
  for (const model::PartKind& kind : model::part_kinds()) {
    const auto has_id = [&](const Json& item) { return item.find(kind.id_field) != nullptr; };
    const bool all = std::ranges::all_of(before.as_array(), has_id) &&
                     std::ranges::all_of(after.as_array(), has_id);
    if (all && !(before.as_array().empty() && after.as_array().empty())) return kind.id_field;
  }
  return "";
}

const Json* item_of(const Json& list, std::string_view id_field, const std::string& id) {
  const auto found = std::ranges::find_if(
      list.as_array(), [&](const Json& item) { return item.string_or(id_field, "") == id; });
  return found == list.as_array().end() ? nullptr : &*found;
}

void compare_lists(const std::string& path, const Json& before, const Json& after,
                   std::vector<std::string>& fields) {
  const std::string_view id_field = item_id(before, after);
  if (id_field.empty()) {
    fields.push_back(path);
    return;
  }
  for (const Json& item : before.as_array()) {
    const std::string id = item.string_or(id_field, "");
    const Json* other = item_of(after, id_field, id);
    compare(path + "[" + id + "]", item, other == nullptr ? Json() : *other, fields);
  }
  for (const Json& item : after.as_array()) {
    const std::string id = item.string_or(id_field, "");
    if (item_of(before, id_field, id) == nullptr) fields.push_back(path + "[" + id + "]");
  }
}

void compare(const std::string& path, const Json& before, const Json& after,
             std::vector<std::string>& fields) {
  if (before == after) return;
  if (before.is_array() && after.is_array()) return compare_lists(path, before, after, fields);
  if (!before.is_object() || !after.is_object()) {
    fields.push_back(path);
    return;
  }
  for (const auto& [name, value] : before.as_object()) {
    const Json* other = after.find(name);
    compare(path + "." + name, value, other == nullptr ? Json() : *other, fields);
  }
  for (const auto& [name, value] : after.as_object()) {
    if (before.find(name) == nullptr) fields.push_back(path + "." + name);
  }
}

Json labels_json(const Object& object) {
  Json json = Json::object();
  for (const auto& [key, value] : object.labels) json[key] = value;
  return json;
}

std::optional<Object> object_of(const store::Change& change,
                                const std::optional<std::string>& text) {
  Kind kind{};
  model::Id id;
  if (!text || !model::parse_object_key(change.key, kind, id)) return std::nullopt;
  auto object = model::object_from_stored(kind, id, change.revision, *text);
  if (object) return *std::move(object);
  log::error("a change cannot be told as an event",
             {{"key", change.key}, {"error", to_string(object.error())}});
  return std::nullopt;
}

std::string type_of(Kind kind, bool was_there, bool is_there) {
  if (kind == Kind::kDrain && !was_there) return "drain-began";
  if (kind == Kind::kDrain && !is_there) return "drain-ended";
  return !was_there ? "created" : is_there ? "changed" : "deleted";
}

void add_fields(const Object& before, const Object& after, Json& body) {
  std::vector<std::string> fields = changed_fields(before, after);
  const std::size_t all = fields.size();
  fields.resize(std::min(all, kEventFieldsMax));
  Json list = Json::array();
  for (std::string& field : fields) list.push_back(std::move(field));
  body["fields"] = std::move(list);
  if (all > kEventFieldsMax) body["fieldsMore"] = Json(all - kEventFieldsMax);
}

/// Who did it, and in which call. What stands in the audit is for those who may read it.
void add_cause(const store::AuditEntry& entry, Event& event, Json& body) {
  const auto& [number, row] = entry;
  event.at = row.at;
  body["time"] = Json(utc_text(row.at));
  body["call"] = Json(row.operation);
  const Json actor = Json::object(
      {{"who", row.who}, {"requestId", row.request_id}, {"audit", static_cast<int64_t>(number)}});
  const std::string text = actor.dump();
  event.actor = text.substr(1, text.size() - 2);
}

std::optional<Event> event_of(const store::Change& change, const AuditRows& rows) {
  const auto before = object_of(change, change.before);
  const auto after = object_of(change, change.value);
  if (!before && !after) return std::nullopt;
  const Object& object = after ? *after : *before;
  Event event;
  event.revision = change.revision;
  event.type = type_of(object.kind, before.has_value(), after.has_value());
  event.kind = object.kind;
  event.id = object.id;
  event.owner = object.owner;
  if (before) event.labels.push_back(before->labels);
  if (after) event.labels.push_back(after->labels);
  Json body = Json::object({{"type", event.type}});
  const auto row = rows.find(change.revision);
  if (row != rows.end()) add_cause(row->second, event, body);
  body["object"] = event_object(object);
  if (before && after) add_fields(*before, *after, body);
  event.body = body.dump();
  return event;
}

}  // namespace

Json event_object(const Object& object) {
  Json json = Json::object({{"kind", model::kind_name(object.kind)},
                            {"id", object.id},
                            {"name", object.name},
                            {"owner", object.owner},
                            {"revision", object.revision.value}});
  const model::Id lb = model::load_balancer_of(object);
  if (!lb.empty() && lb != object.id) json["loadBalancerId"] = Json(lb);
  return json;
}

std::vector<std::string> changed_fields(const Object& before, const Object& after) {
  std::vector<std::string> fields;
  if (before.name != after.name) fields.emplace_back("name");
  compare("labels", labels_json(before), labels_json(after), fields);
  compare("spec", before.spec, after.spec, fields);
  compare("admin", before.admin, after.admin, fields);
  return fields;
}

std::vector<Event> object_events(const std::vector<store::Change>& changes, const AuditRows& rows) {
  std::vector<Event> events;
  Revision revision;
  std::uint64_t number = 0;
  for (const store::Change& change : changes) {
    if (change.revision != revision) number = 0;
    revision = change.revision;
    // Counted also when it is passed over: numbers stay what they are for a newer build.
    ++number;
    auto event = event_of(change, rows);
    if (!event) continue;
    event->number = number;
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace weir::api
