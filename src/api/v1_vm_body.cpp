#include "api/v1_vm_body.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "api/client_tokens.h"
#include "api/v1_projection.h"
#include "model/instance_batch.h"
#include "model/object_body.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kSpec = "instanceSpec";
constexpr std::string_view kInterface = "instanceSpec.primaryNetworkInterface.networkInterface";

// What would need parts that come later, by the object it stands in.
constexpr V1Later kSpecLater[] = {
    {"instanceTemplateId"}, {"elasticIp"}, {"elasticIps"}, {"secondaryNetworkInterfaces"}};
constexpr V1Later kInterfaceLater[] = {
    {"securityGroups"}, {"secondaryIpAddresses"}, {"secondaryIpCount"}, {"ipv6Addresses"}};
constexpr V1Later kModifyLater[] = {{"metadata"}, {"userdata"}};

/// The member when it is an object, else an empty one.
const Json& object_at(const Json& json, std::string_view key) {
  static const Json kEmpty = Json::object();
  const Json* found = json.find(key);
  return found == nullptr || !found->is_object() ? kEmpty : *found;
}

Error invalid(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

/// An object of the call that may be left out, but not be something else.
void check_object(const Json& json, std::string_view key, std::string_view path, Errors& errors) {
  const Json* found = json.find(key);
  if (found == nullptr || found->is_null() || found->is_object()) return;
  errors.push_back(invalid(std::string(path), "must be an object"));
}

/// A disk of the call with the part that describes it laid flat.
Json flat_disk(const Json& disk, bool is_system) {
  if (!disk.is_object()) return disk;
  Json flat = disk;
  flat["isSystem"] = is_system;
  for (const std::string_view key : {"diskType", "diskSizeGB"}) {
    if (const Json* value = object_at(disk, "cloudDiskSpec").find(key)) flat[key] = *value;
  }
  return flat;
}

bool has_system_disk(const Json& given) {
  const Json* disk = given.find("systemDisk");
  return disk != nullptr && !disk->is_null();
}

/// The system disk first, when there is one.
Json flat_disks(const Json& given) {
  Json disks = Json::array();
  if (has_system_disk(given)) disks.push_back(flat_disk(*given.find("systemDisk"), true));
  const Json* data = given.find("dataDisks");
  if (data == nullptr || !data->is_array()) return disks;
  for (const Json& disk : data->as_array()) disks.push_back(flat_disk(disk, false));
  return disks;
}

/// instanceSpec with the names of the field table.
Json flat_spec(const Json& given) {
  Json flat = given;
  flat["disks"] = flat_disks(given);
  const Json& interface =
      object_at(object_at(given, "primaryNetworkInterface"), "networkInterface");
  for (const std::string_view key : {"subnetId", "ipAddress"}) flat.erase(key);
  if (const Json* subnet = interface.find("subnetId")) flat["subnetId"] = *subnet;
  if (const Json* address = interface.find("primaryIpAddress")) flat["ipAddress"] = *address;
  return flat;
}

/// The native body of one instance.
Json native_body(const Json& given, Errors& errors) {
  const Json flat = flat_spec(given);
  // The generic half reads name, tags and spec; the charge has a name of its own here.
  Json generic = flat;
  for (const auto& [from, to] :
       {std::pair{"name", "instanceName"}, std::pair{"charge", "chargeSpec"}}) {
    if (const Json* value = given.find(from)) generic[to] = *value;
  }
  return native_create_body(v1_kind_of(Kind::kInstance), generic, errors);
}

/// The token of the call; empty without one. Errors: 400 naming clientToken
std::string token_of(const Json& body, Errors& errors) {
  const Json* token = body.find("clientToken");
  if (token == nullptr || token->is_null() || *token == Json("")) return "";
  std::string text = token->is_string() ? token->as_string() : "";
  std::string problem = token->is_string() ? client_token_problem(text) : "must be text";
  if (!problem.empty()) errors.push_back(invalid("clientToken", std::move(problem)));
  return text;
}

/// Refuses what the rest of the call asks for and cannot have.
Errors check_call(const Json& body) {
  Errors errors;
  const Json* spec = body.find(kSpec);
  if (spec == nullptr || spec->is_null()) return {invalid(std::string(kSpec), "is missing")};
  check_object(body, kSpec, kSpec, errors);
  const Json& given = object_at(body, kSpec);
  const Json& primary = object_at(given, "primaryNetworkInterface");
  const Json& interface = object_at(primary, "networkInterface");
  check_object(given, "primaryNetworkInterface", "instanceSpec.primaryNetworkInterface", errors);
  check_object(primary, "networkInterface", kInterface, errors);
  const Json* data = given.find("dataDisks");
  if (data != nullptr && !data->is_null() && !data->is_array()) {
    errors.push_back(invalid("instanceSpec.dataDisks", "must be a list"));
  }
  const auto add_later = [&](const Json& json, std::span<const V1Later> later,
                             std::string_view path) {
    Errors found;
    check_later(json, later, found);
    for (Error& error : found) {
      error.field = std::string(path) + "." + error.field;
      errors.push_back(std::move(error));
    }
  };
  add_later(given, kSpecLater, kSpec);
  add_later(interface, kInterfaceLater, kInterface);
  return errors;
}

/// "disks[1].diskType" as "dataDisks[0].diskType".
std::string disk_path(const std::string& field, bool has_system) {
  const std::size_t close = field.find(']');
  const std::size_t number = std::strtoul(field.c_str() + 6, nullptr, 10);
  const std::string rest = close == std::string::npos ? "" : field.substr(close + 1);
  if (has_system && number == 0) return "systemDisk" + rest;
  return "dataDisks[" + std::to_string(number - (has_system ? 1 : 0)) + "]" + rest;
}

}  // namespace

