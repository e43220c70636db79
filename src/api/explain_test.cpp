// The explain call, with nodes that answer what a test tells them to.
#include "api/explain.h"

#include <future>

#include "api/api_fixture.h"
#include "api/fake_node.h"

namespace weir::api {
namespace {

class Explain : public ApiTest {
 protected:
  void SetUp() override {
    options.questions.patience = kPatience;
    ApiTest::SetUp();
    lb = make_lb().id();
    tg = make_tg(lb).id();
    make_target(tg, 8080);
    backend = make_backend(lb, tg).id();
    listener = make_listener(lb, backend).id();
  }
  /// The node follows and has the listener.
  void follow(FakeNode& node) {
    ASSERT_NE(node.follow(server->stream_addresses().front()), "");
    ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
    ASSERT_TRUE(node.report());
  }
  std::string path(const std::string& rest) const {
    return "explain?listener=" + listener + "&" + rest;
  }
  /// The call runs while the test plays the nodes.
  std::future<Answer> asked(const std::string& what) {
    return std::async(std::launch::async, [this, what] { return caller().get(what); });
  }
  static Json answer_body(const std::string& kind) {
    const Json target = Json::object({{"targetId", "t1"},
                                      {"slot", 1},
                                      {"address", "127.0.0.1"},
                                      {"port", 8080},
                                      {"share", 1.0},
                                      {"picked", kind == "certain"},
                                      {"excluded", ""}});
    return Json::object({{"backendId", "b"},
                         {"targetGroupId", "g"},
                         {"algorithm", "IpHash"},
                         {"kind", kind},
                         {"reason", "because"},
                         {"targets", Json::array({target})}});
  }
  static const Json& node_at(const Answer& answer, std::size_t number) {
    return answer.at("nodes").as_array().at(number);
  }
  void expect_problem(const std::string& what, const std::string& problem,
                      const std::vector<std::string>& fields) {
    const Answer answer = api->get(what);
    EXPECT_EQ(answer.problem(), problem) << what << ": " << answer.message();
    EXPECT_EQ(answer.fields(), fields) << what << ": " << answer.message();
  }

  std::string lb, tg, backend, listener;
};

TEST_F(Explain, AsksTheNodeAndShowsItsAnswerWithTheVersionThatDecides) {
  FakeNode node("n1");
  follow(node);
  auto call = asked(path("client=10.1.2.3:4000"));
  const auto question = node.next_question();
  ASSERT_TRUE(question);
  EXPECT_EQ(parse_json(question->body)->dump(),
            R"({"listenerId":")" + listener + R"(","clients":["10.1.2.3:4000"]})");
  ASSERT_TRUE(node.answer(*question, answer_body("certain")));
  const Answer answer = call.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.string_or("listenerId", ""), listener);
  EXPECT_EQ(answer.body.string_or("client", ""), "10.1.2.3:4000");
  ASSERT_EQ(answer.at("nodes").as_array().size(), 1u);
  EXPECT_EQ(node_at(answer, 0).dump(),
            R"({"nodeId":"n1","version":{"epoch":)" + std::to_string(node.have.epoch.value) +
                R"(,"revision":)" + std::to_string(node.have.revision.value) +
                R"(},"backendId":"b","targetGroupId":"g","algorithm":"IpHash","kind":"certain",)" +
                R"("reason":"because","targets":[{"targetId":"t1","slot":1,"address":)" +
                R"("127.0.0.1","port":8080,"share":1.0,"picked":true,"excluded":""}]})");
  EXPECT_EQ(metrics.value(Metric::kApiRequests, {"explain", "200"}).get(), 1);
}

TEST_F(Explain, SeveralClientsGoInOneQuestion) {
  FakeNode node("n1");
  follow(node);
  auto call = asked(path("client=10.1.2.3&client=10.1.2.4:7"));
  const auto question = node.next_question();
  ASSERT_TRUE(question);
  EXPECT_EQ(parse_json(question->body)->find("clients")->dump(), R"(["10.1.2.3","10.1.2.4:7"])");
  ASSERT_TRUE(node.answer(*question, Json::object({{"clients", Json::array()}})));
  const Answer answer = call.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.at("client").is_null());
  EXPECT_TRUE(node_at(answer, 0).find("clients")->is_array());
}

