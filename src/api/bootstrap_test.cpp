// Starts and restarts of a control plane over its files.
#include "api/bootstrap.h"

#include <gtest/gtest.h>

#include "api/api_fixture.h"
#include "api/fake_node.h"
#include "api/secrets.h"

namespace weir::api {
namespace {

class Restart : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& stream_listen = {}) {
    ControlOptions options;
    options.data_dir = folder.path() + "/data";
    options.api.listen = "127.0.0.1:0";
    options.stream_listen = stream_listen;
    auto started = ControlServer::start(std::move(options), metrics, clock);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
    credentials = parse_json(read_file(server->credentials_path()).value()).value();
    api = std::make_unique<ApiCaller>(server->api_endpoint(), credentials.string_or("token", ""));
  }
  void stop() {
    api.reset();
    server.reset();
  }

  testing::TemporaryFolder folder;
  SystemClock clock;
  Metrics metrics;
  std::unique_ptr<ControlServer> server;
  Json credentials;
  std::unique_ptr<ApiCaller> api;
};

TEST_F(Restart, KeepsObjectsAndCredentialsAndTellsTheNewEndpoint) {
  start();
  const Json before = credentials;
  EXPECT_EQ(api->create("vpc", "lab", Json::object()).status, 201);
  stop();
  start();
  EXPECT_EQ(credentials.string_or("endpoint", ""), server->api_endpoint());
  for (const char* member : {"token", "accessKey", "secretKey"}) {
    EXPECT_EQ(credentials.string_or(member, "1"), before.string_or(member, "2"));
  }
  EXPECT_EQ(api->get("vpc?name=lab").items().size(), 1u);
}

TEST_F(Restart, DoesNotBringADeletedDefaultNetworkBack) {
  start();
  EXPECT_EQ(api->remove("subnet/subnet-default").status, 200);
  EXPECT_EQ(api->remove("vpc/vpc-default").status, 200);
  stop();
  start();
  EXPECT_TRUE(api->get("vpc").items().empty());
}

TEST_F(Restart, MakesNoSecondAdministratorWhenTheFileIsTakenAway) {
  start();
  const std::string token = credentials.string_or("token", "");
  const std::string file = server->credentials_path();
  const std::string text = read_file(file).value();
  stop();
  std::filesystem::remove(file);
  ControlOptions options;
  options.data_dir = folder.path() + "/data";
  options.api.listen = "127.0.0.1:0";
  server = ControlServer::start(std::move(options), metrics, clock).value();
  EXPECT_FALSE(std::filesystem::exists(file));
  ApiCaller caller(server->api_endpoint(), token);
  EXPECT_EQ(caller.get("vpc").status, 200);
}

TEST_F(Restart, CollectsWhatACrashLeftOfACascade) {
  start();
  const std::string lb = api->create("lb", "web",
                                     Json::object({{"subnetId", "subnet-default"},
                                                   {"azs", Json::array({Json("local-1a")})}}))
                             .id();
  for (int i = 0; i < 10; ++i) {
    api->create("tg", "t" + std::to_string(i), Json::object({{"loadBalancerId", lb}}));
  }
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=true").status, 200);
  stop();  // at any moment of the collection
  start();
  EXPECT_TRUE(api->get("tg").items().empty());
  // The counter of its quota is free again, and so is the place.
  for (int i = 0; i < 5; ++i) {
    const Answer made = api->create(
        "lb", "n" + std::to_string(i),
        Json::object({{"subnetId", "subnet-default"}, {"azs", Json::array({Json("local-1a")})}}));
    EXPECT_EQ(made.status, 201) << made.message();
  }
}

TEST_F(Restart, LeadsANodeThatHasTheNewestRevisionByADelta) {
  start();
  FakeNode node("n1");
  EXPECT_EQ(node.follow(server->stream_addresses().front()), "full");
  const auto newest = [&] { return api->get("version").body.integer_or("revision", 0); };
  ASSERT_TRUE(node.take_until(
      [&] { return static_cast<std::int64_t>(node.have.revision.value) >= newest(); }));
  node.leave();
  stop();
  start();
  EXPECT_EQ(node.follow(server->stream_addresses().front()), "delta");
}

