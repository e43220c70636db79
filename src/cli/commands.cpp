#include "cli/commands.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>

#include "cli/exit_status.h"
#include "model/words.h"

namespace weir::cli {
namespace {

std::string one_path(const model::KindDescription& kind, const std::string& id) {
  return std::string(kind.word) + "/" + http::encode_segment(id);
}

/// The flags' values as a body, with names in references turned into ids: of what stands below
/// `load_balancer`, or below the one that a flag names.
Outcome<Json> body_of(ApiClient& api, const Invocation& invocation,
                      std::string load_balancer = "") {
  Json body = Json::object();
  for (const auto& [flag, text] : invocation.flags) {
    Json value = flag_value(flag, text);
    if (flag.reference && !text.empty()) {
      const model::KindDescription& kind = model::description_of(*flag.reference);
      Json::Array ids;
      for (const Json& name : flag.is_list ? value.as_array() : Json::Array{value}) {
        if (!name.is_string()) continue;
        auto id = resolve(api, kind, name.as_string(), load_balancer);
        if (id.failure) return {{}, std::move(id.failure)};
        if (*flag.reference == model::Kind::kLoadBalancer) load_balancer = id.value;
        ids.emplace_back(id.value);
      }
      value = flag.is_list ? Json(std::move(ids)) : ids.empty() ? Json("") : ids.front();
    }
    set_at(body, flag, std::move(value));
  }
  if (invocation.has_labels) {
    Json labels = Json::object();
    for (const auto& [key, value] : invocation.labels) labels[key] = value;
    body["labels"] = std::move(labels);
  }
  return {std::move(body), {}};
}

/// "?key=value&..." of a list: fields of the flags given and labels.
Outcome<std::string> list_query(ApiClient& api, const Invocation& invocation) {
  auto filter = body_of(api, invocation);
  if (filter.failure) return {"", std::move(filter.failure)};
  std::string query;
  const auto add = [&](const std::string& key, const std::string& value) {
    query +=
        (query.empty() ? "?" : "&") + http::encode_segment(key) + "=" + http::encode_segment(value);
  };
  for (const auto& [flag, text] : invocation.flags) {
    std::string path = flag.part;
    for (const std::string& step : flag.path) path += "." + step;
    add(flag.path.front(), text_at(filter.value, path));
  }
  for (const auto& [key, value] : invocation.labels) add("labels." + key, value);
  return {query, {}};
}

/// Every page of a list.
Outcome<std::vector<Json>> list(ApiClient& api, const model::KindDescription& kind,
                                std::string query, Json* last_page = nullptr) {
  std::vector<Json> items;
  const std::string path(kind.word);
  std::string token;
  do {
    std::string page_query = query;
    if (!token.empty())
      page_query +=
          (query.empty() ? "?" : "&") + std::string("pageToken=") + http::encode_segment(token);
    auto page = api.call("GET", path + page_query);
    if (page.failure) return {{}, std::move(page.failure)};
    if (const Json* found = page.value.find("items"); found != nullptr && found->is_array()) {
      items.insert(items.end(), found->as_array().begin(), found->as_array().end());
    }
    token = page.value.string_or("nextPageToken", "");
    if (last_page != nullptr) *last_page = std::move(page.value);
  } while (!token.empty());
  return {std::move(items), {}};
}

/// Prints each change until the stream ends; of the resources in `ids` alone, unless it is empty.
int watch(ApiClient& api, const Invocation& invocation, const std::string& query,
          std::int64_t revision, const std::set<std::string>& ids) {
  const std::string path = std::string(invocation.kind->word) + query +
                           (query.empty() ? "?" : "&") +
                           "watch=true&revision=" + std::to_string(revision);
  const auto failure = api.stream(path, [&](const Json& event) {
    const Json* object = event.find("object");
    if (!ids.empty() && object != nullptr && !ids.contains(object->string_or("id", ""))) {
      return true;
    }
    if (invocation.form != Form::kTable) {
      const bool is_yaml = invocation.form == Form::kYaml;
      std::cout << (is_yaml ? "---\n" + value_text(event, Form::kYaml) : event.dump() + "\n")
                << std::flush;
      return std::cout.good();
    }
    std::string line = event.string_or("type", "?");
    for (const model::Column& column : invocation.kind->columns) {
      line += "  " + (object == nullptr ? std::string("-") : text_at(*object, column.path));
    }
    std::cout << line << std::endl;
    return std::cout.good();
  });
  return failure ? print_failure(*failure) : kExitOk;
}

/// Whether the text has the form of the kind's ids, e.g. "listener-" and ten of [a-z0-9]; a name
/// may have it too.
bool looks_like_id(const model::KindDescription& kind, const std::string& text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string::npos || text.size() - dash - 1 != 10 ||
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", dash + 1) !=
          std::string::npos) {
    return false;
  }
  const std::string_view prefix = std::string_view(text).substr(0, dash);
  if (kind.kind == model::Kind::kInstance) return prefix == "i";
  if (kind.kind == model::Kind::kElasticIp) return prefix == "fip";
  if (kind.kind == model::Kind::kSecurityGroup) return prefix == "sg";
  if (kind.kind != model::Kind::kLoadBalancer) return prefix == kind.word;
  return std::ranges::find(model::kLoadBalancerTypeWords, prefix) !=
         std::end(model::kLoadBalancerTypeWords);
}

bool exists(ApiClient& api, const model::KindDescription& kind, const std::string& id) {
  return !api.call("GET", one_path(kind, id)).failure;
}

/// `found` has every resource that `name` stands for: what to say when that is not one.
std::optional<Failure> check_single(const model::KindDescription& kind, const std::string& name,
                                    const std::vector<Json>& found) {
  const std::string what = std::string(kind.singular) + " '" + name + "'";
  if (found.empty()) return Failure{kExitNotFound, {what + " not found"}};
  if (found.size() == 1) return std::nullopt;
  std::string ids;
  for (const Json& one : found) ids += " " + one.string_or("id", "");
  return Failure{kExitConflict, {what + " is not the only one of that name:" + ids}};
}

/// Those of `all` that the user named, by id or else by name.
Outcome<std::vector<Json>> named_of(const Invocation& invocation, const std::vector<Json>& all) {
  std::vector<Json> chosen;
  for (const std::string& name : invocation.names) {
    std::vector<Json> found;
    for (const std::string_view member : {"id", "name"}) {
      if (!found.empty()) break;
      std::ranges::copy_if(all, std::back_inserter(found),
                           [&](const Json& one) { return one.string_or(member, "") == name; });
    }
    if (auto failure = check_single(*invocation.kind, name, found)) return {{}, std::move(failure)};
    chosen.push_back(std::move(found.front()));
  }
  return {std::move(chosen), {}};
}

/// The resources of a list, narrowed by flags and names, and their changes if asked for.
int get_list(ApiClient& api, const Invocation& invocation) {
  auto query = list_query(api, invocation);
  if (query.failure) return print_failure(*query.failure);
  Json page;
  auto found = list(api, *invocation.kind, query.value, &page);
  if (found.failure) return print_failure(*found.failure);
  if (!invocation.names.empty()) found = named_of(invocation, found.value);
  if (found.failure) return print_failure(*found.failure);
  std::cout << resources_text(*invocation.kind, found.value, invocation.form,
                              invocation.names.size() == 1)
            << std::flush;
  if (!invocation.is_watch) return kExitOk;
  std::set<std::string> ids;
  if (!invocation.names.empty()) {
    for (const Json& one : found.value) ids.insert(one.string_or("id", ""));
  }
  return watch(api, invocation, query.value, page.integer_or("revision", 0), ids);
}

/// The load balancer below which names in the flags of an update are looked up: the object's own.
Outcome<std::string> load_balancer_of(ApiClient& api, const Invocation& invocation,
                                      const std::string& id) {
  const bool has_names = std::ranges::any_of(
      invocation.flags, [](const auto& given) { return given.first.reference.has_value(); });
  if (!has_names || invocation.kind->parent_field != "loadBalancerId") return {"", {}};
  const auto object = api.call("GET", one_path(*invocation.kind, id));
  if (object.failure) return {"", object.failure};
  return {text_at(object.value, "spec.loadBalancerId"), {}};
}

int print_resource(const Invocation& invocation, const Json& resource) {
  std::cout << resources_text(*invocation.kind, {resource}, invocation.form, true);
  return kExitOk;
}

}  // namespace

