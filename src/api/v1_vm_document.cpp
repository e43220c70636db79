// Answers of the instance calls.
#include <algorithm>

#include "api/v1_vm.h"

namespace weir::api {
namespace {

using model::Object;

constexpr std::string_view kBriefKeys[] = {
    "instanceId", "instanceName", "instanceType", "vpcId", "subnetId", "privateIpAddress",
    "status",     "description",  "imageId",      "az",    "hostname", "launchTime"};
constexpr std::string_view kStatusKeys[] = {"instanceId", "status"};
constexpr std::string_view kAddressKeys[] = {"instanceId", "privateIpAddress"};
constexpr V1InstanceView kViews[] = {
    {"instances:describeBriefInstances", "instances", kBriefKeys},
    {"instanceStatus", "instanceStatuses", kStatusKeys},
    {"instancePrivateIpAddress", "instancePrivateIpAddress", kAddressKeys}};

// What clients of the public product know the primary interface by.
constexpr int kPrimaryDeviceIndex = 1;

Json shown_disk(const Json& disk) {
  Json shown = disk;
  shown.erase("isSystem");
  Json cloud = Json::object();
  for (const std::string_view key : {"diskType", "diskSizeGB"}) {
    if (const Json* value = disk.find(key)) cloud[key] = *value;
    shown.erase(key);
  }
  shown["cloudDisk"] = std::move(cloud);
  shown["status"] = "attached";
  return shown;
}

/// The one interface that an instance has, which goes with it. Source: product.md A.15
Json shown_interface(const std::string& vpc, const std::string& subnet,
                     const std::string& address) {
  Json interface =
      Json::object({{"vpcId", vpc}, {"subnetId", subnet}, {"securityGroups", Json::array()}});
  interface["primaryIp"] = Json::object({{"privateIpAddress", address}});
  interface["secondaryIps"] = Json::array();
  return Json::object({{"networkInterface", std::move(interface)},
                       {"deviceIndex", kPrimaryDeviceIndex},
                       {"autoDelete", true}});
}

}  // namespace

const V1InstanceView* find_instance_view(std::string_view segment) {
  const auto* found = std::ranges::find(kViews, segment, &V1InstanceView::segment);
  return found == std::end(kViews) ? nullptr : found;
}

Json viewed(const Json& instance, const V1InstanceView& view) {
  Json shown = Json::object();
  for (const std::string_view key : view.keys) {
    if (const Json* value = instance.find(key)) shown[key] = *value;
  }
  return shown;
}

Json v1_instance(const Object& instance, const Object* group) {
  const Json& spec = instance.spec;
  const std::string address = instance.admin.string_or("ipAddress", "");
  const std::string vpc = instance.admin.string_or("vpcId", "");
  const std::string subnet = spec.string_or("subnetId", "");
  Json shown = Json::object({{"instanceId", instance.id},
                             {"instanceName", instance.name},
                             {"vpcId", vpc},
                             {"subnetId", subnet},
                             {"privateIpAddress", address},
                             {"status", instance.admin.string_or("state", "")},
                             {"az", spec.string_or("az", "")}});
  for (const std::string_view key : {"description", "hostname", "instanceType", "imageId"}) {
    shown[key] = spec.string_or(key, "");
  }
  const Json* keys = spec.find("keyNames");
  shown["keyNames"] = keys == nullptr ? Json::array() : *keys;
  Json disks = Json::array();
  const Json* stored = spec.find("disks");
  for (const Json& disk : stored == nullptr ? Json::Array() : stored->as_array()) {
    if (disk.bool_or("isSystem", false)) {
      shown["systemDisk"] = shown_disk(disk);
    } else {
      disks.push_back(shown_disk(disk));
    }
  }
  shown["dataDisks"] = std::move(disks);
  shown["primaryNetworkInterface"] = shown_interface(vpc, subnet, address);
  shown["secondaryNetworkInterfaces"] = Json::array();
  if (group != nullptr) {
    shown["ag"] = Json::object({{"id", group->id}, {"name", group->name}});
  }
  const std::int64_t rack = instance.admin.integer_or("faultDomain", 0);
  if (rack != 0) shown["faultDomain"] = std::to_string(rack);
  return shown;
}

}  // namespace weir::api
