#include "api/keeper.h"

#include <algorithm>

#include "api/client_tokens.h"
#include "api/draining.h"
#include "api/elastic_ips.h"
#include "api/held_addresses.h"
#include "api/placement.h"
#include "base/log.h"
#include "base/random.h"
#include "model/keyring.h"
#include "model/keys.h"
#include "model/load_balancer.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::chrono::milliseconds kRoundPause{50};
constexpr std::chrono::milliseconds kIdlePause{200};
/// Units: bytes.
constexpr std::size_t kHashSeedSize = 8;
constexpr std::string_view kAddresses = "address/";
constexpr std::string_view kRoots = "root/";
const char* const kWho = "control";

store::AuditRow audit(const char* what, const model::Id& id) {
  store::AuditRow row;
  row.who = kWho;
  row.operation = what;
  row.object = id;
  row.result = "ok";
  return row;
}

}  // namespace

void Keeper::start() {
  make_hash_seed();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Keeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  parts_.observed.wake();
  thread_.join();
}

void Keeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    round();
    const Instant now = std::chrono::steady_clock::now();
    reports_seen_ = parts_.observed.wait(reports_seen_, now + kIdlePause);
    parts_.catalog.wait_after(seen_, now + kRoundPause);
  }
}

void Keeper::round() {
  note_changes();
  make_hash_seed();
  place();
  end_drains();
  free_addresses();
  settle_elastic_ips();
  collect();
  forget_verdicts();
  forget_tokens();
}

void Keeper::note_changes() {
  const auto progress = has_started_ ? parts_.catalog.changes_after(seen_) : std::nullopt;
  if (!progress) {
    // What happened is not known: look at everything.
    seen_ = parts_.catalog.revision();
    must_place_ = may_have_releasing_ = may_have_unsettled_ = may_have_orphans_ = true;
    has_started_ = find_buried().ok();
    return;
  }
  seen_ = progress->revision;
  for (const LiveChange& change : progress->changes) {
    const Kind kind = change.object().kind;
    must_place_ = must_place_ || kind == Kind::kNode || kind == Kind::kPlacement ||
                  kind == Kind::kSubnet || kind == Kind::kLoadBalancer;
    may_have_orphans_ = may_have_orphans_ || (kind == Kind::kBackend && !change.after);
    if (kind != Kind::kLoadBalancer && kind != Kind::kElasticIp) continue;
    may_have_releasing_ = may_have_unsettled_ = true;
    if (kind == Kind::kLoadBalancer && !change.after) buried_.insert(change.before->id);
  }
}

/// Once in the life of a store: another seed would move every flow.
void Keeper::make_hash_seed() {
  if (has_hash_seed_) return;
  const model::Id id(model::kHashSeedId);
  const auto stored = parts_.store.get(model::object_key(Kind::kKeyring, id));
  has_hash_seed_ = stored.ok();
  if (stored || stored.error().code != ErrorCode::kNotFound) return;
  Object keyring;
  keyring.kind = Kind::kKeyring;
  keyring.id = keyring.name = id;
  keyring.owner = model::kDefaultOwner;
  keyring.created = utc_text(parts_.clock.wall_now());
  model::Keyring seeds;
  seeds.current = secret_hex(kHashSeedSize);
  keyring.spec = model::to_json(seeds);
  WritePlan plan({});
  plan.create(keyring, model::LoadBalancerType::kAlb, {});
  has_hash_seed_ = commit(plan.take(audit("make hash seed", id)), "the seed of the hash of flows");
}

Result<void> Keeper::find_buried() {
  WEIR_ASSIGN_OR_RETURN(const store::Listing roots, parts_.store.list(kRoots));
  for (const store::Entry& entry : roots.entries) {
    if (entry.value == kBuriedRoot) buried_.insert(entry.key.substr(kRoots.size()));
  }
  return {};
}

bool Keeper::commit(store::Transaction transaction, const char* what) {
  const std::string object = transaction.audit.object;
  const auto committed = parts_.store.commit(transaction);
  if (!committed && committed.error().code != ErrorCode::kStale) {
    log::warning("control could not write",
                 {{"what", what}, {"object", object}, {"error", to_string(committed.error())}});
  }
  // The follower would see it too, a little later.
  (void)parts_.catalog.refresh();
  return committed.ok();
}

Result<Revision> Keeper::root_revision(const model::Id& id) const {
  const auto root = parts_.store.get(model::root_key(id));
  if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
  WEIR_TRY(parts_.catalog.refresh());
  return root ? root->revision : Revision();
}

void Keeper::place() {
  if (!must_place_) return;
  must_place_ = false;
  const auto ids = parts_.catalog.read([](const model::ObjectIndex& index, Revision) {
    std::vector<model::Id> all;
    for (const Object* lb : index.all(Kind::kLoadBalancer)) all.push_back(lb->id);
    return all;
  });
  for (const model::Id& id : ids) place_one(id);
}

void Keeper::place_one(const model::Id& id) {
  const auto root = root_revision(id);
  if (!root) {
    must_place_ = true;
    return;
  }
  const auto presence = presence_in(parts_.observed.view(), parts_.clock.now() - started_);
  WritePlan plan({{model::root_key(id), *root}});
  const bool has_work = parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* lb = index.find(Kind::kLoadBalancer, id);
    if (lb == nullptr) return false;
    const PlacementChange change = placement_change(*lb, index, presence);
    must_place_ = must_place_ || change.is_waiting;
    const std::int64_t epoch = next_placement_epoch(*lb, index);
    const std::string created = utc_text(parts_.clock.wall_now());
    const auto type = model::from_json<model::LoadBalancer>(lb->spec).value.type;
    for (const Object* placement : change.remove) plan.remove(*placement, type);
    for (const std::string& node : change.add) {
      plan.create(new_placement(*lb, node, epoch, created), type, parts_.quotas);
    }
    return !change.add.empty() || !change.remove.empty();
  });
  // Somebody else may write below the load balancer at this moment: then the next round tries
  // again.
  if (has_work && !commit(plan.take(audit("place lb", id)), "a placement")) must_place_ = true;
}

