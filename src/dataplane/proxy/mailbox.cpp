#include "dataplane/proxy/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "net/system_error.h"

namespace weir::dataplane::proxy {

Result<std::unique_ptr<Mailbox>> Mailbox::open() {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return net::system_error("create an eventfd", errno);
  return std::unique_ptr<Mailbox>(new Mailbox(std::move(wake)));
}

void Mailbox::post(Mail mail) {
  {
    const MutexLock lock(mutex_);
    if (mail.plan != nullptr) mail_.plan = std::move(mail.plan);
    if (mail.stop_at) mail_.stop_at = mail.stop_at;
    mail_.listeners.insert(mail_.listeners.end(), std::make_move_iterator(mail.listeners.begin()),
                           std::make_move_iterator(mail.listeners.end()));
    posted_.fetch_add(1);
  }
  wake();
}

void Mailbox::wake() {
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the worker wakes anyway.
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Mailbox::drain() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);  // nothing there is fine
}

std::optional<Mail> Mailbox::take() {
  if (posted_.load(std::memory_order_acquire) == seen_) return std::nullopt;
  const MutexLock lock(mutex_);
  seen_ = posted_.load();
  return std::exchange(mail_, {});
}

void Mailbox::done() {
  const MutexLock lock(mutex_);
  done_ = seen_;
  condition_.notify_all();
}

bool Mailbox::wait_taken(Instant deadline) {
  const std::uint64_t wanted = posted_.load();
  const MutexLock lock(mutex_);
  while (done_ < wanted) {
    if (!condition_.wait_until(mutex_, deadline)) return done_ >= wanted;
  }
  return true;
}

}  // namespace weir::dataplane::proxy
