#include "api/v1_access.h"

#include "api/auth.h"
#include "api/bootstrap.h"
#include "api/secrets.h"
#include "api/signature.h"
#include "base/json.h"

namespace weir::api {

Result<Principal> V1Access::authenticate(const http::Request& request) {
  if (!is_signed(signed_request(request))) {
    return weir::api::authenticate(request, store_, clock_.wall_now());
  }
  auto signer = signer_of(request);
  if (!signer && signer.error().code == ErrorCode::kUnauthenticated) return signature_refusal();
  return signer;
}

Result<Principal> V1Access::signer_of(const http::Request& request) {
  const SignedRequest received = signed_request(request);
  const WallTime now = clock_.wall_now();
  WEIR_ASSIGN_OR_RETURN(const SignatureClaims claims,
                        read_signature(received, SignatureRules(), now));
  const auto key = known_key(claims.header.access_key);
  if (!key && key.error().code != ErrorCode::kNotFound) return key.error();
  const auto secret = key ? std::optional<std::string_view>(key->secret) : std::nullopt;
  WEIR_TRY(check_signature(received, claims, secret));
  WEIR_TRY(replays_.admit(claims, now));
  return principal_of(claims.header.access_key, key->stored, store_, now);
}

Result<V1Access::KnownKey> V1Access::known_key(const std::string& access_key) const {
  const std::string place = access_key_place(access_key);
  WEIR_ASSIGN_OR_RETURN(const store::Entry stored, store_.get(place));
  WEIR_ASSIGN_OR_RETURN(Json json, parse_json(stored.value));
  auto secret = unseal(key_, place, json.string_or("sealed", ""));
  // The service cannot read its own secret: control.key was lost or replaced.
  if (!secret) return Error{ErrorCode::kUnavailable, "access keys cannot be read", ""};
  return KnownKey{*std::move(secret), std::move(json)};
}

}  // namespace weir::api