void Keeper::end_drains() {
  const ObservedView observed = parts_.observed.view();
  const WallTime now = parts_.clock.wall_now();
  const auto ended = parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    std::vector<Object> drains;
    for (const Object* drain : index.all(Kind::kDrain)) {
      const auto nodes = nodes_of(index, model::load_balancer_of(*drain));
      if (is_drain_over(*drain, nodes, observed, now)) drains.push_back(*drain);
    }
    return drains;
  });
  for (const Object& drain : ended) {
    const model::Id lb = model::load_balancer_of(drain);
    const auto root = root_revision(lb);
    if (!root) return;
    WritePlan plan({{model::root_key(lb), *root}});
    plan.remove(drain, model::LoadBalancerType::kAlb);
    commit(plan.take(audit("end drain", drain.id)), "the end of a drain record");
  }
}

bool Keeper::is_free(const std::vector<std::string>& nodes, const std::string& address,
                     Revision released) const {
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    return std::ranges::all_of(nodes, [&](const std::string& node) {
      return has_given_up(node, address, released, index, observed);
    });
  });
}

void Keeper::free_addresses() {
  if (!may_have_releasing_) return;
  const auto listing = parts_.store.list(kAddresses);
  if (!listing) return;
  may_have_releasing_ = false;
  for (const store::Entry& entry : listing->entries) {
    const auto nodes = releasing_nodes(entry.value);
    if (!nodes) continue;
    may_have_releasing_ = true;
    const std::string address = entry.key.substr(entry.key.rfind('/') + 1);
    if (!is_free(*nodes, address, entry.revision)) continue;
    store::Transaction transaction;
    transaction.expectations.push_back({entry.key, entry.revision});
    transaction.writes.push_back({entry.key, std::nullopt});
    transaction.audit = audit("free address", address);
    commit(std::move(transaction), "a freed address");
  }
}

/// Elastic IPs that all nodes of their last load balancer have let go.
void Keeper::settle_elastic_ips() {
  if (!may_have_unsettled_) return;
  may_have_unsettled_ = false;
  const ObservedView observed = parts_.observed.view();
  const auto settled = parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    std::vector<Object> found;
    for (const Object* elastic_ip : index.all(Kind::kElasticIp)) {
      if (!is_releasing(*elastic_ip)) continue;
      may_have_unsettled_ = true;
      if (have_all_given_up(*elastic_ip, index, observed)) found.push_back(*elastic_ip);
    }
    return found;
  });
  for (const Object& elastic_ip : settled) {
    Object updated = elastic_ip;
    updated.admin.erase("releasing");
    WritePlan plan({});
    plan.update(elastic_ip, updated);
    commit(plan.take(audit("release eip", elastic_ip.id)), "the release of an elastic IP");
  }
}

void Keeper::collect() {
  if (buried_.empty()) return;
  const auto hidden = parts_.catalog.hidden();
  for (auto at = buried_.begin(); at != buried_.end();) {
    const model::Id id = *at++;
    const auto left = hidden.find(id);
    collect_one(id, left == hidden.end() ? std::vector<Object>() : left->second);
  }
}

/// Removes a part of what is left; the root with the last part.
void Keeper::collect_one(const model::Id& id, const std::vector<Object>& left) {
  const auto root = root_revision(id);
  if (!root) return;
  if (*root == Revision()) {
    buried_.erase(id);
    return;
  }
  WritePlan plan({{model::root_key(id), *root}});
  const std::size_t count = std::min(left.size(), kCollectedAtOnce);
  for (std::size_t at = 0; at < count; ++at) {
    plan.discard(left[at]);
  }
  if (count == left.size()) {
    plan.remove_root(id);
  } else {
    plan.bury_root(id);
  }
  commit(plan.take(audit("collect lb", id)), "the collection of a deleted load balancer");
}

/// What was observed of backend services that no longer exist.
void Keeper::forget_verdicts() {
  const Instant now = parts_.clock.now();
  if (!may_have_orphans_ && now - last_forgotten_ < kForgetPause) return;
  may_have_orphans_ = false;
  last_forgotten_ = now;
  const ObservedView observed = parts_.observed.view();
  std::vector<std::string> gone;
  parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    for (const std::string& backend : observed.verdicts.backends()) {
      if (index.find(Kind::kBackend, backend) == nullptr) gone.push_back(backend);
    }
  });
  if (!gone.empty()) parts_.observed.forget_services(gone);
}

/// Tokens of creates that nobody will repeat any more.
void Keeper::forget_tokens() {
  const Instant now = parts_.clock.now();
  if (now - last_tokens_forgotten_ < kTokenPause) return;
  auto page = old_client_tokens(parts_.store, tokens_read_, parts_.clock.wall_now());
  if (!page) return;
  tokens_read_ = page->last;
  // A page at a time: the next one at once, the first again after the pause.
  last_tokens_forgotten_ = page->last.empty() ? now : last_tokens_forgotten_;
  if (page->forget.writes.empty()) return;
  page->forget.audit = audit("forget client tokens", "");
  commit(std::move(page->forget), "forgotten client tokens");
}

}  // namespace weir::api
