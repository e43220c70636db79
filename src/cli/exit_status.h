// Exit status of the client commands; the table stands in the README and the manual.
// Thread: any (constants).
#pragma once

namespace weir::cli {

enum ExitStatus : int {
  kExitOk = 0,
  kExitNotYet = 1,       // differs, or the condition waited for did not come
  kExitUsage = 2,        // wrong flags, or a value that the API refused (400)
  kExitNotFound = 3,     // 404
  kExitConflict = 4,     // 409, 412: in use, exists, changed meanwhile
  kExitRefused = 5,      // 401, 403, 429: not allowed
  kExitUnreachable = 6,  // no answer, or 5xx
  kExitTimeout = 124,
};

}  // namespace weir::cli
