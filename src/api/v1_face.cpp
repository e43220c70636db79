#include "api/v1_face.h"

#include <algorithm>

#include "api/client_tokens.h"
#include "api/listing.h"
#include "api/native_face.h"
#include "api/policy.h"
#include "api/problem.h"
#include "api/v1_ag.h"
#include "api/v1_operations.h"
#include "api/v1_projection.h"
#include "api/v1_search.h"
#include "base/check.h"
#include "base/random.h"
#include "model/security_group_use.h"

namespace weir::api {
namespace {

using model::Object;

// Segments of /v1/regions/<region>/<collection>.
constexpr std::size_t kCollectionSegments = 4;

http::Response result_response(Json result, const std::string& request_id) {
  http::Response response;
  response.body =
      Json::object({{"requestId", request_id}, {"result", std::move(result)}}).dump() + "\n";
  return response;
}

void tag(http::Response& response, Revision revision) {
  response.headers.push_back({"ETag", "\"" + std::to_string(revision.value) + "\""});
}

http::Response not_found(const std::string& request_id) {
  return problem_response({Error{ErrorCode::kNotFound, "Resource not found", ""}}, request_id);
}

http::Response missing(const V1Kind& kind, const std::string& id, const std::string& request_id) {
  const std::string what = std::string(kind.item) + " '" + id + "' not found";
  return problem_response({Error{ErrorCode::kNotFound, what, kind.id_key()}}, request_id);
}

/// What a client asked for that has no effect yet would be done half, so it is refused.
Errors check_extensions(const QueryPairs& query) {
  Errors errors;
  for (const auto& [name, value] : query) {
    if (name != "plan" || value == "false") continue;
    errors.push_back({ErrorCode::kInvalidArgument, "not supported yet", "plan"});
  }
  return errors;
}

std::string method_of(const http::Request& request) {
  return request.method == "HEAD" ? "GET" : request.method;
}

/// Where a path leads, behind the region.
struct Place {
  bool is_known = false;
  bool is_one = false;
  std::string collection;
  std::string id;
  std::string tail;
};

Place place_of(const http::Request& request) {
  const auto& path = request.path;
  if (path.size() < kCollectionSegments || path.size() > kCollectionSegments + 2) return {};
  const std::string last = path.size() > 4 ? path[4] : "";
  const std::size_t colon = std::min(last.find(':'), last.size());
  Place place{.is_known = true,
              .is_one = path.size() > kCollectionSegments,
              .collection = path[3],
              .id = last.substr(0, colon),
              .tail = last.substr(colon)};
  if (path.size() > 5) place.tail += "/" + path[5];
  return place;
}

/// A call without parameters may leave its body out.
Result<Json> parameters_of(const http::Request& request) {
  if (request.body.empty()) return Json::object();
  return body_of(request);
}

}  // namespace

http::Response V1Face::handle(const http::Request& request) {
  CallRecord record{.caller = {.who = kUnauthenticated,
                               .request_id = secret_hex(16),
                               .source = source_of(request)},
                    .operation = "v1 other"};
  const Place place = place_of(request);
  const V1Operation* operation =
      place.is_known
          ? find_v1_operation({method_of(request), place.collection, place.is_one, place.tail})
          : nullptr;
  if (operation != nullptr) record.operation = operation->counted_as;
  if (is_plausible_id(place.id)) record.object = place.id;
  http::Response response = answer(request, operation, record);
  parts_.audit.note(request, response, record);
  response.headers.push_back({"x-jdcloud-request-id", record.caller.request_id});
  parts_.metrics.value(Metric::kApiRequests, {record.operation, std::to_string(response.status)})
      .add();
  return response;
}

http::Response V1Face::answer(const http::Request& request, const V1Operation* operation,
                              CallRecord& record) {
  const std::string& request_id = record.caller.request_id;
  const auto who = parts_.access.authenticate(request);
  if (!who) return problem_response({who.error()}, request_id);
  record.caller.who = who->who;
  record.caller.account = who->account;
  record.caller.role = who->role;
  const auto& path = request.path;
  if (path.size() < kCollectionSegments || path.size() > kCollectionSegments + 2 ||
      path[1] != "regions" || path[2] != parts_.region) {
    return not_found(request_id);
  }
  const V1InstanceView* view = find_instance_view(path[3]);
  const V1Kind* kind =
      view == nullptr ? find_v1_kind(path[3]) : &v1_kind_of(model::Kind::kInstance);
  // What has no kind of its own yet is of availability groups.
  if (kind == nullptr && has_v1_collection(path[3])) {
    kind = &v1_kind_of(model::Kind::kAvailabilityGroup);
  }
  const bool is_below_view = view != nullptr && path.size() > kCollectionSegments;
  if (kind == nullptr || is_below_view) return not_found(request_id);
  const bool has_body =
      request.method == "POST" || request.method == "PATCH" || request.method == "PUT";
  if (has_body && !has_json_type(request)) {
    return problem_response(status_word(415), "the body must be application/json", request_id);
  }
  auto body = has_body ? parameters_of(request) : Result<Json>(Json::object());
  if (!body) return problem_response({body.error()}, request_id);
  const bool creates = operation != nullptr && operation->call == V1Call::kCreate;
  auto repeat = operation == nullptr ? Result<RepeatToken>(RepeatToken{})
                                     : repeat_token_of(request, kV1TokenHeader, creates);
  if (!repeat) return problem_response({repeat.error()}, request_id);
  Caller caller = record.caller;
  caller.repeat = *std::move(repeat);
  // A create may also have its token in its body.
  if (creates) caller.repeat.request = request_digest(*body);
  Place place = place_of(request);
  return route({.request = request,
                .method = method_of(request),
                .kind = *kind,
                .id = std::move(place.id),
                .tail = std::move(place.tail),
                .view = view,
                .query = request.query,
                .body = *std::move(body),
                .caller = std::move(caller)},
               operation);
}

http::Response V1Face::route(const Call& call, const V1Operation* operation) {
  const std::string& request_id = call.caller.request_id;
  if (operation != nullptr) {
    const auto allowed = check_right(call.caller, rule_of(operation->call), operation->action);
    if (!allowed) return problem_response({allowed.error()}, request_id);
  }
  const Errors errors = check_extensions(call.query);
  if (!errors.empty()) return problem_response(errors, request_id);
  const auto refreshed = parts_.catalog.refresh();
  if (!refreshed) return problem_response({refreshed.error()}, request_id);
  const bool is_one = call.request.path.size() > kCollectionSegments;
  if (is_one && !is_plausible_id(call.id)) return not_found(request_id);
  return operation == nullptr ? not_found(request_id) : run(call, *operation);
}

http::Response V1Face::run(const Call& call, const V1Operation& operation) {
  switch (operation.call) {
    case V1Call::kList:
      return list(call);
    case V1Call::kCreate:
      return create(call);
    case V1Call::kShow:
      return show(call);
    case V1Call::kUpdate:
      return update(call);
    case V1Call::kDelete:
      return remove(call);
    case V1Call::kHealth:
      return health(call);
    case V1Call::kListTargets:
      return targets(call);
    case V1Call::kAddTargets:
    case V1Call::kUpdateTargets:
    case V1Call::kRemoveTargets:
      return change_targets(call, operation.call);
    case V1Call::kStartInstance:
    case V1Call::kStopInstance:
    case V1Call::kRebootInstance:
    case V1Call::kModifyInstance:
      return act_on_instance(call, operation);
    case V1Call::kAssociateElasticIp:
    case V1Call::kDisassociateElasticIp:
    case V1Call::kModifyElasticIp:
      return act_on_elastic_ip(call, operation.call);
    case V1Call::kAssociateGroups:
    case V1Call::kDisassociateGroups:
      return change_groups(call, operation.call);
    case V1Call::kListByGroup:
      return list_by_group(call);
    case V1Call::kAddRules:
    case V1Call::kModifyRules:
    case V1Call::kRemoveRules:
      return change_rules(call, operation.call);
    case V1Call::kAbandonInstances:
      return abandon(call);
    case V1Call::kShowQuota:
      return show_quota(call);
    case V1Call::kModifyQuota:
      return modify_quota(call);
    case V1Call::kLater:
      return later(call, operation);
  }
  return not_found(call.caller.request_id);
}

http::Response V1Face::change_targets(const Call& call, V1Call which) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const V1Targets::Place group{call.id, *if_match};
  if (which == V1Call::kAddTargets) return done(call, targets_.add(group, call.body, call.caller));
  if (which == V1Call::kUpdateTargets) {
    return done(call, targets_.update(group, call.body, call.caller));
  }
  WEIR_CHECK(which == V1Call::kRemoveTargets);
  return done(call, targets_.remove(group, call.body, call.caller));
}

