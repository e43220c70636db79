#include "http/h1_error.h"

#include <array>
#include <cstddef>

namespace weir::http {
namespace {

struct Row {
  std::string_view name;
  int status;
};

constexpr std::array kRows = {
#define WEIR_H1_ERROR_ROW(constant, name, status) Row{name, status},
    WEIR_H1_ERRORS(WEIR_H1_ERROR_ROW)
#undef WEIR_H1_ERROR_ROW
};

}  // namespace

std::string_view error_name(ParseError error) {
  return kRows[static_cast<std::size_t>(error)].name;
}

int error_status(ParseError error) { return kRows[static_cast<std::size_t>(error)].status; }

bool is_limit(ParseError error) {
  switch (error) {
    case ParseError::kMethodTooLong:
    case ParseError::kStartLineTooLong:
    case ParseError::kFieldTooLong:
    case ParseError::kTooManyFields:
    case ParseError::kTooManyOptions:
    case ParseError::kHeadTooLarge:
    case ParseError::kChunkTooLarge:
    case ParseError::kChunkLineTooLong:
    case ParseError::kExtensionsTooLarge:
    case ParseError::kTrailersTooLarge:
      return true;
    default:
      return false;
  }
}

}  // namespace weir::http
