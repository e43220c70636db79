// An exchange is not a connection: a codec that carries two exchanges on one connection passes
// through the same pool and the same exchanges as HTTP/1. Its protocol: every message of a stream
// travels in frames "<stream> <size>\n<bytes>", and within a stream stands an HTTP/1.1 request or
// response.
#include <map>
#include <thread>

#include "dataplane/proxy/engine_fixture.h"
#include "dataplane/proxy/worker_fixture.h"
#include "http/h1_parser.h"

namespace weir::dataplane::proxy {
namespace {

using Kind = UpstreamEvent::Kind;

std::string frame(StreamId stream, std::string_view bytes) {
  return std::to_string(stream) + " " + std::to_string(bytes.size()) + "\n" + std::string(bytes);
}

/// Two streams at a time. A response comes in one frame per part: its head, payloads, and an empty
/// frame as its end.
class FramedCodec final : public UpstreamCodec {
 public:
  std::uint32_t vacancies() const override {
    return 2 - static_cast<std::uint32_t>(has_head_.size());
  }
  StreamId open(const StreamRequest&) override {
    has_head_[++last_] = false;
    return last_;
  }
  void write_head(StreamId stream, std::span<const char> head, Output& output) override {
    output.copy(frame(stream, {head.data(), head.size()}));
  }
  void write_payload(StreamId stream, std::span<const char> payload, Output& output) override {
    if (!payload.empty()) output.copy(frame(stream, {payload.data(), payload.size()}));
  }
  void write_end(StreamId stream, Output& output) override { output.copy(frame(stream, {})); }

  UpstreamEvent next(std::span<const char> bytes) override {
    const std::string_view text(bytes.data(), bytes.size());
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) return {};
    const auto stream = static_cast<StreamId>(std::stoul(std::string(text)));
    const std::size_t size = std::stoul(std::string(text.substr(text.find(' ') + 1)));
    if (text.size() < line + 1 + size) return {};
    UpstreamEvent event{
        .stream = stream, .consumed = line + 1 + size, .payload = bytes.subspan(line + 1, size)};
    const auto at = has_head_.find(stream);
    if (at == has_head_.end()) return {.kind = Kind::kConnectionFailed, .payload = {}};
    if (!at->second) {
      EXPECT_EQ(http::parse_response_head(event.payload, 0, false, head_).state,
                http::ParseState::kComplete);
      at->second = true;
      event.kind = Kind::kHead;
      event.head = &head_;
      event.head_bytes = event.payload.data();
    } else {
      event.kind = size == 0 ? Kind::kEnd : Kind::kPayload;
      if (size == 0) has_head_.erase(at);
    }
    return event;
  }
  UpstreamEvent closed(bool) override { return {.kind = Kind::kConnectionFailed, .payload = {}}; }
  bool cancel(StreamId stream) override {
    has_head_.erase(stream);
    return true;
  }

 private:
  http::ResponseHead head_;
  std::map<StreamId, bool> has_head_;
  StreamId last_ = 0;
};

class FramedCodecs final : public UpstreamCodecs {
 public:
  UpstreamCodec& make() override { return *codecs_.emplace_back(std::make_unique<FramedCodec>()); }
  void give_back(UpstreamCodec& codec) override {
    std::erase_if(codecs_, [&](const auto& owned) { return owned.get() == &codec; });
  }

 private:
  std::vector<std::unique_ptr<FramedCodec>> codecs_;
};

/// What the server has understood of one stream.
struct Asked {
  StreamId stream = 0;
  std::string target;
};

/// The next request of the connection, as far as its end frame.
Asked next_request(Stream& stream) {
  Asked asked;
  for (;;) {
    std::string line;
    for (std::string c = stream.read(1); c != "\n"; c = stream.read(1)) {
      if (c.empty()) return {};
      line += c;
    }
    const std::string bytes = stream.read(std::stoul(line.substr(line.find(' '))));
    if (bytes.empty()) return asked;
    asked.stream = static_cast<StreamId>(std::stoul(line));
    asked.target = bytes.substr(4, bytes.find(' ', 4) - 4);
  }
}

class MultiplexedCodecTest : public WorkerFixture {
 protected:
  ~MultiplexedCodecTest() override { stop(); }
  void run(const net::Endpoint& target) { WorkerFixture::run(target, &codecs_); }