http::Response V1Face::change_rules(const Call& call, V1Call which) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const V1SecurityGroups::Place group{call.id, *if_match};
  if (which == V1Call::kAddRules) {
    return done(call, security_groups_.add_rules(group, call.body, call.caller));
  }
  if (which == V1Call::kModifyRules) {
    return done(call, security_groups_.modify_rules(group, call.body, call.caller));
  }
  WEIR_CHECK(which == V1Call::kRemoveRules);
  return done(call, security_groups_.remove_rules(group, call.body, call.caller));
}

http::Response V1Face::change_groups(const Call& call, V1Call which) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const V1SecurityGroups::Place lb{call.id, *if_match};
  if (which == V1Call::kAssociateGroups) {
    return done(call, security_groups_.associate(lb, call.body, call.caller));
  }
  WEIR_CHECK(which == V1Call::kDisassociateGroups);
  return done(call, security_groups_.disassociate(lb, call.body, call.caller));
}

/// A list whose paging stands in the body; the id is that of a group.
http::Response V1Face::list_by_group(const Call& call) {
  QueryPairs paging = call.query;
  for (const char* key : {"pageNumber", "pageSize"}) {
    const Json* value = call.body.find(key);
    if (value == nullptr || value->is_null()) continue;
    paging.emplace_back(key, value->is_string() ? value->as_string() : value->dump());
  }
  QueryList query;
  const Errors errors = read_v1_query(paging, {}, query);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const V1Kind& group_kind = v1_kind_of(model::Kind::kSecurityGroup);
    const Object* group = find_of(index, group_kind.kind, call.id, call.caller.account);
    if (group == nullptr) return missing(group_kind, call.id, call.caller.request_id);
    Json::Array documents;
    for (const Object* lb : model::load_balancers_using(*group, index.view())) {
      documents.push_back(v1_document(*lb, index, observed));
    }
    return result_response(v1_page(call.kind.collection, std::move(documents), query),
                           call.caller.request_id);
  });
}

