// The table of bonds by itself: time, bounds, and two threads that meet.
#include "dataplane/proxy/persistence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir::dataplane::proxy {
namespace {

using std::chrono::seconds;

net::IpAddress address(std::uint32_t number) { return net::IpAddress::v4(0x0A000000 + number); }

Bond bond(std::uint64_t tenure) { return {tenure, Slot(static_cast<std::uint16_t>(tenure))}; }

bool always(const Bond&) { return true; }
bool never(const Bond&) { return false; }

class PersistenceTest : public ::testing::Test {
 protected:
  BondClock at(int second, seconds lifetime = seconds(1440)) const {
    return {start_ + seconds(second), lifetime};
  }

  const Instant start_ = Instant{} + std::chrono::hours(10);
};

TEST_F(PersistenceTest, M40_TheTimeOfABondStartsAgainWithEachConnection) {
  const Persistence table(1);
  table.bind(address(1), bond(7), at(0), always);
  EXPECT_EQ(table.renew(address(1), at(1439), always), bond(7));
  EXPECT_EQ(table.renew(address(1), at(1439 + 1439), always), bond(7));
  EXPECT_EQ(table.renew(address(1), at(1439 + 1439 + 1440), always), std::nullopt);
}

TEST_F(PersistenceTest, M40_AnotherLifetimeHoldsForBondsThatExist) {
  const Persistence table(1);
  table.bind(address(1), bond(7), at(0), always);
  EXPECT_EQ(table.peek(address(1), at(60, seconds(60))), std::nullopt);
  EXPECT_EQ(table.peek(address(1), at(60, seconds(61))), bond(7));
  EXPECT_EQ(table.peek(address(1), at(60, seconds(3600))), bond(7));
}

TEST_F(PersistenceTest, LookingAtABondDoesNotLengthenIt) {
  const Persistence table(1);
  table.bind(address(1), bond(7), at(0), always);
  EXPECT_EQ(table.peek(address(1), at(1439)), bond(7));
  EXPECT_EQ(table.peek(address(1), at(1440)), std::nullopt);
}

TEST_F(PersistenceTest, ABondThatHoldsNoMoreIsReplaced) {
  const Persistence table(1);
  table.bind(address(1), bond(7), at(0), always);
  EXPECT_EQ(table.renew(address(1), at(1), never), std::nullopt);
  EXPECT_EQ(table.bind(address(1), bond(8), at(1), never), bond(8));
  EXPECT_EQ(table.renew(address(1), at(2), always), bond(8));
}

TEST_F(PersistenceTest, TheFirstOfTwoThatBindAnAddressWins) {
  const Persistence table(1);
  EXPECT_EQ(table.bind(address(1), bond(7), at(0), always), bond(7));
  EXPECT_EQ(table.bind(address(1), bond(8), at(0), always), bond(7));
}

TEST_F(PersistenceTest, ForgetsTheAddressSeenLongestAgoWhenItIsFull) {
  constexpr std::uint32_t kMax = 64 * 16;
  const Persistence table(1, kMax);
  for (std::uint32_t i = 0; i < 4 * kMax; ++i) {
    table.bind(address(i), bond(1 + i), at(static_cast<int>(i / 64)), always);
    // This one comes again and again.
    table.bind(address(0), bond(1), at(static_cast<int>(i / 64)), always);
  }
  EXPECT_LE(table.size(at(0)), kMax);
  EXPECT_EQ(table.size(at(0)) + table.evictions(), 4 * kMax);
  EXPECT_EQ(table.peek(address(0), at(64)), bond(1));
  EXPECT_EQ(table.peek(address(4 * kMax - 1), at(64)), bond(4 * kMax));
  EXPECT_EQ(table.peek(address(1), at(64)), std::nullopt);
}

TEST_F(PersistenceTest, StaysAsLargeAsTheClientsOfOneLifetime) {
  const Persistence table(1);
  std::size_t largest = 0;
  for (int second = 0; second < 1000; ++second) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      const std::uint32_t number = static_cast<std::uint32_t>(second) * 100 + i;
      table.bind(address(number), bond(1 + number), at(second, seconds(10)), always);
      // What a connection does first.
      table.renew(address(number), at(second, seconds(10)), always);
    }
    // A lifetime that never ends drops nothing.
    if (second % 100 == 99) largest = std::max(largest, table.size(at(second, seconds(100'000))));
  }
  EXPECT_LE(largest, 1500u);
  EXPECT_EQ(table.size(at(2000, seconds(10))), 0u);
  EXPECT_EQ(table.evictions(), 0u);
}

TEST_F(PersistenceTest, GivesItsMemoryBackAndFindsWhatIsLeft) {
  KeptRoom room(100'000);
  {
    const Persistence table(1, kKeptAddressesMax, room);
    for (std::uint32_t i = 0; i < 50'000; ++i) {
      table.bind(address(i), bond(1 + i), at(static_cast<int>(i / 500)), always);
    }
    EXPECT_EQ(room.taken(), 50'000u);
    EXPECT_EQ(table.size(at(100, seconds(10))), 4'500u);
    EXPECT_EQ(room.taken(), 4'500u);
    for (std::uint32_t i = 0; i < 50'000; ++i) {
      const auto wanted = i < 45'500 ? std::nullopt : std::optional(bond(1 + i));
      ASSERT_EQ(table.peek(address(i), at(100, seconds(10))), wanted) << i;
    }
    for (std::uint32_t i = 50'000; i < 60'000; ++i) {
      table.bind(address(i), bond(1 + i), at(100), always);
      ASSERT_EQ(table.renew(address(i), at(100), always), bond(1 + i));
    }
    EXPECT_EQ(table.size(at(100)), 14'500u);
    EXPECT_EQ(table.size(at(1000, seconds(10))), 0u);
    EXPECT_EQ(room.taken(), 0u);
    table.bind(address(1), bond(7), at(1000), always);
  }
  EXPECT_EQ(room.taken(), 0u);
}

TEST_F(PersistenceTest, AllTablesTogetherKeepWithinTheRoomOfTheProcess) {
  KeptRoom room(1000);
  const Persistence first(1, kKeptAddressesMax, room);
  const Persistence second(2, kKeptAddressesMax, room);
  for (std::uint32_t i = 0; i < 900; ++i) first.bind(address(i), bond(1 + i), at(0), always);
  for (std::uint32_t i = 0; i < 5'000; ++i) second.bind(address(i), bond(1 + i), at(1), always);
  EXPECT_LE(room.taken(), 1000u + 64) << "a part that remembers nobody gets room for one";
  EXPECT_EQ(first.size(at(1)), 900u) << "who has room keeps it";
  EXPECT_EQ(second.size(at(1)) + second.evictions(), 5'000u);
  EXPECT_EQ(second.peek(address(4'999), at(1)), bond(5'000));
}

TEST_F(PersistenceTest, FindsEveryAddressWhateverCameAndWentBetween) {
  const Persistence table(7);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    table.bind(address(i), bond(1 + i), at(static_cast<int>(i / 100)), always);
  }
  // The first half runs out here.
  EXPECT_EQ(table.size(at(200, seconds(101))), 10'000u);
  for (std::uint32_t i = 20'000; i < 30'000; ++i) {
    table.bind(address(i), bond(1 + i), at(200), always);
  }
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    const auto wanted = i < 10'000 ? std::nullopt : std::optional(bond(1 + i));
    ASSERT_EQ(table.peek(address(i), at(201)), wanted) << i;
  }
}

TEST_F(PersistenceTest, ThreadsThatBindTheSameAddressesAgreeOnEach) {
  const Persistence table(1, 64 * 1024);
  constexpr std::uint32_t kAddresses = 2000;
  constexpr std::uint64_t kThreads = 4;
  std::atomic<bool> may_start = false;
  std::vector<std::vector<Bond>> seen(kThreads);
  std::vector<std::thread> threads;
  for (std::uint64_t me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      while (!may_start.load()) std::this_thread::yield();
      for (std::uint32_t i = 0; i < kAddresses; ++i) {
        const auto kept = table.renew(address(i), at(0), always);
        seen[me].push_back(kept ? *kept : table.bind(address(i), bond(1 + me), at(0), always));
      }
    });
  }
  may_start = true;
  for (std::thread& thread : threads) thread.join();
  for (std::uint64_t me = 1; me < kThreads; ++me) EXPECT_EQ(seen[me], seen[0]);
  EXPECT_EQ(table.size(at(0)), kAddresses);
}

}  // namespace
}  // namespace weir::dataplane::proxy
