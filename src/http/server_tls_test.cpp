// The server inside TLS: who is served, what is refused, and certificates that change.
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "http/client.h"
#include "http/server_fixture.h"
#include "testing/temporary_folder.h"
#include "testing/test_certificate.h"

namespace weir::http {
namespace {

ClientRequest request_of(std::string target, std::string body = "") {
  ClientRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

class ServerTlsTest : public ServerTest {
 protected:
  void SetUp() override { use(testing::make_certificate(folder.path(), "first")); }

  void use(const testing::CertificateFiles& files) {
    options.tls = TlsFiles{files.certificate, files.key};
    options.metrics = &metrics;
  }
  std::string endpoint() const { return "https://" + address; }
  std::string ca() const { return options.tls->certificate; }

  /// The body of one call, or what went wrong.
  std::string ask(const std::string& where, const std::string& ca_file) {
    auto client = Client::open(where, ca_file);
    if (!client) return to_string(client.error());
    const auto answer = (*client)->exchange(request_of("/hello"), within(10));
    return answer ? answer->body : to_string(answer.error());
  }
  double handshakes(const std::string& result) {
    return metrics.value(Metric::kApiTlsHandshakes, {result}).get();
  }
  /// Moves a pair of files to where those of the server are.
  void replace(const testing::CertificateFiles& by) const {
    std::filesystem::rename(by.key, options.tls->key);
    std::filesystem::rename(by.certificate, options.tls->certificate);
  }
  template <class Condition>
  static bool eventually(const Condition& condition) {
    const Instant limit = within(20);
    while (!condition() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    return condition();
  }

  testing::TemporaryFolder folder;
};

TEST_F(ServerTlsTest, AnswersClientsThatTrustItsIssuer) {
  start();
  EXPECT_EQ(ask(endpoint(), ca()), "GET hello []");
  auto client = Client::open(endpoint(), ca());
  ASSERT_TRUE(client);
  const std::string body(1'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    const auto answer = (*client)->exchange(request_of("/", body), within(10));
    ASSERT_TRUE(answer) << to_string(answer.error());
    EXPECT_EQ(answer->body.size(), body.size() + 7);
  }
  EXPECT_EQ(handshakes("done"), 2) << "a connection is kept";
  EXPECT_GT(metrics.value(Metric::kApiCertificateEnd).get(), 1'700'000'000);
}

TEST_F(ServerTlsTest, AClientBelievesNobodyWithoutAReason) {
  start();
  const auto other = testing::make_certificate(folder.path(), "other");
  for (const std::string& answer : {ask(endpoint(), ""), ask(endpoint(), other.certificate)}) {
    EXPECT_NE(answer.find("is not to be trusted: self-signed certificate"), std::string::npos)
        << answer;
  }
  EXPECT_NE(ask(endpoint(), options.tls->key).find("no certificate in PEM form"),
            std::string::npos);
}

TEST_F(ServerTlsTest, ACertificateIsForTheNamesInItAlone) {
  use(testing::make_certificate(folder.path(), "named", "DNS:localhost"));
  start();
  const std::string port = address.substr(address.rfind(':'));
  EXPECT_EQ(ask("https://localhost" + port, ca()), "GET hello []");
  EXPECT_NE(ask(endpoint(), ca()).find("IP address mismatch"), std::string::npos);
}

TEST_F(ServerTlsTest, PlainHttpIsNotAnsweredThere) {
  start();
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_TRUE(eventually([&] { return handshakes("failed") == 1; }));
}

TEST_F(ServerTlsTest, AHandshakeThatDoesNotEndTakesNoConnectionForLong) {
  options.limits.handshake_timeout = std::chrono::milliseconds(50);
  start();
  RawConnection silent(address);
  EXPECT_EQ(silent.read_all(), "") << "the server closes it";
  EXPECT_TRUE(eventually([&] { return handshakes("late") == 1; }));
}

TEST_F(ServerTlsTest, ManyHandshakesAtOnceLeaveRoomForConnectionsThatWork) {
  options.limits.handshakes_max = 1;
  start();
  auto working = Client::open(endpoint(), ca());
  ASSERT_TRUE((*working)->exchange(request_of("/a"), within(10)));
  RawConnection silent(address);
  RawConnection second(address);
  EXPECT_EQ(silent.read_all(), "") << "the oldest makes room";
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"handshakes"}).get(), 1);
  EXPECT_TRUE((*working)->exchange(request_of("/b"), within(10)));
  auto newcomer = Client::open(endpoint(), ca());
  EXPECT_TRUE((*newcomer)->exchange(request_of("/c"), within(10))) << "silence shuts nobody out";
}

/// A handshake of the library's own client. Nothing when it fails.
std::string handshake(const std::string& address, const std::function<void(SSL_CTX*)>& prepare) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  prepare(context);
  BIO* connection = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(connection, address.c_str());
  std::string found;
  if (BIO_do_handshake(connection) == 1) {
    SSL* session = nullptr;
    BIO_get_ssl(connection, &session);
    found = std::string(SSL_get_version(session)) + " " + SSL_get_cipher_name(session);
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session, &protocol, &size);
    if (size > 0) found += " " + std::string(reinterpret_cast<const char*>(protocol), size);
  }
  BIO_free_all(connection);
  SSL_CTX_free(context);
  return found;
}