http::Response V1Face::act_on_instance(const Call& call, const V1Operation& operation) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const auto written = vm_.act({operation, call.id, *if_match}, call.body, call.caller);
  // Its errors have the names of the call already: no other call of instances says "name".
  if (!written.ok()) return problem_response(written.errors, call.caller.request_id);
  return done(call, written);
}

http::Response V1Face::abandon(const Call& call) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  return done(call, abandon_instances(parts_.writer, {call.id, *if_match}, call.body, call.caller));
}

http::Response V1Face::show_quota(const Call& call) {
  auto quota = quotas_.describe(call.request, call.caller);
  if (!quota.ok()) return problem_response(quota.errors, call.caller.request_id);
  return result_response(*std::move(quota.value), call.caller.request_id);
}

http::Response V1Face::modify_quota(const Call& call) {
  const auto written = quotas_.modify(call.body, call.caller);
  if (!written.ok()) return problem_response(written.errors, call.caller.request_id);
  return result_response(Json::object(), call.caller.request_id);
}

http::Response V1Face::later(const Call& call, const V1Operation& operation) {
  const Errors errors = {
      {ErrorCode::kInvalidArgument, std::string(operation.action) + " is not supported yet", ""}};
  return problem_response(errors, call.caller.request_id);
}

http::Response V1Face::list(const Call& call) {
  QueryList query;
  const V1InstanceView* view = call.view;
  const bool is_own = view != nullptr && view->document != nullptr;
  const auto filters = is_own ? view->filters : call.kind.filters;
  const Errors errors = read_v1_query(call.query, filters, query);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  const ObservedView observed = parts_.observed.view();
  Json::Array documents;
  std::size_t total = 0;
  // Without filters no document is made but those of the page.
  const bool is_of_all = query.filters.empty() && query.tags.empty();
  // Nothing is in a resource group; lists of other kinds have no such parameter.
  const bool is_empty =
      call.kind.kind == model::Kind::kElasticIp && query.arrays.contains("resourceGroupIds");
  parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    std::vector<const Object*> found =
        is_empty ? std::vector<const Object*>() : index.all(call.kind.kind);
    std::erase_if(found, [&](const Object* object) {
      if (!is_of(*object, call.caller.account)) return true;
      if (is_of_all) return false;
      return !matches_v1(
          is_own ? view->document(*object) : v1_searched(*object, index, observed, query), filters,
          query);
    });
    total = found.size();
    const V1Page page = v1_page_of(total, query);
    for (std::size_t i = page.begin; i < page.end; ++i) {
      Json document = is_own ? view->document(*found[i]) : v1_document(*found[i], index, observed);
      documents.push_back(view == nullptr || is_own ? std::move(document)
                                                    : viewed(document, *view));
    }
  });
  const auto plural = call.view == nullptr ? call.kind.plural_key() : call.view->plural;
  return result_response(v1_page(plural, std::move(documents), total), call.caller.request_id);
}

http::Response V1Face::show(const Call& call) {
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* object = find_of(index, call.kind.kind, call.id, call.caller.account);
    if (object == nullptr) return missing(call.kind, call.id, call.caller.request_id);
    auto response = result_response(
        Json::object({{std::string(call.kind.item), v1_document(*object, index, observed)}}),
        call.caller.request_id);
    tag(response, object->revision);
    return response;
  });
}

