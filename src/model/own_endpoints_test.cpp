// The service itself as a target: whichever of target, backend service and health check names the
// port, and whichever is written last.
#include <gtest/gtest.h>

#include "model/object_body.h"
#include "model/sample_world_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

/// The API listens on 10.0.1.5:8420 and 127.0.0.1:8420 here.
class OwnEndpoints : public ::testing::Test {
 protected:
  /// A group of the load balancer with these targets and a backend service of the same name.
  void put(const std::string& lb, const std::string& type, const std::string& targets,
           int backend_port, int check_port) {
    const std::string front = R"({"loadBalancerId":")" + lb + R"(",)";
    group = sample(Kind::kTargetGroup, "tg-0000000000", "x",
                   (front + R"("type":")" + type + R"(","targets":)" + targets + "}").c_str());
    backend = sample(Kind::kBackend, "backend-0000000000", "x",
                     (front + R"("protocol":"Tcp","port":)" + std::to_string(backend_port) +
                      R"(,"targetGroupIds":["tg-0000000000"],"healthCheck":{"protocol":"Tcp",)" +
                      R"("port":)" + std::to_string(check_port) + "}}")
                         .c_str());
    index.put(group);
    index.put(backend);
  }
  /// What a merge patch of the spec is answered.
  std::string answer(const Object& old, const std::string& spec) const {
    Object updated;
    const Json patch = parse_json(R"({"spec":)" + spec + "}").value();
    Errors errors = read_update(old, patch, UpdateMode::kMerge, updated);
    WorldView world = sample_view(index);
    world.own_endpoints.push_back(net::Endpoint::parse("127.0.0.1:8420").value());
    for (const char* node : {"10.0.1.30", "10.0.1.7", "127.0.0.1"}) {
      world.node_addresses.push_back(net::IpAddress::parse(node).value());
    }
    errors = check_update(old, updated, world, std::move(errors));
    std::string text;
    for (const Error& error : errors) {
      EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
      EXPECT_TRUE(error.message.contains("this service itself")) << error.message;
      text += error.field + ";";
    }
    return text;
  }

  ObjectIndex index = sample_world();
  Object group;
  Object backend;
};

TEST_F(OwnEndpoints, AreNotReachedByTheBackendServicesPortOfATargetThatHasNone) {
  put("alb-private000", "ip", "[]", 8420, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"10.0.1.5"}]})"),
            "spec.targets[0].ipAddress;");
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"10.0.1.5","port":80}]})"), "");
  put("alb-private000", "instance", "[]", 8420, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"instanceId":"i-own0000000"}]})"),
            "spec.targets[0].instanceId;");
  put("alb-local00000", "ip", "[]", 8420, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"127.0.0.1"}]})"),
            "spec.targets[0].ipAddress;");
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"127.0.0.2"}]})"), "");
}

TEST_F(OwnEndpoints, AreNotReachedWhenATargetGivesItsPortUp) {
  put("alb-local00000", "ip", R"([{"targetId":"target-a","ipAddress":"127.0.0.1","port":9001}])",
      8420, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"targetId":"target-a","ipAddress":"127.0.0.1"}]})"),
            "spec.targets[0].ipAddress;");
}

TEST_F(OwnEndpoints, AreNotReachedByChecksOfATargetWithAnotherPort) {
  put("alb-private000", "ip", "[]", 80, 8420);
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"10.0.1.5","port":80}]})"),
            "spec.targets[0].ipAddress;");
  put("alb-private000", "instance", "[]", 80, 8420);
  EXPECT_EQ(answer(group, R"({"targets":[{"instanceId":"i-own0000000","port":80}]})"),
            "spec.targets[0].instanceId;");
}

TEST_F(OwnEndpoints, AreNotReachedByAGroupAttachedLaterNorByACheckPortChangedLater) {
  const std::string attach = R"({"targetGroupIds":["tg-0000000000"]})";
  for (const auto& [type, target] : {std::pair{"ip", R"({"ipAddress":"10.0.1.5"})"},
                                     std::pair{"instance", R"({"instanceId":"i-own0000000"})"}}) {
    SCOPED_TRACE(type);
    put("alb-private000", type, "[" + std::string(target) + "]", 8420, 0);
    Object without = backend;
    without.spec["targetGroupIds"] = Json::array();
    EXPECT_EQ(answer(without, attach), "spec.targetGroupIds[0];");
    without.spec["port"] = 80;
    EXPECT_EQ(answer(without, attach), "");
    without.spec["healthCheck"]["port"] = 8420;
    EXPECT_EQ(answer(without, attach), "spec.healthCheck.port;");
    put("alb-private000", type, "[" + std::string(target) + "]", 80, 0);
    EXPECT_EQ(answer(backend, R"({"healthCheck":{"port":8420}})"), "spec.healthCheck.port;");
  }
}

TEST_F(OwnEndpoints, AreAlsoTheAddressesOfNodesButOnLoopback) {
  put("alb-private000", "ip", "[]", 80, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"10.0.1.7","port":22}]})"),
            "spec.targets[0].ipAddress;");
  put("alb-private000", "instance", "[]", 80, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"instanceId":"i-private000"}]})"),
            "spec.targets[0].instanceId;");
  put("alb-local00000", "ip", "[]", 80, 0);
  EXPECT_EQ(answer(group, R"({"targets":[{"ipAddress":"127.0.0.1"}]})"), "");
}

TEST_F(OwnEndpoints, WhichCameLaterDoNotKeepWhatIsThereFromOtherChanges) {
  put("alb-private000", "ip", R"([{"targetId":"target-a","ipAddress":"10.0.1.5"}])", 8420, 8420);
  EXPECT_EQ(answer(group, R"({"description":"x"})"), "");
  EXPECT_EQ(answer(backend, R"({"description":"x"})"), "");
}

}  // namespace
}  // namespace weir::model
