#include "api/node_session.h"

#include <array>
#include <thread>

#include "base/log.h"
#include "model/node_question.h"
#include "model/registry.h"
#include "snapshot/verdict.h"

namespace weir::api {
namespace {

using model::Frame;

/// Source: a node speaks first, and at once. Reached: the connection is closed.
constexpr std::chrono::seconds kHelloLimit{5};
/// A node that does not take the next piece within this time has gone. Chosen because a piece of
/// 256 KiB takes less on any network worth having. Reached: the node counts as gone;
/// weir_stream_nodes goes down.
constexpr std::chrono::seconds kWriteLimit{10};
// Bytes; see above.
constexpr std::size_t kWritePiece = std::size_t{256} * 1024;
/// How long a waiting writer takes to notice that its session ends.
constexpr std::chrono::milliseconds kEndSlice{100};

Instant now() { return std::chrono::steady_clock::now(); }

Frame message(std::string_view kind, std::string_view id, Version version, const Json& body) {
  Frame frame;
  frame.version = version;
  frame.kind = kind;
  frame.id = id;
  if (!body.is_null()) frame.body = body.dump();
  return frame;
}

}  // namespace

NodeSession::NodeSession(const StreamParts& parts, std::unique_ptr<net::Channel> channel,
                         Joined joined)
    : parts_(parts), channel_(std::move(channel)), joined_(std::move(joined)) {}

void NodeSession::end() {
  is_ending_ = true;
  channel_->close();
}

void NodeSession::run() {
  Result<void> outcome = greet();
  if (outcome) {
    log::info("a node follows", {{"node", hello_.id},
                                 {"peer", channel_->peer()},
                                 {"mode", is_full_ ? "full" : "delta"},
                                 {"have", to_string(hello_.have)}});
    questions_ = parts_.questions.open(hello_.id, has_questions_);
    stream_ = joined_(*this);
    std::jthread writer([this] { write_commits(); });
    outcome = read_reports();
    end();
    parts_.questions.close(questions_);
  }
  if (!outcome) {
    log::info("a node's stream ended",
              {{"node", hello_.id}, {"peer", channel_->peer()}, {"why", outcome.error().message}});
  }
}

Result<Frame> NodeSession::read_frame(Instant deadline) {
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(std::optional<Frame> frame, decoder_.next());
    if (frame) {
      parts_.metrics.value(Metric::kStreamFrames, {"received"}).add();
      return *std::move(frame);
    }
    WEIR_ASSIGN_OR_RETURN(const std::size_t size, channel_->read(bytes, deadline));
    if (size == 0) return Error{ErrorCode::kUnavailable, "the node ended the stream", ""};
    decoder_.feed({bytes.data(), size});
  }
}

Result<void> NodeSession::greet() {
  WEIR_ASSIGN_OR_RETURN(const Frame frame, read_frame(now() + kHelloLimit));
  auto hello = read_hello(frame);
  if (!hello) {
    return refuse(hello.error().code == ErrorCode::kFailedPrecondition ? "format" : "hello",
                  to_string(hello.error()));
  }
  hello_ = *std::move(hello);
  WEIR_TRY(parts_.catalog.refresh());
  return admit();
}

Result<void> NodeSession::refuse(const std::string& metric_reason, const std::string& reason) {
  parts_.metrics.value(Metric::kStreamRefused, {metric_reason}).add();
  log::error("a node was refused", {{"node", hello_.id}, {"why", reason}});
  // The node learns why if it still listens.
  (void)send({message("refused", hello_.id, {}, Json::object({{"reason", reason}}))});
  return Error{ErrorCode::kFailedPrecondition, reason, ""};
}

/// Decides how the node gets from what it has to what is; docs/formats/frames.md has the cases.
Result<void> NodeSession::admit() {
  const Version own{parts_.store.version().epoch, parts_.catalog.revision()};
  if (hello_.have > own) {
    return refuse("ahead", "the node is at " + to_string(hello_.have) + ", control only at " +
                               to_string(own) +
                               ": control has lost changes; start a new epoch to go on");
  }
  batches_ = std::make_unique<NodeBatches>(hello_.id, own.epoch);
  if (hello_.have.epoch == own.epoch) {
    const auto past = parts_.catalog.index_at(hello_.have.revision);
    if (past) batches_->assume(*past);
    is_full_ = !past.has_value();
  }
  return record_node();
}

/// The stored node is as its newest hello says.
Result<void> NodeSession::record_node() {
  const model::Object wanted = node_object(hello_, utc_text(parts_.clock.wall_now()));
  const auto known = parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    return index.find(model::Kind::kNode, hello_.id) != nullptr;
  });
  const Caller caller{
      .who = "node/" + hello_.id, .request_id = "", .account = std::string(model::kDefaultOwner)};
  const auto change = [&](const model::Object&, model::Object& updated) -> Errors {
    updated.spec = wanted.spec;
    return {};
  };
  auto written =
      known ? parts_.writer.update({model::Kind::kNode, hello_.id, std::nullopt, "update node"},
                                   change, caller)
            : parts_.writer.create_own(wanted, caller);
  if (!written.ok()) return refuse("hello", to_string(written.errors.front()));
  return {};
}

