#include "health/probe.h"

#include "health/http_probe.h"
#include "health/socket_probe.h"

namespace weir::health {

std::string_view probe_reason_name(ProbeReason reason) {
  switch (reason) {
    case ProbeReason::kNone:
    case ProbeReason::kNotRun:
      return "";
    case ProbeReason::kConnectFailed:
      return "CONNECT_FAILED";
    case ProbeReason::kConnectTimeout:
      return "CONNECT_TIMEOUT";
    case ProbeReason::kConnectInterrupt:
      return "CONNECT_INTERRUPT";
    case ProbeReason::kRequestFailed:
      return "REQUEST_FAILED";
    case ProbeReason::kRequestTimeout:
      return "REQUEST_TIMEOUT";
    case ProbeReason::kReceiveResponseFailed:
      return "RECEIVE_RESPONSE_FAILED";
    case ProbeReason::kReceiveResponseTimeout:
      return "RECEIVE_RESPONSE_TIMEOUT";
    case ProbeReason::kHttpCodeMismatch:
      return "HTTP_CODE_MISMATCH";
    case ProbeReason::kResponseFormatError:
      return "RESPONSE_FORMAT_ERROR";
  }
  return "";
}

std::unique_ptr<Probe> make_probe(snapshot::CheckProtocol protocol, net::EventLoop& loop) {
  switch (protocol) {
    case snapshot::CheckProtocol::kTcp:
      break;
    case snapshot::CheckProtocol::kHttp:
      return std::make_unique<SocketProbe>(loop, http_dialogue());
  }
  return std::make_unique<SocketProbe>(loop, std::nullopt);
}

}  // namespace weir::health
