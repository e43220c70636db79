// Users, tokens and access keys in the store: made, changed, revoked, and asked who speaks. They
// stand below people/, token/ and accesskey/, apart from the objects that nodes follow. Every write
// names and moves one root, so that names, limits and the last administrator are judged on the
// whole picture. A revoked or expired one is refused at its next call, since each call reads the
// store. Called by people_face.cpp and by who authenticates. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "api/outcome.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::api {

enum class PeopleKind : std::uint8_t { kUser, kToken, kAccessKey };

/// Chosen because an account is a team. Units: users. Reached: 429 QUOTA_EXCEEDED.
inline constexpr std::size_t kUsersPerAccountMax = 100;
/// Of each kind, of one user. Chosen because each program of a user has one, and a second while it
/// is exchanged; all go with their user in one transaction. Reached: 429 QUOTA_EXCEEDED.
inline constexpr std::size_t kCredentialsPerUserMax = 50;

/// Who speaks, once the secret was found good.
struct Principal {
  std::string who;  // "ann/token-0123456789"; the id alone of what the first start made
  std::string account;
  model::Role role = model::Role::kViewer;
};

/// The principal of a stored token or access key.
/// Errors:  kUnauthenticated when it has expired or its user has gone; kUnavailable
Result<Principal> principal_of(std::string who, const Json& credential, const store::Store& store,
                               WallTime now);

class People {
 public:
  /// `key` is the content of DIR/control.key.
  People(store::Store& store, const Clock& clock, std::string key)
      : store_(store), clock_(clock), key_(std::move(key)) {}

  struct Place {
    PeopleKind kind{};
    std::string id;
    std::optional<Revision> if_match;  // the write is refused when it has another revision
  };

  /// What the caller may see, ascending by id. Errors: kUnavailable
  Result<std::vector<Json>> list(PeopleKind kind, const Caller& caller) const;

  /// The answer has the secret of a token or access key as `secret`; it is told this once.
  /// Errors:  kInvalidArgument, kNotFound (user), kAlreadyExists (name), kPermissionDenied
  ///          (account), kQuotaExceeded, kUnavailable
  Outcome<Json> create(PeopleKind kind, const Json& body, const Caller& caller);
  /// Of a user, by a merge patch. Errors: as create(), kConflict for the last administrator
  Outcome<Json> update(const Place& place, const Json& body, const Caller& caller);
  /// A user goes with its tokens and access keys.
  /// Errors:  kNotFound, kStale, kConflict, kUnavailable
  Outcome<Json> remove(const Place& place, const Caller& caller);

 private:
  struct Stored {
    std::string id;
    Json document;
    Revision revision;
  };
  /// All of them, and the revision of the root before they were read.
  struct Picture {
    Revision root;
    std::vector<Stored> users;
    std::vector<Stored> tokens;
    std::vector<Stored> access_keys;

    std::vector<Stored>& of(PeopleKind kind);
    const std::vector<Stored>& of(PeopleKind kind) const;
    const Stored* find(PeopleKind kind, std::string_view id) const;
  };
  struct Plan {
    store::Transaction transaction;
    Json answer;
  };
  using Planner = std::function<Outcome<Plan>(const Picture&)>;

  static Json shown(PeopleKind kind, const Stored& stored, const Picture& picture);
  static bool is_visible(const Stored& stored, const Caller& caller);

  Result<Picture> read() const;
  Outcome<Json> write(const Planner& planner);
  Plan plan_of(const Picture& picture, const Caller& caller, std::string operation,
               const std::string& id) const;

  Result<std::string> give_secret(PeopleKind kind, Stored& made) const;
  Outcome<Plan> plan_user(const Picture& picture, const Json& body, const Caller& caller) const;
  Outcome<Plan> plan_credential(PeopleKind kind, const Picture& picture, const Json& body,
                                const Caller& caller) const;
  Outcome<Plan> plan_update(const Picture& picture, const Place& place, const Json& body,
                            const Caller& caller) const;
  Outcome<Plan> plan_remove(const Picture& picture, const Place& place, const Caller& caller) const;
  /// Errors:  kNotFound when it is not the caller's, kStale
  static Errors check_place(const Picture& picture, const Place& place, const Caller& caller);
  /// Errors:  kConflict when nobody could administer the service after this
  Errors check_administrator(const Picture& before, const Picture& after) const;
  bool has_administrator(const Picture& picture) const;

  store::Store& store_;
  const Clock& clock_;
  const std::string key_;
};

}  // namespace weir::api