TEST_F(Explain, AsksEveryNodeThatServesOrTheOneThatIsNamed) {
  FakeNode first("n1", "external");
  FakeNode second("n2", "external");
  follow(first);
  follow(second);
  auto call = asked(path("client=10.1.2.3"));
  for (FakeNode* node : {&second, &first}) {
    const auto question = node->next_question();
    ASSERT_TRUE(question);
    ASSERT_TRUE(node->answer(*question, answer_body("share")));
  }
  const Answer both = call.get();
  ASSERT_EQ(both.at("nodes").as_array().size(), 2u);
  EXPECT_EQ(node_at(both, 0).string_or("nodeId", ""), "n1");
  EXPECT_EQ(node_at(both, 1).string_or("nodeId", ""), "n2");
  auto one = asked(path("client=10.1.2.3&node=n2"));
  const auto question = second.next_question();
  ASSERT_TRUE(question);
  ASSERT_TRUE(second.answer(*question, answer_body("share")));
  const Answer named = one.get();
  ASSERT_EQ(named.at("nodes").as_array().size(), 1u);
  EXPECT_EQ(node_at(named, 0).string_or("nodeId", ""), "n2");
}

TEST_F(Explain, ANodeThatCannotAnswerIsNamedBesideThoseThatCan) {
  FakeNode first("n1", "external");
  FakeNode second("n2", "external");
  follow(first);
  follow(second);
  auto call = asked(path("client=10.1.2.3"));
  const auto question = first.next_question();
  ASSERT_TRUE(question);
  ASSERT_TRUE(first.answer(*question, answer_body("share")));
  ASSERT_TRUE(second.next_question());
  second.leave();
  const Answer answer = call.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(node_at(answer, 0).string_or("kind", ""), "share");
  const Json* error = node_at(answer, 1).find("error");
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->integer_or("code", 0), 503);
  EXPECT_EQ(error->string_or("status", ""), "UNAVAILABLE");
  EXPECT_EQ(error->string_or("message", ""), "node n2 went away before it answered");
}

TEST_F(Explain, AnswersAtOnceWhenTheNodeIsAwayOrGoesAway) {
  FakeNode node("n1");
  follow(node);
  auto call = asked(path("client=10.1.2.3"));
  ASSERT_TRUE(node.next_question());
  node.leave();
  const Answer gone = call.get();
  EXPECT_EQ(gone.problem(), "503 UNAVAILABLE");
  EXPECT_EQ(gone.message(), "node: node n1 went away before it answered");
  const Answer away = api->get(path("client=10.1.2.3"));
  EXPECT_EQ(away.problem(), "503 UNAVAILABLE");
  EXPECT_EQ(away.message(), "node: node n1 is not connected");
  EXPECT_EQ(metrics.value(Metric::kApiRequests, {"explain", "503"}).get(), 2);
}

TEST_F(Explain, DoesNotHoldUpAControlThatStops) {
  FakeNode node("n1");
  follow(node);
  auto call = asked(path("client=10.1.2.3"));
  ASSERT_TRUE(node.next_question());
  server->stop(soon());
  const Answer answer = call.get();
  EXPECT_EQ(answer.problem(), "503 UNAVAILABLE");
  EXPECT_EQ(answer.message(), "control stops");
}

TEST_F(Explain, SaysWhatTheNodeSaysWhenItHasNoAnswer) {
  FakeNode node("n1");
  follow(node);
  auto call = asked(path("client=10.1.2.3"));
  const auto question = node.next_question();
  ASSERT_TRUE(question);
  const Json error = Json::object({{"code", "not_found"}, {"message", "no listener here"}});
  ASSERT_TRUE(node.answer(*question, Json::object({{"error", error}})));
  const Answer answer = call.get();
  EXPECT_EQ(answer.problem(), "503 UNAVAILABLE");
  EXPECT_EQ(answer.message(), "node: node n1: no listener here");
}

