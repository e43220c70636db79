#include "store/transaction_rules.h"

#include <charconv>
#include <set>
#include <utility>

namespace weir::store {
namespace {

Error invalid(std::string message, std::string field = {}) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

Error limit_reached(Metrics& metrics, const char* limit, std::string message) {
  metrics.value(Metric::kStoreLimitReached, {limit}).add();
  return invalid(std::move(message));
}

Result<void> check_key(const std::string& key, Metrics& metrics) {
  if (key.empty()) return invalid("a key must not be empty");
  if (key.size() <= kKeyBytesMax) return {};
  return limit_reached(metrics, "key_bytes",
                       "a key must have at most " + std::to_string(kKeyBytesMax) +
                           " bytes, found " + std::to_string(key.size()));
}

Result<void> check_keys(const Transaction& transaction, Metrics& metrics) {
  std::set<std::string_view> changed;
  for (const Expectation& expectation : transaction.expectations) {
    WEIR_TRY(check_key(expectation.key, metrics));
  }
  for (const Write& write : transaction.writes) {
    WEIR_TRY(check_key(write.key, metrics));
    if (!changed.insert(write.key).second) return invalid("changed twice", write.key);
  }
  for (const CounterChange& counter : transaction.counters) {
    WEIR_TRY(check_key(counter.key, metrics));
    if (!changed.insert(counter.key).second) return invalid("changed twice", counter.key);
    if (is_object_key(counter.key)) return invalid("an object is no counter", counter.key);
  }
  return {};
}

}  // namespace

std::size_t transaction_bytes(const Transaction& transaction) {
  const AuditRow& audit = transaction.audit;
  std::size_t bytes = audit.who.size() + audit.account.size() + audit.source.size() +
                      audit.operation.size() + audit.object.size() + audit.request_id.size() +
                      audit.result.size();
  for (const Expectation& expectation : transaction.expectations) bytes += expectation.key.size();
  for (const CounterChange& counter : transaction.counters) bytes += counter.key.size();
  for (const Write& write : transaction.writes) {
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  }
  return bytes;
}

std::size_t transaction_keys(const Transaction& transaction) {
  std::set<std::string_view> keys;
  for (const Expectation& expectation : transaction.expectations) keys.insert(expectation.key);
  for (const Write& write : transaction.writes) keys.insert(write.key);
  for (const CounterChange& counter : transaction.counters) keys.insert(counter.key);
  return keys.size();
}

Result<void> check_transaction(const Transaction& transaction, Metrics& metrics) {
  const std::size_t keys = transaction_keys(transaction);
  if (keys > kTransactionKeysMax) {
    return limit_reached(metrics, "transaction_keys",
                         "a transaction must have at most " + std::to_string(kTransactionKeysMax) +
                             " keys, found " + std::to_string(keys));
  }
  const std::size_t bytes = transaction_bytes(transaction);
  if (bytes > kTransactionBytesMax) {
    return limit_reached(metrics, "transaction_bytes",
                         "a transaction must have at most " + std::to_string(kTransactionBytesMax) +
                             " bytes, found " + std::to_string(bytes));
  }
  return check_keys(transaction, metrics);
}

bool is_audit_only(const Transaction& transaction) {
  return transaction.writes.empty() && transaction.counters.empty();
}

Result<void> check_expectation(const Expectation& expectation, std::optional<Revision> found) {
  const Revision revision = found.value_or(Revision(0));
  if (revision == expectation.revision) return {};
  if (expectation.revision == Revision(0)) {
    return Error{ErrorCode::kAlreadyExists,
                 "must not exist, found revision " + std::to_string(revision.value),
                 expectation.key};
  }
  return Error{ErrorCode::kStale,
               "expected revision " + std::to_string(expectation.revision.value) +
                   (found ? ", found " + std::to_string(revision.value) : ", found nothing"),
               expectation.key};
}

Result<std::int64_t> counter_sum(const std::optional<std::string>& stored,
                                 const CounterChange& change) {
  std::int64_t value = 0;
  if (stored) {
    const char* const end = stored->data() + stored->size();
    const auto [rest, error] = std::from_chars(stored->data(), end, value);
    if (error != std::errc() || rest != end) return invalid("is no counter", change.key);
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value, change.amount, &sum) || sum < 0) {
    return invalid("a counter must not fall below 0 or overflow, found " + std::to_string(value) +
                       " and a change of " + std::to_string(change.amount),
                   change.key);
  }
  // A quota that was lowered below its use still lets things go.
  if (change.amount > 0 && change.max && sum > *change.max) {
    return Error{ErrorCode::kQuotaExceeded,
                 "must be at most " + std::to_string(*change.max) + ", found " +
                     std::to_string(value) + " in use and " + std::to_string(change.amount) +
                     " more asked for",
                 change.key};
  }
  return sum;
}

std::optional<std::string> prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return std::nullopt;
}

}  // namespace weir::store
