// A load generator that checks every answer: id, length and order. Prints one JSON line of what
// happened.
//   checkload [--http ADDRESS:PORT]... [--tcp ADDRESS:PORT]... [--workers N] [--requests N]
//   [--seconds S] [--rate R]
//             [--fresh PERCENT] [--long N] [--post PERCENT] [--seed N]
//             [--long-life SECONDS] [--progress FILE]
// --http/--tcp   where to send; a worker walks over all of them      --workers  connections at work
// at once (default 16)
// --requests     ends after so many (0 = no such end)                --seconds  ends after so long
// (0 = until SIGTERM)
// --rate         requests a second in all (0 = as fast as possible)  --fresh    share on a new
// connection (default 10 %)
// --long         TCP connections held open and used every 100 ms, over the TCP places in turn
// --long-http    the same with HTTP connections
// --long-life    a long connection is closed after so long and opened anew (0 = never); the first
// ends
//                of all are spread over that time
// --post         share of POST with a body (default 20 %)            --seed  of what is sent
// --progress     holds the number of right answers so far, written ten times a second
// Failures are told apart: connect (refused and the like), reset, ended,
// timeout, status (with its number), mismatch. An HTTP request on a reused connection that the
// server closed before any byte of an answer is sent again once on a new connection and counts
// as "reopened"; a second failure counts.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "net.h"

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using tools::Connection;
using tools::Outcome;

constexpr int kHeldByThread = 50;

struct Options {
  std::vector<sockaddr_in> http;
  std::vector<sockaddr_in> tcp;
  int workers = 16;
  long requests = 0;
  double seconds = 0;
  double rate = 0;
  int fresh = 10;
  int post = 20;
  int long_tcp = 0;
  int long_http = 0;
  double long_life = 0;
  unsigned seed = 1;
  std::string progress;
};

std::atomic<bool> stopping{false};
std::atomic<long> issued{0};
std::atomic<long> succeeded{0};
std::atomic<long> reopened{0};
std::atomic<std::int64_t> last_success{0};
std::atomic<std::int64_t> longest_gap{0};
std::atomic<std::int64_t> slowest{0};
std::atomic<int> long_opened{0};
std::atomic<int> long_alive{0};
std::atomic<long> long_exchanges{0};
std::atomic<long> long_requests{0};  // those of them that are HTTP
std::atomic<long> long_renewed{0};   // TCP connections that came after the first ones
std::mutex mutex;
std::map<std::string, long> failures;
std::map<std::string, long> by_target;
std::vector<std::string> first_failures;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now().time_since_epoch())
      .count();
}

void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
  std::int64_t known = most.load();
  while (value > known && !most.compare_exchange_weak(known, value)) {
  }
}

void count_success(const std::string& target, std::int64_t began) {
  succeeded.fetch_add(1);
  const std::int64_t now = now_us();
  const std::int64_t before = last_success.exchange(now);
  if (before != 0) raise(longest_gap, now - before);
  raise(slowest, now - began);
  const std::lock_guard lock(mutex);
  ++by_target[target];
}

void count_failure(const std::string& kind, const std::string& detail) {
  const std::lock_guard lock(mutex);
  ++failures[kind];
  if (first_failures.size() < 10) first_failures.push_back(kind + ": " + detail);
}

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kEnd:
      return "ended";
    case Outcome::kReset:
      return "reset";
    case Outcome::kTimeout:
      return "timeout";
  }
  return "?";
}

/// Reads one answer; empty = whole and right.
std::string read_answer(Connection& connection, const std::string& expected, std::string& target,
                        bool& got_byte) {
  std::string head;
  Outcome outcome = connection.read_until("\r\n\r\n", head, 30s);
  got_byte = outcome == Outcome::kOk;
  if (outcome != Outcome::kOk) return outcome_name(outcome);
  const auto field = [&](const char* name) {
    const auto at = head.find(name);
    if (at == std::string::npos) return std::string();
    const auto begin = at + std::strlen(name);
    return head.substr(begin, head.find("\r\n", begin) - begin);
  };
  std::string body;
  outcome = connection.read_bytes(std::strtoul(field("Content-Length: ").c_str(), nullptr, 10),
                                  body, 30s);
  if (outcome != Outcome::kOk) return outcome_name(outcome);
  if (head.compare(9, 3, "200") != 0) return "status " + head.substr(9, 3);
  target = field("X-Target: ");
  if (body.find(expected) == std::string::npos) return "mismatch";
  return "";
}

