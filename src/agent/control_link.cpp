#include "agent/control_link.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "agent/protocol.h"
#include "base/log.h"

namespace weir::agent {
namespace {

/// Bytes read at once. Chosen because most batches are smaller.
constexpr std::size_t kReadBytes = 64 << 10;
/// Bytes written with one deadline. Chosen because the slowest link worth having takes them in it.
constexpr std::size_t kWriteBytes = 256 << 10;

Json version_json(Version version) {
  return Json::object({{"epoch", static_cast<std::int64_t>(version.epoch.value)},
                       {"revision", static_cast<std::int64_t>(version.revision.value)}});
}

}  // namespace

/// One connection, from welcome to its end.
struct ControlLink::Session {
  bool is_welcome = false;
  bool is_full = false;
  std::vector<model::Frame> frames;
  std::size_t bytes = 0;
};

ControlLink::ControlLink(net::EventLoop& loop, Metrics& metrics, ControlLinkOptions options,
                         ControlLinkEvents events, Version have)
    : loop_(loop),
      metrics_(metrics),
      options_(std::move(options)),
      events_(std::move(events)),
      have_(have) {}

ControlLink::~ControlLink() { stop(); }

void ControlLink::start() {
  metrics_.value(Metric::kNodeConnected).set(0);
  thread_ = std::jthread([this] { run(); });
}

void ControlLink::stop() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    if (channel_ != nullptr) channel_->close();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void ControlLink::send(const model::Frame& frame) {
  const MutexLock lock(mutex_);
  if (!is_welcome_) return;  // Everything is sent again after the next welcome.
  outgoing_.frames.insert_or_assign({frame.kind, frame.id}, frame);
  changed_.notify_all();
}

void ControlLink::send_report(Json report) {
  const MutexLock lock(mutex_);
  if (!is_welcome_) return;
  outgoing_.report = std::move(report);
  changed_.notify_all();
}

/// False when the link was stopped meanwhile.
bool ControlLink::pause(std::chrono::milliseconds length) {
  const Instant until = clock_.now() + length;
  const MutexLock lock(mutex_);
  while (!is_stopping_ && changed_.wait_until(mutex_, until)) {
  }
  return !is_stopping_;
}

void ControlLink::run() {
  auto wait = kReconnectPauseMin;
  do {
    auto channel = net::connect_channel(options_.control, clock_.now() + kLinkPatience);
    if (!channel) {
      note_problem(channel.error());
      wait = std::min(wait * 2, kReconnectPauseMax);
      continue;
    }
    const Version before = have_;
    const Result<void> ended = follow(**channel);
    if (!ended) note_problem(ended.error());
    // A control that accepts and fails at once must not be called in a tight loop either.
    wait = have_ == before ? std::min(wait * 2, kReconnectPauseMax) : kReconnectPauseMin;
  } while (pause(wait));
}

/// Logs what keeps control away, once per reason.
void ControlLink::note_problem(const Error& error) {
  {
    const MutexLock lock(mutex_);
    if (is_stopping_) return;
  }
  if (std::exchange(last_problem_, error.message) == error.message) return;
  log::warning("control is not in reach, this node goes on with what it has",
               {{"control", options_.control.text},
                {"detail", error.message},
                {"version", to_string(have_)}});
}

bool ControlLink::open_session(net::Channel& channel) {
  const MutexLock lock(mutex_);
  if (is_stopping_) return false;
  channel_ = &channel;
  outgoing_ = {};
  return true;
}

void ControlLink::close_session() {
  bool was_welcome = false;
  {
    const MutexLock lock(mutex_);
    channel_ = nullptr;
    was_welcome = std::exchange(is_welcome_, false);
    changed_.notify_all();
  }
  if (!was_welcome) return;
  metrics_.value(Metric::kNodeConnected).set(0);
  loop_.post([this] { events_.disconnected(); });
}

Result<void> ControlLink::follow(net::Channel& channel) {
  if (!open_session(channel)) return {};
  Result<void> result = say_hello(channel);
  if (result) {
    std::jthread writer([this, &channel] { write_frames(channel); });
    result = read_frames(channel);
    channel.close();
    close_session();  // Ends the writer, which is joined here.
  } else {
    close_session();
  }
  return result;
}

Result<void> ControlLink::say_hello(net::Channel& channel) {
  Json hello = options_.hello();
  hello["have"] = version_json(have_);
  const auto frame = message_frame(message::kHello, options_.node_id, hello);
  return channel.write(model::encode(frame), clock_.now() + kLinkPatience);
}

Result<void> ControlLink::read_frames(net::Channel& channel) {
  Session session;
  model::FrameDecoder decoder;
  std::array<char, kReadBytes> bytes;
  MetricValue& received = metrics_.value(Metric::kStreamFrames, {"received"});
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::size_t count,
                          channel.read(bytes, clock_.now() + kControlSilenceMax));
    if (count == 0) return Error{ErrorCode::kUnavailable, "control ended the stream", {}};
    decoder.feed(std::string_view(bytes.data(), count));
    while (true) {
      WEIR_ASSIGN_OR_RETURN(std::optional<model::Frame> frame, decoder.next());
      if (!frame) break;
      received.add();
      WEIR_TRY(take_frame(session, *std::move(frame)));
    }
  }
}