Outcome<std::string> resolve(ApiClient& api, const model::KindDescription& kind,
                             const std::string& name, const std::string& load_balancer) {
  const bool may_be_id = looks_like_id(kind, name);
  if (may_be_id && exists(api, kind, name)) return {name, {}};
  std::string query = "?name=" + http::encode_segment(name);
  if (!load_balancer.empty() && kind.parent_field == "loadBalancerId")
    query += "&loadBalancerId=" + load_balancer;
  auto found = list(api, kind, query);
  if (found.failure) return {"", std::move(found.failure)};
  // What looks like an id is for the API to refuse; nodes and what control makes have other ids.
  if (found.value.empty() && (may_be_id || exists(api, kind, name))) return {name, {}};
  if (auto failure = check_single(kind, name, found.value)) return {"", std::move(failure)};
  return {found.value.front().string_or("id", ""), {}};
}

int get_resources(ApiClient& api, const Invocation& invocation) {
  const bool is_narrowed = !invocation.flags.empty() || invocation.has_labels;
  if (invocation.names.empty() || invocation.is_watch || is_narrowed) {
    return get_list(api, invocation);
  }
  std::vector<Json> resources;
  for (const std::string& name : invocation.names) {
    auto id = resolve(api, *invocation.kind, name);
    if (id.failure) return print_failure(*id.failure);
    auto one = api.call("GET", one_path(*invocation.kind, id.value));
    if (one.failure) return print_failure(*one.failure);
    resources.push_back(std::move(one.value));
  }
  std::cout << resources_text(*invocation.kind, resources, invocation.form,
                              invocation.names.size() == 1);
  return kExitOk;
}

