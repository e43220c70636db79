#include "agent/replica.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "agent/protocol.h"
#include "agent/replica_reader.h"
#include "base/log.h"
#include "testing/temporary_folder.h"

namespace weir::agent {
namespace {

using weir::testing::TemporaryFolder;

constexpr std::array kFiles = {"checkpoint", "log", "checkpoint.previous", "log.previous"};

Version version(std::uint64_t epoch, std::uint64_t revision) {
  return {Epoch(epoch), Revision(revision)};
}

model::Frame object(std::string_view id, Version at, std::string body = R"({"spec":{}})") {
  model::Frame frame = signal_frame("backend", id, at);
  frame.body = std::move(body);
  return frame;
}

model::Frame tombstone(std::string_view id, Version at) {
  model::Frame frame = signal_frame("backend", id, at);
  frame.is_tombstone = true;
  return frame;
}

snapshot::Verdict verdict(std::uint16_t slot, snapshot::HealthState state) {
  snapshot::Verdict one;
  one.target = {"bs-1", "tg-1", Slot(slot)};
  one.state = state;
  one.since = "2026-01-01T00:00:00Z";
  one.prober = "n1";
  one.sequence = 1;
  return one;
}

/// A replica with its state, as the agent drives it.
struct Written {
  explicit Written(const std::string& folder) {
    auto opened = Replica::open(folder, state);
    EXPECT_TRUE(opened.ok());
    replica = *std::move(opened);
  }

  Result<void> add(Batch batch) {
    const Version before = state.objects.version();
    apply_batch(batch, state.objects);
    WEIR_TRY(replica->append(batch, before, state));
    return replica->sync();
  }

