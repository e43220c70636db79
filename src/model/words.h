// The enumerations of the public API and their words. A value's place in the enumeration is its
// place in the list of words. Thread: any (constants).
#pragma once

#include <span>
#include <string_view>
#include <type_traits>

namespace weir::model {

enum class LoadBalancerType { kAlb, kNlb, kDnlb };
inline constexpr std::string_view kLoadBalancerTypeWords[] = {"alb", "nlb", "dnlb"};
constexpr std::span<const std::string_view> words(LoadBalancerType) {
  return kLoadBalancerTypeWords;
}

/// Of a listener, a backend service or a check.
enum class Protocol { kHttp, kTcp };
inline constexpr std::string_view kProtocolWords[] = {"Http", "Tcp"};
constexpr std::span<const std::string_view> words(Protocol) { return kProtocolWords; }

enum class Algorithm { kRoundRobin, kLeastConn, kIpHash, kQuintupleHash };
inline constexpr std::string_view kAlgorithmWords[] = {"RoundRobin", "LeastConn", "IpHash",
                                                       "QuintupleHash"};
constexpr std::span<const std::string_view> words(Algorithm) { return kAlgorithmWords; }

enum class HttpVersion { kHttp10, kHttp11 };
inline constexpr std::string_view kHttpVersionWords[] = {"HTTP1.0", "HTTP1.1"};
constexpr std::span<const std::string_view> words(HttpVersion) { return kHttpVersionWords; }

enum class TargetGroupType { kInstance, kIp };
inline constexpr std::string_view kTargetGroupTypeWords[] = {"instance", "ip"};
constexpr std::span<const std::string_view> words(TargetGroupType) { return kTargetGroupTypeWords; }

enum class ListenerStatus { kOn, kOff };
inline constexpr std::string_view kListenerStatusWords[] = {"On", "Off"};
constexpr std::span<const std::string_view> words(ListenerStatus) { return kListenerStatusWords; }

enum class LoadBalancerState { kStarted, kStopped };
inline constexpr std::string_view kLoadBalancerStateWords[] = {"started", "stopped"};
constexpr std::span<const std::string_view> words(LoadBalancerState) {
  return kLoadBalancerStateWords;
}

enum class InstanceState { kRunning, kStopped };
inline constexpr std::string_view kInstanceStateWords[] = {"running", "stopped"};
constexpr std::span<const std::string_view> words(InstanceState) { return kInstanceStateWords; }

/// Of a security group, and of a rule that its group was made with.
enum class SecurityGroupType { kDefault, kCustom };
inline constexpr std::string_view kSecurityGroupTypeWords[] = {"default", "custom"};
constexpr std::span<const std::string_view> words(SecurityGroupType) {
  return kSecurityGroupTypeWords;
}

enum class RuleDirection { kIn, kOut };
inline constexpr std::string_view kRuleDirectionWords[] = {"in", "out"};
constexpr std::span<const std::string_view> words(RuleDirection) { return kRuleDirectionWords; }

enum class RuleAction { kAllow, kDeny };
inline constexpr std::string_view kRuleActionWords[] = {"ALLOW", "DENY"};
constexpr std::span<const std::string_view> words(RuleAction) { return kRuleActionWords; }

enum class RuleProtocol { kAll, kTcp, kUdp, kIcmp };
inline constexpr std::string_view kRuleProtocolWords[] = {"ALL", "TCP", "UDP", "ICMP"};
constexpr std::span<const std::string_view> words(RuleProtocol) { return kRuleProtocolWords; }

enum class PrefixType { kCidr };
inline constexpr std::string_view kPrefixTypeWords[] = {"CIDR"};
constexpr std::span<const std::string_view> words(PrefixType) { return kPrefixTypeWords; }

/// What the members of an availability group are.
enum class AgType { kVm };
inline constexpr std::string_view kAgTypeWords[] = {"vm"};
constexpr std::span<const std::string_view> words(AgType) { return kAgTypeWords; }

/// Whether the members of an availability group are made from a template.
enum class AgConfiguration { kLoose };
inline constexpr std::string_view kAgConfigurationWords[] = {"loose"};
constexpr std::span<const std::string_view> words(AgConfiguration) { return kAgConfigurationWords; }

enum class BindingMode { kLoopback, kInterface, kExternal };
inline constexpr std::string_view kBindingModeWords[] = {"loopback", "interface", "external"};
constexpr std::span<const std::string_view> words(BindingMode) { return kBindingModeWords; }

/// The word of a value, e.g. "Http".
template <class Word>
  requires std::is_enum_v<Word>
constexpr std::string_view word_of(Word value) {
  return words(value)[static_cast<std::size_t>(value)];
}

}  // namespace weir::model