std::string request_text(const std::string& id, bool is_post, const std::string& body) {
  const std::string head =
      (is_post ? "POST /" : "GET /") + id + " HTTP/1.1\r\nHost: check.test\r\n";
  if (!is_post) return head + "\r\n";
  return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void http_exchange(Connection& connection, const sockaddr_in& to, std::mt19937& random,
                   const Options& options) {
  const std::string id = std::to_string(random()) + "-" + std::to_string(issued.load());
  const bool is_post = static_cast<int>(random() % 100) < options.post;
  const std::string body = is_post ? id + std::string(random() % 4000, 'b') : "";
  const std::string expected = is_post ? body : "/" + id;
  if (static_cast<int>(random() % 100) < options.fresh) connection.close();
  const std::int64_t began = now_us();
  for (int attempt = 0;; ++attempt) {
    const bool is_reused = connection.is_open();
    if (!is_reused) {
      if (const int error = connection.connect(to, 10s); error != 0) {
        connection.close();
        return count_failure("connect", std::strerror(error));
      }
    }
    std::string target;
    bool got_byte = false;
    const Outcome sent = connection.send_all(request_text(id, is_post, body), 30s);
    const std::string problem = sent == Outcome::kOk
                                    ? read_answer(connection, expected, target, got_byte)
                                    : outcome_name(sent);
    if (problem.empty()) return count_success(target, began);
    connection.close();
    const bool was_stale = is_reused && !got_byte && (problem == "ended" || problem == "reset");
    if (was_stale && attempt == 0) {
      reopened.fetch_add(1);
      continue;
    }
    return count_failure(problem, "request " + id + (is_post ? " POST" : " GET"));
  }
}

void tcp_exchange(const sockaddr_in& to, std::mt19937& random) {
  const std::int64_t began = now_us();
  Connection connection;
  if (const int error = connection.connect(to, 10s); error != 0) {
    return count_failure("connect", std::strerror(error));
  }
  const std::string message = std::to_string(random()) + std::string(random() % 2000, 't') + "\n";
  std::string greeting;
  std::string echo;
  Outcome outcome = connection.send_all(message, 30s);
  if (outcome == Outcome::kOk) outcome = connection.read_until("\n", greeting, 30s);
  if (outcome == Outcome::kOk) outcome = connection.read_bytes(message.size(), echo, 30s);
  if (outcome != Outcome::kOk) return count_failure(outcome_name(outcome), "tcp");
  if (echo != message) return count_failure("mismatch", "tcp");
  count_success(greeting.substr(0, greeting.size() - 1), began);
}

void work(const Options& options, int number) {
  std::mt19937 random(options.seed + static_cast<unsigned>(number));
  std::vector<Connection> connections(options.http.size());
  const std::size_t places = options.http.size() + options.tcp.size();
  auto next = Steady::now();
  for (std::size_t turn = static_cast<std::size_t>(number); !stopping.load(); ++turn) {
    if (options.requests > 0 && issued.fetch_add(1) >= options.requests) return;
    if (options.rate > 0) {
      next += std::chrono::duration_cast<Steady::duration>(
          std::chrono::duration<double>(options.workers / options.rate));
      std::this_thread::sleep_until(next);
    }
    const std::size_t place = turn % places;
    if (place < options.http.size()) {
      http_exchange(connections[place], options.http[place], random, options);
    } else {
      tcp_exchange(options.tcp[place - options.http.size()], random);
    }
  }
}

/// A connection that lasts as long as the run.
struct Held {
  Connection connection;
  bool is_http = false;
  Steady::time_point ends = Steady::time_point::max();
};

Outcome use(Held& held) {
  std::string line;
  Outcome outcome = held.connection.send_all(
      held.is_http ? "GET /held HTTP/1.1\r\nHost: check.test\r\n\r\n" : "still here\n", 10s);
  if (outcome != Outcome::kOk) return outcome;
  if (held.is_http) {
    outcome = held.connection.read_until("\r\n\r\n", line, 10s);
    if (outcome == Outcome::kOk && line.compare(9, 3, "200") != 0) return Outcome::kReset;
  }
  if (outcome == Outcome::kOk) outcome = held.connection.read_until("\n", line, 10s);
  const bool is_right = held.is_http ? line.ends_with(" /held\n") : line == "still here\n";
  return outcome == Outcome::kOk && !is_right ? Outcome::kReset : outcome;
}

bool open_held(Held& held, const Options& options, int number) {
  held.is_http = number >= options.long_tcp;
  const auto& places = held.is_http ? options.http : options.tcp;
  std::string greeting;
  return held.connection.connect(places[static_cast<std::size_t>(number) % places.size()], 10s) ==
             0 &&
         (held.is_http || held.connection.read_until("\n", greeting, 10s) == Outcome::kOk);
}

Steady::time_point after(double seconds) {
  return Steady::now() +
         std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
}

void renew(Held& held, const Options& options, int number) {
  held.connection.close();
  held.ends = after(options.long_life);
  if (!open_held(held, options, number)) {
    held.connection.close();
    long_alive.fetch_sub(1);
    return count_failure("long connect", held.is_http ? "http" : "tcp");
  }
  if (!held.is_http) long_renewed.fetch_add(1);
}

/// One exchange on each of the long connections from number `first` on.
void use_all(std::vector<Held>& all, const Options& options, int first) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    Held& held = all[i];
    if (!held.connection.is_open()) continue;
    if (Steady::now() >= held.ends) renew(held, options, first + static_cast<int>(i));
    if (!held.connection.is_open()) continue;
    const Outcome outcome = use(held);
    if (outcome == Outcome::kOk) {
      long_exchanges.fetch_add(1);
      if (held.is_http) long_requests.fetch_add(1);
      continue;
    }
    held.connection.close();
    long_alive.fetch_sub(1);
    count_failure("long " + std::string(outcome_name(outcome)), held.is_http ? "http" : "tcp");
  }
}

