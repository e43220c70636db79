// What each type of load balancer has, and what it must refuse: protocols, algorithms, checks.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/resources.h"
#include "model/sample_world_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

using Words = std::set<std::string>;

/// The sample load balancer of each type.
const std::map<std::string, std::string> kLoadBalancers = {
    {"alb", "alb-private000"}, {"nlb", "nlb-private000"}, {"dnlb", "dnlb-private000"}};

Json backend_body(const std::string& type) {
  return Json::object(
      {{"name", "servers"},
       {"spec", Json::object({{"loadBalancerId", kLoadBalancers.at(type)},
                              {"protocol", "Tcp"},
                              {"port", 80},
                              {"healthCheck", Json::object({{"protocol", "Tcp"}})}})}});
}

/// As the API does it: read, defaults of the type, rules.
Errors create(Kind kind, const Json& body, Object& made) {
  const ObjectIndex index = sample_world();
  made.id = "new-0000000000";
  made.owner = kDefaultOwner;
  Errors errors = read_create(kind, body, made);
  const WorldView world = sample_view(index);
  fill_in_defaults(made, world);
  return check_create(made, world, std::move(errors));
}

Errors create(Kind kind, const Json& body) {
  Object made;
  return create(kind, body, made);
}

/// Those of `words` that a backend service of this type may have in spec.<field>; every refusal
/// must be a 400 that names the field and lists exactly the words that are accepted.
Words accepted(const std::string& type, const std::string& field, const Words& words) {
  Words good;
  std::map<std::string, std::string> refusals;
  for (const std::string& word : words) {
    Json body = backend_body(type);
    Json& spec = body["spec"];
    (field == "check" ? spec["healthCheck"]["protocol"] : spec[field]) = word;
    const std::string path = field == "check" ? "spec.healthCheck.protocol" : "spec." + field;
    const Errors errors = create(Kind::kBackend, body);
    if (errors.empty()) {
      good.insert(word);
      continue;
    }
    EXPECT_EQ(errors.size(), 1u) << type << " " << word;
    EXPECT_EQ(errors[0].code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(errors[0].field, path);
    refusals[word] = errors[0].message;
  }
  for (const auto& [word, message] : refusals) {
    if (message.ends_with("is not supported yet")) continue;
    for (const std::string& offered : words) {
      EXPECT_EQ(message.substr(message.find('[')).contains(offered), good.contains(offered))
          << type << " " << word << ": " << message;
    }
  }
  return good;
}

TEST(LoadBalancerTypes, M28_EachHasItsAlgorithmsAndRefusesEveryOtherWordWithTheList) {
  const Words words = {"RoundRobin", "LeastConn", "IpHash", "QuintupleHash", "Maglev"};
  const Words usual = {"RoundRobin", "LeastConn", "IpHash"};
  EXPECT_EQ(accepted("alb", "algorithm", words), usual);
  EXPECT_EQ(accepted("nlb", "algorithm", words), usual);
  EXPECT_EQ(accepted("dnlb", "algorithm", words), (Words{"IpHash", "QuintupleHash"}));
}

TEST(LoadBalancerTypes, M18_EachHasItsBackendProtocols) {
  const Words words = {"Http", "Tcp", "Udp", "Tls", "ftp"};
  EXPECT_EQ(accepted("alb", "protocol", words), (Words{"Http", "Tcp"}));
  EXPECT_EQ(accepted("nlb", "protocol", words), Words{"Tcp"});
  EXPECT_EQ(accepted("dnlb", "protocol", words), Words{"Tcp"});
}

TEST(LoadBalancerTypes, M52_EachHasItsCheckMethods) {
  const Words words = {"Http", "Tcp", "Icmp", "ping"};
  EXPECT_EQ(accepted("alb", "check", words), (Words{"Http", "Tcp"}));
  EXPECT_EQ(accepted("nlb", "check", words), (Words{"Http", "Tcp"}));
  EXPECT_EQ(accepted("dnlb", "check", words), Words{"Tcp"});
}

Json listener_body(const std::string& type, const std::string& protocol,
                   const std::string& backend) {
  return Json::object({{"name", "front"},
                       {"spec", Json::object({{"loadBalancerId", kLoadBalancers.at(type)},
                                              {"protocol", protocol},
                                              {"port", 80},
                                              {"backendId", backend}})}});
}

TEST(LoadBalancerTypes, M11_M15_ListenersSpeakTcpOnEachAndHttpOnAlbOnly) {
  const std::map<std::string, std::string> tcp = {
      {"alb", "backend-tcp0000000"}, {"nlb", "backend-nlb0000000"}, {"dnlb", "backend-dnlb000000"}};
  for (const auto& [type, backend] : tcp) {
    EXPECT_EQ(create(Kind::kListener, listener_body(type, "Tcp", backend)), Errors()) << type;
    for (const char* word : {"Http", "Udp", "ftp"}) {
      const Errors errors = create(Kind::kListener, listener_body(type, word, backend));
      ASSERT_EQ(errors.size(), 1u) << type << " " << word;
      EXPECT_EQ(errors[0].code, ErrorCode::kInvalidArgument);
      const bool is_mismatch = type == "alb" && word == std::string("Http");
      EXPECT_EQ(errors[0].field, is_mismatch ? "spec.backendId" : "spec.protocol");
    }
  }
  EXPECT_EQ(create(Kind::kListener, listener_body("alb", "Http", "backend-http000000")), Errors());
  EXPECT_EQ(create(Kind::kListener, listener_body("alb", "Tcp", "backend-http000000")).size(), 1u);
}

TEST(LoadBalancerTypes, M53_M55_M57_M58_M59_M66_ChecksHaveTheSameRangesOnEach) {
  struct Border {
    const char* field;
    int low;
    int high;
  };
  constexpr Border kBorders[] = {{"port", 0, 65535},
                                 {"checkTimeoutSeconds", 2, 60},
                                 {"intervalSeconds", 5, 300},
                                 {"unhealthyThresholdCount", 1, 5},
                                 {"healthyThresholdCount", 1, 5}};
  for (const auto& [type, lb] : kLoadBalancers) {
    for (const Border& border : kBorders) {
      SCOPED_TRACE(type + " " + border.field);
      Json body = backend_body(type);
      Json& value = body["spec"]["healthCheck"][border.field];
      for (const int good : {border.low, border.high}) {
        value = Json(good);
        Object made;
        EXPECT_EQ(create(Kind::kBackend, body, made), Errors());
        EXPECT_EQ(made.spec["healthCheck"][border.field], Json(good));
      }
      for (const int bad : {border.low - 1, border.high + 1}) {
        value = Json(bad);
        const Errors errors = create(Kind::kBackend, body);
        ASSERT_EQ(errors.size(), 1u);
        EXPECT_EQ(errors[0].code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(errors[0].field, "spec.healthCheck." + std::string(border.field));
      }
    }
  }
}

TEST(LoadBalancerTypes, M70_OnEachTheCheckIsClosedByEditingOnly) {
  for (const auto& [type, lb] : kLoadBalancers) {
    SCOPED_TRACE(type);
    Json body = backend_body(type);
    body["admin"]["closeHealthCheck"] = true;
    const Errors errors = create(Kind::kBackend, body);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].field, "admin.closeHealthCheck");
    Object made;
    body["admin"]["closeHealthCheck"] = false;
    ASSERT_EQ(create(Kind::kBackend, body, made), Errors());
    EXPECT_FALSE(made.admin.bool_or("closeHealthCheck", true));
    const ObjectIndex index = sample_world();
    for (const bool is_closed : {true, false}) {
      Object updated;
      const Json patch = Json::object({{"admin", Json::object({{"closeHealthCheck", is_closed}})}});
      EXPECT_EQ(read_update(made, patch, UpdateMode::kMerge, updated), Errors());
      EXPECT_EQ(check_update(made, updated, sample_view(index)), Errors());
      EXPECT_EQ(updated.admin.bool_or("closeHealthCheck", !is_closed), is_closed);
    }
  }
}

