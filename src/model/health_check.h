// How the targets of a backend service are judged; a part of the backend service. Source:
// product.md A.7. Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/field.h"

namespace weir::model {

struct HealthCheck {
  Protocol protocol = Protocol::kTcp;
  int healthy_threshold_count = 3;
  int unhealthy_threshold_count = 3;
  int check_timeout_seconds = 3;
  int interval_seconds = 5;
  std::uint16_t port = 0;
  HttpVersion http_version = HttpVersion::kHttp10;
  std::string http_domain;
  std::optional<std::string> http_path;
  std::vector<std::string> http_code = {"2xx", "3xx"};

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("protocol", s.protocol, "how targets are probed (dnlb: Tcp)", kRequired, NotYet{"Icmp"});
    v("healthyThresholdCount", s.healthy_threshold_count,
      "successes in a row that make a target healthy", Range{1, 5});
    v("unhealthyThresholdCount", s.unhealthy_threshold_count,
      "failures in a row that make a target unhealthy", Range{1, 5});
    v("checkTimeoutSeconds", s.check_timeout_seconds, "longest wait for an answer", Range{2, 60});
    v("intervalSeconds", s.interval_seconds, "longest pause between the starts of two probes",
      Range{5, 300});
    v("port", s.port, "port to probe; 0: the port that gets the traffic", Range{0, 65535});
    v("httpVersion", s.http_version, "version of the probe's request");
    v("httpDomain", s.http_domain, "Host of the probe's request; empty: none",
      Text{TextRule::kDomain, 255});
    v("httpPath", s.http_path, "path of the probe's request, Http only; absent: /",
      Text{TextRule::kHttpPath, 100});
    v("httpCode", s.http_code, "normal codes: 2xx, 3xx, 4xx, codes and ranges in 200..499",
      Items{1, 64}, Text{TextRule::kHttpCodes, 256});
  }

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// The inclusive ranges that a list of httpCode items stands for; an item that is malformed (which
/// the field's rule refuses) gives none.
std::vector<std::pair<int, int>> http_code_ranges(const std::vector<std::string>& items);

/// The path to request: what was given, or "/".
std::string_view probe_path(const HealthCheck& check);

}  // namespace weir::model
