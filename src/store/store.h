// Where resources live: an ordered set of keys with revisions, written by serialisable
// transactions, in the shape of etcd's so that the embedded SQLite store and a cluster store keep
// one contract (store_contract.h). Keys: object/<kind>/<id> (a stored document), name/...,
// port/<lb>/<transport>/<port>, address/<vpc>/<ip> (uniqueness), quota/... (counters), root/<id>
// (the revision every write below a load balancer or VPC names), meta/... (epoch, schema). Only
// control and its tests use it; a node never does. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_type.h"

namespace weir::store {

/// Source: etcd's request limits with room to spare (etcd runs with --max-txn-ops 2048). Reached:
/// 400, weir_store_limit_reached_total{limit="transaction_keys"}, "transaction_bytes" or
/// "key_bytes".
inline constexpr std::size_t kTransactionKeysMax = 500;
inline constexpr std::size_t kTransactionBytesMax = 1 << 20;
inline constexpr std::size_t kKeyBytesMax = 512;
/// Changes kept for changes_after(); a reader further behind lists again. Chosen because 10 000
/// changes are ten minutes of the heaviest load we test (17 changes a second). Reached: the reader
/// lists again; weir_store_limit_reached_total{limit="changes"}.
inline constexpr std::uint64_t kChangesKept = 10'000;
/// Bytes of their keys and values, before and after; chosen because 6 KiB a change is a target
/// group of 25 targets. Reached: as above, the reader lists again.
inline constexpr std::uint64_t kChangesBytesKept = 64 << 20;

/// An older audit row goes with a later commit. Chosen because a yearly review reads a whole year.
/// Reached: the row goes.
inline constexpr std::chrono::days kAuditKept{400};
/// Old audit rows that one commit takes away. Chosen because it adds one: two catch up.
inline constexpr std::size_t kAuditTrimmedAtOnce = 2;

/// Only keys that begin so are told by changes_after().
inline constexpr std::string_view kObjectPrefix = "object/";

struct Entry {
  std::string key{};
  std::string value{};
  Revision revision;  // of the transaction that last wrote it

  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Listing {
  std::vector<Entry> entries{};  // ascending by key
  Revision revision;  // of the whole store when it was read: all entries are of one moment
};

/// A condition of a transaction: the key's revision must still be this one; Revision(0) = must not
/// exist.
struct Expectation {
  std::string key{};
  Revision revision;
};

/// Each key at most once, and never together with a counter change of the same key.
struct Write {
  std::string key{};
  std::optional<std::string> value{};  // nothing = delete
};

/// Adds to a counter key (decimal text; missing = 0), which never falls below 0 and never stands
/// below object/.
struct CounterChange {
  std::string key{};
  std::int64_t amount = 0;
  std::optional<std::int64_t> max{};  // a positive amount may not bring the sum above it
};

struct AuditRow {
  std::string who{};      // "<user>/<key id>", "control", "node/<id>", "local" or "unauthenticated"
  std::string account{};  // of the caller; empty: the service itself, or nobody
  std::string source{};   // address of the caller
  std::string operation{};  // "create backend"
  std::string object{};     // id
  std::string request_id{};
  std::string result{};  // "ok"
  // Set by the store.
  WallTime at{};
  Revision revision{};
  std::string change{};  // digest of what the transaction wrote; empty: nothing
  std::string hash{};    // of all of this and of the hash of the row before (audit_chain.h)
};
/// Rows are numbered from 1, and no number is given twice.
using AuditEntry = std::pair<std::uint64_t, AuditRow>;

/// A row of the chain by its number and hash.
struct AuditLink {
  std::uint64_t number = 0;
  std::string hash{};

  friend bool operator==(const AuditLink&, const AuditLink&) = default;
};

/// Which rows are asked for: the newest below `before`, of one account or of all.
struct AuditRange {
  std::size_t count_max = 100;
  std::uint64_t before = INT64_MAX;
  std::optional<std::string> account{};
};

/// Rows in the order of the chain, and where the chain begins and ends: all of one moment.
struct AuditPage {
  std::vector<AuditEntry> rows{};
  AuditLink trimmed;  // the newest row that has gone for its age; the chain goes on behind it
  AuditLink newest;   // what the store has noted beside the rows
};

struct Transaction {
  std::vector<Expectation> expectations{};
  std::vector<Write> writes{};
  std::vector<CounterChange> counters{};
  AuditRow audit;
};

struct Change {
  std::string key{};
  std::optional<std::string> value{};  // nothing = deleted
  Revision revision;
  std::optional<std::string> before{};  // what it replaced; nothing = the key was not there
};

struct Changes {
  std::vector<Change>
      changes{};             // ascending by revision; all changes of a revision are present or none
  Revision revision;         // everything up to here is included
  bool must_relist = false;  // asked for more history than is kept: changes is empty, list again
  Revision forgotten{};      // changes up to this one are not kept
};

class Store {
 public:
  virtual ~Store() = default;

  /// Errors: kNotFound, kUnavailable
  virtual Result<Entry> get(std::string_view key) const = 0;
  /// The entries whose key begins with `prefix` and is above `after`, at most so many.
  /// Errors: kUnavailable
  virtual Result<Listing> list_page(std::string_view prefix, std::string_view after,
                                    std::size_t count_max) const = 0;
  /// All of them. Errors: kUnavailable
  Result<Listing> list(std::string_view prefix) const { return list_page(prefix, {}, SIZE_MAX); }

  /// All or nothing, durable when it returns; the audit row is in the same transaction. The
  /// revision grows by one, but a transaction without writes and counters (a refused call) stores
  /// its audit row only and returns the revision as it is.
  /// Errors:  kStale when an expectation does not hold (field = the key; for Revision(0):
  /// kAlreadyExists),
  ///          kQuotaExceeded (field = the key), kInvalidArgument beyond a limit or for a counter
  ///          that would fall below 0, kUnavailable when it could not be stored: then it is
  ///          stored whole or not at all, as after a crash
  virtual Result<Revision> commit(const Transaction& transaction) = 0;

  /// Changes of keys below object/ with a revision above `after`; waits until there is one or
  /// `deadline` passes. An `after` that the store has not reached yet asks to list again.
  /// Errors:  kUnavailable
  virtual Result<Changes> changes_after(Revision after, Instant deadline) const = 0;

  virtual Version version() const = 0;

  /// The newest audit rows, newest first. Errors:  kUnavailable
  virtual Result<std::vector<AuditEntry>> audit_rows(const AuditRange& range) const = 0;
  Result<std::vector<AuditEntry>> audit_rows(std::size_t count_max) const {
    return audit_rows(AuditRange{.count_max = count_max});
  }
  /// The oldest rows with a number above `after`. Errors:  kUnavailable
  virtual Result<AuditPage> audit_after(std::uint64_t after, std::size_t count_max) const = 0;
};

}  // namespace weir::store
