// What a client of an HTTP listener sees when targets, clients or the configuration fail.
#include <array>
#include <cerrno>

#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using weir::testing::ok;

class HttpFailureTest : public EngineFixture {
 protected:
  /// Status of one GET on a connection of its own.
  static int status_of(const net::Endpoint& front, const std::string& request = get()) {
    Stream client = Stream::connect(front);
    client.send(request);
    return client.reply().status;
  }
  net::Endpoint refusing() {
    ScriptedServer dead([](const Visit&) {});
    return dead.endpoint();
  }
};

TEST_F(HttpFailureTest, Answers503WhenNoTargetIsUsable) {
  const auto front = serve_http({});
  Stream client = Stream::connect(front);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get()));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_TRUE(reply.complete);
  }
  ASSERT_TRUE(client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get()));
  EXPECT_EQ(client.reply(true).status, 503);
  EXPECT_EQ(client.reply().status, 503);
  EXPECT_EQ(failures("no_target"), 5);
}

TEST_F(HttpFailureTest, B12AnswersAgainAsSoonAsATargetIsMarkedUsable) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  const HealthMark down{key(services_["web"], 1), false, true};
  engine().mark({&down, 1});
  EXPECT_EQ(status_of(front), 503);
  const HealthMark up{key(services_["web"], 1), true, true};
  engine().mark({&up, 1});
  EXPECT_EQ(status_of(front), 200);
}

TEST_F(HttpFailureTest, B1TriesAnotherTargetOnceWhenOneRefuses) {
  start_virtual();
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({refusing(), server->endpoint()});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(status_of(front, i % 2 == 0 ? get() : post("x")), 200);
    advance(std::chrono::seconds(1));  // Until then it is passed over.
  }
  EXPECT_EQ(sample(Metric::kTargetConnectFailures, {"web", "target-1"}), 10);
  EXPECT_FALSE(connect_failures().empty());
  EXPECT_EQ(failures("connect_failed"), 0);
}

TEST_F(HttpFailureTest, Answers502WhenEveryTargetThatMayBeTriedRefuses) {
  const auto front = serve_http({refusing(), refusing(), refusing()});
  EXPECT_EQ(status_of(front), 502);
  EXPECT_EQ(failures("connect_failed"), 1);
}

