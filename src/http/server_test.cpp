#include "http/server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "http/client.h"
#include "http/server_fixture.h"

namespace weir::http {
namespace {

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  start();
  const std::string all = answer(
      "GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
      "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(all.find("GET a x=1 []"), std::string::npos) << all;
  EXPECT_NE(all.find("POST b [hi]"), std::string::npos) << all;
  EXPECT_NE(all.find("GET c []"), std::string::npos) << all;
}

TEST_F(ServerTest, HandsTheTargetOnAsItWasSent) {
  start([](const Request& request) {
    Response response;
    response.body = "<" + request.target + ">";
    return response;
  });
  const auto target = [&](const std::string& sent) {
    const std::string all =
        answer("GET " + sent + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    return all.substr(all.find('<'));
  };
  EXPECT_EQ(target("/a%3Ab//c/?x=%20y+z&&w"), "</a%3Ab//c/?x=%20y+z&&w>");
  EXPECT_EQ(target("/?"), "</?>");
  EXPECT_EQ(target("http://h/a?b"), "</a?b>");
  EXPECT_EQ(target("http://h?b"), "</?b>");
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  start();
  const std::string all = answer("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(all.find("Content-Length: 9"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\n")) << all;
}

TEST_F(ServerTest, RefusesALargeBodyBeforeReadingIt) {
  start();
  EXPECT_EQ(status("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n"), 413);
  EXPECT_EQ(status("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n"
                   "Expect: 100-continue\r\n\r\n"),
            413);
}

TEST_F(ServerTest, AcceptsABodyOfExactlyTheLimit) {
  options.limits.body_max = 1000;
  start();
  EXPECT_EQ(
      status("POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" +
             std::string(1000, 'x')),
      200);
}

TEST_F(ServerTest, StopsReadingAnEndlessChunkedBody) {
  options.limits.body_max = 10'000;
  options.metrics = &metrics;
  start();
  RawConnection connection(address);
  connection.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "400\r\n" + std::string(0x400, 'x') + "\r\n";
  for (int i = 0; i < 20; ++i) connection.send(chunk);
  EXPECT_TRUE(connection.read_all().starts_with("HTTP/1.1 413"));
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"body"}).get(), 1);
}

TEST_F(ServerTest, RefusesAContentEncoding) {
  start();
  EXPECT_EQ(status("POST /a HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n"
                   "Content-Length: 2\r\n\r\nxx"),
            415);
}

TEST_F(ServerTest, AsksForTheBodyOfAClientThatWaits) {
  start();
  RawConnection connection(address);
  connection.send(
      "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_TRUE(connection.read_until("100 Continue\r\n\r\n"));
  connection.send("ok");
  EXPECT_NE(connection.read_all().find("[ok]"), std::string::npos);
}

TEST_F(ServerTest, RefusesAHostThatIsNotItsOwn) {
  options.host_allowed = [](std::string_view host) { return host == "weir.example"; };
  start();
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: weir.example:80\r\nConnection: close\r\n\r\n"), 200);
}

TEST_F(ServerTest, UsesTheGivenFormForItsOwnRefusals) {
  options.refusal = [](int status, std::string_view message) {
    Response response;
    response.body = std::to_string(status) + "|" + std::string(message);
    return response;
  };
  start();
  EXPECT_NE(answer("BAD\r\n\r\n").find("400|malformed request: "), std::string::npos);
}

TEST_F(ServerTest, ClosesAConnectionThatSendsNoWholeRequestInTime) {
  options.limits.read_timeout = std::chrono::milliseconds(50);
  options.metrics = &metrics;
  start();
  EXPECT_EQ(answer(""), "");
  EXPECT_EQ(answer("GET / HT"), "");
  EXPECT_EQ(answer("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx"), "");
  // The client sees the end before the server has counted; one without a byte is not counted.
  const MetricValue& counted = metrics.value(Metric::kApiLimitReached, {"request_time"});
  const Instant deadline = SystemClock().now() + std::chrono::seconds(20);
  while (counted.get() < 2 && SystemClock().now() < deadline) std::this_thread::yield();
  EXPECT_EQ(counted.get(), 2);
}

TEST_F(ServerTest, ClosesAnIdleConnectionAfterTheKeepAliveTime) {
  options.limits.keep_alive_timeout = std::chrono::milliseconds(50);
  start();
  EXPECT_TRUE(answer("GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, ClosesConnectionsBeyondItsCap) {
  options.limits.connections_max = 1;
  options.metrics = &metrics;
  start();
  RawConnection first(address);
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(first.read_until("200 OK"));
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"connections"}).get(), 1);
}

TEST_F(ServerTest, ServesAUnixSocketThatOnlyItsOwnerMayOpen) {
  const std::string path = ::testing::TempDir() + "weir-" + std::to_string(::getpid()) + ".sock";
  options.listen = {"unix:" + path};
  options.host_allowed = [](std::string_view) { return false; };
  auto started = Server::start(options, [](const Request& request) {
    Response response;
    response.body = request.is_local_socket && request.is_loopback ? "local" : "remote";
    return response;
  });
  ASSERT_TRUE(started) << to_string(started.error());
  struct stat file{};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  auto client = Client::open("unix:" + path).value();
  EXPECT_EQ(client->exchange({}, within(5)).value().body, "local");
  EXPECT_FALSE(Server::start(options, echo)) << "the path is in use";
  (*started)->stop(within(1));
  EXPECT_NE(::stat(path.c_str(), &file), 0) << "the file is left behind";
}

