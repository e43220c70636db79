// One connection to a target, and the streams on it. Reads for its streams, lets its codec cut the
// bytes into events, and hands each to the owner of its stream; keeps what the socket did not take.
// Made and given out by upstream_pool.h. Thread: one worker.
#pragma once

#include <cstdint>

#include "dataplane/proxy/directory.h"
#include "dataplane/proxy/failure.h"
#include "dataplane/proxy/slab.h"
#include "dataplane/proxy/upstream_codec.h"

namespace weir::dataplane::proxy {

class UpstreamPool;
class UpstreamConnection;
struct StreamTag;
struct IdleTag;

/// The connection of a stream is gone.
struct StreamFailure {
  FailureKind kind = FailureKind::kUpstreamClosed;
  bool is_connected = false;  // false: no byte was written
  bool was_reused = false;    // the connection had carried a stream before
  bool was_answered = false;  // bytes came since the stream was opened
};

/// Who uses a stream: an exchange. All calls come from the loop, never from within a call to the
/// connection.
class StreamOwner : public Link<StreamTag> {
 public:
  /// The connection is established: write the request.
  virtual void stream_ready() = 0;
  virtual void stream_event(const UpstreamEvent& event) = 0;
  /// All events of one receive have come: send.
  virtual void stream_flush() = 0;
  /// The stream is gone, its connection with it.
  virtual void stream_failed(const StreamFailure& failure) = 0;
  /// The target took bytes that had to wait, if not all.
  virtual void stream_took() = 0;
  /// The connection takes bytes again.
  virtual void stream_writable() = 0;
  /// True while no more of the response is wanted.
  virtual bool stream_paused() const = 0;

  StreamId stream = 0;

 protected:
  ~StreamOwner() = default;
};

class UpstreamConnection final : public SlabObject,
                                 public Timed,
                                 public TargetUser,
                                 public Link<AvailableTag>,
                                 public Link<IdleTag> {
 public:
  UpstreamConnection(UpstreamPool& pool, TargetEntry& target, UpstreamCodec& codec, int fd);
  ~UpstreamConnection();

  void on_events(std::uint32_t events);
  void on_again();
  void on_timer();
  void cut(FailureKind why) override;
  void close_if_idle() override;

  /// Sends `output`; what the socket does not take is kept. kBroken: nothing more can be sent, an
  /// answer may still come.
  SendState send(Output& output);
  /// Bytes of this connection wait for the socket: write no more.
  bool is_blocked() const { return !pending_.empty(); }
  /// An owner that was paused wants bytes again.
  void resume();

  UpstreamCodec& codec() { return codec_; }
  TargetEntry& target() { return *target_; }
  bool is_connected() const { return state_ == State::kOpen; }

 private:
  friend class UpstreamPool;
  // kConnecting -> kOpen -> kClosed, or kConnecting -> kClosed.
  enum class State : std::uint8_t { kConnecting, kOpen, kClosed };

  void connected();
  void read();
  Arrival receive(std::span<char>& bytes);
  void feed(std::span<char> bytes);
  bool dispatch(const UpstreamEvent& event, StreamOwner*& writing);
  void keep(std::span<const char> rest);
  void ended(bool is_clean);
  void fail(StreamFailure failure);
  StreamOwner* owner_of(StreamId stream);
  bool is_paused();
  bool is_idle() { return streams_.empty(); }
  Tag tag() const;

  UpstreamPool& pool_;
  UpstreamCodec& codec_;
  Ref<TargetEntry> target_;
  List<StreamOwner, StreamTag> streams_;
  Buffer* input_ = nullptr;  // the beginning of a head
  Pending pending_;
  int fd_;
  State state_ = State::kConnecting;
  bool is_readable_ = false;
  bool reads_to_end_ =
      false;  // the target closed its side or marked bytes as urgent: a short read is not the last
  bool was_reused_ = false;
  bool was_answered_ = false;
};

}  // namespace weir::dataplane::proxy