 private:
  FramedCodecs codecs_;
};

std::string framed_answer(StreamId stream, const std::string& body) {
  return frame(stream,
               "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n") +
         frame(stream, body) + frame(stream, {});
}

TEST_F(MultiplexedCodecTest, CarriesTwoExchangesOnOneConnectionAndEndsThemInAnyOrder) {
  ScriptedServer server([](const Visit& visit) {
    const Asked warm = next_request(visit.stream);
    if (warm.target.empty()) return;
    visit.stream.send(framed_answer(warm.stream, "warm"));
    Asked first = next_request(visit.stream);
    Asked second = next_request(visit.stream);
    if (first.target == "/two") std::swap(first, second);
    EXPECT_NE(first.stream, second.stream);
    // The second is answered in the middle of the first, all in one send.
    const std::string whole = framed_answer(first.stream, first.target);
    const std::size_t cut = whole.find("\r\n\r\n") + 4;
    visit.stream.send(whole.substr(0, cut) + framed_answer(second.stream, second.target) +
                      whole.substr(cut));
    visit.stream.read_to_end();
  });
  run(server.endpoint());
  Stream one = Stream::connect(front_);
  Stream two = Stream::connect(front_);
  ASSERT_TRUE(one.send(get("/warm")));
  EXPECT_EQ(one.reply().body, "warm");
  ASSERT_TRUE(one.send(get("/one")));
  ASSERT_TRUE(two.send(get("/two")));
  EXPECT_EQ(two.reply().body, "/two");
  EXPECT_EQ(one.reply().body, "/one");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(MultiplexedCodecTest, OpensAnotherConnectionWhenTheFirstIsFull) {
  std::atomic<int> waiting = 0;
  ScriptedServer server([&](const Visit& visit) {
    for (Asked asked = next_request(visit.stream); !asked.target.empty();
         asked = next_request(visit.stream)) {
      if (asked.target == "/warm") {
        visit.stream.send(framed_answer(asked.stream, "warm"));
      } else {
        ++waiting;
      }
    }
  });
  run(server.endpoint());
  std::vector<Stream> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Stream::connect(front_));
    if (i == 0) {
      ASSERT_TRUE(clients[0].send(get("/warm")));
      ASSERT_EQ(clients[0].reply().body, "warm");
    }
    ASSERT_TRUE(clients.back().send(get("/held")));
    ASSERT_TRUE(soon([&] { return waiting == i + 1; }));
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(MultiplexedCodecTest, AClientThatLeavesCostsTheOtherExchangeNothing) {
  std::atomic<int> waiting = 0;
  std::atomic<bool> may_answer = false;
  ScriptedServer server([&](const Visit& visit) {
    const Asked warm = next_request(visit.stream);
    if (warm.target.empty()) return;
    visit.stream.send(framed_answer(warm.stream, "warm"));
    const Asked first = next_request(visit.stream);
    const Asked last = next_request(visit.stream);
    const Asked& second = first.target == "/two" ? first : last;
    waiting = 2;
    while (!may_answer.load()) std::this_thread::yield();
    visit.stream.send(framed_answer(second.stream, "still here"));
    visit.stream.read_to_end();
  });
  run(server.endpoint());
  Stream one = Stream::connect(front_);
  Stream two = Stream::connect(front_);
  ASSERT_TRUE(one.send(get("/warm")));
  ASSERT_EQ(one.reply().body, "warm");
  ASSERT_TRUE(one.send(get("/one")));
  ASSERT_TRUE(two.send(get("/two")));
  ASSERT_TRUE(soon([&] { return waiting == 2; }));
  one.reset();
  ASSERT_TRUE(soon([&] { return counters_.of(0).clients.get() == 1; }));
  may_answer = true;
  EXPECT_EQ(two.reply().body, "still here");
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace weir::dataplane::proxy
