#include "api/listing.h"

#include <algorithm>
#include <charconv>

#include "api/status.h"
#include "base/mutant.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error wrong(std::string_view parameter, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(parameter)};
}

/// "<revision>.<last id>".
Result<void> read_page_token(const std::string& token, ListQuery& into) {
  const std::size_t dot = token.find('.');
  const auto revision = number_of(std::string_view(token).substr(0, dot));
  if (dot == std::string::npos || !revision) {
    return wrong("pageToken", "must be the nextPageToken of a page");
  }
  into.at = Revision(*revision);
  into.after = token.substr(dot + 1);
  return {};
}

/// The path a filter of this name looks at; empty when there is none.
std::string filter_path(const std::string& name, const model::KindDescription& kind) {
  if (name == "name" || name == "id" || name == "owner" || name.starts_with("labels.")) return name;
  const auto has = [&](const auto& fields) {
    return std::ranges::any_of(
        fields, [&](const auto& field) { return field.name == name && field.type != "object"; });
  };
  if (has(kind.spec)) return "spec." + name;
  if (has(kind.admin)) return "admin." + name;
  return "";
}

Result<void> read_parameter(const std::string& name, const std::string& value, ListQuery& into) {
  if (name == "pageToken") return read_page_token(value, into);
  if (name == "pageSize") {
    const auto size = number_of(value);
    if (!size || *size < 1 || *size > kPageSizeMax) {
      return wrong(name, "must be an integer between 1 and " + std::to_string(kPageSizeMax));
    }
    into.page_size = *size;
    return {};
  }
  if (name == "watch") {
    if (value != "true" && value != "false") return wrong(name, "must be true or false");
    into.is_watch = value == "true";
    return {};
  }
  if (name == "revision") {
    const auto revision = number_of(value);
    if (!revision) return wrong(name, "must be a revision");
    into.watch_after = Revision(*revision);
    return {};
  }
  const std::string path = filter_path(name, *into.kind);
  // The name is a caller's text: only the known ones are said back.
  if (path.empty()) return wrong("query", "names a filter that this kind does not have");
  into.filters.emplace_back(path, value);
  return {};
}

