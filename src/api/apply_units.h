// What of an apply becomes one transaction each: a load balancer with everything below it, and a
// few of the resources beside load balancers at a time. In the order in which they are written:
// what load balancers name, the load balancers, then what goes. Thread: values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/apply_request.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Resources beside load balancers in one transaction. Chosen because twenty security groups with
/// all their rules stay below the limits of a transaction. Reached: the next ones go into another;
/// weir_store_commits_total counts it.
inline constexpr std::size_t kNeighboursMax = 20;

struct ApplyUnit {
  std::string title{};          // "load balancer web", or "vpc"; stands before its errors
  std::string operation{};      // for the audit: "apply lb"
  std::string load_balancer{};  // name, or empty
  /// In the order in which they may name each other.
  std::vector<const Document*> documents{};
  /// What goes, in the order in which it was made; taken away in reverse.
  std::vector<std::pair<model::Kind, model::Id>> removals{};
};

/// The place of a kind in the order of dependencies: it names only those before it.
std::size_t rank_of(model::Kind kind);

/// `request` must outlive the units. What a name stands for is judged again when a unit is written.
std::vector<ApplyUnit> units_of(const ApplyRequest& request, const model::ObjectIndex& index,
                                const std::string& account);

}  // namespace weir::api
