#include "api/apply_stage.h"

#include <algorithm>

#include "api/declared_form.h"
#include "api/listing.h"
#include "model/object_body.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Id;
using model::Kind;
using model::Object;

/// Whether no kind names resources of this one: they can go before anything else happens, so that
/// another takes their port.
bool is_leaf(Kind kind) {
  return std::ranges::none_of(model::kind_descriptions(), [&](const auto& other) {
    return other.kind && std::ranges::any_of(other.spec, [&](const auto& field) {
             return field.options.reference == std::optional(kind);
           });
  });
}

void add(Errors& errors, Errors more, const std::string& path) {
  for (Error& error : more) {
    error.field = error.field.empty() ? path : path + "." + error.field;
    errors.push_back(std::move(error));
  }
}

std::string operation_of(std::string_view verb, Kind kind) {
  return std::string(verb) + " " + std::string(model::kind_name(kind));
}

/// What can be set only by editing is set by a write of its own.
Json take_update_only(const model::KindDescription& kind, Json& body) {
  Json later = Json::object();
  Json* admin = body.find("admin");
  if (admin == nullptr || !admin->is_object()) return later;
  for (const model::FieldDescription& field : kind.admin) {
    const Json* value = field.options.is_update_only ? admin->find(field.name) : nullptr;
    if (value == nullptr) continue;
    later[field.name] = *value;
    admin->erase(field.name);
  }
  return later;
}

/// What a new resource is made with.
Json as_new(Json declared) {
  for (const char* member : {"kind", "name", "id"}) declared.erase(member);
  return declared;
}

}  // namespace

Json UnitStage::with_ids(const Document& document, Errors& errors) const {
  Json body = document.body;
  const Json* spec = body.find("spec");
  if (spec == nullptr || !spec->is_object()) return body;
  Object shell;
  shell.kind = *document.kind->kind;
  shell.spec = *spec;
  // The field that names the parent comes first: the others are looked up below that.
  const auto turn = [&](Kind kind, const std::string& path, std::string& text) {
    if (text.empty()) return;
    const auto found = names_.find(kind, scope_of(shell, kind, parts_.picture), text);
    if (!found) {
      errors.push_back({found.error().code, found.error().message, path});
    } else if (*found) {
      text = **found;
    }
  };
  turn_references(document.kind->spec, "spec", shell.spec, turn);
  body["spec"] = std::move(shell.spec);
  return body;
}

/// Empty: there is no such resource yet.
Result<Id> UnitStage::id_of(const Document& document, const Json& body) const {
  const Kind kind = *document.kind->kind;
  const std::string singular(document.kind->singular);
  if (!document.id.empty()) {
    if (find_of(parts_.picture, kind, document.id, parts_.caller.account) != nullptr) {
      return document.id;
    }
    return Error{ErrorCode::kNotFound,
                 singular + " '" + document.id + "' not found; without an id it would be made",
                 "id"};
  }
  Id parent;
  if (is_named_within_parent(kind)) {
    const Json* spec = body.find("spec");
    parent = spec == nullptr ? "" : spec->string_or(document.kind->parent_field, "");
    if (parent.empty()) return Id();
  }
  const auto ids = names_.named(kind, parent, document.name);
  if (ids.empty()) return Id();
  if (ids.size() == 1) return ids.front();
  std::string all;
  for (const Id& id : ids) all += " " + id;
  return Error{
      ErrorCode::kConflict,
      singular + " '" + document.name + "' is not the only one of that name, give its id:" + all,
      "name"};
}

Errors UnitStage::create(const Document& document, const Json& body, Id& made) {
  const Kind kind = *document.kind->kind;
  Json first = body;
  const Json later = take_update_only(*document.kind, first);
  ResourceWriter::Draft draft = parts_.writer.draft(kind, first, parts_.caller);
  made = draft.object.id;
  Errors errors = parts_.writes.create(std::move(draft));
  if (!errors.empty() || later.as_object().empty()) return errors;
  const Json edit = Json::object({{"admin", later}});
  return parts_.writes.update({kind, made, std::nullopt, operation_of("update", kind)},
                              [&](const Object& old, Object& updated) {
                                return model::read_update(old, edit, model::UpdateMode::kMerge,
                                                          updated);
                              });
}

