#include "http/client.h"

#include <atomic>
#include <thread>

#include "http/server_fixture.h"

namespace weir::http {
namespace {

class ClientTest : public ServerTest {
 protected:
  std::unique_ptr<Client> client() { return Client::open("http://" + address).value(); }
};

TEST_F(ClientTest, ExchangesSeveralTimesOnOneConnection) {
  options.metrics = &metrics;
  start();
  auto c = client();
  for (int i = 0; i < 3; ++i) {
    ClientRequest request{"POST", "/a?n=" + std::to_string(i), {{"X-A", "1"}}, "body"};
    const auto response = c->exchange(request, within(5));
    ASSERT_TRUE(response) << to_string(response.error());
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST a n=" + std::to_string(i) + " [body]");
    EXPECT_EQ(*response->header("content-type"), "text/plain");
  }
  EXPECT_EQ(metrics.value(Metric::kApiConnections).get(), 1);
}

TEST_F(ClientTest, ConnectsAnewAfterTheServerHasClosed) {
  options.limits.keep_alive_timeout = std::chrono::milliseconds(1);
  start();
  auto c = client();
  for (int i = 0; i < 20; ++i) {
    const auto response = c->exchange({}, within(5));
    ASSERT_TRUE(response) << to_string(response.error());
  }
}

TEST_F(ClientTest, ReportsThatNobodyListens) {
  start();
  server->stop(within(1));
  const auto response = client()->exchange({}, within(5));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(response.error().message.find(address), std::string::npos);
}

TEST_F(ClientTest, GivesUpAtTheDeadline) {
  std::atomic<bool> may_end{false};
  start([&](const Request& request) {
    while (!may_end) std::this_thread::yield();
    return echo(request);
  });
  const auto response =
      client()->exchange({}, std::chrono::steady_clock::now() + std::chrono::milliseconds(30));
  may_end = true;
  server.reset();  // its handler uses what this test owns
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(ClientTest, HandsOutLinesOfAStreamAsTheyCome) {
  start([](const Request&) {
    Response response;
    response.stream = [](std::unique_ptr<ResponseStream> stream) {
      stream->write("first\nsec");
      stream->write("ond\n\nlast\n");
    };
    return response;
  });
  std::vector<std::string> lines;
  const auto response = client()->stream_lines({}, within(5), [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second", "", "last"}));
}

TEST_F(ClientTest, HandsOutALineBeforeTheNextOneIsWritten) {
  std::unique_ptr<ResponseStream> open;
  std::atomic<bool> is_open{false};
  start([&](const Request&) {
    Response response;
    response.stream = [&](std::unique_ptr<ResponseStream> stream) {
      stream->write("first\n");
      open = std::move(stream);
      is_open = true;
    };
    return response;
  });
  std::vector<std::string> lines;
  const auto response = client()->stream_lines({}, within(5), [&](std::string_view line) {
    lines.emplace_back(line);
    while (!is_open) std::this_thread::yield();
    if (lines.size() == 1) open->write("second\n");
    return lines.size() < 2;
  });
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second"}));
}

TEST_F(ClientTest, EndsAStreamWhenItsReaderHasEnough) {
  start([](const Request&) {
    Response response;
    response.stream = [](std::unique_ptr<ResponseStream> stream) { stream->write("1\n2\n3\n"); };
    return response;
  });
  int seen = 0;
  EXPECT_TRUE(client()->stream_lines({}, within(5), [&](std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_F(ClientTest, ReturnsTheBodyOfARefusedStream) {
  start([](const Request&) {
    Response response;
    response.status = 404;
    response.body = "no such thing";
    return response;
  });
  const auto response =
      client()->stream_lines({}, within(5), [](std::string_view) { return true; });
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no such thing");
}

TEST_F(ClientTest, RefusesEndpointsItDoesNotUnderstand) {
  for (const char* endpoint :
       {"https://127.0.0.1", "127.0.0.1", "http://a:b", "ftp://x:1", ":80"}) {
    EXPECT_FALSE(Client::open(endpoint)) << endpoint;
  }
  EXPECT_FALSE(Client::open("weir.example:8420", "ca.pem")) << "plain HTTP is hardly meant";
}

}  // namespace
}  // namespace weir::http
