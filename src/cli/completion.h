// Shell completion, generated from the field tables: commands, kinds, flags and choices, and names
// asked from the API. Thread: any (pure).
#pragma once

#include <string>

namespace weir::cli {

/// A script for bash: source <(weir completion bash).
std::string bash_completion();

}  // namespace weir::cli
