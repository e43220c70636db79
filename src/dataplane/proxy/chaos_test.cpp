// Clients and targets that do anything at any moment. What must hold: a complete answer is the
// answer to that very request, a POST reaches a target at most once, and nothing is left behind.
// The seed of a failure is printed; set WEIR_SEED to repeat it.
#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "base/random.h"
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

std::uint64_t chosen_seed() {
  const char* text = std::getenv("WEIR_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

std::string chunked(std::string_view body, Random& random) {
  std::string framed;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, 1 + random.below(body.size()));
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    framed += size + std::string(part) + "\r\n";
    body.remove_prefix(part.size());
  }
  return framed + "0\r\n\r\n";
}

/// "<id> <size>" repeated until the size is reached: whoever gets it can tell whose it is.
std::string body_for(const std::string& id, std::size_t size) {
  std::string body;
  while (body.size() < size) body += id + ";";
  body.resize(size);
  return body;
}

std::size_t some_size(Random& random) {
  static constexpr std::size_t kSizes[] = {0, 1, 10, 1000, 9000, 70'000, 400'000};
  return kSizes[random.below(std::size(kSizes))];
}

class ChaosTest : public EngineFixture {
 protected:
  /// A target that answers rightly, or breaks off in one of many ways.
  void play(const Visit& visit) {
    Random random(seed_ + 1000 + static_cast<std::uint64_t>(visit.number));
    for (;;) {
      const bool is_early = random.below(20) == 0;
      Received request;
      if (is_early) {
        request.head = visit.stream.head();
      } else {
        request = visit.stream.request();
      }
      if (request.head.empty()) return;
      if (request.method() == "POST") posted(request.target());
      if (!answer(visit.stream, request, random) || is_early) return;
    }
  }

  /// False when the connection is to end.
  bool answer(Stream& stream, const Received& request, Random& random) {
    const std::string body = body_for(request.target(), some_size(random));
    const std::uint64_t way = random.below(12);
    std::string bytes = "HTTP/1.1 200 OK\r\n";
    if (way < 3) {
      bytes += "Transfer-Encoding: chunked\r\n\r\n" + chunked(body, random);
    } else if (way < 4) {
      bytes += "\r\n" + body;  // until the end
    } else {
      bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    const std::uint64_t fault = random.below(10);
    if (fault == 0) bytes.resize(random.below(bytes.size() + 1));
    if (fault == 1) bytes.insert(0, "HTTP/1.1 103 Early Hints\r\n\r\n");
    // Until the end, there is no surplus.
    if (fault == 2 && way != 3) bytes += "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    const bool is_sent = stream.send(bytes);
    if (fault <= 1 && random.below(2) == 0) stream.reset();
    return is_sent && stream.valid() && way != 3 && fault > 2;
  }

  void posted(const std::string& id) {
    const MutexLock lock(posts_mutex_);
    EXPECT_TRUE(posts_.insert(id).second) << "sent twice: " << id << ", seed " << seed_;
  }

  /// A client that behaves for a while, or not.
  void drive(const net::Endpoint& front, int number) {
    Random random(seed_ + static_cast<std::uint64_t>(number));
    Stream client = Stream::connect(front);
    for (int i = 0; i < 80; ++i) {
      const std::string id = "/" + std::to_string(number) + "-" + std::to_string(i);
      if (!exchange(client, id, random)) client = Stream::connect(front);
    }
  }

  std::string request(const std::string& id, Random& random) {
    const std::string body(some_size(random), 'q');
    const std::string start = id + " HTTP/1.1\r\nHost: h\r\n";
    if (random.below(2) == 0) return "GET " + start + "\r\n";
    if (random.below(2) == 0) {
      return "POST " + start + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    return "POST " + start + "Transfer-Encoding: chunked\r\n\r\n" + chunked(body, random);
  }

  /// False when the connection is used up.
  bool exchange(Stream& client, const std::string& id, Random& random) {
    std::string bytes = request(id, random);
    const std::uint64_t fault = random.below(20);
    if (fault == 0) bytes.resize(random.below(bytes.size()));
    const bool is_sent = client.send(bytes);
    if (fault == 0 || fault == 1) {
      random.below(2) == 0 ? client.reset() : client.finish();
      return false;
    }
    Reply reply = client.reply();
    while (reply.status == 103) reply = client.reply();
    if (reply.complete && reply.status == 200) {
      EXPECT_TRUE(reply.body == body_for(id, reply.body.size())) << id << ", seed " << seed_;
      ++answered_;
    }
    return is_sent && reply.complete && reply.field("Connection") != "close" && reply.status == 200;
  }

  const std::uint64_t seed_ = chosen_seed();
  std::atomic<int> answered_ = 0;

 private:
  Mutex posts_mutex_;
  std::set<std::string> posts_ WEIR_GUARDED_BY(posts_mutex_);
};

TEST_F(ChaosTest, GivesEveryClientItsOwnAnswersAndLeavesNothingBehind) {
  SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed_));
  start({.workers = 2, .clock = nullptr, .limits = {}});
  ScriptedServer one([this](const Visit& visit) { play(visit); });
  ScriptedServer two([this](const Visit& visit) { play(visit); });
  const auto front = serve_http({one.endpoint(), two.endpoint()});
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) clients.emplace_back([&, i] { drive(front, i); });
  for (std::thread& client : clients) client.join();
  EXPECT_GT(answered_.load(), 100);
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
  EXPECT_TRUE(soon([&] { return sample(Metric::kTargetConnectionsActive) == 0; }));
  EXPECT_EQ(sample(Metric::kListenerConnectionsActive), 0);
}

}  // namespace
}  // namespace weir::dataplane::proxy
