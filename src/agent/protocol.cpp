#include "agent/protocol.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::agent {

bool is_object_kind(std::string_view kind) {
  static constexpr std::array kMessages = {
      message::kHello,   message::kWelcome,  message::kCommit,        message::kPing,
      message::kRefused, message::kVerdict,  message::kReport,        message::kLocal,
      message::kListen,  message::kUnlisten, message::kRetire,        message::kStatsQuestion,
      message::kReady,   message::kApplied,  message::kConnectFailed, message::kDrains,
      message::kStats,   message::kOrphan,   message::kOffered,
  };
  return std::ranges::find(kMessages, kind) == kMessages.end() && !model::is_node_question(kind) &&
         !model::is_node_answer(kind);
}

model::Frame message_frame(std::string_view kind, std::string_view id, const Json& body,
                           Version version) {
  model::Frame frame = signal_frame(kind, id, version);
  frame.body = body.dump();
  return frame;
}

model::Frame signal_frame(std::string_view kind, std::string_view id, Version version) {
  model::Frame frame;
  frame.version = version;
  frame.kind = kind;
  frame.id = id;
  return frame;
}

model::Frame verdict_frame(const snapshot::Verdict& verdict) {
  return message_frame(message::kVerdict, snapshot::verdict_id(verdict.target),
                       snapshot::verdict_json(verdict));
}

model::Frame verdict_tombstone(const snapshot::TargetKey& target) {
  model::Frame frame = signal_frame(message::kVerdict, snapshot::verdict_id(target));
  frame.is_tombstone = true;
  return frame;
}

JsonLimits body_limits() {
  return {.size_max = model::kFrameBodyBytesMax, .depth_max = 32, .items_max = 100'000};
}

Result<snapshot::TargetKey> target_of_verdict_id(std::string_view id) {
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
  return snapshot::TargetKey{std::string(id.substr(0, group_at)),
                             std::string(id.substr(group_at + 1, slot_at - group_at - 1)),
                             Slot(slot)};
}

}  // namespace weir::agent
