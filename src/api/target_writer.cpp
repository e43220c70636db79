#include "api/target_writer.h"

#include "api/listing.h"
#include "model/registry.h"
#include "model/validate.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;
using model::TargetView;

Error not_found() { return {ErrorCode::kNotFound, "target not found", ""}; }

/// The inverse of model::as_target_errors(): errors about a target's own body as paths of its
/// group.
Errors as_group_errors(Errors errors, std::size_t index) {
  const std::string whole = "spec.targets[" + std::to_string(index) + "]";
  for (Error& error : errors) {
    if (error.field == "spec" || error.field.starts_with("spec.")) {
      error.field = whole + error.field.substr(4);
    }
  }
  return errors;
}

Json& targets_of(Object& group) {
  Json& targets = group.spec["targets"];
  if (!targets.is_array()) targets = Json::array();
  return targets;
}

/// Errors of the group's write as errors of the target; those of the group itself stay.
Outcome<TargetDocument> as_target(Outcome<Object> written, std::size_t index) {
  if (!written.ok()) return model::as_target_errors(std::move(written.errors), index);
  return target_document(*written.value, index);
}

}  // namespace

TargetDocument target_document(const Object& group, std::size_t index) {
  return {model::target_bodies(group).at(index), group.revision};
}

/// The group that holds the target; empty when there is none of the caller's.
model::Id TargetWriter::group_of(const model::Id& target, const Caller& caller) const {
  const model::Id group = catalog_.group_of_target(target);
  return catalog_.read([&](const model::ObjectIndex& index, Revision) {
    return find_of(index, Kind::kTargetGroup, group, caller.account) == nullptr ? model::Id()
                                                                                : group;
  });
}

Outcome<TargetDocument> TargetWriter::create(const Json& body, const Caller& caller) {
  const std::string operation = "create target";
  TargetView made;
  Errors found = model::read_target(body, nullptr, model::UpdateMode::kReplace, made);
  const model::Id group = made.target_group_id;
  const bool is_there = catalog_.read([&](const model::ObjectIndex& index, Revision) {
    return find_of(index, Kind::kTargetGroup, group, caller.account) != nullptr;
  });
  if (!is_there) {
    if (!group.empty()) {
      found.push_back(
          {ErrorCode::kNotFound, "target group '" + group + "' not found", "spec.targetGroupId"});
    }
    return found;
  }
  std::size_t index = 0;
  const auto change = [&](const Object&, Object& updated) {
    Json& targets = targets_of(updated);
    index = targets.as_array().size();
    targets.push_back(model::to_json(made.target));
    return as_group_errors(found, index);
  };
  auto written =
      writer_.update({Kind::kTargetGroup, group, std::nullopt, operation}, change, caller);
  return as_target(std::move(written), index);
}

Outcome<TargetDocument> TargetWriter::update(const model::Id& id, const Json& body,
                                             model::UpdateMode mode,
                                             std::optional<Revision> if_match,
                                             const Caller& caller) {
  const std::string operation = "update target";
  const model::Id group = group_of(id, caller);
  if (group.empty()) return not_found();
  std::size_t index = 0;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    const auto place = model::target_index(old, id);
    if (!place) return {not_found()};
    index = *place;
    Json& item = targets_of(updated).as_array().at(index);
    const TargetView before{group, model::from_json<model::Target>(item).value};
    TargetView after;
    Errors errors = model::read_target(body, &before, mode, after);
    item = model::to_json(after.target);
    return as_group_errors(std::move(errors), index);
  };
  auto written = writer_.update({Kind::kTargetGroup, group, if_match, operation}, change, caller);
  return as_target(std::move(written), index);
}

Outcome<TargetDocument> TargetWriter::remove(const model::Id& id, std::optional<Revision> if_match,
                                             const Caller& caller) {
  const std::string operation = "delete target";
  const model::Id group = group_of(id, caller);
  if (group.empty()) return not_found();
  TargetDocument gone;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    const auto place = model::target_index(old, id);
    if (!place) return {not_found()};
    gone = target_document(old, *place);
    auto& items = targets_of(updated).as_array();
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(*place));
    return {};
  };
  auto written = writer_.update({Kind::kTargetGroup, group, if_match, operation}, change, caller);
  if (!written.ok()) return std::move(written.errors);
  gone.revision = written.value->revision;
  return gone;
}

}  // namespace weir::api
