// WEIR_CHECK for logic that must hold: a broken one would corrupt state, so it aborts, always on.
// WEIR_BUG for logic that should hold: counts and logs, and the caller takes its error path; with
// WEIR_MUTANTS (test builds) and in fuzzers it aborts too. Neither is ever used on input from
// outside.
#pragma once

#include <cstdint>

namespace weir::check {

[[noreturn]] void failed(const char* condition, const char* file, int line);
/// Returns true, so that it can stand in a condition.
bool bug(const char* condition, const char* file, int line);
/// Bugs seen since start, for the metric weir_bugs_total.
std::uint64_t bug_count();

}  // namespace weir::check

#define WEIR_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::weir::check::failed(#condition, __FILE__, __LINE__))

/// True when `condition`, which must never hold, does hold.
#define WEIR_BUG(condition) ((condition) && ::weir::check::bug(#condition, __FILE__, __LINE__))
