#include "base/printable.h"

namespace weir {

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : text.substr(0, bytes_max)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return text.size() > bytes_max ? out + "..." : out;
}

}  // namespace weir
