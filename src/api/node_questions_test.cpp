#include "api/node_questions.h"

#include <gtest/gtest.h>

#include <atomic>

#include "api/api_fixture.h"

namespace weir::api {
namespace {

using namespace std::chrono_literals;

/// What came of the questions of a test, whatever thread says so.
class Outcomes {
 public:
  NodeQuestions::Done note() {
    return [this](const Result<model::Frame>& outcome) {
      const MutexLock lock(mutex_);
      all_.push_back(outcome ? outcome->body : error_text(outcome.error()));
      changed_.notify_all();
    };
  }
  /// The first `count` of them, once there are so many.
  std::vector<std::string> wait(std::size_t count) {
    const Instant limit = soon();
    const MutexLock lock(mutex_);
    while (all_.size() < count && changed_.wait_until(mutex_, limit)) {
    }
    return all_;
  }

 private:
  static std::string error_text(const Error& error) {
    return std::string(error_code_name(error.code)) + ": " + error.message;
  }
  Mutex mutex_;
  Condition changed_;
  std::vector<std::string> all_ WEIR_GUARDED_BY(mutex_);
};

class NodeQuestionsTest : public ::testing::Test {
 protected:
  void start(NodeQuestions::Limits limits) {
    questions = std::make_unique<NodeQuestions>(metrics, [this] { ++wakes; }, limits);
  }
  void SetUp() override { start({.open_max = kQuestionsOpenMax, .patience = kPatience}); }
  void TearDown() override { questions.reset(); }

  void ask(const std::string& node = "n1") {
    questions->ask(node, "explain?", Json::object({{"a", 1}}), outcomes.note());
  }
  double counted(const std::string& result) {
    return metrics.value(Metric::kStreamQuestions, {result}).get();
  }
  static model::Frame answer_to(const model::Frame& question, const std::string& body) {
    model::Frame frame;
    frame.kind = "explain";
    frame.id = question.id;
    frame.body = body;
    return frame;
  }

