// Writes resources: reads the roots, checks the whole picture, commits one transaction, and tries
// again when somebody else was faster. Generic over the kinds; what is special about one stands in
// kind_hooks.h. Every write has an audit row in its transaction; refusals are recorded by the
// faces. Thread: any (calls may run beside each other).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
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
#include "model/public_pool.h"
#include "model/registry.h"
#include "store/store.h"

namespace weir::api {

struct KnownToken;

/// Attempts of one write against others. Chosen because each lost race means that somebody else's
/// write succeeded, and at most a handful of calls run at once. Reached: 503;
/// weir_store_commits_total counts each attempt.
inline constexpr int kWriteAttemptsMax = 100;

/// What the checks of the model need to know of the configuration.
struct WriterSettings {
  std::vector<std::string> azs;
  QuotaSettings quotas;
  std::vector<model::PublicPool> pools;
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

  /// An object that shall be made, with an id, and what is wrong with its body.
  struct Draft {
    model::Object object;
    Errors errors;
    /// Stands before the fields of its errors: "elasticIp.".
    std::string path;
  };
  Draft draft(model::Kind kind, const Json& body, const Caller& caller) const;
  /// Makes all of them in one transaction, or none; each may name those before it. They come back
  /// as they were made; a repeated create (Caller::repeat) gets the ids and the revision of the
  /// first alone. A dry run finds everything that is wrong, quotas included, and stores nothing.
  Outcome<std::vector<model::Object>> create_all(std::span<const Draft> drafts,
                                                 const Caller& caller, bool is_dry_run = false);
  /// The same of `count` instances made from one body (model::instance_body), or of one object of
  /// any kind that has it as it stands; what is wrong with one of several says which.
  Outcome<std::vector<model::Object>> create_batch(model::Kind kind, const Json& body,
                                                   std::optional<std::size_t> count,
                                                   const Caller& caller);
  /// An object that control makes itself, whole but for the revision.
  Outcome<model::Object> create_own(const model::Object& object, const Caller& caller);

  struct Place {
    model::Kind kind;
    model::Id id;
    /// The write is refused with kStale when the object has another revision.
    std::optional<Revision> if_match;
    std::string operation;  // for the audit: "update backend"
    /// The elastic IP that a load balancer lets go of is deleted in the same transaction.
    bool deletes_freed_elastic_ip = false;
  };
  /// Turns `old` (in `updated` at first) into what shall be; returns what is wrong with the
  /// request.
  using Change = std::function<Errors(const model::Object& old, model::Object& updated)>;
  Outcome<model::Object> update(const Place& place, const Change& change, const Caller& caller);
  /// The object as it was, with the revision of its removal.
  Outcome<model::Object> remove(const Place& place, bool cascade, const Caller& caller);

 private:
  /// Several writes that become one transaction go through the same steps.
  friend class StagedWrites;

  /// Read before the objects are, so that the checks see everything a root vouches for.
  struct Preparation {
    std::map<std::string, Revision> roots;
    std::map<std::string, std::set<std::string>> taken_addresses;  // by model::address_scope()
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
  struct Operation {
    std::string name;
    Caller caller;
  };

  Result<Preparation> prepare(std::span<const model::Object> objects,
                              const std::vector<std::string>& more_roots = {}) const;
  std::vector<std::string> leaving_roots(const model::Object& object) const;
  Result<std::set<std::string>> taken_addresses(const std::string& scope) const;
  HookContext context_of(const model::Object& object, const model::ObjectIndex& index,
                         const Preparation& prepared) const;
  Errors complete(std::vector<model::Object>& objects, std::span<const Draft> drafts,
                  const model::ObjectIndex& index, Preparation& prepared,
                  SideEffects& effects) const;
  model::WorldView world_of(const model::ObjectIndex& index, const Preparation& prepared) const;
  model::LoadBalancerType type_of(const model::Object& object,
                                  const model::ObjectIndex& index) const;
  /// Nothing when it is not the caller's.
  std::optional<model::Object> find(const Place& place, const Caller& caller) const;

  static std::vector<model::Object> made_before(const KnownToken& known,
                                                std::span<const Draft> drafts);
  static Outcome<model::Object> last_of(Outcome<std::vector<model::Object>> written);
  Outcome<Prepared> plan_create(std::span<const Draft> drafts, const Operation& operation) const;
  Outcome<std::vector<model::Object>> write_new(std::span<const Draft> drafts,
                                                const Operation& operation);
  Outcome<std::vector<model::Object>> try_out(Outcome<Prepared> prepared) const;
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
