#include "api/v1_quotas.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>

#include "api/listing.h"
#include "api/native_face.h"
#include "api/policy.h"
#include "api/quotas.h"
#include "api/resource_writer.h"
#include "api/write_errors.h"
#include "model/keys.h"
#include "model/load_balancer.h"
#include "model/registry.h"
#include "model/security_group.h"
#include "model/target_group.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// A word of `type`, and what it counts.
struct QuotaType {
  std::string_view word;
  std::string_view counter;  // "lb": of the type of load balancer; empty: comes later
  std::optional<Kind> parent{};
  bool is_fixed = false;
};
constexpr QuotaType kTypes[] = {{"loadbalancer", "lb"},
                                {"listener", "listener", Kind::kLoadBalancer},
                                {"backend", "backend", Kind::kLoadBalancer},
                                {"target_group", "tg", Kind::kLoadBalancer},
                                {"target", "target", Kind::kTargetGroup, true},
                                {"customizedConfiguration", ""},
                                {"securityPolicy", ""},
                                {"urlMap", ""},
                                {"rules", ""},
                                {"extensionCertificate", ""},
                                {"ruleExtendAction", ""},
                                {"vpc", "vpc"},
                                {"elastic_ip", "eip"},
                                {"subnet", "subnet", Kind::kVpc},
                                {"security_group", "securityGroup", Kind::kVpc},
                                {"security_group_rules", "rule", Kind::kSecurityGroup, true}};
constexpr std::string_view kResources[] = {"instance", "ag"};

Error invalid(std::string_view field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

std::string words_of(const auto& list, const auto& word) {
  std::string text;
  for (const auto& one : list) text += (text.empty() ? "[" : ",") + std::string(word(one));
  return text + "]";
}

/// What a call names, checked.
struct Asked {
  const QuotaType* type = nullptr;
  model::LoadBalancerType lb_type = model::LoadBalancerType::kAlb;
  std::string account{};
  Object parent{};  // without an id: the account
};

/// Members of a call as text, from its query or its body.
using Members = std::function<const Json*(std::string_view)>;

std::string text_at(const Members& members, std::string_view key, Errors& errors) {
  const Json* value = members(key);
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return value->as_string();
  errors.push_back(invalid(key, "must be a string"));
  return "";
}

void read_type(const Members& members, Asked& asked, Errors& errors) {
  const std::size_t before = errors.size();
  const std::string word = text_at(members, "type", errors);
  const auto* found = std::ranges::find(kTypes, word, &QuotaType::word);
  if (found != std::end(kTypes)) {
    asked.type = found;
    if (found->counter.empty()) errors.push_back(invalid("type", "not supported yet"));
  } else if (errors.size() == before) {
    errors.push_back(invalid(
        "type", word.empty() ? "is missing"
                             : "expected one of " + words_of(kTypes, [](const QuotaType& one) {
                                 return one.word;
                               })));
  }
  const std::string lb_type = text_at(members, "lbType", errors);
  if (lb_type.empty()) return;
  const auto* known = std::ranges::find(model::kLoadBalancerTypeWords, lb_type);
  if (known == std::end(model::kLoadBalancerTypeWords)) {
    errors.push_back(invalid("lbType", "expected one of [alb,nlb,dnlb]"));
    return;
  }
  asked.lb_type =
      static_cast<model::LoadBalancerType>(known - std::begin(model::kLoadBalancerTypeWords));
}

/// Whose quotas: the caller's own, or any account's for administrators of the service.
void read_account(const Members& members, const Caller& caller, Asked& asked, Errors& errors) {
  const std::string account = text_at(members, "account", errors);
  asked.account = account.empty() ? caller.account : account;
  if (asked.account == caller.account) return;
  if (!is_of_service(caller)) {
    errors.push_back({ErrorCode::kPermissionDenied,
                      "must be the account of the caller, " + caller.account, "account"});
  } else if (!is_plausible_id(account)) {
    errors.push_back(invalid("account", "expected the name of an account"));
  }
}

/// The object that is counted in. Errors: kNotFound
void find_parent(const std::string& id, const Catalog& catalog, Asked& asked, Errors& errors) {
  catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* found = find_of(index, *asked.type->parent, id, asked.account);
    if (found == nullptr) {
      // An id may be any bytes: only one that could be one is said back.
      errors.push_back({ErrorCode::kNotFound,
                        is_plausible_id(id) ? "'" + id + "' not found" : "not found",
                        "parentResourceId"});
      return;
    }
    asked.parent = *found;
    const Object* lb = index.find(Kind::kLoadBalancer, model::load_balancer_of(*found));
    if (lb == nullptr) return;
    asked.lb_type = model::from_json<model::LoadBalancer>(lb->spec).value.type;
  });
}