  Metrics metrics;
  std::atomic<int> wakes = 0;
  std::atomic<bool> has_waiting = false;
  Outcomes outcomes;
  std::unique_ptr<NodeQuestions> questions;
};

TEST_F(NodeQuestionsTest, BringEachAnswerToWhoAskedForIt) {
  const auto stream = questions->open("n1", has_waiting);
  ask();
  ask();
  EXPECT_TRUE(has_waiting);
  EXPECT_EQ(wakes, 2);
  const auto frames = questions->take(stream);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, "explain?");
  EXPECT_EQ(frames[0].body, R"({"a":1})");
  EXPECT_NE(frames[0].id, frames[1].id);
  EXPECT_TRUE(questions->take(stream).empty());
  questions->answered(stream, answer_to(frames[1], "second"));
  questions->answered(stream, answer_to(frames[0], "first"));
  EXPECT_EQ(outcomes.wait(2), (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(counted("answered"), 2);
}

TEST_F(NodeQuestionsTest, AnswerAtOnceWhenTheNodeIsNotConnected) {
  ask();
  EXPECT_EQ(outcomes.wait(1).front(), "unavailable: node n1 is not connected");
  EXPECT_EQ(counted("not_connected"), 1);
}

TEST_F(NodeQuestionsTest, AnswerAtOnceWhenTheStreamEnds) {
  const auto stream = questions->open("n1", has_waiting);
  const auto other = questions->open("n2", has_waiting);
  ask();
  ask("n2");
  questions->close(stream);
  EXPECT_EQ(outcomes.wait(1).front(), "unavailable: node n1 went away before it answered");
  EXPECT_EQ(counted("node_gone"), 1);
  EXPECT_EQ(questions->take(other).size(), 1u) << "that of the other node stays";
}

TEST_F(NodeQuestionsTest, GiveUpANodeThatDoesNotAnswerInTime) {
  start({.open_max = 32, .patience = 20ms});
  const auto stream = questions->open("n1", has_waiting);
  ask();
  const auto frames = questions->take(stream);
  EXPECT_EQ(outcomes.wait(1).front(), "deadline_exceeded: node n1 did not answer within 20 ms");
  EXPECT_EQ(counted("timeout"), 1);
  for (const auto& frame : frames) questions->answered(stream, answer_to(frame, "late"));
  EXPECT_EQ(outcomes.wait(1).size(), 1u) << "a late answer is nobody's";
}

TEST_F(NodeQuestionsTest, DoNotSendWhatWasGivenUpMeanwhile) {
  start({.open_max = 32, .patience = 1ms});
  const auto stream = questions->open("n1", has_waiting);
  ask();
  outcomes.wait(1);
  EXPECT_TRUE(questions->take(stream).empty());
}

TEST_F(NodeQuestionsTest, RefuseMoreThanANodeMayHaveOpen) {
  const auto stream = questions->open("n1", has_waiting);
  const auto other = questions->open("n2", has_waiting);
  for (std::size_t i = 0; i < kQuestionsOpenMax; ++i) ask();
  ask();
  EXPECT_EQ(outcomes.wait(1).front(),
            "rate_limited: node n1 has 32 questions to answer, at most 32 at once: ask again");
  EXPECT_EQ(counted("too_many"), 1);
  ask("n2");
  EXPECT_EQ(questions->take(other).size(), 1u) << "other nodes are asked";
  questions->answered(stream, answer_to(questions->take(stream).front(), "ok"));
  ask();
  EXPECT_EQ(questions->take(stream).size(), 1u);
}

TEST_F(NodeQuestionsTest, TakeAnswersOnlyFromTheStreamThatWasAsked) {
  const auto stream = questions->open("n1", has_waiting);
  ask();
  const auto frames = questions->take(stream);
  const auto stranger = questions->open("n2", has_waiting);
  questions->answered(stranger, answer_to(frames[0], "forged"));
  model::Frame nonsense = answer_to(frames[0], "nonsense");
  for (const std::string id : {"", "x", "-1", "99999999999999999999999999"}) {
    nonsense.id = id;
    questions->answered(stream, nonsense);
  }
  questions->answered(stream, answer_to(frames[0], "true"));
  EXPECT_EQ(outcomes.wait(1), std::vector<std::string>{"true"});
}

TEST_F(NodeQuestionsTest, GoToTheNewestStreamOfANode) {
  const auto old = questions->open("n1", has_waiting);
  const auto newer = questions->open("n1", has_waiting);
  ask();
  EXPECT_TRUE(questions->take(old).empty());
  questions->close(old);
  EXPECT_EQ(questions->take(newer).size(), 1u);
}

TEST_F(NodeQuestionsTest, GiveUpWhatIsOpenWhenTheyStop) {
  questions->open("n1", has_waiting);
  ask();
  questions->stop();
  EXPECT_EQ(outcomes.wait(1).front(), "unavailable: control stops");
  ask();
  EXPECT_EQ(outcomes.wait(2).back(), "unavailable: control stops");
}

TEST_F(NodeQuestionsTest, TellNobodyAnyMoreOnceTheyHaveStopped) {
  start({.open_max = 32, .patience = 1ms});
  questions->open("n1", has_waiting);
  std::atomic<bool> is_told = false;
  std::atomic<bool> is_refused = false;
  bool is_done = false;
  questions->ask("n1", "explain?", Json::object(), [&](const Result<model::Frame>&) {
    is_told = true;
    // Until others are refused: the question expires while they stop.
    const auto note = [&](const Result<model::Frame>& outcome) {
      if (outcome.error().message == "control stops") is_refused = true;
    };
    const Instant limit = soon();
    while (!is_refused && std::chrono::steady_clock::now() < limit) {
      questions->ask("n1", "explain?", Json::object(), note);
      std::this_thread::yield();
    }
    is_done = true;
  });
  ASSERT_TRUE(eventually([&] { return is_told.load(); }));
  questions->stop();
  EXPECT_TRUE(is_done);
  EXPECT_TRUE(is_refused);
}

}  // namespace
}  // namespace weir::api