TEST_F(HttpFailureTest, B7TriesAnotherTargetWhenAConnectTakesTooLong) {
  start_virtual();
  const SilentPort port;
  const auto silent = port.endpoint();
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({silent, server->endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(post("once")));
  ASSERT_TRUE(
      soon([&] { return sample(Metric::kTargetConnectionsActive, {"web", "target-1"}) == 1; }));
  advance(seconds(6));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(server->received().at(0).body, "once");
  services_["web"].targets.pop_back();
  apply();
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(
      soon([&] { return sample(Metric::kTargetConnectionsActive, {"web", "target-1"}) == 1; }));
  advance(seconds(6));
  EXPECT_EQ(client.reply().status, 504);
  EXPECT_EQ(failures("connect_timeout"), 1);
}

TEST_F(HttpFailureTest, ChoosesAgainWhenATargetIsRemovedThatHasNotTakenTheConnectionYet) {
  start_virtual();
  const SilentPort silent;
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({silent.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(
      soon([&] { return sample(Metric::kTargetConnectionsActive, {"web", "target-1"}) == 1; }));
  auto& service = services_["web"];
  service.targets = {target(2, server->endpoint())};
  add_drain(key(service, 1), {}, virtual_clock_.wall_now());
  apply();
  advance(std::chrono::seconds(1));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_TRUE(connect_failures().empty());
}

/// Answers the first request of each connection with `bytes`, then closes or resets.
ScriptedServer::Script breaks_after(std::string bytes, bool by_reset) {
  return [=](const Visit& visit) {
    visit.server.record(visit.stream.request());
    visit.stream.send(bytes);
    if (by_reset) visit.stream.reset();
  };
}

TEST_F(HttpFailureTest, B2NeverCompletesAReplyThatTheTargetCutShort) {
  const std::string whole = ok("0123456789");
  for (const bool by_reset : {false, true}) {
    for (const std::size_t size : {whole.size() - 1, whole.size() - 5, whole.size() - 10}) {
      ScriptedServer server(breaks_after(whole.substr(0, size), by_reset));
      services_.clear();
      listeners_.clear();
      const auto front = serve_http({server.endpoint()});
      Stream client = Stream::connect(front);
      ASSERT_TRUE(client.send(get()));
      const Reply reply = client.reply();
      EXPECT_EQ(reply.status, 200);
      EXPECT_FALSE(reply.complete);
      EXPECT_LT(reply.body.size(), 10);
      EXPECT_NE(client.wait_end(), Stream::End::kOpen);
      EXPECT_EQ(server.requests(), 1);
    }
  }
  EXPECT_EQ(failures("upstream_aborted"), 6);
}

TEST_F(HttpFailureTest, B2Answers502WhenTheReplyEndsWithinItsHead) {
  for (const bool by_reset : {false, true}) {
    ScriptedServer server(breaks_after("HTTP/1.1 200 OK\r\nContent-", by_reset));
    services_.clear();
    listeners_.clear();
    EXPECT_EQ(status_of(serve_http({server.endpoint()})), 502);
    EXPECT_EQ(server.requests(), 1);
  }
}

TEST_F(HttpFailureTest, B2RetriesAnIdempotentRequestThatGotNoByteOfAReply) {
  for (const bool by_reset : {false, true}) {
    ScriptedServer broken(breaks_after("", by_reset));
    auto server = ScriptedServer::named("a");
    services_.clear();
    listeners_.clear();
    const auto front = serve_http({broken.endpoint(), server->endpoint()});
    EXPECT_EQ(status_of(front), 200);
    EXPECT_EQ(status_of(front, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"), 200);
    EXPECT_EQ(server->received().back().body, "hi");
    EXPECT_EQ(broken.requests(), 2);
  }
}

TEST_F(HttpFailureTest, B3NeverInventsTheLastChunk) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body :
       {"5\r\nhello\r\n", "5\r\nhel", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\n\r"}) {
    for (const bool by_reset : {false, true}) {
      ScriptedServer server(breaks_after(head + body, by_reset));
      services_.clear();
      listeners_.clear();
      const auto front = serve_http({server.endpoint()});
      Stream client = Stream::connect(front);
      ASSERT_TRUE(client.send(get()));
      const Reply reply = client.reply();
      EXPECT_EQ(reply.status, 200);
      EXPECT_FALSE(reply.complete) << body;
    }
  }
  EXPECT_EQ(failures("upstream_aborted"), 8);
}

TEST_F(HttpFailureTest, ResetsTheClientWhenABodyUntilCloseIsReset) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send("HTTP/1.1 200 OK\r\n\r\nsome");
    visit.stream.read(1);
    visit.stream.reset();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  client.head();
  EXPECT_EQ(client.read(4), "some");
  services_["web"].targets.clear();
  add_drain(key(services_["web"], 1), {}, clock_.wall_now());
  apply();
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(HttpFailureTest, B2ResetsTheClientWhenTheEngineStopsWithinABodyUntilClose) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send("HTTP/1.1 200 OK\r\n\r\nsome");
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  client.head();
  EXPECT_EQ(client.read(4), "some");
  engine().stop(clock_.now());
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(HttpFailureTest, B2ResetsTheClientThatLeavesTheRestOfABodyUntilCloseForTheIdleTime) {
  start_virtual();
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send("HTTP/1.1 200 OK\r\n\r\n" + std::string(std::size_t{64} << 20, 'x'));
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  client.head();
  settled(Metric::kListenerBytesOut);
  advance(seconds(61));
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
  client.read_to_end();
  EXPECT_EQ(client.end(), Stream::End::kReset);
}

TEST_F(HttpFailureTest, KeepsAClientThatTakesItsAnswerSlowly) {
  start_virtual();
  send_buffer_ = 4096;
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send(ok(std::string(1 << 20, 'x')));
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  const int small = 4096;
  ASSERT_EQ(::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
  ASSERT_TRUE(client.send(get()));
  std::array<char, 2048> room;
  double taken = settled(Metric::kListenerBytesOut);
  for (int i = 0; i < 5; ++i) {
    advance(seconds(40));
    while (sample(Metric::kListenerBytesOut) == taken) {
      const auto got = ::recv(client.fd(), room.data(), room.size(), MSG_DONTWAIT);
      ASSERT_TRUE(got > 0 || (got < 0 && errno == EAGAIN)) << i;
    }
    taken = settled(Metric::kListenerBytesOut);
    ASSERT_EQ(engine().connections(), 1) << i;
  }
  EXPECT_EQ(failures("client_stalled"), 0);
}

TEST_F(HttpFailureTest, B10Answers502ToBadReplies) {
  const std::vector<std::string> replies = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 20\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 26),
      "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/1.1 200 OK\n\n",
  };
  for (const std::string& bytes : replies) {
    ScriptedServer server([&](const Visit& visit) {
      visit.stream.request();
      visit.stream.send(bytes);
      visit.stream.read_to_end();
    });
    services_.clear();
    listeners_.clear();
    EXPECT_EQ(status_of(serve_http({server.endpoint()})), 502) << bytes.substr(0, 60);
  }
  EXPECT_EQ(failures("bad_response"), static_cast<double>(replies.size()));
}

TEST_F(HttpFailureTest, B10PassesOnlyAFewInterimAnswersOn) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    for (int i = 0; i < 100; ++i) visit.stream.send("HTTP/1.1 102 Processing\r\n\r\n");
    visit.stream.send(ok("late"));
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  int interim = 0;
  Reply reply = client.reply();
  for (; reply.status == 102; reply = client.reply()) ++interim;
  EXPECT_EQ(reply.status, 502);
  EXPECT_LE(interim, kInterimMax);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"interim_answers"}), 1);
}

