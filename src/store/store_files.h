// The few calls on files that the SQLite store needs around the library: a private file, a lock
// that says "in use", and syncs. Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weir::store {

/// Makes the file with mode 0600 unless it exists; an existing one keeps its mode. Its name is
/// durable when it returns.
/// Errors:  kUnavailable
Result<void> create_private_file(const std::string& path);
/// Makes the file with mode 0600, so that nobody else can have it open: one that stands there, a
/// link too, is never written to.
/// Errors:  kUnavailable, also when something stands there
Result<void> create_new_private_file(const std::string& path);

/// Errors:  kUnavailable
Result<void> sync_file(const std::string& path);
/// Syncs the folder that holds `path`, which makes a creation or a rename of `path` durable.
/// Errors:  kUnavailable
Result<void> sync_folder_of(const std::string& path);

/// Both are durable when it returns. Errors:  kUnavailable
Result<void> rename_durably(const std::string& from, const std::string& to);
/// A file that is not there counts as removed. Errors:  kUnavailable
Result<void> remove_file(const std::string& path);

/// Holds `path` (made when missing) locked until it is destroyed or the process ends.
/// Errors:  kFailedPrecondition when somebody else holds it, kUnavailable
Result<UniqueFd> lock_file(const std::string& path);

}  // namespace weir::store
