#include "api/responses.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

class FinishedReply : public ::testing::Test {
 protected:
  class Recorded final : public http::Reply {
   public:
    explicit Recorded(std::vector<http::Response>& sent) : sent_(sent) {}
    void send(http::Response response) override { sent_.push_back(std::move(response)); }

   private:
    std::vector<http::Response>& sent_;
  };
  std::unique_ptr<http::Reply> make() {
    return finished_reply(
        std::make_unique<Recorded>(sent), "request-1",
        [this](http::Response& response) { finished.push_back(response.status); });
  }

  std::vector<http::Response> sent;
  std::vector<int> finished;
};

TEST_F(FinishedReply, AlsoFinishesAReplyThatIsGivenUp) {
  make().reset();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent.front().status, 503);
  EXPECT_NE(sent.front().body.find("\"requestId\":\"request-1\""), std::string::npos)
      << sent.front().body;
  EXPECT_EQ(finished, std::vector<int>{503});
}

TEST_F(FinishedReply, FinishesTheFirstAnswerAlone) {
  auto reply = make();
  reply->send(json_response(200, Json::object()));
  reply->send(json_response(201, Json::object()));
  reply.reset();
  EXPECT_EQ(finished, std::vector<int>{200});
  EXPECT_EQ(sent.size(), 1u);
}

}  // namespace
}  // namespace weir::api
