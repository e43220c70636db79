#include "net/socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

Instant soon() { return SystemClock().now() + 5s; }

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

Endpoint loopback(std::uint16_t port = 0) { return Endpoint{IpAddress::v4(0x7f000001), port}; }

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/weir-net-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(Socket, AListenerOnPortZeroAcceptsConnectionsThatInheritNoDelay) {
  for (const char* host : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = tcp_listen(*Endpoint::parse(host));
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    const Endpoint endpoint = *local_endpoint(listener->get());
    EXPECT_NE(endpoint.port, 0);
    const auto client = tcp_connect(endpoint, std::nullopt);
    ASSERT_TRUE(client.ok()) << client.error().message;
    ASSERT_TRUE(*wait_ready(client->get(), POLLOUT, soon()));
    EXPECT_EQ(socket_error(client->get()), 0);
    ASSERT_TRUE(*wait_ready(listener->get(), POLLIN, soon()));
    const UniqueFd accepted(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(accepted.valid());
    EXPECT_EQ(option(accepted.get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(*peer_endpoint(accepted.get()), *local_endpoint(client->get()));
    EXPECT_TRUE(enable_keepalive(accepted.get()).ok());
  }
}

TEST(Socket, TwoListenersShareAPortOnlyWhenBothAskForIt) {
  const auto alone = tcp_listen(loopback());
  ASSERT_TRUE(alone.ok());
  const auto refused = tcp_listen(*local_endpoint(alone->get()));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  const auto first = tcp_listen(loopback(), {.reuse_port = true});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(tcp_listen(*local_endpoint(first->get()), {.reuse_port = true}).ok());
}

TEST(Socket, AnAddressOfAnotherMachineIsBoundOnlyWithFreeBind) {
  const Endpoint elsewhere = *Endpoint::parse("192.0.2.77:0");
  const auto refused = tcp_listen(elsewhere);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(tcp_listen(elsewhere, {.free_bind = true}).ok());
  EXPECT_TRUE(tcp_listen(*Endpoint::parse("[2001:db8::77]:0"), {.free_bind = true}).ok());
}

TEST(Socket, TellsWhetherThisMachineHasAnAddress) {
  EXPECT_TRUE(has_address(IpAddress::v4(0x7f000009)));
  EXPECT_FALSE(has_address(*IpAddress::parse("192.0.2.77")));
  EXPECT_FALSE(has_address(*IpAddress::parse("2001:db8::77")));
}

TEST(Socket, DeferredAcceptIsSetOnTheListener) {
  const auto listener = tcp_listen(loopback(), {.defer_accept = 3s});
  ASSERT_TRUE(listener.ok());
  EXPECT_GT(option(listener->get(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

TEST(Socket, AConnectionLeavesFromTheGivenSource) {
  const auto listener = tcp_listen(loopback());
  ASSERT_TRUE(listener.ok());
  const Endpoint endpoint = *local_endpoint(listener->get());
  const auto client = tcp_connect(endpoint, IpAddress::v4(0x7f000009));
  ASSERT_TRUE(client.ok()) << client.error().message;
  EXPECT_EQ(local_endpoint(client->get())->address.text(), "127.0.0.9");
  const auto refused = tcp_connect(endpoint, *IpAddress::parse("192.0.2.77"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
}

TEST(Socket, ARefusedConnectionIsToldAtOnceOrByTheSocket) {
  Endpoint closed;
  {
    const auto listener = tcp_listen(loopback());
    closed = *local_endpoint(listener->get());
  }
  const ConnectAttempt attempt = start_connect(socket_address(closed), nullptr);
  int error = attempt.error;
  if (error == EINPROGRESS) {
    ASSERT_TRUE(*wait_ready(attempt.fd.get(), POLLOUT, soon()));
    error = socket_error(attempt.fd.get());
  }
  EXPECT_EQ(error, ECONNREFUSED);
}

TEST(Socket, AUnixListenerHasAPrivateFileAndKnowsItsPeer) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  const auto listener = unix_listen(path);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto client = unix_connect(path);
  ASSERT_TRUE(client.ok());
  const UniqueFd accepted(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto peer = peer_credentials(accepted.get());
  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->process, getpid());
  EXPECT_EQ(peer->user, geteuid());
}

TEST(Socket, AStaleUnixSocketIsReplacedALiveOneAndOtherFilesAreNot) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  {
    ASSERT_TRUE(unix_listen(path).ok());
  }
  const auto listener = unix_listen(path);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  const auto second = unix_listen(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(unix_connect(path).ok());
  const std::string other = directory.file("notes.txt");
  std::ofstream(other) << "keep";
  EXPECT_FALSE(unix_listen(other).ok());
  EXPECT_TRUE(std::filesystem::is_regular_file(other));
}

TEST(Socket, APathThatDoesNotFitIsRefusedNotCut) {
  const auto listener = unix_listen("/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(listener.ok());
  EXPECT_EQ(listener.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unix_connect("/tmp/weir-nobody-is-here").error().code, ErrorCode::kNotFound);
}

TEST(Socket, WaitingEndsAtTheDeadline) {
  const auto pair = unix_pair();
  ASSERT_TRUE(pair.ok());
  const Instant deadline = SystemClock().now() + 20ms;
  EXPECT_FALSE(*wait_ready(pair->first.get(), POLLIN, deadline));
  EXPECT_GE(SystemClock().now(), deadline);
  EXPECT_TRUE(*wait_ready(pair->first.get(), POLLOUT, Instant::min()));
}

}  // namespace
}  // namespace weir::net
