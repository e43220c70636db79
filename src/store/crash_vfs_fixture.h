// A CrashDisk as a file system layer of SQLite ("VFS"): the store runs on it as on a disk, with
// its write-ahead log and several connections of this process. Like the layer for Unix it promises
// that a write spoils no byte beside it, and syncs the folder only with the first sync of a journal
// or log. The store makes its file on the real disk: here it is made when it is opened, and the
// store's own sync of the folder is not seen, which is harsher. A `Deceit` makes it a disk that no
// store should trust. Thread: owner.
#pragma once

#include <memory>
#include <string>

#include "store/crash_disk_fixture.h"

namespace weir::store {

enum class Deceit {
  kNone,
  kRelaxes,           // "synchronous=FULL" becomes NORMAL, which reading back shows
  kRelaxesAndDenies,  // the same, but reading back says FULL
  kNoLog,             // no shared memory, hence no write-ahead log
};

class CrashVfs {
 public:
  /// SQLite knows the layer by `name` until this object dies; its connections are closed by then.
  /// The library's own random numbers follow from `seed`.
  CrashVfs(std::string name, std::uint64_t seed);
  ~CrashVfs();
  CrashVfs(const CrashVfs&) = delete;
  CrashVfs& operator=(const CrashVfs&) = delete;

  const std::string& name() const;
  CrashDisk& disk();
  /// For connections that are opened from now on.
  void deceive(Deceit deceit);
  /// Times that a log was folded into its database while the disk was observed.
  std::uint64_t checkpoints() const;

  struct Layer;

 private:
  const std::unique_ptr<Layer> layer_;
};

}  // namespace weir::store
