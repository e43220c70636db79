#include "http/server_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>

#include "base/log.h"
#include "http/h1_fields.h"
#include "http/h1_parser.h"
#include "http/request_target.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

/// Completion as (error, result...) in a coroutine: nothing here throws for what a peer does.
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// Bytes asked of the socket at once. Chosen because a usual request fits into one read.
constexpr std::size_t kReadBytes = 8 * 1024;
/// Bytes and time spent on reading what a refused client still sends, so that closing does not
/// destroy the answer on its way (RFC 9112, 9.6). Chosen because a client that does not stop within
/// a second is not going to read the answer either; and a body that is just too large fits in.
constexpr std::size_t kLingerBytes = std::size_t{4} << 20;
constexpr std::chrono::milliseconds kLingerTime{1000};

using BodyParser = bhttp::request_parser<bhttp::string_body>;

/// Both parsers must have understood the same framing; anything else is what a smuggler wants.
bool agree(const RequestHead& head, const BodyParser& parser) {
  if (parser.chunked() != (head.framing == Framing::kChunked)) return false;
  const std::uint64_t length = parser.content_length().value_or(0);
  return parser.chunked() || length == head.content_length;
}

template <class Message>
void set_fields(Message& message, const Response& response, bool keep_alive) {
  message.set(bhttp::field::content_type, response.content_type);
  message.set(bhttp::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const HeaderLine& line : response.headers) message.insert(line.name, line.value);
  message.keep_alive(keep_alive);
}

Response run_handler(const Handler& handler, const Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& e) {  // out of memory; our own code throws nothing
    log::error("a handler threw", {{"what", e.what()}});
    Response response;
    response.status = 500;
    response.content_type = "text/plain";
    return response;
  }
}

asio::awaitable<Response> handle(const Handler& handler, const Request& request) {
  co_return run_handler(handler, request);
}

}  // namespace

Connection::Connection(ServerCore& core, StreamSocket socket, Peer peer)
    : core_(core),
      id_(core.next_connection++),
      peer_(std::move(peer)),
      stream_(std::move(socket)),
      changed_(core.io) {
  core_.connections.emplace(id_, this);
  core_.connections_changed();
}

Connection::~Connection() {
  detach();
  core_.handshakes.erase(id_);
  core_.connections.erase(id_);
  core_.connections_changed();
}

void Connection::detach() {
  if (queue_) queue_->detach();
  if (reply_) reply_->detach();
}

void Connection::close() {
  beast::error_code ignored;  // the connection is given up either way
  stream_.socket().close(ignored);
}

void Connection::stop() {
  if (state_ == State::kIdle) close();
  wake();
}

asio::awaitable<bool> Connection::shake_hands() {
  if (!core_.tls || peer_.is_local_socket) co_return true;
  // Who says nothing makes room: it would shut others out if the newest were refused.
  while (core_.handshakes.size() >= core_.options.limits.handshakes_max) {
    core_.count_limit("handshakes");
    core_.handshakes.begin()->second->close();
    core_.handshakes.erase(core_.handshakes.begin());
  }
  core_.handshakes.emplace(id_, this);
  Wire::Tls& tls = stream_.secure(core_.tls->context());
  stream_.expires_after(core_.options.limits.handshake_timeout);
  const auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::server, kTuple);
  core_.handshakes.erase(id_);
  core_.tls->count_handshake(!error ? "done" : error == beast::error::timeout ? "late" : "failed");
  co_return !error;
}

asio::awaitable<void> Connection::end_tls() {
  if (stream_.tls() == nullptr || core_.is_stopping) co_return;
  stream_.expires_after(kLingerTime);
  co_await stream_.tls()->async_shutdown(kTuple);
}

