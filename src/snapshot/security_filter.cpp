#include "snapshot/security_filter.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/mutant.h"

namespace weir::snapshot {
namespace {

constexpr std::uint32_t kLastAddress = std::numeric_limits<std::uint32_t>::max();
/// The decision where no rule matches.
constexpr std::uint16_t kNoRule = 1;

/// Decisions by the first address they hold for; each holds up to the next.
using Painting = std::map<std::uint32_t, std::uint16_t>;

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};

Span span_of(const net::Prefix& prefix) {
  const std::uint32_t first = prefix.base.v4_value();
  // All 32 bits at once cannot be shifted away.
  const std::uint32_t rest = prefix.length >= 32 ? 0 : kLastAddress >> prefix.length;
  return {first, first | rest};
}

void paint(Painting& painting, const Span& span, std::uint16_t decision) {
  if (span.last != kLastAddress) {
    const std::uint16_t behind = std::prev(painting.upper_bound(span.last + 1))->second;
    painting.try_emplace(span.last + 1, behind);
  }
  const auto end = span.last == kLastAddress ? painting.end() : painting.lower_bound(span.last + 1);
  painting.erase(painting.lower_bound(span.first), end);
  painting[span.first] = decision;
}

std::string rule_denies(const SecurityRule& rule) {
  return "rule " + rule.id + " of security group " + rule.group_id + " denies";
}

bool is_about_port(const SecurityRule& rule, std::uint16_t port) {
  return rule.from_port <= port && port <= rule.to_port;
}

}  // namespace

std::uint16_t AddressFilter::decision(const net::IpAddress& address) const {
  if (steps_.empty()) return kAdmitted;
  // Rules name IPv4 addresses.
  if (!address.is_v4()) return kNoRule;
  const auto above = std::ranges::upper_bound(steps_, address.v4_value(), {}, &Step::first);
  return std::prev(above)->decision;
}

std::string AddressFilter::refusal(const net::IpAddress& address) const {
  const std::uint16_t found = decision(address);
  return found == kAdmitted ? "" : refusals_[found - 1U] + " TCP from " + address.text();
}

SecurityFilter::SecurityFilter(std::vector<std::string> groups, std::vector<SecurityRule> rules)
    : groups_(std::move(groups)), rules_(std::move(rules)) {
  // By group and id where nothing else tells them apart: every process names the same rule.
  std::ranges::sort(rules_, {},
                    [is_later = !mutant("allow-before-deny")](const SecurityRule& rule) {
                      return std::tuple(rule.priority, rule.allows == is_later,
                                        std::string_view(rule.group_id), std::string_view(rule.id));
                    });
}

std::string SecurityFilter::no_rule_allows() const {
  std::string text;
  for (const std::string& group : groups_) text += (text.empty() ? "" : ", ") + group;
  return "no rule of security group " + text + " allows";
}

/// Rules of less precedence are painted first, those of more over them.
AddressFilter SecurityFilter::inbound(std::uint16_t port) const {
  AddressFilter filter;
  if (groups_.empty()) return filter;
  filter.refusals_ = {no_rule_allows()};
  Painting painting = {{0, kNoRule}};
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (!rule->is_inbound || !is_about_port(*rule, port)) continue;
    std::uint16_t decision = AddressFilter::kAdmitted;
    if (!rule->allows) {
      filter.refusals_.push_back(rule_denies(*rule));
      decision = static_cast<std::uint16_t>(filter.refusals_.size());
    }
    paint(painting, span_of(rule->prefix), decision);
  }
  for (const auto& [first, decision] : painting) {
    if (!filter.steps_.empty() && filter.steps_.back().decision == decision) continue;
    filter.steps_.push_back({first, decision});
  }
  const bool is_open =
      filter.steps_.size() == 1 && filter.steps_.front().decision == AddressFilter::kAdmitted;
  return is_open ? AddressFilter() : filter;
}

std::string SecurityFilter::outbound_refusal(const net::Endpoint& target) const {
  if (groups_.empty()) return "";
  const auto what = [&] { return " TCP to " + target.text(); };
  for (const SecurityRule& rule : rules_) {
    const bool matches = !rule.is_inbound && is_about_port(rule, target.port) &&
                         rule.prefix.contains(target.address);
    if (matches) return rule.allows ? "" : rule_denies(rule) + what();
  }
  return no_rule_allows() + what();
}

}  // namespace weir::snapshot
