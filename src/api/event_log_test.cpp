#include "api/event_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "model/keys.h"
#include "model/object.h"
#include "store/memory_store.h"
#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

using model::Kind;

constexpr std::size_t kAll = SIZE_MAX;

EventQuery of_account(const std::string& account, model::Role role = model::Role::kViewer) {
  EventQuery query;
  query.caller.account = account;
  query.caller.role = role;
  return query;
}

class EventLogTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  /// As control does, also anew.
  void start(std::size_t kept = kEventsKept) {
    auto opened = EventLog::open({.store = store,
                                  .clock = clock,
                                  .metrics = metrics,
                                  .events_kept = kept,
                                  .observe = [this] { return std::exchange(seen, {}); }});
    ASSERT_TRUE(opened) << to_string(opened.error());
    log = *std::move(opened);
  }
  static model::Object vpc(const std::string& id, const std::string& description = "",
                           const std::string& owner = "acme") {
    model::Object object;
    object.kind = Kind::kVpc;
    object.id = object.name = id;
    object.owner = owner;
    object.labels = {{"team", id}};
    object.spec = Json::object({{"description", description}});
    return object;
  }
  void put(const std::vector<model::Object>& objects) {
    store::Transaction transaction;
    for (const auto& one : objects) {
      transaction.writes.push_back({model::object_key(one.kind, one.id), model::stored_text(one)});
    }
    transaction.audit = {.who = "ann", .operation = "write"};
    ASSERT_TRUE(store.commit(transaction).ok());
  }
  void remove(const std::string& id) {
    store::Transaction transaction;
    transaction.writes.push_back({model::object_key(Kind::kVpc, id), {}});
    transaction.audit = {.who = "ann", .operation = "delete"};
    ASSERT_TRUE(store.commit(transaction).ok());
  }
  void observe(const std::string& id, const std::string& type = "verdict") {
    Event event;
    event.type = type;
    event.kind = Kind::kBackend;
    event.id = id;
    event.owner = "acme";
    event.body = "{\"type\":\"" + type + "\"}";
    seen.push_back(event);
  }
  struct Page {
    std::vector<std::string> words;
    std::vector<std::string> missed;
    EventPosition reached;
  };
  /// Everything behind `from`.
  Page read(const EventPosition& from, const EventQuery& query = of_account("acme")) {
    EXPECT_TRUE(log->recall(from).ok());
    log->advance();
    Page page;
    const auto batch = log->read(from, query, kAll);
    for (const auto& missed : batch.missed) page.missed.emplace_back(missed.scope);
    for (const auto& told : batch.events) {
      const Json event = parse_json(told.json).value();
      const Json* object = event.find("object");
      page.words.push_back(event.string_or("type", "") +
                           (object == nullptr ? "" : " " + object->string_or("id", "")));
    }
    page.reached = batch.reached;
    return page;
  }
  using Words = std::vector<std::string>;

  testing::VirtualClock clock;
  Metrics metrics;
  store::MemoryStore store{clock, metrics};
  std::vector<Event> seen;
  std::unique_ptr<EventLog> log;
};

TEST_F(EventLogTest, TellsChangesAndWhatWasObservedInTheOrderInWhichTheyCame) {
  const EventPosition begin = log->newest();
  put({vpc("a"), vpc("b")});
  log->advance();
  observe("backend-1");
  log->advance();
  put({vpc("a", "x")});
  remove("b");
  const Page page = read(begin);
  EXPECT_EQ(page.words, (Words{"created a", "created b", "verdict", "changed a", "deleted b"}));
  EXPECT_EQ(page.missed, Words());
  EXPECT_EQ(read(page.reached).words, Words());
}

TEST_F(EventLogTest, EachPositionResumesBehindItsOwnEvent) {
  const EventPosition begin = log->newest();
  put({vpc("a"), vpc("b"), vpc("c")});
  log->advance();
  observe("backend-1");
  observe("backend-2");
  log->advance();
  remove("a");
  log->advance();
  const auto all = log->read(begin, of_account("acme"), kAll).events;
  ASSERT_EQ(all.size(), 6U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto position = parse_position(position_text(all[i].position));
    ASSERT_TRUE(position);
    const auto rest = log->read(*position, of_account("acme"), kAll).events;
    ASSERT_EQ(rest.size(), all.size() - i - 1);
    for (std::size_t k = 0; k < rest.size(); ++k) EXPECT_EQ(rest[k].json, all[i + 1 + k].json);
  }
}

