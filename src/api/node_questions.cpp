#include "api/node_questions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/random.h"

namespace weir::api {
namespace {

/// Numbers begin anywhere below this, so that what a node answers to an earlier control is
/// nobody's answer here.
constexpr std::uint64_t kFirstNumberMax = std::uint64_t{1} << 48;

Instant now() { return std::chrono::steady_clock::now(); }

std::optional<std::uint64_t> number_of(const std::string& id) {
  constexpr std::size_t kDigitsMax = 18;  // fits 64 bits
  if (id.empty() || id.size() > kDigitsMax) return std::nullopt;
  if (id.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoull(id);
}

Error gone(const std::string& node) {
  return {ErrorCode::kUnavailable, "node " + node + " went away before it answered", "node"};
}

Error stops() { return {ErrorCode::kUnavailable, "control stops", ""}; }

}  // namespace

NodeQuestions::NodeQuestions(Metrics& metrics, std::function<void()> wake, Limits limits)
    : metrics_(metrics),
      wake_(std::move(wake)),
      limits_(limits),
      next_question_(1 + Random().below(kFirstNumberMax)) {
  expirer_ = std::thread([this] { expire(); });
}

NodeQuestions::~NodeQuestions() { stop(); }

void NodeQuestions::count(std::string_view result) const {
  metrics_.value(Metric::kStreamQuestions, {std::string(result)}).add();
}

void NodeQuestions::ask(const std::string& node, std::string_view kind, const Json& body,
                        Done done) {
  model::Frame frame;
  frame.kind = kind;
  frame.body = body.dump();
  const Result<void> added = add(node, std::move(frame), done);
  if (added) return wake_();
  count(added.error().code == ErrorCode::kRateLimited ? "too_many" : "not_connected");
  done(added.error());
}

/// Takes `done` only when it succeeds.
Result<void> NodeQuestions::add(const std::string& node, model::Frame frame, Done& done) {
  const MutexLock lock(mutex_);
  if (is_stopping_) return stops();
  const auto stream = current_.find(node);
  if (stream == current_.end()) {
    return Error{ErrorCode::kUnavailable, "node " + node + " is not connected", "node"};
  }
  const auto open = std::ranges::count_if(
      open_, [&](const auto& question) { return question.second.node == node; });
  if (static_cast<std::size_t>(open) >= limits_.open_max) {
    return Error{ErrorCode::kRateLimited,
                 "node " + node + " has " + std::to_string(open) +
                     " questions to answer, at most " + std::to_string(limits_.open_max) +
                     " at once: ask again",
                 "node"};
  }
  const std::uint64_t number = next_question_++;
  frame.id = std::to_string(number);
  Stream& to = streams_.at(stream->second);
  to.waiting.push_back(std::move(frame));
  open_.emplace(number, Question{stream->second, node, now() + limits_.patience, std::move(done)});
  *to.has_waiting = true;
  changed_.notify_all();
  return {};
}

NodeQuestions::StreamNumber NodeQuestions::open(const std::string& node,
                                                std::atomic<bool>& has_waiting) {
  const MutexLock lock(mutex_);
  const StreamNumber number = next_stream_++;
  streams_[number] = {node, &has_waiting, {}};
  current_[node] = number;
  return number;
}

std::vector<model::Frame> NodeQuestions::take(StreamNumber stream) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return {};
  std::vector<model::Frame> frames;
  for (model::Frame& frame : std::exchange(found->second.waiting, {})) {
    // Nobody waits for the answer to one that was given up meanwhile.
    const auto number = number_of(frame.id);
    if (number && open_.contains(*number)) frames.push_back(std::move(frame));
  }
  return frames;
}

void NodeQuestions::answered(StreamNumber stream, model::Frame frame) {
  const auto number = number_of(frame.id);
  if (!number) return;
  Done done;
  {
    const MutexLock lock(mutex_);
    const auto found = open_.find(*number);
    if (found == open_.end() || found->second.stream != stream) return;
    done = std::move(found->second.done);
    open_.erase(found);
  }
  count("answered");
  done(std::move(frame));
}

std::vector<NodeQuestions::Question> NodeQuestions::take_of(StreamNumber stream) {
  std::vector<Question> taken;
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second.stream == stream) {
      taken.push_back(std::move(at->second));
      at = open_.erase(at);
    } else {
      ++at;
    }
  }
  return taken;
}

void NodeQuestions::close(StreamNumber stream) {
  std::vector<Question> lost;
  {
    const MutexLock lock(mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    const auto current = current_.find(found->second.node);
    if (current != current_.end() && current->second == stream) current_.erase(current);
    streams_.erase(found);
    lost = take_of(stream);
  }
  for (const Question& question : lost) {
    count("node_gone");
    question.done(gone(question.node));
  }
}

void NodeQuestions::stop() {
  Questions lost;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    lost.swap(open_);
    changed_.notify_all();
  }
  for (const auto& [number, question] : lost) question.done(stops());
  // It may be telling of some that were late.
  if (expirer_.joinable()) expirer_.join();
}

/// Waits until there are some; none when this stops.
std::vector<NodeQuestions::Question> NodeQuestions::take_late() {
  const MutexLock lock(mutex_);
  std::vector<Question> late;
  while (!is_stopping_) {
    while (!open_.empty() && open_.begin()->second.deadline <= now()) {
      late.push_back(std::move(open_.begin()->second));
      open_.erase(open_.begin());
    }
    if (!late.empty()) break;
    changed_.wait_until(mutex_,
                        open_.empty() ? now() + limits_.patience : open_.begin()->second.deadline);
  }
  return late;
}

void NodeQuestions::expire() {
  for (auto late = take_late(); !late.empty(); late = take_late()) {
    for (const Question& question : late) {
      count("timeout");
      question.done(Error{ErrorCode::kDeadlineExceeded,
                          "node " + question.node + " did not answer within " +
                              std::to_string(limits_.patience.count()) + " ms",
                          "node"});
    }
  }
}

}  // namespace weir::api
