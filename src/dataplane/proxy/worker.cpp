#include "dataplane/proxy/worker.h"

#include <utility>

namespace weir::dataplane::proxy {

Result<std::unique_ptr<Worker>> Worker::open(Options options, WorkerCounters& counters) {
  WEIR_ASSIGN_OR_RETURN(auto reactor, Reactor::open(*options.clock, options.descriptors));
  WEIR_ASSIGN_OR_RETURN(auto mailbox, Mailbox::open());
  Resources resources{std::move(reactor), std::move(mailbox)};
  return std::unique_ptr<Worker>(new Worker(std::move(options), counters, std::move(resources)));
}

Worker::Worker(Options options, WorkerCounters& counters, Resources resources)
    : mailbox_(std::move(resources.mailbox)),
      parts_(std::move(resources.reactor), options.limits, counters, options.index, options.count,
             options.codecs == nullptr ? static_cast<UpstreamCodecs&>(h1_) : *options.codecs,
             std::move(options.connect_failed)),
      acceptor_(parts_) {
  parts_.reactor->watch_level(mailbox_->wake_descriptor(), Tag{}, true, true);
}

void Worker::run() {
  while (!is_done()) turn();
  cut_all();
  sweep();
  is_stopped_.store(true);
}

void Worker::turn() {
  const auto events = parts_.reactor->wait();
  read_mail();
  close_dead_upstreams(events);
  for (const epoll_event& event : events) handle(Tag::unpacked(event.data.u64), event.events);
  for (const std::uint64_t tag : parts_.reactor->take_again()) handle_again(Tag::unpacked(tag));
  parts_.reactor->wheel().advance(
      parts_.reactor->now(), [this](net::TimerNode& node) { fire(static_cast<Timed&>(node)); });
  if (acceptor_.is_short()) acceptor_.resume();
  sweep();
}

/// Once per turn: a load, unless something was posted.
void Worker::read_mail() {
  auto mail = mailbox_->take();
  if (!mail) return;
  if (mail->plan != nullptr) parts_.directory.update(std::move(mail->plan));
  for (ListenerChange& change : mail->listeners) {
    if (change.sockets.empty()) {
      acceptor_.remove(change.endpoint);
    } else if (!parts_.is_stopping) {
      acceptor_.add(change.endpoint, std::move(change.sockets));
    }
  }
  acceptor_.resume();
  if (mail->stop_at) {
    parts_.is_stopping = true;
    acceptor_.remove_all();
    parts_.relays.for_each([](TcpRelay& relay) { relay.end_waiting(); });
    parts_.reactor->wheel().disarm(stop_timer_);
    parts_.reactor->wheel().arm(stop_timer_, *mail->stop_at);
  }
  mailbox_->done();
}

/// Before requests are handled, so that none of them takes an idle connection that this very turn
/// reports as closed, or as having said something that nobody asked for.
void Worker::close_dead_upstreams(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    const Tag tag = Tag::unpacked(event.data.u64);
    if (tag.kind != TagKind::kUpstream ||
        (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
      continue;
    UpstreamConnection* connection = parts_.pool.find(tag.index, tag.generation);
    if (connection != nullptr && connection->is_connected()) connection->close_if_idle();
  }
}

void Worker::handle(Tag tag, std::uint32_t events) {
  switch (tag.kind) {
    case TagKind::kWake:
      // Mail that came after this turn's look has been woken for just now.
      mailbox_->drain();
      return read_mail();
    case TagKind::kListener:
      return acceptor_.on_event(tag);
    case TagKind::kConnection:
      if (auto* connection = parts_.connections.find(tag.index, tag.generation))
        connection->on_events(events);
      return;
    case TagKind::kUpstream:
      if (auto* connection = parts_.pool.find(tag.index, tag.generation))
        connection->on_events(events);
      return;
    case TagKind::kRelayClient:
    case TagKind::kRelayTarget:
      if (auto* relay = parts_.relays.find(tag.index, tag.generation))
        relay->on_events(tag.kind, events);
      return;
  }
}

void Worker::handle_again(Tag tag) {
  switch (tag.kind) {
    case TagKind::kConnection:
      if (auto* connection = parts_.connections.find(tag.index, tag.generation))
        connection->on_again();
      return;
    case TagKind::kUpstream:
      if (auto* connection = parts_.pool.find(tag.index, tag.generation)) connection->on_again();
      return;
    case TagKind::kRelayClient:
    case TagKind::kRelayTarget:
      if (auto* relay = parts_.relays.find(tag.index, tag.generation)) relay->on_again();
      return;
    case TagKind::kWake:
    case TagKind::kListener:
      return;
  }
}

void Worker::fire(Timed& timer) {
  switch (timer.kind) {
    case TimerKind::kConnection:
      return static_cast<Connection&>(timer).on_timer();
    case TimerKind::kExchange:
      return static_cast<Exchange&>(timer).on_timer();
    case TimerKind::kUpstream:
      return static_cast<UpstreamConnection&>(timer).on_timer();
    case TimerKind::kRelay:
      return static_cast<TcpRelay&>(timer).on_timer();
    case TimerKind::kDrain:
      return Directory::end_drain(static_cast<TargetEntry&>(timer));
    case TimerKind::kAcceptor:
      return acceptor_.on_timer();
    case TimerKind::kStop:
      return cut_all();
  }
}

void Worker::cut_all() {
  parts_.connections.for_each(
      [](Connection& connection) { connection.cut(FailureKind::kStopped); });
  parts_.relays.for_each([](TcpRelay& relay) { relay.cut(FailureKind::kStopped); });
}

void Worker::sweep() {
  parts_.exchanges.sweep();
  parts_.connections.sweep();
  parts_.relays.sweep();
  parts_.pool.sweep();
  h1_.sweep();
}

}  // namespace weir::dataplane::proxy
