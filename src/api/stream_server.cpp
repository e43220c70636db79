#include "api/stream_server.h"

#include "base/log.h"

namespace weir::api {
namespace {

/// How often an accepting thread looks whether it should end, and for sessions that have.
constexpr std::chrono::milliseconds kAcceptSlice{200};
/// Pause after accepting failed for want of descriptors.
constexpr std::chrono::milliseconds kFailurePause{100};
/// Shortest time between two lines about those that could not connect.
constexpr std::chrono::seconds kStrangersPause{1};

}  // namespace

Result<std::unique_ptr<StreamServer>> StreamServer::start(
    StreamParts parts, const std::vector<net::ChannelAddress>& addresses) {
  std::unique_ptr<StreamServer> server(new StreamServer(std::move(parts)));
  for (const net::ChannelAddress& address : addresses) {
    WEIR_ASSIGN_OR_RETURN(auto listener, net::ChannelListener::open(address));
    server->addresses_.push_back(listener->address());
    server->listeners_.push_back(std::move(listener));
  }
  for (const auto& listener : server->listeners_) {
    server->acceptors_.emplace_back(
        [self = server.get(), &listener = *listener](const std::stop_token& stop) {
          self->accept_all(listener, stop);
        });
  }
  return server;
}

StreamServer::~StreamServer() { stop(); }

void StreamServer::stop() {
  for (std::jthread& acceptor : acceptors_) acceptor.request_stop();
  for (const auto& listener : listeners_) listener->close();
  acceptors_.clear();
  std::vector<std::unique_ptr<Served>> ending;
  {
    const MutexLock lock(mutex_);
    for (const auto& served : served_) served->session->end();
    ending.swap(served_);
  }
  ending.clear();  // joins
}

void StreamServer::accept_all(net::ChannelListener& listener, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto channel = listener.accept(std::chrono::steady_clock::now() + kAcceptSlice);
    reap();
    if (channel) {
      serve(*std::move(channel));
      continue;
    }
    const ErrorCode code = channel.error().code;
    if (code == ErrorCode::kDeadlineExceeded || stop.stop_requested()) continue;
    note_stranger(channel.error());
    if (code == ErrorCode::kUnauthenticated) {
      parts_.metrics.value(Metric::kStreamRefused, {"key"}).add();
    } else {
      std::this_thread::sleep_for(kFailurePause);
    }
  }
}

/// Anybody can fail to connect as often as they like: one line tells of all within its pause.
void StreamServer::note_stranger(const Error& error) {
  const Instant now = std::chrono::steady_clock::now();
  const MutexLock lock(mutex_);
  ++strangers_;
  if (now - strangers_logged_ < kStrangersPause) return;
  log::warning("a node could not connect", {{"error", to_string(error)}, {"count", strangers_}});
  strangers_logged_ = now;
  strangers_ = 0;
}

void StreamServer::serve(std::unique_ptr<net::Channel> channel) {
  const MutexLock lock(mutex_);
  if (served_.size() >= kNodesMax) {
    parts_.metrics.value(Metric::kStreamRefused, {"too_many"}).add();
    log::error("too many nodes at once", {{"max", kNodesMax}});
    return;
  }
  auto served = std::make_unique<Served>();
  served->session = std::make_unique<NodeSession>(
      parts_, std::move(channel), [this](NodeSession& session) { return joined(session); });
  Served* running = served.get();
  served->thread = std::jthread([this, running] {
    running->session->run();
    left(*running->session);
    running->is_done = true;
  });
  served_.push_back(std::move(served));
}

/// The newest stream of a node counts; an older one is a connection that died unnoticed.
NodeStream StreamServer::joined(NodeSession& session) {
  const MutexLock lock(mutex_);
  NodeSession*& current = by_node_[session.node()];
  if (current != nullptr) current->end();
  current = &session;
  joined_.insert(&session);
  show_count();
  // Under the lock: the stream that counts here is the one that is heard there.
  return parts_.observed.connected(session.node());
}

void StreamServer::left(NodeSession& session) {
  {
    const MutexLock lock(mutex_);
    if (joined_.erase(&session) == 0) return;
    const auto current = by_node_.find(session.node());
    if (current != by_node_.end() && current->second == &session) by_node_.erase(current);
    show_count();
  }
  parts_.observed.disconnected(session.node());
}

void StreamServer::show_count() {
  parts_.metrics.value(Metric::kStreamNodes).set(static_cast<double>(by_node_.size()));
}

void StreamServer::reap() {
  std::vector<std::unique_ptr<Served>> done;
  const MutexLock lock(mutex_);
  for (auto& served : served_) {
    if (served->is_done) done.push_back(std::move(served));
  }
  std::erase(served_, nullptr);
}

}  // namespace weir::api
