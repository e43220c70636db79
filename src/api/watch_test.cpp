// Watches: every change once, in order, from the moment of the list on.
#include <atomic>
#include <set>
#include <thread>

#include "api/api_fixture.h"
#include "model/keys.h"

namespace weir::api {
namespace {

/// A watch on a thread of its own; ends when `last` says so.
class Watch {
 public:
  Watch(ApiCaller caller, std::string path, std::function<bool(const Json&)> is_last)
      : caller_(std::move(caller)) {
    thread_ = std::thread([this, path = std::move(path), is_last = std::move(is_last)] {
      http::ClientRequest request;
      request.target = "/weir/v1/" + path;
      request.headers = {{"Authorization", "Bearer " + caller_.token()}};
      const auto done = caller_.client().stream_lines(request, soon(), [&](std::string_view line) {
        lines.push_back(parse_json(line).value());
        ++count;
        return !is_last(lines.back());
      });
      status = done ? done->status : -1;
    });
  }
  ~Watch() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  std::vector<Json> lines;  // after join()
  std::atomic<int> count{0};
  int status = 0;

 private:
  ApiCaller caller_;
  std::thread thread_;
};

std::string name_of(const Json& line) { return line.find("object")->string_or("name", ""); }

/// Until a resource of this name is put.
auto until(const std::string& name) {
  return [name](const Json& line) {
    return line.string_or("type", "") == "put" && name_of(line) == name;
  };
}

TEST_F(ApiTest, WatchTellsChangesAfterARevisionInOrder) {
  const std::string lb = make_lb().id();
  const Answer list = api->get("tg");
  const std::string first = make_tg(lb, "first").id();
  Watch watch(caller(), "tg?watch=true&revision=" + std::to_string(list.revision()), until("end"));
  EXPECT_EQ(api->patch_spec("tg/" + first, Json::object({{"description", "x"}})).status, 200);
  EXPECT_EQ(api->remove("tg/" + first).status, 200);
  make_tg(lb, "end");
  watch.join();
  ASSERT_EQ(watch.lines.size(), 4u);
  std::string types;
  std::int64_t revision = list.revision();
  for (const Json& line : watch.lines) {
    types += line.string_or("type", "") + " ";
    EXPECT_GT(line.integer_or("revision", 0), revision);
    revision = line.integer_or("revision", 0);
  }
  EXPECT_EQ(types, "put put delete put ");
  EXPECT_EQ(watch.lines[2].find("object")->string_or("id", ""), first);
}

TEST_F(ApiTest, WatchWithoutARevisionBeginsWithTheList) {
  const std::string lb = make_lb().id();
  make_tg(lb, "there");
  Watch watch(caller(), "tg?watch=true", until("end"));
  ASSERT_TRUE(eventually([&] { return watch.count >= 2; }));
  make_tg(lb, "end");
  watch.join();
  ASSERT_EQ(watch.lines.size(), 3u);
  EXPECT_EQ(name_of(watch.lines[0]), "there");
  EXPECT_EQ(watch.lines[1].string_or("type", ""), "listed");
  EXPECT_EQ(name_of(watch.lines[2]), "end");
}

TEST_F(ApiTest, WatchBeginsWithTheWholeListWhateverPageItsQueryNames) {
  const std::string lb = make_lb().id();
  for (const char* name : {"a", "b", "c"}) make_tg(lb, name);
  const std::string page = api->get("tg?pageSize=1").body.string_or("nextPageToken", "");
  ASSERT_FALSE(page.empty());
  Watch watch(caller(), "tg?watch=true&pageToken=" + page,
              [](const Json& line) { return line.string_or("type", "") == "listed"; });
  watch.join();
  EXPECT_EQ(watch.lines.size(), 4u);
}

TEST_F(ApiTest, WatchKeepsToItsFilters) {
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  const auto from = "&revision=" + std::to_string(api->get("tg").revision());
  Watch watch(caller(), "tg?watch=true&loadBalancerId=" + one + from, until("end"));
  make_tg(two, "other");
  make_tg(one, "mine");
  make_tg(one, "end");
  watch.join();
  ASSERT_EQ(watch.lines.size(), 2u);
  EXPECT_EQ(name_of(watch.lines[0]), "mine");
}

TEST_F(ApiTest, WatchTellsACascadeAsTheEndOfEveryChildOnce) {
  const std::string lb = make_lb().id();
  const std::string other = make_lb("other").id();
  std::set<std::string> children;
  for (int i = 0; i < 5; ++i) children.insert(make_tg(lb, "t" + std::to_string(i)).id());
  const auto from = "&revision=" + std::to_string(api->get("tg").revision());
  Watch watch(caller(), "tg?watch=true" + from, until("end"));
  const Answer gone = api->remove("lb/" + lb + "?cascade=true");
  EXPECT_TRUE(eventually([&] { return stored("root/" + lb).empty(); }));
  make_tg(other, "end");
  watch.join();
  std::set<std::string> deleted;
  for (const Json& line : watch.lines) {
    if (line.string_or("type", "") != "delete") continue;
    EXPECT_EQ(line.integer_or("revision", 0), gone.revision());
    EXPECT_TRUE(deleted.insert(line.find("object")->string_or("id", "")).second);
  }
  EXPECT_EQ(deleted, children);
}

TEST_F(ApiTest, WatchOfTargetsTellsOnlyTheOneThatChanged) {
  const std::string tg = make_tg(make_lb().id()).id();
  make_target(tg, 1001);
  const std::string second = make_target(tg, 1002).id();
  const auto from = "&revision=" + std::to_string(api->get("target").revision());
  Watch watch(caller(), "target?watch=true" + from,
              [](const Json& line) { return line.string_or("type", "") == "delete"; });
  EXPECT_EQ(api->patch_spec("target/" + second, Json::object({{"weight", 3}})).status, 200);
  EXPECT_EQ(api->remove("target/" + second).status, 200);
  watch.join();
  ASSERT_EQ(watch.lines.size(), 2u);
  for (const Json& line : watch.lines) {
    EXPECT_EQ(line.find("object")->string_or("id", ""), second);
  }
}

TEST_F(ApiTest, WatchDoesNotBeginWithAListThatItsQueueCannotHold) {
  for (int i = 0; i < 5; ++i) {
    model::Object vpc;
    vpc.kind = model::Kind::kVpc;
    vpc.id = vpc.name = "vpc-long" + std::to_string(i);
    vpc.owner = model::kDefaultOwner;
    vpc.spec = Json::object({{"description", std::string(500'000, 'x')}});
    store::Transaction transaction;
    transaction.writes.push_back({model::object_key(vpc.kind, vpc.id), model::stored_text(vpc)});
    const auto stored = store->commit(transaction);
    ASSERT_TRUE(stored) << to_string(stored.error());
  }
  const Answer refused = api->get("vpc?watch=true");
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_NE(refused.message().find("pages"), std::string::npos) << refused.message();
}

TEST_F(ApiTest, WatchFromAnUnknownRevisionAsksToListAgain) {
  EXPECT_EQ(api->get("tg?watch=true&revision=1000000").problem(), "412 CONFLICT");
  EXPECT_EQ(api->get("tg?watch=true&revision=x").problem(), "400 INVALID_ARGUMENT");
}

/// Many watches begin at many moments of a busy time; each sees exactly what the list it began with
/// leaves out.
TEST_F(ApiTest, WatchNeverMissesAndNeverDoublesUnderWrites) {
  const std::string lb = make_lb().id();
  std::atomic<bool> may_end{false};
  std::thread writer([&] {
    ApiCaller own = caller();
    for (int i = 0; i < 150; ++i) {
      const std::string name = "t" + std::to_string(i);
      const Answer made = own.create("tg", name, Json::object({{"loadBalancerId", lb}}));
      if (i % 10 != 0) EXPECT_EQ(own.remove("tg/" + made.id()).status, 200);
    }
    while (!may_end) std::this_thread::yield();
    EXPECT_EQ(own.create("tg", "end", Json::object({{"loadBalancerId", lb}})).status, 201);
  });
  struct Begun {
    std::set<std::string> listed;
    std::unique_ptr<Watch> watch;
  };
  std::vector<Begun> begun;
  for (int i = 0; i < 8; ++i) {
    const Answer list = api->get("tg");
    Begun one;
    for (const Json& item : list.items()) one.listed.insert(item.string_or("id", ""));
    const auto from = "&revision=" + std::to_string(list.revision());
    one.watch = std::make_unique<Watch>(caller(), "tg?watch=true" + from, until("end"));
    begun.push_back(std::move(one));
  }
  may_end = true;
  writer.join();
  std::set<std::string> final_ids;
  for (const Json& item : api->get("tg").items()) final_ids.insert(item.string_or("id", ""));
  for (Begun& one : begun) {
    one.watch->join();
    for (const Json& line : one.watch->lines) {
      const std::string id = line.find("object")->string_or("id", "");
      if (line.string_or("type", "") == "put") {
        EXPECT_TRUE(one.listed.insert(id).second) << "told twice: " << id;
      } else {
        EXPECT_EQ(one.listed.erase(id), 1u) << "ended without being told: " << id;
      }
    }
    EXPECT_EQ(one.listed, final_ids);
  }
}

}  // namespace
}  // namespace weir::api
