#include "balancing/flow_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "base/random.h"

namespace weir::balancing {
namespace {

using Address = std::array<std::uint8_t, 16>;

constexpr std::uint64_t kSeed = 0x0123456789ABCDEF;

Address v4(std::uint32_t value) {
  Address address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  for (std::size_t i = 0; i < 4; ++i) {
    address[12 + i] = static_cast<std::uint8_t>(value >> (8 * (3 - i)));
  }
  return address;
}

/// A flow as 37 bytes, so that a test can flip any bit of it.
struct Flow {
  std::array<std::uint8_t, 37> bytes{};

  FlowHash hash(const FlowHasher& hasher) const {
    const std::span all(bytes);
    const auto port = [&](std::size_t at) {
      return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
    };
    return hasher.five_tuple({.protocol = bytes[36],
                              .source = all.first<16>(),
                              .source_port = port(16),
                              .destination = all.subspan<18, 16>(),
                              .destination_port = port(34)});
  }
};

Flow flow_of(std::uint32_t source, std::uint16_t source_port) {
  Flow flow;
  std::ranges::copy(v4(source), flow.bytes.begin());
  flow.bytes[16] = static_cast<std::uint8_t>(source_port >> 8);
  flow.bytes[17] = static_cast<std::uint8_t>(source_port);
  std::ranges::copy(v4(0x0A0000FE), flow.bytes.begin() + 18);
  flow.bytes[35] = 80;
  flow.bytes[36] = 6;
  return flow;
}

/// How far the rows of `hashes` are from an even spread: chi-square of 4 096 cells in standard
/// deviations; random hashes are within 5 but for one set in a million.
double unevenness(std::size_t count, const std::function<FlowHash(std::size_t)>& hash) {
  constexpr std::size_t kCells = 4'096;
  std::vector<double> cells(kCells, 0);
  for (std::size_t i = 0; i < count; ++i) ++cells[row_of(hash(i), kCells)];
  const double due = static_cast<double>(count) / kCells;
  double square = 0;
  for (const double cell : cells) square += (cell - due) * (cell - due) / due;
  return (square - (kCells - 1)) / std::sqrt(2.0 * (kCells - 1));
}

TEST(FlowHash, HasTheValuesThatEveryReleaseHad) {
  const FlowHasher hasher(kSeed);
  EXPECT_EQ(hasher.source(v4(0x7F000001)), 0x69D1528C70DDA698U);
  EXPECT_EQ(hasher.source(Address{0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
            0x9D1DC8B043AFE7FEU);
  EXPECT_EQ(flow_of(0x7F000001, 40'000).hash(hasher), 0x58CA4DFF8335BDDCU);
  EXPECT_EQ(rehash(0x1234, 1), 0x1FEEB469ECA229D6U);
  EXPECT_EQ(rehash(0x1234, 8), 0x30E0805B1EB7221FU);
}

TEST(FlowHash, DependsOnTheSeed) {
  std::set<FlowHash> hashes;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    hashes.insert(FlowHasher(seed).source(v4(0x7F000001)));
  }
  EXPECT_EQ(hashes.size(), 1'000U);
}

TEST(FlowHash, DependsOnEachOfTheFiveValues) {
  const FlowHasher hasher(kSeed);
  const Flow flow = flow_of(0x0A000001, 40'000);
  for (const std::size_t byte : {0U, 15U, 16U, 17U, 18U, 33U, 34U, 35U, 36U}) {
    Flow other = flow;
    other.bytes[byte] ^= 1;
    EXPECT_NE(other.hash(hasher), flow.hash(hasher)) << "byte " << byte;
  }
}

TEST(FlowHash, TellsTheTwoDirectionsOfAFlowApart) {
  const FlowHasher hasher(kSeed);
  const Address here = v4(0x0A000001);
  const Address there = v4(0x0A000002);
  EXPECT_NE(hasher.five_tuple({6, here, 1'000, there, 80}),
            hasher.five_tuple({6, there, 80, here, 1'000}));
}

TEST(FlowHash, NeverGivesTwoIpv4AddressesTheSameHash) {
  const FlowHasher hasher(kSeed);
  std::vector<FlowHash> hashes;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) hashes.push_back(hasher.source(v4(i * 4'001)));
  std::ranges::sort(hashes);
  EXPECT_TRUE(std::ranges::adjacent_find(hashes) == hashes.end());
}

TEST(FlowHash, SpreadsNeighbouringAddressesEvenly) {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, kSeed}) {
    const FlowHasher hasher(seed);
    for (const int shift : {0, 8, 14}) {
      const auto hash = [&](std::size_t i) {
        return hasher.source(v4(static_cast<std::uint32_t>(i << shift)));
      };
      EXPECT_LT(std::abs(unevenness(200'000, hash)), 5) << "seed " << seed << " shift " << shift;
    }
  }
}

TEST(FlowHash, SpreadsThePortsOfOneAddressEvenly) {
  const FlowHasher hasher(kSeed);
  const auto hash = [&](std::size_t i) {
    return flow_of(0xC0A80001, static_cast<std::uint16_t>(i)).hash(hasher);
  };
  EXPECT_LT(std::abs(unevenness(65'536, hash)), 5);
}

TEST(FlowHash, SpreadsIpv6NeighboursEvenly) {
  const FlowHasher hasher(kSeed);
  for (const std::size_t last_byte : {5U, 7U, 9U, 15U}) {
    const auto hash = [&](std::size_t i) {
      Address address{0x20, 0x01, 0x0D, 0xB8};
      for (std::size_t at = 0; at < 3; ++at) {
        address[last_byte - at] = static_cast<std::uint8_t>(i >> (8 * at));
      }
      return hasher.source(address);
    };
    EXPECT_LT(std::abs(unevenness(200'000, hash)), 5) << "byte " << last_byte;
  }
}

TEST(FlowHash, EveryInputBitChangesEveryOutputBitHalfOfTheTime) {
  constexpr int kFlows = 4'000;
  const FlowHasher hasher(kSeed);
  Random random(7);
  for (std::size_t bit = 0; bit < 37 * 8; ++bit) {
    std::array<int, 64> flips{};
    for (int i = 0; i < kFlows; ++i) {
      Flow flow = flow_of(static_cast<std::uint32_t>(random.next()),
                          static_cast<std::uint16_t>(random.next()));
      const FlowHash before = flow.hash(hasher);
      flow.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      const FlowHash changed = before ^ flow.hash(hasher);
      for (std::size_t out = 0; out < 64; ++out) flips[out] += (changed >> out) & 1;
    }
    const auto [least, most] = std::ranges::minmax(flips);
    // 6 standard deviations of a fair coin.
    ASSERT_GT(least, kFlows / 2 - 190) << "input bit " << bit;
    ASSERT_LT(most, kFlows / 2 + 190) << "input bit " << bit;
  }
}

TEST(FlowHash, FurtherHashesAreIndependentOfTheFirst) {
  const FlowHasher hasher(kSeed);
  for (std::uint64_t salt = 1; salt <= 8; ++salt) {
    // Flows of one row of 16 spread over all rows when hashed again.
    std::vector<FlowHash> hashes;
    for (std::uint32_t i = 0; hashes.size() < 100'000; ++i) {
      const FlowHash hash = hasher.source(v4(i));
      if (row_of(hash, 16) == 3) hashes.push_back(hash);
    }
    const auto again = [&](std::size_t i) { return rehash(hashes[i], salt); };
    EXPECT_LT(std::abs(unevenness(hashes.size(), again)), 5) << "salt " << salt;
  }
}

TEST(FlowHash, TwiceTheRowsSplitEachRowInTwo) {
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    const FlowHash hash = random.next();
    for (std::size_t rows = 4'096; rows <= 131'072; rows *= 2) {
      ASSERT_EQ(row_of(hash, 2 * rows) / 2, row_of(hash, rows));
    }
  }
}

}  // namespace
}  // namespace weir::balancing