TEST_F(HttpFailureTest, B11SurplusBytesNeverBecomeTheNextReply) {
  const std::string surplus = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {get(), ok("good") + surplus},
      {"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + surplus},
      {get(), "HTTP/1.1 204 No Content\r\n\r\n" + surplus},
      {get(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n" + surplus},
  };
  for (const auto& [request, bytes] : cases) {
    ScriptedServer server([&](const Visit& visit) {
      while (!visit.stream.request().head.empty()) {
        if (!visit.stream.send(visit.number == 0 ? bytes : ok("fine"))) return;
      }
    });
    services_.clear();
    listeners_.clear();
    const auto front = serve_http({server.endpoint()});
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send(request));
    EXPECT_LT(client.reply(request.starts_with("HEAD")).status, 400);
    ASSERT_TRUE(client.send(get()));
    EXPECT_EQ(client.reply().body, "fine");
    EXPECT_EQ(server.connections(), 2);
  }
}

TEST_F(HttpFailureTest, B11BytesThatComeWhileIdleEndTheConnection) {
  std::atomic<bool> has_spoken = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    visit.stream.send(ok("one"));
    if (visit.number == 0) {
      visit.stream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL");
      visit.stream.wait_end();
      has_spoken = true;
    }
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().body, "one");
  ASSERT_TRUE(soon([&] { return has_spoken.load(); }));
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().body, "one");
}

TEST_F(HttpFailureTest, B16NeverFailsAnIdempotentRequestWhenKeptConnectionsAreClosed) {
  // Closes each connection right after every third answer, without a word.
  ScriptedServer server([](const Visit& visit) {
    for (int i = 0; i < 3; ++i) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      visit.server.record(request);
      visit.stream.send(ok("a"));
    }
  });
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(client.send(get()));
    ASSERT_EQ(client.reply().status, 200) << i;
  }
}