TEST_F(ServerTlsTest, SpeaksTls12And13WithCiphersOfToday) {
  start();
  const auto newest = [](SSL_CTX* context, int version) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version);
  };
  EXPECT_TRUE(handshake(address, [](SSL_CTX*) {}).starts_with("TLSv1.3 "));
  EXPECT_EQ(handshake(address, [&](SSL_CTX* c) { newest(c, TLS1_2_VERSION); }),
            "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(handshake(address, [&](SSL_CTX* c) { newest(c, TLS1_1_VERSION); }), "");
  EXPECT_EQ(handshake(address,
                      [&](SSL_CTX* c) {
                        newest(c, TLS1_2_VERSION);
                        SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-SHA:AES128-SHA");
                      }),
            "");
}

TEST_F(ServerTlsTest, AClientThatDoesNotSpeakHttp1IsRefused) {
  start();
  const auto offer = [](std::string_view protocols) {
    return [protocols](SSL_CTX* context) {
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned int>(protocols.size()));
    };
  };
  EXPECT_TRUE(handshake(address, offer("\x02h2\x08http/1.1")).ends_with(" http/1.1"));
  EXPECT_EQ(handshake(address, offer("\x02h2\x03"
                                     "ftp")),
            "");
}

TEST_F(ServerTlsTest, AChangedCertificateServesTheNextConnectionAndCutsNone) {
  options.limits.certificate_pause = std::chrono::milliseconds(1);
  start();
  auto before = Client::open(endpoint(), ca());
  ASSERT_TRUE((*before)->exchange(request_of("/a"), within(10)));
  const auto next = testing::make_certificate(folder.path(), "next");
  const std::string issuer = folder.file("issuer.pem");
  std::filesystem::copy_file(next.certificate, issuer);
  replace(next);
  EXPECT_TRUE(eventually([&] { return ask(endpoint(), issuer) == "GET hello []"; }));
  EXPECT_TRUE((*before)->exchange(request_of("/b"), within(10)));
}

TEST_F(ServerTlsTest, FilesThatDoNotBelongTogetherLeaveTheCertificateBefore) {
  options.limits.certificate_pause = std::chrono::hours(1);
  start();
  const std::string issuer = folder.file("issuer.pem");
  std::filesystem::copy_file(ca(), issuer);
  const auto next = testing::make_certificate(folder.path(), "next");
  std::filesystem::rename(next.key, options.tls->key);
  server->reload_certificate();
  const auto loads = [&](const char* result) {
    return metrics.value(Metric::kApiCertificateLoads, {result}).get();
  };
  EXPECT_TRUE(eventually([&] { return loads("failed") == 1; }));
  EXPECT_EQ(ask(endpoint(), issuer), "GET hello []");
  std::filesystem::rename(next.certificate, options.tls->certificate);
  server->reload_certificate();
  EXPECT_TRUE(eventually([&] { return loads("loaded") == 1; }));
  EXPECT_EQ(ask(endpoint(), ca()), "GET hello []");
}

TEST_F(ServerTlsTest, SaysWhatIsWrongWithTheFiles) {
  const auto problem = [&](const std::string& certificate, const std::string& key) {
    options.listen = {"127.0.0.1:0"};
    options.tls = TlsFiles{certificate, key};
    const auto started = Server::start(options, echo);
    return started ? "started" : started.error().message;
  };
  const auto good = testing::make_certificate(folder.path(), "good");
  const auto other = testing::make_certificate(folder.path(), "other");
  EXPECT_NE(problem("/none.pem", good.key).find("/none.pem: no certificate in PEM form: No such"),
            std::string::npos)
      << problem("/none.pem", good.key);
  EXPECT_EQ(problem(good.certificate, "/none.key"), "/none.key: No such file or directory");
  EXPECT_NE(problem(good.certificate, other.key).find("key values mismatch"), std::string::npos)
      << problem(good.certificate, other.key);
  EXPECT_NE(problem(good.key, good.key).find("no certificate in PEM form"), std::string::npos);
  std::filesystem::permissions(good.key, std::filesystem::perms(0644));
  EXPECT_NE(problem(good.certificate, good.key).find("everybody has rights to this key"),
            std::string::npos);
}

TEST_F(ServerTlsTest, AStreamIsFollowedInsideTls) {
  start([](const Request& request) {
    Response response;
    EXPECT_TRUE(request.is_tls);
    response.stream = [](std::unique_ptr<ResponseStream> stream) {
      for (int i = 0; i < 3; ++i) stream->write("line " + std::to_string(i) + "\n");
    };
    return response;
  });
  auto client = Client::open(endpoint(), ca());
  ASSERT_TRUE(client);
  std::vector<std::string> lines;
  const auto done = (*client)->stream_lines(request_of("/"), within(10), [&](std::string_view l) {
    lines.emplace_back(l);
    return true;
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(lines, (std::vector<std::string>{"line 0", "line 1", "line 2"}));
}

}  // namespace
}  // namespace weir::http
