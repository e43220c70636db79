// The chain of audit rows: each row's hash covers its contents and the hash of the row before, so
// that no row can be edited or taken out of the middle unseen. What is cut off at the end shows
// against the newest link that the store keeps beside the rows, and whatever was rewritten whole
// against anchors: links that were noted outside of the store (docs/adr/0020). Used by the stores
// and by who verifies. Thread: any (pure, but for verify_audit, which reads the store).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "store/store.h"

namespace weir::store {

/// The row's hash; `row.hash` itself does not count, and of `row.at` the milliseconds.
std::string audit_hash(std::string_view previous, std::uint64_t number, const AuditRow& row);

/// SHA-256 of all keys, values and counters that the transaction writes; empty without any.
std::string change_digest(const Transaction& transaction);

/// A restore adds a row of this operation to the chain, with object "epoch/<n>": what the store had
/// beyond the backup is gone, and its anchors with it.
inline constexpr std::string_view kRestoreOperation = "restore store";
std::string restore_object(Epoch epoch);

/// A link that was noted outside of the store.
struct AuditAnchor {
  AuditLink link;
  WallTime at{};  // of the row
  Epoch epoch;    // of the store when it was noted
};

/// Problems that a verdict names. Chosen because nobody reads more. Reached: the rest is counted.
inline constexpr std::size_t kAuditProblemsMax = 100;

struct AuditVerdict {
  std::uint64_t rows = 0;
  std::uint64_t first = 0;    // number of the oldest row; 0 without any
  std::uint64_t newest = 0;   // number of the newest
  std::uint64_t anchors = 0;  // that were held against the chain
  std::uint64_t problems_total = 0;
  std::vector<std::string> problems;  // the first of them; empty: the chain is whole

  bool is_whole() const { return problems_total == 0; }
};

/// Judges the pages of a chain from the oldest row on. Thread: owner.
class AuditCheck {
 public:
  AuditCheck(std::span<const AuditAnchor> anchors, WallTime now);

  /// The next page holds the rows behind this number.
  std::uint64_t last() const { return last_.number; }
  /// False when the page had no rows: then the verdict is there.
  bool take(const AuditPage& page);
  const AuditVerdict& verdict() const { return verdict_; }

 private:
  struct Restored {
    std::uint64_t number = 0;
    Epoch epoch;
  };

  void begin_behind(const AuditLink& trimmed);
  void judge(const AuditEntry& entry);
  void judge_anchors_up_to(std::uint64_t number, const std::string& hash);
  void judge_lost(const AuditAnchor& anchor);
  void finish(const AuditLink& newest);
  void add(std::string problem);

  std::vector<AuditAnchor> anchors_;  // ascending by number; those from next_anchor_ on are to come
  std::size_t next_anchor_ = 0;
  WallTime now_;
  AuditLink last_;
  AuditLink trimmed_;
  std::vector<Restored> restores_;
  AuditVerdict verdict_;
};

/// Reads the whole chain in pages, while the store works on. Cost: a hash a row.
/// Errors:  kUnavailable when it cannot be read
Result<AuditVerdict> verify_audit(const Store& store, std::span<const AuditAnchor> anchors,
                                  WallTime now);

}  // namespace weir::store
