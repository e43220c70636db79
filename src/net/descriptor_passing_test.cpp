#include "net/descriptor_passing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <string>
#include <thread>

#include "net/socket.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

Instant soon() { return SystemClock().now() + 10s; }

ino_t inode(int fd) {
  struct stat status{};
  EXPECT_EQ(fstat(fd, &status), 0);
  return status.st_ino;
}

class DescriptorPassing : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = unix_pair();
    ASSERT_TRUE(pair.ok());
    near_ = std::move(pair->first);
    far_ = std::move(pair->second);
  }

  /// Reads until `size` bytes are there.
  std::string receive(std::size_t size, std::vector<UniqueFd>& descriptors) {
    std::string bytes;
    char buffer[4096];
    while (bytes.size() < size) {
      const auto count = receive_with_descriptors(far_.get(), buffer, descriptors, soon());
      if (!count.ok() || *count == 0) break;
      bytes.append(buffer, *count);
    }
    return bytes;
  }

  UniqueFd near_;
  UniqueFd far_;
};

TEST_F(DescriptorPassing, AnyNumberOfDescriptorsArrivesInOrderAndCloseOnExec) {
  for (const std::size_t count : {0U, 1U, 199U, 200U, 201U, 450U}) {
    std::vector<UniqueFd> files;
    std::vector<int> fds;
    for (std::size_t i = 0; i < count; ++i) {
      files.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      fds.push_back(files.back().get());
    }
    const std::string text = "listeners of this node";
    const auto sent = send_with_descriptors(near_.get(), text, fds, soon());
    ASSERT_TRUE(sent.ok()) << sent.error().message;
    std::vector<UniqueFd> received;
    EXPECT_EQ(receive(text.size(), received), text);
    ASSERT_EQ(received.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(inode(received[i].get()), inode(fds[i]));
      ASSERT_TRUE(fcntl(received[i].get(), F_GETFD) & FD_CLOEXEC);
    }
  }
}

TEST_F(DescriptorPassing, ALongMessageArrivesWholeWhileTheReceiverIsSlow) {
  const std::string text(3'000'000, 'w');
  const std::vector<int> fds(250, near_.get());
  Result<void> sent;
  std::jthread sender([&] { sent = send_with_descriptors(near_.get(), text, fds, soon()); });
  std::vector<UniqueFd> received;
  EXPECT_EQ(receive(text.size(), received).size(), text.size());
  EXPECT_EQ(received.size(), 250U);
  sender.join();
  EXPECT_TRUE(sent.ok());
}

TEST_F(DescriptorPassing, TooFewBytesForTheDescriptorsAreRefused) {
  const std::vector<int> fds(201, near_.get());
  const auto sent = send_with_descriptors(near_.get(), "x", fds, soon());
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DescriptorPassing, DeadlinesAndAPeerThatLeftAreErrors) {
  char buffer[16];
  std::vector<UniqueFd> received;
  const auto nothing = receive_with_descriptors(far_.get(), buffer, received, Instant::min());
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::kDeadlineExceeded);
  const auto stuck =
      send_with_descriptors(near_.get(), std::string(5'000'000, 'x'), {}, Instant::min());
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().code, ErrorCode::kDeadlineExceeded);
  far_.reset();
  const auto gone = send_with_descriptors(near_.get(), "x", {}, soon());
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
}

TEST_F(DescriptorPassing, TheEndOfTheStreamIsZeroBytes) {
  near_.reset();
  char buffer[16];
  std::vector<UniqueFd> received;
  EXPECT_EQ(*receive_with_descriptors(far_.get(), buffer, received, soon()), 0U);
}

TEST_F(DescriptorPassing, DescriptorsLostToTheLimitOfOpenFilesAreAnError) {
  const std::vector<int> fds(50, near_.get());
  ASSERT_TRUE(send_with_descriptors(near_.get(), "x", fds, soon()).ok());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd highest(dup(near_.get()));
  const rlimit tight{static_cast<rlim_t>(highest.get()) + 10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  char buffer[16];
  std::vector<UniqueFd> received;
  const auto count = receive_with_descriptors(far_.get(), buffer, received, soon());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(count.ok());
  EXPECT_EQ(count.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace weir::net
