// What the security groups of a load balancer let through, for TCP: made of all rules of all its
// groups, evaluated by smallest priority, DENY before ALLOW at equal priority, and nothing where no
// rule matches. Source: product.md C.9, G42; docs/adr/0018-security-groups.md. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/address.h"

namespace weir::snapshot {

/// One rule that has a bearing on TCP.
struct SecurityRule {
  std::string id{};
  std::string group_id{};
  bool is_inbound = false;
  bool allows = false;
  int priority = 1;
  net::Prefix prefix{};
  std::uint16_t from_port = 1;
  std::uint16_t to_port = 65535;

  friend bool operator==(const SecurityRule&, const SecurityRule&) = default;
};

/// Which IPv4 addresses may connect to one port: a look costs a search in a sorted list.
class AddressFilter {
 public:
  AddressFilter() = default;  // admits all

  /// Nothing is filtered.
  bool is_open() const { return steps_.empty(); }
  bool admits(const net::IpAddress& address) const {
    return steps_.empty() || decision(address) == kAdmitted;
  }
  /// Why the address is refused, "rule sgrule-2 of security group sg-1 denies TCP from 10.0.0.9";
  /// empty when it is admitted.
  std::string refusal(const net::IpAddress& address) const;

  friend bool operator==(const AddressFilter&, const AddressFilter&) = default;

 private:
  friend class SecurityFilter;

  /// A decision for all addresses from `first` to the next step.
  struct Step {
    std::uint32_t first = 0;
    std::uint16_t decision = 0;

    friend bool operator==(const Step&, const Step&) = default;
  };
  static constexpr std::uint16_t kAdmitted = 0;

  std::uint16_t decision(const net::IpAddress& address) const;

  std::vector<Step> steps_;            // ascending, the first at 0; empty: all are admitted
  std::vector<std::string> refusals_;  // who decides, counted from 1; the first: no rule
};

class SecurityFilter {
 public:
  SecurityFilter() = default;  // without groups: everything is open
  SecurityFilter(std::vector<std::string> groups, std::vector<SecurityRule> rules);

  /// Who may connect to a listener at this port.
  AddressFilter inbound(std::uint16_t port) const;
  /// Why nothing may connect to a target there, in the same words; empty when it may.
  std::string outbound_refusal(const net::Endpoint& target) const;

 private:
  std::string no_rule_allows() const;

  std::vector<std::string> groups_;
  std::vector<SecurityRule> rules_;  // by precedence
};

}  // namespace weir::snapshot
