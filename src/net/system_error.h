// Turns errno into an Error of the project. Not for errors that a caller of the public API sees
// word by word.
// Thread: any.
#pragma once

#include <string_view>

#include "base/result.h"

namespace weir::net {

/// "bind 10.0.0.1:80: address already in use". The code follows the number: kPermissionDenied for
/// EACCES and EPERM, kAlreadyExists for EADDRINUSE and EEXIST, kNotFound for ENODEV, ENOENT and
/// EADDRNOTAVAIL, kInvalidArgument for EINVAL and the like, kDeadlineExceeded for ETIMEDOUT,
/// kUnavailable for all others.
Error system_error(std::string_view what, int number);

}  // namespace weir::net