TEST_F(EventLogTest, ReadsInBatchesWithoutAGapAndPassesOverOthersAccounts) {
  EventPosition at = log->newest();
  for (int i = 0; i < 50; ++i) {
    put({vpc("a" + std::to_string(i)), vpc("e" + std::to_string(i), "", "evil")});
  }
  log->advance();
  std::set<std::string> told;
  for (int round = 0; round < 100; ++round) {
    const auto batch = log->read(at, of_account("acme"), 500);
    for (const auto& one : batch.events) {
      const Json event = parse_json(one.json).value();
      EXPECT_TRUE(told.insert(event.find("object")->string_or("id", "")).second);
      EXPECT_EQ(event.find("object")->string_or("owner", ""), "acme");
    }
    at = batch.reached;
  }
  EXPECT_EQ(told.size(), 50U);
  EXPECT_EQ(at, log->newest());
}

TEST_F(EventLogTest, AfterAStartChangesGoOnWhereTheyWereAndTheLossOfTheObservedIsTold) {
  put({vpc("before")});
  log->advance();
  const EventPosition begin = log->newest();
  put({vpc("a"), vpc("b")});
  observe("backend-1");
  log->advance();
  const auto first = log->read(begin, of_account("acme"), kAll).events;
  ASSERT_EQ(first.size(), 3U);
  put({vpc("c")});  // nobody read this one before the end
  start();
  put({vpc("d")});
  const Page page = read(first[0].position);
  EXPECT_EQ(page.words, (Words{"created b", "created c", "created d"}));
  EXPECT_EQ(page.missed, Words{"observed"});
  const Page again = read(page.reached);
  EXPECT_EQ(again.words, Words());
  EXPECT_EQ(again.missed, Words());
}

TEST_F(EventLogTest, WhatWasRecalledIsWordForWordWhatWasToldBefore) {
  const EventPosition begin = log->newest();
  put({vpc("a"), vpc("b")});
  put({vpc("a", "x")});
  remove("b");
  log->advance();
  const EventQuery query = of_account("acme", model::Role::kAuditor);
  const auto before = log->read(begin, query, kAll).events;
  start();
  const auto known = log->oldest();
  ASSERT_TRUE(known);
  const auto after = log->read(*known, query, kAll).events;
  ASSERT_EQ(before.size(), 4U);
  ASSERT_EQ(after.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    Json one = parse_json(before[i].json).value();
    Json other = parse_json(after[i].json).value();
    EXPECT_EQ(one.string_or("who", ""), "ann");
    // The run of control is another.
    one.erase("position");
    other.erase("position");
    EXPECT_EQ(one, other);
  }
}

TEST_F(EventLogTest, AReaderFromTooFarBackIsToldToListAgainAndGoesOn) {
  start(10);
  const EventPosition begin = log->newest();
  for (int i = 0; i < 25; ++i) put({vpc("v" + std::to_string(i))});
  const Page page = read(begin);
  EXPECT_EQ(page.missed, Words{"objects"});
  EXPECT_EQ(page.words.size(), 10U);
  EXPECT_EQ(page.words.back(), "created v24");
  EXPECT_GE(metrics.value(Metric::kApiLimitReached, {"events"}).get(), 1);
  EXPECT_EQ(read(page.reached).missed, Words());
}

TEST_F(EventLogTest, ManyReportsOfNodesPushNoChangeOut) {
  start(10);
  const EventPosition begin = log->newest();
  put({vpc("a")});
  log->advance();
  for (int i = 0; i < 100; ++i) observe("backend-1");
  const Page page = read(begin);
  EXPECT_EQ(page.missed, Words{"observed"});
  ASSERT_EQ(page.words.size(), 11U);
  EXPECT_EQ(page.words.front(), "created a");
}

