#include "net/system_error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace weir::net {
namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
      return ErrorCode::kPermissionDenied;
    case EADDRINUSE:
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case ENODEV:
    case ENOENT:
    case ENXIO:
    case EADDRNOTAVAIL:
      return ErrorCode::kNotFound;
    case EINVAL:
    case EAFNOSUPPORT:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    case ETIMEDOUT:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error system_error(std::string_view what, int number) {
  return Error{
      code_of(number), std::string(what) + ": " + std::generic_category().message(number), {}};
}

}  // namespace weir::net
