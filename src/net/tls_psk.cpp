#include "net/tls_psk.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>

namespace weir::net {
namespace {

/// Bytes of the key.
/// Source:  RFC 8446, 4.2.11: a key for SHA-256 has the strength of the hash.
constexpr std::size_t kKeySize = 32;
using Key = std::array<unsigned char, kKeySize>;
constexpr std::string_view kIdentity = "weir";
constexpr std::array<unsigned char, 2> kAes128GcmSha256{0x13, 0x01};  // RFC 8446, B.4
constexpr const char* kCipherName = "TLS_AES_128_GCM_SHA256";

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using ContextPointer = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPointer = std::unique_ptr<SSL, Freed<SSL_free>>;
using SessionPointer = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using MethodPointer = std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>>;

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// The message never repeats the text: it may be most of a key.
Result<Key> parse_key(std::string_view text) {
  if (text.empty()) {
    return Error{ErrorCode::kUnauthenticated, "a key is required between machines, found none", {}};
  }
  const Error bad{ErrorCode::kInvalidArgument, "the key must be 64 hex digits (32 bytes)", {}};
  if (text.size() != 2 * kKeySize) return bad;
  Key key{};
  for (std::size_t i = 0; i < kKeySize; ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return bad;
    key[i] = static_cast<unsigned char>(*high * 16 + *low);
  }
  return key;
}

/// The socket as the library sees it. Its own socket BIO writes with write(), which raises SIGPIPE
/// when the peer is gone.
int descriptor_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool is_temporary(int number) {
  return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

int write_socket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count =
      send(descriptor_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && is_temporary(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int read_socket(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count =
      recv(descriptor_of(bio), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (count < 0 && is_temporary(errno)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int create_socket(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

MethodPointer make_socket_method() {
  MethodPointer method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket"));
  if (method == nullptr) return method;
  BIO_meth_set_write(method.get(), write_socket);
  BIO_meth_set_read(method.get(), read_socket);
  BIO_meth_set_ctrl(method.get(), control_socket);
  BIO_meth_set_create(method.get(), create_socket);
  return method;
}

/// Constant once made; sessions refer to it as long as they live.
const BIO_METHOD* socket_method() {
  static const MethodPointer method = make_socket_method();
  return method.get();
}

/// The key in the form of a session to resume, as the library wants an external key (RFC 8446,
/// 4.2.11).
SSL_SESSION* session_of_key(SSL* ssl) {
  const auto* key = static_cast<const Key*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256.data());
  SessionPointer session(SSL_SESSION_new());
  if (cipher == nullptr || session == nullptr ||
      SSL_SESSION_set1_master_key(session.get(), key->data(), key->size()) != 1 ||
      SSL_SESSION_set_cipher(session.get(), cipher) != 1 ||
      SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1) {
    return nullptr;
  }
  return session.release();
}

int offer_key(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* size,
              SSL_SESSION** session) {
  *session = session_of_key(ssl);
  *identity = reinterpret_cast<const unsigned char*>(kIdentity.data());
  *size = kIdentity.size();
  return *session != nullptr;
}

/// An unknown identity gets no session: the handshake then fails for want of a certificate.
int find_key(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
  *session = nullptr;
  if (size != kIdentity.size() || std::memcmp(identity, kIdentity.data(), size) != 0) return 1;
  *session = session_of_key(ssl);
  return *session != nullptr;
}

bool configure(SSL_CTX* context, TlsPsk::Role role) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (role == TlsPsk::Role::kClient) {
    // Verification has no authority to trust, so that a server that answers with a certificate in
    // place of the key fails.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_psk_use_session_callback(context, offer_key);
  } else {
    SSL_CTX_set_psk_find_session_callback(context, find_key);
  }
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCipherName) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1;
}

int int_size(std::size_t size) {
  return static_cast<int>(std::min(size, std::size_t{std::numeric_limits<int>::max()}));
}

}  // namespace

struct TlsSession::State {
  IoStep failed(int result);

  SslPointer ssl;
  bool is_usable = true;  // after a fatal error the library must not be called again
  std::string reason;
};

/// What a call that did not succeed means.
IoStep TlsSession::State::failed(int result) {
  const int number = errno;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::kEnded};
    case SSL_ERROR_SSL: {
      is_usable = false;
      const unsigned long error = ERR_peek_error();
      const char* text = ERR_reason_error_string(error);
      reason = text == nullptr ? "TLS failed" : text;
      // The peer left without the record that ends a stream: an accident or a cut, no statement
      // about the key.
      const bool is_cut = ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      return {is_cut ? IoStatus::kBroken : IoStatus::kRefused};
    }
    default:
      is_usable = false;
      reason = number == 0 ? "connection ended" : std::generic_category().message(number);
      return {IoStatus::kBroken};
  }
}

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;

IoStep TlsSession::handshake() {
  if (!state_->is_usable) return {IoStatus::kBroken};
  ERR_clear_error();
  const int result = SSL_do_handshake(state_->ssl.get());
  if (result != 1) {
    const IoStep step = state_->failed(result);
    return step.status == IoStatus::kEnded ? IoStep{IoStatus::kBroken} : step;
  }
  // The library counts the use of an external key as a resumption: anything else was a handshake
  // without our key.
  if (SSL_session_reused(state_->ssl.get()) == 1) return {IoStatus::kDone};
  state_->is_usable = false;
  state_->reason = "handshake without the key";
  return {IoStatus::kRefused};
}

IoStep TlsSession::read(std::span<char> into) {
  if (!state_->is_usable) return {IoStatus::kBroken};
  ERR_clear_error();
  const int count = SSL_read(state_->ssl.get(), into.data(), int_size(into.size()));
  if (count > 0) return {IoStatus::kDone, static_cast<std::size_t>(count)};
  return state_->failed(count);
}

IoStep TlsSession::write(std::string_view bytes) {
  if (!state_->is_usable) return {IoStatus::kBroken};
  ERR_clear_error();
  const int count = SSL_write(state_->ssl.get(), bytes.data(), int_size(bytes.size()));
  if (count > 0) return {IoStatus::kDone, static_cast<std::size_t>(count)};
  return state_->failed(count);
}

void TlsSession::end() {
  if (!state_->is_usable || !SSL_is_init_finished(state_->ssl.get())) return;
  ERR_clear_error();
  // A peer that cannot take the record now sees a cut stream instead, which it treats as an error:
  // that is safe.
  static_cast<void>(SSL_shutdown(state_->ssl.get()));
  state_->is_usable = false;
}

const std::string& TlsSession::reason() const { return state_->reason; }

struct TlsPsk::State {
  ~State() { OPENSSL_cleanse(key.data(), key.size()); }

  Key key{};
  Role role = Role::kClient;
  ContextPointer context;
};

Result<std::unique_ptr<TlsPsk>> TlsPsk::open(Role role, std::string_view key) {
  auto state = std::make_unique<State>();
  WEIR_ASSIGN_OR_RETURN(state->key, parse_key(key));
  state->role = role;
  state->context.reset(SSL_CTX_new(TLS_method()));
  if (state->context == nullptr || socket_method() == nullptr ||
      !configure(state->context.get(), role)) {
    return Error{ErrorCode::kInternal, "TLS cannot be set up", {}};
  }
  SSL_CTX_set_app_data(state->context.get(), &state->key);
  return std::make_unique<TlsPsk>(std::move(state));
}

TlsPsk::TlsPsk(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsPsk::~TlsPsk() = default;

Result<std::unique_ptr<TlsSession>> TlsPsk::start(int fd) const {
  auto session = std::make_unique<TlsSession::State>();
  session->ssl.reset(SSL_new(state_->context.get()));
  BIO* const bio = session->ssl == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) return Error{ErrorCode::kInternal, "no memory for a TLS session", {}};
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  SSL_set_bio(session->ssl.get(), bio, bio);  // takes the BIO
  if (state_->role == Role::kClient) {
    SSL_set_connect_state(session->ssl.get());
  } else {
    SSL_set_accept_state(session->ssl.get());
  }
  return std::make_unique<TlsSession>(std::move(session));
}

}  // namespace weir::net
