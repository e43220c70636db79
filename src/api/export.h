// What an account has as a file that apply takes: GET /weir/v1/export. In one order whatever ids
// they have: what load balancers name, then each load balancer with what is below it. Thread: any
// (pure).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/outcome.h"
#include "base/json.h"
#include "http/server.h"
#include "model/kind.h"
#include "model/world_view.h"

namespace weir::api {

/// Which resources are asked for; empty: all.
struct ExportQuery {
  std::set<model::Kind> kinds{};
  std::map<std::string, std::string> labels{};
  std::string load_balancer{};  // id or name: it and what is below it
};

/// kind=lb (may be repeated), labels.<key>=value, loadBalancer=web.
/// Errors:  kInvalidArgument, all of them
Errors read_export_query(const http::Request& request, ExportQuery& into);

/// Every declared form (declared_form.h). The network that the first start made is there
/// everywhere and left out.
/// Errors:  kNotFound, kConflict (the load balancer)
Outcome<std::vector<Json>> exported(const ExportQuery& query, const model::ObjectIndex& index,
                                    const std::string& account);

}  // namespace weir::api
