#include "http/client.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "http/h1_fields.h"
#include "http/server_tls.h"
#include "http/wire.h"
#include "net/address.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Parser = bhttp::response_parser<bhttp::string_body>;

struct Destination {
  std::string unix_path;  // or host and port
  std::string host;
  std::string port;
  std::string host_field;
  bool is_tls = false;
};

Error malformed(std::string_view endpoint) {
  return Error{ErrorCode::kInvalidArgument,
               "want https://host:port, http://host:port or unix:/path, found '" +
                   std::string(endpoint) + "'",
               "endpoint"};
}

Result<Destination> parse_destination(std::string_view endpoint) {
  const std::string_view whole = endpoint;
  if (endpoint.starts_with("unix:")) {
    return Destination{std::string(endpoint.substr(5)), "", "", "localhost"};
  }
  const bool is_tls = endpoint.starts_with("https://");
  if (is_tls) endpoint.remove_prefix(8);
  if (!is_tls && endpoint.starts_with("http://")) endpoint.remove_prefix(7);
  if (endpoint.ends_with('/')) endpoint.remove_suffix(1);
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return malformed(whole);
  const std::string_view port = endpoint.substr(colon + 1);
  if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) {
    return malformed(whole);
  }
  std::string_view host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.find_first_of("/@") != std::string_view::npos) return malformed(whole);
  return Destination{"", std::string(host), std::string(port), std::string(endpoint), is_tls};
}

/// Whom a client of https believes.
Result<std::unique_ptr<asio::ssl::context>> trust_in(const std::string& ca_file) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  WEIR_TRY(set_modern_tls(*context));
  context->set_verify_mode(asio::ssl::verify_peer);
  beast::error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(ca_file, error);
  }
  if (!error) return context;
  return Error{ErrorCode::kInvalidArgument,
               ca_file + ": no certificate in PEM form: " + error.message(), "ca"};
}

