#include "api/export.h"

#include <algorithm>
#include <tuple>

#include "api/apply_units.h"
#include "api/bootstrap.h"
#include "api/declared_form.h"
#include "api/listing.h"
#include "api/object_names.h"
#include "model/registry.h"
#include "model/vpc.h"

namespace weir::api {
namespace {

using model::Id;
using model::Kind;
using model::Object;

constexpr std::string_view kLabels = "labels.";

bool is_built_in(const Object& object) {
  return object.id == model::kDefaultVpcId || object.id == kDefaultSubnetId;
}

bool is_asked_for(const Object& object, const ExportQuery& query, const Id& load_balancer) {
  if (!query.kinds.empty() && !query.kinds.contains(object.kind)) return false;
  if (!load_balancer.empty() && model::load_balancer_of(object) != load_balancer) return false;
  return std::ranges::all_of(query.labels, [&](const auto& label) {
    const auto own = object.labels.find(label.first);
    return own != object.labels.end() && own->second == label.second;
  });
}

/// Neighbours by kind, then each load balancer with what is below it; by name within that.
auto place_of(const Object& object, const model::ObjectIndex& index) {
  const Object* above = index.find(Kind::kLoadBalancer, model::load_balancer_of(object));
  const std::size_t rank = rank_of(object.kind);
  return std::tuple(above == nullptr ? rank : rank_of(Kind::kLoadBalancer),
                    above == nullptr ? "" : above->name, above == nullptr ? "" : above->id, rank,
                    object.name, object.id);
}

}  // namespace

Errors read_export_query(const http::Request& request, ExportQuery& into) {
  Errors errors;
  const auto fail = [&](std::string_view field, std::string message) {
    errors.push_back({ErrorCode::kInvalidArgument, std::move(message), std::string(field)});
  };
  for (const auto& [name, value] : request.query) {
    if (name == "kind") {
      const model::KindDescription* kind = model::find_description(value);
      if (kind == nullptr || !is_declarable(*kind)) {
        fail(name, "is not a kind that can be declared");
      } else {
        into.kinds.insert(*kind->kind);
      }
    } else if (name == "loadBalancer") {
      if (value.empty()) fail(name, "must be an id or a name");
      into.load_balancer = value;
    } else if (name.starts_with(kLabels)) {
      into.labels[name.substr(kLabels.size())] = value;
    } else {
      fail("query", "names a parameter that this call does not have");
    }
  }
  return errors;
}

Outcome<std::vector<Json>> exported(const ExportQuery& query, const model::ObjectIndex& index,
                                    const std::string& account) {
  const ObjectNames names(index, account);
  Id load_balancer;
  if (!query.load_balancer.empty()) {
    const auto found = names.find(Kind::kLoadBalancer, "", query.load_balancer);
    if (!found) return Error{found.error().code, found.error().message, "loadBalancer"};
    if (!*found) return Error{ErrorCode::kNotFound, "load balancer not found", "loadBalancer"};
    load_balancer = **found;
  }
  std::vector<const Object*> chosen;
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    if (!is_declarable(kind)) continue;
    for (const Object* object : index.all(*kind.kind)) {
      const bool is_shown = is_of(*object, account) && is_declarable(*object) &&
                            !is_built_in(*object) && is_asked_for(*object, query, load_balancer);
      if (is_shown) chosen.push_back(object);
    }
  }
  std::ranges::sort(chosen, {}, [&](const Object* object) { return place_of(*object, index); });
  std::vector<Json> forms;
  for (const Object* object : chosen) forms.push_back(declared_form(*object, index, names));
  return forms;
}

}  // namespace weir::api
