#include "dataplane/proxy/slab.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::dataplane::proxy {
namespace {

struct Thing : SlabObject {
  explicit Thing(int& alive) : alive_(alive) { ++alive_; }
  ~Thing() { --alive_; }
  int& alive_;
};

TEST(Slab, FindsAnObjectByIndexAndGenerationUntilItIsRetired) {
  int alive = 0;
  Slab<Thing> slab;
  Thing& thing = slab.make(alive);
  EXPECT_EQ(slab.find(thing.slab_index, thing.slab_generation), &thing);
  EXPECT_EQ(slab.find(thing.slab_index, thing.slab_generation + 1), nullptr);
  EXPECT_EQ(slab.find(1'000'000, 0), nullptr);
  slab.retire(thing);
  EXPECT_EQ(slab.find(thing.slab_index, thing.slab_generation), nullptr);
  EXPECT_EQ(alive, 1);  // whoever stands in it may still return
  slab.sweep();
  EXPECT_EQ(alive, 0);
}

TEST(Slab, GivesAPlaceAgainUnderANewGeneration) {
  int alive = 0;
  Slab<Thing> slab;
  const Thing& first = slab.make(alive);
  const std::uint32_t index = first.slab_index;
  const std::uint32_t generation = first.slab_generation;
  slab.retire(const_cast<Thing&>(first));
  slab.sweep();
  const Thing& second = slab.make(alive);
  EXPECT_EQ(second.slab_index, index);
  EXPECT_NE(second.slab_generation, generation);
  EXPECT_EQ(slab.find(index, generation), nullptr);
}

TEST(Slab, GrowsKeepsAddressesAndDestroysEverything) {
  int alive = 0;
  {
    Slab<Thing> slab;
    std::set<Thing*> things;
    for (int i = 0; i < 1000; ++i) things.insert(&slab.make(alive));
    EXPECT_EQ(things.size(), 1000U);
    EXPECT_EQ(slab.size(), 1000U);
    std::size_t visited = 0;
    slab.for_each([&](Thing& thing) {
      EXPECT_TRUE(things.contains(&thing));
      if (++visited % 2 == 0) slab.retire(thing);
    });
    EXPECT_EQ(visited, 1000U);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace weir::dataplane::proxy
