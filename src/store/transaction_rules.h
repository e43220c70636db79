// What every store demands of a transaction, so that all stores refuse the same things in the same
// words. Pure, but for the counts of reached limits. Called by the stores and their contract suite.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::store {

/// Keys (of expectations, writes and counters), values and audit row together.
/// Units:   bytes
std::size_t transaction_bytes(const Transaction& transaction);

/// Different keys that the transaction names.
std::size_t transaction_keys(const Transaction& transaction);

/// Errors:  kInvalidArgument beyond a limit, for an empty key or a key written twice
Result<void> check_transaction(const Transaction& transaction, Metrics& metrics);

/// True when the transaction leaves nothing but its audit row.
bool is_audit_only(const Transaction& transaction);

/// `found` is the key's revision, or nothing when there is no such key.
/// Errors:  kStale, kAlreadyExists
Result<void> check_expectation(const Expectation& expectation, std::optional<Revision> found);

/// The counter's new value; `stored` is its text, or nothing when there is no such key.
/// Errors:  kQuotaExceeded, kInvalidArgument
Result<std::int64_t> counter_sum(const std::optional<std::string>& stored,
                                 const CounterChange& change);

/// The smallest key above all keys that begin with `prefix`; nothing when there is none.
std::optional<std::string> prefix_end(std::string_view prefix);

inline bool is_object_key(std::string_view key) { return key.starts_with(kObjectPrefix); }

}  // namespace weir::store