namespace {

/// With the secret of what has one, which no later call shows.
int print_made(const Invocation& invocation, const Json& made) {
  const int status = print_resource(invocation, made);
  const std::string secret = made.string_or("secret", "");
  if (!secret.empty() && invocation.form == Form::kTable) {
    std::cout << "\nsecret, shown this once: " << secret << "\n";
  }
  return status;
}

}  // namespace

int create_resource(ApiClient& api, const Invocation& invocation) {
  auto body = body_of(api, invocation);
  if (body.failure) return print_failure(*body.failure);
  if (!invocation.names.empty()) body.value["name"] = invocation.names.front();
  if (body.value.find("spec") == nullptr) body.value["spec"] = Json::object();
  const bool is_batch = invocation.batch != 0;
  const std::string query = is_batch ? "?count=" + std::to_string(invocation.batch) : "";
  auto made = api.call("POST", std::string(invocation.kind->word) + query, body.value);
  if (made.failure) return print_failure(*made.failure);
  if (!is_batch) return print_made(invocation, made.value);
  const Json* items = made.value.find("items");
  if (items == nullptr || !items->is_array()) return print_made(invocation, made.value);
  std::cout << resources_text(*invocation.kind,
                              {items->as_array().begin(), items->as_array().end()}, invocation.form,
                              false);
  return kExitOk;
}

