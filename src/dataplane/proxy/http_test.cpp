// What a client and a server of an HTTP listener see when nothing goes wrong.
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using weir::testing::ok;

class HttpTest : public EngineFixture {};

/// Answers each request with `answer`, keep-alive.
ScriptedServer::Script always(std::string answer) {
  return [answer = std::move(answer)](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      visit.server.record(request);
      if (!visit.stream.send(answer)) return;
    }
  };
}

std::string chunked(const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    body += size + part + "\r\n";
  }
  return body + "0\r\n\r\n";
}

TEST_F(HttpTest, AnswersARequestWithWhatTheTargetSaid) {
  ScriptedServer server(always(ok("hello", "X-Mine: 1\r\n")));
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get("/path?q=1")));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.field("X-Mine"), "1");
  EXPECT_EQ(server.received().at(0).target(), "/path?q=1");
  EXPECT_EQ(server.received().at(0).field("Host"), "www.example.org");
}

TEST_F(HttpTest, KeepsBothSidesAlive) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.send(get()));
    const Reply reply = client.reply();
    ASSERT_EQ(reply.body, "a");
    EXPECT_EQ(reply.field("Connection"), "");
  }
  EXPECT_EQ(server->connections(), 1);
  EXPECT_EQ(sample(Metric::kListenerConnections, {"front"}), 1);
  EXPECT_EQ(sample(Metric::kListenerRequests, {"front", "2xx", "http1"}), 100);
  EXPECT_EQ(sample(Metric::kTargetRequests, {"web", "target-1"}), 100);
  EXPECT_EQ(sample(Metric::kTargetUp, {"web", "target-1"}), 1);
}

TEST_F(HttpTest, DropsAndCountsFieldsThatAServerMightTakeForForwardingOnes) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(
      client.send("GET / HTTP/1.1\r\nHost: www.example.org\r\n"
                  "X_Forwarded_For: 203.0.113.7\r\nX_Mine: 1\r\n\r\n"));
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(server->received().at(0).field("X_Forwarded_For"), "");
  EXPECT_EQ(server->received().at(0).field("X_Mine"), "1");
  EXPECT_EQ(sample(Metric::kListenerFieldsDropped, {"front", "underscore"}), 1);
}

TEST_F(HttpTest, SharesIdleTargetConnectionsBetweenClients) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  for (int i = 0; i < 20; ++i) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send(get()));
    ASSERT_EQ(client.reply().body, "a");
  }
  EXPECT_EQ(server->connections(), 1);
}

TEST_F(HttpTest, AnswersPipelinedRequestsInOrder) {
  ScriptedServer server([](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty() || !visit.stream.send(ok(request.target() + request.body))) return;
    }
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  std::string all;
  for (int i = 0; i < 50; ++i) all += i % 2 == 0 ? get("/" + std::to_string(i)) : post("body");
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(client.reply().body, i % 2 == 0 ? "/" + std::to_string(i) : "/inbody");
  }
}

TEST_F(HttpTest, AnswersPipelinedRequestsOfAClientThatHasClosedItsSide) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send(get() + get() + get()));
  client.finish();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(HttpTest, TakesAHeadThatComesByteByByte) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  for (const char c : get()) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.reply().body, "a");
}

TEST_F(HttpTest, PassesALongHeadOn) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  std::string fields;
  for (int i = 0; i < 4; ++i)
    fields += "X-Long-" + std::to_string(i) + ": " + std::string(15'000, 'l') + "\r\n";
  ASSERT_TRUE(client.send(get("/", fields)));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(server->received().at(0).field("X-Long-3"), std::string(15'000, 'l'));
}

TEST_F(HttpTest, CarriesBodiesOfEveryFramingAndSizeInBothDirections) {
  ScriptedServer server([](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      const bool is_chunked = !request.field("Transfer-Encoding").empty();
      const std::string answer = is_chunked
                                     ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                           chunked({request.body, "tail"})
                                     : ok(request.body);
      if (!visit.stream.send(answer)) return;
    }
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  for (const std::size_t size :
       {1U, 100U, 8191U, 8192U, 65535U, 65536U, 65537U, 200000U, 3000000U}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i % 26);
    ASSERT_TRUE(client.send(post(body)));
    ASSERT_TRUE(client.reply().body == body) << size;
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            chunked({body.substr(0, size / 2 + 1), "!"})));
    const Reply reply = client.reply();
    ASSERT_EQ(reply.field("Transfer-Encoding"), "chunked");
    ASSERT_TRUE(reply.complete);
    ASSERT_TRUE(reply.body == body.substr(0, size / 2 + 1) + "!tail") << size;
  }
}

