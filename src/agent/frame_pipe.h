// One end of a Unix stream socket that carries frames with descriptors, driven by an agent loop:
// between `weir node` and `weir proxy`, both ways. Never blocks: what the socket does not take now
// waits here, so a caller that sends state asks is_idle() first and sends the newest state later.
// Thread: owner loop.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/frame.h"
#include "net/event_loop.h"

namespace weir::agent {

class FramePipe {
 public:
  /// Who uses the pipe. It may destroy the pipe inside any of these calls.
  class User {
   public:
    virtual ~User() = default;
    virtual void pipe_frame(FramePipe& pipe, model::Frame frame) = 0;
    /// Everything sent so far was taken by the kernel.
    virtual void pipe_idle(FramePipe& pipe) = 0;
    /// The other end is gone, or spoke nonsense. Called once; nothing follows.
    virtual void pipe_closed(FramePipe& pipe, const std::string& reason) = 0;
  };

  /// `socket` is made non-blocking; loop and user must outlive the pipe.
  FramePipe(net::EventLoop& loop, UniqueFd socket, User& user);
  ~FramePipe();
  FramePipe(const FramePipe&) = delete;
  FramePipe& operator=(const FramePipe&) = delete;

  /// `descriptors` (at most net::kDescriptorsPerMessage) are copied now.
  void send(const model::Frame& frame, std::span<const int> descriptors = {});
  bool is_idle() const { return queue_.empty(); }
  bool is_open() const { return !is_closed_; }
  /// Takes the next `count` descriptors that came along, in the order they were sent; fewer when
  /// the peer sent fewer than it announced.
  std::vector<UniqueFd> take_descriptors(std::size_t count);
  int fd() const { return socket_.get(); }

 private:
  struct Outgoing {
    std::string bytes;
    std::size_t sent = 0;
    std::vector<UniqueFd> descriptors;
  };

  void ready(std::uint32_t events);
  bool read_some();
  bool write_some();
  bool deliver_frames();
  void watch();
  void close(const std::string& reason);

  // Constant after construction.
  net::EventLoop& loop_;
  User& user_;
  // Owned by the loop's thread.
  UniqueFd socket_;
  model::FrameDecoder decoder_;
  std::deque<UniqueFd> received_;
  std::deque<Outgoing> queue_;
  bool is_watching_output_ = false;
  bool is_closed_ = false;
  bool* destroyed_ = nullptr;  // set while a callback of the user may destroy this object
};

}  // namespace weir::agent
