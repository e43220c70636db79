#include "store/crash_vfs_fixture.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

namespace weir::store {
namespace {

/// Source: what SQLite's layer for Unix reports.
constexpr int kSector = 4096;
/// The files whose names SQLite's layer for Unix makes durable, with their first sync.
constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;

/// Locks and shared memory of one file, for all connections to it.
struct Sharing {
  int readers = 0;
  const void* reserved = nullptr;
  const void* exclusive = nullptr;
  int connections = 0;  // that have shared memory mapped
  std::vector<std::vector<char>> regions{};
  std::array<int, SQLITE_SHM_NLOCK> shared_slots{};
  std::array<const void*, SQLITE_SHM_NLOCK> exclusive_slots{};
};

}  // namespace

struct CrashVfs::Layer {
  std::string name;
  CrashDisk disk;
  std::map<CrashDisk::FileId, Sharing> sharing;
  Deceit deceit = Deceit::kNone;
  std::uint64_t checkpoints = 0;
  std::uint64_t unnamed = 0;
  sqlite3_vfs entry{};

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* given);
  static int remove(sqlite3_vfs* vfs, const char* path, int syncs_folder);
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer);
  static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* full);
};

namespace {

/// SQLite gives the bytes for it and calls by `base`.
struct OpenFile {
  sqlite3_file base;
  CrashVfs::Layer* layer;
  CrashDisk::FileId id;
  Deceit deceit;
  int level;
  bool is_database;
  const char* syncs_folder_of;  // its own path until the first sync of a journal; SQLite keeps it
  bool is_mapped;
  std::array<bool, SQLITE_SHM_NLOCK> holds_shared;

