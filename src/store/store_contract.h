// What every store must do, as one suite that each implementation runs:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryStores);
// The type gives `Store& store()`. Included by tests alone.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/audit_chain.h"
#include "store/store.h"
#include "store/transaction_rules.h"

namespace weir::store {

inline const AuditRow kSomebody{.who = "key-1",
                                .operation = "create backend",
                                .object = "b-1",
                                .request_id = "r-1",
                                .result = "ok"};

inline Transaction writing(std::string key, std::string value) {
  return {.writes = {{std::move(key), std::move(value)}}, .audit = kSomebody};
}

inline Transaction writing_over(std::string key, Revision revision, std::string value) {
  return {
      .expectations = {{key, revision}}, .writes = {{key, std::move(value)}}, .audit = kSomebody};
}

inline Transaction deleting(std::string key) {
  return {.writes = {{std::move(key), std::nullopt}}, .audit = kSomebody};
}

inline Transaction counting(std::string key, std::int64_t amount,
                            std::optional<std::int64_t> max = std::nullopt) {
  return {.counters = {{std::move(key), amount, max}}, .audit = kSomebody};
}

inline Instant long_ago() { return Instant(); }
/// Far beyond what any of these tests needs; only a broken store waits so long.
inline Instant far_away() { return SystemClock().now() + std::chrono::seconds(60); }

/// Runs `work(0)` to `work(count - 1)` at once and waits for all.
inline void at_once(int count, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

template <class Stores>
class StoreContract : public ::testing::Test {
 protected:
  Store& store() { return stores_.store(); }

  Revision put(const std::string& key, const std::string& value) {
    return must(store().commit(writing(key, value)));
  }
  /// The value, or "(none)".
  std::string value(const std::string& key) {
    const auto entry = store().get(key);
    return entry ? entry->value : "(none)";
  }
  Changes changes(Revision after) { return must(store().changes_after(after, long_ago())); }
  Listing list(const std::string& prefix) { return must(store().list(prefix)); }
  Error refused(const Transaction& transaction) {
    const Version before = store().version();
    const auto result = store().commit(transaction);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(store().version(), before) << "a refused transaction moved the store";
    return result ? Error{} : result.error();
  }

  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result.ok()) << to_string(result.error());
    return *std::move(result);
  }

  Stores stores_;
};

TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, StartsEmptyAtRevisionZeroOfAnEpochFromTheClock) {
  EXPECT_EQ(this->store().version().revision, Revision(0));
  EXPECT_EQ(this->store().version().epoch, Epoch(1767225600 + 3600));
  EXPECT_TRUE(this->list("").entries.empty());
  EXPECT_EQ(this->store().get("object/lb/1").error().code, ErrorCode::kNotFound);
}

TYPED_TEST_P(StoreContract, GrowsTheRevisionByOnePerCommitAndKeepsItOnWhatWasWritten) {
  EXPECT_EQ(this->put("object/lb/1", "a"), Revision(1));
  EXPECT_EQ(this->put("name/web", "1"), Revision(2));
  EXPECT_EQ(this->must(this->store().commit(counting("quota/lb", 1))), Revision(3));
  EXPECT_EQ(this->must(this->store().commit(deleting("object/never"))), Revision(4));
  EXPECT_EQ(this->must(this->store().get("object/lb/1")), (Entry{"object/lb/1", "a", Revision(1)}));
  EXPECT_EQ(this->store().version().revision, Revision(4));
}

TYPED_TEST_P(StoreContract, KeepsEveryByteOfKeysAndValues) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  this->put("name/'; DROP TABLE entries; --", bytes);
  this->put("name/Wehr \xc3\xa4\xff", "");
  EXPECT_EQ(this->value("name/'; DROP TABLE entries; --"), bytes);
  EXPECT_EQ(this->value("name/Wehr \xc3\xa4\xff"), "");
  EXPECT_EQ(this->list("name/").entries.size(), 2U);
}

