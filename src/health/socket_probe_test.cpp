#include "health/socket_probe.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "health/http_probe.h"
#include "net/socket.h"
#include "testing/virtual_clock.h"

namespace weir::health {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const net::Endpoint kAnyPort = *net::Endpoint::parse("127.0.0.1:0");

/// A server on loopback that says `greeting` on accept and `answer` after a whole request head.
class TinyServer {
 public:
  struct Script {
    std::string greeting{};
    std::string answer{};
    bool closes = false;      // after the answer
    bool resets = false;      // instead of an answer
    bool is_endless = false;  // repeats the answer while the peer takes it
  };

  TinyServer(net::EventLoop& loop, Script script)
      : loop_(loop),
        script_(std::move(script)),
        listener_(std::move(net::tcp_listen(kAnyPort)).value()) {
    loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
  }
  ~TinyServer() {
    loop_.unwatch(listener_.get());
    for (auto& [fd, connection] : connections_) loop_.unwatch(fd);
  }

  net::Endpoint endpoint() const { return *net::local_endpoint(listener_.get()); }

  std::string request;  // all bytes received
  int accepted = 0;
  int ended_by_fin = 0;
  int ended_by_reset = 0;
  std::size_t sent = 0;  // bytes
  net::Endpoint last_peer;

 private:
  void accept() {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ASSERT_TRUE(fd.valid());
    ++accepted;
    last_peer = *net::peer_endpoint(fd.get());
    say(fd.get(), script_.greeting);
    const int number = fd.get();
    connections_[number] = std::move(fd);
    loop_.watch(number, EPOLLIN, [this, number](std::uint32_t) { read(number); });
  }

  void say(int fd, const std::string& text) {
    const ssize_t size = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (size > 0) sent += static_cast<std::size_t>(size);
  }

  void read(int fd) {
    char bytes[4096];
    const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
    if (size <= 0) {
      size == 0 ? ++ended_by_fin : ++ended_by_reset;
      return end(fd);
    }
    request.append(bytes, static_cast<std::size_t>(size));
    if (request.find("\r\n\r\n") != request.npos) reply(fd);
  }

  void reply(int fd) {
    if (script_.resets) {
      const linger now{.l_onoff = 1, .l_linger = 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      return end(fd);
    }
    say(fd, script_.answer);
    if (script_.closes) return end(fd);
    if (script_.is_endless) {
      loop_.watch(fd, EPOLLOUT | EPOLLIN, [this, fd](std::uint32_t events) {
        if ((events & (EPOLLHUP | EPOLLERR | EPOLLIN)) != 0) return end(fd);
        say(fd, std::string(1000, 'a'));
      });
    }
  }

  void end(int fd) {
    loop_.unwatch(fd);
    connections_.erase(fd);
  }

  net::EventLoop& loop_;
  const Script script_;
  UniqueFd listener_;
  std::map<int, UniqueFd> connections_;
};

class SocketProbeTest : public ::testing::Test {
 protected:
  ProbeTarget target_at(const net::Endpoint& endpoint) const {
    ProbeTarget target{.endpoint = endpoint, .source = {}, .check = {}};
    target.check.http_codes = {{200, 399}};
    return target;
  }

  /// Starts a probe and turns the loop until it has ended.
  ProbeOutcome outcome_of(Probe& probe, const ProbeTarget& target) {
    std::optional<ProbeOutcome> outcome;
    probe.start(target, clock_.now() + seconds(3), [&](const ProbeOutcome& o) { outcome = o; });
    EXPECT_FALSE(outcome.has_value()) << "never from within start()";
    turn_until([&] { return outcome.has_value(); });
    return outcome.value_or(ProbeOutcome{ProbeReason::kNotRun, "it never ended"});
  }
  ProbeOutcome http_outcome(TinyServer::Script script) {
    TinyServer server(*loop_, std::move(script));
    return outcome_of(*http_, target_at(server.endpoint()));
  }

  /// Virtual time stands still; turns are bounded by real time.
  template <class Condition>
  void turn_until(Condition condition) {
    const SystemClock real;
    const Instant limit = real.now() + seconds(10);
    while (!condition() && real.now() < limit) loop_->turn(milliseconds(20));
  }

