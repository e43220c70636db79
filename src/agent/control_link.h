// The node's end of the stream from control: connects, and connects again for ever; hands each
// complete batch to the agent loop and carries reports and verdicts up. Refuses a control that has
// gone back in time. Knows frames, not what objects mean.
// Thread: start, stop, and the sending calls by the agent loop; two threads of its own do the IO.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "agent/node_report.h"
#include "agent/replica.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "net/channel.h"
#include "net/event_loop.h"

namespace weir::agent {

/// Pause before the next attempt to connect: doubles from the first to the last.
inline constexpr std::chrono::milliseconds kReconnectPauseMin{100};
inline constexpr std::chrono::milliseconds kReconnectPauseMax{2000};
/// A connection attempt ends after this time, and so does a write that makes no progress. Chosen
/// because a node that stops must not wait longer for its link. Reached: the link is closed and
/// tried again; weir_node_connected is 0.
inline constexpr std::chrono::seconds kLinkPatience{4};
/// Control speaks at least every 5 s (`ping`); silent for this long it counts as gone. Chosen
/// because it is three pings. Reached: the link is closed and tried again; weir_node_connected is
/// 0.
inline constexpr std::chrono::seconds kControlSilenceMax{15};
/// Bytes of one batch. Chosen because 20 000 objects of 4 KiB are 80 MiB; more is no honest
/// control. Reached: the stream ends with an error in the log, and begins anew.
inline constexpr std::size_t kBatchBytesMax = std::size_t{512} << 20;

struct ControlLinkOptions {
  net::ChannelAddress control;
  std::string node_id;
  /// Body of the hello but for `have`, which the link fills in. Thread: a thread of the link
  std::function<Json()> hello;
};

/// What the link tells the agent, on the agent loop.
struct ControlLinkEvents {
  /// A welcome was accepted: everything this node observes is to be sent now.
  /// `keeps_lists`: reports may come often, for the link sends only what changed of each.
  std::function<void(bool keeps_lists)> connected;
  std::function<void()> disconnected;
  std::function<void(Batch)> batch;
  /// A report is asked for now.
  std::function<void()> ping;
  /// Control asks something (`explain?`); the answer is a frame with the number of the question.
  std::function<void(const model::Frame&)> question;
};

class ControlLink {
 public:
  /// `loop` and `metrics` must outlive the link. `have` is where the replica stands.
  ControlLink(net::EventLoop& loop, Metrics& metrics, ControlLinkOptions options,
              ControlLinkEvents events, Version have);
  /// Stops.
  ~ControlLink();

  void start();
  void stop();

  /// Of the frames of one kind and id only the newest waits; nothing waits without a connection.
  void send(const model::Frame& frame);
  /// The whole report; only the newest waits. A control that keeps lists is sent those of it that
  /// its stream has not been told.
  void send_report(Json report);

 private:
  struct Session;
  using FrameKey = std::pair<std::string, std::string>;
  /// What waits for the writer, and what control is like.
  struct Outgoing {
    std::map<FrameKey, model::Frame> frames;
    std::optional<Json> report;
    bool keeps_lists = false;

    bool is_empty() const { return frames.empty() && !report; }
  };

  void run();
  Result<void> follow(net::Channel& channel);
  Result<void> read_frames(net::Channel& channel);
  void write_frames(net::Channel& channel);
  Result<void> write_all(net::Channel& channel, std::string_view bytes);
  Result<void> say_hello(net::Channel& channel);
  Result<void> take_frame(Session& session, model::Frame frame);
  Result<void> take_welcome(Session& session, const model::Frame& frame);
  Result<void> take_commit(Session& session, const model::Frame& frame);
  void hand_over(Batch batch);
  void take_pending();
  void note_problem(const Error& error);
  bool open_session(net::Channel& channel);
  void close_session();
  bool pause(std::chrono::milliseconds length);
  Outgoing next_outgoing();
  std::string encoded(Outgoing outgoing, ReportedLists& reported);

  // Constant after construction.
  net::EventLoop& loop_;
  Metrics& metrics_;
  const ControlLinkOptions options_;
  const ControlLinkEvents events_;
  const SystemClock clock_;

  // Owned by the reading thread.
  Version have_;
  std::string last_problem_;

  Mutex mutex_;
  Condition changed_;
  net::Channel* channel_ WEIR_GUARDED_BY(mutex_) = nullptr;  // of the session that runs
  bool is_welcome_ WEIR_GUARDED_BY(mutex_) = false;
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;
  Outgoing outgoing_ WEIR_GUARDED_BY(mutex_);
  /// Batches the loop has not taken yet, merged: a loop that was held up makes one step.
  std::optional<Batch> pending_ WEIR_GUARDED_BY(mutex_);

  std::jthread thread_;
};

}  // namespace weir::agent
