// An instance: a server that somebody already runs, registered with its address, so that target
// groups can name it. Its type, image, keys and disks are stored and returned without effect.
// Source: product.md A.15, B.6; docs/adr/0014-instances.md. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/availability_group.h"
#include "model/charge.h"
#include "model/field.h"

namespace weir::model {

/// One disk of a server; no effect.
struct InstanceDisk {
  bool is_system = false;
  std::string disk_category;
  bool auto_delete = true;
  std::string device_name;
  std::string disk_type;
  int disk_size_gb = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("isSystem", s.is_system, "no effect");
    v("diskCategory", s.disk_category, "no effect", Text{TextRule::kNone, 32});
    v("autoDelete", s.auto_delete, "no effect");
    v("deviceName", s.device_name, "no effect", Text{TextRule::kNone, 32});
    v("diskType", s.disk_type, "no effect", Text{TextRule::kNone, 32});
    v("diskSizeGB", s.disk_size_gb, "no effect", Range{0, 1'000'000});
  }

  friend bool operator==(const InstanceDisk&, const InstanceDisk&) = default;
};

struct InstanceAdmin {
  InstanceState state = InstanceState::kRunning;
  std::string ip_address;
  std::string vpc_id;
  std::optional<Charge> charge;
  int fault_domain = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("state", s.state, "stopped: as a target it gets no new traffic", kSettable);
    v("ipAddress", s.ip_address, "the private address traffic goes to", kOutputOnly);
    v("vpcId", s.vpc_id, "the VPC of its subnet", kOutputOnly, Ref{Kind::kVpc});
    v("charge", s.charge, "no effect: what the JD Cloud face was given at creation", kSettable,
      kImmutable, kOmitEmpty);
    v("faultDomain", s.fault_domain, "the rack it stands in, or counts for in its group",
      kOutputOnly, kOmitEmpty, Range{0, kFaultDomains});
  }

  friend bool operator==(const InstanceAdmin&, const InstanceAdmin&) = default;
};

struct Instance {
  using Admin = InstanceAdmin;
  static constexpr Kind kKind = Kind::kInstance;

  std::string subnet_id;
  std::string ip_address;
  std::string az;
  std::string description;
  std::string hostname;
  std::string instance_type;
  std::string image_id;
  std::vector<std::string> key_names;
  std::vector<InstanceDisk> disks;
  std::string ag_id;
  int fault_domain = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("subnetId", s.subnet_id, "the subnet its address lies in", kRequired, kImmutable,
      Ref{Kind::kSubnet});
    v("ipAddress", s.ip_address, "the address it has, in the subnet", kRequired, kImmutable,
      Text{TextRule::kAddress});
    v("az", s.az, "the availability zone it stands in", kRequired, kImmutable,
      Text{TextRule::kName, 64});
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
    v("hostname", s.hostname, "no effect", Text{TextRule::kNone, 64});
    v("instanceType", s.instance_type, "no effect", Text{TextRule::kNone, 64});
    v("imageId", s.image_id, "no effect", Text{TextRule::kNone, 64});
    v("keyNames", s.key_names, "no effect", Items{0, 10}, Text{TextRule::kNone, 64});
    v("disks", s.disks, "no effect", Items{0, 17});
    v("agId", s.ag_id,
      "the availability group it is registered into; emptied, it leaves the group for good, and "
      "none takes an instance that is there already",
      kKept, kOmitEmpty, Ref{Kind::kAvailabilityGroup});
    v("faultDomain", s.fault_domain,
      "the rack it stands in, 1 to 5 of its zone; 0: as a member of a group it counts for the rack "
      "of its zone that has the fewest members",
      kImmutable, kOmitEmpty, kNativeOnly, Range{0, kFaultDomains});
  }

  friend bool operator==(const Instance&, const Instance&) = default;
};

}  // namespace weir::model
