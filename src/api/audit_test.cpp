// Who did what: rows of writes and refusals, their list and the verification of their chain.
#include <algorithm>
#include <fstream>

#include "api/api_fixture.h"
#include "api/audit_anchors.h"
#include "api/audit_trail.h"
#include "api/refusals.h"

namespace weir::api {
namespace {

TEST_F(ApiTest, ListsAuditRowsNewestFirstInPages) {
  const Answer lb = make_lb();
  EXPECT_EQ(api->remove("lb/" + lb.id()).status, 200);
  const Answer all = api->get("audit");
  ASSERT_EQ(all.status, 200);
  ASSERT_GE(all.items().size(), 4U);
  const Json& newest = all.items()[0];
  EXPECT_EQ(newest.string_or("operation", ""), "delete lb");
  EXPECT_EQ(newest.string_or("object", ""), lb.id());
  EXPECT_EQ(newest.string_or("result", ""), "ok");
  EXPECT_EQ(newest.string_or("account", ""), "default");
  EXPECT_EQ(newest.string_or("source", ""), "127.0.0.1");
  EXPECT_EQ(newest.string_or("time", ""), "2026-01-01T01:00:00Z");
  EXPECT_EQ(newest.string_or("hash", "").size(), 64U);
  EXPECT_EQ(newest.string_or("change", "").size(), 64U);

  std::vector<std::string> paged;
  std::string path = "audit?pageSize=1";
  while (!path.empty()) {
    const Answer page = api->get(path);
    ASSERT_EQ(page.status, 200) << page.message();
    for (const Json& row : page.items()) paged.push_back(row.string_or("hash", ""));
    const std::string token = page.body.string_or("nextPageToken", "");
    path = token.empty() ? "" : "audit?pageSize=1&pageToken=" + token;
  }
  std::vector<std::string> expected;
  for (const Json& row : all.items()) expected.push_back(row.string_or("hash", ""));
  EXPECT_EQ(paged, expected);
}

TEST_F(ApiTest, RefusesWhatAnAuditListDoesNotHave) {
  for (const char* query : {"pageSize=0", "pageSize=1001", "pageSize=x", "pageToken=0", "who=me"}) {
    EXPECT_EQ(api->get(std::string("audit?") + query).problem(), "400 INVALID_ARGUMENT") << query;
  }
  EXPECT_EQ(api->get("audit/verification?x=1").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(api->post("audit", Json::object()).status, 405);
  EXPECT_EQ(api->get("audit/7").status, 404);
}

TEST_F(ApiTest, RecordsARefusedWriteOnceWhateverRefusedIt) {
  ApiCaller nobody(server->api_endpoint(), "weir_0123456789_" + std::string(64, 'a'));
  const std::string lb = make_lb().id();
  struct Case {
    Answer answer;
    std::string operation;
    std::string object;
    std::string result;
  };
  const Case cases[] = {
      {api->call("POST", "lb", "{"), "create lb", "", "refused: INVALID_ARGUMENT"},
      {api->call("POST", "lb", "{}", {{"Content-Type", "text/plain"}}), "create lb", "",
       "refused: INVALID_ARGUMENT"},
      {api->remove("lb/alb-0000000000"), "delete lb", "alb-0000000000", "refused: NOT_FOUND"},
      {api->call("PATCH", "lb/" + lb, "{}", {{"If-Match", "\"1\""}}), "update lb", lb,
       "refused: CONFLICT"},
      {api->call("PUT", "node/n1", "{}"), "replace node", "n1", "refused: INVALID_ARGUMENT"},
      {api->remove("target/target-0000000000"), "delete target", "target-0000000000",
       "refused: NOT_FOUND"},
      {nobody.remove("lb/" + lb), "delete lb", lb, "refused: ACCESS_ERROR"},
      {api->call("DELETE", "/v1/regions/local/loadBalancers/alb-0000000000"), "delete lb",
       "alb-0000000000", "refused: NOT_FOUND"},
  };
  const auto rows = store->audit_rows(std::size(cases)).value();
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const Case& one = cases[std::size(cases) - 1 - i];
    const store::AuditRow& row = rows[i].second;
    EXPECT_GE(one.answer.status, 400);
    EXPECT_EQ(row.operation, one.operation);
    EXPECT_EQ(row.object, one.object);
    EXPECT_EQ(row.result, one.result);
    EXPECT_EQ(row.change, "");
    EXPECT_EQ(row.source, "127.0.0.1");
    EXPECT_EQ(row.who == kUnauthenticated, one.answer.status == 401);
  }
  const auto newest = store->audit_rows(1).value().front().first;
  EXPECT_EQ(nobody.get("lb").status, 401);
  EXPECT_EQ(api->get("lb/alb-0000000000").status, 404);
  EXPECT_EQ(store->audit_rows(1).value().front().first, newest) << "reads leave no row";
}

TEST_F(ApiTest, FindsItsAuditWholeAndHoldsItAgainstTheAnchors) {
  make_lb();
  const Answer verdict = api->get("audit/verification");
  ASSERT_EQ(verdict.status, 200);
  EXPECT_TRUE(verdict.body.bool_or("isWhole", false)) << verdict.body.dump();
  EXPECT_EQ(verdict.body.integer_or("rows", 0),
            static_cast<std::int64_t>(store->audit_rows(1).value().front().first));
  EXPECT_TRUE(verdict.at("problems").as_array().empty());
}

class AuditTrailTest : public ::testing::Test {
 protected:
  void commit(const std::string& object) {
    store::Transaction transaction{.writes = {{"object/lb/" + object, "x"}}, .audit = {}};
    transaction.audit.object = object;
    EXPECT_TRUE(store_.commit(transaction).ok());
  }
  std::vector<std::string> results() {
    std::vector<std::string> found;
    for (const auto& [number, row] : store_.audit_rows(10'000).value()) {
      found.push_back(row.result);
    }
    return found;
  }
  std::vector<store::AuditAnchor> anchors() {
    auto known = AuditAnchors(path_, key_).read();
    EXPECT_TRUE(known.ok());
    EXPECT_EQ(known->problems, std::vector<std::string>());
    return known->anchors;
  }

  testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  Metrics metrics_;
  store::MemoryStore store_{clock_, metrics_};
  const std::string path_ = folder_.file("audit-anchors");
  const std::string key_ = std::string(64, 'b');
};

TEST_F(AuditTrailTest, AFloodOfRefusalsIsCountedInsteadOfWritten) {
  Refusals refusals(store_, clock_, metrics_);
  store::AuditRow row{.who = "key-1", .source = "192.0.2.1", .result = "refused: CONFLICT"};
  for (int i = 0; i < 1000; ++i) refusals.note(row);
  EXPECT_EQ(results().size(), 20U);
  EXPECT_EQ(metrics_.value(Metric::kAuditRefusalsCounted).get(), 980);
  row.who = "key-2";
  refusals.note(row);
  EXPECT_EQ(results().size(), 21U) << "another caller has room of its own";
  refusals.write_counted();
  EXPECT_EQ(results().front(), "refused: 980 more");
  EXPECT_EQ(store_.audit_rows(1).value().front().second.who, "key-1");
  refusals.write_counted();
  EXPECT_EQ(results().size(), 22U) << "each refusal is counted once";
  clock_.advance(std::chrono::seconds(60));
  row.who = "key-1";
  refusals.note(row);
  EXPECT_EQ(results().front(), "refused: CONFLICT") << "later there is room again";
}

TEST_F(AuditTrailTest, CountedRefusalsStandUnderTheAccountTheyWereAbout) {
  Refusals refusals(store_, clock_, metrics_);
  store::AuditRow row{.who = kUnauthenticated, .source = "192.0.2.1", .result = "refused: X"};
  for (int i = 0; i < 50; ++i) {
    row.account = "shop";
    refusals.note(row);
    row.account = i % 2 == 0 ? "" : "evil";
    refusals.note(row);
  }
  refusals.write_counted();
  const auto shop =
      store_.audit_rows({.count_max = 100, .before = INT64_MAX, .account = "shop"}).value();
  EXPECT_EQ(shop.size(), 21U);
  EXPECT_EQ(shop.front().second.result, "refused: 30 more");
}

TEST_F(AuditTrailTest, ManyCallersAtOnceAreBoundedToo) {
  Refusals refusals(store_, clock_, metrics_);
  for (int i = 0; i < 1000; ++i) {
    refusals.note({.who = kUnauthenticated,
                   .source = "192.0.2." + std::to_string(i),
                   .result = "refused: ACCESS_ERROR"});
  }
  EXPECT_EQ(results().size(), 100U);
  refusals.write_counted();
  const auto rows = store_.audit_rows(10'000).value();
  EXPECT_LE(rows.size(), 201U);
  EXPECT_TRUE(std::ranges::any_of(rows, [](const store::AuditEntry& entry) {
    return entry.second.result == "refused: 900 more" && entry.second.who == kUnauthenticated &&
           entry.second.source.empty();
  }));
}

TEST_F(AuditTrailTest, NotesTheNewestLinkOnceADay) {
  AuditAnchors notes(path_, key_);
  EXPECT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  EXPECT_TRUE(anchors().empty()) << "there is nothing to note yet";
  commit("a");
  EXPECT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  commit("b");
  EXPECT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  ASSERT_EQ(anchors().size(), 1U);
  clock_.advance(kAnchorPause);
  EXPECT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  clock_.advance(kAnchorPause);
  EXPECT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  ASSERT_EQ(anchors().size(), 2U) << "nothing has come since: nothing to note";
  EXPECT_EQ(anchors()[1].link.number, 2U);
  EXPECT_EQ(anchors()[1].link.hash, store_.audit_rows(1).value().front().second.hash);
  EXPECT_TRUE(store::verify_audit(store_, anchors(), clock_.wall_now()).value().is_whole());
}

TEST_F(AuditTrailTest, TellsAnAnchorThatSomebodyElseWrote) {
  commit("a");
  AuditAnchors notes(path_, key_);
  ASSERT_TRUE(notes.note(store_, clock_.wall_now()).ok());
  std::string text = read_file(path_).value();
  text.replace(text.find("\"number\":1"), 10, "\"number\":9");
  ASSERT_TRUE(write_private_file(path_, text + "nonsense\n").ok());
  const auto known = notes.read();
  ASSERT_TRUE(known.ok());
  EXPECT_TRUE(known->anchors.empty());
  EXPECT_EQ(known->problems,
            (std::vector<std::string>{"line 1 of " + path_ + " was not written by this service",
                                      "line 2 of " + path_ + " was not written by this service"}));
}

}  // namespace
}  // namespace weir::api
