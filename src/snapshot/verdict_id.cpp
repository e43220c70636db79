#include "snapshot/verdict_id.h"

#include <charconv>
#include <string>

namespace weir::snapshot {

Result<TargetKey> target_of_verdict_id(std::string_view id) {
  const std::size_t group_at = id.find('/');
  const std::size_t slot_at = id.rfind('/');
  const Error malformed{ErrorCode::kInvalidArgument,
                        "expected service/group/slot, found \"" + std::string(id) + "\"",
                        {}};
  if (group_at == std::string_view::npos || slot_at == group_at) return malformed;
  const std::string_view digits = id.substr(slot_at + 1);
  std::uint16_t slot = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), slot);
  if (error != std::errc() || end != digits.end()) return malformed;
  return TargetKey{std::string(id.substr(0, group_at)),
                   std::string(id.substr(group_at + 1, slot_at - group_at - 1)), Slot(slot)};
}

}  // namespace weir::snapshot