  Sharing& sharing() const { return layer->sharing[id]; }
};

OpenFile& opened(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  const std::string& bytes = opened(file).layer->disk.file(opened(file).id).now;
  const auto begin = std::min(static_cast<std::size_t>(offset), bytes.size());
  const auto found = std::min(static_cast<std::size_t>(size), bytes.size() - begin);
  std::memset(to, 0, static_cast<std::size_t>(size));
  std::memcpy(to, bytes.data() + begin, found);
  return found == static_cast<std::size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  opened(file).layer->disk.write(opened(file).id, static_cast<std::size_t>(offset),
                                 {static_cast<const char*>(from), static_cast<std::size_t>(size)});
  return SQLITE_OK;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  opened(file).layer->disk.truncate(opened(file).id, static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync(sqlite3_file* file, int) {
  if (opened(file).is_database && opened(file).layer->disk.is_observed()) {
    ++opened(file).layer->checkpoints;
  }
  opened(file).layer->disk.sync(opened(file).id);
  const char* const path = std::exchange(opened(file).syncs_folder_of, nullptr);
  if (path != nullptr) opened(file).layer->disk.sync_folder_of(path);
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(opened(file).layer->disk.file(opened(file).id).now.size());
  return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) {
  OpenFile& own = opened(file);
  Sharing& sharing = own.sharing();
  if (own.level >= level) return SQLITE_OK;
  if (sharing.exclusive != nullptr && sharing.exclusive != file) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_SHARED) ++sharing.readers;
  if (level > SQLITE_LOCK_SHARED) {
    if (sharing.reserved != nullptr && sharing.reserved != file) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && sharing.readers > 1) return SQLITE_BUSY;
    sharing.reserved = file;
    if (level == SQLITE_LOCK_EXCLUSIVE) sharing.exclusive = file;
  }
  own.level = level;
  return SQLITE_OK;
}

int unlock(sqlite3_file* file, int level) {
  OpenFile& own = opened(file);
  Sharing& sharing = own.sharing();
  if (own.level <= level) return SQLITE_OK;
  if (sharing.reserved == file) sharing.reserved = nullptr;
  if (sharing.exclusive == file) sharing.exclusive = nullptr;
  if (level == SQLITE_LOCK_NONE) --sharing.readers;
  own.level = level;
  return SQLITE_OK;
}

int reserved(sqlite3_file* file, int* answer) {
  *answer = opened(file).sharing().reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

/// Pragmas pass through here before SQLite obeys them: this is where a disk could be trusted too
/// much.
int control(sqlite3_file* file, int what, void* argument) {
  const OpenFile& own = opened(file);
  if (what != SQLITE_FCNTL_PRAGMA) return SQLITE_NOTFOUND;
  char** const words = static_cast<char**>(argument);
  const bool relaxes = own.deceit == Deceit::kRelaxes || own.deceit == Deceit::kRelaxesAndDenies;
  if (!relaxes || sqlite3_stricmp(words[1], "synchronous") != 0) return SQLITE_NOTFOUND;
  if (words[2] != nullptr) {
    std::strcpy(words[2], "1");  // NORMAL; shorter than any word that stood there
    return SQLITE_NOTFOUND;
  }
  if (own.deceit == Deceit::kRelaxes) return SQLITE_NOTFOUND;
  words[0] = sqlite3_mprintf("2");
  return SQLITE_OK;
}

int sector(sqlite3_file*) { return kSector; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_region(sqlite3_file* file, int region, int size, int extends, void volatile** to) {
  OpenFile& own = opened(file);
  Sharing& sharing = own.sharing();
  if (!std::exchange(own.is_mapped, true)) ++sharing.connections;
  const auto number = static_cast<std::size_t>(region);
  *to = nullptr;
  if (number >= sharing.regions.size() && extends == 0) return SQLITE_OK;
  while (number >= sharing.regions.size()) {
    sharing.regions.emplace_back(static_cast<std::size_t>(size));
  }
  *to = sharing.regions[number].data();
  return SQLITE_OK;
}

int lock_slots(sqlite3_file* file, int first, int count, int flags) {
  OpenFile& own = opened(file);
  Sharing& sharing = own.sharing();
  const bool is_shared = (flags & SQLITE_SHM_SHARED) != 0;
  const auto begin = static_cast<std::size_t>(first);
  const auto end = begin + static_cast<std::size_t>(count);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (std::size_t i = begin; i < end; ++i) {
      if (is_shared && std::exchange(own.holds_shared[i], false)) --sharing.shared_slots[i];
      if (sharing.exclusive_slots[i] == file) sharing.exclusive_slots[i] = nullptr;
    }
    return SQLITE_OK;
  }
  for (std::size_t i = begin; i < end; ++i) {
    const int others = sharing.shared_slots[i] - (own.holds_shared[i] ? 1 : 0);
    const void* const holder = sharing.exclusive_slots[i];
    if (holder != nullptr && holder != file) return SQLITE_BUSY;
    if (!is_shared && others > 0) return SQLITE_BUSY;
  }
  for (std::size_t i = begin; i < end; ++i) {
    if (!is_shared) sharing.exclusive_slots[i] = file;
    if (is_shared && !std::exchange(own.holds_shared[i], true)) ++sharing.shared_slots[i];
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file*) { std::atomic_thread_fence(std::memory_order_seq_cst); }

/// Who is alone with a file builds its shared memory anew, as after a start of the machine.
int unmap(sqlite3_file* file, int) {
  OpenFile& own = opened(file);
  if (!std::exchange(own.is_mapped, false)) return SQLITE_OK;
  if (--own.sharing().connections == 0) own.sharing().regions.clear();
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  unmap(file, 0);
  return unlock(file, SQLITE_LOCK_NONE);
}

constexpr sqlite3_io_methods methods(int version) {
  return {.iVersion = version,
          .xClose = close,
          .xRead = read,
          .xWrite = write,
          .xTruncate = truncate,
          .xSync = sync,
          .xFileSize = file_size,
          .xLock = lock,
          .xUnlock = unlock,
          .xCheckReservedLock = reserved,
          .xFileControl = control,
          .xSectorSize = sector,
          .xDeviceCharacteristics = characteristics,
          .xShmMap = map_region,
          .xShmLock = lock_slots,
          .xShmBarrier = barrier,
          .xShmUnmap = unmap,
          .xFetch = nullptr,
          .xUnfetch = nullptr};
}

/// Version 1 has no shared memory.
constexpr sqlite3_io_methods kWithLog = methods(2);
constexpr sqlite3_io_methods kWithoutLog = methods(1);

CrashVfs::Layer& layer_of(sqlite3_vfs* vfs) {
  return *static_cast<CrashVfs::Layer*>(vfs->pAppData);
}

}  // namespace

int CrashVfs::Layer::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                          int* given) {
  Layer& layer = layer_of(vfs);
  const std::string name = path != nullptr ? path : "unnamed/" + std::to_string(++layer.unnamed);
  file->pMethods = nullptr;
  const bool is_made = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
  if (!layer.disk.exists(name) && !is_made) return SQLITE_CANTOPEN;
  const bool is_journal = (flags & kJournals) != 0 && (flags & SQLITE_OPEN_CREATE) != 0;
  new (file) OpenFile{.base = {layer.deceit == Deceit::kNoLog ? &kWithoutLog : &kWithLog},
                      .layer = &layer,
                      .id = layer.disk.open(name),
                      .deceit = layer.deceit,
                      .level = SQLITE_LOCK_NONE,
                      .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0,
                      .syncs_folder_of = is_journal ? path : nullptr,
                      .is_mapped = false,
                      .holds_shared = {}};
  if (given != nullptr) *given = flags;
  return SQLITE_OK;
}

int CrashVfs::Layer::remove(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
  CrashDisk& disk = layer_of(vfs).disk;
  if (!disk.exists(path)) return SQLITE_IOERR_DELETE_NOENT;
  disk.remove(path);
  if (syncs_folder != 0) disk.sync_folder_of(path);
  return SQLITE_OK;
}

int CrashVfs::Layer::access(sqlite3_vfs* vfs, const char* path, int, int* answer) {
  CrashDisk& disk = layer_of(vfs).disk;
  *answer = disk.exists(path) && !disk.file(disk.open(path)).now.empty() ? 1 : 0;
  return SQLITE_OK;
}

int CrashVfs::Layer::full_path(sqlite3_vfs*, const char* path, int size, char* full) {
  if (std::strlen(path) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(full, path);
  return SQLITE_OK;
}

CrashVfs::CrashVfs(std::string name, std::uint64_t seed) : layer_(std::make_unique<Layer>()) {
  layer_->name = std::move(name);
  // Time and randomness are those of the system's own layer.
  layer_->entry = *sqlite3_vfs_find(nullptr);
  layer_->entry.iVersion = 2;
  layer_->entry.szOsFile = sizeof(OpenFile);
  layer_->entry.zName = layer_->name.c_str();
  layer_->entry.pAppData = layer_.get();
  layer_->entry.xOpen = Layer::open;
  layer_->entry.xDelete = Layer::remove;
  layer_->entry.xAccess = Layer::access;
  layer_->entry.xFullPathname = Layer::full_path;
  sqlite3_vfs_register(&layer_->entry, 0);
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed % 1'000'000) + 1, nullptr);
  sqlite3_randomness(0, nullptr);
}

CrashVfs::~CrashVfs() { sqlite3_vfs_unregister(&layer_->entry); }

const std::string& CrashVfs::name() const { return layer_->name; }
CrashDisk& CrashVfs::disk() { return layer_->disk; }
void CrashVfs::deceive(Deceit deceit) { layer_->deceit = deceit; }
std::uint64_t CrashVfs::checkpoints() const { return layer_->checkpoints; }

}  // namespace weir::store