TEST(LoadBalancerTypes, ABackendServiceThatNamesNoAlgorithmHasTheOneOfItsType) {
  for (const auto& [type, lb] : kLoadBalancers) {
    Object made;
    EXPECT_EQ(create(Kind::kBackend, backend_body(type), made), Errors());
    EXPECT_EQ(made.spec.string_or("algorithm", ""), type == "dnlb" ? "IpHash" : "RoundRobin");
  }
}

TEST(LoadBalancerTypes, AnUpdateToNoAlgorithmGivesTheOneOfTheTypeAndOthersStay) {
  const ObjectIndex index = sample_world();
  Object old = *index.find(Kind::kBackend, "backend-dnlb000000");
  old.spec["algorithm"] = "QuintupleHash";
  const auto after = [&](const char* patch, UpdateMode mode) {
    Object updated;
    EXPECT_EQ(read_update(old, parse_json(patch).value(), mode, updated), Errors());
    fill_in_defaults(updated, sample_view(index));
    EXPECT_EQ(check_update(old, updated, sample_view(index)), Errors());
    return updated.spec.string_or("algorithm", "");
  };
  EXPECT_EQ(after(R"({"spec":{"description":"x"}})", UpdateMode::kMerge), "QuintupleHash");
  EXPECT_EQ(after(R"({"spec":{"algorithm":null}})", UpdateMode::kMerge), "IpHash");
  EXPECT_EQ(after(R"({"spec":{"healthCheck":{"protocol":"Tcp"}}})", UpdateMode::kReplace),
            "IpHash");
}

}  // namespace
}  // namespace weir::model
