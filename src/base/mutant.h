// Planted mistakes, one per promise, that the suites must catch: a suite that passes with its
// mutant on proves nothing. Compiled in only with WEIR_MUTANTS (presets dev and asan); the
// environment variable WEIR_MUTANT names the one that is on. The names: weights-ignored,
// threshold-off-by-one, listener-rebound, answer-before-commit, node-reads-store,
// unknown-health-is-up, stopped-instance-serves, rows-by-largest-remainder,
// bonds-outlive-targets, bonds-per-worker, reset-instead-of-silence, explain-ignores-marks,
// forbidden-target-serves, check-source-ignored, drain-cuts-early, post-replayed,
// synchronous-normal, migration-in-steps, start-forgets-last,
// length-beside-chunked-passes, relation-missed, audit-row-apart,
// owner-overlooked, role-overlooked, audit-end-overlooked,
// allow-before-deny, security-groups-ignored.
#pragma once

#include <string_view>

namespace weir {

#ifdef WEIR_MUTANTS
bool mutant(std::string_view name);
#else
constexpr bool mutant(std::string_view) { return false; }
#endif

}  // namespace weir