Result<void> NodeSession::read_reports() {
  while (!is_ending_) {
    WEIR_ASSIGN_OR_RETURN(const Frame frame, read_frame(now() + kNodeSilenceMax));
    WEIR_TRY(take(frame));
  }
  return {};
}

/// Frames of a kind that this build does not know are for a later one.
Result<void> NodeSession::take(const Frame& frame) {
  if (frame.kind == "verdict") {
    take_verdict(frame);
  } else if (frame.kind == "report") {
    WEIR_ASSIGN_OR_RETURN(const Json body, parse_json(frame.body, kNodeJsonLimits));
    WEIR_TRY(parts_.observed.report(stream_, body));
  } else if (model::is_node_answer(frame.kind)) {
    parts_.questions.answered(questions_, frame);
  }
  return {};
}

void NodeSession::take_verdict(const Frame& frame) {
  if (frame.is_tombstone) return parts_.observed.verdict_gone(stream_, frame.id);
  const auto json = parse_json(frame.body);
  const auto verdict =
      json ? snapshot::verdict_from_json(*json) : Result<snapshot::Verdict>(json.error());
  if (!verdict) {
    log::warning("a verdict cannot be read",
                 {{"node", hello_.id}, {"error", to_string(verdict.error())}});
    return;
  }
  parts_.observed.verdict(stream_, *verdict);
}

void NodeSession::write_commits() {
  Result<void> outcome = send_first();
  while (outcome && !is_ending_) outcome = send_pending();
  if (!outcome && !is_ending_) {
    log::info("a node takes no more", {{"node", hello_.id}, {"why", outcome.error().message}});
  }
  end();
}

Result<void> NodeSession::send_first() {
  std::vector<Frame> frames;
  const Epoch epoch = parts_.store.version().epoch;
  parts_.catalog.read([&](const model::ObjectIndex& index, Revision revision) {
    sent_ = revision;
    frames = batches_->advance(index, revision);
  });
  const Json welcome = Json::object({{"build", parts_.build},
                                     {"formats", Json::array({Json(model::kFrameFormat)})},
                                     {"mode", is_full_ ? "full" : "delta"},
                                     {"keepsLists", true}});
  frames.insert(frames.begin(), message("welcome", hello_.id, {epoch, sent_}, welcome));
  return send_commit(std::move(frames));
}

Instant NodeSession::next_deadline() const {
  return last_sent_ +
         (owes_commit_ ? Clock::Duration(kIdleCommitDelay) : Clock::Duration(kPingInterval));
}

/// Waits for the next commit and sends what it means here; a ping when nothing happens.
Result<void> NodeSession::send_pending() {
  const Instant deadline = next_deadline();
  const bool has_news =
      parts_.catalog.wait_after(sent_, std::min(deadline, now() + kEndSlice), &has_questions_);
  if (has_questions_.exchange(false)) WEIR_TRY(send_questions());
  if (has_news) {
    WEIR_ASSIGN_OR_RETURN(std::vector<Frame> frames, next_frames());
    if (!frames.empty()) return send_commit(std::move(frames));
    owes_commit_ = true;
  }
  if (now() < next_deadline()) return {};
  if (owes_commit_) return send_commit({});
  return send({message("ping", "", {parts_.store.version().epoch, sent_}, Json())});
}

/// What the commits since mean here. Errors: kNotFound when the node was deleted
Result<std::vector<Frame>> NodeSession::next_frames() {
  if (const auto progress = parts_.catalog.changes_after(sent_)) {
    if (auto frames = batches_->follow(progress->changes, progress->revision)) {
      sent_ = progress->revision;
      return *std::move(frames);
    }
  }
  std::vector<Frame> frames;
  bool is_known = true;
  parts_.catalog.read([&](const model::ObjectIndex& index, Revision revision) {
    sent_ = revision;
    frames = batches_->advance(index, revision);
    is_known = index.find(model::Kind::kNode, hello_.id) != nullptr;
  });
  // Deleted while it came: it says hello again, and is recorded anew.
  if (!is_known) return Error{ErrorCode::kNotFound, "the node was deleted", ""};
  return frames;
}

/// Between two batches. An owed commit and a ping are due as before, however many questions come.
Result<void> NodeSession::send_questions() {
  const std::vector<Frame> frames = parts_.questions.take(questions_);
  if (frames.empty()) return {};
  const Instant last = last_sent_;
  WEIR_TRY(send(frames));
  last_sent_ = last;
  return {};
}

Result<void> NodeSession::send_commit(std::vector<Frame> frames) {
  owes_commit_ = false;
  frames.push_back(message("commit", "", {parts_.store.version().epoch, sent_}, Json()));
  return send(frames);
}

Result<void> NodeSession::send(const std::vector<Frame>& frames) {
  std::string bytes;
  for (const Frame& frame : frames) bytes += model::encode(frame);
  for (std::size_t at = 0; at < bytes.size(); at += kWritePiece) {
    const auto piece = std::string_view(bytes).substr(at, kWritePiece);
    WEIR_TRY(channel_->write(piece, now() + kWriteLimit));
  }
  last_sent_ = now();
  parts_.metrics.value(Metric::kStreamFrames, {"sent"}).add(static_cast<double>(frames.size()));
  return {};
}

}  // namespace weir::api
