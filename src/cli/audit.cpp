#include "cli/audit.h"

#include <algorithm>
#include <iostream>

#include "cli/exit_status.h"

namespace weir::cli {
namespace {

/// Rows asked for at once; as many as the API gives.
constexpr std::size_t kPageRows = 1'000;

const Json::Array& items_of(const Json& of, std::string_view member) {
  static const Json::Array kNone;
  const Json* found = of.find(member);
  return found == nullptr || !found->is_array() ? kNone : found->as_array();
}

Outcome<Json> newest_rows(ApiClient& api, std::size_t count) {
  Json rows = Json::array();
  std::string token;
  do {
    const std::size_t size = std::min(kPageRows, count - rows.as_array().size());
    std::string path = "audit?pageSize=" + std::to_string(size);
    if (!token.empty()) path += "&pageToken=" + http::encode_segment(token);
    const auto page = api.call("GET", path);
    if (page.failure) return {{}, page.failure};
    for (const Json& row : items_of(page.value, "items")) rows.push_back(row);
    token = page.value.string_or("nextPageToken", "");
  } while (!token.empty() && rows.as_array().size() < count);
  return {std::move(rows), {}};
}

}  // namespace

int list_audit(ApiClient& api, const Invocation& invocation) {
  const auto rows = newest_rows(api, invocation.count);
  if (rows.failure) return print_failure(*rows.failure);
  if (invocation.form != Form::kTable) {
    std::cout << value_text(rows.value, invocation.form);
    return kExitOk;
  }
  const std::vector<std::string> titles = {"NUMBER", "TIME",      "WHO",    "ACCOUNT",
                                           "SOURCE", "OPERATION", "OBJECT", "RESULT"};
  std::vector<std::vector<std::string>> lines;
  for (const Json& row : rows.value.as_array()) {
    std::vector<std::string> line;
    for (const char* member :
         {"number", "time", "who", "account", "source", "operation", "object", "result"}) {
      const std::string text = text_at(row, member);
      line.push_back(text.empty() ? "-" : text);
    }
    lines.push_back(std::move(line));
  }
  std::cout << table_text(titles, lines);
  return kExitOk;
}

int verify_audit(ApiClient& api, const Invocation& invocation) {
  const auto verdict = api.call("GET", "audit/verification");
  if (verdict.failure) return print_failure(*verdict.failure);
  const bool is_whole = verdict.value.bool_or("isWhole", false);
  if (invocation.form != Form::kTable) {
    std::cout << value_text(verdict.value, invocation.form);
    return is_whole ? kExitOk : kExitNotYet;
  }
  const auto number = [&](const char* member) { return text_at(verdict.value, member); };
  std::cout << number("rows") << " rows (" << number("first") << " to " << number("newest")
            << "), held against " << number("anchors")
            << " anchors: " << (is_whole ? "whole" : number("problemsTotal") + " problems") << "\n";
  for (const Json& problem : items_of(verdict.value, "problems")) {
    std::cout << "  " << problem.as_string() << "\n";
  }
  return is_whole ? kExitOk : kExitNotYet;
}

}  // namespace weir::cli