TEST_F(Restart, HearsAllVerdictsAndListsOfANodeAnew) {
  constexpr int kTargets = 80;
  start();
  const auto made = [&](const std::string& kind, Json spec) {
    const Answer answer = api->create(kind, "web", std::move(spec));
    EXPECT_EQ(answer.status, 201) << answer.message();
    return answer.id();
  };
  const std::string lb = made("lb", Json::object({{"subnetId", "subnet-default"},
                                                  {"azs", Json::array({Json("local-1a")})}}));
  const std::string tg = made("tg", Json::object({{"loadBalancerId", lb}}));
  for (int i = 0; i < kTargets; ++i) {
    const Json target = Json::object(
        {{"targetGroupId", tg}, {"ipAddress", "127.0.0.1"}, {"port", Json(20'000 + i)}});
    ASSERT_EQ(api->post("target", Json::object({{"spec", target}})).status, 201);
  }
  const std::string backend =
      made("backend", Json::object({{"loadBalancerId", lb},
                                    {"protocol", "Http"},
                                    {"port", 80},
                                    {"healthCheck", Json::object({{"protocol", "Tcp"}})},
                                    {"targetGroupIds", Json::array({Json(tg)})}}));
  const std::string listener = made(
      "listener",
      Json::object(
          {{"loadBalancerId", lb}, {"protocol", "Http"}, {"port", 80}, {"backendId", backend}}));
  const auto healthy = [&] {
    return api->get("backend/" + backend).at("status").find("targets")->integer_or("healthy", -1);
  };
  const auto serving = [&] {
    return api->get("listener/" + listener).at("status").string_or("state", "") == "serving";
  };
  FakeNode node("n1");
  const auto tells_all = [&] {
    for (std::uint16_t slot = 0; slot < kTargets; ++slot) {
      ASSERT_TRUE(node.verdict({backend, tg, Slot(slot)}, snapshot::HealthState::kHealthy));
    }
    node.report(Json::object(
        {{"listeners", Json::array({FakeNode::state_of("id", listener, "serving")})}}));
    EXPECT_TRUE(eventually([&] { return healthy() == kTargets && serving(); }));
  };
  node.follow(server->stream_addresses().front());
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  tells_all();
  stop();
  start();
  EXPECT_EQ(healthy(), 0) << "nothing of it is stored";
  EXPECT_EQ(node.follow(server->stream_addresses().front()), "delta");
  tells_all();
}

TEST_F(Restart, LetsRemoteNodesInByTheNodeKeyOnly) {
  start({"127.0.0.1:0"});
  const std::string address = server->stream_addresses().at(1);
  const std::string key = node_key(folder.path() + "/data").value();
  FakeNode stranger("n2");
  const std::string wrong(64, 'a');
  EXPECT_FALSE(stranger.connect(address, wrong) && stranger.hello() && stranger.next());
  FakeNode node("n1");
  ASSERT_TRUE(node.connect(address, key));
  ASSERT_TRUE(node.hello());
  EXPECT_EQ(node.next()->kind, "welcome");
}

TEST(Secrets, OpenWithTheKeyAndThePlaceTheyWereSealedFor) {
  const std::string key(64, '1');
  const std::string sealed = seal(key, "accesskey/A", "plain").value();
  EXPECT_EQ(unseal(key, "accesskey/A", sealed).value(), "plain");
  EXPECT_NE(sealed, seal(key, "accesskey/A", "plain").value());
  EXPECT_FALSE(unseal(key, "accesskey/B", sealed));
  EXPECT_FALSE(unseal(std::string(64, '2'), "accesskey/A", sealed));
  EXPECT_FALSE(unseal(key, "accesskey/A", "00"));
  EXPECT_FALSE(unseal(key, "accesskey/A", "zz"));
  EXPECT_FALSE(seal("short", "x", "plain"));
}

TEST_F(Restart, SessionsGoOn) {
  start();
  const std::string ann = api->create("user", "ann", Json::object({{"role", "operator"}})).id();
  const Json password = Json::object({{"password", "correct horse battery"}});
  ASSERT_EQ(api->call("PUT", "user/" + ann + "/password", password.dump()).status, 200);
  const Answer login =
      ApiCaller(server->api_endpoint(), "")
          .post("session", Json::object({{"user", "ann"}, {"password", "correct horse battery"}}));
  ASSERT_EQ(login.status, 201) << login.message();
  stop();
  start();
  ApiCaller page(server->api_endpoint(), "");
  const std::string cookie = login.header("Set-Cookie");
  page.set_credentials({{"Cookie", cookie.substr(0, cookie.find(';'))},
                        {"X-Weir-Csrf", login.body.string_or("csrfToken", "")}});
  EXPECT_EQ(page.create("vpc", "net", Json::object()).status, 201);
}

class SealedRestart : public Restart {
 protected:
  void SetUp() override {
    start();
    stop();
  }
  std::string key_path() const { return folder.path() + "/data/control.key"; }
  /// What is said instead of starting; empty when it starts.
  std::string refusal() {
    ControlOptions options;
    options.data_dir = folder.path() + "/data";
    options.api.listen = "127.0.0.1:0";
    const auto started = ControlServer::start(std::move(options), metrics, clock);
    return started ? "" : started.error().message;
  }
};

TEST_F(SealedRestart, AMissingKeyIsNotReplacedWhileSecretsNeedIt) {
  const std::string key = read_file(key_path()).value();
  std::filesystem::remove(key_path());
  const std::string said = refusal();
  EXPECT_NE(said.find("control.key is missing, and the store has 1 access keys"), std::string::npos)
      << said;
  EXPECT_FALSE(std::filesystem::exists(key_path()));
  ASSERT_TRUE(write_private_file(key_path(), key));
  EXPECT_EQ(refusal(), "");
}

TEST_F(SealedRestart, AnotherKeyOpensNoSecretAndTokensGoOn) {
  const std::string key = read_file(key_path()).value().substr(0, 64);
  const std::string sealed = seal(key, access_key_place("AK"), "secret").value();
  EXPECT_EQ(unseal(key, access_key_place("AK"), sealed).value(), "secret");
  EXPECT_FALSE(unseal(std::string(64, 'a'), access_key_place("AK"), sealed));
  EXPECT_FALSE(unseal(key, access_key_place("OTHER"), sealed)) << "it is bound to its place";
  ASSERT_TRUE(write_private_file(key_path(), std::string(64, 'a') + "\n"));
  start();
  EXPECT_EQ(api->get("vpc").status, 200);
}

TEST_F(SealedRestart, AKeyThatEverybodyCanReadIsNotUsed) {
  std::filesystem::permissions(key_path(), std::filesystem::perms(0644));
  EXPECT_NE(refusal().find("everybody can read this key"), std::string::npos);
  std::filesystem::permissions(key_path(), std::filesystem::perms(0600));
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace weir::api