TYPED_TEST_P(StoreContract, StoresAllOfATransactionOrNothingOfIt) {
  this->put("object/tg/1", "old");
  Transaction transaction = writing("object/tg/1", "new");
  transaction.writes.push_back({"name/web", "1"});
  transaction.counters.push_back({"quota/tg", 1, 10});
  transaction.counters.push_back({"quota/target", 5, 4});
  EXPECT_EQ(this->refused(transaction).code, ErrorCode::kQuotaExceeded);
  EXPECT_EQ(this->value("object/tg/1"), "old");
  EXPECT_EQ(this->value("name/web"), "(none)");
  EXPECT_EQ(this->value("quota/tg"), "(none)");
  EXPECT_TRUE(this->changes(Revision(1)).changes.empty());
  EXPECT_EQ(this->must(this->store().audit_rows(10)).size(), 1U);

  transaction.counters.back().amount = 4;
  EXPECT_EQ(this->must(this->store().commit(transaction)), Revision(2));
  EXPECT_EQ(this->value("object/tg/1"), "new");
  EXPECT_EQ(this->value("name/web"), "1");
  EXPECT_EQ(this->value("quota/tg"), "1");
  EXPECT_EQ(this->value("quota/target"), "4");
}

TYPED_TEST_P(StoreContract, RefusesAStaleRevisionAndNamesTheKey) {
  const Revision first = this->put("object/lb/1", "a");
  const Revision second = this->put("object/lb/1", "b");
  const Error stale = this->refused(writing_over("object/lb/1", first, "c"));
  EXPECT_EQ(stale.code, ErrorCode::kStale);
  EXPECT_EQ(stale.field, "object/lb/1");
  EXPECT_EQ(this->refused(writing_over("object/lb/2", first, "c")).code, ErrorCode::kStale);
  EXPECT_TRUE(this->store().commit(writing_over("object/lb/1", second, "c")).ok());
  EXPECT_EQ(this->value("object/lb/1"), "c");
}

