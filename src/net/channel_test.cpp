#include "net/channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>

#include "net/address.h"
#include "net/socket.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

const std::string kKey(64, '7');

Instant within(Clock::Duration time) { return SystemClock().now() + time; }
Instant soon() { return within(20s); }

std::string read_exactly(Channel& channel, std::size_t size) {
  std::string bytes;
  std::vector<char> buffer(65536);
  while (bytes.size() < size) {
    const auto count = channel.read(buffer, soon());
    if (!count.ok() || *count == 0) break;
    bytes.append(buffer.data(), *count);
  }
  return bytes;
}

/// Both kinds of channel keep the same promises.
class ChannelTest : public ::testing::TestWithParam<bool> {
 protected:
  using Pair = std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>;

  void SetUp() override {
    char name[] = "/tmp/weir-channel-XXXXXX";
    directory_ = mkdtemp(name);
    auto listener = ChannelListener::open(address());
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    listener_ = *std::move(listener);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  ChannelAddress address() const {
    if (GetParam()) return {"127.0.0.1:0", kKey};
    return {"unix:" + directory_ + "/control.sock", ""};
  }
  ChannelAddress real_address() const { return {listener_->address(), kKey}; }

  Pair connected() {
    auto accepted = std::async(std::launch::async, [&] { return listener_->accept(soon()); });
    auto client = connect_channel(real_address(), soon());
    auto server = accepted.get();
    EXPECT_TRUE(client.ok() && server.ok());
    if (!client.ok() || !server.ok()) return {};
    return {*std::move(client), *std::move(server)};
  }

  std::string directory_;
  std::unique_ptr<ChannelListener> listener_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, ChannelTest, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Tls" : "Unix"; });

TEST_P(ChannelTest, CarriesBytesBothWaysAndTheEnd) {
  const auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  EXPECT_FALSE(client->peer().empty());
  EXPECT_FALSE(server->peer().empty());
  EXPECT_TRUE(client->write("hello", soon()).ok());
  EXPECT_EQ(read_exactly(*server, 5), "hello");
  EXPECT_TRUE(server->write("back", soon()).ok());
  server->close();
  EXPECT_EQ(read_exactly(*client, 4), "back");
  char buffer[4];
  const auto end = client->read(buffer, soon());
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(*end, 0U);
}

TEST_P(ChannelTest, ReadAndAcceptEndAtTheirDeadlines) {
  const auto nobody = listener_->accept(within(10ms));
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, ErrorCode::kDeadlineExceeded);
  const auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  char buffer[4];
  const Instant deadline = within(10ms);
  const auto nothing = client->read(buffer, deadline);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_GE(SystemClock().now(), deadline);
  // A read that found nothing does no harm.
  EXPECT_TRUE(server->write("late", soon()).ok());
  EXPECT_EQ(read_exactly(*client, 4), "late");
}

TEST_P(ChannelTest, AWriteNobodyReadsEndsAtItsDeadlineAndClosesTheChannel) {
  const auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  const auto stuck = client->write(std::string(64'000'000, 'x'), within(50ms));
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().code, ErrorCode::kDeadlineExceeded);
  const auto after = client->write("x", soon());
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, ErrorCode::kUnavailable);
}