std::span<const V1Later> instance_spec_later() { return kSpecLater; }

std::span<const V1Later> instance_interface_later() { return kInterfaceLater; }

Errors as_instance_call_errors(Errors errors, const Json& body) {
  const bool has_system = has_system_disk(object_at(body, kSpec));
  errors = as_v1_errors(std::move(errors), v1_kind_of(Kind::kInstance));
  for (Error& error : errors) {
    std::string& field = error.field;
    if (field == "clientToken" || field == kV1TokenHeader) continue;
    if (field == "instanceName") field = "name";
    if (field.starts_with("disks[")) field = disk_path(field, has_system);
    if (field == "disks") field = "dataDisks";
    if (field.starts_with("chargeSpec")) field.replace(0, 10, "charge");
    if (field == "subnetId") {
      field = std::string(kInterface) + ".subnetId";
    } else if (field == "ipAddress") {
      field = std::string(kInterface) + ".primaryIpAddress";
    } else if (!field.empty()) {
      field = std::string(kSpec) + "." + field;
    }
  }
  return errors;
}

InstanceCall read_instance_call(const Json& body) {
  InstanceCall call;
  call.errors = check_call(body);
  call.count = v1_count(body, model::kInstancesPerCallMax, call.errors);
  call.token = token_of(body, call.errors);
  Errors found;
  call.native = native_body(object_at(body, kSpec), found);
  std::ranges::move(as_instance_call_errors(std::move(found), body),
                    std::back_inserter(call.errors));
  return call;
}

Errors modify_instance(const Json& body, const Object& old, Object& updated) {
  Json patch = Json::object();
  Json spec = Json::object();
  const auto take = [&](std::string_view key, Json& into) {
    const Json* value = body.find(key);
    if (value != nullptr && !value->is_null()) into[key] = *value;
  };
  take("name", patch);
  take("description", spec);
  take("hostname", spec);
  patch["spec"] = std::move(spec);
  Errors errors = model::read_update(old, patch, model::UpdateMode::kMerge, updated);
  check_later(body, kModifyLater, errors);
  return errors;
}

}  // namespace weir::api
