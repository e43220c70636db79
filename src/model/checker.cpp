#include "model/checker.h"

#include <algorithm>

#include "model/listener.h"
#include "model/load_balancer.h"
#include "model/registry.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

/// Whether `path` is `field` or a part of it.
bool is_within(std::string_view path, std::string_view field) {
  if (!path.starts_with(field)) return false;
  return path.size() == field.size() || path[field.size()] == '.' || path[field.size()] == '[';
}

bool is_below_load_balancer(Kind kind) {
  return kind == Kind::kListener || kind == Kind::kBackend || kind == Kind::kTargetGroup;
}

void check_name(Checker& checker) {
  // Units: characters. Source: product.md A.3. Reached: 400 with the field; weir_api_requests_total
  // counts it by operation and code.
  constexpr std::size_t kNameCharactersMax = 32;
  constexpr std::size_t kServerNameCharactersMax = 128;
  const Object& object = checker.object();
  const bool is_server = object.kind == Kind::kInstance;
  if (!description_of(object.kind).is_user_made) return;
  if (object.name.empty()) return checker.invalid("name", "is missing");
  std::string problem = check_text(object.name, is_server ? TextRule::kServerName : TextRule::kName,
                                   is_server ? kServerNameCharactersMax : kNameCharactersMax);
  if (!problem.empty()) return checker.invalid("name", std::move(problem));
  if (!is_below_load_balancer(object.kind)) return;
  for (const Object* other : checker.siblings()) {
    if (other->name != object.name) continue;
    checker.add(ErrorCode::kAlreadyExists, "name",
                quoted(object.name) + " is the name of " + other->id + " of this load balancer");
  }
}

void check_reference(Checker& checker, const std::string& path, Kind kind, const std::string& id) {
  if (id.empty() || !checker.is_good(path)) return;
  const Object* found = checker.find(kind, id);
  const bool is_near =
      !is_below_load_balancer(kind) ||
      (found != nullptr && load_balancer_of(*found) == load_balancer_of(checker.object()));
  if (found != nullptr && is_near) return;
  checker.add(ErrorCode::kNotFound, path,
              std::string(description_of(kind).singular) + " " + quoted(id) + " not found");
}

void check_references(Checker& checker, const FieldDescription& field, const Json& value) {
  const std::string path = "spec." + field.name;
  const Kind kind = *field.options.reference;
  if (value.is_string()) return check_reference(checker, path, kind, value.as_string());
  if (!value.is_array()) return;
  std::size_t index = 0;
  for (const Json& item : value.as_array()) {
    const std::string item_path = path + "[" + std::to_string(index++) + "]";
    if (item.is_string()) check_reference(checker, item_path, kind, item.as_string());
  }
}

template <class Word>
std::string offered(unsigned mask) {
  std::string text;
  for (std::size_t i = 0; i < words(Word{}).size(); ++i) {
    if ((mask >> i & 1) == 0) continue;
    text += (text.empty() ? "" : " or ") + std::string(words(Word{})[i]);
  }
  return text;
}

/// Null, false, or what is in force anyway.
bool says_nothing(const Object& object, const FieldDescription& field, const Json& value) {
  if (value.is_null() || value == Json(false) || value == field.default_value) return true;
  if (object.kind != Kind::kListener || field.name != "connectionIdleTimeSeconds") return false;
  auto listener = from_json<Listener>(object.spec).value;
  listener.connection_idle_time_seconds.reset();
  return value == Json(idle_seconds(listener));
}

/// A setting that does not fit answers an error.
void check_fits(Checker& checker, const FieldDescription& field, const Json& value) {
  if (says_nothing(checker.object(), field, value)) return;
  const std::string path = "spec." + field.name;
  const auto type = checker.load_balancer_type();
  if (type && (field.options.types >> static_cast<unsigned>(*type) & 1) == 0) {
    checker.invalid(path, "is supported on " + offered<LoadBalancerType>(field.options.types) +
                              " only, the load balancer is of type " + std::string(word_of(*type)));
  }
  const std::string protocol = checker.object().spec.string_or("protocol", "");
  const auto place = std::ranges::find(kProtocolWords, protocol);
  if (place == std::end(kProtocolWords) || !checker.is_good("spec.protocol")) return;
  if ((field.options.protocols >> (place - std::begin(kProtocolWords)) & 1) == 0) {
    checker.invalid(
        path, "is supported with protocol " + offered<Protocol>(field.options.protocols) + " only");
  }
}

