// Users, tokens and access keys in the store: made, changed, revoked, and asked who speaks. They
// stand below people/, token/ and accesskey/, apart from the objects that nodes follow. Every write
// names and moves one root, so that names, limits and the last administrator are judged on the
// whole picture. A revoked or expired one is refused at its next call, since each call reads the
// store. Called by people_face.cpp and by who authenticates. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "api/outcome.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::api {

enum class PeopleKind : std::uint8_t { kUser, kToken, kAccessKey };

/// Chosen because an account is a team. Units: users. Reached: 429 QUOTA_EXCEEDED.
inline constexpr std::size_t kUsersPerAccountMax = 100;
/// Of each kind, of one user. Chosen because each program of a user has one, and a second while it
/// is exchanged; all go with their user in one transaction. Reached: one that has expired goes; 429
/// QUOTA_EXCEEDED when none has.
inline constexpr std::size_t kCredentialsPerUserMax = 50;

/// Who speaks, once the secret was found good.
struct Principal {
  std::string who;  // "ann/token-0123456789"; the id alone of what the first start made
  std::string account;
  model::Role role = model::Role::kViewer;
  std::string user{};     // id
  std::string session{};  // id, when a session speaks
};

/// A user as logins know one.
struct PersonName {
  std::string id;
  std::string account;
  std::string name;
};

/// "people/user/<id>".
std::string user_key(std::string_view id);

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

  /// Nothing when nobody has this name. Errors: kUnavailable
  Result<std::optional<PersonName>> find_user(std::string_view account, std::string_view name) const
      WEIR_EXCLUDES(mutex_);
  /// Nothing when the caller sees no such user. Errors: kUnavailable
  Result<std::optional<PersonName>> user_of(std::string_view id, const Caller& caller) const
      WEIR_EXCLUDES(mutex_);

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
    std::shared_ptr<const Json> document;
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

  /// What has not changed since the last call is not parsed again.
  Result<std::shared_ptr<const Picture>> read() const WEIR_EXCLUDES(mutex_);
  Result<std::vector<Stored>> read_kind(PeopleKind kind, const Picture* before) const;
  Outcome<Json> write(const Planner& planner) WEIR_EXCLUDES(mutex_);
  Plan plan_of(const Picture& picture, const Caller& caller, std::string operation,
               const std::string& object) const;
  /// Adds what goes to make room for one more of the user. Errors:  kQuotaExceeded
  Errors make_room(PeopleKind kind, const Picture& picture, const std::string& user,
                   store::Transaction& transaction) const;
  Result<std::string> find_owner(const Picture& picture, const std::string& asked,
                                 const Caller& caller) const;
  /// Adds the password and the sessions of a user who goes. Errors:  kUnavailable
  Result<void> take_logins(const std::string& user, store::Transaction& transaction) const;

  Result<std::string> give_secret(PeopleKind kind, std::string& id, Json& document) const;
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

  mutable Mutex mutex_;
  mutable std::shared_ptr<const Picture> known_ WEIR_GUARDED_BY(mutex_);  // the newest
};

}  // namespace weir::api
