#include "agent/handover.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

class HandoverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    weir::log::configure({.level = weir::log::Level::kError});
    sockets_.ensure({{.endpoint = objects_.endpoint(), .free_bind = false}});
  }
  bool closes_on_exec() const {
    const auto& first = sockets_.entries().begin()->second.sockets.front();
    return (fcntl(first.get(), F_GETFD) & FD_CLOEXEC) != 0;
  }

  SampleObjects objects_;
  ListenSockets sockets_{2};
};

TEST_F(HandoverTest, LetsTheNextImageFindTheListeningSockets) {
  auto list = write_handover(sockets_);
  ASSERT_TRUE(list.ok());
  EXPECT_FALSE(closes_on_exec());
  // The next image has the same numbers; here they are copies, so that both may close theirs.
  ListenSockets next(2);
  setenv(kHandoverVariable, std::to_string(list->release()).c_str(), 1);
  for (InheritedSockets& inherited : take_handover()) {
    std::vector<UniqueFd> copies;
    for (UniqueFd& fd : inherited.sockets) copies.emplace_back(fcntl(fd.release(), F_DUPFD, 3));
    EXPECT_EQ(next.adopt(inherited.endpoint, std::move(copies)), 2U);
  }
  EXPECT_TRUE(closes_on_exec());
  EXPECT_EQ(std::getenv(kHandoverVariable), nullptr);
  next.ensure({{.endpoint = objects_.endpoint(), .free_bind = false}});
  EXPECT_EQ(next.entries().at(objects_.endpoint()).sockets.size(), 2U) << "none is bound anew";
}

TEST_F(HandoverTest, CanBeCalledOff) {
  ASSERT_TRUE(write_handover(sockets_).ok());
  cancel_handover(sockets_);
  EXPECT_TRUE(closes_on_exec());
}

TEST_F(HandoverTest, IsEmptyWithoutAnEarlierImage) {
  EXPECT_TRUE(take_handover().empty());
  setenv(kHandoverVariable, "nonsense", 1);
  EXPECT_TRUE(take_handover().empty());
}

TEST_F(HandoverTest, TakesNoSocketTwiceAndNoneOfAnotherEndpoint) {
  const auto& held = sockets_.entries().at(objects_.endpoint()).sockets;
  std::vector<UniqueFd> copies;
  for (const UniqueFd& fd : held) copies.emplace_back(fcntl(fd.get(), F_DUPFD, 3));
  EXPECT_EQ(sockets_.adopt(objects_.endpoint(), std::move(copies)), 0U);
  copies.clear();
  copies.emplace_back(fcntl(held.front().get(), F_DUPFD, 3));
  EXPECT_EQ(sockets_.adopt(objects_.endpoint(9), std::move(copies)), 0U);
  EXPECT_EQ(sockets_.entries().size(), 1U);
}

}  // namespace
}  // namespace weir::agent
