#include "agent/control_link.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <thread>

#include "agent/protocol.h"
#include "base/log.h"
#include "net/event_loop.h"
#include "testing/temporary_folder.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

Instant patience() { return SystemClock().now() + kPatience; }

Version version(std::uint64_t epoch, std::uint64_t revision) {
  return {Epoch(epoch), Revision(revision)};
}

model::Frame object(std::string_view id, Version at, std::string_view kind = "backend") {
  model::Frame frame = signal_frame(kind, id, at);
  frame.body = "{}";
  return frame;
}

/// Control as a test plays it, one connection at a time.
class FakeControl {
 public:
  explicit FakeControl(const std::string& path) : address_{"unix:" + path, ""} { open(); }

  void open() {
    auto opened = net::ChannelListener::open(address_);
    ASSERT_TRUE(opened.ok());
    listener_ = *std::move(opened);
  }
  /// The next connection of the node; answers its hello.
  model::Frame accept() {
    auto accepted = listener_->accept(patience());
    EXPECT_TRUE(accepted.ok());
    channel_ = *std::move(accepted);
    decoder_ = model::FrameDecoder();
    return read();
  }
  model::Frame read() {
    std::array<char, 4096> bytes;
    while (true) {
      auto frame = decoder_.next();
      EXPECT_TRUE(frame.ok());
      if (frame->has_value()) return **frame;
      const auto count = channel_->read(bytes, patience());
      if (!count || *count == 0) return signal_frame("closed");
      decoder_.feed({bytes.data(), *count});
    }
  }
  void send(const model::Frame& frame) {
    ASSERT_TRUE(channel_->write(model::encode(frame), patience()).ok());
  }
  void welcome(std::string_view mode, Version at, bool keeps_lists = false) {
    const Json body = Json::object({{"mode", mode}, {"keepsLists", keeps_lists}});
    send(message_frame(message::kWelcome, "n1", body, at));
  }
  void commit(Version at) { send(signal_frame(message::kCommit, {}, at)); }
  void hang_up() { channel_.reset(); }
  void die() {
    channel_.reset();
    listener_.reset();
  }

 private:
  const net::ChannelAddress address_;
  std::unique_ptr<net::ChannelListener> listener_;
  std::unique_ptr<net::Channel> channel_;
  model::FrameDecoder decoder_;
};

class ControlLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::configure({.level = log::Level::kError});
    auto opened = net::EventLoop::open(clock_);
    ASSERT_TRUE(opened.ok());
    loop_ = *std::move(opened);
  }

  void start(Version have = {}) {
    ControlLinkEvents events{
        .connected = [this](bool) { ++connected_; },
        .disconnected = [this] { ++disconnected_; },
        .batch = [this](Batch batch) { batches_.push_back(std::move(batch)); },
        .ping = [this] { ++pings_; },
        .question = [this](const model::Frame& frame) { questions_.push_back(frame); },
    };
    ControlLinkOptions options{
        {"unix:" + path_, ""}, "n1", [] { return Json::object({{"build", "test"}}); }};
    link_ = std::make_unique<ControlLink>(*loop_, metrics_, std::move(options), std::move(events),
                                          have);
    link_->start();
  }
  template <class Condition>
  void turn_until(const Condition& condition) {
    const Instant deadline = patience();
    while (!condition() && clock_.now() < deadline) loop_->turn(10ms);
    ASSERT_TRUE(condition());
  }

  testing::TemporaryFolder folder_;
  const std::string path_ = folder_.file("stream.sock");
  const SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<net::EventLoop> loop_;
  std::vector<Batch> batches_;
  int connected_ = 0;
  int disconnected_ = 0;
  int pings_ = 0;
  std::vector<model::Frame> questions_;
  std::unique_ptr<ControlLink> link_;
};

TEST_F(ControlLinkTest, SaysWhatItHasAndHandsOverAFullBatchAsOne) {
  FakeControl control(path_);
  start(version(1, 5));
  const model::Frame hello = control.accept();
  EXPECT_EQ(hello.kind, message::kHello);
  EXPECT_EQ(hello.id, "n1");
  const Json body = *parse_json(hello.body);
  EXPECT_EQ(body.find("have")->integer_or("revision", 0), 5);
  EXPECT_EQ(body.string_or("build", ""), "test");
  control.welcome("full", version(1, 9));
  control.send(object("a", version(1, 3)));
  control.send(object("b", version(1, 9), "a-kind-of-the-future"));
  control.commit(version(1, 9));
  turn_until([this] { return !batches_.empty(); });
  EXPECT_TRUE(batches_[0].is_full);
  EXPECT_EQ(batches_[0].version, version(1, 9));
  ASSERT_EQ(batches_[0].frames.size(), 2U);
  EXPECT_EQ(batches_[0].frames[1].kind, "a-kind-of-the-future");
  EXPECT_EQ(connected_, 1);
}

