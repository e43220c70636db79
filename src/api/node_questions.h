// Questions of control to its nodes, as frames with a number on the stream: takes them from API
// calls, lets the session of the node send them, and brings each its answer, or an error when the
// node is not there, goes away or takes too long. Knows frames, not what is asked.
// Thread: any. Answers are handed out on whatever thread brings them, without a lock: they must
// not block.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/frame.h"

namespace weir::api {

/// Questions that one node has not answered yet. Chosen because a node answers one in a few
/// milliseconds; more than these are a loop and not a person. Reached: 429;
/// weir_stream_questions_total{result="too_many"}.
inline constexpr std::size_t kQuestionsOpenMax = 32;
/// How long a node may take. Chosen because it answers from memory: one that needs longer is
/// stuck, and whoever asks wants to know that soon. Reached: 503;
/// weir_stream_questions_total{result="timeout"}.
inline constexpr std::chrono::milliseconds kAnswerPatience{5000};

class NodeQuestions {
 public:
  struct Limits {
    std::size_t open_max = kQuestionsOpenMax;
    std::chrono::milliseconds patience = kAnswerPatience;
  };
  /// Called exactly once.
  /// Errors:  kUnavailable, kDeadlineExceeded, kRateLimited; each names the node
  using Done = std::function<void(Result<model::Frame>)>;
  using StreamNumber = std::uint64_t;

  /// `metrics` must outlive this. `wake` makes sessions look at their `has_waiting`.
  NodeQuestions(Metrics& metrics, std::function<void()> wake, Limits limits);
  ~NodeQuestions();

  void ask(const std::string& node, std::string_view kind, const Json& body, Done done)
      WEIR_EXCLUDES(mutex_);

  // What the session of a node tells.
  /// A stream has begun; later questions go to it. `has_waiting` is set when there is something to
  /// take, until close().
  StreamNumber open(const std::string& node, std::atomic<bool>& has_waiting) WEIR_EXCLUDES(mutex_);
  /// Questions to be sent now.
  std::vector<model::Frame> take(StreamNumber stream) WEIR_EXCLUDES(mutex_);
  /// A frame of the node with the number of a question. One that nobody waits for is dropped.
  void answered(StreamNumber stream, model::Frame frame) WEIR_EXCLUDES(mutex_);
  void close(StreamNumber stream) WEIR_EXCLUDES(mutex_);

  /// Gives up what is open, and refuses everything from now on; when it returns, nobody is told any
  /// more that a question was late. Idempotent. Thread: owner
  void stop() WEIR_EXCLUDES(mutex_);

 private:
  struct Stream {
    std::string node;
    std::atomic<bool>* has_waiting = nullptr;
    std::vector<model::Frame> waiting;
  };
  struct Question {
    StreamNumber stream = 0;
    std::string node;
    Instant deadline;
    Done done;
  };
  using Questions = std::map<std::uint64_t, Question>;  // by number: also by deadline

  Result<void> add(const std::string& node, model::Frame frame, Done& done) WEIR_EXCLUDES(mutex_);
  std::vector<Question> take_of(StreamNumber stream) WEIR_REQUIRES(mutex_);
  std::vector<Question> take_late() WEIR_EXCLUDES(mutex_);
  void count(std::string_view result) const;
  void expire();

  // Constant after construction.
  Metrics& metrics_;
  const std::function<void()> wake_;
  const Limits limits_;

  Mutex mutex_;
  Condition changed_;
  std::map<StreamNumber, Stream> streams_ WEIR_GUARDED_BY(mutex_);
  std::map<std::string, StreamNumber> current_ WEIR_GUARDED_BY(mutex_);  // by node
  Questions open_ WEIR_GUARDED_BY(mutex_);
  StreamNumber next_stream_ WEIR_GUARDED_BY(mutex_) = 1;
  std::uint64_t next_question_ WEIR_GUARDED_BY(mutex_);
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread expirer_;
};

}  // namespace weir::api
