// The certificate of the API's server: read from its files at the start, again when they change and
// when asked. A pair of files that does not fit together leaves the one before in service. Private
// to server.cpp and server_connection.cpp. Thread: the IO thread, but for open().
#pragma once

#include <sys/stat.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>

#include "base/metrics.h"
#include "base/result.h"
#include "http/server.h"

namespace weir::http {

/// TLS 1.2 and 1.3 with key exchange and ciphers of today.
/// Source: reliability guide, section 6 (TLS); RFC 9325.
/// Errors:  kInternal (the library knows none of them)
Result<void> set_modern_tls(boost::asio::ssl::context& context);

/// Why the library failed last, and nothing of it is left.
std::string tls_library_error();

class ServerTls {
 public:
  /// Errors:  kInvalidArgument naming the file and what is wrong with it
  static Result<std::unique_ptr<ServerTls>> open(const TlsFiles& files, Metrics* metrics);

  /// For the next handshake: the newest that could be read.
  boost::asio::ssl::context& context() { return *context_; }
  /// Reads the files again when they look changed, or in any case.
  void reload(bool in_any_case);
  void count_handshake(std::string_view result) const;

 private:
  /// What tells a changed file from the one that was read.
  struct Look {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};  // its bytes or its rights

    static Look of(const std::string& path);
    bool operator==(const Look& other) const;
  };

  ServerTls(TlsFiles files, Metrics* metrics) : files_(std::move(files)), metrics_(metrics) {}
  Result<void> load();

  const TlsFiles files_;
  Metrics* const metrics_;
  std::optional<boost::asio::ssl::context> context_;
  Look certificate_;
  Look key_;
};

}  // namespace weir::http
