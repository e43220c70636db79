// Builds the transaction of one write: documents, the keys they claim, counters and roots. Which
// objects change is the caller's decision; that the transaction says all of it is this file's.
// Thread: owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/object.h"
#include "model/words.h"
#include "store/store.h"

namespace weir::api {

/// Limits of an owner that differ from the defaults, by counter: the key's last parts, such as
/// "lb/alb", "listener", "vpc" (model/keys.h). Units: objects.
using QuotaSettings = std::map<std::string, std::int64_t>;

/// Value of an address key whose load balancer has gone or moved: not given again until each node
/// that held it reports it gone.
std::string releasing_text(const model::Id& load_balancer, const std::vector<std::string>& nodes);
/// The nodes of such a value; nothing when the address is held by a load balancer.
std::optional<std::vector<std::string>> releasing_nodes(const std::string& value);

class WritePlan {
 public:
  /// `roots` are root keys with the revisions read before anything else (0 = there is none). The
  /// transaction expects those of every object in it unchanged and moves them.
  explicit WritePlan(std::map<std::string, Revision> roots) : roots_(std::move(roots)) {}

  /// `type`: of the object's load balancer, for quotas.
  void create(const model::Object& object, model::LoadBalancerType type,
              const QuotaSettings& quotas);
  /// `holders`: the nodes that serve the load balancer's address, if it gives one up.
  void update(const model::Object& old, const model::Object& updated,
              const std::vector<std::string>& holders = {});
  void remove(const model::Object& object, model::LoadBalancerType type,
              const std::vector<std::string>& holders = {});
  /// As remove(), of what is left below a buried root: its counters go with the root.
  void discard(const model::Object& object);
  /// The root goes for good, with the counters below it: nothing is left there.
  void remove_root(const std::string& id);
  /// The root stays as a tombstone: what is left below it is collected later.
  void bury_root(const std::string& id);

  /// An object of it stands below a root that is not known: whoever plans has to read more.
  bool lacks_root() const;
  store::Transaction take(store::AuditRow audit);

 private:
  void touch(const model::Object& object);
  void count(const std::string& counter, std::int64_t amount, std::optional<std::int64_t> max);
  void withdraw(const model::Object& object, const std::vector<std::string>& holders);
  /// What the transaction does with the key so far, or null.
  store::Write* write_of(const std::string& key);
  void claim(const std::string& key, const model::Id& id);
  void release(const std::string& key, const model::Object& object,
               const std::vector<std::string>& holders);
  void expect(const std::string& key, Revision revision);

  std::map<std::string, Revision> roots_;
  std::set<std::string> touched_roots_;
  std::set<std::string> removed_roots_;
  std::set<std::string> buried_roots_;
  store::Transaction transaction_;
};

/// Value of the root key of a deleted load balancer whose children are still stored.
inline constexpr std::string_view kBuriedRoot = "buried";

}  // namespace weir::api