asio::awaitable<void> Connection::run() {
  const bool goes_on = co_await shake_hands();
  for (bool keep = goes_on; keep && !core_.is_stopping;) {
    state_ = State::kIdle;
    Incoming incoming = co_await read_request();
    if (incoming.refusal) {
      co_await refuse(*incoming.refusal, incoming.is_head);
      break;
    }
    if (!incoming.request) break;
    Response response = co_await asio::co_spawn(
        core_.pool, handle(core_.handler, *incoming.request), asio::use_awaitable);
    if (response.later) response = co_await wait_for_reply(std::move(response));
    if (response.stream) {
      keep = co_await write_stream(std::move(response));
    } else {
      const bool keep_alive = incoming.keep_alive && !core_.is_stopping;
      keep = co_await write_response(std::move(response), keep_alive, incoming.is_head);
    }
    is_first_request_ = false;
  }
  if (goes_on) co_await end_tls();
  close();
}

/// Reads until the guard has seen a whole head. False when there is nothing to go on with; then
/// `incoming` may hold a refusal.
asio::awaitable<bool> Connection::read_head(RequestHead& head, Incoming& incoming) {
  const ServerLimits& limits = core_.options.limits;
  std::size_t scanned = 0;
  bool has_begun = false;
  for (;;) {
    if (buffer_.size() > 0 && !has_begun) {
      has_begun = true;
      state_ = State::kBusy;
      request_deadline_ = std::chrono::steady_clock::now() + limits.read_timeout;
    }
    if (has_begun) {
      const auto bytes = buffer_.data();
      const std::span<const char> view(static_cast<const char*>(bytes.data()), bytes.size());
      const ParseResult parsed = parse_request_head(view, scanned, head);
      if (parsed.state == ParseState::kComplete) co_return true;
      if (parsed.state == ParseState::kFailed) {
        incoming.refusal = refusal_of(parsed.error);
        co_return false;
      }
      scanned = parsed.scanned;
    }
    if (has_begun) {
      stream_.expires_at(request_deadline_);
    } else {
      stream_.expires_after(is_first_request_ ? limits.read_timeout : limits.keep_alive_timeout);
    }
    const auto [error, size] =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kTuple);
    if (error) {
      if (has_begun) count_slow(error);
      co_return false;
    }
    buffer_.commit(size);
  }
}

Connection::Refusal Connection::refusal_of(ParseError error) const {
  if (is_limit(error)) core_.count_limit(error_name(error));
  return {error_status(error), "malformed request: " + std::string(error_name(error))};
}

void Connection::count_slow(const boost::system::error_code& error) const {
  if (error == boost::beast::error::timeout) core_.count_limit("request_time");
}

std::optional<Connection::Refusal> Connection::judge_head(const RequestHead& head) const {
  const char* bytes = static_cast<const char*>(buffer_.data().data());
  const ServerOptions& options = core_.options;
  const std::string_view host = head.host_name.in(bytes);
  if (options.host_allowed && !peer_.is_local_socket && !options.host_allowed(host)) {
    return Refusal{421, "this server does not answer for that host"};
  }
  const Field* encoding = head.fields.find("Content-Encoding", bytes);
  if (encoding != nullptr && !equals_ignoring_case(encoding->value.in(bytes), "identity")) {
    return Refusal{415, "a body with a content encoding is not accepted"};
  }
  if (head.framing == Framing::kLength && head.content_length > options.limits.body_max) {
    core_.count_limit("body");
    return Refusal{413,
                   "the body is larger than " + std::to_string(options.limits.body_max) + " bytes"};
  }
  return std::nullopt;
}

Request Connection::make_request(const RequestHead& head, Incoming& incoming) const {
  const char* bytes = static_cast<const char*>(buffer_.data().data());
  Request request;
  request.method = head.method_text.in(bytes);
  for (const Field& field : head.fields.list()) {
    request.headers.push_back(
        {std::string(field.name.in(bytes)), std::string(field.value.in(bytes))});
  }
  request.peer = peer_.name;
  request.is_local_socket = peer_.is_local_socket;
  request.is_loopback = peer_.is_loopback;
  request.is_tls = core_.tls && !peer_.is_local_socket;
  std::string_view query = head.query.in(bytes);
  // The absolute form without a path means "/".
  request.target = head.path.empty() ? "/" : head.path.in(bytes);
  request.target += query;
  if (query.starts_with('?')) query.remove_prefix(1);
  auto path = path_segments(head.path.in(bytes));
  if (!path) {
    incoming.refusal = Refusal{400, path.error().message};
    return request;
  }
  request.path = *std::move(path);
  request.query = query_pairs(query);
  return request;
}

