// The audit as the API has it: refused writes go in here, rows are listed and the chain is verified
// here, and a thread writes what was counted and notes anchors. What the store does to the rows
// stands in store/audit_chain.h. Called by the faces. Thread: any.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "api/audit_anchors.h"
#include "api/caller.h"
#include "api/refusals.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

/// Rows of one page of a list. Chosen because a page stays below half a megabyte.
/// Reached: 400 naming pageSize; weir_api_requests_total counts it.
inline constexpr std::size_t kAuditPageMax = 1'000;
inline constexpr std::size_t kAuditPageDefault = 100;

/// What is known of a call when it is answered.
struct CallRecord {
  Caller caller;
  std::string operation = "other";  // also the label of its metric
  std::string object{};             // the id in its path
};

/// The caller's address without the port.
std::string source_of(const http::Request& request);

std::string anchors_file(const std::string& data_dir);

class AuditTrail {
 public:
  struct Parts {
    store::Store& store;
    const Clock& clock;
    Metrics& metrics;
    std::string data_dir;
    std::string key;  // the content of DIR/control.key
  };
  explicit AuditTrail(Parts parts);
  /// Writes what was only counted.
  ~AuditTrail();

  /// Records the call when it is a write that was refused.
  void note(const http::Request& request, const http::Response& response, const CallRecord& call);

  /// The same for a write that is answered later.
  void note_refused(const http::Response& response, const CallRecord& call);

  /// GET /weir/v1/audit: rows newest first; of `account` alone, when it is given.
  http::Response list(const http::Request& request, std::optional<std::string> account,
                      const std::string& request_id) const;
  /// GET /weir/v1/audit/verification. Reads every row: one call at a time, others get 429.
  http::Response verification(const http::Request& request, const std::string& request_id)
      WEIR_EXCLUDES(mutex_);

  /// What the thread does each minute. For tests: call it alone.
  void round() WEIR_EXCLUDES(mutex_);

 private:
  void run(const std::stop_token& stop) WEIR_EXCLUDES(mutex_);
  Result<store::AuditVerdict> verify() WEIR_EXCLUDES(mutex_);

  const Parts parts_;
  Refusals refusals_;
  std::atomic<bool> is_verifying_{false};
  Mutex mutex_;
  Condition ended_;
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;
  AuditAnchors anchors_ WEIR_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace weir::api
