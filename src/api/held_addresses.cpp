#include "api/held_addresses.h"

#include "api/placement.h"
#include "model/elastic_ip.h"

namespace weir::api {

bool has_given_up(const std::string& node, const std::string& address, Revision released,
                  const model::ObjectIndex& index, const ObservedView& observed) {
  if (index.find(model::Kind::kNode, node) == nullptr) return true;
  const NodeReport* report = observed.node(node);
  return report != nullptr && report->has_reported && report->applied.revision >= released &&
         !report->addresses.contains(address) && !report->may_have_more_addresses;
}

std::vector<std::string> holders_of(const model::Object& object, const model::ObjectIndex& index) {
  if (object.kind != model::Kind::kElasticIp) return nodes_of(index, object.id);
  return model::from_json<model::ElasticIpAdmin>(object.admin).value.releasing;
}

}  // namespace weir::api
