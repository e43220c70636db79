#include "reading.h"

#include <dirent.h>
#include <sched.h>
#include <time.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace bench {
namespace {

std::string text_of(const std::string& path) {
  char text[8192];
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return {};
  const std::size_t size = std::fread(text, 1, sizeof(text), file);
  std::fclose(file);
  return {text, size};
}

/// The first figure of schedstat is run time in ns, exact where stat counts ticks.
std::int64_t run_ns_of(int process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  DIR* folder = opendir(tasks.c_str());
  std::int64_t sum = 0;
  while (const dirent* entry = folder == nullptr ? nullptr : readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    sum += std::atoll(text_of(tasks + "/" + entry->d_name + "/schedstat").c_str());
  }
  if (folder != nullptr) closedir(folder);
  return sum;
}

void add_ticks_of(int process, Reading& reading) {
  const std::string text = text_of("/proc/" + std::to_string(process) + "/stat");
  const auto after_name = text.rfind(')');
  long long user = 0;
  long long kernel = 0;
  // Source: proc(5): after the name come state and ten figures, then utime and stime.
  if (after_name == std::string::npos ||
      std::sscanf(text.c_str() + after_name + 1,
                  " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld", &user, &kernel) != 2) {
    return;
  }
  reading.user_ticks += user;
  reading.kernel_ticks += kernel;
}

void add_cores(Reading& reading) {
  const std::string text = text_of("/proc/stat");
  static const std::string own = "cpu" + std::to_string(sched_getcpu()) + " ";
  for (std::size_t at = 0; text.compare(at, 3, "cpu") == 0; at = text.find('\n', at) + 1) {
    long long idle = 0;
    long long waiting = 0;
    long long steal = 0;
    if (std::sscanf(text.c_str() + at, "%*s %*s %*s %*s %lld %lld %*s %*s %lld", &idle, &waiting,
                    &steal) != 3) {
      continue;
    }
    if (text[at + 3] == ' ') {
      reading.idle_ticks = idle + waiting;
      reading.steal_ticks = steal;
    } else if (text.compare(at, own.size(), own) == 0) {
      reading.own_idle_ticks = idle + waiting;
    }
  }
}

}  // namespace

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

Reading take_reading(const std::vector<int>& processes) {
  Reading reading;
  for (const int process : processes) {
    reading.process_ns.push_back(run_ns_of(process));
    add_ticks_of(process, reading);
  }
  add_cores(reading);
  reading.now_ns = now_ns();
  return reading;
}

}  // namespace bench