/// The name to ask for and to find in the certificate. False when the library fails.
bool name_peer(SSL* session, const std::string& host) {
  if (net::IpAddress::parse(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  }
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

Error failure_of(const beast::error_code& error, std::string_view what) {
  const bool is_late = error == beast::error::timeout;
  const bool is_malformed =
      error.category() == bhttp::make_error_code(bhttp::error::bad_field).category() &&
      error != bhttp::error::end_of_stream && error != bhttp::error::partial_message;
  const ErrorCode code = is_late        ? ErrorCode::kDeadlineExceeded
                         : is_malformed ? ErrorCode::kInvalidArgument
                                        : ErrorCode::kUnavailable;
  return Error{code, std::string(what) + ": " + (is_late ? "no answer in time" : error.message()),
               ""};
}

class BeastClient final : public Client {
 public:
  /// `trust` is there for https.
  BeastClient(Destination destination, std::unique_ptr<asio::ssl::context> trust)
      : destination_(std::move(destination)), trust_(std::move(trust)) {}

  Result<ClientResponse> exchange(const ClientRequest& request, Instant deadline) override;
  Result<ClientResponse> stream_lines(const ClientRequest& request, Instant deadline,
                                      const std::function<bool(std::string_view)>& line) override;

 private:
  /// Runs one asynchronous step to its end; `start` gets a completion (error, ...).
  template <class Start>
  beast::error_code run(Start start) {
    beast::error_code outcome;
    start([&outcome](beast::error_code error, auto&&...) { outcome = error; });
    io_.restart();
    io_.run();
    return outcome;
  }
  Result<void> connect(Instant deadline);
  Result<void> shake_hands(Instant deadline);
  Result<void> send(const ClientRequest& request, Instant deadline);
  /// Sends and reads the head; once more on a new connection when a kept one turns out dead.
  Result<void> begin(const ClientRequest& request, Instant deadline, std::optional<Parser>& parser);
  Result<ClientResponse> finish(Parser& parser);
  Result<ClientResponse> read_lines(Parser& parser,
                                    const std::function<bool(std::string_view)>& line);
  bool is_alive() const;
  void drop() {
    stream_.reset();
    buffer_.clear();
  }

  const Destination destination_;
  const std::unique_ptr<asio::ssl::context> trust_;
  asio::io_context io_;
  std::optional<Wire> stream_;
  beast::flat_buffer buffer_;
};

Result<void> BeastClient::connect(Instant deadline) {
  drop();
  stream_.emplace(io_);
  std::vector<asio::generic::stream_protocol::endpoint> candidates;
  if (!destination_.unix_path.empty()) {
    candidates.emplace_back(asio::local::stream_protocol::endpoint(destination_.unix_path));
  } else {
    asio::ip::tcp::resolver resolver(io_);
    beast::error_code error;
    const auto found = resolver.resolve(destination_.host, destination_.port, error);
    if (error) return failure_of(error, "cannot resolve " + destination_.host);
    for (const auto& entry : found) candidates.emplace_back(entry.endpoint());
  }
  beast::error_code error = asio::error::host_not_found;
  for (const auto& candidate : candidates) {
    stream_->expires_at(deadline);
    error = run([&](auto done) { stream_->plain().async_connect(candidate, done); });
    if (!error) return shake_hands(deadline);
    stream_.emplace(io_);
  }
  drop();
  return failure_of(
      error, "cannot connect to " + (destination_.unix_path.empty() ? destination_.host_field
                                                                    : destination_.unix_path));
}

Result<void> BeastClient::shake_hands(Instant deadline) {
  if (!destination_.is_tls) return {};
  Wire::Tls& tls = stream_->secure(*trust_);
  if (!name_peer(tls.native_handle(), destination_.host)) {
    drop();
    return Error{ErrorCode::kInternal, "TLS: " + tls_library_error(), ""};
  }
  stream_->expires_at(deadline);
  const auto error =
      run([&](auto done) { tls.async_handshake(asio::ssl::stream_base::client, done); });
  if (!error) return {};
  const long found = SSL_get_verify_result(tls.native_handle());
  drop();
  if (found == X509_V_OK) return failure_of(error, "no TLS with " + destination_.host_field);
  return Error{ErrorCode::kUnavailable,
               "the certificate of " + destination_.host_field +
                   " is not to be trusted: " + X509_verify_cert_error_string(found),
               ""};
}

/// False when the server has ended the kept connection.
bool BeastClient::is_alive() const {
  if (!stream_) return false;
  char byte = 0;
  const int fd = const_cast<Wire&>(*stream_).socket().native_handle();
  const ssize_t size = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<void> BeastClient::send(const ClientRequest& request, Instant deadline) {
  bhttp::request<bhttp::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(bhttp::field::host, destination_.host_field);
  message.set(bhttp::field::user_agent, "weir");
  for (const HeaderLine& line : request.headers) message.set(line.name, line.value);
  message.body() = request.body;
  message.prepare_payload();
  stream_->expires_at(deadline);
  const auto error = run([&](auto done) { bhttp::async_write(*stream_, message, done); });
  if (error) return failure_of(error, "the request was not sent");
  return {};
}

Result<void> BeastClient::begin(const ClientRequest& request, Instant deadline,
                                std::optional<Parser>& parser) {
  const bool was_kept = is_alive();
  if (!was_kept) WEIR_TRY(connect(deadline));
  Result<void> outcome = send(request, deadline);
  // A server that refuses a body may answer and close before it has read all of it: then sending
  // fails and the answer is there all the same.
  if (outcome || outcome.error().code == ErrorCode::kUnavailable) {
    parser.emplace();
    parser->skip(request.method == "HEAD");
    parser->body_limit(kClientBodyMax);
    const auto error =
        run([&](auto done) { bhttp::async_read_header(*stream_, buffer_, *parser, done); });
    if (!error) return {};
    if (outcome) outcome = failure_of(error, "no answer");
  }
  const bool may_repeat =
      was_kept && request.method == "GET" && outcome.error().code == ErrorCode::kUnavailable;
  drop();
  if (may_repeat) return begin(request, deadline, parser);
  return outcome;
}

ClientResponse head_of(const Parser& parser) {
  ClientResponse response;
  response.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return response;
}

Result<ClientResponse> BeastClient::finish(Parser& parser) {
  const auto error = run([&](auto done) { bhttp::async_read(*stream_, buffer_, parser, done); });
  if (error) {
    drop();
    return failure_of(error, "the answer broke off");
  }
  ClientResponse response = head_of(parser);
  response.body = std::move(parser.get().body());
  if (!parser.get().keep_alive()) drop();
  return response;
}

Result<ClientResponse> BeastClient::exchange(const ClientRequest& request, Instant deadline) {
  std::optional<Parser> parser;
  WEIR_TRY(begin(request, deadline, parser));
  return finish(*parser);
}

Result<ClientResponse> BeastClient::read_lines(Parser& parser,
                                               const std::function<bool(std::string_view)>& line) {
  std::string pending;
  for (;;) {
    pending += std::exchange(parser.get().body(), {});
    std::size_t start = 0;
    for (std::size_t end; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
      const bool goes_on = line(std::string_view(pending).substr(start, end - start));
      if (!goes_on) return head_of(parser);
    }
    pending.erase(0, start);
    if (parser.is_done()) return head_of(parser);
    if (pending.size() > kClientBodyMax) {
      return Error{ErrorCode::kInvalidArgument, "a line of the answer is too long", ""};
    }
    const auto error =
        run([&](auto done) { bhttp::async_read_some(*stream_, buffer_, parser, done); });
    if (error) return failure_of(error, "the stream broke off");
  }
}

Result<ClientResponse> BeastClient::stream_lines(
    const ClientRequest& request, Instant deadline,
    const std::function<bool(std::string_view)>& line) {
  std::optional<Parser> parser;
  WEIR_TRY(begin(request, deadline, parser));
  if (parser->get().result_int() != 200) return finish(*parser);
  // Not eager: an eager parser waits for the next chunk before it hands out this one.
  parser->body_limit(boost::none);
  parser->eager(false);
  auto outcome = read_lines(*parser, line);
  drop();
  return outcome;
}

}  // namespace

const std::string* ClientResponse::header(std::string_view name) const {
  for (const HeaderLine& line : headers) {
    if (equals_ignoring_case(line.name, name)) return &line.value;
  }
  return nullptr;
}

Result<std::unique_ptr<Client>> Client::open(std::string_view endpoint,
                                             const std::string& ca_file) {
  WEIR_ASSIGN_OR_RETURN(Destination destination, parse_destination(endpoint));
  // Who gives an authority hardly means plain HTTP, unless the endpoint says so.
  if (!ca_file.empty() && destination.unix_path.empty() && !endpoint.contains("://")) {
    return malformed(endpoint);
  }
  std::unique_ptr<asio::ssl::context> trust;
  if (destination.is_tls) {
    WEIR_ASSIGN_OR_RETURN(trust, trust_in(ca_file));
  }
  return std::unique_ptr<Client>(
      std::make_unique<BeastClient>(std::move(destination), std::move(trust)));
}

}  // namespace weir::http
