// A probe without sockets, for tests alone: a test answers each attempt itself, or sets what every
// address answers and how long that takes. Thread: owner loop.
#pragma once

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "health/probe.h"

namespace weir::health {

class FakeProbe final : public Probe {
 public:
  struct Attempt {
    ProbeTarget target;
    Instant start;
    Instant deadline;
  };
  /// How an endpoint behaves; one that takes longer than the deadline times out.
  struct Behaviour {
    ProbeOutcome outcome{};
    Clock::Duration takes{};
  };

  explicit FakeProbe(net::EventLoop& loop) : loop_(loop) {}
  ~FakeProbe() override {
    for (const auto& [id, attempt] : running_) loop_.cancel(attempt.timer);
  }

  ProbeId start(const ProbeTarget& target, Instant deadline, ProbeDone done) override {
    const Instant now = loop_.clock().now();
    attempts_.push_back({target, now, deadline});
    Behaviour behaviour =
        behaviours_.contains(target.endpoint) ? behaviours_[target.endpoint] : Behaviour{};
    Instant end = now + behaviour.takes;
    if (end > deadline) {
      end = deadline;
      behaviour.outcome = {ProbeReason::kConnectTimeout, "no answer"};
    }
    const ProbeId id = next_id_++;
    const auto timer = loop_.run_at(end, [this, id, outcome = behaviour.outcome] {
      const auto ended = running_.extract(id);
      ended.mapped().done(outcome);
    });
    running_.emplace(id, Running{target.endpoint, timer, std::move(done)});
    overlap_max_ = std::max(overlap_max_, count_running(target.endpoint));
    return id;
  }

  void cancel(ProbeId id) override {
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    loop_.cancel(found->second.timer);
    running_.erase(found);
    ++cancelled_;
  }

  void set(const net::Endpoint& endpoint, Behaviour behaviour) {
    behaviours_[endpoint] = std::move(behaviour);
  }
  const std::vector<Attempt>& attempts() const { return attempts_; }
  std::vector<Instant> starts(const net::Endpoint& endpoint) const {
    std::vector<Instant> out;
    for (const auto& attempt : attempts_) {
      if (attempt.target.endpoint == endpoint) out.push_back(attempt.start);
    }
    return out;
  }
  void forget_attempts() { attempts_.clear(); }
  std::size_t running() const { return running_.size(); }
  /// The most attempts that ever ran at once against one endpoint.
  std::size_t overlap_max() const { return overlap_max_; }
  int cancelled() const { return cancelled_; }

 private:
  struct Running {
    net::Endpoint endpoint;
    net::TimerId timer;
    ProbeDone done;
  };

  std::size_t count_running(const net::Endpoint& endpoint) const {
    return static_cast<std::size_t>(
        std::count_if(running_.begin(), running_.end(),
                      [&](const auto& entry) { return entry.second.endpoint == endpoint; }));
  }

  net::EventLoop& loop_;
  std::map<net::Endpoint, Behaviour> behaviours_;
  std::vector<Attempt> attempts_;
  std::map<ProbeId, Running> running_;
  ProbeId next_id_ = 1;
  std::size_t overlap_max_ = 0;
  int cancelled_ = 0;
};

}  // namespace weir::health