TEST_F(HttpTest, HoldsBackATargetWhoseClientIsSlow) {
  const std::string large(64 << 20, 'x');
  ScriptedServer server(always(ok(large)));
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return sample(Metric::kListenerBytesOut) > 0; }));
  const Reply reply = client.reply();
  EXPECT_TRUE(reply.body == large);
}

TEST_F(HttpTest, HoldsBackAClientWhoseTargetIsSlow) {
  const std::string large(64 << 20, 'u');
  std::atomic<bool> may_read = false;
  ScriptedServer server([&](const Visit& visit) {
    const std::string head = visit.stream.head();
    while (!may_read.load()) std::this_thread::yield();
    const std::string body = visit.stream.read(std::size_t{64} << 20);
    visit.stream.send(ok(std::to_string(body.size())));
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  std::thread sender([&] { client.send(post(large)); });
  const double before = settled(Metric::kListenerBytesIn);
  EXPECT_LT(before, 32e6);
  may_read.store(true);
  sender.join();
  EXPECT_EQ(client.reply().body, std::to_string(64 << 20));
}

TEST_F(HttpTest, AnswersHeadWithoutABody) {
  ScriptedServer server([](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      visit.server.record(request);
      visit.stream.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    }
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
    const Reply reply = client.reply(true);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("Content-Length"), "1234");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, PassesOnResponsesWithoutBody) {
  for (const std::string status : {"204 No Content", "304 Not Modified"}) {
    ScriptedServer server(always("HTTP/1.1 " + status + "\r\n\r\n"));
    services_.clear();
    listeners_.clear();
    Stream client = Stream::connect(serve_http({server.endpoint()}));
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(client.send(get()));
      EXPECT_EQ(client.reply().status, std::stoi(status));
    }
    EXPECT_EQ(server.connections(), 1) << status;
  }
}

TEST_F(HttpTest, PassesAnExpectationOnAndTheContinueBack) {
  ScriptedServer server([](const Visit& visit) {
    const std::string head = visit.stream.head();
    EXPECT_NE(head.find("Expect: 100-continue"), std::string::npos);
    visit.stream.send("HTTP/1.1 100 Continue\r\n\r\n");
    visit.stream.send(ok(visit.stream.read(4)));
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.reply().status, 100);
  ASSERT_TRUE(client.send("body"));
  EXPECT_EQ(client.reply().body, "body");
}

TEST_F(HttpTest, PassesARefusalOfAnExpectationOnAndCloses) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.head();
    visit.stream.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.status, 417);
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(HttpTest, PassesInterimAnswersOnButNotToHttp10) {
  ScriptedServer server(always("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("x")));
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().status, 103);
  EXPECT_EQ(client.reply().status, 200);
  Stream old = Stream::connect(front);
  ASSERT_TRUE(old.send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(old.reply().status, 200);
}

TEST_F(HttpTest, B4GivesAnEarlyAnswerToAClientThatIsStillSending) {
  const std::string answer =
      "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.head();
    visit.stream.send(answer);
  });
  const auto front = serve_http({server.endpoint()});
  const std::string megabyte(1 << 20, 'x');
  for (int round = 0; round < 5; ++round) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n"));
    // A client that reads only after it has sent all it can.
    for (int i = 0; i < 100 && client.send(megabyte); ++i) {
    }
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 413);
    EXPECT_EQ(reply.body, "big");
    EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
  }
  EXPECT_EQ(sample(Metric::kListenerRequests, {"front", "5xx"}), 0);
}

TEST_F(HttpTest, EndsABodyUntilCloseByClosing) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.request();
    visit.stream.send("HTTP/1.1 200 OK\r\n\r\n" + std::string(300'000, 'c'));
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.body.size(), 300'000);
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.field("Connection"), "close");
}

TEST_F(HttpTest, ServesHttp10Clients) {
  ScriptedServer server(
      always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked({"ab", "cd"})));
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\n\r\n"));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.body, "abcd");
  EXPECT_EQ(reply.field("Transfer-Encoding"), "");
  EXPECT_EQ(client.end(), Stream::End::kFinished);
  // The target is asked with HTTP/1.1 all the same, under the VIP's name.
  EXPECT_NE(server.received().at(0).head.find("GET / HTTP/1.1\r\n"), std::string::npos);
  EXPECT_EQ(server.received().at(0).field("Host"), front.text());
}

