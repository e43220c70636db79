#include "api/v1_ag.h"

#include <algorithm>
#include <set>
#include <string>

#include "api/v1_projection.h"
#include "model/availability_group.h"
#include "model/group_view.h"
#include "model/instance_batch.h"
#include "model/slots.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kIds = "instanceIds";

Json member_json(const Object& instance) {
  return Json::object(
      {{"instanceId", instance.id},
       {"instanceName", instance.name},
       {"status", instance.admin.string_or("state", "")},
       {"agStatus", "normal"},
       {"isManaged", false},
       {"az", instance.spec.string_or("az", "")},
       {"networkInterfaceSpec",
        Json::object({{"privateIpAddress", instance.admin.string_or("ipAddress", "")},
                      {"elasticIpAddress", ""}})},
       {"charge", v1_charge(instance)}});
}

Error invalid(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(kIds)};
}

/// The ids of a call. Errors: kInvalidArgument
Result<Json::Array> ids_of(const Json& body) {
  const Json* list = body.find(kIds);
  if (list == nullptr || list->is_null()) return invalid("is required");
  const std::size_t count = list->is_array() ? list->as_array().size() : 0;
  if (count == 0 || count > model::kInstancesPerCallMax) {
    return invalid("must be a list of 1 to " + std::to_string(model::kInstancesPerCallMax) +
                   " instances");
  }
  return list->as_array();
}

/// Takes the slots of the instances away; those that are no members are told.
Errors take_out(const Json::Array& ids, Object& group) {
  Errors errors;
  auto admin = model::slots_of(group);
  const auto is_member = [&](const std::string& id) {
    return model::slot_of(admin, id).has_value();
  };
  std::set<std::string> leaving;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string id = ids[i].is_string() ? ids[i].as_string() : ids[i].dump();
    if (is_member(id)) {
      leaving.insert(id);
    } else {
      errors.push_back({ErrorCode::kNotFound,
                        "instance '" + id + "' not found in availability group " + group.id,
                        std::string(kIds) + "[" + std::to_string(i) + "]"});
    }
  }
  std::erase_if(admin.slots, [&](const auto& slot) { return leaving.contains(slot.target_id); });
  group.admin = model::to_json(admin);
  return errors;
}

}  // namespace

Json v1_availability_group(const Object& group, const model::ObjectIndex& index) {
  const auto spec = model::from_json<model::AvailabilityGroup>(group.spec).value;
  Json instances = Json::array();
  for (const Object* member : index.children(Kind::kInstance, group.id)) {
    instances.push_back(member_json(*member));
  }
  Json azs = Json::array();
  Json quotas = Json::array();
  for (const std::string& az : spec.azs) {
    azs.push_back(Json(az));
    const auto stands_there = [&](const Json& one) { return one.string_or("az", "") == az; };
    quotas.push_back(
        Json::object({{"az", az},
                      {"limit", model::kAgMembersMax},
                      {"used", std::ranges::count_if(instances.as_array(), stands_there)}}));
  }
  return Json::object({{"id", group.id},
                       {"name", group.name},
                       {"description", spec.description},
                       {"instanceTemplateId", ""},
                       {"azs", std::move(azs)},
                       {"agType", word_of(spec.ag_type)},
                       {"createTime", group.created},
                       {"count", instances.as_array().size()},
                       {"autoScaling", false},
                       {"configurationType", word_of(spec.configuration_type)},
                       {"placementType", "fd"},
                       {"instancesQuotas", std::move(quotas)},
                       {"instances", std::move(instances)}});
}

Outcome<Object> abandon_instances(ResourceWriter& writer, const V1AgPlace& place, const Json& body,
                                  const Caller& caller) {
  const auto ids = ids_of(body);
  const auto change = [&](const Object&, Object& updated) -> Errors {
    if (!ids) return {ids.error()};
    return take_out(*ids, updated);
  };
  return writer.update({Kind::kAvailabilityGroup, place.group, place.if_match, "abandon instances"},
                       change, caller);
}

}  // namespace weir::api
