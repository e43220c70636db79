// How the API may be reached, and the whole API inside TLS.
#include "api/transport.h"

#include "api/api_fixture.h"
#include "testing/test_certificate.h"

namespace weir::api {
namespace {

std::vector<std::string> problems(const Transport& transport) {
  std::vector<std::string> fields;
  for (const Error& error : check_transport(transport)) fields.push_back(error.field);
  return fields;
}

TEST(Transport, PlainHttpIsForThisMachineAlone) {
  using Fields = std::vector<std::string>;
  for (const char* listen : {"127.0.0.1:8420", "127.9.9.9:1", "[::1]:8420", "unix:/run/weir.sock"})
    EXPECT_EQ(problems({.listen = listen}), Fields{}) << listen;
  for (const char* listen : {"0.0.0.0:8420", "[::]:8420", "10.0.0.1:8420", "[2001:db8::1]:1"}) {
    EXPECT_EQ(problems({.listen = listen}), Fields{"api.listen"}) << listen;
    EXPECT_EQ(problems({.listen = listen, .allows_plain_http = true}), Fields{}) << listen;
    EXPECT_EQ(problems({.listen = listen, .certificate = "c", .key = "k"}), Fields{}) << listen;
  }
  const Errors refused = check_transport({.listen = "0.0.0.0:8420"});
  for (const char* way : {"api.tls-certificate", "api.allow-plain-http: true"}) {
    EXPECT_NE(refused.front().message.find(way), std::string::npos) << way;
  }
}

TEST(Transport, NothingIsSetWithoutEffect) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(problems({.certificate = "c"}), Fields{"api.tls-key"});
  EXPECT_EQ(problems({.key = "k"}), Fields{"api.tls-certificate"});
  EXPECT_EQ(problems({.listen = "unix:/x", .certificate = "c", .key = "k"}),
            Fields{"api.tls-certificate"});
  EXPECT_EQ(problems({.certificate = "c", .key = "k", .allows_plain_http = true}),
            Fields{"api.allow-plain-http"});
}

TEST_F(ApiTest, DoesNotStartWhereOthersCouldListenIn) {
  ControlOptions open;
  open.data_dir = folder.path() + "/open";
  open.api.listen = "0.0.0.0:0";
  open.store = std::make_unique<store::MemoryStore>(clock, metrics);
  const auto started = ControlServer::start(std::move(open), metrics, clock);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kInvalidArgument);
}

class TlsApiTest : public ApiTest {
 protected:
  void SetUp() override {
    files = testing::make_certificate(folder.path(), "api");
    options.api.certificate = files.certificate;
    options.api.key = files.key;
    options.hosts = {"localhost"};
    start();
  }
  testing::CertificateFiles files;
};

TEST_F(TlsApiTest, TellsItsNameAndAnswersInsideTls) {
  EXPECT_TRUE(server->api_endpoint().starts_with("https://localhost:"));
  const auto credentials = parse_json(read_file(server->credentials_path()).value()).value();
  EXPECT_EQ(credentials.string_or("endpoint", ""), server->api_endpoint());
  ApiCaller trusting(server->api_endpoint(), token, files.certificate);
  EXPECT_EQ(trusting.create("vpc", "net", Json::object()).status, 201);
  auto doubting = http::Client::open(server->api_endpoint()).value();
  EXPECT_FALSE(doubting->exchange(http::ClientRequest(), soon()));
}

}  // namespace
}  // namespace weir::api