asio::awaitable<Connection::Incoming> Connection::read_request() {
  Incoming incoming;
  RequestHead head;
  if (!co_await read_head(head, incoming)) co_return incoming;
  incoming.keep_alive = head.keep_alive;
  incoming.is_head = head.method == Method::kHead;
  incoming.refusal = judge_head(head);
  if (incoming.refusal) co_return incoming;
  Request request = make_request(head, incoming);
  if (incoming.refusal) co_return incoming;
  incoming.request = std::move(request);
  co_await read_body(head, incoming);
  co_return incoming;
}

/// Gives the bytes that the guard has passed to the library, which reads the body.
asio::awaitable<void> Connection::read_body(const RequestHead& head, Incoming& incoming) {
  const std::size_t body_max = core_.options.limits.body_max;
  BodyParser parser;
  parser.header_limit(kMaxRequestHead);
  parser.body_limit(body_max);
  const bool expects_continue = head.expects_continue;
  stream_.expires_at(request_deadline_);
  auto [error, size] = co_await bhttp::async_read_header(stream_, buffer_, parser, kTuple);
  if (!error && !agree(head, parser)) error = bhttp::make_error_code(bhttp::error::bad_field);
  if (!error && expects_continue) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    std::tie(error, size) = co_await asio::async_write(
        stream_, asio::buffer(kContinue.data(), kContinue.size()), kTuple);
  }
  if (!error) std::tie(error, size) = co_await bhttp::async_read(stream_, buffer_, parser, kTuple);
  if (!error) {
    incoming.request->body = std::move(parser.get().body());
    co_return;
  }
  incoming.request.reset();
  count_slow(error);
  if (error == bhttp::error::body_limit) {
    core_.count_limit("body");
    incoming.refusal =
        Refusal{413, "the body is larger than " + std::to_string(body_max) + " bytes"};
  } else if (error.category() == bhttp::make_error_code(bhttp::error::bad_field).category() &&
             error != bhttp::error::partial_message && error != bhttp::error::end_of_stream) {
    incoming.refusal = Refusal{400, "malformed request: " + error.message()};
  }
}

asio::awaitable<bool> Connection::write_response(Response response, bool keep_alive, bool is_head) {
  const auto status = static_cast<unsigned>(response.status);
  stream_.expires_after(core_.options.limits.write_timeout);
  if (is_head || response.status == 204) {
    bhttp::response<bhttp::empty_body> message;
    message.result(status);
    set_fields(message, response, keep_alive);
    if (is_head) message.content_length(response.body.size());
    const auto [error, size] = co_await bhttp::async_write(stream_, message, kTuple);
    co_return !error && keep_alive;
  }
  bhttp::response<bhttp::string_body> message;
  message.result(status);
  set_fields(message, response, keep_alive);
  message.body() = std::move(response.body);
  message.prepare_payload();
  const auto [error, size] = co_await bhttp::async_write(stream_, message, kTuple);
  co_return !error && keep_alive;
}

/// Wakes this connection if it still exists.
std::function<void()> Connection::wake_from_anywhere() const {
  return [&core = core_, id = id_] {
    asio::post(core.io, [&core, id] {
      const auto found = core.connections.find(id);
      if (found != core.connections.end()) found->second->wake();
    });
  };
}

