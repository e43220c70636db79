#include "api/transport.h"

#include "net/address.h"

namespace weir::api {
namespace {

Error wrong(std::string setting, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(setting)};
}

}  // namespace

bool is_local(const std::string& listen) {
  if (listen.starts_with("unix:")) return true;
  const auto endpoint = net::Endpoint::parse(listen);
  // What cannot be read is refused elsewhere.
  return !endpoint || endpoint->address.is_loopback();
}

Errors check_transport(const Transport& transport) {
  Errors errors;
  const bool has_certificate = !transport.certificate.empty();
  const bool has_key = !transport.key.empty();
  if (has_certificate != has_key) {
    errors.push_back(wrong(has_key ? "api.tls-certificate" : "api.tls-key",
                           "must be set where the other of the two is"));
  }
  if ((has_certificate || has_key) && transport.listen.starts_with("unix:")) {
    errors.push_back(wrong("api.tls-certificate",
                           "has no effect on a Unix socket: give api.listen address:port"));
  }
  if ((has_certificate || has_key) && transport.allows_plain_http) {
    errors.push_back(wrong("api.allow-plain-http", "has no effect where there is TLS"));
  }
  const bool is_open = !has_certificate && !has_key && !transport.allows_plain_http;
  if (is_open && !is_local(transport.listen)) {
    errors.push_back(
        wrong("api.listen",
              transport.listen +
                  " can be reached from other machines, and secrets would go there unencrypted: "
                  "set api.tls-certificate and api.tls-key, or, where something else encrypts, "
                  "api.allow-plain-http: true"));
  }
  return errors;
}

std::optional<http::TlsFiles> tls_files(const Transport& transport) {
  if (transport.certificate.empty()) return std::nullopt;
  return http::TlsFiles{transport.certificate, transport.key};
}

std::string endpoint_text(const Transport& transport, const std::string& address,
                          const std::string& name) {
  if (!tls_files(transport)) return "http://" + address;
  if (name.empty()) return "https://" + address;
  return "https://" + name + address.substr(address.rfind(':'));
}

}  // namespace weir::api
