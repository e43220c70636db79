// What an HTTP check says and accepts: a HEAD request, and a status code in the ranges the user
// called normal. Pure text in, text out; the socket is in socket_probe.h. Never follows a redirect.
// Source: product.md A.7, C.7. Thread: any (pure functions).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "health/probe.h"
#include "health/socket_probe.h"

namespace weir::health {

/// HTTP/1.0 with a Host only when one is set, or HTTP/1.1 with the one set or the address and port.
/// What the path holds beyond the characters of a URL is percent-encoded.
std::string http_request(const ProbeTarget& target);

/// Judges the answer as soon as its head is complete, or by its status alone when the head exceeds
/// a limit of the codec or kAnswerBytesMax.
std::optional<ProbeOutcome> judge_http_answer(const snapshot::HealthCheck& check,
                                              std::string_view answer);

Dialogue http_dialogue();

}  // namespace weir::health
