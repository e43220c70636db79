#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "base/printable.h"

namespace weir::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

Error bad(std::string_view what, std::string_view text) {
  // A literal longer than any address is not repeated whole: it may be anything.
  return Error{ErrorCode::kInvalidArgument,
               std::string(what) + ", found \"" + printable(text, 64) + "\"",
               {}};
}

/// Decimal without sign, leading zero or space.
std::optional<int> canonical_number(std::string_view text, int limit) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > limit) return std::nullopt;
  return value;
}

int family_bits(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

/// Position of the prefix's last bit within the 16 bytes.
int mapped_length(const Prefix& prefix) {
  return prefix.base.is_v4() ? kMappedBits + prefix.length : prefix.length;
}

bool same_bits(const IpAddress& a, const IpAddress& b, int length) {
  const auto whole = static_cast<std::size_t>(length / 8);
  if (std::memcmp(a.bytes().data(), b.bytes().data(), whole) != 0) return false;
  const int rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((a.bytes()[whole] ^ b.bytes()[whole]) & mask) == 0;
}

bool no_bit_right_of(const IpAddress& address, int length) {
  for (int bit = length; bit < 128; ++bit) {
    const auto byte = address.bytes()[static_cast<std::size_t>(bit / 8)];
    if ((byte >> (7 - bit % 8)) & 1) return false;
  }
  return true;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress result;
  std::ranges::copy(kMappedPrefix, result.bytes_.begin());
  const std::uint32_t network_order = htonl(host_order);
  std::memcpy(result.bytes_.data() + kMappedPrefix.size(), &network_order, sizeof network_order);
  return result;
}

IpAddress IpAddress::from_bytes(std::span<const std::uint8_t, 16> bytes) {
  IpAddress result;
  std::ranges::copy(bytes, result.bytes_.begin());
  return result;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  constexpr std::string_view kWanted = "must be an IP address in canonical form";
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return bad(kWanted, text);
  }
  const std::string terminated(text);
  in_addr v4_address{};
  in6_addr v6_address{};
  IpAddress result;
  if (inet_pton(AF_INET, terminated.c_str(), &v4_address) == 1) {
    result = v4(ntohl(v4_address.s_addr));
  } else if (inet_pton(AF_INET6, terminated.c_str(), &v6_address) == 1) {
    std::memcpy(result.bytes_.data(), &v6_address, sizeof v6_address);
  } else {
    return bad(kWanted, text);
  }
  // One address has one text: without this, two spellings of one address would be two keys of the
  // store.
  if (result.text() != text) return bad(std::string(kWanted) + " (" + result.text() + ")", text);
  return result;
}

bool IpAddress::is_v4() const {
  return std::memcmp(bytes_.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::uint32_t IpAddress::v4_value() const {
  WEIR_CHECK(is_v4());
  std::uint32_t network_order = 0;
  std::memcpy(&network_order, bytes_.data() + kMappedPrefix.size(), sizeof network_order);
  return ntohl(network_order);
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return bytes_[15] == 1 &&
         std::ranges::all_of(std::span(bytes_).first(15), [](auto b) { return b == 0; });
}

bool IpAddress::is_unspecified() const { return *this == IpAddress() || *this == v4(0); }

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  const char* text =
      is_v4() ? inet_ntop(AF_INET, bytes_.data() + kMappedPrefix.size(), buffer, sizeof buffer)
              : inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  WEIR_CHECK(text != nullptr);
  return text;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  constexpr std::string_view kWanted = "must be address:port or [address]:port";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad(kWanted, text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<int> port = canonical_number(text.substr(colon + 1), 65535);
  const Result<IpAddress> address = IpAddress::parse(host);
  if (!port || !address.ok() || address->is_v4() == bracketed) return bad(kWanted, text);
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::text() const {
  const std::string host = address.is_v4() ? address.text() : "[" + address.text() + "]";
  return host + ":" + std::to_string(port);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  constexpr std::string_view kWanted = "must be an address prefix such as 10.0.0.0/24";
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad(kWanted, text);
  const Result<IpAddress> base = IpAddress::parse(text.substr(0, slash));
  if (!base.ok()) return bad(kWanted, text);
  const std::optional<int> length = canonical_number(text.substr(slash + 1), family_bits(*base));
  if (!length) return bad(kWanted, text);
  const Prefix result{*base, *length};
  if (!no_bit_right_of(result.base, mapped_length(result))) {
    return bad("must be a prefix with no bit set right of its mask", text);
  }
  return result;
}

bool Prefix::contains(const IpAddress& address) const {
  return address.is_v4() == base.is_v4() && same_bits(base, address, mapped_length(*this));
}

bool Prefix::contains(const Prefix& other) const {
  return other.length >= length && contains(other.base);
}

bool Prefix::overlaps(const Prefix& other) const {
  return contains(other) || other.contains(*this);
}

std::string Prefix::text() const { return base.text() + "/" + std::to_string(length); }

SocketAddress socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.address.v4_value());
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
    return result;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes().data(), sizeof v6.sin6_addr);
  std::memcpy(&result.storage, &v6, sizeof v6);
  result.size = sizeof v6;
  return result;
}

Endpoint endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    return Endpoint{IpAddress::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return Endpoint{IpAddress::from_bytes(bytes), ntohs(v6.sin6_port)};
  }
  return Endpoint{};
}

}  // namespace weir::net
