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
  std::vector<UniqueFd> copies(const ListenSockets& of) const {
    std::vector<UniqueFd> all;
    for (const UniqueFd& fd : of.entries().at(objects_.endpoint()).sockets) {
      all.emplace_back(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    }
    return all;
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

TEST_F(HandoverTest, CountsAdoptedSocketsAsAnotherGenerationSoThatTheyAreAcceptedFrom) {
  const net::Endpoint endpoint = objects_.endpoint();
  const std::uint64_t before = sockets_.entries().at(endpoint).generation;
  ListenSockets earlier(1);
  earlier.ensure({{.endpoint = endpoint, .free_bind = false}});
  EXPECT_EQ(sockets_.adopt(endpoint, copies(earlier)), 1U);
  EXPECT_NE(sockets_.entries().at(endpoint).generation, before);
  const std::uint64_t after = sockets_.entries().at(endpoint).generation;
  EXPECT_EQ(sockets_.adopt(endpoint, copies(earlier)), 0U);
  EXPECT_EQ(sockets_.entries().at(endpoint).generation, after) << "nothing is new";
}

TEST_F(HandoverTest, RefusesAdoptedSocketsThatOneMessageCouldNotCarry) {
  const net::Endpoint endpoint = objects_.endpoint();
  ListenSockets earlier(static_cast<int>(kSocketsPerEndpointMax));
  earlier.ensure({{.endpoint = endpoint, .free_bind = false}});
  EXPECT_EQ(sockets_.adopt(endpoint, copies(earlier)), kSocketsPerEndpointMax - 2);
  EXPECT_EQ(sockets_.entries().at(endpoint).sockets.size(), kSocketsPerEndpointMax);
}

TEST_F(HandoverTest, OpensTheSocketsThatMoreWorkersNeed) {
  const net::Endpoint endpoint = objects_.endpoint();
  ListenSockets larger(3);
  EXPECT_EQ(larger.adopt(endpoint, copies(sockets_)), 2U);
  larger.ensure({{.endpoint = endpoint, .free_bind = false}});
  EXPECT_EQ(larger.entries().at(endpoint).sockets.size(), 3U);
}

}  // namespace
}  // namespace weir::agent