Result<void> ControlLink::take_frame(Session& session, model::Frame frame) {
  if (frame.kind == message::kWelcome) return take_welcome(session, frame);
  if (frame.kind == message::kRefused) {
    return Error{ErrorCode::kFailedPrecondition, "control refused this node: " + frame.body, {}};
  }
  if (!session.is_welcome) {
    return Error{ErrorCode::kInvalidArgument, "expected a welcome, found " + frame.kind, {}};
  }
  if (frame.kind == message::kCommit) return take_commit(session, frame);
  if (frame.kind == message::kPing) loop_.post([this] { events_.ping(); });
  if (model::is_node_question(frame.kind)) {
    loop_.post([this, question = std::move(frame)] { events_.question(question); });
    return {};
  }
  if (!is_object_kind(frame.kind)) return {};
  session.bytes += frame.body.size();
  if (session.bytes > kBatchBytesMax) {
    return Error{ErrorCode::kInvalidArgument, "a batch of control is larger than the limit", {}};
  }
  session.frames.push_back(std::move(frame));
  return {};
}

Result<void> ControlLink::take_welcome(Session& session, const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body);
  const std::string mode = body ? body->string_or("mode", "") : "";
  if (mode != "full" && mode != "delta") {
    return Error{ErrorCode::kInvalidArgument, "expected mode full or delta in the welcome", {}};
  }
  if (frame.version < have_) {
    return Error{ErrorCode::kStale,
                 "control is at " + to_string(frame.version) + ", behind this node at " +
                     to_string(have_) + ": it has lost changes or is another one",
                 {}};
  }
  if (mode == "delta" && frame.version.epoch != have_.epoch) {
    return Error{ErrorCode::kInvalidArgument, "a new epoch needs a full resync", {}};
  }
  session.is_welcome = true;
  session.is_full = mode == "full";
  last_problem_.clear();
  log::info("follows control", {{"control", options_.control.text},
                                {"mode", mode},
                                {"have", to_string(have_)},
                                {"version", to_string(frame.version)}});
  const bool keeps_lists = body->bool_or("keepsLists", false);
  {
    const MutexLock lock(mutex_);
    is_welcome_ = true;
    outgoing_.keeps_lists = keeps_lists;
  }
  metrics_.value(Metric::kNodeConnected).set(1);
  loop_.post([this, keeps_lists] { events_.connected(keeps_lists); });
  return {};
}

Result<void> ControlLink::take_commit(Session& session, const model::Frame& frame) {
  if (frame.version < have_) {
    return Error{ErrorCode::kStale,
                 "control went back from " + to_string(have_) + " to " + to_string(frame.version),
                 {}};
  }
  have_ = frame.version;
  metrics_.value(Metric::kNodeRevision, {"seen"})
      .set(static_cast<double>(frame.version.revision.value));
  hand_over({.version = frame.version,
             .is_full = std::exchange(session.is_full, false),
             .frames = std::exchange(session.frames, {})});
  session.bytes = 0;
  return {};
}

void ControlLink::hand_over(Batch batch) {
  bool is_posted = false;
  {
    const MutexLock lock(mutex_);
    is_posted = pending_.has_value();
    if (is_posted && !batch.is_full) {
      pending_->version = batch.version;
      std::ranges::move(batch.frames, std::back_inserter(pending_->frames));
    } else {
      pending_ = std::move(batch);
    }
  }
  if (!is_posted) loop_.post([this] { take_pending(); });
}

void ControlLink::take_pending() {
  std::optional<Batch> batch;
  {
    const MutexLock lock(mutex_);
    batch.swap(pending_);
  }
  if (batch) events_.batch(*std::move(batch));
}

/// Everything that waits; nothing when the session is over.
ControlLink::Outgoing ControlLink::next_outgoing() {
  const MutexLock lock(mutex_);
  while (channel_ != nullptr && !is_stopping_ && outgoing_.is_empty()) {
    changed_.wait_until(mutex_, clock_.now() + kControlSilenceMax);
  }
  if (channel_ == nullptr || is_stopping_) return {};
  Outgoing taken = std::exchange(outgoing_, {});
  outgoing_.keeps_lists = taken.keeps_lists;
  return taken;
}

/// A report is shortened here, where it is written next: one that a newer replaced while it waited
/// has told nobody of its lists.
std::string ControlLink::encoded(Outgoing outgoing, ReportedLists& reported) {
  if (outgoing.report) {
    const Json report = outgoing.keeps_lists ? reported.shortened(*std::move(outgoing.report))
                                             : *std::move(outgoing.report);
    outgoing.frames[{std::string(message::kReport), options_.node_id}] =
        message_frame(message::kReport, options_.node_id, report);
  }
  std::string bytes;
  for (const auto& [key, frame] : outgoing.frames) bytes += model::encode(frame);
  metrics_.value(Metric::kStreamFrames, {"sent"}).add(static_cast<double>(outgoing.frames.size()));
  return bytes;
}

/// Piece by piece, so that only a write without progress runs into its deadline.
Result<void> ControlLink::write_all(net::Channel& channel, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kWriteBytes);
    WEIR_TRY(channel.write(piece, clock_.now() + kLinkPatience));
    bytes.remove_prefix(piece.size());
  }
  return {};
}

void ControlLink::write_frames(net::Channel& channel) {
  ReportedLists reported;  // on this stream
  while (true) {
    const std::string bytes = encoded(next_outgoing(), reported);
    if (bytes.empty()) return;
    if (write_all(channel, bytes)) continue;
    channel.close();  // The reading side sees it and says why.
    return;
  }
}

}  // namespace weir::agent
