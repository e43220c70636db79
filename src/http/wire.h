// The bytes of one HTTP connection: as they come, or inside TLS. One type for both, so that whoever
// reads and writes HTTP does not care. For server_connection.cpp and client.cpp alone, which see
// Boost. Thread: that of its IO context.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace weir::http {

class Wire {
 public:
  using Plain = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
  using Tls = boost::asio::ssl::stream<Plain&>;
  using executor_type = Plain::executor_type;  // the name that the library asks for

  /// `from`: a socket, or an IO context.
  template <class From>
  explicit Wire(From&& from) : plain_(std::forward<From>(from)) {}

  executor_type get_executor() noexcept { return plain_.get_executor(); }
  Plain& plain() { return plain_; }
  Plain::socket_type& socket() { return plain_.socket(); }
  /// From now on everything is inside TLS; the handshake comes first.
  Tls& secure(boost::asio::ssl::context& context) { return tls_.emplace(plain_, context); }
  /// Null when nothing is inside TLS.
  Tls* tls() { return tls_ ? &*tls_ : nullptr; }

  void expires_after(std::chrono::milliseconds time) { plain_.expires_after(time); }
  void expires_at(std::chrono::steady_clock::time_point at) { plain_.expires_at(at); }
  void expires_never() { plain_.expires_never(); }

  template <class Buffers, class Token>
  BOOST_ASIO_INITFN_RESULT_TYPE(Token, void(boost::system::error_code, std::size_t))
  async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto&& done, const Buffers& into) {
          if (tls_) {
            tls_->async_read_some(into, std::forward<decltype(done)>(done));
          } else {
            plain_.async_read_some(into, std::forward<decltype(done)>(done));
          }
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  BOOST_ASIO_INITFN_RESULT_TYPE(Token, void(boost::system::error_code, std::size_t))
  async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto&& done, const Buffers& from) {
          if (tls_) {
            tls_->async_write_some(from, std::forward<decltype(done)>(done));
          } else {
            plain_.async_write_some(from, std::forward<decltype(done)>(done));
          }
        },
        token, buffers);
  }

 private:
  Plain plain_;
  std::optional<Tls> tls_;
};

}  // namespace weir::http
