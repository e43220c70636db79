#include "api/replay_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class ReplayGuardTest : public ::testing::Test {
 protected:
  WallTime now() const { return clock_.wall_now(); }

  SignatureClaims call(std::string key, std::string nonce, WallTime time) const {
    SignatureClaims claims;
    claims.header.access_key = std::move(key);
    claims.header.signature = std::string(64, 'a');
    claims.nonce = std::move(nonce);
    claims.time = time;
    return claims;
  }
  SignatureClaims call(std::string nonce) const { return call("AK", std::move(nonce), now()); }

  testing::VirtualClock clock_;
};

TEST_F(ReplayGuardTest, ACallIsAcceptedOnceAndRefusedWhenItComesAgain) {
  ReplayGuard guard;
  EXPECT_TRUE(guard.admit(call("n"), now()));
  const auto again = guard.admit(call("n"), now());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(guard.size(), 1U);
}

TEST_F(ReplayGuardTest, AnotherNonceKeyOrSignatureIsAnotherCall) {
  ReplayGuard guard;
  ASSERT_TRUE(guard.admit(call("n"), now()));
  EXPECT_TRUE(guard.admit(call("m"), now()));
  EXPECT_TRUE(guard.admit(call("other", "n", now()), now()));
  SignatureClaims signed_otherwise = call("n");
  signed_otherwise.header.signature = std::string(64, 'b');
  EXPECT_TRUE(guard.admit(signed_otherwise, now()));
}

TEST_F(ReplayGuardTest, ACallIsRememberedForHalfAnHourAndThenTooOld) {
  ReplayGuard guard;
  const SignatureClaims first = call("n");
  ASSERT_TRUE(guard.admit(first, now()));
  clock_.advance(minutes(29));
  EXPECT_FALSE(guard.admit(first, now()));
  clock_.advance(minutes(2));
  EXPECT_FALSE(guard.admit(first, now())) << "forgotten, but refused by its date";
  EXPECT_EQ(guard.size(), 0U);
}

TEST_F(ReplayGuardTest, ACallFromAFastClockIsRememberedAsLongAsItsDateIsGood) {
  ReplayGuard guard;
  const SignatureClaims ahead = call("AK", "n", now() + minutes(15));
  ASSERT_TRUE(guard.admit(ahead, now()));
  clock_.advance(minutes(30));
  EXPECT_FALSE(guard.admit(ahead, now()));
}

TEST_F(ReplayGuardTest, AWallClockThatIsSetBackOpensNothing) {
  ReplayGuard guard;
  const SignatureClaims first = call("n");
  const WallTime then = now();
  ASSERT_TRUE(guard.admit(first, then));
  ASSERT_TRUE(guard.admit(call("AK", "later", then + minutes(40)), then + minutes(40)));
  ASSERT_EQ(guard.size(), 1U);
  EXPECT_FALSE(guard.admit(first, then));
  EXPECT_TRUE(guard.admit(call("AK", "fresh", then + seconds(1)), then + seconds(1)));
}

TEST_F(ReplayGuardTest, WhenFullTheBusiestKeyGivesUpItsOldestSecondAndNoRepeatPasses) {
  Metrics metrics;
  ReplayGuard guard({.capacity = 10}, &metrics);
  const SignatureClaims quiet = call("quiet", "q", now());
  ASSERT_TRUE(guard.admit(quiet, now()));
  std::vector<SignatureClaims> flood;
  for (int at = 0; at < 30; ++at) {
    clock_.advance(seconds(1));
    flood.push_back(call("busy", std::to_string(at), now()));
    ASSERT_TRUE(guard.admit(flood.back(), now())) << at;
    EXPECT_LE(guard.size(), 10U);
  }
  for (const SignatureClaims& seen : flood) EXPECT_FALSE(guard.admit(seen, now()));
  EXPECT_FALSE(guard.admit(quiet, now()));
  EXPECT_TRUE(guard.admit(call("quiet", "r", quiet.time), now())) << "its window is whole";
  const auto late = guard.admit(call("busy", "late", flood.front().time), now());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kRateLimited);
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"replay_memory"}).get(), 22);
}

TEST_F(ReplayGuardTest, AFloodInOneSecondStaysInItsBound) {
  ReplayGuard guard({.capacity = 100});
  std::size_t accepted = 0;
  for (int at = 0; at < 1000; ++at) {
    accepted += guard.admit(call(std::to_string(at)), now()).ok() ? 1 : 0;
    ASSERT_LE(guard.size(), 100U);
  }
  EXPECT_EQ(accepted, 100U);
  clock_.advance(seconds(1));
  EXPECT_TRUE(guard.admit(call("next second"), now()));
}

TEST_F(ReplayGuardTest, OfManyThreadsWithOneCallOneIsAccepted) {
  ReplayGuard guard;
  constexpr int kThreads = 4;
  constexpr int kCalls = 500;
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int at = 0; at < kCalls; ++at) {
          if (guard.admit(call(std::to_string(at)), now())) ++accepted;
        }
      });
    }
  }
  EXPECT_EQ(accepted, kCalls);
}

}  // namespace
}  // namespace weir::api