TEST_F(HttpTest, KeepsAnHttp10ConnectionAliveOnlyWhenAsked) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.body, "a");
    EXPECT_EQ(reply.field("Connection"), "keep-alive");
  }
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(HttpTest, ClosesWhenTheClientAsksForIt) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send(get("/", "Connection: close\r\n")));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.body, "a");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(HttpTest, TunnelsAfterAnUpgradeThatTheTargetAccepted) {
  ScriptedServer server([](const Visit& visit) {
    const std::string head = visit.stream.head();
    EXPECT_NE(head.find("Upgrade: websocket"), std::string::npos);
    visit.stream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
        "websocket\r\n\r\nfirst");
    for (std::string bytes = visit.stream.read_some(); !bytes.empty();
         bytes = visit.stream.read_some()) {
      visit.stream.send("<" + bytes + ">");
    }
  });
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get("/chat", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early"));
  EXPECT_EQ(client.reply().status, 101);
  EXPECT_EQ(client.read(5), "first");
  EXPECT_EQ(client.read(7), "<early>");
  ASSERT_TRUE(client.send("more"));
  EXPECT_EQ(client.read(6), "<more>");
  EXPECT_EQ(engine().connections(), 1);
  EXPECT_EQ(sample(Metric::kTargetConnectionsActive), 1);
  client.finish();
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
  EXPECT_EQ(sample(Metric::kTargetConnectionsActive), 0);
}

TEST_F(HttpTest, N14OpensNoTunnelWithout101AndNoneThatNobodyAskedFor) {
  ScriptedServer server([](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      visit.stream.send(request.target() == "/plain"
                            ? ok("no")
                            : "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                              "Upgrade: websocket\r\n\r\n");
    }
  });
  const auto front = serve_http({server.endpoint()});
  Stream refused = Stream::connect(front);
  ASSERT_TRUE(refused.send(get("/plain", "Connection: Upgrade\r\nUpgrade: websocket\r\n")));
  EXPECT_EQ(refused.reply().body, "no");
  Stream surprised = Stream::connect(front);
  ASSERT_TRUE(surprised.send(get("/other")));
  EXPECT_EQ(surprised.reply().status, 502);
}

TEST_F(HttpTest, M42_M43_TellsTheTargetTheAddressOfTheClientAlways) {
  auto server = ScriptedServer::named("a");
  Stream client = Stream::connect(serve_http({server->endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  ASSERT_TRUE(client.send(get("/", "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: wrong\r\n")));
  ASSERT_EQ(client.reply().status, 200);
  EXPECT_EQ(server->received().at(0).field("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(server->received().at(1).field("X-Forwarded-For"), "10.1.1.1, 127.0.0.1");
  // Not chosen: passes as the client sent it.
  EXPECT_EQ(server->received().at(1).field("X-Forwarded-Proto"), "wrong");
  EXPECT_EQ(server->received().at(0).field("X-Forwarded-Proto"), "");
}

TEST_F(HttpTest, M44_ReachesTheTargetFromASourceAddressOfTheNode) {
  std::atomic<bool> is_right = false;
  ScriptedServer server([&](const Visit& visit) {
    is_right = visit.stream.peer().address.text() == "127.0.0.77";
    visit.stream.request();
    visit.stream.send(ok("x"));
  });
  add_service("web", snapshot::Protocol::kHttp, {server.endpoint()}).source_addresses = {
      *net::IpAddress::parse("127.0.0.77")};
  Stream client = Stream::connect(add_listener("front", "web").endpoint);
  apply();
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  EXPECT_TRUE(is_right);
}

TEST_F(HttpTest, M47_M48_M49_M50_M51_SetsEveryCombinationOfTheChosenFields) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  Stream client = Stream::connect(front);
  for (unsigned chosen = 0; chosen < 32; ++chosen) {
    auto& fields = services_["web"].forwarded;
    fields = {(chosen & 1) != 0, (chosen & 2) != 0, (chosen & 4) != 0, (chosen & 8) != 0,
              (chosen & 16) != 0};
    apply();
    ASSERT_TRUE(client.send(get("/", "X-Forwarded-Port: 1\r\nX-Forwarded-LBIP: 9.9.9.9\r\n")));
    ASSERT_EQ(client.reply().status, 200);
    const Received seen = server->received().back();
    EXPECT_EQ(seen.field("X-Forwarded-Proto"), fields.proto ? "http" : "");
    EXPECT_EQ(seen.field("X-Forwarded-Port"), fields.port ? std::to_string(front.port) : "1");
    EXPECT_EQ(seen.field("X-Forwarded-Host"),
              fields.host ? "www.example.org:" + std::to_string(front.port) : "");
    EXPECT_EQ(seen.field("X-Forwarded-LBIP"), fields.vip ? "127.0.0.1" : "9.9.9.9");
    EXPECT_EQ(seen.field("X-Forwarded-Client-Port"),
              fields.client_port ? std::to_string(client.local().port) : "");
    EXPECT_EQ(seen.count("X-Forwarded-Port"), 1);
  }
}

}  // namespace
}  // namespace weir::dataplane::proxy
