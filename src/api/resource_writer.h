// Writes resources: reads the roots, checks the whole picture, commits one transaction, and tries
// again when somebody else was faster. Generic over the kinds; what is special about one stands in
// kind_hooks.h. Every write has an audit row in its transaction; refusals are recorded by the
// faces. Thread: any (calls may run beside each other).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "api/catalog.h"
#include "api/kind_hooks.h"
#include "api/observed.h"
#include "api/outcome.h"
#include "api/write_plan.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "model/object.h"
#include "model/registry.h"
#include "store/store.h"

namespace weir::api {

/// Attempts of one write against others. Chosen because each lost race means that somebody else's
/// write succeeded, and at most a handful of calls run at once. Reached: 503;
/// weir_store_commits_total counts each attempt.
inline constexpr int kWriteAttemptsMax = 100;

/// What the checks of the model need to know of the configuration.
struct WriterSettings {
  std::vector<std::string> azs;
  QuotaSettings quotas;
};

class ResourceWriter {
 public:
  struct Parts {
    store::Store& store;
    Catalog& catalog;
    const Observed& observed;
    const Clock& clock;
  };
  ResourceWriter(Parts parts, WriterSettings settings);

  /// Addresses of the service itself, refused as targets.
  void set_own_endpoints(std::vector<net::Endpoint> endpoints);

  Outcome<model::Object> create(model::Kind kind, const Json& body, const Caller& caller);
  /// All in one transaction, or none. What is wrong with one of several says which.
  Outcome<std::vector<model::Object>> create_all(model::Kind kind, const std::vector<Json>& bodies,
                                                 const Caller& caller);
  /// An object that control makes itself, whole but for the revision.
  Outcome<model::Object> create_own(const model::Object& object, const Caller& caller);

  struct Place {
    model::Kind kind;
    model::Id id;
    /// The write is refused with kStale when the object has another revision.
    std::optional<Revision> if_match;
    std::string operation;  // for the audit: "update backend"
  };
  /// Turns `old` (in `updated` at first) into what shall be; returns what is wrong with the
  /// request.
  using Change = std::function<Errors(const model::Object& old, model::Object& updated)>;
  Outcome<model::Object> update(const Place& place, const Change& change, const Caller& caller);
  /// The object as it was, with the revision of its removal.
  Outcome<model::Object> remove(const Place& place, bool cascade, const Caller& caller);

 private:
  /// Read before the objects are, so that the checks see everything a root vouches for.
  struct Preparation {
    std::map<std::string, Revision> roots;
    std::set<std::string> taken_addresses;
    ObservedView observed;
    std::function<Presence(const std::string&)> presence;
    WallTime now;
    std::vector<net::Endpoint> own_endpoints;
  };
  struct Prepared {
    store::Transaction transaction{};
    std::vector<model::Object> objects{};
    bool is_unchanged = false;
    bool is_outrun = false;  // others moved what was to be read: plan anew
  };
  /// An object that shall be, and what was wrong with the body it was read from.
  struct Wanted {
    model::Object object;
    Errors found;
  };
  struct Operation {
    std::string name;
    Caller caller;
  };

  Result<Preparation> prepare(const std::vector<model::Object>& objects,
                              const std::vector<std::string>& more_roots = {}) const;
  Result<std::set<std::string>> taken_addresses(const model::Object& object) const;
  model::WorldView world_of(const model::ObjectIndex& index, const Preparation& prepared) const;
  model::LoadBalancerType type_of(const model::Object& object,
                                  const model::ObjectIndex& index) const;
  std::vector<std::string> leaving_roots(const model::Object& object) const;
  /// Nothing when it is not the caller's.
  std::optional<model::Object> find(const Place& place, const Caller& caller) const;

  Outcome<Prepared> plan_create(const std::vector<Wanted>& wanted,
                                const Operation& operation) const;
  Outcome<Prepared> plan_update(const Place& place, const Change& change,
                                const Operation& operation) const;
  Outcome<Prepared> plan_remove(const Place& place, bool cascade, const Operation& operation) const;
  Outcome<std::vector<model::Object>> write(const std::function<Outcome<Prepared>()>& plan);

  // Constant after construction.
  store::Store& store_;
  Catalog& catalog_;
  const Observed& observed_;
  const Clock& clock_;
  const WriterSettings settings_;
  const Instant started_;

  mutable Mutex mutex_;
  std::vector<net::Endpoint> own_endpoints_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::api
