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
constexpr V1Filter kInterfaceFilters[] = {{{"networkInterfaceIds"}, "networkInterfaceId", true},
                                          {{"networkInterfaceNames"}, "networkInterfaceName"},
                                          {{"vpcId"}, "vpcId"},
                                          {{"subnetId"}, "subnetId"},
                                          {{"role"}, "role"},
                                          {{"azType"}, "azType"},
                                          {{"azs"}, "az"}};

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
Json shown_interface(const Object& instance) {
  const std::string address = instance.admin.string_or("ipAddress", "");
  Json interface = Json::object({{"networkInterfaceId", network_interface_id(instance)},
                                 {"vpcId", instance.admin.string_or("vpcId", "")},
                                 {"subnetId", instance.spec.string_or("subnetId", "")},
                                 {"securityGroups", Json::array()}});
  interface["primaryIp"] = Json::object({{"privateIpAddress", address}});
  interface["secondaryIps"] = Json::array();
  return Json::object({{"networkInterface", std::move(interface)},
                       {"deviceIndex", kPrimaryDeviceIndex},
                       {"autoDelete", true}});
}

/// The interface as a list of interfaces shows it. Source: product.md A.14
Json interface_document(const Object& instance) {
  const std::string address = instance.admin.string_or("ipAddress", "");
  return Json::object({{"networkInterfaceId", network_interface_id(instance)},
                       {"networkInterfaceName", instance.name},
                       {"role", "Primary"},
                       {"azType", "standard"},
                       {"az", instance.spec.string_or("az", "")},
                       {"vpcId", instance.admin.string_or("vpcId", "")},
                       {"subnetId", instance.spec.string_or("subnetId", "")},
                       {"networkSecurityGroupIds", Json::array()},
                       {"primaryIp", Json::object({{"privateIpAddress", address}})},
                       {"secondaryIps", Json::array()},
                       {"instanceType", "compute"},
                       {"instanceId", instance.id},
                       {"attachmentStatus", "attached"},
                       {"networkInterfaceStatus", "enabled"},
                       {"createdTime", instance.created}});
}

constexpr V1InstanceView kViews[] = {
    {"instances:describeBriefInstances", "instances", kBriefKeys},
    {"instanceStatus", "instanceStatuses", kStatusKeys},
    {"instancePrivateIpAddress", "instancePrivateIpAddress", kAddressKeys},
    {"networkInterfaces", "networkInterfaces", {}, kInterfaceFilters, interface_document}};

}  // namespace

std::string network_interface_id(const Object& instance) {
  return "port-" + instance.id.substr(instance.id.find('-') + 1);
}

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
  Json shown = Json::object({{"instanceId", instance.id},
                             {"instanceName", instance.name},
                             {"vpcId", instance.admin.string_or("vpcId", "")},
                             {"subnetId", spec.string_or("subnetId", "")},
                             {"privateIpAddress", instance.admin.string_or("ipAddress", "")},
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
  shown["primaryNetworkInterface"] = shown_interface(instance);
  shown["secondaryNetworkInterfaces"] = Json::array();
  if (group != nullptr) {
    shown["ag"] = Json::object({{"id", group->id}, {"name", group->name}});
  }
  const std::int64_t rack = instance.admin.integer_or("faultDomain", 0);
  if (rack != 0) shown["faultDomain"] = std::to_string(rack);
  return shown;
}

}  // namespace weir::api
