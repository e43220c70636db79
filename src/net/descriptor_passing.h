// Hands open descriptors from one process to another over a Unix stream socket (SCM_RIGHTS): how
// `weir proxy` gets its listening sockets. Carries bytes of the caller's own protocol; which
// descriptor is which, those bytes say.
// Thread: any; one sender and one receiver per socket end.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace weir::net {

/// Descriptors in one message.
/// Source:  the kernel takes at most 253 (SCM_MAX_FD); 200 leaves room.
inline constexpr std::size_t kDescriptorsPerMessage = 200;

/// Writes all of `bytes`; every descriptor arrives, in order, no later than the last byte. Needs
/// one byte per started kDescriptorsPerMessage descriptors. The caller keeps its own copies.
/// Errors:  kInvalidArgument when `bytes` is too short, kDeadlineExceeded (the stream is then cut
/// in the middle: close it),
///          kUnavailable when the peer is gone
Result<void> send_with_descriptors(int socket, std::string_view bytes,
                                   std::span<const int> descriptors, Instant deadline);

/// Reads at least one byte, 0 = the peer ended the stream; descriptors that came along are
/// appended to `descriptors`, close-on-exec.
/// Errors:  kDeadlineExceeded when nothing came, kUnavailable when the stream broke or descriptors
///          were lost because this process may not open more
Result<std::size_t> receive_with_descriptors(int socket, std::span<char> into,
                                             std::vector<UniqueFd>& descriptors, Instant deadline);

}  // namespace weir::net
