#include "dataplane/proxy/buffer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/check.h"

namespace weir::dataplane::proxy {
namespace {

bool is_transient(int error) { return error == EAGAIN || error == EINTR; }

/// One send without SIGPIPE. A single part goes out by the cheaper call.
ssize_t send_parts(int fd, std::span<const iovec> parts) {
  if (parts.size() == 1) return ::send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

BufferPool::~BufferPool() {
  for (FreeList& list : free_) {
    while (Buffer* buffer = list.first) {
      list.first = buffer->next;
      ::operator delete(buffer);
    }
  }
}

Buffer* BufferPool::take(std::size_t size) {
  WEIR_CHECK(size <= kLargest);
  std::uint8_t size_class = 0;
  while (kSizes[size_class] - sizeof(Buffer) < size) ++size_class;
  FreeList& list = free_[size_class];
  Buffer* buffer = list.first;
  if (buffer != nullptr) {
    list.first = buffer->next;
    --list.count;
  } else {
    buffer = new (::operator new(kSizes[size_class])) Buffer;
    buffer->capacity = static_cast<std::uint32_t>(kSizes[size_class] - sizeof(Buffer));
    buffer->size_class = size_class;
  }
  buffer->next = nullptr;
  buffer->begin = buffer->end = 0;
  ++in_use_;
  return buffer;
}

void BufferPool::give(Buffer* buffer) {
  if (buffer == nullptr) return;
  --in_use_;
  FreeList& list = free_[buffer->size_class];
  if (list.count * kSizes[buffer->size_class] >= kKept) {
    ::operator delete(buffer);
    return;
  }
  buffer->next = list.first;
  list.first = buffer;
  ++list.count;
}

std::span<char> Output::room(std::size_t size) {
  WEIR_CHECK(used_ + size <= kArena);
  return {arena_.data() + used_, size};
}

void Output::commit(std::size_t size) {
  add(arena_.data() + used_, size);
  used_ += size;
}

void Output::copy(std::string_view bytes) {
  std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Output::refer(std::span<const char> bytes) {
  if (bytes.empty()) return;
  const bool is_first = count_ == 0;
  const bool is_full = count_ + 2 >= kPartsMax;  // copies need a part of their own after this one
  if (!is_first && !is_full) {
    const iovec& last = parts_[count_ - 1];
    if (static_cast<const char*>(last.iov_base) + last.iov_len == bytes.data()) {
      add(bytes.data(), bytes.size());
      return;
    }
  }
  if (!is_first && (bytes.size() < kCopyMax || is_full)) {
    copy({bytes.data(), bytes.size()});
  } else {
    add(bytes.data(), bytes.size());
  }
}

void Output::add(const char* bytes, std::size_t size) {
  if (size == 0) return;
  size_ += size;
  if (count_ > 0) {
    iovec& last = parts_[count_ - 1];
    if (static_cast<const char*>(last.iov_base) + last.iov_len == bytes) {
      last.iov_len += size;
      return;
    }
  }
  WEIR_CHECK(count_ < kPartsMax);
  parts_[count_++] = {const_cast<char*>(bytes), size};
}

SendState Pending::send(int fd, Output& output, BufferPool& pool, std::uint64_t& sent) {
  std::size_t taken = 0;
  SendState state = SendState::kSent;
  if (!empty()) {
    state = SendState::kBlocked;
  } else if (!output.empty()) {
    const ssize_t result = send_parts(fd, output.parts());
    if (result >= 0) taken = static_cast<std::size_t>(result);
    if (result < 0 && !is_transient(errno)) state = SendState::kBroken;
    if (state == SendState::kSent && taken < output.size()) state = SendState::kBlocked;
  }
  sent += taken;
  if (state == SendState::kBlocked) {
    for (const iovec& part : output.parts()) {
      const std::size_t skipped = std::min(taken, part.iov_len);
      taken -= skipped;
      append({static_cast<const char*>(part.iov_base) + skipped, part.iov_len - skipped}, pool);
    }
  }
  output.clear();
  return state;
}

SendState Pending::flush(int fd, BufferPool& pool, std::uint64_t& sent) {
  while (first_ != nullptr) {
    const std::span<char> content = first_->content();
    const ssize_t result = ::send(fd, content.data(), content.size(), MSG_NOSIGNAL);
    if (result < 0) return is_transient(errno) ? SendState::kBlocked : SendState::kBroken;
    sent += static_cast<std::uint64_t>(result);
    first_->begin += static_cast<std::uint32_t>(result);
    if (first_->size() > 0) return SendState::kBlocked;
    Buffer* done = first_;
    first_ = done->next;
    if (first_ == nullptr) last_ = nullptr;
    pool.give(done);
  }
  return SendState::kSent;
}

void Pending::append(std::span<const char> bytes, BufferPool& pool) {
  while (!bytes.empty()) {
    if (last_ == nullptr || last_->room().empty()) {
      Buffer* buffer = pool.take(std::min(bytes.size(), BufferPool::kLargest));
      (last_ == nullptr ? first_ : last_->next) = buffer;
      last_ = buffer;
    }
    const std::size_t size = std::min(bytes.size(), last_->room().size());
    std::memcpy(last_->room().data(), bytes.data(), size);
    last_->end += static_cast<std::uint32_t>(size);
    bytes = bytes.subspan(size);
  }
}

void Pending::clear(BufferPool& pool) {
  while (first_ != nullptr) {
    Buffer* next = first_->next;
    pool.give(first_);
    first_ = next;
  }
  last_ = nullptr;
}

}  // namespace weir::dataplane::proxy
