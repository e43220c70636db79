// A listener: a port on which a load balancer accepts traffic, and the backend service that serves
// it. Its On/Off switch is administrative (the intent stays), so it stands in the admin part; users
// set it as admin.status. Source: product.md A.5. Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/field.h"

namespace weir::model {

struct ListenerAdmin {
  ListenerStatus status = ListenerStatus::kOn;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("status", s.status, "Off: accepts nothing new, connections run on, references stay",
      kSettable);
  }

  friend bool operator==(const ListenerAdmin&, const ListenerAdmin&) = default;
};

struct Listener {
  using Admin = ListenerAdmin;
  static constexpr Kind kKind = Kind::kListener;

  std::string load_balancer_id;
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;
  std::string backend_id;
  std::optional<int> connection_idle_time_seconds;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id, "the load balancer it belongs to", kRequired,
      kImmutable, Ref{Kind::kLoadBalancer});
    v("protocol", s.protocol, "what it speaks to clients (alb: Http, Tcp; nlb, dnlb: Tcp)",
      kRequired, kImmutable, NotYet{"Https", "Tls", "Udp"});
    v("port", s.port, "the port it accepts on, once per load balancer", Range{1, 65535}, kRequired,
      kImmutable);
    v("backendId", s.backend_id, "the backend service that serves it, of the same protocol",
      kRequired, Ref{Kind::kBackend});
    v("connectionIdleTimeSeconds", s.connection_idle_time_seconds,
      "seconds after which an idle connection is closed; absent: 60 for Http, 1800 for Tcp",
      Range{1, 86400}, OnlyOn{LoadBalancerType::kAlb, LoadBalancerType::kNlb});
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// Units: seconds. Source: product.md A.5.
inline constexpr int kHttpIdleSecondsDefault = 60;
inline constexpr int kTcpIdleSecondsDefault = 1800;

/// The idle time in force, with the default of the protocol.
constexpr int idle_seconds(const Listener& listener) {
  return listener.connection_idle_time_seconds.value_or(
      listener.protocol == Protocol::kHttp ? kHttpIdleSecondsDefault : kTcpIdleSecondsDefault);
}

}  // namespace weir::model
