// What a refused write tells its caller. Thread: any (pure).
#pragma once

#include <vector>

#include "base/result.h"

namespace weir::api {

/// Another attempt reads again what this one did not know.
bool is_lost_race(const Error& error);

/// What a refusal of the store means to the caller.
Error explained(const Error& error);

/// Errors of several objects of one call: what is wrong with all of them is said once, and what
/// with some says with which.
Errors merged_errors(const std::vector<Errors>& of_each);

/// Errors of objects that name each other, as they come.
Errors joined_errors(const std::vector<Errors>& of_each);

}  // namespace weir::api
