#include "health/http_probe.h"

#include <algorithm>
#include <array>

#include "http/h1_parser.h"

namespace weir::health {
namespace {

using http::ParseError;
using http::ParseState;

/// RFC 3986, 3.3 and 3.4: what may stand in a path or query as it is, and '%' of what the user has
/// encoded already.
bool is_url_character(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?%";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != kMarks.npos;
}

std::string encoded(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (is_url_character(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

ProbeOutcome judge_status(const snapshot::HealthCheck& check, int status) {
  const bool is_normal = std::ranges::any_of(check.http_codes, [&](const auto& range) {
    return status >= range.first && status <= range.second;
  });
  if (is_normal) return {};
  return {ProbeReason::kHttpCodeMismatch, "status " + std::to_string(status)};
}

ProbeOutcome format_error(ParseError error) {
  return {ProbeReason::kResponseFormatError, std::string(http::error_name(error))};
}

bool is_size_limit(ParseError error) {
  return error == ParseError::kFieldTooLong || error == ParseError::kTooManyFields ||
         error == ParseError::kHeadTooLarge || error == ParseError::kTooManyOptions;
}

/// The verdict on a head that is too large to be read whole: its status line must do.
ProbeOutcome judge_first_line(const snapshot::HealthCheck& check, std::string_view answer) {
  const auto end = answer.find("\r\n");
  if (end == answer.npos) return format_error(ParseError::kStartLineTooLong);
  const std::string bare = std::string(answer.substr(0, end)) + "\r\n\r\n";
  http::ResponseHead head;
  const auto result = http::parse_response_head(bare, 0, true, head);
  if (result.state != ParseState::kComplete) return format_error(result.error);
  return judge_status(check, head.status);
}

}  // namespace

std::string http_request(const ProbeTarget& target) {
  const auto& check = target.check;
  std::string host = check.http_host;
  if (host.empty() && check.http_1_1) host = target.endpoint.text();
  std::string request = "HEAD " + encoded(check.http_path);
  request += check.http_1_1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n";
  if (!host.empty()) request += "Host: " + host + "\r\n";
  if (check.http_1_1) request += "Connection: close\r\n";
  return request + "User-Agent: weir-health-check\r\n\r\n";
}

std::optional<ProbeOutcome> judge_http_answer(const snapshot::HealthCheck& check,
                                              std::string_view answer) {
  const bool is_last = answer.size() >= kAnswerBytesMax;
  http::ResponseHead head;
  for (;;) {
    const auto result = http::parse_response_head(answer, 0, true, head);
    if (result.state == ParseState::kNeedMore) {
      return is_last ? std::optional(judge_first_line(check, answer)) : std::nullopt;
    }
    if (result.state == ParseState::kFailed) {
      if (is_size_limit(result.error)) return judge_first_line(check, answer);
      return format_error(result.error);
    }
    if (!head.is_interim()) return judge_status(check, head.status);
    answer.remove_prefix(head.size);
  }
}

Dialogue http_dialogue() {
  return {.request = http_request, .judge = [](const ProbeTarget& target, std::string_view answer) {
            return judge_http_answer(target.check, answer);
          }};
}

}  // namespace weir::health
