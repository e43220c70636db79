// Byte buffers of a worker: a pool of four sizes, the bytes a socket did not take yet, and the
// gather list of one send. An idle connection holds none of them. Thread: one worker.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::dataplane::proxy {

/// Bytes lie in [begin, end) of `bytes()`.
struct Buffer {
  Buffer* next;
  std::uint32_t capacity;
  std::uint32_t begin;
  std::uint32_t end;
  std::uint8_t size_class;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::span<char> content() { return {bytes() + begin, end - begin}; }
  std::span<char> room() { return {bytes() + end, capacity - end}; }
  std::uint32_t size() const { return end - begin; }
};

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  /// An empty buffer with room for at least `size` bytes.
  /// Range:   size at most kLargest
  Buffer* take(std::size_t size);
  /// Null is fine.
  void give(Buffer* buffer);
  /// Buffers in use, for tests.
  std::size_t in_use() const { return in_use_; }

  /// Bytes with the header: heads are small, bulk is what one receive brings, and the largest holds
  /// a request head at its limit (64 KB), what is added to it, and the first bytes of its body.
  /// Source: performance.md 4.1, Buffers.
  static constexpr std::array<std::uint32_t, 4> kSizes{1024, 4096, 16384, 139264};
  static constexpr std::size_t kLargest = 139264 - sizeof(Buffer);

 private:
  /// Free bytes kept per size; beyond it they go back. Chosen because it covers 256 busy
  /// connections with small heads. Reached: memory goes back to the system.
  static constexpr std::size_t kKept = std::size_t{1} << 20;

  struct FreeList {
    Buffer* first = nullptr;
    std::size_t count = 0;
  };
  std::array<FreeList, kSizes.size()> free_;
  std::size_t in_use_ = 0;
};

/// What one send gives away: a few parts, small ones copied next to each other so that one plain
/// send() suffices.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Room to write `size` bytes in place; commit() tells how many were written.
  std::span<char> room(std::size_t size);
  void commit(std::size_t size);
  void copy(std::string_view bytes);
  /// `bytes` must stay as they are until the send; small ones are copied.
  void refer(std::span<const char> bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const iovec> parts() const { return {parts_.data(), count_}; }
  void clear() { count_ = used_ = size_ = 0; }

 private:
  void add(const char* bytes, std::size_t size);

  /// Bytes. Chosen because what one receive brings (64 KB), its chunk framing and the largest heads
  /// fit together.
  static constexpr std::size_t kArena = std::size_t{256} * 1024;
  /// Bytes; above it a part is cheaper referred to than copied. Source: performance.md 4.1,
  /// Buffers. Reached: the part is referred to.
  static constexpr std::size_t kCopyMax = 8192;
  /// Parts of one write. Chosen because a head and its body are a few. Reached: they go out.
  static constexpr std::size_t kPartsMax = 64;

  std::array<iovec, kPartsMax> parts_;
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::size_t size_ = 0;
  std::array<char, kArena> arena_;
};

enum class SendState : std::uint8_t { kSent, kBlocked, kBroken };

/// Bytes that a socket did not take yet, in order. The owner stops reading from the other side
/// while there are any.
class Pending {
 public:
  bool empty() const { return first_ == nullptr; }
  /// Sends `output` after what is pending; keeps what the socket does not take. Clears `output`.
  /// `sent` grows by the bytes taken.
  SendState send(int fd, Output& output, BufferPool& pool, std::uint64_t& sent);
  /// Sends what is pending.
  SendState flush(int fd, BufferPool& pool, std::uint64_t& sent);
  void append(std::span<const char> bytes, BufferPool& pool);
  void clear(BufferPool& pool);

 private:
  Buffer* first_ = nullptr;
  Buffer* last_ = nullptr;
};

}  // namespace weir::dataplane::proxy
