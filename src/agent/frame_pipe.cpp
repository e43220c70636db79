#include "agent/frame_pipe.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/descriptor_passing.h"
#include "net/system_error.h"

namespace weir::agent {
namespace {

/// Bytes read at once. Chosen because most frames are far smaller and a full resync of 20 MB still
/// takes only some hundred reads.
constexpr std::size_t kReadBytes = 64 << 10;
/// Frames sent before that were not taken yet, joined into one write up to this size (bytes).
constexpr std::size_t kJoinBytes = 256 << 10;

ssize_t send_once(int socket, std::string_view bytes, std::span<const UniqueFd> descriptors) {
  iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(net::kDescriptorsPerMessage * sizeof(int))];
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    std::memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      const int fd = descriptors[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

FramePipe::FramePipe(net::EventLoop& loop, UniqueFd socket, User& user)
    : loop_(loop), user_(user), socket_(std::move(socket)) {
  const int flags = fcntl(socket_.get(), F_GETFL);
  // Fails for a descriptor that is not open only, which the first read reports.
  static_cast<void>(fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK));
  watch();
}

FramePipe::~FramePipe() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (!is_closed_) loop_.unwatch(socket_.get());
}

void FramePipe::watch() {
  is_watching_output_ = !queue_.empty();
  const std::uint32_t events = EPOLLIN | (is_watching_output_ ? EPOLLOUT : 0U);
  loop_.watch(socket_.get(), events, [this](std::uint32_t ready_events) { ready(ready_events); });
}

void FramePipe::send(const model::Frame& frame, std::span<const int> descriptors) {
  if (is_closed_) return;
  WEIR_CHECK(descriptors.size() <= net::kDescriptorsPerMessage);
  std::string bytes = model::encode(frame);
  // Descriptors ride on the first byte of a write, so only frames without any are joined.
  if (!queue_.empty() && descriptors.empty() && queue_.back().bytes.size() < kJoinBytes) {
    queue_.back().bytes += bytes;
    return;
  }
  Outgoing outgoing{std::move(bytes), 0, {}};
  for (const int fd : descriptors) {
    outgoing.descriptors.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }
  queue_.push_back(std::move(outgoing));
  if (!is_watching_output_) watch();
}

std::vector<UniqueFd> FramePipe::take_descriptors(std::size_t count) {
  std::vector<UniqueFd> taken;
  while (taken.size() < count && !received_.empty()) {
    taken.push_back(std::move(received_.front()));
    received_.pop_front();
  }
  return taken;
}

void FramePipe::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !write_some()) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) static_cast<void>(read_some());
}

/// False when this object is gone or closed.
bool FramePipe::write_some() {
  while (!queue_.empty()) {
    Outgoing& next = queue_.front();
    const ssize_t count =
        send_once(socket_.get(), std::string_view(next.bytes).substr(next.sent), next.descriptors);
    // ETOOMANYREFS: descriptors on their way count against a limit until the peer has taken them.
    if (count < 0 && (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS)) return true;
    if (count < 0) {
      // What the peer sent before it went away still counts.
      if (!read_some()) return false;
      close(net::system_error("send a frame", errno).message);
      return false;
    }
    next.descriptors.clear();
    next.sent += static_cast<std::size_t>(count);
    if (next.sent == next.bytes.size()) queue_.pop_front();
  }
  watch();
  bool destroyed = false;
  destroyed_ = &destroyed;
  user_.pipe_idle(*this);
  if (destroyed) return false;
  destroyed_ = nullptr;
  return !is_closed_;
}

/// False when this object is gone or closed.
bool FramePipe::read_some() {
  std::array<char, kReadBytes> bytes;
  std::vector<UniqueFd> descriptors;
  // A deadline in the past: takes what is there and never waits.
  const Result<std::size_t> count =
      net::receive_with_descriptors(socket_.get(), bytes, descriptors, Instant());
  for (UniqueFd& fd : descriptors) received_.push_back(std::move(fd));
  if (!count) {
    if (count.error().code == ErrorCode::kDeadlineExceeded) return true;
    close(count.error().message);
    return false;
  }
  if (*count == 0) {
    close("the other end closed the socket");
    return false;
  }
  decoder_.feed(std::string_view(bytes.data(), *count));
  return deliver_frames();
}

/// False when this object is gone or closed.
bool FramePipe::deliver_frames() {
  bool destroyed = false;
  while (true) {
    Result<std::optional<model::Frame>> frame = decoder_.next();
    if (!frame) {
      close(frame.error().message);
      return false;
    }
    if (!frame->has_value()) return true;
    destroyed_ = &destroyed;
    user_.pipe_frame(*this, *std::move(*frame));
    if (destroyed) return false;
    destroyed_ = nullptr;
    if (is_closed_) return false;
  }
}

void FramePipe::close(const std::string& reason) {
  is_closed_ = true;
  loop_.unwatch(socket_.get());
  queue_.clear();
  user_.pipe_closed(*this, reason);
}

}  // namespace weir::agent
