#include "cli/explain.h"

#include <array>
#include <cstdio>
#include <iostream>

#include "cli/exit_status.h"

namespace weir::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

const Json::Array& items(const Json& of, std::string_view member) {
  static const Json::Array kNone;
  const Json* found = of.find(member);
  return found == nullptr || !found->is_array() ? kNone : found->as_array();
}

std::string share_text(const Json& target) {
  if (target.bool_or("picked", false)) return "picked";
  const Json* share = target.find("share");
  if (share == nullptr || !share->is_number() || share->as_number() <= 0) return "-";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f%%", share->as_number() * 100);
  return text.data();
}

/// "n1 at 1/42: backend-a sends to tg-b by IpHash".
std::string decision_line(const Json& node) {
  const std::string_view group = node.find("agId") == nullptr ? "targetGroupId" : "agId";
  return text_at(node, "nodeId") + " at " + text_at(node, "version.epoch") + "/" +
         text_at(node, "version.revision") + ": " + text_at(node, "backendId") + " sends to " +
         text_at(node, group) + " by " + text_at(node, "algorithm");
}

/// The targets of one client.
void add_targets(const Json& node, Rows& rows) {
  for (const Json& target : items(node, "targets")) {
    const std::string excluded = target.string_or("excluded", "");
    rows.push_back({text_at(node, "nodeId"), text_at(target, "targetId"),
                    text_at(target, "address") + ":" + text_at(target, "port"), share_text(target),
                    excluded.empty() ? text_at(node, "reason") : excluded});
  }
}

/// The target of each of several clients.
void add_clients(const Json& node, Rows& rows) {
  for (const Json& client : items(node, "clients")) {
    rows.push_back({text_at(node, "nodeId"), text_at(client, "client"), text_at(client, "kind"),
                    text_at(client, "picked"), text_at(client, "reason")});
  }
}

std::string answer_text(const Json& answer, bool is_single) {
  const std::vector<std::string> titles =
      is_single ? std::vector<std::string>{"NODE", "TARGET", "ADDRESS", "SHARE", "REASON"}
                : std::vector<std::string>{"NODE", "CLIENT", "KIND", "PICKED", "REASON"};
  std::string lines;
  Rows rows;
  for (const Json& node : items(answer, "nodes")) {
    if (node.find("error") != nullptr) continue;
    lines += decision_line(node) + "\n";
    if (is_single) {
      add_targets(node, rows);
    } else {
      add_clients(node, rows);
    }
  }
  return lines + table_text(titles, rows);
}

std::string query_of(const std::string& listener, const Invocation& invocation) {
  std::string query = "explain?listener=" + http::encode_segment(listener);
  for (const std::string& client : invocation.clients) {
    query += "&client=" + http::encode_segment(client);
  }
  if (!invocation.node.empty()) query += "&node=" + http::encode_segment(invocation.node);
  return query;
}

}  // namespace

int explain_listener(ApiClient& api, const Invocation& invocation) {
  const model::KindDescription& listener = model::description_of(model::Kind::kListener);
  const auto id = resolve(api, listener, invocation.names.front());
  if (id.failure) return print_failure(*id.failure);
  const auto answer = api.call("GET", query_of(id.value, invocation));
  if (answer.failure) return print_failure(*answer.failure);
  std::cout << (invocation.form == Form::kTable
                    ? answer_text(answer.value, invocation.clients.size() == 1)
                    : value_text(answer.value, invocation.form));
  Failure failure{kExitUnreachable, {}};
  for (const Json& node : items(answer.value, "nodes")) {
    if (node.find("error") != nullptr) failure.lines.push_back(text_at(node, "error.message"));
  }
  return failure.lines.empty() ? kExitOk : print_failure(failure);
}

}  // namespace weir::cli