TEST_F(ControlLinkTest, FollowsChangesAfterTheFirstBatch) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 1));
  control.commit(version(1, 1));
  turn_until([this] { return batches_.size() == 1; });
  control.send(object("a", version(1, 2)));
  control.commit(version(1, 2));
  turn_until([this] { return batches_.size() == 2; });
  EXPECT_FALSE(batches_[1].is_full);
  EXPECT_EQ(batches_[1].version, version(1, 2));
}

TEST_F(ControlLinkTest, MergesWhatCameWhileTheLoopWasHeldUp) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 1));
  control.commit(version(1, 1));
  for (std::uint64_t i = 2; i <= 500; ++i) {
    control.send(object("a", version(1, i)));
    control.commit(version(1, i));
  }
  const MetricValue& seen = metrics_.value(Metric::kNodeRevision, {"seen"});
  const Instant deadline = patience();
  while (seen.get() < 500 && clock_.now() < deadline) std::this_thread::yield();
  turn_until([this] { return !batches_.empty(); });
  ASSERT_EQ(batches_.size(), 1U) << "one step, not one per change";
  EXPECT_TRUE(batches_[0].is_full);
  EXPECT_EQ(batches_.back().version, version(1, 500));
}

TEST_F(ControlLinkTest, PassesOnThatControlWantsAReport) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 1));
  control.send(signal_frame(message::kPing));
  turn_until([this] { return pings_ == 1; });
}

TEST_F(ControlLinkTest, PassesOnAQuestionAndCarriesEveryAnswerUp) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 1));
  control.send(message_frame(message::kExplainQuestion, "7", Json::object({{"listenerId", "l1"}})));
  control.send(message_frame(message::kExplainQuestion, "8", Json::object()));
  turn_until([this] { return questions_.size() == 2; });
  EXPECT_EQ(questions_[0].id, "7");
  EXPECT_EQ(parse_json(questions_[0].body)->string_or("listenerId", ""), "l1");
  EXPECT_TRUE(batches_.empty()) << "a question is no object";
  for (const std::string id : {"7", "8"}) {
    link_->send(message_frame(message::kExplain, id, Json::object(), version(1, 1)));
  }
  EXPECT_EQ(control.read().id, "7");
  EXPECT_EQ(control.read().id, "8");
}

TEST_F(ControlLinkTest, RefusesAControlThatIsBehindAndAsksAgain) {
  FakeControl control(path_);
  start(version(2, 50));
  control.accept();
  control.welcome("full", version(2, 40));
  EXPECT_EQ(control.read().kind, "closed");
  control.accept();
  control.welcome("full", version(1, 90));
  EXPECT_EQ(control.read().kind, "closed");
  EXPECT_TRUE(batches_.empty());
  control.accept();
  control.welcome("full", version(3, 1));
  control.commit(version(3, 1));
  turn_until([this] { return !batches_.empty(); });
  EXPECT_EQ(batches_[0].version, version(3, 1));
}

TEST_F(ControlLinkTest, RefusesACommitThatGoesBack) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 5));
  control.commit(version(1, 5));
  control.commit(version(1, 4));
  EXPECT_EQ(control.read().kind, "closed");
}

TEST_F(ControlLinkTest, RefusesADeltaOfAnotherEpoch) {
  FakeControl control(path_);
  start(version(1, 5));
  control.accept();
  control.welcome("delta", version(2, 6));
  EXPECT_EQ(control.read().kind, "closed");
}

TEST_F(ControlLinkTest, DropsABatchThatWasCutAndSaysTheSameHaveAgain) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 5));
  control.send(object("a", version(1, 5)));
  turn_until([this] { return connected_ == 1; });
  control.hang_up();
  const Json body = *parse_json(control.accept().body);
  EXPECT_EQ(body.find("have")->integer_or("revision", 9), 0);
  turn_until([this] { return disconnected_ == 1; });
  EXPECT_TRUE(batches_.empty());
}

TEST_F(ControlLinkTest, ComesBackWhateverControlDoes) {
  start();  // Before there is any control.
  for (int life = 1; life <= 3; ++life) {
    FakeControl control(path_);
    control.accept();
    control.welcome("full", version(1, 1));
    control.commit(version(1, 1));
    turn_until([&] { return connected_ == life; });
    control.die();
    turn_until([&] { return disconnected_ == life; });
  }
}

