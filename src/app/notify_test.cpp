#include "app/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "base/unique_fd.h"
#include "testing/temporary_folder.h"

namespace weir::app {
namespace {

/// The manager's end.
class Listening {
 public:
  explicit Listening(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }

  /// The next datagram; empty when none is there.
  std::string next() {
    std::array<char, 512> text{};
    const ssize_t size = ::recv(fd_.get(), text.data(), text.size(), 0);
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
  }

 private:
  const UniqueFd fd_;
};

TEST(ServiceNotifier, SaysReadyReloadingAndStoppingInDatagramsOfTheirOwn) {
  const weir::testing::TemporaryFolder folder;
  Listening manager(folder.file("notify"));
  const ServiceNotifier notifier(folder.file("notify"), true);
  notifier.starting("waits for control");
  notifier.ready("serves");
  notifier.reloading(Instant(std::chrono::microseconds(1'234'567)));
  notifier.pulse();
  notifier.stopping();
  EXPECT_EQ(manager.next(), "STATUS=waits for control");
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=serves");
  EXPECT_EQ(manager.next(), "RELOADING=1\nMONOTONIC_USEC=1234567\nSTATUS=checks a new program");
  EXPECT_EQ(manager.next(), "WATCHDOG=1");
  EXPECT_EQ(manager.next(), "STOPPING=1\nSTATUS=stops");
  EXPECT_EQ(manager.next(), "");
}

TEST(ServiceNotifier, ReachesAnAbstractSocket) {
  const std::string name = "@weir-notify-" + std::to_string(::getpid());
  Listening manager(name);
  ServiceNotifier(name, false).ready("serves");
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=serves");
}

TEST(ServiceNotifier, GivesNoPulseThatNobodyWants) {
  const weir::testing::TemporaryFolder folder;
  Listening manager(folder.file("notify"));
  ServiceNotifier(folder.file("notify"), false).pulse();
  EXPECT_EQ(manager.next(), "");
  EXPECT_FALSE(ServiceNotifier("", true).wants_pulse());
}

TEST(ServiceNotifier, IsSilentWithoutAManagerAndWithOneThatIsGone) {
  ServiceNotifier("", true).ready("serves");
  ServiceNotifier("/nonexistent/notify", true).ready("serves");
  ServiceNotifier(std::string(300, 'x'), true).ready("serves");
}

TEST(ServiceNotifier, FollowsTheEnvironment) {
  const weir::testing::TemporaryFolder folder;
  Listening manager(folder.file("notify"));
  ::setenv("NOTIFY_SOCKET", folder.file("notify").c_str(), 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  const ServiceNotifier notifier = ServiceNotifier::from_environment();
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_TRUE(notifier.wants_pulse());
  notifier.ready("serves");
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=serves");
}

}  // namespace
}  // namespace weir::app
