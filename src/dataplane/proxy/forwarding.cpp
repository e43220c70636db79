#include "dataplane/proxy/forwarding.h"

#include <arpa/inet.h>

#include <charconv>

namespace weir::dataplane::proxy {
namespace {

template <std::size_t Size>
std::string_view number_text(std::array<char, Size>& room, char* at, unsigned number) {
  const char* end = std::to_chars(at, room.data() + room.size(), number).ptr;
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

template <std::size_t Size>
std::string_view address_text(std::array<char, Size>& room, const net::IpAddress& address) {
  if (!address.is_v4()) {
    const char* text = ::inet_ntop(AF_INET6, address.bytes().data(), room.data(), Size);
    return text == nullptr ? std::string_view() : std::string_view(text);
  }
  std::string_view text;
  char* at = room.data();
  for (std::size_t octet = 12; octet < 16; ++octet) {
    if (octet > 12) *at++ = '.';
    text = number_text(room, at, address.bytes()[octet]);
    at = room.data() + text.size();
  }
  return text;
}

}  // namespace

ForwardingText::ForwardingText(const ListenerPlan& listener, const net::Endpoint& client,
                               const snapshot::ForwardedFields& fields)
    : listener_(listener), fields_(fields), peer_(address_text(address_, client.address)) {
  if (fields.client_port) client_port_ = number_text(port_, port_.data(), client.port);
}

http::RequestOptions ForwardingText::options() const {
  http::RequestOptions options;
  options.forwarding.peer = peer_;
  // TLS listeners do not exist yet; the listener's protocol will say it.
  if (fields_.proto) options.forwarding.proto = "http";
  if (fields_.port) options.forwarding.port = listener_.port;
  if (fields_.vip) options.forwarding.lbip = listener_.vip;
  options.forwarding.client_port = client_port_;
  options.forwarding.host = fields_.host;
  options.vip = listener_.host;
  options.listener_port = listener_.port;
  options.pass_upgrade = true;
  options.pass_expect = true;
  return options;
}

}  // namespace weir::dataplane::proxy
