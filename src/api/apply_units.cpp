#include "api/apply_units.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/declared_form.h"
#include "api/listing.h"
#include "api/object_names.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Id;
using model::Kind;
using model::Object;

bool is_of_load_balancer(Kind kind) {
  return kind == Kind::kLoadBalancer ||
         model::description_of(kind).parent == std::optional(Kind::kLoadBalancer);
}

/// Divides one call; lives as long as that.
class Divider {
 public:
  Divider(const ApplyRequest& request, const model::ObjectIndex& index, const std::string& account)
      : request_(request), index_(index), account_(account), names_(index, account) {}

  std::vector<ApplyUnit> divide();

 private:
  using Key = std::pair<Kind, Id>;

  std::optional<Id> stored_id(const Document& document) const;
  std::string text_at(const Document& document, std::string_view field) const;
  ApplyUnit& tree_of(const Document& document, const std::optional<Id>& stored);
  ApplyUnit& tree_at(const std::string& key, const std::string& name);
  bool is_pruned(const Object& object) const;
  void add_neighbour(std::vector<ApplyUnit>& units, Kind kind, const Document* document,
                     const Id& removed);
  void divide_removals();

  const ApplyRequest& request_;
  const model::ObjectIndex& index_;
  const std::string& account_;
  const ObjectNames names_;
  std::set<Key> declared_;
  std::vector<ApplyUnit> neighbours_;
  std::vector<ApplyUnit> trees_;
  std::map<std::string, std::size_t> tree_by_key_;  // id of the load balancer, or its new name
  std::set<std::string> ending_trees_;
  std::vector<ApplyUnit> gone_;
};

std::string Divider::text_at(const Document& document, std::string_view field) const {
  const Json* spec = document.body.find("spec");
  return spec == nullptr ? "" : spec->string_or(field, "");
}

/// Nothing: it is new, or it cannot be said which one it is.
std::optional<Id> Divider::stored_id(const Document& document) const {
  const Kind kind = *document.kind->kind;
  if (!document.id.empty()) {
    const bool is_there = find_of(index_, kind, document.id, account_) != nullptr;
    return is_there ? std::optional(document.id) : std::nullopt;
  }
  Id parent;
  if (is_named_within_parent(kind)) {
    const auto found =
        names_.find(*document.kind->parent, "", text_at(document, document.kind->parent_field));
    if (!found || !*found) return std::nullopt;
    parent = **found;
  }
  const auto ids = names_.named(kind, parent, document.name);
  return ids.size() == 1 ? std::optional(ids.front()) : std::nullopt;
}

ApplyUnit& Divider::tree_at(const std::string& key, const std::string& name) {
  const auto [place, is_new] = tree_by_key_.try_emplace(key, trees_.size());
  if (is_new) {
    const Object* stored = find_of(index_, Kind::kLoadBalancer, key, account_);
    const std::string title = stored == nullptr ? name : stored->name;
    trees_.push_back(
        {.title = "load balancer " + title, .operation = "apply lb", .load_balancer = title});
  }
  return trees_[place->second];
}

ApplyUnit& Divider::tree_of(const Document& document, const std::optional<Id>& stored) {
  if (document.kind->kind == Kind::kLoadBalancer) {
    return tree_at(stored.value_or(document.name), document.name);
  }
  const std::string text = text_at(document, document.kind->parent_field);
  const auto found = names_.find(Kind::kLoadBalancer, "", text);
  return tree_at(found && *found ? **found : text, text);
}

bool Divider::is_pruned(const Object& object) const {
  if (!is_of(object, account_) || declared_.contains({object.kind, object.id})) return false;
  return is_declarable(object) && std::ranges::all_of(request_.prune, [&](const auto& label) {
           const auto own = object.labels.find(label.first);
           return own != object.labels.end() && own->second == label.second;
         });
}

void Divider::add_neighbour(std::vector<ApplyUnit>& units, Kind kind, const Document* document,
                            const Id& removed) {
  const std::string operation = "apply " + std::string(model::kind_name(kind));
  const bool has_room =
      !units.empty() && units.back().operation == operation &&
      units.back().documents.size() + units.back().removals.size() < kNeighboursMax;
  if (!has_room) {
    units.push_back(
        {.title = std::string(model::description_of(kind).singular), .operation = operation});
  }
  if (document != nullptr) units.back().documents.push_back(document);
  if (!removed.empty()) units.back().removals.emplace_back(kind, removed);
}

void Divider::divide_removals() {
  if (request_.prune.empty()) return;
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    if (!is_declarable(kind) || !is_of_load_balancer(*kind.kind)) continue;
    for (const Object* object : index_.all(*kind.kind)) {
      if (!is_pruned(*object)) continue;
      const Id lb = model::load_balancer_of(*object);
      tree_at(lb, lb).removals.emplace_back(object->kind, object->id);
      if (object->kind == Kind::kLoadBalancer) ending_trees_.insert(lb);
    }
  }
  const auto kinds = model::kind_descriptions();
  for (auto kind = kinds.rbegin(); kind != kinds.rend(); ++kind) {
    if (!is_declarable(*kind) || is_of_load_balancer(*kind->kind)) continue;
    for (const Object* object : index_.all(*kind->kind)) {
      if (is_pruned(*object)) add_neighbour(gone_, object->kind, nullptr, object->id);
    }
  }
}

std::vector<ApplyUnit> Divider::divide() {
  std::vector<const Document*> ordered;
  for (const Document& document : request_.documents) ordered.push_back(&document);
  std::ranges::sort(ordered, {}, [](const Document* document) {
    return std::pair(rank_of(*document->kind->kind), document->index);
  });
  for (const Document* document : ordered) {
    const Kind kind = *document->kind->kind;
    const auto stored = stored_id(*document);
    if (stored) declared_.emplace(kind, *stored);
    if (is_of_load_balancer(kind)) {
      tree_of(*document, stored).documents.push_back(document);
    } else {
      add_neighbour(neighbours_, kind, document, "");
    }
  }
  divide_removals();
  std::vector<ApplyUnit> units = std::move(neighbours_);
  std::set<std::size_t> ending;
  for (const std::string& key : ending_trees_) ending.insert(tree_by_key_.at(key));
  // In the order of the file: who gives something up can be named before who takes it.
  for (const bool is_ending : {false, true}) {
    for (std::size_t at = 0; at < trees_.size(); ++at) {
      if (ending.contains(at) == is_ending) units.push_back(std::move(trees_[at]));
    }
  }
  std::ranges::move(gone_, std::back_inserter(units));
  return units;
}

}  // namespace

std::size_t rank_of(Kind kind) {
  const auto kinds = model::kind_descriptions();
  const auto found = std::ranges::find(kinds, std::optional(kind), &model::KindDescription::kind);
  return static_cast<std::size_t>(found - kinds.begin());
}

std::vector<ApplyUnit> units_of(const ApplyRequest& request, const model::ObjectIndex& index,
                                const std::string& account) {
  return Divider(request, index, account).divide();
}

}  // namespace weir::api