asio::awaitable<Response> Connection::wait_for_reply(Response response) {
  reply_ = std::make_shared<const ReplyBox>(wake_from_anywhere());
  asio::post(core_.pool,
             [start = std::move(response.later), box = reply_] { start(reply_to(box)); });
  stream_.expires_never();
  ReplyBox::Taken taken = reply_->take();
  while (!taken.is_there) {
    changed_.expires_at(Instant::max());
    co_await changed_.async_wait(kTuple);
    taken = reply_->take();
  }
  reply_.reset();
  if (taken.response) co_return *std::move(taken.response);
  const Refusal given_up{503, "nobody answered this call"};
  co_return refusal_response(given_up);
}

/// Sends the head, then what the writer queues. The connection is not used again.
asio::awaitable<bool> Connection::write_stream(Response response) {
  state_ = State::kStreaming;
  bhttp::response<bhttp::empty_body> message;
  message.result(static_cast<unsigned>(response.status));
  set_fields(message, response, false);
  message.chunked(true);
  bhttp::response_serializer<bhttp::empty_body> serializer(message);
  stream_.expires_after(core_.options.limits.write_timeout);
  const auto [error, size] = co_await bhttp::async_write_header(stream_, serializer, kTuple);
  if (error) co_return false;
  queue_ = std::make_shared<const StreamQueue>(core_.options.limits.stream_queue_max,
                                               wake_from_anywhere());
  asio::post(core_.pool,
             [start = std::move(response.stream), queue = queue_] { start(stream_writer(queue)); });
  stream_.expires_never();
  is_peer_watched_ = true;
  asio::co_spawn(core_.io, watch_peer(), asio::detached);
  co_await pump_stream();
  queue_->detach();
  close();
  while (is_peer_watched_) {
    changed_.expires_at(Instant::max());
    co_await changed_.async_wait(kTuple);
  }
  co_return false;
}

asio::awaitable<void> Connection::pump_stream() {
  for (;;) {
    const StreamQueue::Taken taken = queue_->take();
    if (taken.is_overflowed) {
      core_.count_limit("stream_queue");
      co_return;
    }
    stream_.expires_after(core_.options.limits.write_timeout);
    if (!taken.bytes.empty()) {
      const auto [error, size] =
          co_await asio::async_write(stream_, bhttp::make_chunk(asio::buffer(taken.bytes)), kTuple);
      if (error) co_return;
      continue;
    }
    if (taken.is_finished) {
      co_await asio::async_write(stream_, bhttp::make_chunk_last(), kTuple);
      co_return;
    }
    if (is_peer_gone_ || core_.is_stopping) co_return;
    changed_.expires_at(Instant::max());
    co_await changed_.async_wait(kTuple);
  }
}

/// Notices that the reader of a stream has gone, by reading what it should not send.
asio::awaitable<void> Connection::watch_peer() {
  std::array<char, 512> ignored{};
  for (bool is_open = true; is_open;) {
    const auto [error, size] = co_await stream_.async_read_some(asio::buffer(ignored), kTuple);
    is_open = !error;
  }
  is_peer_gone_ = true;
  is_peer_watched_ = false;
  wake();
}

Response Connection::refusal_response(const Refusal& refusal) const {
  Response response;
  if (core_.options.refusal) {
    response = core_.options.refusal(refusal.status, refusal.message);
  } else {
    response.content_type = "text/plain";
    response.body = refusal.message + "\n";
  }
  response.status = refusal.status;
  return response;
}

asio::awaitable<void> Connection::refuse(const Refusal& refusal, bool is_head) {
  Response response = refusal_response(refusal);
  co_await write_response(std::move(response), false, is_head);
  co_await linger();
}

asio::awaitable<void> Connection::linger() {
  beast::error_code failed;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, failed);
  stream_.expires_after(kLingerTime);
  for (std::size_t left = kLingerBytes; !failed && left > 0;) {
    buffer_.clear();
    const auto [error, size] =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kTuple);
    failed = error;
    left -= std::min(left, size);
  }
}

}  // namespace weir::http
