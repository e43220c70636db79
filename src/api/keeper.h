// What control does by itself, again and again until it fits: makes the seed of the hash of flows,
// places load balancers on nodes, ends
// drain records, frees released addresses, collects what deleted load balancers left behind. Each
// step is a small transaction; after a crash the next round goes on. Thread: one of its own.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "api/catalog.h"
#include "api/observed.h"
#include "api/write_plan.h"
#include "base/clock.h"
#include "store/store.h"

namespace weir::api {

/// Objects collected in one transaction. Chosen because each takes up to four keys of its 500.
inline constexpr std::size_t kCollectedAtOnce = 100;

/// Verdicts that came after their backend service had gone are looked for this often. Chosen
/// because the look is at all services, and what is left takes some hundred bytes.
inline constexpr std::chrono::seconds kForgetPause{10};

/// Client tokens whose time is over are looked for this often. Chosen because the look is at all
/// tokens, a page in each round, and one that stays a minute too long does no harm.
inline constexpr std::chrono::seconds kTokenPause{60};

class Keeper {
 public:
  struct Parts {
    store::Store& store;
    Catalog& catalog;
    Observed& observed;
    const Clock& clock;
    QuotaSettings quotas;
  };
  explicit Keeper(Parts parts) : parts_(std::move(parts)), started_(parts_.clock.now()) {}
  ~Keeper() { stop(); }

  void start();
  void stop();
  /// One round; start() makes them whenever something has changed. For tests: call it alone.
  void round();

 private:
  void run(const std::stop_token& stop);
  void make_hash_seed();
  void note_changes();
  Result<void> find_buried();
  void place();
  void place_one(const model::Id& load_balancer);
  void end_drains();
  void free_addresses();
  bool is_free(const std::vector<std::string>& nodes, const std::string& address,
               Revision released) const;
  void collect();
  void collect_one(const model::Id& load_balancer, const std::vector<model::Object>& left);
  void forget_verdicts();
  void forget_tokens();
  void settle_elastic_ips();
  /// False when it was not stored: what it was for has to be tried again.
  bool commit(store::Transaction transaction, const char* what);
  Result<Revision> root_revision(const model::Id& id) const;

  const Parts parts_;
  const Instant started_;
  // Owned by the keeper's thread.
  Revision seen_;
  bool has_started_ = false;
  bool must_place_ = true;
  bool has_hash_seed_ = false;
  bool may_have_releasing_ = true;
  bool may_have_unsettled_ = true;  // elastic IPs that nodes may still have
  bool may_have_orphans_ = true;    // verdicts about backend services that have gone
  Instant last_forgotten_;
  Instant last_tokens_forgotten_;
  std::string tokens_read_;  // the key up to which they have been looked at; empty: from the first
  std::set<model::Id> buried_;  // deleted load balancers whose root is still stored
  std::uint64_t reports_seen_ = 0;
  std::jthread thread_;
};

}  // namespace weir::api
