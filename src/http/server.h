// HTTP/1.1 server of the management API and of a node's operator port: a library (Boost.Beast)
// behind a guard that refuses what the library would let through. Not for client traffic. Handlers
// are plain functions that may block: they run on a small pool, while one thread does all IO.
// Thread: any, but for start and stop (owner).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"

namespace weir::http {

struct HeaderLine {
  std::string name;
  std::string value;
};

/// A request that passed the guard and the limits, whole.
struct Request {
  std::string method;  // as received: "GET"
  std::string target;  // path and query as received: "/a%3Ab/?c=%20d"; signatures cover it
  std::vector<std::string> path;  // decoded segments: "/a/b%2Fc" = {"a", "b/c"}; "/" = {}
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in their order
  std::vector<HeaderLine> headers;
  std::string body;
  std::string peer;              // "127.0.0.1:40112", or "unix"
  bool is_local_socket = false;  // came in over a Unix socket
  bool is_loopback = false;      // came in over a Unix socket or from a loopback address
  bool is_tls = false;           // came in inside TLS

  /// Value of the first field of this name in any case, or null.
  const std::string* header(std::string_view name) const;
  /// Value of the first query parameter of this name, or null.
  const std::string* parameter(std::string_view name) const;
};

/// Writes the body of a streamed response, in chunks. Destroying it ends the body.
/// Thread: any; it may outlive the server.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  /// Queues `bytes` and returns at once. False when nobody reads any more: the client went away,
  /// the server stops, or the queue is full (the slow reader is dropped).
  virtual bool write(std::string bytes) = 0;
  virtual bool is_open() const = 0;
  /// Units: bytes. What was written and the connection has not begun to send.
  virtual std::size_t waiting() const = 0;
};

struct Response;

/// Answers one call, later. Destroying it without an answer answers 503.
/// Thread: any; it may outlive the server.
class Reply {
 public:
  virtual ~Reply() = default;
  /// The first one counts; it has neither `stream` nor `later`.
  virtual void send(Response response) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<HeaderLine> headers;  // beside those of framing, which the server writes itself
  std::string body;
  /// When set, `body` is not sent; the function gets the writer, once, on a pool thread, after the
  /// head was queued. It must not block: it hands the writer to whoever feeds it.
  std::function<void(std::unique_ptr<ResponseStream>)> stream;
  /// When set, nothing else here counts: the function gets the reply, once, on a pool thread, and
  /// hands it to whoever will know the answer. It must not block, and whoever answers has a limit
  /// of time: until then the connection waits, and no thread.
  std::function<void(std::unique_ptr<Reply>)> later;
};

using Handler = std::function<Response(const Request&)>;

/// Those of the head are in h1_limits.h (431 beyond). Source: reliability guide, sections 4 and 6.
struct ServerLimits {
  /// Bytes of a request's body. Source: as above. Reached: 413 before reading on,
  /// weir_api_limit_reached_total{limit="body"}.
  std::size_t body_max = std::size_t{1} << 20;
  /// Source: as above. Reached: closed at once, weir_api_limit_reached_total{limit="connections"}.
  std::size_t connections_max = 1024;
  /// Bytes that wait for one reader of a stream. Source: as above. Reached: the reader is dropped,
  /// weir_api_limit_reached_total{limit="stream_queue"}.
  std::size_t stream_queue_max = std::size_t{4} << 20;
  /// From the first byte to the end of a request. Source: as above. Reached: the connection ends,
  /// weir_api_limit_reached_total{limit="request_time"}; not counted when not even a first byte
  /// came.
  std::chrono::milliseconds read_timeout{10'000};
  /// For the client to take the next bytes. Source: as above. Reached: the connection ends.
  std::chrono::milliseconds write_timeout{10'000};
  /// Between two requests. Source: as above. Reached: the connection ends.
  std::chrono::milliseconds keep_alive_timeout{75'000};
  /// Source: as above. Reached: the connection ends, weir_api_tls_handshakes_total{result="late"}.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// Connections that have not finished their TLS handshake. Chosen because whoever opens
  /// connections and says nothing leaves most of them to others. Reached: the oldest of them is
  /// closed, weir_api_limit_reached_total{limit="handshakes"}.
  std::size_t handshakes_max = 256;
  /// Between two looks at the files of the certificate. Chosen because whoever exchanged them and
  /// wants it sooner asks for it (reload_certificate()). Reached: the files are looked at.
  std::chrono::milliseconds certificate_pause{10'000};
};

/// Files in PEM form. The certificate's own stands before those of its issuers.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct ServerOptions {
  /// "127.0.0.1:8420" (port 0 picks one), "[::1]:8420", or "unix:/path" (mode 0600; a stale file
  /// is replaced).
  std::vector<std::string> listen;
  int handler_threads = 4;
  ServerLimits limits;
  /// TLS on all addresses but Unix sockets; absent: plain HTTP.
  std::optional<TlsFiles> tls;
  /// May this server answer for this Host (without port)? Refused with 421. Absent = any. Unix
  /// sockets are not asked.
  std::function<bool(std::string_view host)> host_allowed;
  /// Body of a refusal that the server makes itself (status, lower-case message); absent = text.
  std::function<Response(int status, std::string_view message)> refusal;
  /// weir_api_connections, weir_api_limit_reached_total, weir_api_tls_handshakes_total,
  /// weir_api_certificate_*
  Metrics* metrics = nullptr;
};

class Server {
 public:
  /// Listens and serves until stop(). Errors: kInvalidArgument for a malformed address and for
  /// files that are no certificate, kUnavailable when an address cannot be bound
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler);
  virtual ~Server() = default;

  /// What it listens on, in the order of the options, with real ports.
  virtual const std::vector<std::string>& addresses() const = 0;
  /// Reads the files of the certificate again, soon. Thread: any.
  virtual void reload_certificate() = 0;
  /// Accepts no more, ends idle connections and streams, lets running requests end until
  /// `deadline`, then closes. Idempotent; the destructor stops at once.
  virtual void stop(Instant deadline) = 0;
};

}  // namespace weir::http
