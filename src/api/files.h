// Small files of control that only their owner may read: written whole or not at all.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::api {

/// Makes the folder with mode 0700, and those above it, durably. Errors:  kUnavailable
Result<void> make_folder(const std::string& path);

/// Replaces `path` by a file with mode 0600, durably. Errors:  kUnavailable
Result<void> write_private_file(const std::string& path, std::string_view text);

/// Errors:  kNotFound, kUnavailable
Result<std::string> read_file(const std::string& path);

/// The key in `path` (hex digits), made with `size` random bytes when the file is missing.
/// Errors:  kUnavailable, kInvalidArgument when it holds something else or everybody may read it
Result<std::string> key_file(const std::string& path, std::size_t size);

}  // namespace weir::api