void check_unchanged(Checker& checker, const FieldDescription& field) {
  if (checker.old() == nullptr || !field.options.is_immutable) return;
  if (checker.is_changed(field.name)) checker.invalid("spec." + field.name, "cannot be changed");
}

bool has_items(const Object& object, std::string_view field) {
  const Json* value = object.spec.find(field);
  return value != nullptr && value->is_array() && !value->as_array().empty();
}

/// Of two lists that take each other's place only one may hold something; the later one is told.
void check_alternative(Checker& checker, const FieldDescription& field) {
  const std::string_view other = field.options.instead_of;
  const Object& object = checker.object();
  if (other.empty() || !has_items(object, field.name) || !has_items(object, other)) return;
  const auto& all = description_of(object.kind).spec;
  const auto place = [&](std::string_view name) {
    return std::ranges::find(all, name, &FieldDescription::name);
  };
  if (place(other) > place(field.name)) return;
  checker.invalid("spec." + field.name, "cannot be given together with " + std::string(other));
}

void check_update_only(Checker& checker) {
  if (checker.old() != nullptr) return;
  for (const FieldDescription& field : description_of(checker.object().kind).admin) {
    const Json* value = checker.object().admin.find(field.name);
    if (!field.options.is_update_only || value == nullptr || *value == field.default_value)
      continue;
    checker.invalid("admin." + field.name, "can be set only by editing");
  }
}

}  // namespace

void Checker::add(ErrorCode code, std::string_view field, std::string message) {
  if (is_good(field)) errors_.push_back({code, std::move(message), std::string(field)});
}

void Checker::offer(std::string_view field, std::string_view words) {
  for (Error& error : errors_) {
    const auto begin = error.message.find("one of [");
    const auto end = error.message.find(']', begin);
    if (error.field != field || end == std::string::npos) continue;
    const auto list = error.message.find('[', begin) + 1;
    error.message.replace(list, end - list, words);
  }
}

bool Checker::is_good(std::string_view field) const {
  return std::ranges::none_of(errors_, [&](const Error& error) {
    return !error.field.empty() && (is_within(error.field, field) || is_within(field, error.field));
  });
}

bool Checker::is_changed(std::string_view spec_field) const {
  if (old_ == nullptr) return true;
  const Json* before = old_->spec.find(spec_field);
  const Json* after = object_.spec.find(spec_field);
  return (before == nullptr ? Json() : *before) != (after == nullptr ? Json() : *after);
}

const Object* Checker::find(Kind kind, std::string_view id) const {
  const Object* found = world_.find(kind, id);
  return found != nullptr && found->owner == object_.owner ? found : nullptr;
}

std::vector<const Object*> Checker::siblings() const {
  const Id lb = load_balancer_of(object_);
  if (find(Kind::kLoadBalancer, lb) == nullptr) return {};
  std::vector<const Object*> others = world_.children(object_.kind, lb);
  std::erase_if(others, [&](const Object* other) { return other->id == object_.id; });
  return others;
}

std::optional<LoadBalancerType> Checker::load_balancer_type() const {
  const Object* lb = object_.kind == Kind::kLoadBalancer
                         ? &object_
                         : find(Kind::kLoadBalancer, load_balancer_of(object_));
  if (lb == nullptr) return std::nullopt;
  return from_json<LoadBalancer>(lb->spec).value.type;
}

void check_fields(Checker& checker) {
  const Object& object = checker.object();
  Errors again;
  canonical_spec(object.kind, object.spec, again);
  canonical_admin(object.kind, object.admin, again);
  for (Error& error : again) checker.add(error.code, error.field, std::move(error.message));
  check_name(checker);
  check_update_only(checker);
  for (const FieldDescription& field : description_of(object.kind).spec) {
    check_unchanged(checker, field);
    const Json* value = object.spec.find(field.name);
    if (value == nullptr || !checker.is_good("spec." + field.name)) continue;
    if (field.options.reference) check_references(checker, field, *value);
    check_fits(checker, field, *value);
    check_alternative(checker, field);
  }
}

std::optional<net::Prefix> prefix_of(const Object& object) {
  const auto prefix = net::Prefix::parse(object.spec.string_or("addressPrefix", ""));
  return prefix ? std::optional(*prefix) : std::nullopt;
}

}  // namespace weir::model
