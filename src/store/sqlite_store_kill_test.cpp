// A child process writes and reports every acknowledged transaction through a pipe; it is killed at
// a random moment, and what it left must hold every one of them, whole. In a third of its lives it
// has nothing more to write then: what was answered before it was committed is surely lost there,
// so that with the mutant answer-before-commit this test must fail however slow the disk is.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "base/random.h"
#include "base/unique_fd.h"
#include "store/audit_chain.h"
#include "store/sqlite_store.h"
#include "store/store_contract.h"
#include "testing/temporary_folder.h"

namespace weir::store {
namespace {

constexpr std::uint64_t kRounds = 30;
constexpr std::uint64_t kWriters = 4;
constexpr std::array kParts = {"a", "b", "c"};
/// A life is up to this long, counted from the first acknowledged write.
constexpr std::uint64_t kLife_us = 80'000;

/// How many writes each writer makes in a life that ends at rest.
constexpr std::uint64_t kWritesBeforeRest = 5;

/// Every third life may end while the store is still being opened, every third ends at rest.
bool may_end_at_once(std::uint64_t round) { return round % 3 == 0; }
bool ends_at_rest(std::uint64_t round) { return round % 3 == 1; }

/// What the child reports; smaller than PIPE_BUF, so that writers do not mix.
struct Acknowledged {
  std::uint64_t round;
  std::uint64_t writer;
  std::uint64_t sequence;
  std::uint64_t revision;
};

std::string name_of(const Acknowledged& one) {
  return std::to_string(one.round) + "-" + std::to_string(one.writer) + "-" +
         std::to_string(one.sequence);
}

Transaction transaction_of(const Acknowledged& one) {
  const std::string name = name_of(one);
  Transaction transaction{.counters = {{"quota/kill", 1, {}}}, .audit = kSomebody};
  transaction.audit.object = name;
  for (const char* part : kParts) {
    transaction.writes.push_back({"object/kill/" + name + "/" + part, name});
  }
  return transaction;
}

[[noreturn]] void write_until_killed(const std::string& path, std::uint64_t round, int report) {
  const SystemClock clock;
  Metrics metrics;
  auto store = SqliteStore::open({path, {}}, clock, metrics);
  if (!store) std::_Exit(1);
  at_once(kWriters, [&](int writer) {
    for (Acknowledged one{round, static_cast<std::uint64_t>(writer), 0, 0};; ++one.sequence) {
      const auto revision = (*store)->commit(transaction_of(one));
      if (!revision) std::_Exit(2);
      one.revision = revision->value;
      if (::write(report, &one, sizeof one) != sizeof one) std::_Exit(3);
      while (ends_at_rest(round) && one.sequence + 1 == kWritesBeforeRest) ::pause();
    }
  });
  std::_Exit(4);
}

/// Reads reports until `deadline`, the end of the pipe or `enough` of them.
void collect(int report, Instant deadline, std::vector<Acknowledged>& all,
             std::size_t enough = SIZE_MAX) {
  while (all.size() < enough) {
    const auto left =
        std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - SystemClock().now())
            .count();
    const timespec wait{left > 0 ? left / 1'000'000'000 : 0, left > 0 ? left % 1'000'000'000 : 0};
    pollfd ready{report, POLLIN, 0};
    Acknowledged one{};
    if (::ppoll(&ready, 1, &wait, nullptr) <= 0) return;
    if (::read(report, &one, sizeof one) != sizeof one) return;
    all.push_back(one);
  }
}

/// One life of the child; returns what it acknowledged.
std::vector<Acknowledged> live_and_die(const std::string& path, std::uint64_t round,
                                       std::chrono::microseconds life) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(path, round, writing.get());
  writing.reset();
  std::vector<Acknowledged> all;
  if (!may_end_at_once(round)) {
    pollfd ready{reading.get(), POLLIN, 0};
    ::ppoll(&ready, 1, nullptr, nullptr);
  }
  if (ends_at_rest(round)) {
    collect(reading.get(), far_away(), all, kWriters * kWritesBeforeRest);
    EXPECT_EQ(all.size(), kWriters * kWritesBeforeRest);
  } else {
    collect(reading.get(), SystemClock().now() + life, all);
  }
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child failed by itself: " << WEXITSTATUS(status);
  collect(reading.get(), far_away(), all);
  return all;
}

void expect_all_acknowledged(SqliteStore& store, const std::vector<Acknowledged>& all) {
  for (const Acknowledged& one : all) {
    for (const Write& write : transaction_of(one).writes) {
      const auto entry = store.get(write.key);
      ASSERT_TRUE(entry.ok()) << "acknowledged as revision " << one.revision
                              << ", lost: " << write.key;
      ASSERT_EQ(entry->revision, Revision(one.revision));
    }
  }
}

/// Whatever is there is there with all its parts, its count, its revision and its audit row.
void expect_only_whole_transactions(SqliteStore& store) {
  std::map<std::string, std::set<Revision>> revisions;
  std::map<std::string, std::size_t> parts;
  const auto listing = store.list("object/kill/");
  ASSERT_TRUE(listing.ok());
  for (const Entry& entry : listing->entries) {
    revisions[entry.value].insert(entry.revision);
    ++parts[entry.value];
  }
  for (const auto& [name, count] : parts) ASSERT_EQ(count, kParts.size()) << name;
  for (const auto& [name, found] : revisions) ASSERT_EQ(found.size(), 1U) << name;
  const auto counter = store.get("quota/kill");
  EXPECT_EQ(counter ? counter->value : "0", std::to_string(parts.size()));
  EXPECT_EQ(store.version().revision.value, parts.size());
  const auto audit = store.audit_rows(1'000'000);
  ASSERT_TRUE(audit.ok());
  EXPECT_EQ(audit->size(), parts.size());
  for (const auto& [number, row] : *audit) ASSERT_TRUE(parts.contains(row.object)) << row.object;
  const auto chain = verify_audit(store, {}, SystemClock().wall_now());
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(chain->problems, std::vector<std::string>());
  EXPECT_EQ(chain->rows, parts.size());
}

TEST(SqliteStoreKill, LosesNoAcknowledgedWriteAndHalvesNone) {
  const char* const given = std::getenv("WEIR_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : Random().next();
  SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed));
  std::cerr << "WEIR_SEED=" << seed << "\n";
  Random random(seed);
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("weir.db");
  const SystemClock clock;
  std::vector<Acknowledged> all;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::chrono::microseconds life(random.below(kLife_us));
    const auto news = live_and_die(path, round, life);
    all.insert(all.end(), news.begin(), news.end());
    Metrics metrics;
    const auto store = SqliteStore::open({path, {}}, clock, metrics);
    ASSERT_TRUE(store.ok()) << to_string(store.error());
    ASSERT_TRUE((*store)->check_integrity().ok());
    expect_all_acknowledged(**store, news);
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
  Metrics metrics;
  const auto store = SqliteStore::open({path, {}}, clock, metrics);
  ASSERT_TRUE(store.ok());
  expect_all_acknowledged(**store, all);
  expect_only_whole_transactions(**store);
  std::cerr << all.size() << " acknowledged writes over " << kRounds << " kills\n";
  EXPECT_GE(all.size(), kRounds / 2) << "too few writes to prove anything";
}

}  // namespace
}  // namespace weir::store
