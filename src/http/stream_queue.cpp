#include "http/stream_queue.h"

#include <utility>

namespace weir::http {
namespace {

class QueueWriter final : public ResponseStream {
 public:
  explicit QueueWriter(std::shared_ptr<const StreamQueue> queue) : queue_(std::move(queue)) {}
  ~QueueWriter() override { queue_->finish(); }
  bool write(std::string bytes) override { return queue_->push(std::move(bytes)); }
  bool is_open() const override { return queue_->is_open(); }
  std::size_t waiting() const override { return queue_->waiting(); }

 private:
  std::shared_ptr<const StreamQueue> queue_;
};

}  // namespace

StreamQueue::StreamQueue(std::size_t bytes_max, std::function<void()> wake)
    : bytes_max_(bytes_max), wake_(std::move(wake)) {}

bool StreamQueue::push(std::string bytes) const {
  const MutexLock lock(mutex_);
  if (!wake_ || is_overflowed_ || is_finished_) return false;
  if (bytes_.size() + bytes.size() > bytes_max_) {
    is_overflowed_ = true;
    wake_();
    return false;
  }
  const bool was_empty = bytes_.empty();
  bytes_ += bytes;
  if (was_empty) wake_();
  return true;
}

void StreamQueue::finish() const {
  const MutexLock lock(mutex_);
  is_finished_ = true;
  if (wake_) wake_();
}

void StreamQueue::detach() const {
  const MutexLock lock(mutex_);
  wake_ = nullptr;
}

bool StreamQueue::is_open() const {
  const MutexLock lock(mutex_);
  return wake_ && !is_overflowed_ && !is_finished_;
}

std::size_t StreamQueue::waiting() const {
  const MutexLock lock(mutex_);
  return bytes_.size();
}

StreamQueue::Taken StreamQueue::take() const {
  const MutexLock lock(mutex_);
  return {std::exchange(bytes_, {}), is_finished_, is_overflowed_};
}

std::unique_ptr<ResponseStream> stream_writer(std::shared_ptr<const StreamQueue> queue) {
  return std::make_unique<QueueWriter>(std::move(queue));
}

}  // namespace weir::http
