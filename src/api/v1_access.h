// Who calls the JD Cloud face: a request signed with an access key, or a bearer token as on the
// native face. Secrets are stored sealed under DIR/control.key (mode 0600), because a signature can
// only be judged with the secret itself. Called by v1_face.cpp. Thread: any.
#pragma once

#include <string>

#include "api/replay_guard.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

class V1Access {
 public:
  /// `key` is the content of DIR/control.key.
  V1Access(const store::Store& store, const Clock& clock, Metrics& metrics, std::string key)
      : store_(store), clock_(clock), key_(std::move(key)), replays_(ReplayLimits(), &metrics) {}

  /// The access key of a signed call, the token's id otherwise; it names the caller in the audit.
  /// Errors:  kUnauthenticated, the same whatever is wrong; kRateLimited; kUnavailable
  Result<std::string> authenticate(const http::Request& request);

 private:
  Result<std::string> signer_of(const http::Request& request);
  /// Errors:  kNotFound, kUnavailable
  Result<std::string> secret_of(const std::string& access_key) const;

  const store::Store& store_;
  const Clock& clock_;
  const std::string key_;
  ReplayGuard replays_;
};

}  // namespace weir::api
