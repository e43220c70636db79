// Opens many flows, from as many client addresses and ports as wanted, and says which target each
// reached. Prints one JSON line {"targets":{NAME:N},"failed":N,"flows":[["ADDRESS:PORT","NAME"]…]}.
//   flowload --http|--tcp ADDRESS:PORT [--count N] [--wave N] [--from ADDRESS] [--sources N]
//            [--port N] [--delay MS] [--keep 1] [--flows 1]
// --count    flows in all (default 1000)
// --wave     flows that are open at the same time (default 1); the next wave begins when all of one
//            have been answered and closed
// --from     first client address (default: the kernel's choice); --sources: how many addresses
//            follow each other, used in turn (default 1)
// --port     client port of the first flow, the next has the next port (default: the kernel's
//            choice)
// --delay    milliseconds an HTTP target waits with its answer
// --keep 1   HTTP: requests follow each other on `wave` connections; else every flow is a new one
// --flows 1  lists the flows
#include <signal.h>

#include <cstdio>
#include <map>
#include <thread>
#include <vector>

#include "net.h"

namespace {

using namespace std::chrono_literals;
using tools::Connection;
using tools::Outcome;

struct Options {
  sockaddr_in to{};
  bool is_http = false;
  long count = 1000;
  long wave = 1;
  std::optional<sockaddr_in> from;
  long sources = 1;
  long port = 0;
  long delay = 0;
  bool keeps = false;
  bool lists_flows = false;
};

struct Result {
  std::map<std::string, long> targets;
  long failed = 0;
  std::vector<std::pair<std::string, std::string>> flows;
};

sockaddr_in source_of(const Options& options, long number) {
  sockaddr_in source{};
  source.sin_family = AF_INET;
  if (options.from) {
    source.sin_addr.s_addr = htonl(ntohl(options.from->sin_addr.s_addr) +
                                   static_cast<std::uint32_t>(number % options.sources));
  }
  if (options.port != 0) {
    source.sin_port = htons(static_cast<std::uint16_t>(options.port + number / options.sources));
  }
  return source;
}

bool open_flow(Connection& connection, const Options& options, long number) {
  const sockaddr_in source = source_of(options, number);
  const bool is_bound = options.from || options.port != 0;
  return connection.connect(options.to, 10s, is_bound ? &source : nullptr) == 0;
}

bool ask(Connection& connection, const Options& options) {
  const std::string text = options.is_http ? "GET /delay/" + std::to_string(options.delay) +
                                                 " HTTP/1.1\r\nHost: flow.test\r\n\r\n"
                                           : "";
  return connection.send_all(text, 10s) == Outcome::kOk;
}

/// Name of the target that answers; empty when something went wrong.
std::string answer(Connection& connection, const Options& options) {
  std::string text;
  if (options.is_http) {
    if (connection.read_until("\r\n\r\n", text, 30s) != Outcome::kOk) return "";
    if (text.compare(9, 3, "200") != 0) return "";
  }
  // The greeting of a TCP target, the body of an HTTP one: its name comes first.
  if (connection.read_until("\n", text, 30s) != Outcome::kOk) return "";
  return text.substr(0, text.find_first_of(" \n"));
}

std::string own_end(const Connection& connection) {
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  char text[INET_ADDRSTRLEN] = "?";
  if (getsockname(connection.fd(), reinterpret_cast<sockaddr*>(&own), &size) == 0) {
    inet_ntop(AF_INET, &own.sin_addr, text, sizeof(text));
  }
  return std::string(text) + ":" + std::to_string(ntohs(own.sin_port));
}

void run_wave(std::vector<Connection>& wave, const Options& options, long first, Result& result) {
  for (std::size_t i = 0; i < wave.size(); ++i) {
    const bool is_ready = (options.keeps && wave[i].is_open()) ||
                          open_flow(wave[i], options, first + static_cast<long>(i));
    if (!is_ready || !ask(wave[i], options)) wave[i].close();
  }
  for (Connection& connection : wave) {
    const std::string target = connection.is_open() ? answer(connection, options) : "";
    if (target.empty()) {
      ++result.failed;
      connection.close();
      continue;
    }
    ++result.targets[target];
    if (options.lists_flows) result.flows.emplace_back(own_end(connection), target);
  }
  if (options.keeps) return;
  for (Connection& connection : wave) connection.reset();
}

Result run(const Options& options) {
  Result result;
  std::vector<Connection> wave(static_cast<std::size_t>(std::min(options.wave, options.count)));
  for (long first = 0; first < options.count; first += options.wave) {
    run_wave(wave, options, first, result);
  }
  return result;
}

void print(const Result& result) {
  std::string text = "{\"targets\":{";
  for (const auto& [name, count] : result.targets) {
    text += (text.back() == '{' ? "\"" : ",\"") + name + "\":" + std::to_string(count);
  }
  text += "},\"failed\":" + std::to_string(result.failed) + ",\"flows\":[";
  for (const auto& [client, target] : result.flows) {
    text += (text.back() == '[' ? "[\"" : ",[\"") + client + "\",\"" + target + "\"]";
  }
  std::puts((text + "]}").c_str());
}

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  const std::map<std::string, long*> numbers{{"--count", &options.count},
                                             {"--wave", &options.wave},
                                             {"--sources", &options.sources},
                                             {"--port", &options.port},
                                             {"--delay", &options.delay}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--http" || name == "--tcp") {
      const auto endpoint = tools::parse_endpoint(argv[i + 1]);
      if (!endpoint) return std::nullopt;
      options.to = *endpoint;
      options.is_http = name == "--http";
    } else if (name == "--from") {
      options.from = tools::parse_endpoint(std::string(argv[i + 1]) + ":0");
    } else if (name == "--keep") {
      options.keeps = std::string(argv[i + 1]) == "1";
    } else if (name == "--flows") {
      options.lists_flows = std::string(argv[i + 1]) == "1";
    } else if (const auto found = numbers.find(name); found != numbers.end()) {
      *found->second = std::atol(argv[i + 1]);
    } else {
      return std::nullopt;
    }
  }
  const bool is_whole = argc % 2 == 1 && options.to.sin_port != 0 && options.count > 0 &&
                        options.wave > 0 && options.sources > 0 &&
                        (options.is_http || !options.keeps);
  return is_whole ? std::optional(options) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "flowload: wrong arguments; the head of flowload.cpp lists them\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  print(run(*options));
}