int update_resource(ApiClient& api, const Invocation& invocation) {
  auto id = resolve(api, *invocation.kind, invocation.names.front());
  if (id.failure) return print_failure(*id.failure);
  auto load_balancer = load_balancer_of(api, invocation, id.value);
  if (load_balancer.failure) return print_failure(*load_balancer.failure);
  auto body = body_of(api, invocation, load_balancer.value);
  if (body.failure) return print_failure(*body.failure);
  if (invocation.names.size() > 1) body.value["name"] = invocation.names[1];
  auto changed =
      api.call("PATCH", one_path(*invocation.kind, id.value), body.value, invocation.if_match);
  return changed.failure ? print_failure(*changed.failure)
                         : print_resource(invocation, changed.value);
}

int delete_resources(ApiClient& api, const Invocation& invocation) {
  for (const std::string& name : invocation.names) {
    auto id = resolve(api, *invocation.kind, name);
    if (id.failure) return print_failure(*id.failure);
    const std::string path =
        one_path(*invocation.kind, id.value) + (invocation.is_cascade ? "?cascade=true" : "");
    const auto gone = api.call("DELETE", path, {}, invocation.if_match);
    if (gone.failure) return print_failure(*gone.failure);
    std::cout << invocation.kind->word << "/" << id.value << " deleted\n";
  }
  return kExitOk;
}

namespace {

/// Where targets get traffic that no check calls healthy; nothing where that is not so.
void show_fail_open(const Json& health) {
  const Json* nodes = health.find("failingOpenOn");
  if (nodes == nullptr || !nodes->is_array() || nodes->as_array().empty()) return;
  std::cout << "\nFAILS OPEN on " << text_at(health, "failingOpenOn")
            << ": no target is usable, all that run get its traffic\n";
}

/// Connections that still run to targets which have left; nothing when there are none.
void show_drains(const Json& health) {
  const Json* drains = health.find("drains");
  if (drains == nullptr || !drains->is_array() || drains->as_array().empty()) return;
  const std::vector<std::string> titles = {"DRAINING",    "SLOT",   "ADDRESS", "PORT",
                                           "CONNECTIONS", "OLDEST", "LEFT"};
  std::vector<std::vector<std::string>> rows;
  for (const Json& drain : drains->as_array()) {
    const std::string oldest = text_at(drain, "oldestSeconds");
    rows.push_back({text_at(drain, "targetId"), text_at(drain, "slot"), text_at(drain, "ipAddress"),
                    text_at(drain, "port"), text_at(drain, "connections"),
                    oldest == "-" ? oldest : oldest + "s", text_at(drain, "leftSeconds") + "s"});
  }
  std::cout << "\n" << table_text(titles, rows);
}

}  // namespace

int show_health(ApiClient& api, const Invocation& invocation) {
  const model::KindDescription& backend = model::description_of(model::Kind::kBackend);
  auto id = resolve(api, backend, invocation.names.front());
  if (id.failure) return print_failure(*id.failure);
  const auto health = api.call("GET", one_path(backend, id.value) + "/health");
  if (health.failure) return print_failure(*health.failure);
  if (invocation.form != Form::kTable) {
    std::cout << value_text(health.value, invocation.form);
    return kExitOk;
  }
  const std::vector<std::string> titles = {"TARGET", "ADDRESS", "PORT", "WEIGHT", "STATUS",
                                           "REASON", "SINCE",   "NODE", "DETAIL"};
  std::vector<std::vector<std::string>> rows;
  const Json* targets = health.value.find("targets");
  for (const Json& target : targets == nullptr ? Json::Array() : targets->as_array()) {
    rows.push_back({text_at(target, "targetId"), text_at(target, "ipAddress"),
                    text_at(target, "port"), text_at(target, "weight"), text_at(target, "status"),
                    text_at(target, "reason"), text_at(target, "since"), text_at(target, "node"),
                    text_at(target, "detail")});
  }
  std::cout << table_text(titles, rows);
  show_fail_open(health.value);
  show_drains(health.value);
  return kExitOk;
}

}  // namespace weir::cli