  testing::VirtualClock clock_;
  std::unique_ptr<net::EventLoop> loop_ = std::move(net::EventLoop::open(clock_)).value();
  std::unique_ptr<Probe> tcp_ = make_probe(snapshot::CheckProtocol::kTcp, *loop_);
  std::unique_ptr<Probe> http_ = make_probe(snapshot::CheckProtocol::kHttp, *loop_);
};

TEST_F(SocketProbeTest, ATcpProbeSucceedsOnAConnectionAndEndsItByFin) {
  for (const char* greeting : {"", "220 mail.example ESMTP\r\n"}) {
    TinyServer server(*loop_, {.greeting = greeting});
    EXPECT_EQ(outcome_of(*tcp_, target_at(server.endpoint())), ProbeOutcome{});
    turn_until([&] { return server.ended_by_fin + server.ended_by_reset > 0; });
    EXPECT_EQ(server.ended_by_fin, 1) << greeting;
    EXPECT_EQ(server.request, "");
  }
}

TEST_F(SocketProbeTest, NamesARefusedConnection) {
  net::Endpoint endpoint;
  {
    const auto listener = net::tcp_listen(kAnyPort);
    endpoint = *net::local_endpoint(listener->get());
  }
  for (Probe* probe : {tcp_.get(), http_.get()}) {
    const auto outcome = outcome_of(*probe, target_at(endpoint));
    EXPECT_EQ(outcome.reason, ProbeReason::kConnectFailed);
    EXPECT_EQ(outcome.detail, "Connection refused");
  }
}

TEST_F(SocketProbeTest, M56_TimesOutAtTheDeadlineWhileConnecting) {
  // A full accept queue of one: the kernel drops further attempts to connect.
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = net::socket_address(kAnyPort);
  ASSERT_EQ(bind(listener.get(), any.get(), any.size), 0);
  ASSERT_EQ(listen(listener.get(), 0), 0);
  const auto endpoint = *net::local_endpoint(listener.get());
  const auto filling = net::tcp_connect(endpoint, std::nullopt);
  ASSERT_TRUE(filling.ok());
  std::optional<ProbeOutcome> outcome;
  tcp_->start(target_at(endpoint), clock_.now() + seconds(3),
              [&](const ProbeOutcome& o) { outcome = o; });
  loop_->turn(milliseconds(20));
  clock_.advance(milliseconds(2999));
  loop_->turn(milliseconds(0));
  EXPECT_FALSE(outcome.has_value());
  clock_.advance(milliseconds(1));
  loop_->turn(milliseconds(0));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(*outcome, (ProbeOutcome{ProbeReason::kConnectTimeout, "no connection within 3 s"}));
}

TEST_F(SocketProbeTest, M65_AnHttpProbeSendsOneHeadRequestAndTakesTheStatus) {
  TinyServer server(*loop_, {.answer = "HTTP/1.0 200 OK\r\nServer: tiny\r\n\r\n"});
  EXPECT_EQ(outcome_of(*http_, target_at(server.endpoint())), ProbeOutcome{});
  EXPECT_EQ(server.request, "HEAD / HTTP/1.0\r\nUser-Agent: weir-health-check\r\n\r\n");
}

TEST_F(SocketProbeTest, NeverFollowsARedirect) {
  TinyServer elsewhere(*loop_, {.answer = "HTTP/1.0 200 OK\r\n\r\n"});
  const std::string location = "http://" + elsewhere.endpoint().text() + "/";
  EXPECT_TRUE(http_outcome({.answer = "HTTP/1.0 302 Found\r\nLocation: " + location + "\r\n\r\n"})
                  .success());
  loop_->turn(milliseconds(20));
  EXPECT_EQ(elsewhere.accepted, 0);
}

TEST_F(SocketProbeTest, SaysWhatWasWrongWithAnAnswer) {
  EXPECT_EQ(http_outcome({.answer = "HTTP/1.0 503 Busy\r\n\r\n"}),
            (ProbeOutcome{ProbeReason::kHttpCodeMismatch, "status 503"}));
  EXPECT_EQ(http_outcome({.greeting = "220 mail.example ESMTP\r\n"}).reason,
            ProbeReason::kResponseFormatError);
  EXPECT_EQ(http_outcome({.answer = "HTTP/1.0 200 OK\r\nSer", .closes = true}).reason,
            ProbeReason::kConnectInterrupt);
  EXPECT_EQ(http_outcome({.closes = true}).reason, ProbeReason::kConnectInterrupt);
  EXPECT_EQ(http_outcome({.resets = true}).reason, ProbeReason::kConnectInterrupt);
}

TEST_F(SocketProbeTest, M56_TimesOutAtTheDeadlineWhileWaitingForAnAnswer) {
  for (const char* answer : {"", "HTTP/1.0 200 OK\r\nSer"}) {
    TinyServer server(*loop_, {.answer = answer});
    std::optional<ProbeOutcome> outcome;
    http_->start(target_at(server.endpoint()), clock_.now() + seconds(3),
                 [&](const ProbeOutcome& o) { outcome = o; });
    turn_until([&] { return !server.request.empty(); });
    loop_->turn(milliseconds(20));
    EXPECT_FALSE(outcome.has_value());
    clock_.advance(seconds(3));
    loop_->turn(milliseconds(0));
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(*outcome,
              (ProbeOutcome{ProbeReason::kReceiveResponseTimeout, "no answer within 3 s"}));
  }
}

TEST_F(SocketProbeTest, StopsReadingAnEndlessAnswer) {
  TinyServer body(*loop_, {.answer = "HTTP/1.0 200 OK\r\n\r\n", .is_endless = true});
  EXPECT_TRUE(outcome_of(*http_, target_at(body.endpoint())).success());
  TinyServer head(*loop_, {.answer = "HTTP/1.0 200 OK\r\nX: ", .is_endless = true});
  EXPECT_TRUE(outcome_of(*http_, target_at(head.endpoint())).success());
  TinyServer line(*loop_, {.answer = "HTTP/1.0 200 ", .is_endless = true});
  EXPECT_EQ(outcome_of(*http_, target_at(line.endpoint())).reason,
            ProbeReason::kResponseFormatError);
}

TEST_F(SocketProbeTest, LeavesFromTheSourceAddress) {
  TinyServer server(*loop_, {});
  auto target = target_at(server.endpoint());
  target.source = net::IpAddress::parse("127.0.0.9").value();
  EXPECT_TRUE(outcome_of(*tcp_, target).success());
  turn_until([&] { return server.accepted == 1; });
  EXPECT_EQ(server.last_peer.address, *target.source);
}

TEST_F(SocketProbeTest, DoesNotBlameTheTargetForASourceAddressThatThisNodeLacks) {
  TinyServer server(*loop_, {});
  auto target = target_at(server.endpoint());
  target.source = net::IpAddress::parse("192.0.2.77").value();
  EXPECT_EQ(outcome_of(*tcp_, target).reason, ProbeReason::kNotRun);
}

TEST_F(SocketProbeTest, ACancelledProbeEndsWithoutAWord) {
  TinyServer server(*loop_, {});
  bool was_called = false;
  const auto id = http_->start(target_at(server.endpoint()), clock_.now() + seconds(3),
                               [&](const ProbeOutcome&) { was_called = true; });
  turn_until([&] { return !server.request.empty(); });
  http_->cancel(id);
  http_->cancel(id);
  clock_.advance(seconds(10));
  turn_until([&] { return server.ended_by_fin + server.ended_by_reset > 0; });
  EXPECT_FALSE(was_called);
}

TEST_F(SocketProbeTest, RunsManyProbesAtOnce) {
  TinyServer server(*loop_, {.answer = "HTTP/1.0 200 OK\r\n\r\n"});
  int succeeded = 0;
  for (int i = 0; i < 100; ++i) {
    http_->start(target_at(server.endpoint()), clock_.now() + seconds(3),
                 [&](const ProbeOutcome& outcome) { succeeded += outcome.success() ? 1 : 0; });
  }
  turn_until([&] { return succeeded == 100; });
  EXPECT_EQ(succeeded, 100);
}

}  // namespace
}  // namespace weir::health
