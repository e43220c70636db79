#include "api/v1_elastic_ips.h"

#include <algorithm>

#include "api/elastic_ips.h"
#include "api/v1_projection.h"
#include "base/check.h"
#include "model/elastic_ip.h"
#include "model/load_balancer.h"
#include "model/object_body.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

// Source: product.md B.6. Reached: 400 naming maxCount.
constexpr std::size_t kElasticIpsPerCallMax = 100;

Error invalid(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

const Json* given(const Json& body, std::string_view key) {
  const Json* value = body.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

/// The native body of one elastic IP. `outer` is the call, `spec` what it says of the address.
Json native_body(const Json& spec, const Json& outer, Errors& errors) {
  Json generic = Json::object();
  for (const std::string_view key : {"bandwidthMbps", "provider", "chargeSpec"}) {
    if (const Json* value = given(spec, key)) generic[key] = *value;
  }
  // What an older model of the API calls it.
  const Json* old_name = given(spec, "bandwidth");
  if (old_name != nullptr && generic.find("bandwidthMbps") == nullptr) {
    generic["bandwidthMbps"] = *old_name;
  }
  for (const std::string_view key : {"elasticIpAddress", "userTags"}) {
    if (const Json* value = given(outer, key)) generic[key] = *value;
  }
  return native_create_body(v1_kind_of(Kind::kElasticIp), generic, errors);
}

/// The public API gives an elastic IP no name. `spec` may be null.
ResourceWriter::Draft draft_of(const ResourceWriter& writer, const Json* spec, const Json& outer,
                               const Caller& caller) {
  Errors errors;
  const bool is_object = spec != nullptr && spec->is_object();
  const Json native = native_body(is_object ? *spec : Json::object(), outer, errors);
  ResourceWriter::Draft draft = writer.draft(Kind::kElasticIp, native, caller);
  draft.object.name = draft.object.id;
  std::ranges::move(errors, std::back_inserter(draft.errors));
  if (is_object) return draft;
  // What is not there lacks nothing else.
  std::erase_if(draft.errors, [](const Error& error) {
    return error.field.starts_with("spec.") && error.field != "spec.address";
  });
  draft.errors.push_back(invalid("spec", spec == nullptr ? "is missing" : "must be an object"));
  return draft;
}

std::size_t count_of(const Json& body, Errors& errors) {
  if (given(body, "maxCount") == nullptr) errors.push_back(invalid("maxCount", "is missing"));
  return v1_count(body, kElasticIpsPerCallMax, errors);
}

bool flag_of(const Json& body, std::string_view key, Errors& errors) {
  const Json* flag = given(body, key);
  if (flag == nullptr) return false;
  if (flag->is_bool()) return flag->as_bool();
  errors.push_back(invalid(std::string(key), "must be true or false"));
  return false;
}

/// What is wrong with the call beside the fields of an elastic IP.
void check_call(const Json& body, std::size_t count, Errors& errors) {
  const Json* address = given(body, "elasticIpAddress");
  if (address != nullptr && count > 1) {
    errors.push_back(invalid("elasticIpAddress", "can be given with a maxCount of 1 only"));
  }
  const Json* type = given(body, "ipType");
  if (type != nullptr && *type != Json("standard")) {
    errors.push_back(invalid("ipType", "expected one of [standard]"));
  }
  static constexpr V1Later kLater[] = {{"resourceGroupId"}};
  check_later(body, kLater, errors);
}

/// "spec.bandwidthMbps" as "elasticIpSpec.bandwidthMbps"; each once, however many were asked for.
Errors as_call_errors(Errors errors) {
  Errors told;
  for (Error& error : errors) {
    std::string& field = error.field;
    if (field == "spec.address") field = "elasticIpAddress";
    if (field.starts_with("labels")) field = "userTags";
    if (field == "spec" || field.starts_with("spec.")) field.replace(0, 4, "elasticIpSpec");
    if (field.starts_with("admin.charge")) field.replace(0, 12, "elasticIpSpec.chargeSpec");
    const auto is_same = [&](const Error& other) {
      return other.field == error.field && other.message == error.message;
    };
    if (std::ranges::none_of(told, is_same)) told.push_back(std::move(error));
  }
  return told;
}

/// Those of an elastic IP that comes with a load balancer.
Errors as_load_balancer_errors(Errors errors) {
  for (Error& error : errors) {
    std::string& field = error.field;
    if (field == "elasticIp.spec") field = "elasticIp";
    if (field.starts_with("elasticIp.spec.")) field.erase(10, 5);
    if (field.starts_with("elasticIp.admin.charge")) field.replace(10, 12, "chargeSpec");
  }
  return as_v1_errors(std::move(errors), v1_kind_of(Kind::kLoadBalancer));
}

/// The id in the body of associateElasticIp and disassociateElasticIp.
Result<std::string> elastic_ip_of(const Json& body) {
  const Json* id = given(body, "elasticIpId");
  if (id == nullptr || *id == Json("")) return invalid("elasticIpId", "is missing");
  if (!id->is_string()) return invalid("elasticIpId", "must be a string");
  return id->as_string();
}

void name_elastic_ip(Object& load_balancer, const std::string& id) {
  auto spec = model::from_json<model::LoadBalancer>(load_balancer.spec).value;
  spec.elastic_ip_id = id;
  load_balancer.spec = model::to_json(spec);
}

Errors begin_association(const Json& body, const Object& old, Object& updated) {
  const auto id = elastic_ip_of(body);
  if (!id) return {id.error()};
  const std::string bound = old.spec.string_or("elasticIpId", "");
  if (!bound.empty() && bound != *id) {
    return {{ErrorCode::kConflict,
             "load balancer " + old.id + " has elastic IP " + bound + ": disassociate it first",
             "elasticIpId"}};
  }
  name_elastic_ip(updated, *id);
  return {};
}

Errors end_association(const Json& body, const Object& old, Object& updated) {
  Errors errors;
  flag_of(body, "deleteElasticIp", errors);
  const auto id = elastic_ip_of(body);
  if (!id) errors.push_back(id.error());
  if (!errors.empty()) return errors;
  if (old.spec.string_or("elasticIpId", "") != *id) {
    return {{ErrorCode::kFailedPrecondition,
             "'" + *id + "' is not associated with load balancer " + old.id, "elasticIpId"}};
  }
  name_elastic_ip(updated, "");
  return {};
}

Errors modify(const Json& body, const Object& old, Object& updated) {
  const Json* bandwidth = given(body, "bandwidthMbps");
  if (bandwidth == nullptr) return {invalid("bandwidthMbps", "is missing")};
  const Json spec = Json::object({{"bandwidthMbps", *bandwidth}});
  return model::read_update(old, Json::object({{"spec", spec}}), model::UpdateMode::kMerge,
                            updated);
}

}  // namespace

void add_elastic_ip(const Object& elastic_ip, const model::ObjectIndex& index, Json& document) {
  const auto admin = model::from_json<model::ElasticIpAdmin>(elastic_ip.admin).value;
  const bool is_associated = !admin.load_balancer_id.empty();
  document["elasticIpAddress"] = admin.address;
  document["elasticIpPoolId"] = admin.pool;
  document["providerNameCN"] = document.string_or("provider", "");
  document["az"] = admin.az;
  document["ipType"] = "standard";
  document["status"] = is_associated ? "ASSOCIATED" : "NOT_ASSOCIATED";
  document["state"] = "UP";
  if (!is_associated) return;
  document["instanceId"] = admin.load_balancer_id;
  document["instanceType"] = "lb";
  const Object* lb = index.find(Kind::kLoadBalancer, admin.load_balancer_id);
  if (lb != nullptr) document["privateIpAddress"] = lb->admin.string_or("vip", "");
}

Outcome<V1ElasticIps::Made> V1ElasticIps::create(const Json& body, const Caller& caller) {
  Errors errors;
  const std::size_t count = count_of(body, errors);
  const bool is_dry_run = flag_of(body, "dryRun", errors);
  check_call(body, count, errors);
  const Json* spec = given(body, "elasticIpSpec");
  std::vector<ResourceWriter::Draft> drafts;
  for (std::size_t i = 0; i < count; ++i) drafts.push_back(draft_of(writer_, spec, body, caller));
  std::ranges::move(errors, std::back_inserter(drafts.front().errors));
  const auto written = writer_.create_all(drafts, caller, is_dry_run);
  if (!written.ok()) return as_call_errors(written.errors);
  Made made{{}, written.value->back().revision};
  for (const Object& elastic_ip : *written.value) {
    if (!is_dry_run) made.ids.push_back(elastic_ip.id);
  }
  return made;
}

const Json* V1ElasticIps::asked_for(const Json& body) {
  const Json* asked = given(body, "elasticIp");
  const bool is_nothing =
      asked == nullptr || (asked->is_object() &&
                           std::ranges::all_of(asked->as_object(), [](const Json::Member& member) {
                             return member.second.is_null();
                           }));
  return is_nothing ? nullptr : asked;
}

Outcome<Object> V1ElasticIps::create_with(const Json& native, const Json& elastic_ip,
                                          const Caller& caller) {
  ResourceWriter::Draft drafts[] = {draft_of(writer_, &elastic_ip, Json::object(), caller),
                                    writer_.draft(Kind::kLoadBalancer, native, caller)};
  drafts[0].path = "elasticIp.";
  associate(drafts[1].object, drafts[0].object);
  auto written = writer_.create_all(drafts, caller);
  if (!written.ok()) return as_load_balancer_errors(std::move(written.errors));
  return std::move(written.value->back());
}

bool V1ElasticIps::deletes(V1Call call, const Json& body) {
  return call == V1Call::kDisassociateElasticIp && body.bool_or("deleteElasticIp", false);
}

Outcome<Object> V1ElasticIps::act(const Action& action, const Json& body, const Caller& caller) {
  using Change = Errors (*)(const Json&, const Object&, Object&);
  const bool is_modify = action.call == V1Call::kModifyElasticIp;
  const bool is_end = action.call == V1Call::kDisassociateElasticIp;
  WEIR_CHECK(is_modify || is_end || action.call == V1Call::kAssociateElasticIp);
  const Change make = is_modify ? modify : is_end ? end_association : begin_association;
  ResourceWriter::Place place{is_modify ? Kind::kElasticIp : Kind::kLoadBalancer, action.id,
                              action.if_match,
                              is_modify ? "update eip"
                              : is_end  ? "disassociate elastic ip"
                                        : "associate elastic ip"};
  place.deletes_freed_elastic_ip = deletes(action.call, body);
  const auto change = [&](const Object& old, Object& updated) { return make(body, old, updated); };
  return writer_.update(place, change, caller);
}

}  // namespace weir::api