Asked read_asked(const Members& members, const Catalog& catalog, const Caller& caller,
                 Errors& errors) {
  Asked asked;
  read_type(members, asked, errors);
  read_account(members, caller, asked, errors);
  const std::string parent = text_at(members, "parentResourceId", errors);
  if (asked.type == nullptr || asked.type->counter.empty()) return asked;
  if (!asked.type->parent) {
    if (!parent.empty()) errors.push_back(invalid("parentResourceId", "has no meaning with it"));
  } else if (parent.empty()) {
    errors.push_back(invalid("parentResourceId", "is missing"));
  } else {
    find_parent(parent, catalog, asked, errors);
  }
  return asked;
}

QuotaPlace place_of(const Asked& asked) {
  std::string counter(asked.type->counter);
  if (counter == "lb") counter += "/" + std::string(model::word_of(asked.lb_type));
  return {asked.parent.id.empty() ? asked.account : asked.parent.id, std::move(counter)};
}

/// What stands in a document has a limit that nobody changes.
QuotaState fixed_state(const Asked& asked) {
  if (asked.type->parent == Kind::kTargetGroup) {
    const auto group = model::from_json<model::TargetGroup>(asked.parent.spec).value;
    return {model::quotas_of(asked.lb_type).targets,
            static_cast<std::int64_t>(group.targets.size())};
  }
  const auto group = model::from_json<model::SecurityGroup>(asked.parent.spec).value;
  const std::size_t rules = group.rules ? group.rules->size() : 0;
  return {static_cast<std::int64_t>(model::kSecurityGroupRulesMax),
          static_cast<std::int64_t>(rules)};
}

std::int64_t configured_of(const QuotaSettings& settings, const std::string& counter,
                           model::LoadBalancerType type) {
  const auto setting = settings.find(counter);
  return setting == settings.end() ? default_quota(counter, type) : setting->second;
}

/// The service that a signed call names: "vm"; empty of another call.
std::string service_of(const http::Request& request) {
  const std::string* header = request.header("Authorization");
  const std::size_t from = header == nullptr ? std::string::npos : header->find("Credential=");
  if (from == std::string::npos) return "";
  std::string_view rest = std::string_view(*header).substr(from);
  rest = rest.substr(0, rest.find(','));
  // <access key>/<day>/<region>/<service>/<end>
  for (int i = 0; i < 3; ++i) rest = rest.substr(std::min(rest.find('/'), rest.size() - 1) + 1);
  return std::string(rest.substr(0, rest.find('/')));
}

/// Which resources a describeQuotas asks for. Errors: kInvalidArgument
Errors read_resources(const http::Request& request, std::vector<std::string_view>& into) {
  constexpr FilterName kNames[] = {{"resourceTypes"}};
  QueryList query;
  Errors errors = read_query_list(request.query, {.filters = kNames, .sorts = {}}, query);
  const std::string service = service_of(request);
  for (const std::string_view resource : kResources) {
    const bool is_asked = std::ranges::all_of(query.filters, [&](const ListFilter& filter) {
      return std::ranges::find(filter.values, resource) != filter.values.end();
    });
    const bool is_served = service.empty() || (service == "ag") == (resource == "ag");
    if (is_asked && is_served) into.push_back(resource);
  }
  return errors;
}

}  // namespace

Result<Json> V1Quotas::quotas(std::string_view resource, const std::string& account) const {
  std::vector<std::string> owners;
  if (resource == "ag") {
    owners.push_back(account);
  } else {
    // Instances are counted by VPC: all of the account's together.
    parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
      for (const Object* vpc : index.all(Kind::kVpc)) {
        if (is_of(*vpc, account)) owners.push_back(vpc->id);
      }
    });
  }
  const std::string counter(resource);
  const auto fallback = configured_of(parts_.settings, counter, model::LoadBalancerType::kAlb);
  QuotaState sum;
  for (const std::string& owner : owners) {
    WEIR_ASSIGN_OR_RETURN(const auto state, quota_state(parts_.store, {owner, counter}, fallback));
    sum.max += state.max;
    sum.count += state.count;
  }
  return Json::object({{"resourceType", resource}, {"limit", sum.max}, {"used", sum.count}});
}