Errors UnitStage::update(const Document& document, const Json& body, const Id& id) {
  const Kind kind = *document.kind->kind;
  const Object* old = parts_.picture.find(kind, id);
  if (document.revision && old->revision != *document.revision) {
    return {{ErrorCode::kStale,
             "is " + std::to_string(document.revision->value) + ", the resource is at " +
                 std::to_string(old->revision.value) + ": it has changed meanwhile",
             "revision"}};
  }
  return parts_.writes.update({kind, id, std::nullopt, operation_of("replace", kind)},
                              [&](const Object& before, Object& updated) {
                                return model::read_update(before, body, model::UpdateMode::kReplace,
                                                          updated);
                              });
}

/// `before` null: it was not there.
void UnitStage::note(const Id& id, const Document& document, const ApplyUnit& unit,
                     const Json& before) {
  const Kind kind = *document.kind->kind;
  const Object* now = parts_.picture.find(kind, id);
  if (now == nullptr) return;
  ResourceChange change{.kind = kind,
                        .id = id,
                        .name = now->name,
                        .load_balancer = kind == Kind::kLoadBalancer ? "" : unit.load_balancer,
                        .action = before.is_null() ? ChangeAction::kCreate : ChangeAction::kUpdate};
  change.fields =
      before.is_null()
          ? field_changes(Json::object(), as_new(declared_form(*now, parts_.picture, names_)))
          : field_changes(before, named_form(*now, parts_.picture, names_));
  if (before.is_null() || !change.fields.empty()) changes_.push_back(std::move(change));
}

Errors UnitStage::stage_document(const Document& document, const ApplyUnit& unit,
                                 std::set<Key>& seen) {
  const Kind kind = *document.kind->kind;
  Errors errors;
  const Json body = with_ids(document, errors);
  const auto known = id_of(document, body);
  if (!known) errors.push_back(known.error());
  if (!errors.empty()) return errors;
  Id id = *known;
  if (!id.empty() && seen.contains({kind, id})) {
    return {{ErrorCode::kInvalidArgument,
             std::string(document.kind->singular) + " '" + document.name + "' is declared twice",
             "name"}};
  }
  Json before;
  if (!id.empty()) {
    before = named_form(*parts_.picture.find(kind, id), parts_.picture, names_);
    errors = update(document, body, id);
  } else {
    errors = create(document, body, id);
  }
  seen.emplace(kind, id);
  names_.forget(kind);
  if (errors.empty()) note(id, document, unit, before);
  return errors;
}

void UnitStage::remove(const Key& key, const ApplyUnit& unit, Errors& errors) {
  const auto& [kind, id] = key;
  const Object* object = find_of(parts_.picture, kind, id, parts_.caller.account);
  if (object == nullptr) return;  // Somebody else was faster.
  ResourceChange change{.kind = kind,
                        .id = id,
                        .name = object->name,
                        .load_balancer = kind == Kind::kLoadBalancer ? "" : unit.load_balancer,
                        .action = ChangeAction::kDelete};
  const Errors found = parts_.writes.remove({kind, id, std::nullopt, operation_of("delete", kind)});
  if (found.empty()) changes_.push_back(std::move(change));
  std::ranges::copy(found, std::back_inserter(errors));
}

Errors UnitStage::stage(const ApplyUnit& unit, std::set<Key>& seen) {
  Errors errors;
  for (const Key& key : unit.removals) {
    if (is_leaf(key.first)) remove(key, unit, errors);
  }
  for (const Document* document : unit.documents) {
    add(errors, stage_document(*document, unit, seen), document->path());
  }
  for (auto key = unit.removals.rbegin(); key != unit.removals.rend(); ++key) {
    if (!is_leaf(key->first)) remove(*key, unit, errors);
  }
  return errors;
}

}  // namespace weir::api
