#include "api/audit_trail.h"

#include <charconv>

#include "api/problem.h"
#include "api/responses.h"
#include "base/json.h"
#include "base/log.h"

namespace weir::api {
namespace {

Error wrong(std::string_view parameter, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(parameter)};
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || number == 0) return std::nullopt;
  return number;
}

Errors read_query(const http::Request& request, store::AuditRange& range) {
  Errors errors;
  for (const auto& [name, value] : request.query) {
    const auto number = number_of(value);
    if (name == "pageSize") {
      if (number && *number <= kAuditPageMax) {
        range.count_max = *number;
      } else {
        errors.push_back(
            wrong(name, "must be an integer between 1 and " + std::to_string(kAuditPageMax)));
      }
    } else if (name == "pageToken") {
      if (!number) errors.push_back(wrong(name, "must be the nextPageToken of a page"));
      range.before = number.value_or(range.before);
    } else {
      errors.push_back(wrong("query", "names a parameter that this list does not have"));
    }
  }
  return errors;
}

Json row_json(const store::AuditEntry& entry) {
  const auto& [number, row] = entry;
  return Json::object({{"number", number},
                       {"time", utc_text(row.at)},
                       {"who", row.who},
                       {"account", row.account},
                       {"source", row.source},
                       {"operation", row.operation},
                       {"object", row.object},
                       {"requestId", row.request_id},
                       {"result", row.result},
                       {"revision", row.revision.value},
                       {"change", row.change},
                       {"hash", row.hash}});
}

Json verdict_json(const store::AuditVerdict& verdict) {
  Json problems = Json::array();
  for (const std::string& problem : verdict.problems) problems.push_back(Json(problem));
  return Json::object({{"isWhole", verdict.is_whole()},
                       {"rows", verdict.rows},
                       {"first", verdict.first},
                       {"newest", verdict.newest},
                       {"anchors", verdict.anchors},
                       {"problemsTotal", verdict.problems_total},
                       {"problems", std::move(problems)}});
}

}  // namespace

std::string source_of(const http::Request& request) {
  return request.peer.substr(0, request.peer.rfind(':'));
}

std::string anchors_file(const std::string& data_dir) { return data_dir + "/audit-anchors"; }

AuditTrail::AuditTrail(Parts parts)
    : parts_(std::move(parts)),
      refusals_(parts_.store, parts_.clock, parts_.metrics),
      anchors_(anchors_file(parts_.data_dir), parts_.key) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

AuditTrail::~AuditTrail() {
  thread_.request_stop();
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    ended_.notify_all();
  }
  thread_.join();
  refusals_.write_counted();
}

void AuditTrail::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    round();
    const Instant next = std::chrono::steady_clock::now() + kCountedPause;
    const MutexLock lock(mutex_);
    while (!is_stopping_ && ended_.wait_until(mutex_, next)) {
    }
  }
}

void AuditTrail::round() {
  refusals_.write_counted();
  const MutexLock lock(mutex_);
  const auto noted = anchors_.note(parts_.store, parts_.clock.wall_now());
  if (noted) return;
  log::warning("the audit could not be anchored", {{"error", to_string(noted.error())}});
}

void AuditTrail::note(const http::Request& request, const http::Response& response,
                      const CallRecord& call) {
  if (is_write(request.method)) note_refused(response, call);
}

void AuditTrail::note_refused(const http::Response& response, const CallRecord& call) {
  constexpr int kFirstRefusal = 400;
  constexpr int kFirstFault = 500;
  if (response.status < kFirstRefusal || response.status >= kFirstFault) return;
  constexpr std::string_view kOtherFace = "v1 ";
  store::AuditRow row;
  row.who = call.caller.who;
  row.account = call.caller.account;
  row.source = call.caller.source;
  row.operation = call.operation.starts_with(kOtherFace) ? call.operation.substr(kOtherFace.size())
                                                         : call.operation;
  row.object = call.object;
  row.request_id = call.caller.request_id;
  row.result = refusal_text(response);
  refusals_.note(std::move(row));
}

http::Response AuditTrail::list(const http::Request& request, std::optional<std::string> account,
                                const std::string& request_id) const {
  store::AuditRange range{.count_max = kAuditPageDefault, .account = std::move(account)};
  const Errors errors = read_query(request, range);
  if (!errors.empty()) return problem_response(errors, request_id);
  const auto rows = parts_.store.audit_rows(range);
  if (!rows) return problem_response({rows.error()}, request_id);
  Json items = Json::array();
  for (const store::AuditEntry& entry : *rows) items.push_back(row_json(entry));
  Json page = Json::object({{"items", std::move(items)}});
  const bool may_go_on = rows->size() == range.count_max && rows->back().first > 1;
  if (may_go_on) page["nextPageToken"] = Json(std::to_string(rows->back().first));
  return json_response(200, page);
}

Result<store::AuditVerdict> AuditTrail::verify() {
  AuditAnchors::Known known;
  {
    const MutexLock lock(mutex_);
    WEIR_ASSIGN_OR_RETURN(known, anchors_.read());
  }
  WEIR_ASSIGN_OR_RETURN(store::AuditVerdict verdict,
                        store::verify_audit(parts_.store, known.anchors, parts_.clock.wall_now()));
  verdict.problems_total += known.problems.size();
  verdict.problems.insert(verdict.problems.end(), known.problems.begin(), known.problems.end());
  return verdict;
}

http::Response AuditTrail::verification(const http::Request& request,
                                        const std::string& request_id) {
  if (!request.query.empty()) {
    return problem_response({wrong("query", "this call has no parameters")}, request_id);
  }
  if (is_verifying_.exchange(true)) {
    return problem_response({Error{ErrorCode::kRateLimited,
                                   "the audit is being verified: wanted one call at a time", ""}},
                            request_id);
  }
  const auto verdict = verify();
  is_verifying_ = false;
  if (!verdict) return problem_response({verdict.error()}, request_id);
  parts_.metrics.value(Metric::kAuditProblems).set(static_cast<double>(verdict->problems_total));
  if (!verdict->is_whole()) {
    log::error("the audit chain is broken", {{"problem", verdict->problems.front()}});
  }
  return json_response(200, verdict_json(*verdict));
}

}  // namespace weir::api
