#include "store/audit_chain.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/digest.h"
#include "base/mutant.h"
#include "store/transaction_rules.h"

namespace weir::store {
namespace {

/// Rows read at once. Chosen because they take about half a megabyte.
constexpr std::size_t kPageRows = 1'000;

/// Each part with its length, so that no two lists of parts give the same text.
void add_part(std::string& text, std::string_view part) {
  text += std::to_string(part.size());
  text += ':';
  text += part;
}

void add_number(std::string& text, std::int64_t number) { add_part(text, std::to_string(number)); }

std::string row_text(std::uint64_t number) { return "row " + std::to_string(number); }

/// "row 7 is missing", "rows 7 to 9 are missing".
std::string missing_text(std::uint64_t from, std::uint64_t to) {
  if (from == to) return row_text(from) + " is missing";
  return "rows " + std::to_string(from) + " to " + std::to_string(to) + " are missing";
}

constexpr std::string_view kEpochPrefix = "epoch/";

}  // namespace

std::string audit_hash(std::string_view previous, std::uint64_t number, const AuditRow& row) {
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(row.at.time_since_epoch());
  std::string text;
  add_part(text, "weir audit row 1");
  add_part(text, previous);
  add_number(text, static_cast<std::int64_t>(number));
  add_number(text, std::int64_t{at.count()});
  add_number(text, static_cast<std::int64_t>(row.revision.value));
  for (const std::string* part : {&row.who, &row.account, &row.source, &row.operation, &row.object,
                                  &row.request_id, &row.result, &row.change}) {
    add_part(text, *part);
  }
  return sha256_hex(text);
}

std::string change_digest(const Transaction& transaction) {
  if (is_audit_only(transaction)) return "";
  std::string text;
  for (const Write& write : transaction.writes) {
    add_part(text, write.value ? "put" : "delete");
    add_part(text, write.key);
    add_part(text, write.value.value_or(""));
  }
  for (const CounterChange& counter : transaction.counters) {
    add_part(text, "count");
    add_part(text, counter.key);
    add_number(text, counter.amount);
  }
  return sha256_hex(text);
}

std::string restore_object(Epoch epoch) {
  return std::string(kEpochPrefix) + std::to_string(epoch.value);
}

AuditCheck::AuditCheck(std::span<const AuditAnchor> anchors, WallTime now)
    : anchors_(anchors.begin(), anchors.end()), now_(now) {
  std::ranges::sort(anchors_, {}, [](const AuditAnchor& anchor) { return anchor.link.number; });
  verdict_.anchors = anchors_.size();
}

bool AuditCheck::take(const AuditPage& page) {
  if (page.trimmed.number > last_.number) begin_behind(page.trimmed);
  for (const AuditEntry& entry : page.rows) judge(entry);
  if (!page.rows.empty()) return true;
  finish(page.newest);
  return false;
}

void AuditCheck::begin_behind(const AuditLink& trimmed) {
  trimmed_ = last_ = trimmed;
  judge_anchors_up_to(trimmed.number, trimmed.hash);
}

void AuditCheck::judge(const AuditEntry& entry) {
  const auto& [number, row] = entry;
  // A gap alone is no problem: where the hash fits, nothing was taken out.
  if (audit_hash(last_.hash, number, row) != row.hash) {
    add(number > last_.number + 1
            ? missing_text(last_.number + 1, number - 1)
            : row_text(number) + " does not fit the one before it: one of both was changed");
  }
  if (row.operation == kRestoreOperation && row.object.starts_with(kEpochPrefix)) {
    std::uint64_t epoch = 0;
    const char* const end = row.object.data() + row.object.size();
    const auto [rest, error] = std::from_chars(row.object.data() + kEpochPrefix.size(), end, epoch);
    if (error == std::errc() && rest == end) restores_.push_back({number, Epoch(epoch)});
  }
  if (verdict_.rows++ == 0) verdict_.first = number;
  verdict_.newest = number;
  last_ = {number, row.hash};
  judge_anchors_up_to(number, row.hash);
}

void AuditCheck::judge_anchors_up_to(std::uint64_t number, const std::string& hash) {
  for (; next_anchor_ < anchors_.size(); ++next_anchor_) {
    const AuditAnchor& anchor = anchors_[next_anchor_];
    if (anchor.link.number > number) return;
    if (anchor.link.number != number || anchor.link.hash != hash) judge_lost(anchor);
  }
}

/// An anchor whose row is not there, or is another one.
void AuditCheck::judge_lost(const AuditAnchor& anchor) {
  const std::uint64_t number = anchor.link.number;
  const bool is_superseded = std::ranges::any_of(restores_, [&](const Restored& restored) {
    return restored.number <= number && restored.epoch > anchor.epoch;
  });
  if (is_superseded) return;
  if (number > last_.number) {
    return add(row_text(number) + " was noted outside of the store and is missing at the end");
  }
  if (number < trimmed_.number) {
    if (anchor.at < now_ - kAuditKept) return;
    return add(row_text(number) + " was noted outside of the store and has gone before its time");
  }
  add(row_text(number) + " is not the one that was noted outside of the store");
}

void AuditCheck::finish(const AuditLink& newest) {
  if (mutant("audit-end-overlooked")) return;
  if (newest.number > last_.number) {
    add(missing_text(last_.number + 1, newest.number) + " at the end");
  } else if (newest != last_) {
    add(row_text(last_.number) + " is not the one that was written last");
  }
  for (; next_anchor_ < anchors_.size(); ++next_anchor_) judge_lost(anchors_[next_anchor_]);
}

void AuditCheck::add(std::string problem) {
  if (++verdict_.problems_total <= kAuditProblemsMax) {
    verdict_.problems.push_back(std::move(problem));
  }
}

Result<AuditVerdict> verify_audit(const Store& store, std::span<const AuditAnchor> anchors,
                                  WallTime now) {
  AuditCheck check(anchors, now);
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const AuditPage page, store.audit_after(check.last(), kPageRows));
    if (!check.take(page)) return check.verdict();
  }
}

}  // namespace weir::store
