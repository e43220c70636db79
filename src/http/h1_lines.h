// Lines of a head or trailer section: where they end, what a field line may hold, and the limits.
// Judges syntax only; what the fields mean together is the parser's business. Internal to the
// codec. Thread: any (pure functions).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "http/h1_error.h"
#include "http/h1_head.h"
#include "http/h1_parser.h"

namespace weir::http::lines {

/// The bytes of a message, cut off at the limit for the part that is parsed.
struct Window {
  const char* begin;
  const char* end;
  std::size_t limit;
  ParseError too_large;  // error when `limit` bytes do not hold the whole part
};

struct Outcome {
  ParseState state;
  ParseError error;
  const char* next;  // first byte not taken, when complete
};

/// Which ids the field lines had; `first` is written only for ids in `seen`.
struct FieldIndex {
  FieldIndex() {}  // NOLINT: leaves `first` unwritten

  bool has(FieldId id) const { return (seen >> static_cast<unsigned>(id) & 1U) != 0; }
  bool is_repeated(FieldId id) const { return (repeated >> static_cast<unsigned>(id) & 1U) != 0; }

  std::uint32_t seen = 0;
  std::uint32_t repeated = 0;
  std::array<std::uint8_t, 32> first;
};

/// Outcome for a line that is broken or not there in full. The verdict waits for its LF, so that it
/// does not depend on how the bytes arrived; the limits do not wait.
Outcome refuse(const Window& window, const char* line, std::size_t max_line, ParseError too_long,
               ParseError error);

/// True when the line that is arriving at the end of `window`, which has no LF in its last bytes,
/// exceeds a limit.
Outcome judge_unfinished(const Window& window);

/// Takes field lines from `at` up to and with the empty line.
Outcome parse_fields(const Window& window, const char* at, FieldTable& fields, FieldIndex& index);

}  // namespace weir::http::lines
