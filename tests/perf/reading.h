// What the kernel says about processor time at one moment: of the processes under measurement, of
// every core, and of the generator's own core.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

struct Reading {
  std::int64_t now_ns = 0;
  std::vector<std::int64_t> process_ns;  // Run time of each watched process, over all its threads.
  std::int64_t user_ticks = 0;           // The watched processes together, in ticks of 10 ms.
  std::int64_t kernel_ticks = 0;
  std::int64_t idle_ticks = 0;  // All cores.
  std::int64_t own_idle_ticks = 0;
  std::int64_t steal_ticks = 0;
};

std::int64_t now_ns();
Reading take_reading(const std::vector<int>& processes);

}  // namespace bench