TEST_F(HttpFailureTest, B16NeverSendsAPostTwice) {
  // Takes the second request of each connection, counts it, and closes without an answer.
  ScriptedServer server([](const Visit& visit) {
    Received request = visit.stream.request();
    if (request.head.empty()) return;
    visit.server.record(request);
    visit.stream.send(ok("a"));
    request = visit.stream.request();
    if (!request.head.empty()) visit.server.record(request);
  });
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  std::map<std::string, int> answered;
  for (int i = 0; i < 200; ++i) {
    const std::string body = "id-" + std::to_string(i);
    ASSERT_TRUE(client.send(post(body)));
    const int status = client.reply().status;
    EXPECT_TRUE(status == 200 || status == 502);
    answered[body] = status;
  }
  std::map<std::string, int> seen;
  for (const Received& request : server.received()) ++seen[request.body];
  for (const auto& [body, status] : answered) {
    EXPECT_LE(seen[body], 1) << body;
    EXPECT_EQ(seen[body], 1) << body;
  }
}

TEST_F(HttpFailureTest, Answers504WhenTheTargetIsSilentForTheIdleTime) {
  start_virtual();
  ScriptedServer server([](const Visit& visit) {
    visit.server.record(visit.stream.request());
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return server.requests() == 1; }));
  advance(seconds(59));
  advance(milliseconds(1100));
  EXPECT_EQ(client.reply().status, 504);
  EXPECT_EQ(failures("response_timeout"), 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpFailureTest, EndsAResponseInWhichTheTargetFallsSilent) {
  start_virtual();
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  EXPECT_NE(client.head(), "");
  EXPECT_EQ(client.read(4), "half");
  advance(seconds(61));
  EXPECT_NE(client.wait_end(), Stream::End::kOpen);
  EXPECT_EQ(failures("upstream_stalled"), 1);
}

TEST_F(HttpFailureTest, Answers408WhenAHeadDoesNotEndInTime) {
  start_virtual();
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send("GET / HT"));
  ASSERT_TRUE(soon([&] { return sample(Metric::kListenerBytesIn) == 8; }));
  advance(milliseconds(10'100));
  EXPECT_EQ(client.reply().status, 408);
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
  EXPECT_EQ(failures("header_timeout"), 1);
}

TEST_F(HttpFailureTest, Answers408WhenTheHeadOfALaterRequestDoesNotEndInTime) {
  start_virtual();
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  const double before = sample(Metric::kListenerBytesIn);
  advance(seconds(30));
  ASSERT_TRUE(client.send("GET / HT"));
  ASSERT_TRUE(soon([&] { return sample(Metric::kListenerBytesIn) == before + 8; }));
  advance(milliseconds(10'100));
  EXPECT_EQ(client.reply().status, 408);
}

TEST_F(HttpFailureTest, Answers408WhenABodyTricklesBelowTheLeastRate) {
  start_virtual();
  ScriptedServer server([](const Visit& visit) {
    visit.server.record({visit.stream.head(), {}});
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
                          std::string(2000, 'x')));
  ASSERT_TRUE(soon([&] { return server.requests() == 1; }));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.send("x"));
  const double in = sample(Metric::kListenerBytesIn);
  ASSERT_TRUE(soon([&] { return sample(Metric::kListenerBytesIn) >= in; }));
  advance(milliseconds(10'100));
  advance(milliseconds(10'100));
  EXPECT_EQ(client.reply().status, 408);
  EXPECT_EQ(failures("body_timeout"), 1);
}

TEST_F(HttpFailureTest, ClosesAnIdleConnectionAfterTheIdleTimeOfTheListener) {
  start_virtual();
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  advance(seconds(59));
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  advance(milliseconds(60'100));
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(HttpFailureTest, ClosesIdleTargetConnectionsBeforeTheyAreOld) {
  start_virtual();
  std::atomic<bool> is_closed = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    visit.stream.send(ok("a"));
    is_closed = visit.stream.wait_end() == Stream::End::kFinished;
  });
  EXPECT_EQ(status_of(serve_http({server.endpoint()})), 200);
  advance(kUpstreamIdle + milliseconds(100));
  EXPECT_TRUE(soon([&] { return is_closed.load(); }));
}

TEST_F(HttpFailureTest, RefusesBadRequestsWithTheirStatusAndCloses) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  const std::vector<std::pair<std::string, int>> cases = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX : 1\r\n\r\n", 400},
      {"GET /" + std::string(17'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n", 431},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"\x16\x03\x01 hello tls\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : cases) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send(bytes + get()));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, status) << bytes.substr(0, 70);
    EXPECT_EQ(reply.field("Connection"), "close");
    EXPECT_EQ(client.wait_end(), Stream::End::kFinished) << bytes.substr(0, 70);
  }
  EXPECT_EQ(server->requests(), 0);
  EXPECT_EQ(failures("bad_request"), static_cast<double>(cases.size()));
  EXPECT_EQ(failures("connect_refused"), 1);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"start_line_too_long"}), 1);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"field_too_long"}), 1);
}

TEST_F(HttpFailureTest, N4RefusesABodyWithBadChunksAndPassesNoByteAfterThem) {
  ScriptedServer server([](const Visit& visit) {
    const std::string all = visit.stream.read_to_end();
    EXPECT_EQ(all.find("EVIL"), std::string::npos);
    visit.server.record({all, {}});
  });
  const auto front = serve_http({server.endpoint()});
  for (const std::string body : {"0x5\r\nEVIL!\r\n", "5 \r\nEVIL!\r\n", "5\nEVIL!\r\n",
                                 "5\r\nhelloEVIL\r\n", "+5\r\nEVIL!\r\n"}) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    ASSERT_TRUE(client.send(body));
    EXPECT_EQ(client.reply().status, 400) << body;
    EXPECT_EQ(client.wait_end(), Stream::End::kFinished) << body;
  }
}

