// How callers may reach the API: plain HTTP on this machine, TLS from others. Judged before
// anything listens; the configuration asks too, so that a check of it says the same.
// Thread: any (pure functions).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "http/server.h"

namespace weir::api {

struct Transport {
  std::string listen = "127.0.0.1:8420";  // or "unix:/path"
  /// Files in PEM form; both or none.
  std::string certificate{};
  std::string key{};
  /// Plain HTTP although other machines can reach the address.
  bool allows_plain_http = false;
};

/// Only this machine can reach "unix:/path" and loopback addresses.
bool is_local(const std::string& listen);

/// Names in messages are those of the settings. All that is wrong, each with its setting as field.
/// Errors:  kInvalidArgument
Errors check_transport(const Transport& transport);

/// The files, when there is TLS.
std::optional<http::TlsFiles> tls_files(const Transport& transport);

/// "https://weir.example:8420": what clients are told. `address`: what the server listens on;
/// `name`: by which its certificate may be found, empty when there is none.
std::string endpoint_text(const Transport& transport, const std::string& address,
                          const std::string& name);

}  // namespace weir::api