TEST_P(ChannelTest, CloseFromAnotherThreadWakesReaderWriterAndAccept) {
  const auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  std::promise<void> reading;
  auto reader = std::async(std::launch::async, [&] {
    char buffer[4];
    reading.set_value();
    return client->read(buffer, soon());
  });
  auto writer = std::async(std::launch::async,
                           [&] { return client->write(std::string(64'000'000, 'x'), soon()); });
  auto accepting = std::async(std::launch::async, [&] { return listener_->accept(soon()); });
  reading.get_future().wait();
  const Instant before = SystemClock().now();
  client->close();
  listener_->close();
  const auto read = reader.get();
  const auto written = writer.get();
  const auto accepted = accepting.get();
  EXPECT_LT(SystemClock().now() - before, 10s);
  ASSERT_TRUE(!read.ok() && !written.ok() && !accepted.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(accepted.error().code, ErrorCode::kUnavailable);
}

TEST_P(ChannelTest, LargeTransfersRunBothWaysAtOnce) {
  const auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  std::string there(8'000'000, 't');
  std::string back(8'000'000, 'b');
  for (std::size_t i = 0; i < there.size(); i += 7919)
    there[i] = back[i] = static_cast<char>('A' + i % 26);
  auto first = std::async(std::launch::async, [&] { return client->write(there, soon()); });
  auto second = std::async(std::launch::async, [&] { return server->write(back, soon()); });
  auto received =
      std::async(std::launch::async, [&] { return read_exactly(*server, there.size()); });
  EXPECT_TRUE(read_exactly(*client, back.size()) == back);
  EXPECT_TRUE(received.get() == there);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST_P(ChannelTest, NobodyThereIsUnavailable) {
  const ChannelAddress gone = real_address();
  listener_.reset();
  const auto client = connect_channel(gone, soon());
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kUnavailable);
}

TEST_P(ChannelTest, APeerThatDiesEndsReadsAndWrites) {
  auto [client, server] = connected();
  ASSERT_TRUE(client && server);
  server.reset();
  char buffer[4];
  EXPECT_EQ(*client->read(buffer, soon()), 0U);
  Result<void> written;
  while (written.ok()) written = client->write(std::string(100'000, 'x'), soon());
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
}

class TlsChannel : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = std::move(ChannelListener::open({"127.0.0.1:0", kKey})).value();
  }

  UniqueFd stranger() const {
    auto fd = tcp_connect(*Endpoint::parse(listener_->address()), std::nullopt);
    EXPECT_TRUE(fd.ok());
    EXPECT_TRUE(*wait_ready(fd->get(), POLLOUT, soon()));
    return *std::move(fd);
  }

  std::unique_ptr<ChannelListener> listener_;
};

TEST_F(TlsChannel, AWrongKeyIsUnauthenticatedOnBothSides) {
  auto accepted = std::async(std::launch::async, [&] { return listener_->accept(soon()); });
  const auto client = connect_channel({listener_->address(), std::string(64, '8')}, soon());
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated) << client.error().message;
  const auto server = accepted.get();
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, ErrorCode::kUnauthenticated) << server.error().message;
}

TEST_F(TlsChannel, AMissingOrMalformedKeyIsRefusedBeforeAnyByte) {
  EXPECT_EQ(connect_channel({listener_->address(), ""}, soon()).error().code,
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(connect_channel({listener_->address(), "12"}, soon()).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ChannelListener::open({"127.0.0.1:0", ""}).error().code, ErrorCode::kUnauthenticated);
  for (const char* text : {"", "localhost:80", "unix:", "127.0.0.1"}) {
    EXPECT_EQ(connect_channel({text, kKey}, soon()).error().code, ErrorCode::kInvalidArgument)
        << text;
    EXPECT_EQ(ChannelListener::open({text, kKey}).error().code, ErrorCode::kInvalidArgument)
        << text;
  }
}

TEST_F(TlsChannel, PlainBytesAreUnauthenticated) {
  const UniqueFd fd = stranger();
  const std::string_view request = "GET / HTTP/1.1\r\nHost: control\r\n\r\n";
  ASSERT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  const auto server = listener_->accept(soon());
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, ErrorCode::kUnauthenticated);
}

TEST_F(TlsChannel, AServerThatSpeaksPlainIsUnauthenticated) {
  const auto plain = tcp_listen(*Endpoint::parse("127.0.0.1:0"));
  ASSERT_TRUE(plain.ok());
  auto client = std::async(std::launch::async, [&] {
    return connect_channel({local_endpoint(plain->get())->text(), kKey}, soon());
  });
  ASSERT_TRUE(*wait_ready(plain->get(), POLLIN, soon()));
  const UniqueFd fd(accept4(plain->get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(send(fd.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL), 28);
  const auto result = client.get();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnauthenticated);
}

TEST_F(TlsChannel, APeerThatSaysNothingHoldsUpNobody) {
  const UniqueFd silent = stranger();
  auto accepted = std::async(std::launch::async, [&] { return listener_->accept(soon()); });
  const Instant before = SystemClock().now();
  const auto client = connect_channel({listener_->address(), kKey}, soon());
  ASSERT_TRUE(client.ok()) << client.error().message;
  ASSERT_TRUE(accepted.get().ok());
  EXPECT_LT(SystemClock().now() - before, 4s);
}

TEST_F(TlsChannel, AFloodOfStrangersDropsTheOldestAndSaysSo) {
  std::vector<UniqueFd> strangers;
  for (int i = 0; i < 65; ++i) strangers.push_back(stranger());
  const auto dropped = listener_->accept(within(4s));
  ASSERT_FALSE(dropped.ok());
  EXPECT_EQ(dropped.error().code, ErrorCode::kUnauthenticated);
  EXPECT_NE(dropped.error().message.find("too many"), std::string::npos);
  char buffer[4];
  ASSERT_TRUE(*wait_ready(strangers[0].get(), POLLIN, soon()));
  EXPECT_EQ(recv(strangers[0].get(), buffer, sizeof buffer, 0), 0);
}

TEST_F(TlsChannel, AHandshakeNobodyAnswersEndsAtTheDeadline) {
  const auto client = connect_channel({listener_->address(), kKey}, within(50ms));
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace weir::net
