#include "api/refusals.h"

#include <algorithm>
#include <vector>

#include "api/caller.h"
#include "base/json.h"
#include "base/log.h"

namespace weir::api {

bool is_write(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

std::string refusal_text(const http::Response& response) {
  const auto body = parse_json(response.body);
  const Json* error = body ? body->find("error") : nullptr;
  const std::string number = std::to_string(response.status);
  return "refused: " + (error == nullptr ? number : error->string_or("status", number));
}

bool Refusals::Room::take(double rows_max, Instant now) {
  const std::chrono::duration<double> passed = now - at;
  rows = std::min(rows_max, rows + passed.count() * kRefusalsPerSecond);
  at = now;
  if (rows < 1) return false;
  rows -= 1;
  return true;
}

bool Refusals::admit(const store::AuditRow& row) {
  const Instant now = clock_.now();
  const MutexLock lock(mutex_);
  Group& group = row.who == kUnauthenticated ? others_ : users_;
  std::string key = row.who + " " + row.source + " " + row.account;
  const bool is_known = group.callers.contains(key);
  // The nameless caller is everybody else of the group.
  if (!is_known && group.callers.size() >= kRefusedCallersMax) key.clear();
  const auto [at, is_new] =
      group.callers.try_emplace(key, Refused{{}, {kRefusalsOfCallerMax, now}, 0});
  Refused& caller = at->second;
  // Who is counted goes on being counted until the count is written: rows stay in order.
  if (caller.count == 0 && caller.room.take(kRefusalsOfCallerMax, now) &&
      group.all.take(kRefusalsMax, now)) {
    return true;
  }
  caller.newest = row;
  if (key.empty()) {
    caller.newest.source = caller.newest.account = "";
    caller.newest.who = &group == &others_ ? kUnauthenticated : "";
  }
  ++caller.count;
  counted_.add();
  return false;
}

void Refusals::note(store::AuditRow row) {
  if (admit(row)) write(std::move(row));
}

void Refusals::write_counted() {
  std::vector<store::AuditRow> rows;
  {
    const MutexLock lock(mutex_);
    for (Group* group : {&users_, &others_}) take_counted(*group, clock_.now(), rows);
  }
  for (store::AuditRow& row : rows) write(std::move(row));
}

void Refusals::take_counted(Group& group, Instant now, std::vector<store::AuditRow>& rows) {
  for (auto at = group.callers.begin(); at != group.callers.end();) {
    Refused& caller = at->second;
    if (caller.count > 0) {
      store::AuditRow row = caller.newest;
      row.operation = "several writes";
      row.object.clear();
      row.request_id.clear();
      row.result = "refused: " + std::to_string(caller.count) + " more";
      rows.push_back(std::move(row));
      caller.count = 0;
      ++at;
    } else {
      // Forgotten once its room is whole again.
      const std::chrono::duration<double> quiet = now - caller.room.at;
      const bool is_whole =
          caller.room.rows + quiet.count() * kRefusalsPerSecond >= kRefusalsOfCallerMax;
      at = is_whole ? group.callers.erase(at) : std::next(at);
    }
  }
}

void Refusals::write(store::AuditRow row) {
  store::Transaction transaction;
  transaction.audit = std::move(row);
  const auto stored = store_.commit(transaction);
  if (stored) return;
  log::warning("a refused call could not be recorded", {{"error", to_string(stored.error())}});
}

}  // namespace weir::api
