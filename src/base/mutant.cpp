#include "base/mutant.h"

#include <cstdlib>

namespace weir {

#ifdef WEIR_MUTANTS
bool mutant(std::string_view name) {
  static const char* const active = std::getenv("WEIR_MUTANT");
  return active != nullptr && name == active;
}
#endif

}  // namespace weir
