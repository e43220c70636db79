// No lost update: ETag and If-Match on every kind that users change, on both faces.
#include <functional>
#include <map>

#include "api/concurrency_fixture.h"
#include "model/registry.h"

namespace weir::api {
namespace {

/// One object of each kind that has an ETag.
class IfMatch : public Concurrency {
 protected:
  void SetUp() override {
    start();
    const auto note = [this](const std::string& kind, const Answer& made) {
      ASSERT_EQ(made.status, 201) << kind << made.message();
      ids[kind] = made.id();
    };
    note("vpc", api->create("vpc", "v", Json::object({{"addressPrefix", "10.7.0.0/16"}})));
    note("subnet",
         api->create("subnet", "s",
                     Json::object({{"vpcId", ids["vpc"]}, {"addressPrefix", "10.7.1.0/24"}})));
    note("securityGroup", api->create("securityGroup", "g", Json::object({{"vpcId", ids["vpc"]}})));
    note("securityGroupRule",
         api->post("securityGroupRule",
                   Json::object({{"spec", Json::object({{"securityGroupId", ids["securityGroup"]},
                                                        {"direction", "in"},
                                                        {"protocol", "TCP"},
                                                        {"addressPrefix", "10.7.0.0/16"}})}})));
    note("instance", api->create("instance", "server",
                                 Json::object({{"subnetId", ids["subnet"]},
                                               {"ipAddress", "10.7.1.50"},
                                               {"az", "local-1a"}})));
    note("eip", api->create("eip", "e", Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})));
    note("ag", api->create("ag", "a", Json::object({{"azs", Json::array({Json("local-1a")})}})));
    note("lb", make_lb());
    note("tg", make_tg(ids["lb"]));
    note("target", make_target(ids["tg"], 8080));
    note("backend", make_backend(ids["lb"], ids["tg"]));
    note("listener", make_listener(ids["lb"], ids["backend"]));
  }
  /// A change that counts one more.
  static Json counted(const std::string& kind, const Answer& now) {
    if (kind == "target") {
      const std::int64_t weight = now.at("spec").integer_or("weight", 0);
      return Json::object({{"spec", Json::object({{"weight", weight + 1}})}});
    }
    if (kind == "securityGroupRule") {
      const int count = std::atoi(now.at("spec").string_or("description", "0").c_str());
      return Json::object({{"spec", Json::object({{"description", std::to_string(count + 1)}})}});
    }
    const int count = std::atoi(now.at("labels").string_or("count", "0").c_str());
    return Json::object({{"labels", Json::object({{"count", std::to_string(count + 1)}})}});
  }
  static std::int64_t count_of(const std::string& kind, const Answer& now) {
    if (kind == "target") return now.at("spec").integer_or("weight", 0) - 10;
    if (kind == "securityGroupRule") {
      return std::atoi(now.at("spec").string_or("description", "0").c_str());
    }
    return std::atoi(now.at("labels").string_or("count", "0").c_str());
  }

  std::map<std::string, std::string> ids;
};

TEST_F(IfMatch, EveryKindThatUsersMakeIsHere) {
  for (const auto& kind : model::kind_descriptions()) {
    if (kind.is_user_made) EXPECT_TRUE(ids.contains(std::string(kind.word))) << kind.word;
  }
}

TEST_F(IfMatch, AStaleOneIsRefusedOnEveryKindByEveryWriteAndChangesNothing) {
  for (const auto& [kind, id] : ids) {
    const std::string path = kind + "/" + id;
    const Answer first = api->get(path);
    EXPECT_EQ(first.etag, "\"" + std::to_string(first.revision()) + "\"") << kind;
    const Answer second = api->patch(path, counted(kind, first), {{"If-Match", first.etag}});
    ASSERT_EQ(second.status, 200) << kind << second.message();
    EXPECT_NE(second.etag, first.etag) << kind;
    const std::string body =
        Json::object({{"name", first.body.string_or("name", "")}, {"spec", first.at("spec")}})
            .dump();
    const std::string change = counted(kind, second).dump();
    for (const auto& [method, text] : {std::pair{"PATCH", change}, {"PUT", body}, {"DELETE", ""}}) {
      const Answer answer = api->call(method, path, text, {{"If-Match", first.etag}});
      EXPECT_EQ(answer.problem(), "412 CONFLICT") << method << " " << kind;
    }
    EXPECT_EQ(api->get(path).etag, second.etag) << kind;
    EXPECT_EQ(count_of(kind, api->get(path)), 1) << kind;
  }
}

TEST_F(IfMatch, OnTheJdCloudFaceAStaleOneIsRefusedByEveryWrite) {
  const auto path = [&](const std::string& rest) { return "/v1/regions/local/" + rest; };
  struct Write {
    const char* method;
    std::string path;
    std::string body;
  };
  const std::string group = "targetGroups/" + ids["tg"];
  const std::string security = "networkSecurityGroups/" + ids["securityGroup"];
  const std::vector<Write> writes = {
      {"PATCH", "loadBalancers/" + ids["lb"], R"({"loadBalancerName":"x"})"},
      {"DELETE", "loadBalancers/" + ids["lb"], ""},
      {"PATCH", "listeners/" + ids["listener"], R"({"description":"x"})"},
      {"DELETE", "listeners/" + ids["listener"], ""},
      {"PATCH", "backends/" + ids["backend"], R"({"description":"x"})"},
      {"DELETE", "backends/" + ids["backend"], ""},
      {"PATCH", group, R"({"description":"x"})"},
      {"DELETE", group, ""},
      {"POST", group + ":registerTargets",
       R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":81}]})"},
      {"DELETE", "elasticIps/" + ids["eip"], ""},
      {"DELETE", security, ""},
      {"POST", "instances/" + ids["instance"] + ":stopInstance", "{}"},
  };
  for (const Write& write : writes) {
    const Answer answer =
        api->call(write.method, path(write.path), write.body, {{"If-Match", "\"1\""}});
    EXPECT_EQ(answer.problem(), "412 CONFLICT") << write.method << " " << write.path;
  }
}

TEST_F(IfMatch, NoUpdateIsLostOnAnyKindWhenWritersPinTheirRevision) {
  constexpr int kPinning = 10;
  for (const auto& one : ids) {
    const std::string& kind = one.first;
    const std::string path = kind + "/" + one.second;
    together(
        [&](ApiCaller& own, int) {
          while (true) {
            const Answer now = own.get(path);
            const Answer answer = own.patch(path, counted(kind, now), {{"If-Match", now.etag}});
            if (answer.status == 200) return;
            ASSERT_EQ(answer.status, 412) << kind << answer.message();
          }
        },
        kPinning);
    EXPECT_EQ(count_of(kind, api->get(path)), kPinning) << kind;
  }
}

}  // namespace
}  // namespace weir::api