TEST_F(ControlLinkTest, SendsReportsAndVerdictsOnlyOnceItIsWelcome) {
  FakeControl control(path_);
  start();
  control.accept();
  link_->send(signal_frame(message::kReport, "too early"));
  control.welcome("full", version(1, 1));
  turn_until([this] { return connected_ == 1; });
  link_->send(signal_frame(message::kReport, "n1"));
  EXPECT_EQ(control.read().id, "n1");
}

Json report_of(std::uint64_t applied, std::string_view listener, std::string_view address) {
  return Json::object({{"applied", Json(applied)},
                       {"listeners", Json::array({Json(listener)})},
                       {"addresses", Json::array({Json(address)})}});
}

TEST_F(ControlLinkTest, NamesTheListsThatItsStreamHasBeenToldInPlaceOfSendingThemAgain) {
  FakeControl control(path_);
  start();
  const auto welcomed = [&](bool keeps_lists) {
    const int before = connected_;
    control.accept();
    control.welcome("full", version(1, 1), keeps_lists);
    turn_until([&] { return connected_ > before; });
  };
  const auto told = [&](const Json& report) {
    link_->send_report(report);
    return control.read().body;
  };
  welcomed(true);
  const Json first = report_of(1, "l1", "a1");
  EXPECT_EQ(told(first), first.dump()) << "nothing has been told";
  EXPECT_EQ(told(report_of(2, "l2", "a1")),
            R"({"applied":2,"listeners":["l2"],"same":["addresses"]})");
  control.hang_up();
  welcomed(true);
  const Json again = report_of(2, "l2", "a1");
  EXPECT_EQ(told(again), again.dump()) << "another stream";
  control.hang_up();
  welcomed(false);
  EXPECT_EQ(told(again), again.dump());
  EXPECT_EQ(told(again), again.dump()) << "control is of an earlier build";
}

TEST_F(ControlLinkTest, NamesNoListOfAReportThatANewerOneReplacedWhileItWaited) {
  FakeControl control(path_);
  start();
  control.accept();
  control.welcome("full", version(1, 1), true);
  turn_until([this] { return connected_ == 1; });
  link_->send_report(report_of(1, "l1", "a1"));
  EXPECT_EQ(control.read().kind, message::kReport);
  // More than a socket takes: the writer waits until control reads.
  const MetricValue& sent = metrics_.value(Metric::kStreamFrames, {"sent"});
  const double before = sent.get();
  model::Frame large = signal_frame(message::kExplain, "large");
  large.body.assign(std::size_t{1} << 20, 'x');
  link_->send(large);
  turn_until([&] { return sent.get() > before; });
  link_->send_report(report_of(2, "l2", "a1"));
  link_->send_report(report_of(3, "l2", "a1"));
  EXPECT_EQ(control.read().id, "large");
  EXPECT_EQ(control.read().body, R"({"applied":3,"listeners":["l2"],"same":["addresses"]})");
}

TEST_F(ControlLinkTest, TellsAControlThatStartsAnewAllVerdictsAndTheWholeReport) {
  constexpr int kVerdicts = 5000;
  start();
  const Json report = report_of(1, "l1", "a1");
  const auto tell_all = [&] {
    for (int i = 0; i < kVerdicts; ++i) {
      link_->send(message_frame(message::kVerdict, std::to_string(i), Json::object()));
    }
    link_->send_report(report);
  };
  for (int life = 1; life <= 3; ++life) {
    FakeControl control(path_);
    control.accept();
    control.welcome("full", version(1, 1), true);
    turn_until([&] { return connected_ == life; });
    tell_all();
    if (life < 3) {  // In the middle of it.
      for (int i = 0; i < life * 100; ++i) control.read();
    } else {
      std::set<std::string> verdicts;
      std::string told;
      while (verdicts.size() < kVerdicts || told.empty()) {
        const model::Frame frame = control.read();
        ASSERT_NE(frame.kind, "closed");
        if (frame.kind == message::kVerdict) verdicts.insert(frame.id);
        if (frame.kind == message::kReport) told = frame.body;
      }
      EXPECT_EQ(told, report.dump());
    }
    control.die();
    turn_until([&] { return disconnected_ == life; });
  }
}

TEST_F(ControlLinkTest, LogsARefusalAndGoesOnAsking) {
  FakeControl control(path_);
  start();
  for (int i = 0; i < 2; ++i) {
    control.accept();
    control.send(message_frame(message::kRefused, {}, Json::object({{"reason", "no"}})));
    EXPECT_EQ(control.read().kind, "closed");
  }
  EXPECT_EQ(connected_, 0);
}

TEST_F(ControlLinkTest, EndsWithoutWaitingForControl) {
  FakeControl control(path_);
  start();
  control.accept();
  const Instant before = clock_.now();
  link_->stop();
  EXPECT_LT(clock_.now() - before, 2s);
}

}  // namespace
}  // namespace weir::agent