TEST_F(ServerTest, ReplacesAStaleUnixSocketFile) {
  const std::string path = ::testing::TempDir() + "stale-" + std::to_string(::getpid()) + ".sock";
  {
    FILE* file = std::fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fclose(file);
  }
  options.listen = {"unix:" + path};
  EXPECT_TRUE(Server::start(options, echo));
}

TEST_F(ServerTest, ReportsAnAddressItCannotUse) {
  start();
  ServerOptions second;
  second.listen = {address};
  EXPECT_EQ(Server::start(second, echo).error().code, ErrorCode::kUnavailable);
  second.listen = {"nonsense"};
  EXPECT_EQ(Server::start(second, echo).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ServerTest, RunsHandlersBesideEachOther) {
  std::atomic<int> inside{0};
  start([&](const Request& request) {
    ++inside;
    const Instant limit = within(10);
    while (inside < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    return echo(request);
  });
  RawConnection first(address);
  RawConnection second(address);
  first.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  second.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(first.read_until("GET 1"));
  EXPECT_TRUE(second.read_until("GET 2"));
  EXPECT_EQ(inside, 2);
}

TEST_F(ServerTest, LetsARunningRequestEndWhenItStops) {
  std::atomic<bool> is_running{false};
  std::atomic<bool> may_end{false};
  start([&](const Request& request) {
    is_running = true;
    while (!may_end) std::this_thread::yield();
    return echo(request);
  });
  RawConnection idle(address);
  RawConnection busy(address);
  busy.send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n");
  while (!is_running) std::this_thread::yield();
  std::thread stopper([&] { server->stop(within(10)); });
  EXPECT_EQ(idle.read_all(), "");
  may_end = true;
  EXPECT_NE(busy.read_all().find("GET busy"), std::string::npos);
  stopper.join();
  EXPECT_FALSE(RawConnection(address).is_connected());
}

class StreamTest : public ServerTest {
 protected:
  Handler streaming() {
    return [this](const Request&) {
      Response response;
      response.stream = [this](std::unique_ptr<ResponseStream> stream) {
        const MutexLock lock(mutex);
        writer = std::move(stream);
        changed.notify_all();
      };
      return response;
    };
  }
  std::unique_ptr<ResponseStream> take_writer() {
    const MutexLock lock(mutex);
    while (!writer && changed.wait_until(mutex, within(10))) {
    }
    return std::move(writer);
  }

  Mutex mutex;
  Condition changed;
  std::unique_ptr<ResponseStream> writer WEIR_GUARDED_BY(mutex);
};

constexpr std::string_view kGet = "GET /watch HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(StreamTest, SendsWhatAnotherThreadWrites) {
  start(streaming());
  RawConnection reader(address);
  reader.send(kGet);
  auto stream = take_writer();
  ASSERT_TRUE(stream);
  EXPECT_TRUE(reader.read_until("Transfer-Encoding: chunked"));
  EXPECT_TRUE(stream->write("one\n"));
  EXPECT_TRUE(reader.read_until("4\r\none\n\r\n"));
  EXPECT_TRUE(stream->write("two\n"));
  EXPECT_TRUE(reader.read_until("4\r\ntwo\n\r\n"));
  stream.reset();
  EXPECT_TRUE(reader.read_until("0\r\n\r\n"));
}

TEST_F(StreamTest, TellsTheWriterThatTheReaderIsGone) {
  start(streaming());
  std::unique_ptr<ResponseStream> stream;
  {
    RawConnection reader(address);
    reader.send(kGet);
    stream = take_writer();
  }
  ASSERT_TRUE(stream);
  const Instant limit = within(10);
  while (stream->is_open() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_FALSE(stream->is_open());
  EXPECT_FALSE(stream->write("x"));
}

TEST_F(StreamTest, DropsAReaderThatDoesNotRead) {
  options.limits.stream_queue_max = 100'000;
  options.metrics = &metrics;
  start(streaming());
  RawConnection reader(address);
  reader.send(kGet);
  auto stream = take_writer();
  ASSERT_TRUE(stream);
  int written = 0;
  for (; written < 100'000 && stream->write(std::string(10'000, 'x')); ++written) {
  }
  EXPECT_LT(written, 100'000);
  EXPECT_FALSE(stream->is_open());
}

TEST_F(StreamTest, EndsStreamsWhenItStopsAndTheWriterMayOutliveIt) {
  start(streaming());
  RawConnection reader(address);
  reader.send(kGet);
  auto stream = take_writer();
  ASSERT_TRUE(stream);
  server->stop(within(10));
  EXPECT_FALSE(stream->is_open());
  server.reset();
  EXPECT_FALSE(stream->write("late"));
}

/// Open descriptors of this process that a program it starts would inherit, but for the first
/// three.
int inherited_sockets() {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename().string());
    struct stat file{};
    if (::fstat(descriptor, &file) != 0 || !S_ISSOCK(file.st_mode) || descriptor <= 2) continue;
    found += (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  return found;
}

TEST_F(ServerTest, LetsNoStartedProgramInheritItsSockets) {
  const int before = inherited_sockets();
  std::atomic<int> during = -1;
  start([&](const Request& request) {
    during = inherited_sockets();
    return echo(request);
  });
  EXPECT_EQ(status("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
  EXPECT_EQ(during, before);
}

}  // namespace
}  // namespace weir::http