http::Response V1Face::health(const Call& call) {
  QueryList query;
  const Errors errors = read_v1_query(call.query, {}, query);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* backend = find_of(index, model::Kind::kBackend, call.id, call.caller.account);
    if (backend == nullptr) return missing(call.kind, call.id, call.caller.request_id);
    Json::Array healths = v1_target_healths(*backend, index, observed);
    const bool is_paged = std::ranges::any_of(call.query, [](const auto& pair) {
      return pair.first == "pageSize" || pair.first == "pageNumber";
    });
    if (!is_paged) query.page_size = std::max<std::uint64_t>(healths.size(), 1);
    return result_response(v1_page("targetHealths", std::move(healths), query),
                           call.caller.request_id);
  });
}

http::Response V1Face::targets(const Call& call) {
  QueryList query;
  const Errors errors = read_v1_query(call.query, v1_target_filters(), query);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* group = find_of(index, model::Kind::kTargetGroup, call.id, call.caller.account);
    if (group == nullptr) return missing(call.kind, call.id, call.caller.request_id);
    Json::Array found = v1_targets(*group, index);
    std::erase_if(
        found, [&](const Json& target) { return !matches_v1(target, v1_target_filters(), query); });
    return result_response(v1_page("targets", std::move(found), query), call.caller.request_id);
  });
}

http::Response V1Face::created(const Call& call, const std::string& key, Json id,
                               Revision revision) {
  auto response = result_response(Json::object({{key, std::move(id)}}), call.caller.request_id);
  tag(response, revision);
  return response;
}

http::Response V1Face::create_elastic_ips(const Call& call) {
  const auto made = elastic_ips_.create(call.body, call.caller);
  if (!made.ok()) return problem_response(made.errors, call.caller.request_id);
  Json ids = Json::array();
  for (const model::Id& id : made.value->ids) ids.push_back(id);
  return created(call, "elasticIpIds", std::move(ids), made.value->revision);
}

http::Response V1Face::act_on_elastic_ip(const Call& call, V1Call which) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  // Who may not delete an elastic IP may not do it this way either.
  if (V1ElasticIps::deletes(which, call.body)) {
    const auto may = check_right(call.caller, rule_of(V1Call::kDelete), "deleteElasticIp");
    if (!may) return problem_response({may.error()}, call.caller.request_id);
  }
  return done(call, elastic_ips_.act({which, call.id, *if_match}, call.body, call.caller));
}

http::Response V1Face::create(const Call& call) {
  if (call.kind.kind == model::Kind::kInstance) {
    const auto made = vm_.create(call.body, call.caller);
    if (!made.ok()) return problem_response(made.errors, call.caller.request_id);
    Json ids = Json::array();
    for (const Object& instance : *made.value) ids.push_back(Json(instance.id));
    return created(call, "instanceIds", std::move(ids), made.value->front().revision);
  }
  if (call.kind.kind == model::Kind::kElasticIp) return create_elastic_ips(call);
  Errors errors;
  const Json body = native_create_body(call.kind, call.body, errors);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  const Json* elastic_ip =
      call.kind.kind == model::Kind::kLoadBalancer ? V1ElasticIps::asked_for(call.body) : nullptr;
  const auto written = elastic_ip == nullptr
                           ? parts_.writer.create(call.kind.kind, body, call.caller)
                           : elastic_ips_.create_with(body, *elastic_ip, call.caller);
  if (!written.ok()) {
    return problem_response(as_v1_errors(written.errors, call.kind), call.caller.request_id);
  }
  return created(call, call.kind.id_key(), Json(written.value->id), written.value->revision);
}

http::Response V1Face::update(const Call& call) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const auto change = [&](const Object& old, Object& updated) {
    Errors errors;
    const Json body = native_update_body(call.kind, call.body, old, errors);
    Errors read = model::read_update(old, body, model::UpdateMode::kReplace, updated);
    std::ranges::move(read, std::back_inserter(errors));
    return errors;
  };
  const std::string word(model::kind_name(call.kind.kind));
  return done(call, parts_.writer.update({call.kind.kind, call.id, *if_match, "update " + word},
                                         change, call.caller));
}

http::Response V1Face::remove(const Call& call) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const bool is_cascade = std::ranges::any_of(call.query, [](const auto& pair) {
    return pair.first == "cascade" && pair.second == "true";
  });
  const std::string word(model::kind_name(call.kind.kind));
  return done(call, parts_.writer.remove({call.kind.kind, call.id, *if_match, "delete " + word},
                                         is_cascade, call.caller));
}

http::Response V1Face::done(const Call& call, const Outcome<Object>& written) const {
  if (!written.ok()) {
    Errors errors = as_v1_errors(written.errors, call.kind);
    for (Error& error : errors) {
      if (error.field == call.kind.name_key()) error.field = call.kind.new_name_key();
    }
    return problem_response(errors, call.caller.request_id);
  }
  auto response = result_response(Json::object(), call.caller.request_id);
  tag(response, written.value->revision);
  return response;
}

}  // namespace weir::api
