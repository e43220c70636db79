#include "api/v1_security_groups.h"

#include <algorithm>
#include <span>

#include "api/v1_items.h"
#include "api/v1_projection.h"
#include "model/load_balancer.h"
#include "model/parts.h"
#include "model/security_group.h"
#include "model/security_group_use.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;
using model::SecurityGroupRule;

constexpr std::string_view kRules = "spec.rules";
constexpr std::string_view kGroups = "spec.securityGroupIds";
constexpr std::string_view kGroupIds = "securityGroupIds";

/// A number of the public product and the word it stands for.
struct Numbered {
  std::int64_t number;
  std::string_view word;
};
constexpr Numbered kDirections[] = {{0, "in"}, {1, "out"}};
constexpr Numbered kProtocols[] = {{300, "ALL"}, {6, "TCP"}, {17, "UDP"}, {1, "ICMP"}};

const model::PartKind& rule_kind() {
  static const model::PartKind& kKind =
      *model::part_kind_of(*model::find_description("securityGroupRule"));
  return kKind;
}

const std::vector<model::FieldDescription>& rule_fields() {
  static const auto kFields = model::describe<SecurityGroupRule>();
  return kFields;
}

std::int64_t number_of(std::span<const Numbered> known, std::string_view word) {
  const auto found = std::ranges::find(known, word, &Numbered::word);
  return found == known.end() ? -1 : found->number;
}

/// Puts the word in place of the number; some word in place of what is none, which is told.
void put_word(Json& item, std::string_view key, std::span<const Numbered> known,
              const std::string& path, Errors& errors) {
  const Json* value = item.find(key);
  if (value == nullptr) return;
  const auto found =
      std::ranges::find_if(known, [&](const Numbered& one) { return *value == Json(one.number); });
  if (found == known.end()) {
    std::string wanted;
    for (const Numbered& one : known) {
      wanted += (wanted.empty() ? "" : ", ") + std::to_string(one.number);
    }
    errors.push_back({ErrorCode::kInvalidArgument, "must be one of [" + wanted + "]",
                      path + "." + std::string(key)});
  }
  item[key] = found == known.end() ? known.front().word : found->word;
}

/// What an item of a call says of a rule, in native words.
Json native_rule(const Json& item, const std::string& path, Errors& errors) {
  if (!item.is_object()) {
    errors.push_back({ErrorCode::kInvalidArgument, "must be an object", path});
    return Json::object();
  }
  Json native = known_fields(item, rule_fields());
  for (const model::FieldDescription& field : rule_fields()) {
    if (field.options.is_output) native.erase(field.name);
  }
  put_word(native, "direction", kDirections, path, errors);
  put_word(native, "protocol", kProtocols, path, errors);
  return native;
}

/// Reads a whole rule for the stored list.
Json read_rule(const Json& whole, const std::string& path, Errors& errors) {
  auto parsed = model::from_json<SecurityGroupRule>(whole, path, model::UnknownKeys::kIgnore);
  // What was no object at all lacks nothing else.
  const bool is_told = std::ranges::find(errors, path, &Error::field) != errors.end();
  if (!is_told) std::ranges::move(parsed.errors, std::back_inserter(errors));
  return model::to_json(parsed.value);
}

Error unknown_rule(const std::string& id, std::string field) {
  return {ErrorCode::kNotFound, "'" + id + "' not found", std::move(field)};
}

bool is_ported(const Json& protocol) {
  const auto words = model::words(model::RuleProtocol{});
  const auto at = std::ranges::find(words, protocol.is_string() ? protocol.as_string() : "");
  return at != words.end() &&
         model::has_ports(static_cast<model::RuleProtocol>(at - words.begin()));
}

/// From a protocol without ports to one that has some, or back, the old ones do not fit: a rule
/// that names no new ones has those that its protocol begins with.
void forget_ports(const Json& changes, Json& whole) {
  const Json* protocol = changes.find("protocol");
  if (protocol == nullptr || whole.find("protocol") == nullptr) return;
  if (is_ported(*protocol) == is_ported(*whole.find("protocol"))) return;
  for (const std::string_view key : {"fromPort", "toPort"}) whole.erase(key);
}

/// The ids of a call; what is none is told.
std::vector<model::Id> ids_of(const Json::Array& items, std::string_view list, Errors& errors) {
  std::vector<model::Id> ids;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_string()) {
      ids.push_back(items[i].as_string());
    } else {
      errors.push_back({ErrorCode::kInvalidArgument, "must be a string", item_path(list, i)});
    }
  }
  return ids;
}

Error alb_only() {
  return {ErrorCode::kInvalidArgument, "is supported on alb only", std::string(kGroupIds)};
}

void set_groups(Object& lb, const std::vector<model::Id>& ids) {
  Json list = Json::array();
  for (const model::Id& id : ids) list.push_back(id);
  lb.spec[kGroupIds] = std::move(list);
}

}  // namespace

Json::Array v1_security_group_rules(const Object& group) {
  Json::Array rules;
  const auto spec = model::from_json<model::SecurityGroup>(group.spec).value;
  for (const SecurityGroupRule& rule : spec.rules.value_or(std::vector<SecurityGroupRule>())) {
    Json json = model::to_json(rule);
    json["direction"] = Json(number_of(kDirections, model::word_of(rule.direction)));
    json["protocol"] = Json(number_of(kProtocols, model::word_of(rule.protocol)));
    rules.push_back(std::move(json));
  }
  return rules;
}

