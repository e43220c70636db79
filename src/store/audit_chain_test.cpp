#include "store/audit_chain.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::store {
namespace {

const WallTime kNow = WallTime(std::chrono::seconds(1767225600));

/// A page of `count` rows that begins behind `trimmed`.
AuditPage whole_page(std::uint64_t count, const AuditLink& trimmed = {}) {
  AuditPage page{{}, trimmed, trimmed};
  for (std::uint64_t i = 0; i < count; ++i) {
    AuditRow row{.who = "key-1", .operation = "create lb", .result = "ok", .at = kNow};
    const std::uint64_t number = page.newest.number + 1;
    row.hash = audit_hash(page.newest.hash, number, row);
    page.newest = {number, row.hash};
    page.rows.emplace_back(number, std::move(row));
  }
  return page;
}

std::vector<std::string> problems_of(const AuditPage& page,
                                     const std::vector<AuditAnchor>& anchors = {}) {
  AuditCheck check(anchors, kNow);
  EXPECT_TRUE(check.take(page));
  EXPECT_FALSE(check.take({{}, page.trimmed, page.newest}));
  return check.verdict().problems;
}

TEST(AuditChain, EveryPartOfARowCountsForItsHash) {
  const AuditRow row{.who = "a", .at = kNow};
  std::vector<std::string> hashes = {audit_hash("", 1, row), audit_hash("x", 1, row),
                                     audit_hash("", 2, row)};
  for (std::string AuditRow::* part :
       {&AuditRow::who, &AuditRow::account, &AuditRow::source, &AuditRow::operation,
        &AuditRow::object, &AuditRow::request_id, &AuditRow::result, &AuditRow::change}) {
    AuditRow other = row;
    other.*part += "b";
    hashes.push_back(audit_hash("", 1, other));
  }
  AuditRow later = row;
  later.at += std::chrono::milliseconds(1);
  hashes.push_back(audit_hash("", 1, later));
  AuditRow newer = row;
  newer.revision = Revision(1);
  hashes.push_back(audit_hash("", 1, newer));
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

TEST(AuditChain, PartsThatRunTogetherAreNotTheSameRow) {
  const AuditRow left{.who = "ab", .account = "c"};
  const AuditRow right{.who = "a", .account = "bc"};
  EXPECT_NE(audit_hash("", 1, left), audit_hash("", 1, right));
}

TEST(AuditChain, TheDigestOfAChangeTellsDeletionsValuesAndCountersApart) {
  const Transaction put{.writes = {{"a", "1"}}, .audit = {}};
  const Transaction empty{.writes = {{"a", ""}}, .audit = {}};
  const Transaction gone{.writes = {{"a", std::nullopt}}, .audit = {}};
  const Transaction count{.counters = {{"a", 1, {}}}, .audit = {}};
  std::vector<std::string> digests = {change_digest(put), change_digest(empty), change_digest(gone),
                                      change_digest(count)};
  std::ranges::sort(digests);
  EXPECT_EQ(std::ranges::adjacent_find(digests), digests.end());
  EXPECT_EQ(change_digest({.audit = {.who = "a"}}), "");
}

TEST(AuditChain, AWholeChainHasNoProblemWhereverItBegins) {
  EXPECT_TRUE(problems_of(whole_page(5)).empty());
  EXPECT_TRUE(problems_of(whole_page(5, {41, "any"})).empty());
}

TEST(AuditChain, NamesTheFirstProblemsAndCountsTheRest) {
  AuditPage page = whole_page(150);
  for (auto& [number, row] : page.rows) row.who = "somebody else";
  AuditCheck check({}, kNow);
  check.take(page);
  check.take({{}, {}, page.newest});
  EXPECT_EQ(check.verdict().problems.size(), kAuditProblemsMax);
  EXPECT_EQ(check.verdict().problems_total, 150U);
  EXPECT_FALSE(check.verdict().is_whole());
}

TEST(AuditChain, ARowThatWentOnlyForItsAgeMayBeMissed) {
  const AuditPage page = whole_page(3, {10, "hash of 10"});
  const AuditAnchor old{{9, "hash of 9"}, kNow - kAuditKept - std::chrono::hours(1), Epoch(1)};
  EXPECT_TRUE(problems_of(page, {old}).empty());
  const AuditAnchor young{{9, "hash of 9"}, kNow - std::chrono::hours(1), Epoch(1)};
  EXPECT_EQ(problems_of(page, {young}),
            std::vector<std::string>{
                "row 9 was noted outside of the store and has gone before its time"});
  const AuditAnchor last{{10, "another"}, kNow, Epoch(1)};
  EXPECT_EQ(problems_of(page, {last}),
            std::vector<std::string>{"row 10 is not the one that was noted outside of the store"});
}

}  // namespace
}  // namespace weir::store
