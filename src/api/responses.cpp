#include "api/responses.h"

#include <atomic>
#include <utility>

#include "api/problem.h"

namespace weir::api {
namespace {

class FinishedReply final : public http::Reply {
 public:
  FinishedReply(std::unique_ptr<http::Reply> reply, std::string request_id,
                std::function<void(http::Response&)> finish)
      : reply_(std::move(reply)), request_id_(std::move(request_id)), finish_(std::move(finish)) {}
  ~FinishedReply() override {
    if (is_sent_) return;
    send(problem_response({Error{ErrorCode::kUnavailable, "nobody answered this call", ""}},
                          request_id_));
  }
  void send(http::Response response) override {
    if (is_sent_.exchange(true)) return;
    finish_(response);
    reply_->send(std::move(response));
  }

 private:
  const std::unique_ptr<http::Reply> reply_;
  const std::string request_id_;
  const std::function<void(http::Response&)> finish_;
  std::atomic<bool> is_sent_{false};
};

}  // namespace

http::Response json_response(int status, const Json& body) {
  http::Response response;
  response.status = status;
  response.body = body.dump() + "\n";
  return response;
}

http::Response text_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

http::Response not_found(const std::string& request_id) {
  return problem_response({Error{ErrorCode::kNotFound, "resource not found", ""}}, request_id);
}

http::Response wrong_method(std::string_view allowed, const std::string& request_id) {
  auto response = problem_response(status_word(405), "this method is not allowed here", request_id);
  response.headers.push_back({"Allow", std::string(allowed)});
  return response;
}

std::unique_ptr<http::Reply> finished_reply(std::unique_ptr<http::Reply> reply,
                                            std::string request_id,
                                            std::function<void(http::Response&)> finish) {
  return std::make_unique<FinishedReply>(std::move(reply), std::move(request_id),
                                         std::move(finish));
}

}  // namespace weir::api