Outcome<Json> V1Quotas::describe(const http::Request& request, const Caller& caller) const {
  Json query = Json::object();
  for (const auto& [name, value] : request.query) query[name] = Json(value);
  const Members members = [&query](std::string_view key) { return query.find(key); };
  const std::string service = service_of(request);
  if (request.parameter("type") == nullptr && service != "lb" && service != "vpc") {
    std::vector<std::string_view> resources;
    Errors errors = read_resources(request, resources);
    Asked asked;
    read_account(members, caller, asked, errors);
    if (!errors.empty()) return errors;
    Json list = Json::array();
    for (const std::string_view resource : resources) {
      auto quota = quotas(resource, asked.account);
      if (!quota) return quota.error();
      list.push_back(*std::move(quota));
    }
    return Json::object({{"quotas", std::move(list)}});
  }
  Errors errors;
  const Asked asked = read_asked(members, parts_.catalog, caller, errors);
  if (!errors.empty()) return errors;
  const QuotaPlace place = place_of(asked);
  const auto state =
      asked.type->is_fixed
          ? Result<QuotaState>(fixed_state(asked))
          : quota_state(parts_.store, place,
                        configured_of(parts_.settings, place.counter, asked.lb_type));
  if (!state) return state.error();
  return Json::object({{"quota", Json::object({{"type", asked.type->word},
                                               {"parentResourceId", asked.parent.id},
                                               {"maxLimit", state->max},
                                               {"count", state->count}})}});
}

/// The root of what is counted in, read before the object is looked for: whoever deletes it
/// meanwhile moves it. Errors: kNotFound, kUnavailable
Result<std::optional<store::Expectation>> V1Quotas::root_of(const Json& body) const {
  const Json* parent = body.find("parentResourceId");
  const bool is_named = parent != nullptr && parent->is_string();
  if (!is_named || !is_plausible_id(parent->as_string())) {
    return std::optional<store::Expectation>();
  }
  const std::string key = model::root_key(parent->as_string());
  const auto root = parts_.store.get(key);
  if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
  // Of what has no root of its own nothing can be set; the catalog says what it is.
  if (!root) return std::optional<store::Expectation>();
  if (root->value == kBuriedRoot) {
    return Error{ErrorCode::kNotFound, "'" + parent->as_string() + "' not found",
                 "parentResourceId"};
  }
  return std::optional(store::Expectation{key, root->revision});
}

Outcome<Revision> V1Quotas::try_modify(const Json& body, const Caller& caller) {
  const auto root = root_of(body);
  if (!root) return root.error();
  Errors errors;
  const Members members = [&body](std::string_view key) { return body.find(key); };
  const Asked asked = read_asked(members, parts_.catalog, caller, errors);
  const bool is_known = asked.type != nullptr && !asked.type->counter.empty();
  if (is_known && asked.type->is_fixed) {
    errors.push_back(invalid("type", "a change of it is not supported yet"));
  }
  const QuotaPlace place = is_known ? place_of(asked) : QuotaPlace{};
  const std::int64_t most = model::quota_limit(place.counter);
  const Json* max = body.find("maxLimit");
  if (max == nullptr || max->is_null()) {
    errors.push_back(invalid("maxLimit", "is missing"));
  } else if (!max->is_integer() || max->as_integer() < 0 || max->as_integer() > most) {
    errors.push_back(
        invalid("maxLimit", "must be an integer between 0 and " + std::to_string(most)));
  }
  if (!errors.empty()) return errors;
  if (!asked.parent.id.empty() && !*root) {
    return Error{ErrorCode::kNotFound, "'" + asked.parent.id + "' not found", "parentResourceId"};
  }
  const auto configured = configured_of(parts_.settings, place.counter, asked.lb_type);
  const auto written =
      set_quota(parts_.store, {place, max->as_integer(), configured, *root}, caller);
  if (!written) return written.error();
  return *written;
}

Outcome<Revision> V1Quotas::modify(const Json& body, const Caller& caller) {
  Outcome<Revision> written = Error{ErrorCode::kUnavailable, "too many writes at once", ""};
  // Another write below the same object is no reason to give up.
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    written = try_modify(body, caller);
    if (written.ok() || !is_lost_race(written.errors.front())) return written;
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many writes at once", ""};
}

}  // namespace weir::api
