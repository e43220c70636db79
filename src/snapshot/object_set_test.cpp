#include "snapshot/object_set.h"

#include <gtest/gtest.h>

namespace weir::snapshot {
namespace {

model::Frame frame(std::uint64_t epoch, std::uint64_t revision, std::string body) {
  return {.version = {Epoch(epoch), Revision(revision)},
          .kind = "backend",
          .id = "b1",
          .body = std::move(body)};
}

TEST(ObjectSet, KeepsTheNewestVersionOfAnObject) {
  ObjectSet objects;
  EXPECT_TRUE(objects.apply(frame(1, 5, "five")));
  EXPECT_FALSE(objects.apply(frame(1, 4, "four")));
  EXPECT_EQ(objects.objects().at({"backend", "b1"}).body, "five");
  EXPECT_TRUE(objects.apply(frame(2, 1, "restored")));
  EXPECT_EQ(objects.objects().at({"backend", "b1"}).body, "restored");
}

TEST(ObjectSet, TakesTheSameVersionAgain) {
  ObjectSet objects;
  EXPECT_TRUE(objects.apply(frame(1, 5, "five")));
  EXPECT_TRUE(objects.apply(frame(1, 5, "five")));
  EXPECT_EQ(objects.objects().size(), 1U);
}

TEST(ObjectSet, RemovesAnObjectByItsTombstoneUnlessTheTombstoneIsOlder) {
  ObjectSet objects;
  EXPECT_TRUE(objects.apply(frame(1, 5, "five")));
  auto old = frame(1, 3, "");
  old.is_tombstone = true;
  EXPECT_FALSE(objects.apply(old));
  EXPECT_EQ(objects.objects().size(), 1U);
  auto tombstone = frame(1, 6, "");
  tombstone.is_tombstone = true;
  EXPECT_TRUE(objects.apply(tombstone));
  EXPECT_TRUE(objects.objects().empty());
  EXPECT_TRUE(objects.apply(tombstone)) << "a repeated tombstone is no error";
}

TEST(ObjectSet, KeepsKindsItDoesNotKnow) {
  ObjectSet objects;
  auto unknown = frame(1, 1, "{}");
  unknown.kind = "quantum";
  EXPECT_TRUE(objects.apply(unknown));
  EXPECT_TRUE(objects.objects().contains({"quantum", "b1"}));
}

TEST(ObjectSet, IsEmptyAndAtVersionZeroAfterClear) {
  ObjectSet objects;
  objects.apply(frame(1, 1, "x"));
  objects.set_version({Epoch(1), Revision(1)});
  objects.clear();
  EXPECT_TRUE(objects.objects().empty());
  EXPECT_EQ(objects.version(), Version{});
}

}  // namespace
}  // namespace weir::snapshot
