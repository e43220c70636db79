// Who calls the JD Cloud face: a request signed with an access key, or a bearer token as on the
// native face. Secrets are stored sealed under DIR/control.key (mode 0600), because a signature can
// only be judged with the secret itself. Called by v1_face.cpp. Thread: any.
#pragma once

#include <string>

#include "api/people.h"
#include "api/replay_guard.h"
#include "base/clock.h"
#include "base/json.h"
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

  /// Whom the access key of a signed call, or the token of another, speaks for.
  /// Errors:  kUnauthenticated, the same whatever is wrong; kRateLimited; kUnavailable
  Result<Principal> authenticate(const http::Request& request);

 private:
  struct KnownKey {
    std::string secret;
    Json stored;
  };
  Result<Principal> signer_of(const http::Request& request);
  /// Errors:  kNotFound, kUnavailable
  Result<KnownKey> known_key(const std::string& access_key) const;

  const store::Store& store_;
  const Clock& clock_;
  const std::string key_;
  ReplayGuard replays_;
};

}  // namespace weir::api