/// Keeps long connections number `first` to `end` in use until the run ends; each loss counts once.
void hold(const Options& options, int first, int end) {
  std::vector<Held> all(static_cast<std::size_t>(end - first));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int number = first + static_cast<int>(i);
    if (open_held(all[i], options, number)) {
      long_opened.fetch_add(1);
      long_alive.fetch_add(1);
    } else {
      all[i].connection.close();
      count_failure("long connect", "");
    }
    const int count = options.long_tcp + options.long_http;
    if (options.long_life > 0) all[i].ends = after(options.long_life * (number + 1) / count);
  }
  while (!stopping.load()) {
    use_all(all, options, first);
    std::this_thread::sleep_for(100ms);
  }
}

std::string json_map(const std::map<std::string, long>& map) {
  std::string text = "{";
  for (const auto& [key, value] : map) {
    text += (text.size() > 1 ? ",\"" : "\"") + key + "\":" + std::to_string(value);
  }
  return text + "}";
}

void print_result(double seconds) {
  const std::lock_guard lock(mutex);
  long failed = 0;
  for (const auto& [kind, count] : failures) failed += count;
  std::string firsts;
  for (const std::string& one : first_failures)
    firsts += (firsts.empty() ? "\"" : ",\"") + one + "\"";
  std::printf(
      "{\"succeeded\":%ld,\"failed\":%ld,\"failures\":%s,\"first_failures\":[%s],\"reopened\":%ld,"
      "\"by_target\":%s,\"longest_gap_ms\":%.1f,\"slowest_ms\":%.1f,\"seconds\":%.2f,"
      "\"long\":{\"opened\":%d,\"alive\":%d,\"exchanges\":%ld,"
      "\"requests\":%ld,\"renewed\":%ld}}\n",
      succeeded.load(), failed, json_map(failures).c_str(), firsts.c_str(), reopened.load(),
      json_map(by_target).c_str(), static_cast<double>(longest_gap.load()) / 1000,
      static_cast<double>(slowest.load()) / 1000, seconds, long_opened.load(), long_alive.load(),
      long_exchanges.load(), long_requests.load(), long_renewed.load());
}

void write_progress(const std::string& path) {
  const std::string fresh = path + ".new";
  std::FILE* const file = std::fopen(fresh.c_str(), "w");
  if (file == nullptr) return;
  std::fprintf(file, "%ld\n", succeeded.load());
  std::fclose(file);
  std::rename(fresh.c_str(), path.c_str());
}

/// Ends the run when its time is over and tells how far it is.
void watch(const Options& options, Steady::time_point started) {
  for (int turn = 0; !stopping.load(); ++turn) {
    const std::chrono::duration<double> elapsed = Steady::now() - started;
    if (options.seconds > 0 && elapsed.count() >= options.seconds) stopping.store(true);
    if (!options.progress.empty() && turn % 10 == 0) write_progress(options.progress);
    std::this_thread::sleep_for(10ms);
  }
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--http" || name == "--tcp") {
      const auto endpoint = tools::parse_endpoint(value);
      if (!endpoint) return false;
      (name == "--http" ? options.http : options.tcp).push_back(*endpoint);
    } else if (name == "--workers") {
      options.workers = std::atoi(value);
    } else if (name == "--requests") {
      options.requests = std::atol(value);
    } else if (name == "--seconds") {
      options.seconds = std::atof(value);
    } else if (name == "--rate") {
      options.rate = std::atof(value);
    } else if (name == "--fresh") {
      options.fresh = std::atoi(value);
    } else if (name == "--post") {
      options.post = std::atoi(value);
    } else if (name == "--long") {
      options.long_tcp = std::atoi(value);
    } else if (name == "--progress") {
      options.progress = value;
    } else if (name == "--long-life") {
      options.long_life = std::atof(value);
    } else if (name == "--seed") {
      options.seed = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    } else if (name == "--long-http") {
      options.long_http = std::atoi(value);
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && !(options.http.empty() && options.tcp.empty()) &&
         (options.long_tcp == 0 || !options.tcp.empty()) &&
         (options.long_http == 0 || !options.http.empty());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(stderr, "checkload: wrong arguments; the head of checkload.cpp lists them\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, [](int) { stopping.store(true); });
  const auto started = Steady::now();
  std::vector<std::jthread> holders;
  const int held = options.long_tcp + options.long_http;
  for (int first = 0; first < held; first += kHeldByThread) {
    holders.emplace_back(hold, std::cref(options), first, std::min(first + kHeldByThread, held));
  }
  std::vector<std::jthread> workers;
  for (int i = 0; i < options.workers; ++i) workers.emplace_back(work, std::cref(options), i);
  std::jthread timer([&] { watch(options, started); });
  workers.clear();  // joins
  stopping.store(true);
  holders.clear();
  timer.join();
  print_result(std::chrono::duration<double>(Steady::now() - started).count());
}
