// The objects that the tests of this module judge writes against: a VPC bound to loopback and one
// that is not, load balancers of every type, one of another owner.
#pragma once

#include <string>

#include "base/json.h"
#include "model/registry.h"
#include "model/world_view.h"

namespace weir::model {

inline Object sample(Kind kind, std::string id, std::string name, Json spec,
                     Json admin = Json::object()) {
  Object object;
  object.kind = kind;
  object.id = std::move(id);
  object.owner = kDefaultOwner;
  object.name = std::move(name);
  object.created = "2026-01-01T00:00:00Z";
  Errors errors;
  object.spec = canonical_spec(kind, spec, errors);
  object.admin = canonical_admin(kind, admin, errors);
  return object;
}

inline Object sample(Kind kind, std::string id, std::string name, const char* spec,
                     const char* admin = "{}") {
  return sample(kind, std::move(id), std::move(name), parse_json(spec).value(),
                parse_json(admin).value());
}

/// Value of a $word of bad_inputs.json.
inline std::string sample_id(std::string_view word) {
  if (word == "vpc") return "vpc-private000";
  if (word == "open_vpc") return "vpc-open000000";
  if (word == "subnet") return "subnet-private000";
  if (word == "alb") return "alb-private000";
  if (word == "nlb") return "nlb-private000";
  if (word == "dnlb") return "dnlb-private000";
  if (word == "local_alb") return "alb-local00000";
  if (word == "foreign_alb") return "alb-foreign000";
  if (word == "instance") return "i-private000";
  if (word == "far_instance") return "i-far0000000";
  if (word == "own_instance") return "i-own0000000";
  if (word == "local_instance") return "i-local00000";
  if (word == "foreign_instance") return "i-foreign000";
  if (word == "ag") return "ag-private000";
  if (word == "far_ag") return "ag-far0000000";
  if (word == "own_ag") return "ag-own0000000";
  if (word == "local_ag") return "ag-local00000";
  if (word == "foreign_ag") return "ag-foreign000";
  if (word == "tg") return "tg-private000";
  if (word == "own_tg") return "tg-own0000000";
  if (word == "own_instance_tg") return "tg-owninst000";
  if (word == "other_tg") return "tg-local00000";
  if (word == "foreign_tg") return "tg-foreign000";
  if (word == "http_backend") return "backend-http000000";
  if (word == "tcp_backend") return "backend-tcp0000000";
  if (word == "nlb_backend") return "backend-nlb0000000";
  if (word == "dnlb_backend") return "backend-dnlb000000";
  if (word == "other_backend") return "backend-local00000";
  if (word == "foreign_backend") return "backend-foreign000";
  if (word == "sg") return "sg-custom0000";
  if (word == "local_sg") return "sg-local00000";
  if (word == "foreign_sg") return "sg-foreign000";
  if (word == "listener") return "listener-private000";
  return "no-such-word";
}

inline void put_networks(ObjectIndex& index) {
  index.put(sample(Kind::kVpc, "vpc-default", "default", R"({"addressPrefix":"127.0.0.0/8"})"));
  index.put(sample(Kind::kSubnet, "subnet-default", "default",
                   R"({"vpcId":"vpc-default","addressPrefix":"127.0.8.0/24"})"));
  index.put(sample(Kind::kVpc, "vpc-private000", "private", R"({"addressPrefix":"10.0.0.0/16"})"));
  index.put(sample(Kind::kVpc, "vpc-open000000", "open", "{}"));
  index.put(sample(Kind::kSubnet, "subnet-private000", "private",
                   R"({"vpcId":"vpc-private000","addressPrefix":"10.0.1.0/24"})"));
}

inline void put_load_balancers(ObjectIndex& index) {
  const auto put = [&](std::string id, const char* spec, const char* admin) {
    index.put(sample(Kind::kLoadBalancer, std::move(id), "taken", spec, admin));
  };
  put("alb-private000", R"({"subnetId":"subnet-private000","azs":["local-1a"]})",
      R"({"vip":"10.0.1.10","vpcId":"vpc-private000"})");
  put("nlb-private000", R"({"type":"nlb","subnetId":"subnet-private000","azs":["local-1a"]})",
      R"({"vip":"10.0.1.11","vpcId":"vpc-private000"})");
  put("dnlb-private000", R"({"type":"dnlb","subnetId":"subnet-private000"})",
      R"({"vip":"10.0.1.13","vpcId":"vpc-private000"})");
  put("alb-local00000", R"({"subnetId":"subnet-default","azs":["local-1a"]})",
      R"({"vip":"127.0.8.10","vpcId":"vpc-default"})");
  Object foreign = *index.find(Kind::kLoadBalancer, "alb-private000");
  foreign.id = "alb-foreign000";
  foreign.owner = "somebody-else";
  foreign.admin["vip"] = "10.0.1.12";
  index.put(std::move(foreign));
}

inline void put_instances(ObjectIndex& index) {
  const auto put = [&](std::string id, const char* spec, const char* admin) {
    index.put(sample(Kind::kInstance, std::move(id), "server", spec, admin));
  };
  put("i-private000", R"({"subnetId":"subnet-private000","az":"local-1a","ipAddress":"10.0.1.30"})",
      R"({"ipAddress":"10.0.1.30","vpcId":"vpc-private000"})");
  put("i-far0000000", R"({"subnetId":"subnet-private000","az":"local-1b","ipAddress":"10.0.1.31"})",
      R"({"ipAddress":"10.0.1.31","vpcId":"vpc-private000"})");
  put("i-own0000000", R"({"subnetId":"subnet-private000","az":"local-1a","ipAddress":"10.0.1.5"})",
      R"({"ipAddress":"10.0.1.5","vpcId":"vpc-private000"})");
  put("i-local00000", R"({"subnetId":"subnet-default","az":"local-1a","ipAddress":"127.0.8.30"})",
      R"({"ipAddress":"127.0.8.30","vpcId":"vpc-default"})");
  Object foreign = *index.find(Kind::kInstance, "i-private000");
  foreign.id = "i-foreign000";
  foreign.owner = "somebody-else";
  foreign.admin["ipAddress"] = "10.0.1.32";
  index.put(std::move(foreign));
}

inline void put_security_groups(ObjectIndex& index) {
  index.put(sample(Kind::kSecurityGroup, "sg-custom0000", "own", R"({"vpcId":"vpc-private000"})"));
  index.put(sample(Kind::kSecurityGroup, "sg-local00000", "local", R"({"vpcId":"vpc-default"})"));
  Object foreign = *index.find(Kind::kSecurityGroup, "sg-custom0000");
  foreign.id = "sg-foreign000";
  foreign.owner = "somebody-else";
  index.put(std::move(foreign));
}

/// One that nobody has come to, one of two zones, one whose member has an endpoint of the service
/// itself, one of another VPC, and one of another owner.
inline void put_availability_groups(ObjectIndex& index) {
  const auto put = [&](std::string id, const char* azs, const char* admin = "{}") {
    const std::string spec = std::string(R"({"azs":)") + azs + "}";
    index.put(sample(Kind::kAvailabilityGroup, std::move(id), "members", spec.c_str(), admin));
  };
  put("ag-private000", R"(["local-1a"])");
  put("ag-far0000000", R"(["local-1a","local-1b"])");
  put("ag-own0000000", R"(["local-1a"])",
      R"({"vpcId":"vpc-private000","slots":[{"targetId":"i-own0000000","slot":0}]})");
  put("ag-local00000", R"(["local-1a"])",
      R"({"vpcId":"vpc-default","slots":[{"targetId":"i-local00000","slot":0}]})");
  Object foreign = *index.find(Kind::kAvailabilityGroup, "ag-private000");
  foreign.id = "ag-foreign000";
  foreign.owner = "somebody-else";
  index.put(std::move(foreign));
}

inline void put_parts(ObjectIndex& index) {
  const auto put = [&](Kind kind, std::string id, std::string name, std::string spec) {
    index.put(sample(kind, std::move(id), std::move(name), spec.c_str()));
  };
  const std::string http = R"(","protocol":"Http","port":80,"healthCheck":{"protocol":"Http"}})";
  const std::string tcp = R"(","protocol":"Tcp","port":80,"healthCheck":{"protocol":"Tcp"}})";
  const std::string lb = R"({"loadBalancerId":")";
  put(Kind::kBackend, "backend-http000000", "taken", lb + "alb-private000" + http);
  put(Kind::kBackend, "backend-tcp0000000", "tcp", lb + "alb-private000" + tcp);
  put(Kind::kBackend, "backend-nlb0000000", "nlb", lb + "nlb-private000" + tcp);
  put(Kind::kBackend, "backend-dnlb000000", "dnlb",
      lb + R"(dnlb-private000","algorithm":"IpHash)" + tcp);
  put(Kind::kBackend, "backend-local00000", "local", lb + "alb-local00000" + http);
  put(Kind::kTargetGroup, "tg-private000", "taken", lb + "alb-private000\"}");
  put(Kind::kTargetGroup, "tg-local00000", "local", lb + "alb-local00000\"}");
  put(Kind::kTargetGroup, "tg-own0000000", "own",
      lb + R"(alb-private000","targets":[{"ipAddress":"10.0.1.5"},{"ipAddress":"10.0.1.6"}]})");
  put(Kind::kTargetGroup, "tg-owninst000", "own-instance",
      lb + R"(alb-private000","type":"instance","targets":[{"instanceId":"i-own0000000"}]})");
  put(Kind::kListener, "listener-private000", "taken",
      lb + R"(alb-private000","protocol":"Http","port":8080,"backendId":"backend-http000000"})");
  Object backend = *index.find(Kind::kBackend, "backend-http000000");
  backend.id = "backend-foreign000";
  backend.owner = "somebody-else";
  backend.spec["loadBalancerId"] = "alb-foreign000";
  index.put(std::move(backend));
  Object group = *index.find(Kind::kTargetGroup, "tg-private000");
  group.id = "tg-foreign000";
  group.owner = "somebody-else";
  group.spec["loadBalancerId"] = "alb-foreign000";
  index.put(std::move(group));
}

inline ObjectIndex sample_world() {
  ObjectIndex index;
  put_networks(index);
  put_load_balancers(index);
  put_instances(index);
  put_security_groups(index);
  put_availability_groups(index);
  put_parts(index);
  return index;
}

/// The world with the zones local-1a and local-1b and an API on 10.0.1.5:8420.
inline WorldView sample_view(const ObjectIndex& index) {
  WorldView view = index.view();
  view.azs = {"local-1a", "local-1b"};
  view.own_endpoints = {net::Endpoint::parse("10.0.1.5:8420").value()};
  return view;
}

}  // namespace weir::model
