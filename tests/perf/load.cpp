// Load, and what it cost, as one JSON line.
//   bench_load ADDRESS:PORT... --connections N --bytes N [--fresh] [--ends-first] [--rate R]
//     --warmup S --seconds S [--watch PID]...  runs for so long and reads processor time at both
//                                              ends of the measured part
//     --requests N                             ends after so many answers, or two minutes
//     --hold                                   one answer on each connection, prints the count,
//                                              holds them until its input ends
#include <cstdio>
#include <cstring>

#include "generator.h"
#include "reading.h"

namespace {

using bench::Generator;
using bench::Reading;

struct Options {
  bench::Load load;
  double warmup = 0;
  double seconds = 0;
  std::int64_t requests = 0;
  bool is_holding = false;
  std::vector<int> processes;
};

/// Chosen because 2 000 requests under callgrind take a tenth of it.
constexpr double kPatienceSeconds = 120;

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

/// False for a word that is none of ours. `value`: the word after it.
bool take_word(Options& options, std::string_view word, const char* value, int& used) {
  used = 1;
  if (word == "--fresh") return options.load.is_fresh = true;
  if (word == "--ends-first") return options.load.ends_first = true;
  if (word == "--hold") return options.is_holding = true;
  used = 2;
  if (value == nullptr) return false;
  if (word == "--connections") return (options.load.connections = std::atoi(value)) > 0;
  if (word == "--bytes") return (options.load.body_bytes = std::strtoul(value, nullptr, 10)) > 0;
  if (word == "--rate") return (options.load.rate = std::atof(value)) >= 0;
  if (word == "--warmup") return (options.warmup = std::atof(value)) >= 0;
  if (word == "--seconds") return (options.seconds = std::atof(value)) >= 0;
  if (word == "--requests") return (options.requests = std::atoll(value)) > 0;
  if (word == "--watch") return options.processes.push_back(std::atoi(value)), true;
  return false;
}

bool parse(int argc, char** argv, Options& options) {
  int first = 1;
  for (; first < argc && std::string_view(argv[first]).substr(0, 2) != "--"; ++first) {
    const auto to = bench::parse_endpoint(argv[first]);
    if (!to) return false;
    options.load.to.push_back(*to);
  }
  if (options.load.to.empty()) return false;
  for (int i = first, used = 0; i < argc; i += used) {
    if (!take_word(options, argv[i], i + 1 < argc ? argv[i + 1] : nullptr, used)) return false;
  }
  return true;
}

std::int64_t sum(const std::vector<std::int64_t>& values) {
  std::int64_t all = 0;
  for (const auto value : values) all += value;
  return all;
}

void print_count(const Generator& generator, const bench::Count& from) {
  const bench::Count& now = generator.count();
  std::printf("\"done\": %lld, \"failed\": %lld, \"reopened\": %lld, \"first_failure\": \"%s\"",
              static_cast<long long>(now.done - from.done),
              static_cast<long long>(now.failed - from.failed),
              static_cast<long long>(now.reopened - from.reopened),
              generator.first_failure().c_str());
}

void print(const Generator& generator, const bench::Count& from, const Reading& before,
           const Reading& after) {
  constexpr double kTick = 0.01;  // Seconds; USER_HZ is 100 on every Linux.
  const double seconds = static_cast<double>(after.now_ns - before.now_ns) / 1e9;
  std::printf("{\"seconds\": %.6f, \"cpu_seconds\": %.9f, ", seconds,
              static_cast<double>(sum(after.process_ns) - sum(before.process_ns)) / 1e9);
  const auto ticks = [](std::int64_t a, std::int64_t b) {
    return static_cast<double>(b - a) * kTick;
  };
  std::printf("\"user_seconds\": %.2f, \"kernel_seconds\": %.2f, ",
              ticks(before.user_ticks, after.user_ticks),
              ticks(before.kernel_ticks, after.kernel_ticks));
  std::printf("\"idle_seconds\": %.2f, \"own_idle_share\": %.4f, \"steal_seconds\": %.2f, ",
              ticks(before.idle_ticks, after.idle_ticks),
              ticks(before.own_idle_ticks, after.own_idle_ticks) / seconds,
              ticks(before.steal_ticks, after.steal_ticks));
  std::printf("\"p50_us\": %.0f, \"p99_us\": %.0f, ", generator.latency_us(0.5),
              generator.latency_us(0.99));
  print_count(generator, from);
  std::printf("}\n");
}

void measure(const Options& options) {
  Generator generator(options.load);
  generator.run(bench::now_ns() + nanoseconds(options.warmup));
  generator.forget_latencies();
  const Reading before = bench::take_reading(options.processes);
  const bench::Count from = generator.count();
  generator.run(bench::now_ns() + nanoseconds(options.seconds));
  print(generator, from, before, bench::take_reading(options.processes));
}

void count_requests(const Options& options) {
  Generator generator(options.load);
  generator.run(bench::now_ns() + nanoseconds(kPatienceSeconds), options.requests);
  std::printf("{");
  print_count(generator, {});
  std::printf("}\n");
}

/// Many connections that have each carried one answer, and then nothing.
void hold(Options options) {
  options.load.is_once = true;
  Generator generator(options.load);
  generator.run(bench::now_ns() + nanoseconds(kPatienceSeconds), options.load.connections);
  std::printf("{");
  print_count(generator, {});
  std::printf("}\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "bench_load: the head of its source lists the flags\n");
    return 2;
  }
  if (options.is_holding) {
    hold(options);
  } else if (options.requests > 0) {
    count_requests(options);
  } else {
    measure(options);
  }
}
