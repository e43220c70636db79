// People and programs as the API knows them: users with a role in an account, and the tokens and
// access keys that speak for a user. They are no objects: no node, watch or stream ever hears of
// them (docs/adr/0020-people-and-programs.md). Thread: values and constants.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/field.h"
#include "model/no_admin.h"
#include "model/parts.h"
#include "model/registry.h"

namespace weir::model {

/// What a user may do; the API's policy says which call needs which (api/policy.h).
enum class Role { kViewer, kOperator, kAdministrator, kAuditor };
inline constexpr std::string_view kRoleWords[] = {"viewer", "operator", "administrator", "auditor"};
constexpr std::span<const std::string_view> words(Role) { return kRoleWords; }

struct User {
  using Admin = NoAdmin;

  Role role = Role::kViewer;
  std::string account;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("role", s.role,
      "viewer: reads; operator: makes and changes too; administrator: deletes and manages users "
      "too; auditor: reads, and the audit",
      kRequired);
    v("account", s.account, "whose objects it sees; absent: the caller's account", kImmutable,
      Text{TextRule::kName, 64});
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }
};

/// Of a token and of an access key.
struct CredentialAdmin {
  std::string user_id;
  std::string expires;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("userId", s.user_id, "the user it speaks for; empty: made at the first start", kOutputOnly);
    v("expiresTime", s.expires, "when it ends; empty: never", kOutputOnly);
  }
};

/// Source: reliability.md section 6 (tokens last 90 days). Units: days.
inline constexpr int kTokenDays = 90;
/// Chosen because programs are given new keys once a year. Units: days.
inline constexpr int kAccessKeyDays = 365;
/// Chosen because nobody remembers a longer one. Units: days. Reached: 400 naming the field.
inline constexpr int kCredentialDaysMax = 3'650;

/// What every credential is made with.
template <class Self, class Visitor>
void credential_fields(Self& s, Visitor& v) {
  v("user", s.user, "id or name of the user it speaks for", kRequired, kImmutable,
    Text{TextRule::kName, 64});
  v("validDays", s.valid_days, "days until it ends", kImmutable, Range{1, kCredentialDaysMax});
}

struct Token {
  using Admin = CredentialAdmin;

  std::string user;
  int valid_days = kTokenDays;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    credential_fields(s, v);
  }
};

struct AccessKey {
  using Admin = CredentialAdmin;

  std::string user;
  int valid_days = kAccessKeyDays;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    credential_fields(s, v);
  }
};

/// user, token and accesskey, for the command line, the schema and the API.
std::span<const KindDescription> people_descriptions();

/// Whether resources of this kind have names: all have but parts of others.
inline bool has_names(const KindDescription& kind) { return part_kind_of(kind) == nullptr; }

}  // namespace weir::model
