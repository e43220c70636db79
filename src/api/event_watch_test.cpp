#include "api/event_watch.h"

#include <gtest/gtest.h>

#include "http/event_stream.h"
#include "model/keys.h"
#include "store/memory_store.h"
#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

/// A reader that takes what the test says.
class HeldStream final : public http::ResponseStream {
 public:
  bool write(std::string bytes) override {
    text += bytes;
    held += bytes.size();
    return is_reading;
  }
  bool is_open() const override { return is_reading; }
  std::size_t waiting() const override { return held; }

  std::string text;
  std::size_t held = 0;
  bool is_reading = true;
};

class EventWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log = EventLog::open({.store = store, .clock = clock, .metrics = metrics}).value();
    EventQuery query;
    query.caller.account = "acme";
    watch = event_watch(*log, query, log->newest(), metrics, clock);
    watch.may_follow = [this] { return may_follow; };
  }
  void write(int count = 1) {
    for (int i = 0; i < count; ++i) {
      model::Object object;
      object.id = object.name = "vpc-" + std::to_string(++written);
      object.owner = "acme";
      store::Transaction transaction;
      transaction.writes.push_back(
          {model::object_key(object.kind, object.id), model::stored_text(object)});
      ASSERT_TRUE(store.commit(transaction).ok());
    }
    log->advance();
  }
  bool serve() { return serve_watch(watch, stream, clock.now(), asked); }
  /// The events in everything that was written.
  std::vector<Json> events() {
    http::EventReader reader;
    std::vector<Json> all;
    std::string_view text = stream.text;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (const auto event = reader.take(text.substr(0, end))) {
        all.push_back(parse_json(event->data).value());
      }
      text.remove_prefix(end + 1);
    }
    last_id = reader.last_id();
    return all;
  }

  testing::VirtualClock clock;
  Metrics metrics;
  store::MemoryStore store{clock, metrics};
  std::unique_ptr<EventLog> log;
  Watch watch;
  HeldStream stream;
  Instant asked{};
  bool may_follow = true;
  int written = 0;
  std::string last_id;
};

TEST_F(EventWatchTest, BeginsWithABookmarkAndSendsOneWhileItIsQuiet) {
  EXPECT_TRUE(serve());
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(last_id, position_text(log->newest()));
  const std::size_t begun = stream.text.size();
  clock.advance(kEventHeartbeat - std::chrono::seconds(1));
  EXPECT_TRUE(serve());
  EXPECT_EQ(stream.text.size(), begun);
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(serve());
  EXPECT_GT(stream.text.size(), begun);
  EXPECT_TRUE(events().empty());
}

TEST_F(EventWatchTest, AReaderThatTakesNothingIsGivenSoMuchAndThenCutOffWithTheReason) {
  EXPECT_TRUE(serve());
  write(9'000);
  while (stream.waiting() <= kEventQueueMax) EXPECT_TRUE(serve());
  const std::size_t full = stream.held;
  EXPECT_LT(full, 2 * kEventQueueMax);
  EXPECT_TRUE(serve());
  clock.advance(kEventSlowMax - std::chrono::seconds(1));
  EXPECT_TRUE(serve());
  EXPECT_EQ(stream.held, full);
  clock.advance(std::chrono::seconds(2));
  EXPECT_FALSE(serve());
  const auto all = events();
  EXPECT_EQ(all.back().string_or("type", ""), "end");
  EXPECT_NE(all.back().string_or("reason", "").find("too slow"), std::string::npos);
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"event_reader"}).get(), 1);
  // It resumes behind what it was given: no gap, nothing twice.
  const auto position = parse_position(last_id);
  ASSERT_TRUE(position);
  EventQuery query;
  query.caller.account = "acme";
  EXPECT_EQ(log->read(*position, query, SIZE_MAX).events.size() + all.size() - 1, 9'000U);
}

TEST_F(EventWatchTest, AReaderThatTakesItLateMissesNothing) {
  EXPECT_TRUE(serve());
  write(9'000);
  for (int round = 0; round < 10'000 && stream.waiting() <= kEventQueueMax; ++round) serve();
  clock.advance(kEventSlowMax - std::chrono::seconds(1));
  EXPECT_TRUE(serve());
  for (int round = 0; round < 100; ++round) {
    stream.held = 0;
    EXPECT_TRUE(serve());
  }
  EXPECT_EQ(events().size(), 9'000U);
}

TEST_F(EventWatchTest, EndsWithTheReasonBeforeAnythingIsToldToWhoLostTheRight) {
  EXPECT_TRUE(serve());
  may_follow = false;
  write();
  EXPECT_FALSE(serve());
  const auto all = events();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].string_or("type", ""), "end");
  EXPECT_NE(all[0].string_or("reason", "").find("credential"), std::string::npos);
}

TEST_F(EventWatchTest, TellsOfAGapAndGoesOnBehindIt) {
  EventPosition foreign = log->newest();
  foreign.run = "ffff";
  write();
  EventQuery query;
  query.caller.account = "acme";
  watch = event_watch(*log, query, foreign, metrics, clock);
  watch.may_follow = [] { return true; };
  EXPECT_TRUE(serve());
  const auto all = events();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].string_or("type", ""), "reset");
  EXPECT_EQ(all[0].string_or("scope", ""), "observed");
  EXPECT_EQ(all[1].string_or("type", ""), "created");
  EXPECT_EQ(last_id, position_text(log->newest()));
}

}  // namespace
}  // namespace weir::api
