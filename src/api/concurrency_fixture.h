// Tests with many writers at once. Only tests include it. Thread: the test's.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "api/api_fixture.h"

namespace weir::api {

inline constexpr int kWriters = 50;

class Concurrency : public ApiTest {
 protected:
  /// Runs `work(caller, number)` on so many threads that begin together.
  template <class Work>
  void together(const Work& work, int writers = kWriters) {
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i) {
      threads.emplace_back([&, i] {
        ApiCaller own = caller();
        ++ready;
        while (ready < writers) std::this_thread::yield();
        work(own, i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

}  // namespace weir::api
