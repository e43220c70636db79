#include "store/store_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace weir::store {
namespace {

constexpr mode_t kPrivate = 0600;

Error failed(const char* what, const std::string& path) {
  return Error{
      ErrorCode::kUnavailable,
      "cannot " + std::string(what) + " " + path + ": " + std::generic_category().message(errno),
      {}};
}

Result<void> sync_path(const std::string& path, int flags) {
  const UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.get()) != 0) return failed("sync", path);
  return {};
}

}  // namespace

Result<void> create_private_file(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return create_new_private_file(path);
  // An empty one may be left by a start that died before the sync; one with content was synced.
  if (found.st_size == 0) return sync_folder_of(path);
  return {};
}

Result<void> create_new_private_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kPrivate));
  if (!file.valid()) return failed("create", path);
  return sync_folder_of(path);
}

Result<void> sync_file(const std::string& path) { return sync_path(path, O_RDONLY); }

Result<void> sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

Result<void> rename_durably(const std::string& from, const std::string& to) {
  WEIR_TRY(sync_file(from));
  if (std::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
  return sync_folder_of(to);
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path);
  return {};
}

Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivate));
  if (!file.valid()) return failed("open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return failed("lock", path);
  return Error{
      ErrorCode::kFailedPrecondition, "the store is in use by another process: " + path, {}};
}

}  // namespace weir::store