TEST_F(HttpFailureTest, ClosesAtOnceWhenAClientLeavesInTheMiddleOfAHead) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  for (int i = 0; i < 50; ++i) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHo"));
  }
  EXPECT_TRUE(soon([&] { return sample(Metric::kListenerConnections) == 50; }));
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
  EXPECT_EQ(failures("header_timeout"), 0);
}

TEST_F(HttpFailureTest, Answers413ToABodyAboveTheLimit) {
  Limits limits;
  limits.body_size = 1000;
  start({.workers = 1, .clock = nullptr, .limits = limits});
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  EXPECT_EQ(status_of(front, post(std::string(1000, 'x'))), 200);
  EXPECT_EQ(status_of(front, post(std::string(1001, 'x'))), 413);
  EXPECT_EQ(
      status_of(front, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                           std::string(1001, 'x') + "\r\n0\r\n\r\n"),
      413);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"body_size"}), 2);
}

TEST_F(HttpFailureTest, GivesUpTheTargetWhenTheClientGoesAway) {
  std::atomic<bool> is_gone = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.server.record(visit.stream.request());
    visit.stream.wait_end();
    is_gone = true;
  });
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return server.requests() == 1; }));
  client.reset();
  EXPECT_TRUE(soon([&] { return is_gone.load(); }));
  EXPECT_EQ(failures("client_aborted"), 1);
  EXPECT_EQ(sample(Metric::kTargetConnectionsActive), 0);
}

TEST_F(HttpFailureTest, GivesUpTheTargetWhenABodyEndsTooEarly) {
  std::atomic<bool> is_gone = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.head();
    visit.stream.wait_end();
    is_gone = true;
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf"));
  client.finish();
  EXPECT_TRUE(soon([&] { return is_gone.load(); }));
  EXPECT_NE(client.wait_end(), Stream::End::kOpen);
}

}  // namespace
}  // namespace weir::dataplane::proxy
