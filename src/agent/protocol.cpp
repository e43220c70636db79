#include "agent/protocol.h"

#include <algorithm>
#include <array>

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

}  // namespace weir::agent
