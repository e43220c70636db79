// Puts refused writes into the audit: a row each while they are few, and where they come in a flood
// a row a minute and caller that counts them, so that nobody fills the disk or hides another's row
// by being refused. Who is unauthenticated has a room apart from users: it takes nothing to be
// that. Called by both faces; AuditTrail calls write_counted(). Thread: any.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

/// Rows a caller, all users together and all others together may have at once, and how fast the
/// room for them comes back. Chosen because a person at work stays far below, and two floods of a
/// whole day are 172 800 rows or about 60 MB. Units: rows. Reached: the refusal is counted,
/// weir_audit_refusals_counted_total.
inline constexpr double kRefusalsOfCallerMax = 20;
inline constexpr double kRefusalsMax = 100;
inline constexpr double kRefusalsPerSecond = 1;
/// Users, and others, that are told apart while they are counted. Chosen because each takes a row a
/// minute. Reached: all others are counted as one.
inline constexpr std::size_t kRefusedCallersMax = 100;
/// Pause between the rows that count; a crash forgets what was counted meanwhile.
inline constexpr std::chrono::seconds kCountedPause{60};

/// Whether a call of this method changes something, so that its refusal is recorded.
bool is_write(std::string_view method);

/// "refused: QUOTA_EXCEEDED": the status word of the answer.
std::string refusal_text(const http::Response& response);

class Refusals {
 public:
  /// All must outlive it.
  Refusals(store::Store& store, const Clock& clock, Metrics& metrics)
      : store_(store),
        clock_(clock),
        counted_(metrics.value(Metric::kAuditRefusalsCounted)),
        users_{{kRefusalsMax, clock.now()}, {}},
        others_{{kRefusalsMax, clock.now()}, {}} {}

  /// `row` whole but for what the store sets.
  void note(store::AuditRow row) WEIR_EXCLUDES(mutex_);
  /// Writes a row for each caller whose refusals were only counted.
  void write_counted() WEIR_EXCLUDES(mutex_);

 private:
  /// Room for rows, which comes back with time.
  struct Room {
    double rows = 0;
    Instant at;

    bool take(double rows_max, Instant now);
  };
  struct Refused {
    store::AuditRow newest;
    Room room;
    std::uint64_t count = 0;
  };

  struct Group {
    Room all;
    std::map<std::string, Refused> callers;  // by who, source and account
  };

  /// True when the row is to be written, false when it was counted.
  bool admit(const store::AuditRow& row) WEIR_EXCLUDES(mutex_);
  static void take_counted(Group& group, Instant now, std::vector<store::AuditRow>& rows);
  void write(store::AuditRow row);

  // Constant after construction.
  store::Store& store_;
  const Clock& clock_;
  MetricValue& counted_;

  Mutex mutex_;
  Group users_ WEIR_GUARDED_BY(mutex_);
  Group others_ WEIR_GUARDED_BY(mutex_);  // unauthenticated
};

}  // namespace weir::api
