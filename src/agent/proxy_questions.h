// Questions to the proxies of this node, and who waits for the answers: samples of all proxies, for
// any thread, and what control asks (model/node_question.h), for the one that serves. Knows frames,
// not what is asked. Thread: owner loop, but for samples() (any).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/proxy_children.h"
#include "agent/stats_board.h"
#include "base/metrics.h"
#include "model/frame.h"
#include "net/event_loop.h"

namespace weir::agent {

/// Questions of control that wait for a proxy. Chosen because control has half as many open at one
/// node, and a proxy that takes longer than it waits may still hold those it gave up. Reached: the
/// question is refused; control answers 429.
inline constexpr std::size_t kControlQuestionsMax = 64;

class ProxyQuestions {
 public:
  /// `loop` and `children` must outlive this. `answer` takes frames for control.
  ProxyQuestions(net::EventLoop& loop, ProxyChildren& children,
                 std::function<void(const model::Frame&)> answer);

  /// Samples of the proxies; asks them and waits for kStatsPatience at most. Thread: any but the
  /// loop's own
  std::vector<Sample> samples();

  /// A question of control: gets its answer, or the reason why there is none, with its number.
  void ask(const model::Frame& question);
  /// An answer of a proxy.
  void take(const model::Frame& answer);
  /// What the proxy before has not answered is asked of the one that serves now.
  void serving_changed();
  /// Nobody waits for the answers any more.
  void control_gone() { asked_.clear(); }

 private:
  void ask_for_stats(std::uint64_t question);
  void take_stats(const model::Frame& frame);
  bool forward(std::uint64_t number, const model::Frame& question);
  void refuse(const model::Frame& question, const std::string& reason);

  // Constant after construction.
  net::EventLoop& loop_;
  ProxyChildren& children_;
  const std::function<void(const model::Frame&)> answer_;
  // Owned by the loop's thread.
  std::size_t stats_missing_ = 0;
  std::uint64_t stats_question_ = 0;
  std::uint64_t next_number_ = 1;
  std::map<std::uint64_t, model::Frame> asked_;  // questions of control, by our number

  StatsBoard stats_;
};

}  // namespace weir::agent
