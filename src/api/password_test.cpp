// What is stored of passwords, and which are taken.
#include "api/password.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "api/password_pool.h"

namespace weir::api {
namespace {

/// Less than is ever stored, so that a test does not wait.
constexpr PasswordCost kCheap{.passes = 1, .kibibytes = 64, .lanes = 1};

TEST(Password, IsKnownByItsHashAlone) {
  const std::string hash = hash_password("correct horse battery").value();
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
  EXPECT_TRUE(is_password("correct horse battery", hash).value());
  EXPECT_FALSE(is_password("correct horse batterY", hash).value());
  EXPECT_FALSE(is_password("", hash).value());
  EXPECT_FALSE(is_password("correct horse battery", "nonsense").value());
  EXPECT_NE(hash_password("same", kCheap).value(), hash_password("same", kCheap).value())
      << "each has a salt of its own";
}

TEST(Password, AHashThatCostsLessInAnyWayIsWeaker) {
  EXPECT_FALSE(is_weaker("$argon2id$v=19$m=19456,t=2,p=1$x$y"));
  EXPECT_FALSE(is_weaker("$argon2id$v=19$m=65536,t=3,p=4$x$y"));
  for (const char* hash :
       {"$argon2id$v=19$m=9216,t=4,p=1$x$y", "$argon2id$v=19$m=19456,t=1,p=1$x$y",
        "$argon2id$v=16$m=19456,t=2,p=1$x$y", "$argon2i$v=19$m=19456,t=2,p=1$x$y", "",
        "$2y$10$x"}) {
    EXPECT_TRUE(is_weaker(hash)) << hash;
  }
  EXPECT_TRUE(is_weaker(hash_password("x", kCheap).value()));
}

TEST(Password, NobodysCostsAsMuchToTryAsAnyOther) {
  EXPECT_FALSE(is_weaker(hash_of_nobody()));
  const auto time_of = [](const std::string& hash) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(is_password("not this one", hash).value());
    return std::chrono::steady_clock::now() - begin;
  };
  const std::string hash = hash_password("correct horse battery").value();
  EXPECT_GT(time_of(hash_of_nobody()) * 10, time_of(hash)) << "a malformed hash takes no time";
}

TEST(Password, IsLongAndNoRepetition) {
  EXPECT_EQ(check_password("correct horse battery", "ann"), "");
  EXPECT_EQ(check_password("пароль-пароль", "ann"), "") << "characters, not bytes";
  EXPECT_EQ(check_password("ann-ann-ann-wins", "ann"), "");
  EXPECT_EQ(check_password("short", "ann"), "must have at least 12 characters");
  EXPECT_EQ(check_password("парольпарол", "ann"), "must have at least 12 characters");
  EXPECT_EQ(check_password(std::string(257, 'x') + "y", "ann"), "must have at most 256 bytes");
  EXPECT_NE(check_password("correct\nhorse\nbattery", "ann"), "");
  EXPECT_NE(check_password(std::string(20, 'x'), "ann"), "");
  EXPECT_NE(check_password("administrator1", "administrator"), "");
}

/// Counts what becomes of it.
class CountedReply final : public http::Reply {
 public:
  CountedReply(std::atomic<int>& sent, std::atomic<int>& ended) : sent_(sent), ended_(ended) {}
  ~CountedReply() override { ++ended_; }
  void send(http::Response response) override { sent_ += response.status; }

 private:
  std::atomic<int>& sent_;
  std::atomic<int>& ended_;
};

class PasswordPoolTest : public ::testing::Test {
 protected:
  static http::Response answer() { return {}; }
  std::unique_ptr<http::Reply> reply() { return std::make_unique<CountedReply>(sent, ended); }

  Metrics metrics;
  std::atomic<int> sent = 0;
  std::atomic<int> ended = 0;
};

TEST_F(PasswordPoolTest, AnswersEachOfThem) {
  PasswordPool pool(metrics, {.threads = 2, .queue_max = 100});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pool.post(answer, reply()), nullptr);
  while (ended < 100) std::this_thread::yield();
  EXPECT_EQ(sent, 100 * 200);
}

TEST_F(PasswordPoolTest, GivesBackWhatIsTooMuchAndGivesUpWhatIsLeftAtTheEnd) {
  {
    PasswordPool pool(metrics, {.threads = 0, .queue_max = 1});
    EXPECT_EQ(pool.post(answer, reply()), nullptr);
    EXPECT_NE(pool.post(answer, reply()), nullptr);
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"password_queue"}).get(), 1);
  }
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(sent, 0);
}

}  // namespace
}  // namespace weir::api
