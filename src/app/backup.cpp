// `weir backup FILE` and `weir restore FILE`: the store of a data directory as one file and back. A
// backup may be taken while control runs; a restore needs it stopped, and starts a new epoch that
// the nodes follow.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "api/control_server.h"
#include "app/roles.h"
#include "app/settings.h"
#include "store/sqlite_backup.h"

namespace weir::app {
namespace {

struct Copy {
  std::string file;
  std::string folder;
  std::string store;
  int exit_status = 0;
  bool is_ready = false;
};

/// Reads `FILE [flags]`.
Copy read_words(const std::string& word, const std::vector<std::string>& arguments) {
  Copy copy;
  std::vector<std::string> flags = arguments;
  if (!flags.empty() && !flags.front().starts_with("-")) {
    copy.file = flags.front();
    flags.erase(flags.begin());
  }
  const auto parsed = parse_role_flags(word + " FILE", kControlRole, flags);
  copy.exit_status = parsed.exit_status;
  if (!parsed.flags) return copy;
  if (copy.file.empty()) {
    std::cerr << "usage: weir " << word << " FILE [--data-dir DIR]\n";
    copy.exit_status = 2;
    return copy;
  }
  copy.folder = parsed.flags->config.data_dir;
  copy.store = api::store_path(copy.folder);
  copy.is_ready = true;
  return copy;
}

/// What root restores belongs to whom the data directory belongs to, else control, which is not
/// root, could not open it.
void give_to_owner_of_folder(const std::string& folder, const std::string& store) {
  struct stat status{};
  if (geteuid() != 0 || stat(folder.c_str(), &status) != 0) return;
  for (const char* suffix : {"", ".lock", "-wal", "-shm"}) {
    const std::string path = store + suffix;
    if (lchown(path.c_str(), status.st_uid, status.st_gid) == 0 || errno == ENOENT) continue;
    std::cerr << "weir: cannot give " << path << " to the owner of " << folder << "\n";
  }
}

int finish(const Result<Version>& version, const std::string& done) {
  if (!version) {
    std::cerr << "weir: " << to_string(version.error()) << "\n";
    return 1;
  }
  std::cout << done << " at version " << to_string(*version) << "\n";
  return 0;
}

}  // namespace

int run_backup(const std::vector<std::string>& arguments) {
  const Copy copy = read_words("backup", arguments);
  if (!copy.is_ready) return copy.exit_status;
  return finish(store::back_up_sqlite({.path = copy.store, .vfs = {}}, copy.file),
                copy.file + " holds the store");
}

int run_restore(const std::vector<std::string>& arguments) {
  const Copy copy = read_words("restore", arguments);
  if (!copy.is_ready) return copy.exit_status;
  const Result<Version> version = store::restore_sqlite(copy.file, copy.store, SystemClock());
  give_to_owner_of_folder(copy.folder, copy.store);
  return finish(version, "restored; the store is");
}

}  // namespace weir::app
