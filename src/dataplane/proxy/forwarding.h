// The texts of a request's X-Forwarded-* fields, without an allocation; lives on the stack while
// the head is written. Thread: one worker.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/proxy/plan.h"
#include "http/h1_writer.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

class ForwardingText {
 public:
  ForwardingText(const ListenerPlan& listener, const net::Endpoint& client,
                 const snapshot::ForwardedFields& fields);

  /// Refers to this object.
  http::RequestOptions options() const;

 private:
  const ListenerPlan& listener_;
  const snapshot::ForwardedFields& fields_;
  std::array<char, 48> address_;  // INET6_ADDRSTRLEN is 46
  std::array<char, 6> port_;
  std::string_view peer_;
  std::string_view client_port_;
};

}  // namespace weir::dataplane::proxy
