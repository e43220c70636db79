// The words that frames carry beside object kinds (docs/formats/frames.md; those of questions are
// in model/node_question.h), and small makers of frames. Thread: any (constants and pure
// functions).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/frame.h"
#include "model/node_question.h"
#include "snapshot/verdict.h"

namespace weir::agent {

namespace message {
// Between control and a node.
inline constexpr std::string_view kHello = "hello";
inline constexpr std::string_view kWelcome = "welcome";
inline constexpr std::string_view kCommit = "commit";
inline constexpr std::string_view kPing = "ping";
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::string_view kVerdict = "verdict";
inline constexpr std::string_view kReport = "report";
// Both, on the way to the proxy and back.
inline constexpr std::string_view kExplainQuestion = model::kExplain.question;
inline constexpr std::string_view kExplain = model::kExplain.answer;
// Between a node and its proxy child.
inline constexpr std::string_view kLocal = "local";
inline constexpr std::string_view kListen = "listen";
inline constexpr std::string_view kUnlisten = "unlisten";
inline constexpr std::string_view kRetire = "retire";
inline constexpr std::string_view kStatsQuestion = "stats?";
inline constexpr std::string_view kReady = "ready";
inline constexpr std::string_view kApplied = "applied";
inline constexpr std::string_view kConnectFailed = "connect_failed";
inline constexpr std::string_view kDrains = "drains";
inline constexpr std::string_view kStats = "stats";
// From a child whose node is gone to a later node.
inline constexpr std::string_view kOrphan = "orphan";
inline constexpr std::string_view kOffered = "offered";
}  // namespace message

/// False for the words above: everything else is the kind of an object, known to this build or not.
bool is_object_kind(std::string_view kind);

model::Frame message_frame(std::string_view kind, std::string_view id, const Json& body,
                           Version version = {});
/// Without a body.
model::Frame signal_frame(std::string_view kind, std::string_view id = {}, Version version = {});
model::Frame verdict_frame(const snapshot::Verdict& verdict);
model::Frame verdict_tombstone(const snapshot::TargetKey& target);
/// Limits of a body between a node and its child: as large as a frame may be.
JsonLimits body_limits();

}  // namespace weir::agent
