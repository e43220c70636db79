#include "http/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/log.h"

namespace weir::http {
namespace {

namespace ssl = boost::asio::ssl;

constexpr const char* kCiphersOfTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256";
constexpr std::string_view kProtocol = "http/1.1";

Error bad_file(const std::string& path, const std::string& problem) {
  return {ErrorCode::kInvalidArgument, path + ": " + problem, ""};
}

/// A key with a password would be asked for on the terminal.
int no_password(char*, int, int, void*) { return 0; }

/// A client that speaks something else alone is refused, and not misunderstood (RFC 7301, 3.2).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  for (unsigned int at = 0; at < offered_size; at += offered[at] + 1U) {
    const unsigned int length = offered[at];
    if (at + 1 + length > offered_size) break;
    const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, length);
    if (name != kProtocol) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<void> read_pair(SSL_CTX* context, const TlsFiles& files) {
  struct stat key{};
  if (::stat(files.key.c_str(), &key) != 0) return bad_file(files.key, std::strerror(errno));
  if ((key.st_mode & S_IRWXO) != 0) {
    return bad_file(files.key, "everybody has rights to this key: take them away (chmod o=)");
  }
  SSL_CTX_set_default_passwd_cb(context, no_password);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return bad_file(files.certificate, "no certificate in PEM form: " + tls_library_error());
  }
  // Of a certificate and a key that do not belong together this call says so too.
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad_file(files.key, "no key without password in PEM form for " + files.certificate +
                                   ": " + tls_library_error());
  }
  return {};
}

/// Units: seconds since 1970.
double end_of(const SSL_CTX* context) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
    return 0;
  }
  return static_cast<double>(::timegm(&end));
}

}  // namespace

std::string tls_library_error() {
  const unsigned long number = ERR_get_error();
  ERR_clear_error();
  if (ERR_GET_LIB(number) == ERR_LIB_SYS) return std::strerror(ERR_GET_REASON(number));
  const char* reason = ERR_reason_error_string(number);
  return reason == nullptr ? "unknown reason" : reason;
}

Result<void> set_modern_tls(ssl::context& context) {
  SSL_CTX* raw = context.native_handle();
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphersOfTls12) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1) {
    return Error{ErrorCode::kInternal, "TLS: " + tls_library_error(), ""};
  }
  return {};
}

ServerTls::Look ServerTls::Look::of(const std::string& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return {};
  return {file.st_dev, file.st_ino, file.st_size, file.st_ctim};
}

bool ServerTls::Look::operator==(const Look& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

Result<std::unique_ptr<ServerTls>> ServerTls::open(const TlsFiles& files, Metrics* metrics) {
  std::unique_ptr<ServerTls> made(new ServerTls(files, metrics));
  WEIR_TRY(made->load());
  return made;
}

void ServerTls::count_handshake(std::string_view result) const {
  if (metrics_ == nullptr) return;
  metrics_->value(Metric::kApiTlsHandshakes, {std::string(result)}).add();
}

Result<void> ServerTls::load() {
  // Looked at first: what is written while it is read looks changed the next time.
  certificate_ = Look::of(files_.certificate);
  key_ = Look::of(files_.key);
  ERR_clear_error();
  ssl::context made(ssl::context::tls_server);
  WEIR_TRY(set_modern_tls(made));
  SSL_CTX* raw = made.native_handle();
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  WEIR_TRY(read_pair(raw, files_));
  if (metrics_) metrics_->value(Metric::kApiCertificateEnd).set(end_of(raw));
  // Connections that have begun keep the one they began with.
  context_.emplace(std::move(made));
  return {};
}

void ServerTls::reload(bool in_any_case) {
  const bool is_same = certificate_ == Look::of(files_.certificate) && key_ == Look::of(files_.key);
  if (is_same && !in_any_case) return;
  const auto loaded = load();
  if (metrics_) {
    metrics_->value(Metric::kApiCertificateLoads, {loaded ? "loaded" : "failed"}).add();
  }
  if (loaded) {
    log::info("read the API's certificate again", {{"file", files_.certificate}});
  } else {
    log::error("the API's certificate could not be read, the one before goes on serving",
               {{"error", loaded.error().message}});
  }
}

}  // namespace weir::http