  ReplicaState state;
  std::unique_ptr<Replica> replica;
};

ReplicaState reopened(const std::string& folder) { return Written(folder).state; }

std::string contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

using FileContents = std::map<std::string, std::string>;

FileContents all_files(const std::string& folder) {
  FileContents files;
  for (const char* name : kFiles) {
    if (std::filesystem::exists(folder + "/" + name)) files[name] = contents(folder + "/" + name);
  }
  return files;
}

void restore(const std::string& folder, const FileContents& files) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  for (const auto& [name, bytes] : files) overwrite(folder + "/" + name, bytes);
}

/// A small replica in which all four files hold something.
FileContents small_replica(const std::string& folder) {
  Written written(folder);
  EXPECT_TRUE(written.add({version(1, 5), true, {object("a", version(1, 5))}}).ok());
  EXPECT_TRUE(written.replica->append(verdict(1, snapshot::HealthState::kHealthy)).ok());
  written.state.verdicts[verdict(1, {}).target] = verdict(1, snapshot::HealthState::kHealthy);
  EXPECT_TRUE(written.add({version(1, 6), false, {object("b", version(1, 6))}}).ok());
  EXPECT_TRUE(written.replica->fold(written.state).ok());
  EXPECT_TRUE(written.add({version(1, 7), false, {object("c", version(1, 7))}}).ok());
  FileContents files = all_files(folder);
  EXPECT_EQ(files.size(), kFiles.size());
  for (const auto& [name, bytes] : files) EXPECT_FALSE(bytes.empty()) << name;
  return files;
}

/// What the objects are at each version of small_replica().
void expect_a_state_that_once_was(const ReplicaState& state, const std::string& what) {
  const Version at = state.objects.version();
  ASSERT_GE(at, version(1, 5)) << what;
  ASSERT_LE(at, version(1, 7)) << what;
  ASSERT_EQ(state.objects.objects().size(), at.revision.value - 4) << what;
}

TEST(Replica, StartsEmptyInANewFolder) {
  const TemporaryFolder folder;
  const ReplicaState state = reopened(folder.path() + "/replica");
  EXPECT_EQ(state.objects.version(), Version());
  EXPECT_TRUE(state.objects.objects().empty());
}

TEST(Replica, GivesBackWhatWasAppended) {
  const TemporaryFolder folder;
  {
    Written written(folder.path());
    ASSERT_TRUE(written.add({version(1, 5), true, {object("a", version(1, 4))}}).ok());
    ASSERT_TRUE(written.add({version(1, 6), false, {object("b", version(1, 6))}}).ok());
    ASSERT_TRUE(written.add({version(1, 7), false, {tombstone("a", version(1, 7))}}).ok());
    ASSERT_TRUE(written.replica->append(verdict(3, snapshot::HealthState::kUnhealthy)).ok());
  }
  const ReplicaState state = reopened(folder.path());
  EXPECT_EQ(state.objects.version(), version(1, 7));
  ASSERT_EQ(state.objects.objects().size(), 1U);
  EXPECT_EQ(state.objects.objects().begin()->first.second, "b");
  ASSERT_EQ(state.verdicts.size(), 1U);
  EXPECT_EQ(state.verdicts.begin()->second.state, snapshot::HealthState::kUnhealthy);
}

TEST(Replica, ForgetsAVerdictWhoseTargetIsGone) {
  const TemporaryFolder folder;
  {
    Written written(folder.path());
    ASSERT_TRUE(written.add({version(1, 1), true, {}}).ok());
    ASSERT_TRUE(written.replica->append(verdict(3, snapshot::HealthState::kHealthy)).ok());
    ASSERT_TRUE(written.replica->append_verdict_removed(verdict(3, {}).target).ok());
  }
  EXPECT_TRUE(reopened(folder.path()).verdicts.empty());
}

TEST(Replica, LeavesOutABatchWhoseCommitNeverCame) {
  const TemporaryFolder folder;
  const FileContents files = small_replica(folder.path() + "/r");
  overwrite(folder.path() + "/r/log",
            files.at("log") + model::encode(object("half", version(1, 8))));
  const ReplicaState state = reopened(folder.path() + "/r");
  EXPECT_EQ(state.objects.version(), version(1, 7));
  EXPECT_EQ(contents(folder.path() + "/r/log"), files.at("log")) << "the half batch must be cut";
}

TEST(Replica, DropsWhatAFullBatchDoesNotName) {
  const TemporaryFolder folder;
  {
    Written written(folder.path());
    ASSERT_TRUE(written.add({version(1, 9), true, {object("a", version(1, 9))}}).ok());
    ASSERT_TRUE(written.add({version(2, 3), true, {object("b", version(2, 3))}}).ok());
  }
  const ReplicaState state = reopened(folder.path());
  EXPECT_EQ(state.objects.version(), version(2, 3));
  ASSERT_EQ(state.objects.objects().size(), 1U);
  EXPECT_EQ(state.objects.objects().begin()->first.second, "b");
}

TEST(Replica, HasBothGenerationsAfterTheFirstBatch) {
  const TemporaryFolder folder;
  Written written(folder.path());
  ASSERT_TRUE(written.add({version(1, 1), true, {object("a", version(1, 1))}}).ok());
  EXPECT_TRUE(read_replica(folder.path()).is_whole);
}

TEST(Replica, FoldsALogThatOutgrowsItsCheckpoint) {
  const TemporaryFolder folder;
  Written written(folder.path());
  const std::string body(20'000, ' ');
  for (std::uint64_t i = 1; i < 100; ++i) {
    ASSERT_TRUE(written.add({version(1, i), i == 1, {object("a", version(1, i), body)}}).ok());
    ASSERT_TRUE(written.replica->fold_if_large(written.state).ok());
    ASSERT_LE(written.replica->log_bytes(), kReplicaLogBytesMin + 30'000);
  }
  EXPECT_EQ(reopened(folder.path()).objects.version(), version(1, 99));
}

TEST(Replica, GoesOnWhenTheFolderTakesNothingAndIsWholeOnceItDoes) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/r";
  Written written(path);
  ASSERT_TRUE(written.add({version(1, 1), true, {object("a", version(1, 1))}}).ok());
  std::filesystem::remove_all(path);
  EXPECT_FALSE(written.add({version(1, 2), true, {object("b", version(1, 2))}}).ok());
  EXPECT_FALSE(written.add({version(1, 3), false, {object("c", version(1, 3))}}).ok());
  std::filesystem::create_directory(path);
  EXPECT_TRUE(written.add({version(1, 4), false, {object("d", version(1, 4))}}).ok());
  EXPECT_EQ(reopened(path).objects.version(), version(1, 4));
  EXPECT_EQ(reopened(path).objects.objects().size(), 3U);
}

TEST(Replica, IsWrittenAnewAfterAFailureWithoutAnotherBatch) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/r";
  Written written(path);
  ASSERT_TRUE(written.add({version(1, 1), true, {object("a", version(1, 1))}}).ok());
  std::filesystem::remove_all(path);
  EXPECT_FALSE(written.add({version(1, 2), true, {object("b", version(1, 2))}}).ok());
  EXPECT_FALSE(written.replica->heal(written.state).ok());
  std::filesystem::create_directory(path);
  EXPECT_TRUE(written.replica->heal(written.state).ok());
  EXPECT_EQ(reopened(path).objects.version(), version(1, 2));
  EXPECT_TRUE(read_replica(path).is_whole);
}

class ReplicaDamage : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    log::configure({.level = log::Level::kError});
    path_ = folder_.path() + "/r";
    files_ = small_replica(path_);
  }

  void expect_survives(const std::string& bytes, const std::string& what) {
    overwrite(path_ + "/" + GetParam(), bytes);
    expect_a_state_that_once_was(read_replica(path_).state, what);
    // Opening heals, so that the next start finds a whole replica; every so often, because it
    // syncs.
    if (++count_ % 40 != 0) return;
    expect_a_state_that_once_was(reopened(path_), what);
    ASSERT_TRUE(read_replica(path_).is_whole) << what;
    restore(path_, files_);
  }

  TemporaryFolder folder_;
  std::string path_;
  FileContents files_;
  int count_ = 0;
};

