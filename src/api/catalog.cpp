#include "api/catalog.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/log.h"
#include "model/keys.h"
#include "model/parts.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// How long the follower waits in the store before it looks whether it should end.
constexpr std::chrono::milliseconds kFollowSlice{100};
/// Pause after the store could not be read.
constexpr std::chrono::milliseconds kFailurePause{500};

Instant now() { return std::chrono::steady_clock::now(); }

/// The object of an entry, or nothing (logged) when this build cannot read it.
std::optional<Object> object_of(const std::string& key, const std::string& value,
                                Revision revision) {
  Kind kind{};
  model::Id id;
  if (!model::parse_object_key(key, kind, id)) {
    log::error("the store holds a key of an unknown kind", {{"key", key}});
    return std::nullopt;
  }
  auto object = model::object_from_stored(kind, id, revision, value);
  if (!object) {
    log::error("the store holds an object that cannot be read",
               {{"key", key}, {"error", to_string(object.error())}});
    return std::nullopt;
  }
  return *std::move(object);
}

/// Load balancers before what stands below them, whatever the order of keys.
bool dependency_order(const Object& left, const Object& right) {
  return std::tie(left.kind, left.id) < std::tie(right.kind, right.id);
}

/// What a value holds of the heap and of the value around it.
std::size_t bytes_of(const Json& value) {
  std::size_t bytes = sizeof(Json);
  if (value.is_string()) bytes += value.as_string().capacity();
  if (value.is_array()) {
    for (const Json& item : value.as_array()) bytes += bytes_of(item);
  }
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      bytes += sizeof(name) + name.capacity() + bytes_of(member);
    }
  }
  return bytes;
}

/// What came is in the index, or is what the next change of the object replaced: only what was
/// there before is held by this change alone.
std::size_t size_of(const LiveChange& change) {
  // Chosen because labels, keys and pointers of an object come to about this much.
  constexpr std::size_t kRest = 512;
  if (!change.before) return kRest;
  return kRest + bytes_of(change.before->spec) + bytes_of(change.before->admin);
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const store::Store& store) {
  std::unique_ptr<Catalog> catalog(new Catalog(store));
  WEIR_TRY(catalog->relist());
  Catalog* followed = catalog.get();
  catalog->follower_ =
      std::jthread([followed](const std::stop_token& stop) { followed->follow(stop); });
  return catalog;
}

Catalog::~Catalog() {
  stop();
  follower_.request_stop();
}

void Catalog::stop() {
  const MutexLock lock(mutex_);
  is_stopping_ = true;
  changed_.notify_all();
}

void Catalog::follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto pulled = pull(now() + kFollowSlice);
    if (pulled) continue;
    log::error("the store cannot be read", {{"error", to_string(pulled.error())}});
    const MutexLock lock(mutex_);
    if (!is_stopping_) changed_.wait_until(mutex_, now() + kFailurePause);
  }
}

Result<void> Catalog::refresh() {
  const Revision wanted = store_.version().revision;
  while (revision() < wanted) WEIR_TRY(pull(now()));
  return {};
}

Result<void> Catalog::pull(Instant deadline) {
  WEIR_ASSIGN_OR_RETURN(const store::Changes changes, store_.changes_after(revision(), deadline));
  if (changes.must_relist) return relist();
  take(changes);
  return {};
}

/// Reads everything anew and works out what has changed meanwhile.
Result<void> Catalog::relist() {
  WEIR_ASSIGN_OR_RETURN(const store::Listing listing, store_.list(store::kObjectPrefix));
  std::vector<Object> objects;
  for (const store::Entry& entry : listing.entries) {
    if (auto object = object_of(entry.key, entry.value, entry.revision)) {
      objects.push_back(*std::move(object));
    }
  }
  std::ranges::sort(objects, dependency_order);
  const MutexLock lock(mutex_);
  if (revision_ >= listing.revision && revision_ != Revision()) return {};
  std::set<std::pair<Kind, std::string>> present;
  for (const Object& object : objects) present.emplace(object.kind, object.id);
  for (const Kind kind : model::all_kinds()) {
    for (const Object* object : index_.all(kind)) {
      const model::Id id = object->id;  // the object goes with the deletion
      if (!present.contains({kind, id})) take_delete(kind, id, listing.revision);
    }
  }
  for (Object& object : objects) {
    const Object* known = index_.find(object.kind, object.id);
    if (known == nullptr || known->revision != object.revision) take_put(std::move(object));
  }
  // The order of what happened in between is lost: nobody may resume from before.
  changes_.clear();
  changes_bytes_ = 0;
  forgotten_ = revision_ = listing.revision;
  changed_.notify_all();
  return {};
}

void Catalog::take(const store::Changes& changes) {
  const MutexLock lock(mutex_);
  std::vector<store::Change> group;
  for (const store::Change& change : changes.changes) {
    if (change.revision <= revision_) continue;  // somebody else was faster
    if (!group.empty() && group.front().revision != change.revision) {
      take_revision(std::exchange(group, {}));
    }
    group.push_back(change);
  }
  if (!group.empty()) take_revision(std::move(group));
  if (changes.revision > revision_) revision_ = changes.revision;
  changed_.notify_all();
}

void Catalog::take_revision(std::vector<store::Change> changes) {
  const Revision revision = changes.front().revision;
  std::vector<Object> puts;
  for (const store::Change& change : changes) {
    Kind kind{};
    model::Id id;
    if (!change.value) {
      if (model::parse_object_key(change.key, kind, id)) take_delete(kind, id, revision);
    } else if (auto object = object_of(change.key, *change.value, revision)) {
      puts.push_back(*std::move(object));
    }
  }
  std::ranges::sort(puts, dependency_order);
  for (Object& object : puts) take_put(std::move(object));
  revision_ = revision;
}

