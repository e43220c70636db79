// What the engine makes of events that reach it together: a gate in its clock holds the worker
// until they all have come.
#include <sys/socket.h>

#include <atomic>

#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

/// Real time; while the gate is closed, who asks for it waits.
class GateClock final : public Clock {
 public:
  Instant now() const override {
    while (is_closed_.load()) {
      is_waiting_.store(true);
      is_closed_.wait(true);
    }
    return clock_.now();
  }
  WallTime wall_now() const override { return clock_.wall_now(); }

  void close() {
    is_waiting_.store(false);
    is_closed_.store(true);
  }
  void open() {
    is_closed_.store(false);
    is_closed_.notify_all();
  }
  bool is_waiting() const { return is_waiting_.load(); }

 private:
  SystemClock clock_;
  std::atomic<bool> is_closed_{false};
  mutable std::atomic<bool> is_waiting_{false};
};

using weir::testing::ok;

class BatchTest : public EngineFixture {
 protected:
  ~BatchTest() override {
    gate_.open();
    engine_.reset();
  }
  /// Wakes until the worker stands at the gate: it may take one wake together with an older one.
  void hold_the_worker() {
    gate_.close();
    EXPECT_TRUE(soon([&] {
      engine().wake();
      return gate_.is_waiting();
    }));
  }
  GateClock gate_;
};

TEST_F(BatchTest, B11SurplusBytesThatComeWithTheNextRequestAreNotItsReply) {
  start({.workers = 1, .clock = &gate_, .limits = {}});
  std::atomic<bool> may_speak = false;
  std::atomic<bool> has_spoken = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    visit.stream.send(ok("good"));
    if (visit.number == 0) {
      may_speak.wait(false);
      visit.stream.send(ok("EVIL"));
      has_spoken = true;
    }
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().body, "good");
  hold_the_worker();
  EXPECT_TRUE(client.send(get()));
  may_speak = true;
  may_speak.notify_all();
  EXPECT_TRUE(soon([&] { return has_spoken.load(); }));
  gate_.open();
  EXPECT_EQ(client.reply().body, "good");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(BatchTest, BytesBehindAnUrgentMarkAreRead) {
  start({.workers = 1, .clock = &gate_, .limits = {}});
  ScriptedServer server([](const Visit& visit) {
    visit.stream.send("+");
    visit.stream.send(visit.stream.read(4));
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  EXPECT_EQ(client.read(1), "+");
  hold_the_worker();
  EXPECT_TRUE(client.send("ab"));
  EXPECT_EQ(::send(client.fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
  EXPECT_TRUE(client.send("cd"));
  gate_.open();
  EXPECT_EQ(client.read(4), "abcd");
}

TEST_F(BatchTest, AVersionThatAWorkerTakesLateIsInForceThen) {
  start({.workers = 1, .clock = &gate_, .limits = {}});
  serve_http({});
  const Version before = engine().applied();
  auto next = std::make_shared<snapshot::Snapshot>();
  next->version = Version{Epoch(1), Revision(100)};
  hold_the_worker();
  EXPECT_EQ(engine().apply(next)->version, before);
  EXPECT_EQ(engine().applied(), before);
  gate_.open();
  EXPECT_TRUE(soon([&] { return engine().applied() == next->version; }));
}

}  // namespace
}  // namespace weir::dataplane::proxy
