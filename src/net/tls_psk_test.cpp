#include "net/tls_psk.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/socket.h"

namespace weir::net {
namespace {

const std::string kKey(64, 'a');
const std::string kOtherKey = std::string(63, 'a') + "b";

/// Two sessions over a socket pair, stepped in turn by one thread.
struct TlsPair {
  TlsPair(std::string_view client_key, std::string_view server_key) {
    auto pair = unix_pair();
    EXPECT_TRUE(pair.ok());
    client_fd = std::move(pair->first);
    server_fd = std::move(pair->second);
    client_context = std::move(TlsPsk::open(TlsPsk::Role::kClient, client_key)).value();
    server_context = std::move(TlsPsk::open(TlsPsk::Role::kServer, server_key)).value();
    client = std::move(client_context->start(client_fd.get())).value();
    server = std::move(server_context->start(server_fd.get())).value();
  }

  /// Runs both handshakes until each is done or has failed.
  void shake_hands() {
    for (int i = 0; i < 10; ++i) {
      if (client_status != IoStatus::kDone) client_status = client->handshake().status;
      if (server_status != IoStatus::kDone) server_status = server->handshake().status;
    }
  }

  UniqueFd client_fd;
  UniqueFd server_fd;
  std::unique_ptr<TlsPsk> client_context;
  std::unique_ptr<TlsPsk> server_context;
  std::unique_ptr<TlsSession> client;
  std::unique_ptr<TlsSession> server;
  IoStatus client_status = IoStatus::kWantRead;
  IoStatus server_status = IoStatus::kWantRead;
};

TEST(TlsPsk, BytesPassBothWaysAfterBothProvedTheKey) {
  TlsPair pair(kKey, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  pair.shake_hands();
  ASSERT_EQ(pair.client_status, IoStatus::kDone) << pair.client->reason();
  ASSERT_EQ(pair.server_status, IoStatus::kDone) << pair.server->reason();
  char buffer[16];
  EXPECT_EQ(pair.server->read(buffer).status, IoStatus::kWantRead);
  EXPECT_EQ(pair.client->write("hello").count, 5U);
  const IoStep read = pair.server->read(buffer);
  EXPECT_EQ(std::string_view(buffer, read.count), "hello");
  EXPECT_EQ(pair.server->write("back").count, 4U);
  EXPECT_EQ(pair.client->read(buffer).count, 4U);
}

TEST(TlsPsk, NothingReadableOnTheWireShowsTheBytes) {
  TlsPair pair(kKey, kKey);
  pair.shake_hands();
  const std::string secret = "the word on the wire";
  EXPECT_EQ(pair.client->write(secret).count, secret.size());
  char raw[1024];
  const ssize_t count = recv(pair.server_fd.get(), raw, sizeof raw, 0);
  ASSERT_GT(count, 0);
  EXPECT_EQ(std::string_view(raw, static_cast<std::size_t>(count)).find("word"), std::string::npos);
}

TEST(TlsPsk, ADifferentKeyIsRefusedOnBothSides) {
  TlsPair pair(kKey, kOtherKey);
  pair.shake_hands();
  EXPECT_NE(pair.client_status, IoStatus::kDone);
  EXPECT_NE(pair.server_status, IoStatus::kDone);
  char buffer[16];
  EXPECT_EQ(pair.server->read(buffer).status, IoStatus::kBroken);
  EXPECT_EQ(pair.client->write("hello").status, IoStatus::kBroken);
}

TEST(TlsPsk, TheEndOfAStreamIsToldFromACutOne) {
  TlsPair ended(kKey, kKey);
  ended.shake_hands();
  ended.client->end();
  char buffer[16];
  EXPECT_EQ(ended.server->read(buffer).status, IoStatus::kEnded);
  TlsPair cut(kKey, kKey);
  cut.shake_hands();
  cut.client_fd.reset();
  EXPECT_EQ(cut.server->read(buffer).status, IoStatus::kBroken);
}

TEST(TlsPsk, AWriteToAPeerThatLeftBreaksWithoutASignal) {
  TlsPair pair(kKey, kKey);
  pair.shake_hands();
  pair.client_fd.reset();
  EXPECT_EQ(pair.server->write("hello").status, IoStatus::kBroken);
}

TEST(TlsPsk, AKeyOfAnotherFormIsRefusedWithoutRepeatingIt) {
  for (const std::string& key :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + "g"}) {
    const auto opened = TlsPsk::open(TlsPsk::Role::kClient, key);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(opened.error().message.find("aaaa"), std::string::npos);
  }
  EXPECT_EQ(TlsPsk::open(TlsPsk::Role::kServer, "").error().code, ErrorCode::kUnauthenticated);
}

/// A foreign TLS end without our key, with the library's own calls.
class Stranger {
 public:
  explicit Stranger(int fd) : context_(SSL_CTX_new(TLS_method())), ssl_(nullptr) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd);
  }
  ~Stranger() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  SSL* ssl() { return ssl_; }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

TEST(TlsPsk, AServerThatShowsACertificateInPlaceOfTheKeyIsRefused) {
  TlsPair pair(kKey, kKey);
  Stranger server(pair.server_fd.get());
  SSL_set_accept_state(server.ssl());
  IoStatus status = IoStatus::kWantRead;
  for (int i = 0; i < 10 && status == IoStatus::kWantRead; ++i) {
    status = pair.client->handshake().status;
    SSL_do_handshake(server.ssl());
  }
  EXPECT_EQ(status, IoStatus::kRefused);
}

TEST(TlsPsk, AClientWithoutAnyKeyIsRefused) {
  TlsPair pair(kKey, kKey);
  Stranger client(pair.client_fd.get());
  SSL_set_connect_state(client.ssl());
  IoStatus status = IoStatus::kWantRead;
  for (int i = 0; i < 10 && status == IoStatus::kWantRead; ++i) {
    EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
    status = pair.server->handshake().status;
  }
  EXPECT_EQ(status, IoStatus::kRefused);
}

}  // namespace
}  // namespace weir::net
