#include "dataplane/proxy/buffer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "net/socket.h"

namespace weir::dataplane::proxy {
namespace {

std::string joined(const Output& output) {
  std::string all;
  for (const iovec& part : output.parts())
    all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  return all;
}

TEST(BufferPool, GivesRoomForTheAskedSizeAndTakesBuffersBack) {
  BufferPool pool;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{1000}, std::size_t{5000}, BufferPool::kLargest}) {
    Buffer* buffer = pool.take(size);
    EXPECT_GE(buffer->room().size(), size);
    EXPECT_EQ(buffer->size(), 0U);
    pool.give(buffer);
    EXPECT_EQ(pool.take(size), buffer);
    pool.give(buffer);
  }
  pool.give(nullptr);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Output, PutsSmallPartsTogetherAndRefersToLargeOnes) {
  const auto output = std::make_unique<Output>();
  const std::string large(20'000, 'L');
  output->copy("head ");
  output->refer({"small", 5});
  EXPECT_EQ(output->parts().size(), 1U);
  output->refer(large);
  EXPECT_EQ(output->parts().back().iov_base, large.data());
  output->copy(" tail");
  EXPECT_EQ(output->parts().size(), 3U);
  EXPECT_EQ(joined(*output), "head small" + large + " tail");
  EXPECT_EQ(output->size(), joined(*output).size());
  output->clear();
  EXPECT_TRUE(output->empty());
}

TEST(Output, JoinsNeighboursInOneBuffer) {
  const auto output = std::make_unique<Output>();
  const std::string buffer = "head and body";
  output->refer(std::span(buffer).first(5));
  output->refer(std::span(buffer).subspan(5));
  EXPECT_EQ(output->parts().size(), 1U);
  EXPECT_EQ(joined(*output), buffer);
}

TEST(Output, TakesAnyNumberOfParts) {
  const auto output = std::make_unique<Output>();
  std::string expected;
  const std::string part(9000, 'p');
  for (int i = 0; i < 80; ++i) {
    const std::string number = std::to_string(i) + ",";
    output->copy(number);
    expected += number;
    if (i < 50) {
      output->refer(part);
      expected += part;
    }
  }
  EXPECT_EQ(joined(*output), expected);
}

TEST(Pending, KeepsWhatASocketDoesNotTakeAndSendsItInOrderLater) {
  auto [mine, other] = *net::unix_pair();
  BufferPool pool;
  Pending pending;
  const auto output = std::make_unique<Output>();
  std::string sent;
  std::uint64_t taken = 0;
  SendState state = SendState::kSent;
  for (int i = 0; state == SendState::kSent || i < 200; ++i) {
    const std::string block(10'000, static_cast<char>('a' + i % 26));
    output->copy("<");
    output->refer(block);
    sent += "<" + block;
    state = pending.send(mine.get(), *output, pool, taken);
    ASSERT_NE(state, SendState::kBroken);
    EXPECT_TRUE(output->empty());
  }
  EXPECT_FALSE(pending.empty());
  EXPECT_LT(taken, sent.size());
  std::string got;
  char bytes[65536];
  while (got.size() < sent.size()) {
    const ssize_t size = ::recv(other.get(), bytes, sizeof bytes, 0);
    if (size > 0) got.append(bytes, static_cast<std::size_t>(size));
    pending.flush(mine.get(), pool, taken);
  }
  EXPECT_TRUE(got == sent);
  EXPECT_TRUE(pending.empty());
  EXPECT_EQ(taken, sent.size());
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Pending, SaysWhenTheOtherSideIsGone) {
  auto [mine, other] = *net::unix_pair();
  BufferPool pool;
  Pending pending;
  const auto output = std::make_unique<Output>();
  other.reset();
  std::uint64_t taken = 0;
  output->copy("x");
  EXPECT_EQ(pending.send(mine.get(), *output, pool, taken), SendState::kBroken);
  EXPECT_TRUE(pending.empty());
  EXPECT_EQ(taken, 0U);
}

}  // namespace
}  // namespace weir::dataplane::proxy
