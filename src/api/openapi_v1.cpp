// The JD Cloud half of the OpenAPI document.
#include <algorithm>

#include "api/field_schema.h"
#include "api/openapi_parts.h"
#include "api/schema_lines.h"
#include "api/v1_kinds.h"
#include "api/v1_list.h"
#include "api/v1_operations.h"
#include "api/v1_outputs.h"
#include "api/v1_parameters.h"
#include "api/v1_projection.h"
#include "api/v1_vm.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::FieldDescription;

constexpr std::string_view kBase = "/v1/regions/{regionId}";

std::string item_name(const V1Kind& kind) { return "v1." + std::string(kind.item); }

std::string_view name_of(const FieldDescription& field) {
  return field.v1_name.empty() ? field.name : field.v1_name;
}

void add_parameter(const V1Parameter& parameter, std::string_view effect, Json& schema) {
  Json member = schema_of_type(parameter.type);
  if (!parameter.sentence.empty()) member["description"] = Json(parameter.sentence);
  if (effect != kTakesEffect) member["x-weir-effect"] = Json(effect);
  add_member(schema, parameter.name, std::move(member), parameter.is_required);
}

/// A create or an update of a kind: its name, the fields of its spec, and what stands beside them.
Json kind_body(const V1Kind& kind, bool is_create) {
  Json schema = Json::object({{"type", "object"}});
  const SchemaUse use = is_create ? SchemaUse::kCreate : SchemaUse::kUpdate;
  add_member(schema, is_create ? kind.name_key() : kind.new_name_key(), schema_of_type("string"),
             is_create);
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    if (is_create ? !is_taken(kind, field) : !is_updated(kind, field)) continue;
    Json member = field_schema(field, use);
    const auto own = std::ranges::find(kind.defaults, field.name, &V1Default::field);
    if (is_create && own != kind.defaults.end()) member["default"] = Json(own->value);
    add_member(schema, name_of(field), std::move(member), is_create && field.options.is_required);
  }
  for (const auto& [parameter, create, update] : v1_kind_parameters(kind)) {
    const std::string_view effect = is_create ? create : update;
    if (effect != kIsIgnored) add_parameter(parameter, effect, schema);
  }
  return schema;
}

/// The body of an operation; null when it has none.
Json body_of(const V1Operation& operation, const V1Kind* kind) {
  if (!operation.method.starts_with('P')) return {};
  const auto own = v1_own_parameters(operation.action);
  if (own.empty() && kind != nullptr &&
      (operation.call == V1Call::kCreate || operation.call == V1Call::kUpdate)) {
    return kind_body(*kind, operation.call == V1Call::kCreate);
  }
  Json schema = Json::object({{"type", "object"}});
  for (const V1Parameter& parameter : own) add_parameter(parameter, parameter.effect, schema);
  return schema;
}

Json result_of(std::string_view plural, Json item) {
  Json schema = Json::object({{"type", "object"}});
  add_member(schema, std::string(plural) + "[]", std::move(item), true);
  add_member(schema, "totalCount", schema_of_type("integer"), true);
  return schema;
}

Json one_member(std::string_view name, Json member) {
  Json schema = Json::object({{"type", "object"}});
  add_member(schema, name, std::move(member), true);
  return schema;
}

Json ids_result(std::string_view name, std::string_view kind) {
  Json ids = Json::object({{"type", "array"}});
  ids["items"] = schema_of_type("id " + std::string(kind));
  return one_member(name, std::move(ids));
}

Json created_result(const V1Kind& kind) {
  const std::string_view word = model::kind_name(kind.kind);
  if (kind.kind == model::Kind::kInstance) return ids_result("instanceIds", word);
  if (kind.kind == model::Kind::kElasticIp) return ids_result("elasticIpIds", word);
  return one_member(kind.id_key(), schema_of_type("id " + std::string(word)));
}

Json result_schema(const V1Operation& operation, const V1Kind* kind) {
  const V1InstanceView* view = find_instance_view(operation.collection);
  switch (operation.call) {
    case V1Call::kList:
    case V1Call::kListByGroup:
      if (view != nullptr) return result_of(view->plural, v1_view_schema(*view));
      return result_of(kind->plural_key(), schema_reference(item_name(*kind)));
    case V1Call::kShow:
      return one_member(kind->item, schema_reference(item_name(*kind)));
    case V1Call::kCreate:
      return created_result(*kind);
    case V1Call::kHealth:
      return result_of("targetHealths", v1_target_health_schema());
    case V1Call::kShowQuota:
      return v1_quota_schema();
    case V1Call::kListTargets:
      return result_of("targets", schema_reference("v1.target"));
    default:
      return Json::object({{"type", "object"}});
  }
}

Json envelope(Json result) {
  Json schema = Json::object({{"type", "object"}});
  add_member(schema, "requestId", schema_of_type("string"), true);
  add_member(schema, "result", std::move(result), true);
  return schema;
}

void add_query(std::string_view name, std::string_view sentence, Json schema, OpenApiCall& call) {
  Json parameter = parameter_json("query", name, sentence, std::move(schema));
  if (name.find(".N") != std::string_view::npos) parameter["x-weir-numbered"] = Json(true);
  call.parameters.push_back(std::move(parameter));
}

