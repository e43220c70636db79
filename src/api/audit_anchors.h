// Anchors of the audit chain: once a day the newest link is noted in DIR/audit-anchors, sealed
// under control.key, and told to the log. Who rewrites the store must put these right too: a
// line cannot be made without the key, though it can be left out; what the log collector of another
// machine has, nobody rewrites. Called
// by AuditTrail. Thread: owner.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace weir::api {

/// At most so much is lost unseen at the end of a chain that somebody cut off and closed again.
inline constexpr std::chrono::hours kAnchorPause{24};

class AuditAnchors {
 public:
  AuditAnchors(std::string path, std::string key) : path_(std::move(path)), key_(std::move(key)) {}

  /// Notes the newest link when the last anchor is a day old and another row has come since.
  /// Errors:  kUnavailable, kInternal
  Result<void> note(const store::Store& store, WallTime now);

  struct Known {
    std::vector<store::AuditAnchor> anchors;
    std::vector<std::string> problems;  // lines that were not sealed so
  };
  /// Errors:  kUnavailable
  Result<Known> read() const;

 private:
  Result<std::string> line_of(const store::AuditAnchor& anchor, WallTime now) const;
  Result<store::AuditAnchor> anchor_of(const std::string& line) const;

  const std::string path_;
  const std::string key_;
  WallTime last_noted_{};
};

}  // namespace weir::api
