// A small blocking HTTP/1.1 client for the native API: the command line, the demo and tests. Over
// TCP or a Unix socket, one exchange at a time, the connection is kept between exchanges. Not for
// the data path. Thread: owner (one client per thread).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"

namespace weir::http {

/// Bytes of one response body. Chosen because a page of 1 000 documents of 16 KiB fits. Reached:
/// the call fails, exit status 6.
inline constexpr std::size_t kClientBodyMax = std::size_t{16} << 20;

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, encoded (see encode_segment)
  std::vector<HeaderLine> headers;
  std::string body;  // sent with Content-Length when not empty or the method carries one
};

struct ClientResponse {
  int status = 0;
  std::vector<HeaderLine> headers;
  std::string body;

  /// Value of the first field of this name in any case, or null.
  const std::string* header(std::string_view name) const;
};

class Client {
 public:
  /// `endpoint`: "http://127.0.0.1:8420", "127.0.0.1:8420", "https://weir.example:8420" or
  /// "unix:/path". A server of https is believed when its certificate names the host and comes from
  /// an issuer in `ca_file` (PEM); without such a file, from one that this system trusts. Connects
  /// with the first exchange. Errors: kInvalidArgument (endpoint, or a file without certificates)
  static Result<std::unique_ptr<Client>> open(std::string_view endpoint,
                                              const std::string& ca_file = "");
  virtual ~Client() = default;

  /// Errors:  kUnavailable (no connection, or it broke), kDeadlineExceeded, kInvalidArgument (the
  /// answer is not HTTP or too large). Any status is a success here.
  virtual Result<ClientResponse> exchange(const ClientRequest& request, Instant deadline) = 0;

  /// As exchange(), but hands out each line of a 200 body (without its line end) as it arrives,
  /// until `line` returns false, the body ends or `deadline` passes (then kDeadlineExceeded). Other
  /// statuses answer with their body as usual.
  virtual Result<ClientResponse> stream_lines(
      const ClientRequest& request, Instant deadline,
      const std::function<bool(std::string_view)>& line) = 0;
};

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
std::string encode_segment(std::string_view text);

}  // namespace weir::http
