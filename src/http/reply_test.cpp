// Calls that are answered later, by somebody else than their handler.
#include <thread>

#include "base/mutex.h"
#include "http/server_fixture.h"

namespace weir::http {
namespace {

constexpr std::string_view kGet = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";

class ReplyTest : public ServerTest {
 protected:
  Handler slow() {
    return [this](const Request& request) {
      if (request.path != std::vector<std::string>{"slow"}) return echo(request);
      Response response;
      response.later = [this](std::unique_ptr<Reply> reply) {
        const MutexLock lock(mutex);
        replies.push_back(std::move(reply));
        changed.notify_all();
      };
      return response;
    };
  }
  std::unique_ptr<Reply> take_reply() {
    const MutexLock lock(mutex);
    while (replies.empty() && changed.wait_until(mutex, within(20))) {
    }
    if (replies.empty()) return nullptr;
    auto reply = std::move(replies.back());
    replies.pop_back();
    return reply;
  }
  static Response text(int status, const std::string& body) {
    Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = body;
    return response;
  }

  Mutex mutex;
  Condition changed;
  std::vector<std::unique_ptr<Reply>> replies WEIR_GUARDED_BY(mutex);
};

TEST_F(ReplyTest, SendsWhatAnotherThreadAnswersAndGoesOnWithTheConnection) {
  start(slow());
  RawConnection client(address);
  client.send(kGet);
  auto reply = take_reply();
  ASSERT_TRUE(reply);
  std::thread other([&] { reply->send(text(404, "not there")); });
  EXPECT_TRUE(client.read_until("not there"));
  other.join();
  EXPECT_EQ(client.seen().find("HTTP/1.1 404"), 0U) << client.seen();
  client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.read_until("GET next"));
}

TEST_F(ReplyTest, CallsThatWaitHoldNoThread) {
  options.handler_threads = 1;
  start(slow());
  std::vector<std::unique_ptr<RawConnection>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<RawConnection>(address));
    waiting.back()->send(kGet);
  }
  std::vector<std::unique_ptr<Reply>> all;
  for (int i = 0; i < 20; ++i) all.push_back(take_reply());
  RawConnection other(address);
  other.send("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(other.read_until("GET quick"));
  for (const auto& reply : all) {
    ASSERT_TRUE(reply);
    reply->send(text(200, "at last"));
  }
  for (const auto& client : waiting) EXPECT_TRUE(client->read_until("at last"));
}

TEST_F(ReplyTest, TheFirstAnswerCounts) {
  start(slow());
  RawConnection client(address);
  client.send(kGet);
  auto reply = take_reply();
  ASSERT_TRUE(reply);
  reply->send(text(200, "first"));
  reply->send(text(200, "second"));
  EXPECT_TRUE(client.read_until("first"));
  EXPECT_EQ(client.seen().find("second"), std::string::npos);
}

TEST_F(ReplyTest, AReplyThatIsGivenUpAnswers503) {
  start(slow());
  RawConnection client(address);
  client.send(kGet);
  ASSERT_TRUE(take_reply());  // Destroyed here.
  EXPECT_TRUE(client.read_until("nobody answered this call"));
  EXPECT_EQ(client.seen().find("HTTP/1.1 503"), 0U) << client.seen();
}

TEST_F(ReplyTest, AReplyMayOutliveItsClientAndTheServer) {
  start(slow());
  {
    RawConnection client(address);
    client.send(kGet);
  }
  auto reply = take_reply();
  ASSERT_TRUE(reply);
  RawConnection other(address);
  other.send(kGet);
  auto second = take_reply();
  ASSERT_TRUE(second);
  reply->send(text(200, "nobody reads this"));
  server->stop(within(0));
  server.reset();
  second->send(text(200, "late"));
}

}  // namespace
}  // namespace weir::http
