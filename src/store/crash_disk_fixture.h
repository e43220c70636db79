// A disk in memory that knows, for each file, what was written since its last sync, so that a test
// can look at what a power cut may leave. It knows nothing of SQLite: crash_vfs_fixture.h puts it
// under the library. A new name, and one that was removed, is durable only once its folder was
// synced. Thread: owner.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/random.h"

namespace weir::store {

/// What becomes of the writes that no sync has made durable.
enum class Fate { kNone, kAll, kSubset, kTorn };

/// Bytes of a file that reach a disk together or not at all. Source: the smallest sector of a disk.
inline constexpr std::size_t kAtom = 512;

class CrashDisk {
 public:
  using FileId = int;
  /// Files by name, as they are after a cut.
  using Image = std::map<std::string, std::string>;

  struct Write {
    std::size_t offset = 0;
    std::string bytes{};
    bool is_truncation = false;  // to `offset`
  };
  struct File {
    std::string durable{};
    std::string now{};
    std::deque<Write> pending{};  // since the last sync, in order
  };

  /// Called within each write, sync and removal, at the moment at which the power may fail: a write
  /// has been issued, a sync or a removal has not happened yet.
  void observe(std::function<void()> observer) { observer_ = std::move(observer); }

  bool is_observed() const { return observer_ != nullptr; }

  bool exists(const std::string& path) const { return names_.contains(path); }
  /// The file of this name, made when it is missing.
  FileId open(const std::string& path);
  const File& file(FileId id) const { return files_.at(id); }
  void write(FileId id, std::size_t offset, std::string_view bytes);
  void truncate(FileId id, std::size_t size);
  void sync(FileId id);
  /// Makes all names in the folder of `any_path` durable, as they are.
  void sync_folder_of(const std::string& any_path);
  void remove(const std::string& path);

  /// What a cut now leaves of the files whose names begin with `folder`; names without it.
  Image cut(std::string_view folder, Fate fate, Random& random) const;
  /// True when the writes that a cut may take are none: every fate leaves the same.
  bool is_settled(std::string_view folder) const;
  /// Puts files there, durable.
  void restore(const std::string& folder, const Image& image);
  /// Forgets files that nobody has open.
  void forget(std::string_view folder);

 private:
  using Names = std::map<std::string, FileId>;

  void moment() {
    const auto observer = observer_;  // it may put another in its place
    if (observer) observer();
  }

  Names names_;
  Names durable_names_;
  std::map<FileId, File> files_;
  FileId newest_ = 0;
  std::function<void()> observer_;
};

}  // namespace weir::store
