#include "net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace weir::net {
namespace {

TEST(IpAddress, ReadsCanonicalIpv4AndWritesItBack) {
  for (const char* text :
       {"0.0.0.0", "10.0.0.1", "127.0.0.1", "255.255.255.255", "169.254.169.110"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_TRUE(address->is_v4());
    EXPECT_EQ(address->text(), text);
  }
}

TEST(IpAddress, RefusesEverySpellingThatIsNotCanonical) {
  for (const char* text : {"",
                           " ",
                           "010.0.0.1",
                           "0x7f.1",
                           "2130706433",
                           "10.0.0.1 ",
                           " 10.0.0.1",
                           "10.0.0",
                           "10.0.0.256",
                           "10.0.0.1.1",
                           "10.0.0.-1",
                           "1.2.3.4/8",
                           "localhost",
                           "::ffff:10.0.0.1",
                           "0:0:0:0:0:0:0:1",
                           "2001:DB8::1",
                           "2001:db8:0::1",
                           "fe80::1%lo",
                           "[::1]",
                           "1:2:3:4:5:6:7:8:9",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0", 9)).ok());
}

TEST(IpAddress, RepeatsOnlyPrintableBytesOfABadLiteralInItsMessage) {
  const auto bad = IpAddress::parse("10.0.0.1\n\x1b[2J\xe4\xb8");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("found \"10.0.0.1??[2J??\""), std::string::npos)
      << bad.error().message;
}

TEST(IpAddress, HoldsIpv4MappedIntoSixteenBytes) {
  const auto address = IpAddress::v4(0x0a000102);
  EXPECT_EQ(address.text(), "10.0.1.2");
  EXPECT_EQ(address.v4_value(), 0x0a000102U);
  EXPECT_EQ(address.bytes()[10], 0xff);
  EXPECT_EQ(address.bytes()[15], 2);
  EXPECT_EQ(address, *IpAddress::parse("10.0.1.2"));
  EXPECT_LT(address, *IpAddress::parse("10.0.1.3"));
}

TEST(IpAddress, ReadsIpv6) {
  for (const char* text : {"::", "::1", "2001:db8::1", "fe80::1:2", "1:2:3:4:5:6:7:8"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_FALSE(address->is_v4());
    EXPECT_EQ(address->text(), text);
  }
}

TEST(IpAddress, KnowsLoopbackAndUnspecified) {
  EXPECT_TRUE(IpAddress::parse("127.3.2.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("10.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("2001:db8::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
}

TEST(Endpoint, ReadsBothFamiliesAndWritesThemBack) {
  for (const char* text :
       {"10.0.0.1:80", "127.0.0.1:0", "0.0.0.0:65535", "[::1]:80", "[2001:db8::1]:8443"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(Endpoint, RefusesWhatIsNotOne) {
  for (const char* text : {"", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:080",
                           "10.0.0.1:+80", "::1:80", "[10.0.0.1]:80", "[::1]", "[::1]80", "host:80",
                           "10.0.0.1:8 0", "10.0.0.1:99999999999"}) {
    EXPECT_FALSE(Endpoint::parse(text).ok()) << text;
  }
}

TEST(Endpoint, SurvivesTheWayThroughASocketAddress) {
  for (const char* text : {"10.1.2.3:80", "[2001:db8::7]:443"}) {
    const auto endpoint = *Endpoint::parse(text);
    const SocketAddress address = socket_address(endpoint);
    EXPECT_EQ(address.storage.ss_family, endpoint.address.is_v4() ? AF_INET : AF_INET6);
    EXPECT_EQ(endpoint_of(address.storage), endpoint);
  }
}

TEST(Prefix, ContainsExactlyItsAddresses) {
  const auto prefix = *Prefix::parse("10.0.4.0/22");
  EXPECT_EQ(prefix.text(), "10.0.4.0/22");
  for (const char* text : {"10.0.4.0", "10.0.5.9", "10.0.7.255"}) {
    EXPECT_TRUE(prefix.contains(*IpAddress::parse(text))) << text;
  }
  for (const char* text : {"10.0.3.255", "10.0.8.0", "::", "2001:db8::1"}) {
    EXPECT_FALSE(prefix.contains(*IpAddress::parse(text))) << text;
  }
}

TEST(Prefix, TheWidestHoldsItsOwnFamilyOnly) {
  const auto v4 = *Prefix::parse("0.0.0.0/0");
  const auto v6 = *Prefix::parse("::/0");
  EXPECT_TRUE(v4.contains(*IpAddress::parse("255.255.255.255")));
  EXPECT_FALSE(v6.contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_FALSE(v4.contains(*IpAddress::parse("::1")));
  EXPECT_FALSE(v4.overlaps(v6));
}

TEST(Prefix, KnowsContainmentAndOverlap) {
  const auto vpc = *Prefix::parse("10.0.0.0/16");
  const auto subnet = *Prefix::parse("10.0.1.0/24");
  const auto other = *Prefix::parse("10.1.0.0/24");
  const auto host = *Prefix::parse("10.0.1.7/32");
  EXPECT_TRUE(vpc.contains(subnet));
  EXPECT_TRUE(vpc.contains(vpc));
  EXPECT_FALSE(subnet.contains(vpc));
  EXPECT_TRUE(subnet.overlaps(vpc));
  EXPECT_TRUE(vpc.overlaps(subnet));
  EXPECT_FALSE(vpc.overlaps(other));
  EXPECT_TRUE(host.contains(*IpAddress::parse("10.0.1.7")));
  EXPECT_FALSE(host.contains(*IpAddress::parse("10.0.1.6")));
}

TEST(Prefix, RefusesBitsRightOfTheMaskAndBadLengths) {
  for (const char* text :
       {"10.0.0.1/24", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1",
        "10.0.0/24", "2001:db8::1/64", "::/129", "/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(Prefix::parse(text).ok()) << text;
  }
  EXPECT_TRUE(Prefix::parse("2001:db8::/64").ok());
}

}  // namespace
}  // namespace weir::net
