// The event stream over HTTP: what is told, to whom, and what a reader that was cut off has seen.
#include <map>
#include <random>
#include <set>

#include "api/event_fixture.h"
#include "store/sqlite_store.h"

namespace weir::api {
namespace {

using Words = std::vector<std::string>;

class EventTest : public PeopleTest {
 protected:
  void SetUp() override {
    options.quotas = kManyVpcs;
    start();
  }

  Metrics later_metrics;  // of controls after the first
  const std::map<std::string, std::int64_t> kManyVpcs = {{"vpc", 1'000}};
};

TEST_F(EventTest, TellsWhatHappenedToAnObjectWhoDidItAndWhatChanged) {
  EventTail reader(caller(), "&kind=vpc", until_name("end"));
  const Answer made = api->create("vpc", "mine", Json::object());
  EXPECT_EQ(api->patch_spec("vpc/" + made.id(), Json::object({{"description", "x"}})).status, 200);
  EXPECT_EQ(api->remove("vpc/" + made.id()).status, 200);
  api->create("vpc", "end", Json::object());
  reader.join();
  ASSERT_EQ(reader.events.size(), 4U);
  const std::string id = made.id();
  EXPECT_EQ(event_words({reader.events.begin(), reader.events.begin() + 3}),
            (Words{"created " + id, "changed " + id, "deleted " + id}));
  const Json& changed = reader.events[1];
  EXPECT_EQ(changed.find("fields")->dump(), "[\"spec.description\"]");
  EXPECT_EQ(changed.string_or("call", ""), "update vpc");
  EXPECT_FALSE(changed.string_or("who", "").empty());
  EXPECT_FALSE(changed.string_or("time", "").empty());
  EXPECT_FALSE(changed.string_or("requestId", "").empty());
  bool has_row = false;
  for (const Json& row : api->get("audit").items()) {
    if (row.integer_or("number", -1) != changed.integer_or("audit", 0)) continue;
    has_row = true;
    EXPECT_EQ(row.string_or("object", ""), id);
    EXPECT_EQ(row.integer_or("revision", 0), changed.find("object")->integer_or("revision", -1));
  }
  EXPECT_TRUE(has_row);
}

TEST_F(EventTest, WithoutFollowingTheNewestEventsAreAnswered) {
  for (int i = 0; i < 5; ++i) api->create("vpc", "v" + std::to_string(i), Json::object());
  const Answer page = api->get("events?kind=vpc&limit=3");
  ASSERT_EQ(page.status, 200) << page.message();
  ASSERT_EQ(page.items().size(), 3U);
  EXPECT_EQ(page.items()[2].find("object")->string_or("name", ""), "v4");
  api->create("vpc", "v5", Json::object());
  const Answer next = api->get("events?kind=vpc&after=" + page.body.string_or("after", ""));
  ASSERT_EQ(next.items().size(), 1U);
  EXPECT_EQ(next.items()[0].find("object")->string_or("name", ""), "v5");
}

TEST_F(EventTest, EverythingThatIsWrongInTheQuestionIsSaidAtOnce) {
  const Answer answer =
      api->get("events?kind=x&after=y&since=z&limit=0&follow=w&other=1&kind=target");
  EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(answer.fields(), (Words{"kind", "after", "since", "limit", "follow", "query", "kind",
                                    "since"}));
  EXPECT_EQ(api->get("events?follow=true&limit=5").fields(), Words{"limit"});
  EXPECT_NE(answer.message().find("kind"), std::string::npos);
  EXPECT_EQ(api->call("POST", "events", "{}").status, 405);
  const Answer last = api->call("GET", "events?follow=false", "", {{"Last-Event-ID", "junk"}});
  EXPECT_EQ(last.fields(), Words{"Last-Event-ID"});
}

TEST_F(EventTest, WhoDidItIsForThoseWhoMayReadTheAudit) {
  ApiCaller viewer = somebody("val", "viewer");
  ApiCaller auditor = somebody("aud", "auditor");
  ASSERT_EQ(api->create("vpc", "v", Json::object()).status, 201);
  for (ApiCaller* one : {&viewer, &auditor}) {
    const Answer page = one->get("events?kind=vpc&limit=1");
    ASSERT_EQ(page.items().size(), 1U);
    const Json& event = page.items()[0];
    const bool may = one == &auditor;
    EXPECT_EQ(event.string_or("call", ""), "create vpc");
    for (const char* member : {"who", "audit", "requestId"}) {
      EXPECT_EQ(event.find(member) != nullptr, may) << member;
    }
  }
}

TEST_F(EventTest, NobodySeesAnEventOfAnotherAccount) {
  ApiCaller acme = somebody("ann", "administrator", "acme");
  ApiCaller evil = somebody("eve", "administrator", "evil");
  EventTail reader(caller_of(evil.token()), "", until_name("evil-end"));
  const std::string id = acme.create("vpc", "acme-vpc", Json::object()).id();
  EXPECT_EQ(acme.patch_spec("vpc/" + id, Json::object({{"description", "x"}})).status, 200);
  EXPECT_EQ(acme.remove("vpc/" + id).status, 200);
  EXPECT_EQ(evil.get("events?object=" + id).items().size(), 0U);
  evil.create("vpc", "evil-end", Json::object());
  reader.join();
  for (const Json& event : reader.events) {
    EXPECT_EQ(event.find("object")->string_or("owner", ""), "evil");
    EXPECT_EQ(event.dump().find("acme"), std::string::npos) << event.dump();
  }
  EXPECT_GE(reader.events.size(), 1U);
}

TEST_F(EventTest, TheStreamEndsAtOnceWhenItsTokenIsRevokedOrItsUsersRoleChanges) {
  const std::string user = make_user("val", "viewer");
  const Answer token = make_token(user);
  const Answer other = make_token(user);
  EventTail revoked(caller_of(token.body.string_or("secret", "")), "&kind=vpc",
                    [](const Json&) { return false; });
  EventTail demoted(caller_of(other.body.string_or("secret", "")), "&kind=vpc",
                    [](const Json&) { return false; });
  api->create("vpc", "before", Json::object());
  EXPECT_TRUE(eventually([&] { return revoked.count == 1 && demoted.count == 1; }));
  EXPECT_EQ(api->remove("token/" + token.id()).status, 200);
  api->create("vpc", "after", Json::object());
  revoked.join();
  EXPECT_EQ(api->patch_spec("user/" + user, Json::object({{"role", "operator"}})).status, 200);
  api->create("vpc", "later", Json::object());
  demoted.join();
  const auto shown = [](const EventTail& tail) {
    Words words;
    for (const Json& event : tail.events) {
      const Json* object = event.find("object");
      words.push_back(object == nullptr ? event.string_or("type", "")
                                        : object->string_or("name", ""));
    }
    return words;
  };
  EXPECT_EQ(shown(revoked), (Words{"before", "end"}));
  EXPECT_EQ(shown(demoted), (Words{"before", "after", "end"}));
}

TEST_F(EventTest, TheStreamEndsWhenItsTokenExpires) {
  const Answer token = make_token(make_user("val", "viewer"), 1);
  EventTail reader(caller_of(token.body.string_or("secret", "")), "&kind=vpc",
                   [](const Json&) { return false; });
  api->create("vpc", "before", Json::object());
  EXPECT_TRUE(eventually([&] { return reader.count == 1; }));
  clock.advance(std::chrono::hours(25));
  reader.join();
  ASSERT_EQ(reader.events.size(), 2U);
  EXPECT_EQ(reader.events[1].string_or("type", ""), "end");
}

/// A reader that is cut off at random places while others write. Done when it has seen the last.
class CutReader {
 public:
  CutReader(std::function<ApiCaller()> connect, std::uint32_t seed)
      : connect_(std::move(connect)), random_(seed) {}

  /// Reads a few lines and is cut off, perhaps in the middle of an event.
  void read_some() {
    std::uniform_int_distribution<int> few(1, 30);
    ApiCaller own = connect_();
    read_events(
        own, last_id, "&kind=vpc", [this](const Json& event) { return note(event); }, few(random_));
    ++cuts;
  }
  bool is_done() const { return is_done_; }

  std::string last_id;
  int cuts = 0;
  Words places;  // "<revision> <word>", in the order in which they were seen
  int resets = 0;

 private:
  bool note(const Json& event) {
    if (event.string_or("type", "") == "reset") {
      ++resets;
      EXPECT_EQ(event.string_or("scope", ""), "observed");
      return true;
    }
    const Json* object = event.find("object");
    if (object == nullptr) return false;
    places.push_back(std::to_string(object->integer_or("revision", 0)) + " " + event_word(event));
    is_done_ = object->string_or("name", "") == "end";
    return !is_done_;
  }

  std::function<ApiCaller()> connect_;
  std::mt19937 random_;
  bool is_done_ = false;
};

/// What the answers of the writers say has happened.
class Writers {
 public:
  void begin(const std::function<ApiCaller()>& connect, int count, int writes) {
    for (int writer = 0; writer < count; ++writer) {
      threads_.emplace_back([this, connect, writer, writes] {
        ApiCaller own = connect();
        for (int i = 0; i < writes; ++i)
          write(own, std::to_string(writer) + "-" + std::to_string(i));
      });
    }
  }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  /// In the order of revisions.
  Words places() {
    const MutexLock lock(mutex_);
    Words words;
    for (const auto& [revision, word] : done_) {
      words.push_back(std::to_string(revision) + " " + word);
    }
    return words;
  }
  void write(ApiCaller& own, const std::string& name) {
    const Answer made = own.create("vpc", "v" + name, Json::object());
    ASSERT_EQ(made.status, 201) << made.message();
    note("created " + made.id(), made);
    note("changed " + made.id(),
         own.patch_spec("vpc/" + made.id(), Json::object({{"description", name}})));
    const Answer gone = own.remove("vpc/" + made.id());
    EXPECT_EQ(gone.status, 200);
    gone_.fetch_add(1);
  }
  int gone() const { return gone_; }

 private:
  void note(std::string word, const Answer& answer) {
    EXPECT_LT(answer.status, 300) << answer.message();
    const MutexLock lock(mutex_);
    done_[answer.revision()] = std::move(word);
  }

  std::vector<std::thread> threads_;
  std::atomic<int> gone_{0};
  Mutex mutex_;
  std::map<std::int64_t, std::string> done_ WEIR_GUARDED_BY(mutex_);
};

/// Those that the answers of the writers name with their revisions.
Words without_deletions(const Words& places) {
  Words kept;
  for (const std::string& place : places) {
    if (place.find(" deleted ") == std::string::npos) kept.push_back(place);
  }
  return kept;
}

void check(const CutReader& reader, Writers& writers) {
  EXPECT_EQ(without_deletions(reader.places), writers.places());
  EXPECT_EQ(reader.places.size(),
            writers.places().size() + static_cast<std::size_t>(writers.gone()));
  const std::set<std::string> once(reader.places.begin(), reader.places.end());
  EXPECT_EQ(once.size(), reader.places.size()) << "something was told twice";
}

TEST_F(EventTest, AReaderCutOff100TimesMissesNothingAndSeesNothingTwiceUnder8Writers) {
  const std::uint32_t seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  CutReader reader([this] { return caller(); }, seed);
  reader.last_id = api->get("events?limit=1").body.string_or("after", "");
  Writers writers;
  writers.begin([this] { return caller(); }, 8, 25);
  std::thread end([&] {
    writers.join();
    ApiCaller own = caller();
    EXPECT_EQ(own.create("vpc", "end", Json::object()).status, 201);
  });
  while (!reader.is_done()) reader.read_some();
  end.join();
  EXPECT_EQ(reader.resets, 0);
  EXPECT_GE(reader.cuts, 100);
  reader.places.pop_back();  // the end
  check(reader, writers);
}

/// As above, with a store that lasts and control ended and started between some of the cuts.
TEST_F(EventTest, AReaderMissesNothingAlsoWhenControlIsStartedAnew) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  server.reset();
  ControlOptions again;
  const auto restart = [&] {
    server.reset();
    ControlOptions fresh;
    fresh.data_dir = folder.path() + "/lasting";
    fresh.api.listen = "127.0.0.1:0";
    fresh.quotas = kManyVpcs;
    auto started = ControlServer::start(std::move(fresh), later_metrics, clock);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
    const auto text = read_file(server->credentials_path());
    token = parse_json(text.value()).value().string_or("token", "");
    api = std::make_unique<ApiCaller>(server->api_endpoint(), token);
  };
  restart();
  CutReader reader([this] { return caller(); }, seed);
  reader.last_id = api->get("events?limit=1").body.string_or("after", "");
  Writers writers;
  for (int round = 0; round < 4; ++round) {
    writers.begin([this] { return caller(); }, 4, 3);
    for (int i = 0; i < 2; ++i) reader.read_some();
    writers.join();
    restart();
  }
  EXPECT_EQ(api->create("vpc", "end", Json::object()).status, 201);
  while (!reader.is_done()) reader.read_some();
  EXPECT_GT(reader.resets, 0);
  reader.places.pop_back();
  check(reader, writers);
}

}  // namespace
}  // namespace weir::api
