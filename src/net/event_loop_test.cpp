#include "net/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "testing/virtual_clock.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Pipe() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0) {
      read_end.reset(fds[0]);
      write_end.reset(fds[1]);
    }
  }
  void put() const { EXPECT_EQ(write(write_end.get(), "x", 1), 1); }
  void take() const {
    char c;
    EXPECT_EQ(read(read_end.get(), &c, 1), 1);
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

class EventLoopTest : public ::testing::Test {
 protected:
  testing::VirtualClock clock_;
  std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::open(clock_)).value();
  std::string log_;
};

TEST_F(EventLoopTest, RunsTimersInOrderOfTimeThenOfMaking) {
  loop_->run_after(20ms, [&] { log_ += 'c'; });
  loop_->run_after(10ms, [&] { log_ += 'a'; });
  loop_->run_after(10ms, [&] { log_ += 'b'; });
  EXPECT_FALSE(loop_->turn(0ms));
  clock_.advance(9ms);
  EXPECT_FALSE(loop_->turn(0ms));
  EXPECT_EQ(log_, "");
  clock_.advance(11ms);
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_EQ(log_, "abc");
  EXPECT_FALSE(loop_->turn(0ms));
}

TEST_F(EventLoopTest, RunsATimerOfThePastAtOnceAndACancelledOneNever) {
  loop_->run_at(clock_.now() - 1h, [&] { log_ += 'a'; });
  const TimerId gone = loop_->run_after(0ms, [&] { log_ += 'x'; });
  loop_->cancel(gone);
  loop_->cancel(gone);
  loop_->cancel(0);
  loop_->turn(0ms);
  EXPECT_EQ(log_, "a");
}

TEST_F(EventLoopTest, ATimerMayCancelAnotherThatIsDueInTheSameTurn) {
  TimerId second = 0;
  loop_->run_after(1ms, [&] {
    log_ += 'a';
    loop_->cancel(second);
  });
  second = loop_->run_after(1ms, [&] { log_ += 'x'; });
  loop_->run_after(1ms, [&] { log_ += 'b'; });
  clock_.advance(1ms);
  loop_->turn(0ms);
  EXPECT_EQ(log_, "ab");
}

TEST_F(EventLoopTest, ATimerThatArmsItselfForNowRunsOncePerTurn) {
  std::function<void()> again = [&] {
    log_ += 'a';
    loop_->run_after(0ms, again);
  };
  loop_->run_after(0ms, again);
  loop_->turn(0ms);
  EXPECT_EQ(log_, "a");
  loop_->turn(0ms);
  EXPECT_EQ(log_, "aa");
}

TEST_F(EventLoopTest, CallsTheWatcherWhileTheDescriptorIsReady) {
  const Pipe pipe;
  loop_->watch(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    log_ += 'r';
  });
  EXPECT_FALSE(loop_->turn(0ms));
  pipe.put();
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_TRUE(loop_->turn(0ms));
  pipe.take();
  EXPECT_FALSE(loop_->turn(0ms));
  EXPECT_EQ(log_, "rr");
}

TEST_F(EventLoopTest, ASecondWatchReplacesEventsAndCallback) {
  const Pipe pipe;
  loop_->watch(pipe.write_end.get(), EPOLLOUT, [&](std::uint32_t) { log_ += 'x'; });
  loop_->watch(pipe.write_end.get(), EPOLLERR, [&](std::uint32_t) { log_ += 'y'; });
  EXPECT_FALSE(loop_->turn(0ms));
  loop_->watch(pipe.write_end.get(), EPOLLOUT, [&](std::uint32_t) { log_ += 'w'; });
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_EQ(log_, "w");
}

TEST_F(EventLoopTest, UnwatchInsideTheOwnCallbackKeepsWhatTheCallbackHolds) {
  const Pipe pipe;
  pipe.put();
  const std::string held(100, 'h');
  loop_->watch(pipe.read_end.get(), EPOLLIN, [this, &pipe, held](std::uint32_t) {
    loop_->unwatch(pipe.read_end.get());
    log_ = held;  // Reads memory of the callback after unwatch().
  });
  loop_->turn(0ms);
  EXPECT_EQ(log_, std::string(100, 'h'));
  EXPECT_FALSE(loop_->turn(0ms));
}

TEST_F(EventLoopTest, AnEventOfAClosedDescriptorNeverReachesANewOneWithItsNumber) {
  Pipe first;
  Pipe second;
  Pipe fresh;
  first.put();
  second.put();
  // Whichever is called first closes the other and puts an empty pipe under the other's number.
  const auto replace = [&](Pipe& other) {
    loop_->unwatch(other.read_end.get());
    ASSERT_EQ(dup3(fresh.read_end.get(), other.read_end.get(), O_CLOEXEC), other.read_end.get());
    loop_->watch(other.read_end.get(), EPOLLIN, [&](std::uint32_t) { log_ += 'x'; });
    log_ += 'a';
  };
  loop_->watch(first.read_end.get(), EPOLLIN, [&](std::uint32_t) {
    first.take();
    replace(second);
  });
  loop_->watch(second.read_end.get(), EPOLLIN, [&](std::uint32_t) {
    second.take();
    replace(first);
  });
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_EQ(log_, "a");
  EXPECT_FALSE(loop_->turn(0ms));
  fresh.put();
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_EQ(log_, "ax");
}

TEST_F(EventLoopTest, ADescriptorTheKernelRefusesIsToldToItsWatcherAsAnError) {
  loop_->watch(1'000'000, EPOLLIN,
               [&](std::uint32_t events) { log_ += events == EPOLLERR ? 'e' : 'x'; });
  EXPECT_EQ(log_, "");
  EXPECT_TRUE(loop_->turn(0ms));
  EXPECT_FALSE(loop_->turn(0ms));
  EXPECT_EQ(log_, "e");
}

TEST_F(EventLoopTest, PostedTasksRunInOrderAndWhatTheyPostRunsNextTurn) {
  loop_->post([&] {
    log_ += 'a';
    loop_->post([&] { log_ += 'c'; });
  });
  loop_->post([&] { log_ += 'b'; });
  EXPECT_TRUE(loop_->turn(1h));
  EXPECT_EQ(log_, "ab");
  EXPECT_TRUE(loop_->turn(1h));
  EXPECT_EQ(log_, "abc");
}

TEST(EventLoop, RunsTasksOfManyThreadsAndStops) {
  const SystemClock clock;
  const auto loop = std::move(EventLoop::open(clock)).value();
  constexpr int kThreads = 4;
  constexpr int kPosts = 1000;
  int ran = 0;  // Touched by the loop's thread alone.
  std::atomic<int> finished{0};
  std::vector<std::jthread> posters;
  for (int i = 0; i < kThreads; ++i) {
    posters.emplace_back([&] {
      for (int j = 0; j < kPosts; ++j) loop->post([&] { ++ran; });
      if (finished.fetch_add(1) + 1 == kThreads) loop->stop();
    });
  }
  loop->run();
  EXPECT_EQ(ran, kThreads * kPosts);
}

TEST(EventLoop, AStopBeforeRunIsNotLostAndATimerOfTheSystemClockFires) {
  const SystemClock clock;
  const auto loop = std::move(EventLoop::open(clock)).value();
  loop->stop();
  loop->run();
  bool fired = false;
  loop->run_after(2ms, [&] {
    fired = true;
    loop->stop();
  });
  loop->run();
  EXPECT_TRUE(fired);
}

}  // namespace
}  // namespace weir::net
