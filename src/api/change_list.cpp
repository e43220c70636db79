#include "api/change_list.h"

#include <algorithm>

#include "model/parts.h"

namespace weir::api {
namespace {

/// The member by which items of a list are told apart, if they have one: "targetId".
std::string_view id_field_of(const Json& item) {
  for (const model::PartKind& kind : model::part_kinds()) {
    if (item.find(kind.id_field) != nullptr) return kind.id_field;
  }
  return "";
}

bool has_ids(const Json* list) {
  return list != nullptr && list->is_array() && !list->as_array().empty() &&
         !id_field_of(list->as_array().front()).empty();
}

std::string member_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// Without the member that control made.
Json shown_item(Json item) {
  item.erase(id_field_of(item));
  return item;
}

const Json* item_of(const Json* list, std::string_view member, const std::string& id) {
  if (list == nullptr || !list->is_array()) return nullptr;
  const auto& items = list->as_array();
  const auto found = std::ranges::find_if(
      items, [&](const Json& item) { return item.string_or(member, "") == id; });
  return found == items.end() ? nullptr : &*found;
}

void compare(const Json* from, const Json* to, const std::string& path,
             std::vector<FieldChange>& out);

void compare_members(const Json* from, const Json* to, const std::string& path,
                     std::vector<FieldChange>& out) {
  const auto member = [](const Json* json, const std::string& name) {
    return json == nullptr ? nullptr : json->find(name);
  };
  if (to != nullptr) {
    for (const auto& [name, value] : to->as_object()) {
      compare(member(from, name), &value, member_path(path, name), out);
    }
  }
  if (from == nullptr) return;
  for (const auto& [name, value] : from->as_object()) {
    if (member(to, name) == nullptr) compare(&value, nullptr, member_path(path, name), out);
  }
}

/// Items by their ids: what came, what differs, what went; then an order that is another one.
void compare_items(const Json* from, const Json* to, const std::string& path,
                   std::vector<FieldChange>& out) {
  const std::size_t before = out.size();
  const std::string_view member =
      id_field_of(has_ids(to) ? to->as_array().front() : from->as_array().front());
  static const Json kNone = Json::array();
  const Json& old_list = from != nullptr && from->is_array() ? *from : kNone;
  const Json& new_list = to != nullptr && to->is_array() ? *to : kNone;
  for (const Json& item : new_list.as_array()) {
    const std::string id = item.string_or(member, "");
    const Json* old = id.empty() ? nullptr : item_of(&old_list, member, id);
    if (old == nullptr) {
      out.push_back({path, {}, shown_item(item)});
    } else {
      compare_members(old, &item, path + "[" + id + "]", out);
    }
  }
  for (const Json& item : old_list.as_array()) {
    if (item_of(&new_list, member, item.string_or(member, "")) != nullptr) continue;
    out.push_back({path, shown_item(item), {}});
  }
  if (out.size() == before && !(old_list == new_list)) out.push_back({path, old_list, new_list});
}

void compare(const Json* from, const Json* to, const std::string& path,
             std::vector<FieldChange>& out) {
  if (from != nullptr && to != nullptr && *from == *to) return;
  const auto is_nothing = [](const Json* json) {
    return json == nullptr || (json->is_array() && json->as_array().empty());
  };
  if (is_nothing(from) && is_nothing(to)) return;
  const auto is_object = [](const Json* json) { return json == nullptr || json->is_object(); };
  if (is_object(from) && is_object(to)) return compare_members(from, to, path, out);
  if (has_ids(from) || has_ids(to)) return compare_items(from, to, path, out);
  out.push_back({path, from == nullptr ? Json() : *from, to == nullptr ? Json() : *to});
}

}  // namespace

std::string_view word_of(ChangeAction action) {
  switch (action) {
    case ChangeAction::kCreate:
      return "create";
    case ChangeAction::kUpdate:
      return "update";
    case ChangeAction::kDelete:
      return "delete";
  }
  return "";
}

Json changes_json(const ChangeList& changes) {
  Json list = Json::array();
  for (const ResourceChange& change : changes) {
    Json fields = Json::array();
    for (const FieldChange& field : change.fields) {
      fields.push_back(
          Json::object({{"path", field.path}, {"from", field.from}, {"to", field.to}}));
    }
    Json one = Json::object(
        {{"kind", model::kind_name(change.kind)}, {"id", change.id}, {"name", change.name}});
    if (!change.load_balancer.empty()) one["loadBalancer"] = Json(change.load_balancer);
    one["action"] = Json(word_of(change.action));
    one["fields"] = std::move(fields);
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<FieldChange> field_changes(const Json& from, const Json& to) {
  std::vector<FieldChange> changes;
  compare(&from, &to, "", changes);
  return changes;
}

}  // namespace weir::api
