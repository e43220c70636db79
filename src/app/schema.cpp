#include "app/schema.h"

#include <iostream>

#include "api/native_face.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "api/v1_schema.h"
#include "app/roles.h"
#include "app/settings.h"
#include "base/check.h"
#include "base/metrics.h"
#include "model/keys.h"

namespace weir::app {
namespace {

/// Of the document. Grows when a member changes its meaning, not when one is added.
constexpr int kFormat = 1;

Json settings_json() {
  Json list = Json::array();
  for (const Setting& setting : all_settings()) {
    list.push_back(Json::object({{"key", setting.key},
                                 {"flag", setting.flag},
                                 {"environment", environment_name(setting.key)},
                                 {"isOfControl", (setting.roles & kControlRole) != 0},
                                 {"isOfNode", (setting.roles & kNodeRole) != 0},
                                 {"isList", setting.is_list},
                                 {"sentence", setting.help},
                                 {"default", setting.default_text}}));
  }
  return list;
}

struct QuotaLine {
  std::string_view counter;
  std::string_view of;  // what it is counted in
  std::int64_t alb;
  std::int64_t nlb;
  std::int64_t dnlb;
};

constexpr model::Quotas kAlb = model::kAlbQuotas;
constexpr model::Quotas kNlb = model::kNlbQuotas;
constexpr model::Quotas kDnlb = model::kDnlbQuotas;
constexpr std::string_view kAccount = "account";
constexpr std::string_view kBalancer = "load balancer";

/// A quota that does not depend on the type of a load balancer.
constexpr QuotaLine plain(std::string_view counter, std::string_view of, std::int64_t max) {
  return {counter, of, max, max, max};
}

constexpr QuotaLine kQuotaLines[] = {
    plain("lb/alb", kAccount, kAlb.load_balancers),
    plain("lb/nlb", kAccount, kNlb.load_balancers),
    plain("lb/dnlb", kAccount, kDnlb.load_balancers),
    {"listener", kBalancer, kAlb.listeners, kNlb.listeners, kDnlb.listeners},
    {"backend", kBalancer, kAlb.backends, kNlb.backends, kDnlb.backends},
    {"tg", kBalancer, kAlb.target_groups, kNlb.target_groups, kDnlb.target_groups},
    plain("vpc", kAccount, model::kVpcQuota),
    plain("subnet", "VPC", model::kSubnetsPerVpcQuota),
    plain("instance", "VPC", model::kInstancesPerVpcQuota),
    plain("eip", kAccount, model::kElasticIpQuota),
    plain("securityGroup", "VPC", model::kSecurityGroupsPerVpcQuota),
    plain("ag", kAccount, model::kAgQuota),
};
static_assert(std::size(kQuotaLines) == std::size(model::kQuotaCounters));

Json quotas_json() {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::size(kQuotaLines); ++i) {
    const QuotaLine& line = kQuotaLines[i];
    WEIR_CHECK(line.counter == model::kQuotaCounters[i]);
    list.push_back(Json::object({{"key", line.counter},
                                 {"of", line.of},
                                 {"alb", line.alb},
                                 {"nlb", line.nlb},
                                 {"dnlb", line.dnlb}}));
  }
  return list;
}

Json metrics_json() {
  Json list = Json::array();
  const auto add = [&list](Metric metric, std::string_view constant) {
    const MetricDescription& known = describe(metric);
    Json labels = Json::array();
    for (const std::string_view label : known.labels) labels.push_back(Json(label));
    list.push_back(Json::object({{"name", known.name},
                                 {"type", known.type == MetricType::kCounter ? "counter" : "gauge"},
                                 {"labels", std::move(labels)},
                                 {"help", known.help},
                                 {"constant", constant}}));
  };
#define WEIR_ADD_METRIC(constant, ...) add(Metric::constant, #constant);
  WEIR_METRICS(WEIR_ADD_METRIC)
#undef WEIR_ADD_METRIC
  return list;
}

Json errors_json() {
  Json list = Json::array();
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const api::StatusWord word = api::status_word(code);
    list.push_back(Json::object(
        {{"name", error_code_name(code)}, {"code", word.status}, {"status", word.word}}));
  }
  return list;
}

int print(std::string_view command, const std::vector<std::string>& arguments, Json (*document)()) {
  const bool is_help = arguments.size() == 1 && arguments.front() == "--help";
  if (!arguments.empty()) {
    (is_help ? std::cout : std::cerr) << "usage: weir " << command << "\n";
    return is_help ? 0 : 2;
  }
  std::cout << document().dump(2) << "\n";
  return 0;
}

}  // namespace

Json schema_document() {
  const Json schema = api::schema_json();
  return Json::object({{"format", kFormat},
                       {"build", kBuild},
                       {"kinds", *schema.find("kinds")},
                       {"people", *schema.find("people")},
                       {"policy", *schema.find("policy")},
                       {"v1", api::v1_schema_json()},
                       {"errors", errors_json()},
                       {"settings", settings_json()},
                       {"quotas", quotas_json()},
                       {"metrics", metrics_json()}});
}

int run_schema(const std::vector<std::string>& arguments) {
  return print("schema", arguments, schema_document);
}

int run_openapi(const std::vector<std::string>& arguments) {
  return print("openapi", arguments, api::openapi_json);
}

}  // namespace weir::app
