// Which backend service serves a request. Pure. Called by exchanges. Thread: one worker.
#pragma once

#include <string_view>

#include "dataplane/proxy/directory.h"

namespace weir::dataplane::proxy {

/// Null when the listener forwards to nothing. Host and path will choose among rules; until there
/// are any, a listener has one backend service.
inline ServiceEntry* route(const ListenerEntry& listener, std::string_view /*host*/,
                           std::string_view /*path*/) {
  return listener.route.empty() ? nullptr : listener.route.front().get();
}

}  // namespace weir::dataplane::proxy
