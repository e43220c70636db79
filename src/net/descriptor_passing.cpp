#include "net/descriptor_passing.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/socket.h"
#include "net/system_error.h"

namespace weir::net {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(kDescriptorsPerMessage * sizeof(int));

/// One sendmsg; returns the bytes taken, or -1 with errno.
ssize_t send_once(int socket, std::string_view bytes, std::span<const int> descriptors) {
  iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[kControlSize];
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    std::memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// Takes ownership of what came, first of all: a descriptor that is forgotten here stays open for
/// ever.
void take_descriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

Result<void> wait_or_fail(int socket, short events, Instant deadline) {
  WEIR_ASSIGN_OR_RETURN(const bool is_ready, wait_ready(socket, events, deadline));
  if (is_ready) return {};
  return Error{ErrorCode::kDeadlineExceeded, "the peer did not answer in time", {}};
}

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

}  // namespace

Result<void> send_with_descriptors(int socket, std::string_view bytes,
                                   std::span<const int> descriptors, Instant deadline) {
  const std::size_t messages =
      (descriptors.size() + kDescriptorsPerMessage - 1) / kDescriptorsPerMessage;
  if (bytes.size() < messages) {
    return Error{ErrorCode::kInvalidArgument,
                 "descriptors need at least " + std::to_string(messages) + " bytes to travel with",
                 {}};
  }
  while (!bytes.empty()) {
    const auto now = descriptors.first(std::min(descriptors.size(), kDescriptorsPerMessage));
    // While descriptors remain for later messages, each message takes one byte, so that some are
    // left for them.
    const bool is_last = now.size() == descriptors.size();
    const ssize_t sent = send_once(socket, is_last ? bytes : bytes.substr(0, 1), now);
    if (sent > 0) {
      // Descriptors travel with the first byte of a message, also when the rest did not fit.
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      descriptors = descriptors.subspan(now.size());
    } else if (would_block(errno)) {
      WEIR_TRY(wait_or_fail(socket, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return system_error("send descriptors", errno);
    }
  }
  return {};
}

Result<std::size_t> receive_with_descriptors(int socket, std::span<char> into,
                                             std::vector<UniqueFd>& descriptors, Instant deadline) {
  while (true) {
    iovec vector{into.data(), into.size()};
    alignas(cmsghdr) char control[kControlSize];
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count >= 0) {
      take_descriptors(message, descriptors);
      if (message.msg_flags & MSG_CTRUNC) {
        return Error{ErrorCode::kUnavailable,
                     "descriptors were lost: the limit of open files is reached",
                     {}};
      }
      return static_cast<std::size_t>(count);
    }
    if (would_block(errno)) {
      WEIR_TRY(wait_or_fail(socket, POLLIN, deadline));
    } else if (errno != EINTR) {
      return system_error("receive descriptors", errno);
    }
  }
}

}  // namespace weir::net
