// One connection of the API's server, as a coroutine on the server's IO thread, and what all
// connections of a server share. Private to server.cpp and server_connection.cpp: the only two
// files beside client.cpp that see Boost. Thread: the IO thread, where nothing else is said.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "http/h1_head.h"
#include "http/reply_box.h"
#include "http/server.h"
#include "http/server_tls.h"
#include "http/stream_queue.h"
#include "http/wire.h"

namespace weir::http {

using StreamSocket = boost::asio::generic::stream_protocol::socket;

class Connection;

struct ServerCore {
  ServerCore(ServerOptions o, Handler h);

  // Constant after construction.
  const ServerOptions options;
  const Handler handler;
  // Owned by the IO thread. Declared before the contexts, whose end unregisters connections.
  std::map<std::uint64_t, Connection*> connections;
  std::uint64_t next_connection = 1;
  bool is_stopping = false;
  std::unique_ptr<ServerTls> tls;                   // null: plain HTTP
  std::map<std::uint64_t, Connection*> handshakes;  // that have begun and not ended, by age
  // One thread runs `io`; handlers run on `pool`, which ends first.
  boost::asio::io_context io{1};
  boost::asio::thread_pool pool;

  // Guarded by mutex: told by the IO thread to whoever stops the server.
  Mutex mutex;
  Condition changed;
  bool is_drained WEIR_GUARDED_BY(mutex) = false;

  void count_limit(std::string_view limit) const;
  /// Called whenever a connection came or went.
  void connections_changed() WEIR_EXCLUDES(mutex);
};

struct Peer {
  std::string name;
  bool is_local_socket = false;
  bool is_loopback = false;
};

class Connection {
 public:
  Connection(ServerCore& core, StreamSocket socket, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  boost::asio::awaitable<void> run();
  /// Closes when idle, ends a stream, lets a running request end.
  void stop();
  /// The stream queue or the reply has something, or the peer of a stream is gone.
  void wake() { changed_.cancel(); }
  /// Ends queue and reply while the IO context still exists; called when nothing runs any more.
  void detach();

 private:
  enum class State { kIdle, kBusy, kStreaming };
  struct Refusal {
    int status = 0;
    std::string message;
  };
  /// What reading came to: a request, a refusal to answer with, or neither when the peer is gone.
  struct Incoming {
    std::optional<Request> request;
    std::optional<Refusal> refusal;
    bool keep_alive = false;
    bool is_head = false;
  };

  /// False when this connection shall not go on.
  boost::asio::awaitable<bool> shake_hands();
  /// Tells the peer that nothing follows.
  boost::asio::awaitable<void> end_tls();
  boost::asio::awaitable<bool> read_head(RequestHead& head, Incoming& incoming);
  boost::asio::awaitable<Incoming> read_request();
  boost::asio::awaitable<void> read_body(const RequestHead& head, Incoming& incoming);
  Refusal refusal_of(ParseError error) const;
  /// Counts a request that took too long to come.
  void count_slow(const boost::system::error_code& error) const;
  std::optional<Refusal> judge_head(const RequestHead& head) const;
  Request make_request(const RequestHead& head, Incoming& incoming) const;
  std::function<void()> wake_from_anywhere() const;
  boost::asio::awaitable<Response> wait_for_reply(Response response);
  Response refusal_response(const Refusal& refusal) const;
  boost::asio::awaitable<bool> write_response(Response response, bool keep_alive, bool is_head);
  boost::asio::awaitable<bool> write_stream(Response response);
  boost::asio::awaitable<void> pump_stream();
  boost::asio::awaitable<void> watch_peer();
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<void> refuse(const Refusal& refusal, bool is_head);
  void close();

  ServerCore& core_;
  const std::uint64_t id_;
  const Peer peer_;
  Wire stream_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer changed_;
  State state_ = State::kIdle;
  bool is_first_request_ = true;
  Instant request_deadline_;
  std::shared_ptr<const StreamQueue> queue_;
  std::shared_ptr<const ReplyBox> reply_;
  bool is_peer_gone_ = false;
  bool is_peer_watched_ = false;
};

}  // namespace weir::http