bool Catalog::is_live(const Object& object) const {
  if (object.kind == Kind::kLoadBalancer) return true;
  const model::Id lb = model::load_balancer_of(object);
  return lb.empty() || index_.find(Kind::kLoadBalancer, lb) != nullptr;
}

void Catalog::take_put(Object object) {
  if (!is_live(object)) {
    auto& below = hidden_[model::load_balancer_of(object)];
    below.insert_or_assign(model::object_key(object.kind, object.id), std::move(object));
    return;
  }
  const auto after = std::make_shared<const Object>(std::move(object));
  LiveChange change{
      .revision = after->revision, .before = index_.share(after->kind, after->id), .after = after};
  index_.put(after);
  note(std::move(change));
}

void Catalog::take_delete(Kind kind, const model::Id& id, Revision revision) {
  const std::string key = model::object_key(kind, id);
  for (auto at = hidden_.begin(); at != hidden_.end();) {
    at->second.erase(key);
    at = at->second.empty() ? hidden_.erase(at) : std::next(at);
  }
  const std::shared_ptr<const Object> known = index_.share(kind, id);
  if (known == nullptr) return;
  if (kind == Kind::kLoadBalancer) hide_children(*known, revision);
  LiveChange change{.revision = revision, .before = known, .after = nullptr};
  index_.erase(kind, known->id);
  note(std::move(change));
}

/// With its root everything below a load balancer has gone for every reader, at once.
void Catalog::hide_children(const Object& load_balancer, Revision revision) {
  const model::Id lb = load_balancer.id;
  for (const Kind kind : model::all_kinds()) {
    if (kind == Kind::kLoadBalancer || kind == Kind::kSubnet) continue;
    for (const Object* each : index_.children(kind, lb)) {
      const std::shared_ptr<const Object> child = index_.share(kind, each->id);
      hidden_[lb].insert_or_assign(model::object_key(kind, child->id), *child);
      index_.erase(kind, child->id);
      note({.revision = revision, .before = child, .after = nullptr});
    }
  }
}

void Catalog::index_parts(const LiveChange& change) {
  for (const model::PartKind& kind : model::part_kinds()) {
    if (change.object().kind != kind.whole) continue;
    for (const Object* whole : {change.before.get(), change.after.get()}) {
      const Json* parts = whole == nullptr ? nullptr : whole->spec.find(kind.list);
      if (parts == nullptr || !parts->is_array()) continue;
      for (const Json& part : parts->as_array()) {
        const std::string id = part.string_or(kind.id_field, "");
        if (whole == change.after.get()) {
          whole_of_part_[id] = whole->id;
        } else {
          whole_of_part_.erase(id);
        }
      }
    }
  }
}

model::Id Catalog::whole_of_part(std::string_view part) const {
  const MutexLock lock(mutex_);
  const auto found = whole_of_part_.find(part);
  return found == whole_of_part_.end() ? model::Id() : found->second;
}

void Catalog::note(LiveChange change) {
  index_parts(change);
  const std::size_t bytes = size_of(change);
  changes_bytes_ += bytes;
  changes_.push_back({std::move(change), bytes});
  while (changes_.size() > kLiveChangesKept || changes_bytes_ > kLiveChangesBytesKept) {
    changes_bytes_ -= changes_.front().bytes;
    forgotten_ = changes_.front().change.revision;
    changes_.pop_front();
  }
}

Revision Catalog::revision() const {
  const MutexLock lock(mutex_);
  return revision_;
}

bool Catalog::wait_after(Revision after, Instant deadline,
                         const std::atomic<bool>* interrupt) const {
  const MutexLock lock(mutex_);
  const auto is_interrupted = [&] { return interrupt != nullptr && *interrupt; };
  while (revision_ <= after && !is_stopping_ && !is_interrupted()) {
    if (!changed_.wait_until(mutex_, deadline)) break;
  }
  return revision_ > after && !is_stopping_;
}

void Catalog::wake() const {
  const MutexLock lock(mutex_);
  changed_.notify_all();
}

std::optional<Catalog::Progress> Catalog::changes_after(Revision after) const {
  const MutexLock lock(mutex_);
  if (after < forgotten_ || after > revision_) return std::nullopt;
  Progress progress{{}, revision_};
  const auto revision_of = [](const Kept& kept) { return kept.change.revision; };
  for (auto at = std::ranges::upper_bound(changes_, after, {}, revision_of); at != changes_.end();
       ++at) {
    progress.changes.push_back(at->change);
  }
  return progress;
}

std::optional<model::ObjectIndex> Catalog::index_at(Revision revision) const {
  const MutexLock lock(mutex_);
  if (revision < forgotten_ || revision > revision_) return std::nullopt;
  model::ObjectIndex past = index_;
  for (auto at = changes_.rbegin(); at != changes_.rend() && at->change.revision > revision; ++at) {
    if (at->change.before) {
      past.put(at->change.before);
    } else {
      past.erase(at->change.after->kind, at->change.after->id);
    }
  }
  return past;
}

std::map<model::Id, std::vector<Object>> Catalog::hidden() const {
  const MutexLock lock(mutex_);
  std::map<model::Id, std::vector<Object>> found;
  for (const auto& [lb, objects] : hidden_) {
    for (const auto& [key, object] : objects) found[lb].push_back(object);
  }
  return found;
}

}  // namespace weir::api