Outcome<Object> V1SecurityGroups::write(Kind kind, const Place& place, const std::string& operation,
                                        const ResourceWriter::Change& change,
                                        const Caller& caller) {
  return writer_.update({kind, place.id, place.if_match, operation}, change, caller);
}

Outcome<Object> V1SecurityGroups::add_rules(const Place& group, const Json& body,
                                            const Caller& caller) {
  constexpr std::string_view kList = "networkSecurityGroupRuleSpecs";
  const auto specs = list_of(body, kList);
  ItemPlaces items;
  const auto change = [&](const Object&, Object& updated) -> Errors {
    if (!specs) return {specs.error()};
    Errors errors;
    items.clear();
    for (std::size_t i = 0; i < specs->size(); ++i) {
      Json::Array& rules = model::parts_of(rule_kind(), updated);
      const std::string path = item_path(kRules, rules.size());
      items[rules.size()] = i;
      rules.push_back(read_rule(native_rule((*specs)[i], path, errors), path, errors));
    }
    return errors;
  };
  auto written = write(Kind::kSecurityGroup, group, "add security group rules", change, caller);
  if (written.ok()) return written;
  return as_item_errors(std::move(written.errors), kRules, kList, items);
}

Outcome<Object> V1SecurityGroups::modify_rules(const Place& group, const Json& body,
                                               const Caller& caller) {
  constexpr std::string_view kList = "modifySecurityGroupRuleSpecs";
  const auto specs = list_of(body, kList);
  ItemPlaces items;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!specs) return {specs.error()};
    Errors errors;
    items.clear();
    for (std::size_t i = 0; i < specs->size(); ++i) {
      const Json& item = (*specs)[i];
      const std::string id = item.string_or("ruleId", "");
      const auto place = model::part_index(rule_kind(), old, id);
      if (!place) {
        errors.push_back(unknown_rule(id, item_path(kList, i) + ".ruleId"));
        continue;
      }
      items[*place] = i;
      const std::string path = item_path(kRules, *place);
      Json asked = item;
      asked.erase("direction");
      const Json changes = native_rule(asked, path, errors);
      Json& stored = model::parts_of(rule_kind(), updated).at(*place);
      Json whole = stored;
      forget_ports(changes, whole);
      stored = read_rule(model::merged(std::move(whole), changes), path, errors);
    }
    return errors;
  };
  auto written = write(Kind::kSecurityGroup, group, "modify security group rules", change, caller);
  if (written.ok()) return written;
  return as_item_errors(std::move(written.errors), kRules, kList, items);
}

Outcome<Object> V1SecurityGroups::remove_rules(const Place& group, const Json& body,
                                               const Caller& caller) {
  constexpr std::string_view kList = "ruleIds";
  const auto given = list_of(body, kList);
  const auto change = [&](const Object&, Object& updated) -> Errors {
    if (!given) return {given.error()};
    Errors errors;
    const auto ids = ids_of(*given, kList, errors);
    if (!errors.empty()) return errors;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto place = model::part_index(rule_kind(), updated, ids[i]);
      if (!place) {
        errors.push_back(unknown_rule(ids[i], item_path(kList, i)));
        continue;
      }
      Json::Array& rules = model::parts_of(rule_kind(), updated);
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(*place));
    }
    return errors;
  };
  auto written = write(Kind::kSecurityGroup, group, "remove security group rules", change, caller);
  if (written.ok()) return written;
  return as_item_errors(std::move(written.errors), kRules, kList, {});
}

Outcome<Object> V1SecurityGroups::associate(const Place& lb, const Json& body,
                                            const Caller& caller) {
  const auto given = list_of(body, kGroupIds);
  ItemPlaces items;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!given) return {given.error()};
    Errors errors;
    items.clear();
    const auto added = ids_of(*given, kGroupIds, errors);
    if (!errors.empty()) return errors;
    auto ids = model::groups_in_force(old);
    if (ids.empty()) return {alb_only()};
    for (std::size_t i = 0; i < added.size(); ++i) {
      if (std::ranges::find(ids, added[i]) != ids.end()) continue;
      items[ids.size()] = i;
      ids.push_back(added[i]);
    }
    if (ids != model::groups_in_force(old)) set_groups(updated, ids);
    return errors;
  };
  auto written = write(Kind::kLoadBalancer, lb, "associate security groups", change, caller);
  if (written.ok()) return written;
  return as_item_errors(std::move(written.errors), kGroups, kGroupIds, items);
}

Outcome<Object> V1SecurityGroups::disassociate(const Place& lb, const Json& body,
                                               const Caller& caller) {
  const auto given = list_of(body, kGroupIds);
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!given) return {given.error()};
    Errors errors;
    const auto removed = ids_of(*given, kGroupIds, errors);
    if (!errors.empty()) return errors;
    auto ids = model::groups_in_force(old);
    if (ids.empty()) return {alb_only()};
    for (std::size_t i = 0; i < removed.size(); ++i) {
      if (std::erase(ids, removed[i]) > 0) continue;
      errors.push_back({ErrorCode::kNotFound,
                        "security group '" + removed[i] + "' is not one of the load balancer",
                        item_path(kGroupIds, i)});
    }
    if (errors.empty() && ids.empty()) {
      errors.push_back(model::last_group_error(old.admin.string_or("vpcId", "")));
    }
    set_groups(updated, ids);
    return errors;
  };
  auto written = write(Kind::kLoadBalancer, lb, "disassociate security groups", change, caller);
  if (written.ok()) return written;
  return as_item_errors(std::move(written.errors), kGroups, kGroupIds, {});
}

}  // namespace weir::api
