// One node on the stream: takes its hello, sends what is placed on it and every later commit, takes
// its reports, verdicts and answers. Two threads: the one that calls run() reads, another one
// writes. Thread: run() once; end() any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "api/catalog.h"
#include "api/node_batches.h"
#include "api/node_hello.h"
#include "api/node_questions.h"
#include "api/observed.h"
#include "api/resource_writer.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "model/frame.h"
#include "net/channel.h"
#include "store/store.h"

namespace weir::api {

/// Control speaks at least this often (docs/formats/frames.md).
inline constexpr std::chrono::seconds kPingInterval{5};
/// A node that says nothing for this long has gone. Chosen as three pings. Reached: the stream is
/// closed; weir_stream_nodes goes down.
inline constexpr std::chrono::seconds kNodeSilenceMax{15};
/// How long a commit without anything for this node may wait for company, so that a busy control
/// does not make every node write every revision down.
inline constexpr std::chrono::milliseconds kIdleCommitDelay{100};

/// What every session works on; outlives them.
struct StreamParts {
  store::Store& store;
  Catalog& catalog;
  Observed& observed;
  ResourceWriter& writer;
  NodeQuestions& questions;
  Metrics& metrics;
  const Clock& clock;
  std::string build;
};

class NodeSession {
 public:
  /// Called once the hello is good, before anything is sent; the number of this stream.
  using Joined = std::function<NodeStream(NodeSession&)>;
  NodeSession(const StreamParts& parts, std::unique_ptr<net::Channel> channel, Joined joined);

  /// Serves until the stream ends.
  void run();
  /// Ends it soon.
  void end();
  const std::string& node() const { return hello_.id; }

 private:
  Result<void> greet();
  Result<model::Frame> read_frame(Instant deadline);
  Result<void> admit();
  Result<void> record_node();
  Result<void> refuse(const std::string& metric_reason, const std::string& reason);
  Result<void> read_reports();
  Result<void> take(const model::Frame& frame);
  void take_verdict(const model::Frame& frame);

  void write_commits();
  Result<void> send_first();
  Result<void> send_pending();
  Result<std::vector<model::Frame>> next_frames();
  Result<void> send_questions();
  Result<void> send_commit(std::vector<model::Frame> frames);
  Result<void> send(const std::vector<model::Frame>& frames);
  Instant next_deadline() const;

  const StreamParts& parts_;
  const std::unique_ptr<net::Channel> channel_;
  const Joined joined_;
  std::atomic<bool> is_ending_{false};
  std::atomic<bool> has_questions_{false};  // to be taken by the writing thread
  // Constant while both threads run.
  NodeQuestions::StreamNumber questions_ = 0;
  NodeStream stream_;

  // Owned by the reading thread.
  model::FrameDecoder decoder_;
  NodeHello hello_;

  // Owned by the writing thread once it runs.
  std::unique_ptr<NodeBatches> batches_;
  bool is_full_ = true;
  Revision sent_;             // everything up to here was computed for this node
  bool owes_commit_ = false;  // and its commit has not been sent
  Instant last_sent_{};
};

}  // namespace weir::api
