// Rules of security groups against a plain reading of them.
#include "snapshot/security_filter.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/random.h"

namespace weir::snapshot {
namespace {

net::Prefix prefix(const std::string& text) { return net::Prefix::parse(text).value(); }
net::IpAddress address(const std::string& text) { return net::IpAddress::parse(text).value(); }

SecurityRule rule(std::string id, bool is_inbound, bool allows, int priority,
                  const std::string& addresses) {
  return {.id = std::move(id),
          .group_id = "sg-1",
          .is_inbound = is_inbound,
          .allows = allows,
          .priority = priority,
          .prefix = prefix(addresses)};
}

TEST(SecurityFilter, WithoutGroupsNothingIsFiltered) {
  const SecurityFilter filter;
  EXPECT_TRUE(filter.inbound(80).is_open());
  EXPECT_EQ(filter.outbound_refusal({address("10.0.0.1"), 80}), "");
}

TEST(SecurityFilter, G42_WithoutAMatchingRuleNothingIsAllowed) {
  const SecurityFilter filter({"sg-1", "sg-2"}, {});
  EXPECT_FALSE(filter.inbound(80).is_open());
  EXPECT_FALSE(filter.inbound(80).admits(address("10.0.0.1")));
  EXPECT_EQ(filter.inbound(80).refusal(address("10.0.0.1")),
            "no rule of security group sg-1, sg-2 allows TCP from 10.0.0.1");
  EXPECT_EQ(filter.outbound_refusal({address("10.0.0.1"), 80}),
            "no rule of security group sg-1, sg-2 allows TCP to 10.0.0.1:80");
}

TEST(SecurityFilter, G42_TheSmallestPriorityDecidesAndAtEqualPriorityDeny) {
  const SecurityFilter filter(
      {"sg-1"},
      {rule("r1", true, true, 5, "10.0.0.0/8"), rule("r2", true, false, 5, "10.1.0.0/16"),
       rule("r3", true, true, 4, "10.1.1.0/24"), rule("r4", true, false, 6, "10.2.0.0/16")});
  const AddressFilter clients = filter.inbound(80);
  EXPECT_TRUE(clients.admits(address("10.0.0.1")));
  EXPECT_FALSE(clients.admits(address("10.1.0.1")));
  EXPECT_TRUE(clients.admits(address("10.1.1.1")));
  EXPECT_TRUE(clients.admits(address("10.2.0.1")));
  EXPECT_FALSE(clients.admits(address("11.0.0.0")));
  EXPECT_EQ(clients.refusal(address("10.1.0.1")),
            "rule r2 of security group sg-1 denies TCP from 10.1.0.1");
  EXPECT_EQ(clients.refusal(address("10.1.1.1")), "");
}

TEST(SecurityFilter, ARuleForAllMakesTheFilterOpenWhereItWins) {
  const SecurityFilter filter(
      {"sg-1"}, {rule("r1", true, true, 1, "0.0.0.0/0"), rule("r2", true, false, 2, "10.0.0.0/8")});
  EXPECT_TRUE(filter.inbound(80).is_open());
}

TEST(SecurityFilter, PortsAreInclusive) {
  SecurityRule web = rule("r1", true, true, 1, "0.0.0.0/0");
  web.from_port = 80;
  web.to_port = 90;
  SecurityRule out = web;
  out.is_inbound = false;
  const SecurityFilter filter({"sg-1"}, {web, out});
  for (const auto& [port, is_open] : {std::pair{79, false}, {80, true}, {90, true}, {91, false}}) {
    const auto number = static_cast<std::uint16_t>(port);
    EXPECT_EQ(filter.inbound(number).is_open(), is_open) << port;
    EXPECT_EQ(filter.outbound_refusal({address("10.0.0.1"), number}).empty(), is_open) << port;
  }
}

TEST(SecurityFilter, TheFirstAndTheLastAddressesBelongToTheirPrefixes) {
  const SecurityFilter filter({"sg-1"}, {rule("r1", true, true, 1, "0.0.0.0/1"),
                                         rule("r2", true, true, 1, "255.255.255.255/32"),
                                         rule("r3", true, false, 1, "0.0.0.0/32")});
  const AddressFilter clients = filter.inbound(80);
  EXPECT_FALSE(clients.admits(address("0.0.0.0")));
  EXPECT_TRUE(clients.admits(address("0.0.0.1")));
  EXPECT_TRUE(clients.admits(address("127.255.255.255")));
  EXPECT_FALSE(clients.admits(address("128.0.0.0")));
  EXPECT_FALSE(clients.admits(address("255.255.255.254")));
  EXPECT_TRUE(clients.admits(address("255.255.255.255")));
  EXPECT_FALSE(clients.admits(net::IpAddress())) << "rules name IPv4 addresses";
}

/// The decision by the letter of G42: of the rules that match, the one of the smallest priority, of
/// those of equal priority one that denies.
std::optional<bool> plain_reading(const std::vector<SecurityRule>& rules, bool is_inbound,
                                  const net::IpAddress& address, std::uint16_t port) {
  std::optional<bool> decision;
  int best = 0;
  for (const SecurityRule& one : rules) {
    if (one.is_inbound != is_inbound || !one.prefix.contains(address)) continue;
    if (port < one.from_port || port > one.to_port) continue;
    if (decision && one.priority > best) continue;
    if (decision && one.priority == best && !*decision) continue;
    decision = one.allows;
    best = one.priority;
  }
  return decision;
}

TEST(SecurityFilter, G42_DecidesAsAPlainReadingOfTheRulesDoes) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const auto number = [&](std::uint64_t bound) { return static_cast<int>(random.below(bound)); };
  // Few bits, so that prefixes and addresses meet.
  const auto any_address = [&] {
    static constexpr std::uint32_t kBases[] = {0, 0x0A000000, 0x7F000000, 0xFFFFFF00};
    return kBases[number(4)] | static_cast<std::uint32_t>(number(256));
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<SecurityRule> rules;
    for (int i = number(40); i > 0; --i) {
      SecurityRule one;
      one.id = "r" + std::to_string(i);
      one.group_id = "sg-1";
      one.is_inbound = number(2) == 0;
      one.allows = number(2) == 0;
      one.priority = 1 + number(5);
      const int length = number(4) == 0 ? number(33) : 24 + number(9);
      const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
      one.prefix = {net::IpAddress::v4(any_address() & mask), length};
      one.from_port = static_cast<std::uint16_t>(79 + number(3));
      one.to_port = static_cast<std::uint16_t>(one.from_port + number(3));
      rules.push_back(one);
    }
    const SecurityFilter filter({"sg-1"}, rules);
    for (std::uint16_t port = 79; port < 84; ++port) {
      const AddressFilter clients = filter.inbound(port);
      for (int i = 0; i < 60; ++i) {
        const net::IpAddress who = net::IpAddress::v4(any_address());
        ASSERT_EQ(clients.admits(who), plain_reading(rules, true, who, port).value_or(false))
            << who.text() << ":" << port;
        ASSERT_EQ(clients.refusal(who).empty(), clients.admits(who));
        ASSERT_EQ(filter.outbound_refusal({who, port}).empty(),
                  plain_reading(rules, false, who, port).value_or(false))
            << who.text() << ":" << port;
      }
    }
  }
}

}  // namespace
}  // namespace weir::snapshot
