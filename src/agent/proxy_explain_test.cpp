// The answer of a proxy whose engine takes another Snapshot while it is asked.
#include "agent/proxy_explain.h"

#include <gtest/gtest.h>

#include "agent/protocol.h"

namespace weir::agent {
namespace {

/// Explains by Snapshots that follow each other: another one comes after each of `changes`
/// explanations.
class ChangingEngine final : public dataplane::Engine {
 public:
  explicit ChangingEngine(std::vector<int> changes) : changes_(std::move(changes)) {}

  Result<dataplane::Applied> apply(std::shared_ptr<const snapshot::Snapshot> /*next*/) override {
    return dataplane::Applied{};
  }
  void mark(std::span<const dataplane::HealthMark> /*marks*/) override {}
  std::vector<dataplane::DrainProgress> progress() const override { return {}; }
  void stats(std::vector<Sample>& /*out*/) const override {}
  Result<dataplane::Explanation> explain(const dataplane::Flow& flow) const override {
    const auto past = std::ranges::count_if(changes_, [&](int at) { return at <= asked_; });
    ++asked_;
    const auto revision = static_cast<std::uint64_t>(past) + 1;
    return dataplane::Explanation{.version = {Epoch(1), Revision(revision)},
                                  .service_id = "b" + std::to_string(revision),
                                  .group_id = "g",
                                  .reason = flow.client.text()};
  }
  dataplane::Capabilities capabilities() const override { return {}; }
  void stop(Instant /*deadline*/) override {}

 private:
  const std::vector<int> changes_;
  mutable int asked_ = 0;
};

model::Frame ask(const ChangingEngine& engine) {
  const Json body = Json::object(
      {{"listenerId", "l1"},
       {"clients", Json::array({Json("10.0.0.1"), Json("10.0.0.2"), Json("10.0.0.3")})}});
  return explain_answer(engine, message_frame(message::kExplainQuestion, "1", body));
}

TEST(ProxyExplain, AnswersForAllClientsByOneSnapshot) {
  const model::Frame answer = ask(ChangingEngine({2}));
  EXPECT_EQ(answer.version.revision, Revision(2));
  const Json body = *parse_json(answer.body);
  EXPECT_EQ(body.string_or("backendId", ""), "b2") << answer.body;
  ASSERT_EQ(body.find("clients")->as_array().size(), 3U);
  EXPECT_EQ(body.find("clients")->as_array()[0].string_or("client", ""), "10.0.0.1");
}

TEST(ProxyExplain, GivesUpWhenSnapshotsComeFasterThanItAsks) {
  std::vector<int> changes;
  for (int i = 1; i < 100; ++i) changes.push_back(i);
  const model::Frame answer = ask(ChangingEngine(changes));
  const Json body = *parse_json(answer.body);
  ASSERT_NE(body.find("error"), nullptr);
  EXPECT_EQ(body.find("error")->string_or("code", ""), "unavailable");
}

}  // namespace
}  // namespace weir::agent