TEST_F(EventLogTest, APositionOfAnotherHistoryOrOfTheFutureIsMissed) {
  put({vpc("a")});
  log->advance();
  EventPosition other = log->newest();
  other.epoch = Epoch(other.epoch.value + 1);
  EXPECT_EQ(read(other).missed, Words{"objects"});
  EventPosition future = log->newest();
  future.revision = Revision(future.revision.value + 5);
  EXPECT_EQ(read(future).missed, Words{"objects"});
}

TEST_F(EventLogTest, FiltersByKindObjectTypeAndLabel) {
  const EventPosition begin = log->newest();
  put({vpc("a"), vpc("b")});
  remove("a");
  observe("backend-1");
  EventQuery query = of_account("acme");
  query.ids = {"a"};
  EXPECT_EQ(read(begin, query).words, (Words{"created a", "deleted a"}));
  query.types = {"deleted"};
  EXPECT_EQ(read(begin, query).words, Words{"deleted a"});
  query = of_account("acme");
  query.labels = {{"team", "b"}};
  EXPECT_EQ(read(begin, query).words, Words{"created b"});
  query = of_account("acme");
  query.kinds = {Kind::kBackend};
  EXPECT_EQ(read(begin, query).words, Words{"verdict"});
}

TEST_F(EventLogTest, BeginsAtAMoment) {
  put({vpc("a")});
  clock.advance(std::chrono::hours(1));
  const WallTime later = clock.wall_now();
  put({vpc("b")});
  log->advance();
  const auto from = log->since(later);
  ASSERT_TRUE(from);
  EXPECT_EQ(read(*from).words, Words{"created b"});
}

TEST_F(EventLogTest, KeyringsAreForAdministratorsOfTheService) {
  const EventPosition begin = log->newest();
  model::Object keyring;
  keyring.kind = Kind::kKeyring;
  keyring.id = keyring.name = "seeds";
  keyring.owner = model::kDefaultOwner;
  put({keyring});
  EXPECT_EQ(read(begin, of_account("default")).words, Words());
  EXPECT_EQ(read(begin, of_account("default", model::Role::kAdministrator)).words,
            Words{"created seeds"});
}

TEST(EventPosition, IsReadBackAndNothingElseIs) {
  const EventPosition position{Epoch(1763660000), Revision(1042), 3, "0a1b2c3d", 17};
  EXPECT_EQ(position_text(position), "1763660000.1042.3.0a1b2c3d.17");
  EXPECT_EQ(parse_position("1763660000.1042.3.0a1b2c3d.17"), position);
  for (const char* text : {"", "1", "1.2.3.4", "1.2.3.xyz.5", "1.2.3..5", "1.2.3.a.5.6",
                           "-1.2.3.a.5", "1.2.3.aaaaaaaaaaaaaaaaaaaaaaa.5", " 1.2.3.a.5"}) {
    EXPECT_EQ(parse_position(text), std::nullopt) << text;
  }
}

/// Eight write while one follows: order holds, nothing is missed or doubled.
TEST_F(EventLogTest, EightWritersAtOnceAreToldInTheOrderOfTheStore) {
  constexpr int kWriters = 8;
  constexpr int kWrites = 100;
  EventPosition at = log->newest();
  std::atomic<int> running{kWriters};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kWrites; ++i) {
        put({vpc("w" + std::to_string(writer) + "-" + std::to_string(i)), vpc("shared")});
      }
      --running;
    });
  }
  std::vector<std::pair<Revision, std::uint64_t>> places;
  for (bool is_last = false; !is_last;) {
    is_last = running == 0;
    log->advance();
    const auto batch = log->read(at, of_account("acme"), 4'000);
    for (const auto& one : batch.events) {
      places.emplace_back(one.position.revision, one.position.number);
    }
    at = batch.reached;
    is_last = is_last && at == log->newest();
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_EQ(places.size(), static_cast<std::size_t>(2 * kWriters * kWrites));
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(places[i].first, Revision(i / 2 + 1));
    EXPECT_EQ(places[i].second, i % 2 + 1);
  }
}

}  // namespace
}  // namespace weir::api