TYPED_TEST_P(StoreContract, LetsAUniqueKeyBeClaimedOnceAndAgainAfterItIsGone) {
  const Transaction claim = writing_over("port/lb-1/tcp/80", Revision(0), "listener-1");
  EXPECT_TRUE(this->store().commit(claim).ok());
  const Error taken = this->refused(claim);
  EXPECT_EQ(taken.code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(taken.field, "port/lb-1/tcp/80");
  EXPECT_TRUE(this->store().commit(deleting("port/lb-1/tcp/80")).ok());
  EXPECT_TRUE(this->store().commit(claim).ok());
}

TYPED_TEST_P(StoreContract, HoldsAnExpectationOnAKeyThatItDoesNotWrite) {
  const Revision root = this->put("root/lb-1", "alive");
  Transaction below = writing("object/listener/1", "x");
  below.expectations = {{"root/lb-1", root}};
  EXPECT_TRUE(this->store().commit(below).ok());
  this->put("root/lb-1", "deleted");
  EXPECT_EQ(this->refused(below).code, ErrorCode::kStale);
}

TYPED_TEST_P(StoreContract, CountsUpToTheMaximumAndBackButNotBelowZero) {
  EXPECT_TRUE(this->store().commit(counting("quota/lb", 2, 3)).ok());
  const Error full = this->refused(counting("quota/lb", 2, 3));
  EXPECT_EQ(full.code, ErrorCode::kQuotaExceeded);
  EXPECT_EQ(full.field, "quota/lb");
  EXPECT_TRUE(this->store().commit(counting("quota/lb", 1, 3)).ok());
  EXPECT_TRUE(this->store().commit(counting("quota/lb", -1, 1)).ok())
      << "a quota lowered below its use must still let things go";
  EXPECT_EQ(this->value("quota/lb"), "2");
  EXPECT_EQ(this->refused(counting("quota/lb", -3)).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(this->store().commit(counting("quota/lb", -2)).ok());
  EXPECT_EQ(this->value("quota/lb"), "0");
}

TYPED_TEST_P(StoreContract, NeverLetsFiftyThreadsExceedAMaximum) {
  std::atomic<int> granted = 0;
  at_once(50, [&](int) {
    for (int i = 0; i < 4; ++i) {
      const auto result = this->store().commit(counting("quota/lb", 1, 77));
      if (result) ++granted;
      if (!result) EXPECT_EQ(result.error().code, ErrorCode::kQuotaExceeded);
    }
  });
  EXPECT_EQ(granted, 77);
  EXPECT_EQ(this->value("quota/lb"), "77");
  EXPECT_EQ(this->store().version().revision, Revision(77));
}

TYPED_TEST_P(StoreContract, LetsExactlyOneOfTwoWritersWinEachRevision) {
  Revision current = this->put("object/lb/1", "start");
  std::array<Result<Revision>, 2> results = {Revision(0), Revision(0)};
  const auto judge = [&]() noexcept {
    EXPECT_NE(results[0].ok(), results[1].ok());
    const Revision next = results[0] ? *results[0] : results[1].value_or(Revision(0));
    EXPECT_EQ(next, Revision(current.value + 1));
    current = next;
  };
  std::barrier round(2, judge);
  at_once(2, [&](int writer) {
    for (int i = 0; i < 1000; ++i) {
      results[static_cast<std::size_t>(writer)] =
          this->store().commit(writing_over("object/lb/1", current, std::to_string(writer)));
      round.arrive_and_wait();
    }
  });
  EXPECT_EQ(current, Revision(1001));
}

TYPED_TEST_P(StoreContract, TakesFiveHundredKeysAndRefusesOneMore) {
  Transaction transaction{.audit = kSomebody};
  for (std::size_t i = 0; i < kTransactionKeysMax; ++i) {
    const std::string key = "object/lb/" + std::to_string(i);
    transaction.expectations.push_back({key, Revision(0)});
    transaction.writes.push_back({key, "x"});
  }
  Transaction larger = transaction;
  larger.counters.push_back({"quota/lb", 1, {}});
  EXPECT_EQ(this->refused(larger).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(this->list("").entries.empty());
  EXPECT_TRUE(this->store().commit(transaction).ok());
  EXPECT_EQ(this->list("object/").entries.size(), kTransactionKeysMax);
}

TYPED_TEST_P(StoreContract, TakesOneMebibyteAndRefusesOneByteMore) {
  Transaction transaction = writing("object/lb/1", "");
  const std::size_t rest = kTransactionBytesMax - transaction_bytes(transaction);
  transaction.writes[0].value = std::string(rest + 1, 'x');
  EXPECT_EQ(this->refused(transaction).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->value("object/lb/1"), "(none)");
  transaction.writes[0].value = std::string(rest, 'x');
  EXPECT_TRUE(this->store().commit(transaction).ok());
  EXPECT_EQ(this->value("object/lb/1").size(), rest);
}

TYPED_TEST_P(StoreContract, RefusesKeysThatAreTooLongEmptyOrChangedTwice) {
  const std::string longest(kKeyBytesMax, 'k');
  EXPECT_EQ(this->refused(writing(longest + "k", "x")).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->refused(writing("", "x")).code, ErrorCode::kInvalidArgument);
  Transaction twice = writing("name/a", "1");
  twice.counters.push_back({"name/a", 1, {}});
  EXPECT_EQ(this->refused(twice).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->refused(counting("object/lb/1", 1)).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(this->list("").entries.empty());
  this->put(longest, "x");
  EXPECT_EQ(this->value(longest), "x");
}

TYPED_TEST_P(StoreContract, ListsAPrefixInOrderOfKeysWithTheRevisionOfTheStore) {
  for (const char* key : {"name/b", "object/lb/2", "object/lb/10", "object/lb/1", "object/lbx",
                          "object/lb0", "object/lb.", "port/1"}) {
    this->put(key, key);
  }
  const Listing listing = this->list("object/lb/");
  ASSERT_EQ(listing.entries.size(), 3U);
  EXPECT_EQ(listing.entries[0].key, "object/lb/1");
  EXPECT_EQ(listing.entries[1].key, "object/lb/10");
  EXPECT_EQ(listing.entries[2].key, "object/lb/2");
  EXPECT_EQ(listing.entries[2].revision, Revision(2));
  EXPECT_EQ(listing.revision, Revision(8));
  EXPECT_EQ(this->list("").entries.size(), 8U);
  EXPECT_TRUE(this->list("\xff").entries.empty());
}

TYPED_TEST_P(StoreContract, ListsPageByPageWhatListsAtOnce) {
  for (const std::string key : {"a/1", "a/2", "a/20", "a/3", "b/1"}) this->put(key, key);
  const auto page = [this](const std::string& after, std::size_t count_max) {
    std::string keys;
    for (const Entry& entry : this->must(this->store().list_page("a/", after, count_max)).entries) {
      keys += entry.key + " ";
    }
    return keys;
  };
  EXPECT_EQ(page("", 2), "a/1 a/2 ");
  EXPECT_EQ(page("a/2", 2), "a/20 a/3 ");
  EXPECT_EQ(page("a/2", 1), "a/20 ");
  EXPECT_EQ(page("a/15", 100), "a/2 a/20 a/3 ") << "after a key that is not there";
  EXPECT_EQ(page("a/3", 100), "");
  EXPECT_EQ(page("b", 100), "");
}

TYPED_TEST_P(StoreContract, ShowsReadersOneMomentWhileOthersWrite) {
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Revision seen;
      while (!done) {
        const Listing listing = this->list("object/pair/");
        EXPECT_GE(listing.revision, seen);
        seen = listing.revision;
        if (listing.entries.empty()) continue;
        ASSERT_EQ(listing.entries.size(), 2U);
        EXPECT_EQ(listing.entries[0].value, listing.entries[1].value);
        EXPECT_EQ(listing.entries[0].revision, listing.revision);
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    Transaction both = writing("object/pair/a", std::to_string(i));
    both.writes.push_back({"object/pair/b", std::to_string(i)});
    ASSERT_TRUE(this->store().commit(both).ok());
  }
  done = true;
}

TYPED_TEST_P(StoreContract, TellsChangesOfObjectsInOrderWithTombstones) {
  this->put("object/lb/1", "a");
  this->put("name/web", "1");
  Transaction several = writing("object/lb/2", "b");
  several.writes.push_back({"object/lb/0", "c"});
  several.writes.push_back({"object/never", std::nullopt});
  ASSERT_TRUE(this->store().commit(several).ok());
  ASSERT_TRUE(this->store().commit(deleting("object/lb/1")).ok());

  const Changes all = this->changes(Revision(0));
  EXPECT_EQ(all.revision, Revision(4));
  EXPECT_FALSE(all.must_relist);
  ASSERT_EQ(all.changes.size(), 4U);
  EXPECT_EQ(all.changes[0].key, "object/lb/1");
  EXPECT_EQ(all.changes[0].value, "a");
  EXPECT_EQ(all.changes[1].revision, Revision(3));
  EXPECT_EQ(all.changes[2].revision, Revision(3));
  EXPECT_EQ(all.changes[3].key, "object/lb/1");
  EXPECT_EQ(all.changes[3].value, std::nullopt);
  EXPECT_EQ(all.changes[3].before, "a");
  EXPECT_EQ(all.changes[3].revision, Revision(4));
  EXPECT_EQ(this->changes(Revision(3)).changes.size(), 1U);
  EXPECT_TRUE(this->changes(Revision(4)).changes.empty());
  EXPECT_EQ(this->changes(Revision(4)).revision, Revision(4));
}

TYPED_TEST_P(StoreContract, TellsWhatEachChangeReplaced) {
  this->put("object/lb/1", "a");
  this->put("object/lb/1", "b");
  ASSERT_TRUE(this->store().commit(deleting("object/lb/1")).ok());
  this->put("object/lb/1", "c");
  const Changes all = this->changes(Revision(0));
  ASSERT_EQ(all.changes.size(), 4U);
  EXPECT_EQ(all.changes[0].before, std::nullopt);
  EXPECT_EQ(all.changes[1].before, "a");
  EXPECT_EQ(all.changes[2].before, "b");
  EXPECT_EQ(all.changes[3].before, std::nullopt);
}

TYPED_TEST_P(StoreContract, WaitsForTheNextChangeOfAnObject) {
  this->put("object/lb/1", "a");
  Changes seen;
  {
    const std::jthread waiter(
        [&] { seen = this->must(this->store().changes_after(Revision(1), far_away())); });
    this->put("name/web", "1");
    EXPECT_TRUE(this->store().commit(deleting("object/never")).ok());
    this->put("object/lb/1", "b");
  }
  ASSERT_EQ(seen.changes.size(), 1U);
  EXPECT_EQ(seen.changes[0].value, "b");
  EXPECT_EQ(seen.revision, Revision(4));
}

TYPED_TEST_P(StoreContract, DeliversEveryChangeOnceToAReaderThatFollows) {
  constexpr int kWrites = 400;
  std::vector<std::uint64_t> revisions;
  {
    const std::jthread follower([&] {
      Revision after;
      while (revisions.size() < kWrites) {
        const Changes news = this->must(this->store().changes_after(after, far_away()));
        ASSERT_FALSE(news.must_relist);
        for (const Change& change : news.changes) revisions.push_back(change.revision.value);
        after = news.revision;
      }
    });
    at_once(2, [&](int writer) {
      for (int i = 0; i < kWrites / 2; ++i) this->put("object/w" + std::to_string(writer), "x");
    });
  }
  ASSERT_EQ(revisions.size(), static_cast<std::size_t>(kWrites));
  for (std::size_t i = 0; i < revisions.size(); ++i) EXPECT_EQ(revisions[i], i + 1);
}

TYPED_TEST_P(StoreContract, AsksAReaderThatIsTooFarBehindToListAgain) {
  const std::size_t commits = kChangesKept / kTransactionKeysMax + 1;
  for (std::size_t i = 0; i < commits; ++i) {
    Transaction transaction{.audit = kSomebody};
    for (std::size_t k = 0; k < kTransactionKeysMax; ++k) {
      transaction.writes.push_back({"object/lb/" + std::to_string(k), std::to_string(i)});
    }
    ASSERT_TRUE(this->store().commit(transaction).ok());
  }
  const Changes behind = this->changes(Revision(0));
  EXPECT_TRUE(behind.must_relist);
  EXPECT_TRUE(behind.changes.empty());
  EXPECT_EQ(behind.forgotten, Revision(1));
  EXPECT_EQ(behind.revision, Revision(commits));
  const Changes kept = this->changes(Revision(1));
  EXPECT_FALSE(kept.must_relist);
  EXPECT_EQ(kept.changes.size(), kChangesKept);
  EXPECT_TRUE(this->changes(Revision(commits + 1)).must_relist);
}

TYPED_TEST_P(StoreContract, BoundsTheBytesOfKeptChanges) {
  const std::string large(kTransactionBytesMax - 1000, 'x');
  // Each but the first counts what it replaced too.
  const std::uint64_t commits = kChangesBytesKept / (2 * large.size()) + 2;
  for (std::uint64_t i = 0; i < commits; ++i) this->put("object/lb/1", large);
  EXPECT_TRUE(this->changes(Revision(0)).must_relist);
  const Changes kept = this->changes(Revision(2));
  EXPECT_FALSE(kept.must_relist);
  EXPECT_EQ(kept.changes.size(), commits - 2);
}

TYPED_TEST_P(StoreContract, KeepsOneAuditRowPerCommitNewestFirst) {
  Transaction first = writing("object/lb/1", "a");
  first.audit = {
      .who = "local", .operation = "create lb", .object = "1", .request_id = "r-7", .result = "ok"};
  ASSERT_TRUE(this->store().commit(first).ok());
  ASSERT_TRUE(this->store().commit(counting("quota/lb", 1)).ok());
  const auto rows = this->must(this->store().audit_rows(10));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_GT(rows[0].first, rows[1].first);
  const AuditRow& oldest = rows[1].second;
  EXPECT_EQ(oldest.who, "local");
  EXPECT_EQ(oldest.operation, "create lb");
  EXPECT_EQ(oldest.object, "1");
  EXPECT_EQ(oldest.request_id, "r-7");
  EXPECT_EQ(oldest.result, "ok");
  EXPECT_EQ(utc_text(oldest.at), "2026-01-01T01:00:00Z");
  EXPECT_EQ(this->must(this->store().audit_rows(1)).size(), 1U);
}

TYPED_TEST_P(StoreContract, LetsAuditRowsGoAfterFourHundredDays) {
  for (int i = 0; i < 3; ++i) this->put("object/lb/1", "old" + std::to_string(i));
  this->stores_.clock_.advance(kAuditKept);
  this->put("object/lb/1", "in time");
  EXPECT_EQ(this->must(this->store().audit_rows(10)).size(), 4U);
  this->stores_.clock_.advance(std::chrono::hours(1));
  this->put("object/lb/1", "later");
  EXPECT_EQ(this->must(this->store().audit_rows(10)).size(), 3U);
  this->put("object/lb/1", "later still");
  const auto rows = this->must(this->store().audit_rows(10));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].first, 6U);
  EXPECT_EQ(rows[2].first, 4U);
}

TYPED_TEST_P(StoreContract, ChainsItsAuditRowsAndKeepsTheChainWholeWhenOldOnesGo) {
  for (int i = 0; i < 5; ++i) this->put("object/lb/1", std::to_string(i));
  EXPECT_TRUE(this->store().commit({.audit = kSomebody}).ok());
  const AuditPage page = this->must(this->store().audit_after(0, 10));
  ASSERT_EQ(page.rows.size(), 6U);
  AuditLink link;
  for (const auto& [number, row] : page.rows) {
    EXPECT_EQ(number, link.number + 1);
    EXPECT_EQ(row.hash, audit_hash(link.hash, number, row));
    link = {number, row.hash};
  }
  EXPECT_EQ(page.newest, link);
  EXPECT_EQ(page.trimmed, AuditLink());
  EXPECT_EQ(page.rows[0].second.change, change_digest(writing("object/lb/1", "0")));
  EXPECT_EQ(page.rows[5].second.change, "") << "a refusal writes nothing";
  EXPECT_EQ(this->must(this->store().audit_after(4, 1)).rows.at(0).first, 5U);

  this->stores_.clock_.advance(kAuditKept + std::chrono::hours(1));
  this->put("object/lb/1", "later");
  const AuditPage rest = this->must(this->store().audit_after(0, 10));
  EXPECT_EQ(rest.trimmed.number, 2U);
  EXPECT_EQ(rest.trimmed.hash, page.rows[1].second.hash);
  const AuditAnchor gone{{1, page.rows[0].second.hash}, page.rows[0].second.at, Epoch(1)};
  const AuditVerdict verdict =
      this->must(verify_audit(this->store(), std::span(&gone, 1), this->stores_.clock_.wall_now()));
  EXPECT_EQ(verdict.problems, std::vector<std::string>());
  EXPECT_EQ(verdict.first, 3U);
  EXPECT_EQ(verdict.newest, 7U);
  EXPECT_EQ(verdict.rows, 5U);
}

TYPED_TEST_P(StoreContract, TellsAuditRowsOfOneAccountAndThoseBeforeANumber) {
  for (int i = 0; i < 6; ++i) {
    Transaction transaction = writing("object/lb/1", std::to_string(i));
    transaction.audit.account = i % 2 == 0 ? "default" : "other";
    transaction.audit.source = "192.0.2.1";
    ASSERT_TRUE(this->store().commit(transaction).ok());
  }
  const auto numbers = [this](const AuditRange& range) {
    std::vector<std::uint64_t> found;
    for (const auto& [number, row] : this->must(this->store().audit_rows(range))) {
      found.push_back(number);
      EXPECT_EQ(row.source, "192.0.2.1");
    }
    return found;
  };
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(numbers({.count_max = 2}), (Numbers{6, 5}));
  EXPECT_EQ(numbers({.before = 4}), (Numbers{3, 2, 1}));
  EXPECT_EQ(numbers({.account = "other"}), (Numbers{6, 4, 2}));
  EXPECT_EQ(numbers({.count_max = 1, .before = 4, .account = "other"}), (Numbers{2}));
  EXPECT_EQ(numbers({.account = ""}), Numbers());
}

TYPED_TEST_P(StoreContract, KeepsTheAuditRowOfARefusedCallWithoutANewRevision) {
  this->put("object/lb/1", "a");
  Transaction refusal{.audit = kSomebody};
  refusal.audit.result = "refused";
  EXPECT_EQ(this->must(this->store().commit(refusal)), Revision(1));
  EXPECT_EQ(this->store().version().revision, Revision(1));
  EXPECT_EQ(this->must(this->store().audit_rows(1)).at(0).second.result, "refused");
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreContract, StartsEmptyAtRevisionZeroOfAnEpochFromTheClock,
    GrowsTheRevisionByOnePerCommitAndKeepsItOnWhatWasWritten, KeepsEveryByteOfKeysAndValues,
    StoresAllOfATransactionOrNothingOfIt, RefusesAStaleRevisionAndNamesTheKey,
    LetsAUniqueKeyBeClaimedOnceAndAgainAfterItIsGone, HoldsAnExpectationOnAKeyThatItDoesNotWrite,
    CountsUpToTheMaximumAndBackButNotBelowZero, NeverLetsFiftyThreadsExceedAMaximum,
    LetsExactlyOneOfTwoWritersWinEachRevision, TakesFiveHundredKeysAndRefusesOneMore,
    TakesOneMebibyteAndRefusesOneByteMore, RefusesKeysThatAreTooLongEmptyOrChangedTwice,
    ListsAPrefixInOrderOfKeysWithTheRevisionOfTheStore, ListsPageByPageWhatListsAtOnce,
    ShowsReadersOneMomentWhileOthersWrite, TellsChangesOfObjectsInOrderWithTombstones,
    TellsWhatEachChangeReplaced, WaitsForTheNextChangeOfAnObject,
    DeliversEveryChangeOnceToAReaderThatFollows, AsksAReaderThatIsTooFarBehindToListAgain,
    BoundsTheBytesOfKeptChanges, KeepsOneAuditRowPerCommitNewestFirst,
    LetsAuditRowsGoAfterFourHundredDays, ChainsItsAuditRowsAndKeepsTheChainWholeWhenOldOnesGo,
    TellsAuditRowsOfOneAccountAndThoseBeforeANumber,
    KeepsTheAuditRowOfARefusedCallWithoutANewRevision);

}  // namespace weir::store