const Json* member_at(const Json& json, std::string_view path) {
  const Json* at = &json;
  // A label's key may have dots: everything behind "labels." is the key.
  if (path.starts_with("labels.")) {
    const Json* labels = json.find("labels");
    return labels == nullptr ? nullptr : labels->find(path.substr(7));
  }
  while (at != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    at = at->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

bool is_value(const Json* found, const std::string& wanted) {
  if (found == nullptr) return wanted.empty();
  if (!found->is_array()) return text_of(*found) == wanted;
  return std::ranges::any_of(found->as_array(),
                             [&](const Json& item) { return text_of(item) == wanted; });
}

bool is_switch(std::string_view path, const model::KindDescription& kind) {
  if (!path.starts_with("spec.")) return false;
  const auto field = std::ranges::find(kind.spec, path.substr(5), &model::FieldDescription::name);
  return field != kind.spec.end() && field->type == "boolean" && !field->is_list;
}

Json page_of(const model::ObjectIndex& index, Revision revision, const ObservedView& observed,
             const ListQuery& query) {
  // One more than the page tells whether another follows.
  std::vector<ListItem> items = list_items(index, query, query.page_size + 1);
  auto first = items.begin();
  Json list = Json::array();
  Json page = Json::object();
  for (; first != items.end() && list.as_array().size() < query.page_size; ++first) {
    if (first->object != nullptr) {
      first->body["status"] = status_of(*first->object, index, observed);
    }
    list.push_back(std::move(first->body));
  }
  if (first != items.end()) {
    const std::string last = list.as_array().back().string_or("id", "");
    page["nextPageToken"] = Json(std::to_string(revision.value) + "." + last);
  }
  page["items"] = std::move(list);
  page["revision"] = Json(revision.value);
  return page;
}

}  // namespace

Errors read_list_query(const http::Request& request, const model::KindDescription& kind,
                       ListQuery& into) {
  Errors errors;
  into.kind = &kind;
  for (const auto& [name, value] : request.query) {
    const auto taken = read_parameter(name, value, into);
    if (!taken) errors.push_back(taken.error());
  }
  // A page is of one moment, a watch is of all that come: it begins with the whole list.
  if (into.is_watch) into.after.clear();
  return errors;
}

bool matches(const Json& resource, const ListQuery& query) {
  static const Json kOff(false);
  return std::ranges::all_of(query.filters, [&](const auto& filter) {
    const Json* found = member_at(resource, filter.first);
    // Some switches are written only where they are on.
    if (found == nullptr && is_switch(filter.first, *query.kind)) found = &kOff;
    return is_value(found, filter.second);
  });
}

Json part_status(const model::PartKind& kind, const Json& part, const model::ObjectIndex& index) {
  if (kind.whole != Kind::kTargetGroup) return Json::object();
  model::Target place;
  if (const Json* spec = part.find("spec")) {
    place.instance_id = spec->string_or("instanceId", "");
    place.ip_address = spec->string_or("ipAddress", "");
  }
  return Json::object({{"ipAddress", model::address_of(place, index)}});
}

std::vector<Json> resources_of(const Object& object, const model::KindDescription& kind,
                               const model::ObjectIndex& index) {
  const model::PartKind* part_kind = model::part_kind_of(kind);
  if (part_kind == nullptr) return {resource_json(object, Json::object())};
  std::vector<Json> parts = model::part_bodies(*part_kind, object);
  for (Json& part : parts) {
    part["revision"] = Json(object.revision.value);
    part["owner"] = Json(object.owner);
    part["status"] = part_status(*part_kind, part, index);
  }
  return parts;
}

bool is_of(const Object& object, std::string_view account) {
  return object.owner == account || mutant("owner-overlooked");
}

const Object* find_of(const model::ObjectIndex& index, Kind kind, std::string_view id,
                      std::string_view account) {
  const Object* found = index.find(kind, id);
  return found != nullptr && is_of(*found, account) ? found : nullptr;
}

std::vector<const Object*> list_candidates(const model::ObjectIndex& index,
                                           const ListQuery& query) {
  const Kind kind = model::stored_kind(*query.kind);
  const std::string whole = "spec." + std::string(query.kind->parent_field);
  const auto only = [&](const std::string& id) {
    const Object* found = find_of(index, kind, id, query.account);
    return found == nullptr ? std::vector<const Object*>() : std::vector{found};
  };
  const auto owned = [&](std::vector<const Object*> objects) {
    std::erase_if(objects, [&](const Object* each) { return !is_of(*each, query.account); });
    return objects;
  };
  for (const auto& [path, wanted] : query.filters) {
    if (path == "id" && query.kind->kind) return only(wanted);
    if (path == whole && !query.kind->kind) return only(wanted);
  }
  for (const auto& [path, wanted] : query.filters) {
    if (path == "spec.loadBalancerId" && !wanted.empty())
      return owned(index.children(kind, wanted));
  }
  return owned(index.all(kind));
}

std::vector<ListItem> list_items(const model::ObjectIndex& index, const ListQuery& query,
                                 std::size_t count_max) {
  const bool is_stored = query.kind->kind.has_value();
  std::vector<ListItem> items;
  for (const Object* object : list_candidates(index, query)) {
    if (is_stored && object->id <= query.after) continue;
    if (is_stored && items.size() == count_max) break;
    for (Json& body : resources_of(*object, *query.kind, index)) {
      const std::string id = body.string_or("id", "");
      if (id <= query.after || !matches(body, query)) continue;
      items.push_back({id, std::move(body), is_stored ? object : nullptr});
    }
  }
  std::ranges::sort(items, {}, &ListItem::id);
  return items;
}

Result<Json> list_page(const Catalog& catalog, const ObservedView& observed,
                       const ListQuery& query) {
  if (query.at && *query.at != catalog.revision()) {
    const auto past = catalog.index_at(*query.at);
    if (!past) {
      return Error{ErrorCode::kStale, "the list has changed too much since: begin anew",
                   "pageToken"};
    }
    return page_of(*past, *query.at, observed, query);
  }
  return catalog.read([&](const model::ObjectIndex& index, Revision revision) {
    return page_of(index, revision, observed, query);
  });
}

}  // namespace weir::api
