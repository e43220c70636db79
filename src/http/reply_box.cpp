#include "http/reply_box.h"

#include <utility>

namespace weir::http {
namespace {

class BoxedReply final : public Reply {
 public:
  explicit BoxedReply(std::shared_ptr<const ReplyBox> box) : box_(std::move(box)) {}
  ~BoxedReply() override { box_->put(std::nullopt); }
  void send(Response response) override { box_->put(std::move(response)); }

 private:
  std::shared_ptr<const ReplyBox> box_;
};

}  // namespace

ReplyBox::ReplyBox(std::function<void()> wake) : wake_(std::move(wake)) {}

void ReplyBox::put(std::optional<Response> response) const {
  const MutexLock lock(mutex_);
  if (is_there_) return;
  is_there_ = true;
  response_ = std::move(response);
  if (wake_) wake_();
}

void ReplyBox::detach() const {
  const MutexLock lock(mutex_);
  wake_ = nullptr;
}

ReplyBox::Taken ReplyBox::take() const {
  const MutexLock lock(mutex_);
  return {is_there_, std::exchange(response_, std::nullopt)};
}

std::unique_ptr<Reply> reply_to(std::shared_ptr<const ReplyBox> box) {
  return std::make_unique<BoxedReply>(std::move(box));
}

}  // namespace weir::http