TEST_P(ReplicaDamage, SurvivesAFlipOfAnyByte) {
  const std::string bytes = files_.at(GetParam());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0xff);
    expect_survives(flipped, "byte " + std::to_string(at));
    flipped[at] = static_cast<char>(bytes[at] ^ 0x01);
    expect_survives(flipped, "bit 0 of byte " + std::to_string(at));
  }
}

TEST_P(ReplicaDamage, SurvivesACutAtAnyLength) {
  const std::string bytes = files_.at(GetParam());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    expect_survives(bytes.substr(0, size), "cut at " + std::to_string(size));
  }
}

TEST_P(ReplicaDamage, LosesNothingButWhatALogHeldBehindTheDamage) {
  FileContents damaged = files_;
  damaged[GetParam()] = "";
  restore(path_, damaged);
  const std::uint64_t revision = GetParam() == std::string("log") ? 6 : 7;
  EXPECT_EQ(reopened(path_).objects.version(), version(1, revision));
}

TEST_P(ReplicaDamage, SurvivesAFileThatIsGone) {
  FileContents damaged = files_;
  damaged.erase(GetParam());
  restore(path_, damaged);
  expect_a_state_that_once_was(reopened(path_), "gone");
}

INSTANTIATE_TEST_SUITE_P(EachFile, ReplicaDamage, ::testing::ValuesIn(kFiles),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::erase(name, '.');
                           return name;
                         });

/// Every state that a crash between two steps of fold() can leave.
TEST(Replica, ReadsBackFromEveryStepOfARotation) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/r";
  const FileContents files = small_replica(path);
  const auto expect_newest = [&](const FileContents& state, const char* step) {
    restore(path, state);
    EXPECT_EQ(reopened(path).objects.version(), version(1, 7)) << step;
    EXPECT_EQ(reopened(path).objects.objects().size(), 3U) << step;
  };
  FileContents state = files;
  state["checkpoint.new"] = "half a checkp";
  expect_newest(state, "while the new checkpoint is written");
  state["checkpoint.previous"] = state.at("checkpoint");
  state.erase("checkpoint");
  expect_newest(state, "after the first rename");
  state["log.previous"] = state.at("log");
  state.erase("log");
  expect_newest(state, "after the second rename");
}

TEST(Replica, NeverJoinsALogToACheckpointItDoesNotContinue) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/r";
  FileContents files = small_replica(path);
  // The state before, under the log that continues another one.
  files["checkpoint"] = "";
  files["log.previous"] = "";
  restore(path, files);
  EXPECT_EQ(reopened(path).objects.version(), version(1, 5));
}

}  // namespace
}  // namespace weir::agent
