#include "cli/declarative.h"

#include <iostream>
#include <map>

#include "cli/declared_files.h"
#include "cli/exit_status.h"

namespace weir::cli {
namespace {

const Json::Array& items(const Json& of, std::string_view member) {
  static const Json::Array kNone;
  const Json* found = of.find(member);
  return found == nullptr || !found->is_array() ? kNone : found->as_array();
}

/// "listener front (lb web)".
std::string title_of(const Json& change) {
  std::string title = change.string_or("kind", "") + " " + change.string_or("name", "");
  const std::string lb = change.string_or("loadBalancer", "");
  return lb.empty() ? title : title + " (lb " + lb + ")";
}

std::string value_at(const Json& field, std::string_view member) {
  const Json* value = field.find(member);
  return value == nullptr || value->is_null() ? "-" : value->dump();
}

void print_fields(const Json& change) {
  for (const Json& field : items(change, "fields")) {
    const std::string from = value_at(field, "from");
    const std::string to = value_at(field, "to");
    std::cout << "    " << field.string_or("path", "") << ": "
              << (from == "-" ? to : from + " -> " + to) << "\n";
  }
}

/// "+ lb web", with the fields below.
void print_difference(const Json& change) {
  const std::string action = change.string_or("action", "");
  std::cout << (action == "create"   ? "+ "
                : action == "delete" ? "- "
                                     : "~ ")
            << title_of(change) << "\n";
  print_fields(change);
}

void print_done(const Json& changes) {
  static const std::map<std::string, std::string> kDone = {
      {"create", "created"}, {"update", "changed"}, {"delete", "deleted"}};
  for (const Json& change : items(changes, "changes")) {
    const auto done = kDone.find(change.string_or("action", ""));
    std::cout << title_of(change) << " " << (done == kDone.end() ? "?" : done->second) << "\n";
  }
}

/// The call's errors with the places of their documents.
Failure placed(Failure failure, const std::vector<DeclaredDocument>& documents) {
  const Json* error = failure.body.find("error");
  const auto& details = error == nullptr ? items({}, "") : items(*error, "details");
  if (details.empty()) return failure;
  failure.lines.clear();
  for (const Json& detail : details) {
    failure.lines.push_back(
        placed_error(documents, detail.string_or("field", ""), detail.string_or("message", "")));
  }
  return failure;
}

Outcome<Json> call_apply(ApiClient& api, const Invocation& invocation, bool is_plan) {
  auto documents = read_declared(invocation.files);
  if (documents.failure) return {{}, std::move(documents.failure)};
  Json objects = Json::array();
  for (const DeclaredDocument& document : documents.value) objects.push_back(document.body);
  Json body = Json::object({{"objects", std::move(objects)}});
  if (invocation.is_prune) {
    Json labels = Json::object();
    for (const auto& [key, value] : invocation.labels) labels[key] = Json(value);
    body["prune"] = Json::object({{"labels", std::move(labels)}});
  }
  auto answer = api.call("POST", is_plan ? "apply?plan=true" : "apply", body);
  if (answer.failure) return {{}, placed(std::move(*answer.failure), documents.value)};
  return answer;
}

/// Labels choose what is pruned and nothing else.
std::optional<Failure> check_prune(const Invocation& invocation) {
  if (invocation.is_prune && !invocation.has_labels) {
    return Failure{kExitUsage, {"--prune wants --label KEY=VALUE: which resources may be deleted"}};
  }
  if (!invocation.is_prune && invocation.has_labels) {
    return Failure{kExitUsage, {"--label has a meaning with --prune only"}};
  }
  return std::nullopt;
}

}  // namespace

int apply_files(ApiClient& api, const Invocation& invocation) {
  if (const auto failure = check_prune(invocation)) return print_failure(*failure);
  const auto answer = call_apply(api, invocation, false);
  if (answer.failure) {
    print_done(answer.failure->body);
    return print_failure(*answer.failure);
  }
  if (invocation.form != Form::kTable) {
    std::cout << value_text(answer.value, invocation.form);
    return kExitOk;
  }
  print_done(answer.value);
  if (items(answer.value, "changes").empty()) std::cout << "nothing to change\n";
  return kExitOk;
}

int diff_files(ApiClient& api, const Invocation& invocation) {
  if (const auto failure = check_prune(invocation)) return print_failure(*failure);
  const auto answer = call_apply(api, invocation, true);
  if (answer.failure) return print_failure(*answer.failure);
  const auto& changes = items(answer.value, "changes");
  if (invocation.form != Form::kTable) {
    std::cout << value_text(answer.value, invocation.form);
  } else {
    for (const Json& change : changes) print_difference(change);
  }
  return changes.empty() ? kExitOk : kExitNotYet;
}

int export_resources(ApiClient& api, const Invocation& invocation) {
  std::string query;
  const auto add = [&](const std::string& key, const std::string& value) {
    query +=
        (query.empty() ? "?" : "&") + http::encode_segment(key) + "=" + http::encode_segment(value);
  };
  for (const std::string& kind : invocation.names) add("kind", kind);
  for (const auto& [key, value] : invocation.labels) add("labels." + key, value);
  if (!invocation.load_balancer.empty()) add("loadBalancer", invocation.load_balancer);
  const auto answer = api.call("GET", "export" + query);
  if (answer.failure) return print_failure(*answer.failure);
  if (invocation.form == Form::kJson) {
    std::cout << value_text(Json::object({{"objects", Json(items(answer.value, "objects"))}}),
                            Form::kJson);
    return kExitOk;
  }
  for (const Json& object : items(answer.value, "objects")) {
    std::cout << "---\n" << value_text(object, Form::kYaml);
  }
  return kExitOk;
}

}  // namespace weir::cli