/// Pages, and where there are any, filters and tags. Source: product.md B.3.
void add_list_query(std::span<const V1Filter> filters, OpenApiCall& call) {
  add_query("pageNumber", "from 1; beyond the end: the last page", schema_of_type("integer"), call);
  add_query("pageSize", "default 20", schema_of_type("integer 10..100"), call);
  if (filters.empty()) return;
  Json names = schema_of_type("string");
  Json words = Json::array();
  for (const V1Filter& known : filters) words.push_back(Json(known.filter.name));
  names["enum"] = std::move(words);
  add_query("filters.N.name", "all filters must match; N from 1", std::move(names), call);
  add_query("filters.N.values.M", "one of them must match; M from 1", schema_of_type("string"),
            call);
  add_query("filters.N.operator", "eq without it", schema_of_type("eq|ne|lt|le|gt|ge|in|like"),
            call);
  add_query("tags.N.key", "of a label", schema_of_type("string"), call);
  add_query("tags.N.values.M", "one of them; without: any", schema_of_type("string"), call);
}

/// describeQuota, and without a type describeQuotas of vm and ag.
void add_quota_query(OpenApiCall& call) {
  add_query("type", "whose number is asked for; without: instances and availability groups",
            schema_of_type("string"), call);
  add_query("lbType", "of loadbalancer, default alb", schema_of_type("alb|nlb|dnlb"), call);
  add_query("parentResourceId", "what it is counted in, where that is not the account",
            schema_of_type("string"), call);
  add_query("account", "whose; another than the caller's for administrators of the service alone",
            schema_of_type("string"), call);
  add_query("filters.N.name", "resourceTypes, without a type", schema_of_type("string"), call);
  add_query("filters.N.values.M", "instance or ag", schema_of_type("string"), call);
}

/// A list may stand in a POST.
bool is_change(const V1Operation& operation) {
  return operation.method != "GET" && operation.call != V1Call::kListByGroup &&
         operation.call != V1Call::kModifyQuota;
}

void add_parameters(const V1Operation& operation, const V1Kind* kind, OpenApiCall& call) {
  call.parameters.push_back(
      parameter_json("path", "regionId", "as configured", schema_of_type("string")));
  if (operation.is_one) {
    const std::string path = v1_path(operation);
    const std::size_t open = path.find('{') + 1;
    const bool is_group = operation.call == V1Call::kListByGroup;
    const auto of = is_group          ? model::Kind::kSecurityGroup
                    : kind == nullptr ? model::Kind::kAvailabilityGroup
                                      : kind->kind;
    call.parameters.push_back(
        path_parameter(path.substr(open, path.find('}') - open), model::kind_name(of)));
  }
  if (operation.call == V1Call::kList && kind != nullptr) {
    const V1InstanceView* view = find_instance_view(operation.collection);
    const bool is_own = view != nullptr && view->document != nullptr;
    add_list_query(is_own ? view->filters : kind->filters, call);
  }
  if (operation.action == "describeElasticIps") {
    add_query("resourceGroupIds.N", "nothing is in one: nothing is found", schema_of_type("string"),
              call);
  }
  if (operation.call == V1Call::kListTargets) add_list_query(v1_target_filters(), call);
  if (operation.call == V1Call::kHealth) add_list_query({}, call);
  if (operation.call == V1Call::kShowQuota) add_quota_query(call);
  if (operation.is_one && is_change(operation)) call.parameters.push_back(if_match_parameter());
  if (operation.call == V1Call::kDelete && operation.collection == "loadBalancers") {
    add_query("cascade", "true: with all below it", schema_of_type("boolean"), call);
  }
  if (operation.call == V1Call::kCreate) {
    call.parameters.push_back(parameter_json(
        "header", "x-jdcloud-client-token",
        "the same again within a day gets the first result again", schema_of_type("string")));
  }
}

/// The kind whose objects the operation is about; null for what is later.
const V1Kind* kind_of(const V1Operation& operation) {
  const bool is_view = find_instance_view(operation.collection) != nullptr;
  return is_view ? &v1_kind_of(model::Kind::kInstance) : find_v1_kind(operation.collection);
}

}  // namespace

void add_v1_calls(Json& paths) {
  for (const V1Operation& operation : v1_operations()) {
    const V1Kind* kind = kind_of(operation);
    const bool has_object = operation.call != V1Call::kList && operation.call != V1Call::kCreate;
    OpenApiCall call{
        .method = operation.method,
        .path = std::string(kBase) + v1_path(operation),
        .id = "v1_" + std::string(operation.action),
        .summary = std::string(operation.action) + " of the JD Cloud API",
        .tag = "v1 " + std::string(operation.collection.substr(0, operation.collection.find(':'))),
        .rule = rule_of(operation.call),
        .counted_as = std::string(operation.counted_as),
        .body = body_of(operation, kind),
        .is_body_required = false,
        .answer = envelope(result_schema(operation, kind)),
        .has_etag = operation.call == V1Call::kShow || is_change(operation),
        .is_of_one = has_object};
    call.is_later = operation.call == V1Call::kLater || operation.call == V1Call::kRebootInstance;
    add_parameters(operation, kind, call);
    add_call(call, paths);
  }
}

void add_v1_schemas(Json& schemas) {
  for (const V1Operation& operation : v1_operations()) {
    const V1Kind* kind = find_v1_kind(operation.collection);
    if (operation.call != V1Call::kList || kind == nullptr) continue;
    schemas[item_name(*kind)] = v1_item_schema(*kind);
  }
  Json shared = v1_shared_schemas();
  for (auto& [name, schema] : shared.as_object()) schemas[name] = std::move(schema);
}

}  // namespace weir::api