TEST_F(Explain, CallsThatWaitForANodeHoldUpNobodyElse) {
  FakeNode node("n1");
  follow(node);
  std::vector<std::future<Answer>> calls;
  for (int i = 0; i < 12; ++i) calls.push_back(asked(path("client=10.1.2.3")));
  std::vector<model::Frame> questions;
  for (int i = 0; i < 12; ++i) {
    const auto question = node.next_question();
    ASSERT_TRUE(question);
    questions.push_back(*question);
  }
  EXPECT_EQ(api->get("lb/" + lb).status, 200);
  for (const auto& question : questions) ASSERT_TRUE(node.answer(question, answer_body("share")));
  for (auto& call : calls) EXPECT_EQ(call.get().status, 200);
}

TEST_F(Explain, RefusesWhatItCannotAskAndNamesAllOfIt) {
  FakeNode node("n1");
  follow(node);
  const std::string bad = "400 INVALID_ARGUMENT";
  expect_problem("explain", bad, {"listener", "client"});
  expect_problem(path("client=10.0.0.256"), bad, {"client"});
  expect_problem(path("client=10.0.0.1:0"), bad, {"client"});
  expect_problem(path("client=10.0.0.1:65536"), bad, {"client"});
  expect_problem(path("client=0.0.0.0"), bad, {"client"});
  expect_problem(path("client=::1"), bad, {"client"});
  expect_problem(path("client=shop.example&client=10.0.0.1&client="), bad,
                 {"client[0]", "client[2]"});
  expect_problem(path("client=10.0.0.1&host=shop"), bad, {"host"});
  expect_problem(path("client=10.0.0.1&listener=x&node=n1&node=n2"), bad, {"listener", "node"});
  expect_problem("explain?listener=nobody&client=x&node=ghost", bad, {"client", "listener"});
  expect_problem(path("client=%ff%01&%fe=1"), bad, {"?", "client"});
  const Answer named = api->get(path("client=10.0.0.256"));
  EXPECT_EQ(named.message(),
            "client: wanted an IPv4 address, with a port from 1 to 65535 or without, found "
            "'10.0.0.256'");
  std::string many = "client=10.0.0.1";
  for (std::size_t i = 0; i < kExplainClientsMax; ++i) many += "&client=10.0.0.1";
  expect_problem(path(many), bad, {"client"});
}

TEST_F(Explain, KnowsWhichListenersAndNodesThereAre) {
  expect_problem("explain?listener=listener-0123456789&client=10.0.0.1", "404 NOT_FOUND",
                 {"listener"});
  expect_problem(path("client=10.0.0.1"), "503 UNAVAILABLE", {"listener"});
  expect_problem(path("client=10.0.0.1&node=n1"), "404 NOT_FOUND", {"node"});
  FakeNode node("n1");
  follow(node);
  FakeNode idle("n2", "loopback", "subnet-elsewhere");
  idle.follow(server->stream_addresses().front());
  expect_problem(path("client=10.0.0.1&node=n2"), "400 FAILED_PRECONDITION", {"node"});
}

TEST_F(Explain, SaysThatNothingIsAcceptedWhenListenerOrLoadBalancerIsOff) {
  FakeNode node("n1");
  follow(node);
  const auto change_admin = [&](const std::string& what, const char* field, const char* value) {
    EXPECT_EQ(api->patch(what, Json::object({{"admin", Json::object({{field, value}})}})).status,
              200);
  };
  change_admin("listener/" + listener, "status", "Off");
  expect_problem(path("client=10.0.0.1"), "400 FAILED_PRECONDITION", {"listener"});
  change_admin("lb/" + lb, "state", "stopped");
  expect_problem(path("client=10.0.0.1"), "400 FAILED_PRECONDITION", {"listener", "listener"});
}

TEST_F(Explain, IsReadLikeEverythingElse) {
  EXPECT_EQ(api->call("POST", path("client=10.0.0.1"), "{}").status, 405);
  ApiCaller stranger(server->api_endpoint(), "nonsense");
  EXPECT_EQ(stranger.get(path("client=10.0.0.1")).status, 401);
}

}  // namespace
}  // namespace weir::api
