// What control asks of a node, and what the node says: a whole node on virtual time, its proxies in
// this process.
#include "agent/proxy_questions.h"

#include <gtest/gtest.h>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

class ProxyQuestionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    weir::log::configure({.level = weir::log::Level::kError});
    node_ = std::make_unique<FakeNode>(ground_);
    node_->start();
  }

  /// The node serves, and its engine answers for client 127.0.0.1 with target t1.
  void serve() {
    node_->take(objects_.full());
    node_->agent->control_connected();
    engine().explained = {.is_certain = true,
                          .service_id = "b1",
                          .group_id = "tg-1",
                          .algorithm = snapshot::Algorithm::kSourceHash,
                          .targets = {{"t1", Slot(1), objects_.target_endpoint(1), 1, ""},
                                      {"t2", Slot(2), objects_.target_endpoint(2), 0, "weight 0"}}};
  }
  FakeEngine& engine() { return node_->engine(); }

  void ask(const std::string& number, const std::vector<std::string>& clients,
           const std::string& listener = "l1") {
    Json list = Json::array();
    for (const std::string& client : clients) list.push_back(Json(client));
    node_->agent->take_question(
        message_frame(message::kExplainQuestion, number,
                      Json::object({{"listenerId", listener}, {"clients", std::move(list)}})));
  }
  /// The answers that went up since the start.
  std::vector<model::Frame> answers() {
    ground_.run_for(50ms);
    std::vector<model::Frame> found;
    for (const model::Frame& frame : node_->sent) {
      if (frame.kind == message::kExplain) found.push_back(frame);
    }
    return found;
  }
  static std::string error_of(const model::Frame& frame) {
    const Json body = *parse_json(frame.body);
    const Json* error = body.find("error");
    return error == nullptr ? "" : error->string_or("message", "");
  }

  NodeGround ground_;
  SampleObjects objects_;
  std::unique_ptr<FakeNode> node_;
};

TEST_F(ProxyQuestionsTest, TheProxyThatServesAnswersAndItsAnswerGoesUpWithTheNumber) {
  serve();
  ask("4711", {"127.0.0.1:4000"});
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, "4711");
  EXPECT_EQ(all[0].version, engine().newest().version);
  EXPECT_EQ(parse_json(all[0].body)->dump(),
            R"({"backendId":"b1","targetGroupId":"tg-1","algorithm":"IpHash","kind":"certain",)"
            R"("reason":"127.0.0.1:4000","targets":[{"targetId":"t1","slot":1,"address":)"
            R"("127.0.9.1","port":9000,"share":1.0,"picked":true,"excluded":""},{"targetId":)"
            R"("t2","slot":2,"address":"127.0.9.2","port":9000,"share":0.0,"picked":false,)"
            R"("excluded":"weight 0"}]})");
}

TEST_F(ProxyQuestionsTest, SeveralClientsGetTheTargetOfEach) {
  serve();
  ask("1", {"127.0.0.1", "127.0.0.2:5"});
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(parse_json(all[0].body)->dump(),
            R"({"backendId":"b1","targetGroupId":"tg-1","algorithm":"IpHash","clients":[)"
            R"({"client":"127.0.0.1","kind":"certain","picked":"t1","reason":"127.0.0.1:0"},)"
            R"({"client":"127.0.0.2:5","kind":"certain","picked":"t1","reason":"127.0.0.2:5"}]})");
}

TEST_F(ProxyQuestionsTest, SharesPickNobody) {
  serve();
  engine().explained.is_certain = false;
  ask("1", {"127.0.0.1"});
  ask("2", {"127.0.0.1", "127.0.0.2"});
  const auto all = answers();
  ASSERT_EQ(all.size(), 2U);
  const Json one = *parse_json(all[0].body);
  EXPECT_EQ(one.string_or("kind", ""), "share");
  EXPECT_FALSE(one.find("targets")->as_array()[0].bool_or("picked", true));
  const Json two = *parse_json(all[1].body);
  EXPECT_TRUE(two.find("clients")->as_array()[1].find("picked")->is_null());
}

TEST_F(ProxyQuestionsTest, SaysThatItDoesNotServeAListenerYet) {
  serve();
  ask("1", {"127.0.0.1"}, "l2");
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(error_of(all[0]), "no listener l2 on this node");
}

TEST_F(ProxyQuestionsTest, AnswersAtOnceWhileNoProxyServes) {
  serve();
  node_->agent->stop(5s, [] {});  // Its proxy only drains from here on.
  ask("1", {"127.0.0.1"});
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, "1");
  EXPECT_EQ(error_of(all[0]), "no proxy serves");
}

TEST_F(ProxyQuestionsTest, AProxyThatDiesBeforeItAnswersLeavesNobodyWaiting) {
  serve();
  ask("1", {"127.0.0.1"});
  ground_.proxies->crash(0);
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(error_of(all[0]), "its proxy went away before it answered, and no other serves");
}

TEST_F(ProxyQuestionsTest, ManyQuestionsAtOnceGetAnAnswerEach) {
  serve();
  for (int i = 0; i < 100; ++i) ask(std::to_string(i), {"127.0.0.1"});
  const auto all = answers();
  ASSERT_EQ(all.size(), 100U);
  const auto refused = std::ranges::count_if(
      all, [](const model::Frame& frame) { return !error_of(frame).empty(); });
  EXPECT_EQ(refused, 100 - static_cast<std::ptrdiff_t>(kControlQuestionsMax));
}

TEST_F(ProxyQuestionsTest, SaysNothingToAControlThatDidNotAsk) {
  serve();
  ask("1", {"127.0.0.1"});
  node_->agent->control_disconnected();
  EXPECT_TRUE(answers().empty());
}

TEST_F(ProxyQuestionsTest, NamesWhatItCannotRead) {
  serve();
  ask("1", {"127.0.0.1", "nonsense"});
  node_->agent->take_question(message_frame(message::kExplainQuestion, "2", Json::object()));
  const auto all = answers();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(error_of(all[0]).find("nonsense"), std::string::npos) << error_of(all[0]);
  EXPECT_EQ(error_of(all[1]), "clients: wanted a list of clients");
}

}  // namespace
}  // namespace weir::agent
