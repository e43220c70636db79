#include "agent/proxy_child.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/protocol.h"
#include "agent/proxy_stats.h"

namespace weir::agent {

ProxyChild::ProxyChild(net::EventLoop& loop, UniqueFd socket, const ProxyFeed& feed, User& user,
                       State state, pid_t pid)
    : feed_(feed), user_(user), state_(state), pid_(pid), pipe_(loop, std::move(socket), *this) {
  if (is_fed()) feed_all();
}

void ProxyChild::feed_all() {
  commit_ = feed_.objects.version();
  for (const auto& [key, object] : feed_.objects.objects()) changed_objects_.insert(key);
  for (const auto& [target, verdict] : feed_.verdicts) changed_verdicts_.insert(target);
  pump();
}

void ProxyChild::objects_changed(std::span<const snapshot::ObjectSet::Key> keys) {
  changed_objects_.insert(keys.begin(), keys.end());
  commit_ = feed_.objects.version();
  pump();
}

void ProxyChild::verdict_changed(const snapshot::TargetKey& target) {
  changed_verdicts_.insert(target);
  pump();
}

void ProxyChild::sockets_changed() { pump(); }

void ProxyChild::retire(std::chrono::seconds drain) {
  const State before = std::exchange(state_, State::kRetiring);
  pipe_.send(message_frame(message::kRetire, {},
                           Json::object({{"drainSeconds", std::int64_t{drain.count()}}})));
  // An orphan knows only what its own node knew.
  if (before == State::kOrphan) feed_all();
}

void ProxyChild::ask(const model::Frame& question) { pipe_.send(question); }

bool ProxyChild::serves(const net::Endpoint& endpoint) const {
  return state_ == State::kServing && sent_sockets_.contains(endpoint);
}

/// Sends everything that has changed in one go, but only when nothing waits: a child that is slow
/// or stopped finds the newest state, not each one in between.
void ProxyChild::pump() {
  if (!is_fed() || !pipe_.is_open() || !pipe_.is_idle()) return;
  const bool may_accept = state_ != State::kRetiring;
  if (may_accept && sent_local_ != feed_.local) {
    sent_local_ = feed_.local;
    pipe_.send(message_frame(message::kLocal, feed_.node_id, feed_.local));
  }
  if (may_accept) send_sockets();
  send_objects();
  send_verdicts();
  if (commit_) pipe_.send(signal_frame(message::kCommit, {}, *commit_));
  commit_.reset();
  if (may_accept) drop_sockets();
}

void ProxyChild::send_sockets() {
  // Both ascend by endpoint: one walk over both instead of a search for each.
  auto at = sent_sockets_.begin();
  for (const auto& [endpoint, entry] : feed_.sockets.entries()) {
    while (at != sent_sockets_.end() && at->first < endpoint) ++at;
    const bool is_known = at != sent_sockets_.end() && at->first == endpoint;
    if (!is_known) at = sent_sockets_.emplace_hint(at, endpoint, 0);
    if (std::exchange(at->second, entry.generation) == entry.generation) continue;
    std::vector<int> descriptors;
    for (const UniqueFd& socket : entry.sockets) descriptors.push_back(socket.get());
    const Json body = Json::object({{"descriptors", descriptors.size()}});
    pipe_.send(message_frame(message::kListen, endpoint.text(), body), descriptors);
  }
}

void ProxyChild::send_objects() {
  const auto& objects = feed_.objects.objects();
  for (const auto& key : std::exchange(changed_objects_, {})) {
    const auto found = objects.find(key);
    const bool is_there = found != objects.end();
    model::Frame frame = signal_frame(key.first, key.second,
                                      is_there ? found->second.version : feed_.objects.version());
    frame.is_tombstone = !is_there;
    if (is_there) frame.body = found->second.body;
    pipe_.send(frame);
  }
}

void ProxyChild::send_verdicts() {
  for (const auto& target : std::exchange(changed_verdicts_, {})) {
    const auto found = feed_.verdicts.find(target);
    pipe_.send(found == feed_.verdicts.end() ? verdict_tombstone(target)
                                             : verdict_frame(found->second));
  }
}

/// After the commit, so that a listener that moved has its new sockets first.
void ProxyChild::drop_sockets() {
  auto held = feed_.sockets.entries().begin();
  const auto end = feed_.sockets.entries().end();
  std::erase_if(sent_sockets_, [&](const auto& sent) {
    while (held != end && held->first < sent.first) ++held;
    if (held != end && held->first == sent.first) return false;
    pipe_.send(signal_frame(message::kUnlisten, sent.first.text()));
    return true;
  });
}

void ProxyChild::pipe_idle(FramePipe& /*pipe*/) {
  pump();  // What changed while the socket was full.
}

void ProxyChild::pipe_closed(FramePipe& /*pipe*/, const std::string& reason) {
  user_.child_gone(*this, reason);
}

void ProxyChild::pipe_frame(FramePipe& pipe, model::Frame frame) {
  if (frame.kind == message::kListen) {
    take_offer(pipe, frame);
  } else if (frame.kind == message::kOffered) {
    user_.child_offered(*this);
  } else if (frame.kind == message::kReady) {
    if (state_ != State::kStarting) return;
    state_ = State::kServing;
    user_.child_ready(*this);
  } else if (frame.kind == message::kApplied) {
    applied_ = frame.version;
    user_.child_reports(*this, frame);
  } else if (frame.kind == message::kDrains) {
    take_drains(frame);
    user_.child_reports(*this, frame);
  } else if (frame.kind == message::kStats) {
    take_stats(frame);
    user_.child_reports(*this, frame);
  } else {
    user_.child_reports(*this, frame);
  }
}

void ProxyChild::take_offer(FramePipe& pipe, const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body);
  const Result<net::Endpoint> endpoint = net::Endpoint::parse(frame.id);
  const std::int64_t count = body ? body->integer_or("descriptors", 0) : 0;
  std::vector<UniqueFd> sockets =
      pipe.take_descriptors(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (state_ == State::kOrphan && endpoint) user_.child_offers(*endpoint, std::move(sockets));
}

void ProxyChild::take_drains(const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body, body_limits());
  if (body) drains_ = drains_from_json(*body);
}

void ProxyChild::take_stats(const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body, body_limits());
  const Json* const list = body ? body->find("samples") : nullptr;
  Result<std::vector<Sample>> samples = samples_from_json(list != nullptr ? *list : Json());
  if (!samples) return;
  std::ranges::move(*samples, std::back_inserter(samples_coming_));
  if (!body->bool_or("more", false)) samples_ = std::exchange(samples_coming_, {});
}

}  // namespace weir::agent
