#include "api/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/random.h"
#include "base/unique_fd.h"
#include "store/store_files.h"

namespace weir::api {
namespace {

Error failure(const std::string& what, const std::string& path) {
  return {ErrorCode::kUnavailable, what + " " + path + ": " + std::strerror(errno), ""};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

/// Those above it are made with the mode that the process gives to new folders.
Result<void> make_one(const std::filesystem::path& folder, mode_t mode) {
  std::error_code error;
  const auto above = folder.parent_path();
  if (above != folder && !above.empty() && !std::filesystem::exists(above, error)) {
    WEIR_TRY(make_one(above, 0777));
  }
  if (::mkdir(folder.c_str(), mode) == 0) return store::sync_folder_of(folder.string());
  if (errno != EEXIST || !std::filesystem::is_directory(folder, error)) {
    return failure("cannot make the folder", folder.string());
  }
  // It may be there since a start that died before the sync. The folder above one that an
  // administrator made may be unreadable to this process: then it cannot be synced.
  (void)store::sync_folder_of(folder.string());
  return {};
}

}  // namespace

Result<void> make_folder(const std::string& path) {
  const std::filesystem::path folder(path);
  return make_one(folder.has_filename() ? folder : folder.parent_path(), 0700);
}

Result<void> write_private_file(const std::string& path, std::string_view text) {
  const std::string next = path + ".new";
  ::unlink(next.c_str());
  const UniqueFd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid() || !write_all(fd.get(), text) || ::fsync(fd.get()) != 0) {
    return failure("cannot write", next);
  }
  return store::rename_durably(next, path);
}

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) {
    return Error{ErrorCode::kNotFound, path + " does not exist", ""};
  }
  if (!fd.valid()) return failure("cannot open", path);
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    const ssize_t size = ::read(fd.get(), block.data(), block.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("cannot read", path);
    text.append(block.data(), static_cast<std::size_t>(size));
  }
}

Result<std::string> key_file(const std::string& path, std::size_t size) {
  auto text = read_file(path);
  if (!text && text.error().code != ErrorCode::kNotFound) return text.error();
  if (!text) {
    const std::string key = secret_hex(size);
    WEIR_TRY(write_private_file(path, key + "\n"));
    return key;
  }
  struct stat file{};
  if (::stat(path.c_str(), &file) == 0 && (file.st_mode & S_IRWXO) != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 path +
                     ": everybody can read this key: make a new one, or, when nobody did, chmod "
                     "600 it",
                 ""};
  }
  while (text->ends_with('\n')) text->pop_back();
  if (text->size() != 2 * size ||
      text->find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 path + " does not hold a key of " + std::to_string(2 * size) + " hex digits", ""};
  }
  return *text;
}

}  // namespace weir::api
