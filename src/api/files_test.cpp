// A folder that control makes for its data outlives a power cut: the folder above each new one is
// synced. The call is this program's own, which stands before that of the C library.
#include "api/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <set>

#include "testing/temporary_folder.h"

namespace weir::api {
namespace {

struct Syncs {
  std::mutex mutex;
  std::set<std::string> paths;
};

Syncs& syncs() {
  static Syncs all;
  return all;
}

void note_sync(int file) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), error);
  const std::lock_guard lock(syncs().mutex);
  syncs().paths.insert(path.string());
}

bool was_synced(const std::string& path) {
  const std::lock_guard lock(syncs().mutex);
  return syncs().paths.contains(path);
}

}  // namespace
}  // namespace weir::api

extern "C" int fsync(int file) {
  weir::api::note_sync(file);
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace weir::api {
namespace {

TEST(MakeFolder, SyncsTheFolderAboveEachNewOne) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(make_folder(folder.file("a/b/data")).ok());
  EXPECT_TRUE(was_synced(folder.path()));
  EXPECT_TRUE(was_synced(folder.file("a")));
  EXPECT_TRUE(was_synced(folder.file("a/b")));
  struct stat found{};
  ASSERT_EQ(::stat(folder.file("a/b/data").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST(MakeFolder, SyncsTheFolderAboveOneThatAnEarlierStartHasMade) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("data"));
  ASSERT_TRUE(make_folder(folder.file("data/")).ok());
  EXPECT_TRUE(was_synced(folder.path()));
}

TEST(MakeFolder, RefusesAPathOnWhichAFileStands) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_private_file(folder.file("data"), "text").ok());
  EXPECT_FALSE(make_folder(folder.file("data")).ok());
  EXPECT_FALSE(make_folder(folder.file("data/below")).ok());
}

}  // namespace
}  // namespace weir::api
