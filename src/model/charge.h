// What a resource would cost: accepted, stored and returned, without any effect. Source: product.md
// A.16, F.3. Thread: values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/field.h"

namespace weir::model {

enum class ChargeMode { kPrepaidByDuration, kPostpaidByUsage, kPostpaidByDuration };
inline constexpr std::string_view kChargeModeWords[] = {"prepaid_by_duration", "postpaid_by_usage",
                                                        "postpaid_by_duration"};
constexpr std::span<const std::string_view> words(ChargeMode) { return kChargeModeWords; }

enum class ChargeUnit { kMonth, kYear };
inline constexpr std::string_view kChargeUnitWords[] = {"month", "year"};
constexpr std::span<const std::string_view> words(ChargeUnit) { return kChargeUnitWords; }

struct Charge {
  ChargeMode charge_mode = ChargeMode::kPostpaidByDuration;
  ChargeUnit charge_unit = ChargeUnit::kMonth;
  int charge_duration = 1;
  bool auto_renew = false;
  bool auto_change_charge_mode = false;
  std::string auto_change_charge_mode_date;
  std::string buy_scenario;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("chargeMode", s.charge_mode, "no effect");
    v("chargeUnit", s.charge_unit, "no effect");
    v("chargeDuration", s.charge_duration, "no effect", Range{1, 9});
    v("autoRenew", s.auto_renew, "no effect");
    v("autoChangeChargeMode", s.auto_change_charge_mode, "no effect");
    v("autoChangeChargeModeDate", s.auto_change_charge_mode_date, "no effect");
    v("buyScenario", s.buy_scenario, "no effect");
  }

  friend bool operator==(const Charge&, const Charge&) = default;
};

}  // namespace weir::model
