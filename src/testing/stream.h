// A blocking TCP stream for tests, on loopback only, with patience instead of sleeps: what does not
// come in time fails the test by an empty or short answer. Thread: owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "net/address.h"

namespace weir::testing {

/// An HTTP/1 response as a client sees it.
struct Reply {
  int status = 0;         // 0: none came
  std::string head;       // with its empty line
  std::string body;       // chunk framing removed
  bool complete = false;  // the framing says that it has ended

  /// Value of the first field of that name (any case), or empty.
  std::string field(std::string_view name) const;
};

/// A request as a server sees it.
struct Received {
  std::string head;  // empty: the stream ended
  std::string body;

  std::string method() const { return head.substr(0, head.find(' ')); }
  std::string target() const;
  std::string field(std::string_view name) const;
  int count(std::string_view name) const;
};

class Stream {
 public:
  enum class End { kOpen, kFinished, kReset };

  explicit Stream(UniqueFd fd) : fd_(std::move(fd)) {}
  /// An invalid stream when refused.
  static Stream connect(const net::Endpoint& target);

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  /// False when the peer took not all of it.
  bool send(std::string_view bytes);
  /// At least one byte, or empty at the end or when patience is over.
  std::string read_some();
  /// Up to `size` bytes; fewer at the end.
  std::string read(std::size_t size);
  /// All bytes until the peer ends.
  std::string read_to_end();
  /// How the stream stands after a read that came back short.
  End end() const { return end_; }
  /// Waits for the end without expecting bytes.
  End wait_end();

  /// The next response; interim ones are returned like any other. `answers_head`: it has no body.
  Reply reply(bool answers_head = false);
  /// The next request with its body.
  Received request();
  /// A head only; the body stays unread.
  std::string head();

  void finish();  // FIN
  void reset();   // RST
  void close() { fd_.reset(); }
  net::Endpoint peer() const;
  net::Endpoint local() const;

 private:
  bool fill();
  std::string body_of(const std::string& head, bool until_close, bool& complete);
  std::string chunks(bool& complete);
  std::string take(std::size_t size);

  UniqueFd fd_;
  std::string buffer_;
  End end_ = End::kOpen;
};

}  // namespace weir::testing
