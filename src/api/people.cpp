#include "api/people.h"

#include <algorithm>
#include <array>
#include <span>
#include <thread>

#include "api/auth.h"
#include "api/bootstrap.h"
#include "api/password_record.h"
#include "api/policy.h"
#include "api/resource_writer.h"
#include "api/secrets.h"
#include "base/random.h"
#include "model/object.h"
#include "model/object_body.h"
#include "model/text_rules.h"
#include "model/utc.h"

namespace weir::api {
namespace {

using model::Role;

constexpr std::string_view kRoot = "people/root";
/// Units: characters. Chosen because names of load balancers are shorter. Reached: 400 naming the
/// field.
constexpr std::size_t kPersonNameMax = 64;
// Units: bytes of randomness. Source: reliability guide, section 6 (256 random bits).
constexpr std::size_t kSecretSize = 32;
// Of a key id: the form of the public product's.
constexpr std::size_t kAccessKeySize = 16;
constexpr std::chrono::hours kDay{24};
constexpr std::string_view kUserIdPrefix = "user-";
constexpr std::size_t kUserIdSize = 10;

struct Names {
  std::string_view word;
  std::string_view prefix;     // of its keys in the store
  std::string_view id_prefix;  // of an id before what the key ends with
};
/// In the order of PeopleKind.
constexpr std::array kNames = {Names{"user", "people/user/", ""},
                               Names{"token", "token/", "token-"},
                               Names{"accesskey", "accesskey/", ""}};

const Names& names_of(PeopleKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::string key_of(PeopleKind kind, const std::string& id) {
  const Names& names = names_of(kind);
  return std::string(names.prefix) + id.substr(names.id_prefix.size());
}

/// What the first start made has no account and no user.
std::string account_of(const Json& document) {
  return document.string_or("account", model::kDefaultOwner);
}

Role role_of_word(std::string_view word) {
  const auto found = std::ranges::find(model::kRoleWords, word);
  return found == std::end(model::kRoleWords)
             ? Role::kViewer
             : static_cast<Role>(found - std::begin(model::kRoleWords));
}

Role role_of_user(const Json& user) {
  const Json* spec = user.find("spec");
  return spec == nullptr ? Role::kViewer : role_of_word(spec->string_or("role", ""));
}

bool has_expired(const Json& credential, WallTime now) {
  const std::string expires = credential.string_or("expires", "");
  if (expires.empty()) return false;
  const auto end = model::parse_utc(expires);
  return !end || *end <= now;
}

Error invalid(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

/// The members beside the spec: a name there must be, labels there are none.
std::string read_name(const Json& body, std::string_view word, Errors& errors) {
  model::check_body_members(body, word, errors);
  const Json* labels = body.find("labels");
  if (labels != nullptr && !labels->is_null() && *labels != Json::object()) {
    errors.push_back(invalid("labels", "not supported here"));
  }
  const Json* name = body.find("name");
  if (name == nullptr || !name->is_string() || name->as_string().empty()) {
    errors.push_back(invalid("name", name == nullptr ? "is missing" : "must be a text"));
    return "";
  }
  std::string problem =
      model::check_text(name->as_string(), model::TextRule::kName, kPersonNameMax);
  if (!problem.empty()) errors.push_back(invalid("name", std::move(problem)));
  return name->as_string();
}

template <class T>
T read_spec(const Json& spec, Errors& errors) {
  if (!spec.is_object()) {
    errors.push_back(invalid("spec", "must be an object"));
    return {};
  }
  auto parsed = model::from_json<T>(spec, "spec");
  std::ranges::move(parsed.errors, std::back_inserter(errors));
  return std::move(parsed.value);
}

/// What both kinds of credentials are asked for with.
struct Asked {
  std::string user;
  int days = 0;
};

template <class T>
Asked read_asked(const Json& spec, Errors& errors) {
  const T read = read_spec<T>(spec, errors);
  return {read.user, read.valid_days};
}

Json spec_of(const Json& body) {
  const Json* spec = body.find("spec");
  return spec == nullptr || spec->is_null() ? Json::object() : *spec;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

Error not_found(PeopleKind kind) {
  const auto& description = model::people_descriptions()[static_cast<std::size_t>(kind)];
  return {ErrorCode::kNotFound, std::string(description.singular) + " not found", ""};
}

/// Names of users must not look like ids: a call that names a user by either means one.
bool has_form_of_id(std::string_view name) {
  return name.starts_with(kUserIdPrefix) && name.size() == kUserIdPrefix.size() + kUserIdSize;
}

/// In the audit a credential is named after its user.
std::string audited(const Json& document, const std::string& id) {
  const std::string user = document.string_or("user", "");
  return user.empty() ? id : user + "/" + id;
}

}  // namespace

std::string user_key(std::string_view id) {
  return std::string(names_of(PeopleKind::kUser).prefix) + std::string(id);
}

Result<Principal> principal_of(std::string who, const Json& credential, const store::Store& store,
                               WallTime now) {
  const Error refused{ErrorCode::kUnauthenticated, "a valid bearer token is required", ""};
  if (has_expired(credential, now)) return refused;
  const std::string user = credential.string_or("user", "");
  if (user.empty()) {
    return Principal{std::move(who), account_of(credential),
                     role_of_word(credential.string_or("role", ""))};
  }
  const auto stored = store.get(user_key(user));
  if (!stored) return stored.error().code == ErrorCode::kNotFound ? refused : stored.error();
  WEIR_ASSIGN_OR_RETURN(const Json document, parse_json(stored->value));
  return Principal{document.string_or("name", "") + "/" + who, account_of(document),
                   role_of_user(document), user};
}

std::vector<People::Stored>& People::Picture::of(PeopleKind kind) {
  return kind == PeopleKind::kUser ? users : kind == PeopleKind::kToken ? tokens : access_keys;
}

const std::vector<People::Stored>& People::Picture::of(PeopleKind kind) const {
  return kind == PeopleKind::kUser ? users : kind == PeopleKind::kToken ? tokens : access_keys;
}

const People::Stored* People::Picture::find(PeopleKind kind, std::string_view id) const {
  const auto& all = of(kind);
  const auto found = std::ranges::find(all, id, &Stored::id);
  return found == all.end() ? nullptr : &*found;
}

Result<std::vector<People::Stored>> People::read_kind(PeopleKind kind,
                                                      const Picture* before) const {
  const Names& names = names_of(kind);
  WEIR_ASSIGN_OR_RETURN(const store::Listing listing, store_.list(names.prefix));
  std::vector<Stored> found;
  found.reserve(listing.entries.size());
  // Both are ascending by key.
  std::span<const Stored> old;
  if (before != nullptr) old = before->of(kind);
  for (const store::Entry& entry : listing.entries) {
    std::string id = std::string(names.id_prefix) + entry.key.substr(names.prefix.size());
    while (!old.empty() && old.front().id < id) old = old.subspan(1);
    if (!old.empty() && old.front().id == id && old.front().revision == entry.revision) {
      found.push_back(old.front());
      continue;
    }
    auto document = parse_json(entry.value);
    if (!document || !document->is_object()) continue;
    found.push_back(
        {std::move(id), std::make_shared<const Json>(*std::move(document)), entry.revision});
  }
  return found;
}

Result<std::shared_ptr<const People::Picture>> People::read() const {
  const auto root = store_.get(kRoot);
  if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
  std::shared_ptr<const Picture> before;
  {
    const MutexLock lock(mutex_);
    before = known_;
  }
  // Every write of people moves the root; what the first start made came before there was one.
  if (before && root && before->root == root->revision) return before;
  Picture picture;
  if (root) picture.root = root->revision;
  for (const PeopleKind kind : {PeopleKind::kUser, PeopleKind::kToken, PeopleKind::kAccessKey}) {
    WEIR_ASSIGN_OR_RETURN(picture.of(kind), read_kind(kind, before.get()));
  }
  auto read = std::make_shared<const Picture>(std::move(picture));
  const MutexLock lock(mutex_);
  known_ = read;
  return read;
}

Result<std::optional<PersonName>> People::find_user(std::string_view account,
                                                    std::string_view name) const {
  WEIR_ASSIGN_OR_RETURN(const auto picture, read());
  for (const Stored& user : picture->users) {
    if (user.document->string_or("name", "") != name || account_of(*user.document) != account) {
      continue;
    }
    return std::optional(PersonName{user.id, std::string(account), std::string(name)});
  }
  return std::optional<PersonName>();
}

Result<std::optional<PersonName>> People::user_of(std::string_view id, const Caller& caller) const {
  WEIR_ASSIGN_OR_RETURN(const auto picture, read());
  const Stored* user = picture->find(PeopleKind::kUser, id);
  if (user == nullptr || !is_visible(*user, caller)) return std::optional<PersonName>();
  return std::optional(
      PersonName{user->id, account_of(*user->document), user->document->string_or("name", "")});
}

bool People::is_visible(const Stored& stored, const Caller& caller) {
  return is_of_service(caller) || account_of(*stored.document) == caller.account;
}

/// Never the hash or the sealed secret.
Json People::shown(PeopleKind kind, const Stored& stored, const Picture& picture) {
  const Json& document = *stored.document;
  Json spec = Json::object();
  Json admin = Json::object();
  if (kind == PeopleKind::kUser) {
    if (const Json* found = document.find("spec")) spec = *found;
  } else {
    const std::string user_id = document.string_or("user", "");
    const Stored* user = picture.find(PeopleKind::kUser, user_id);
    spec["user"] = Json(user == nullptr ? "" : user->document->string_or("name", ""));
    if (const Json* days = document.find("validDays")) spec["validDays"] = *days;
    admin["userId"] = Json(user_id);
    admin["expiresTime"] = Json(document.string_or("expires", ""));
  }
  return Json::object({{"kind", names_of(kind).word},
                       {"id", stored.id},
                       {"name", document.string_or("name", "administrator")},
                       {"owner", account_of(document)},
                       {"revision", stored.revision.value},
                       {"createdTime", document.string_or("created", "")},
                       {"spec", std::move(spec)},
                       {"admin", std::move(admin)}});
}

Result<std::vector<Json>> People::list(PeopleKind kind, const Caller& caller) const {
  WEIR_ASSIGN_OR_RETURN(const auto picture, read());
  std::vector<Json> found;
  for (const Stored& stored : picture->of(kind)) {
    if (is_visible(stored, caller)) found.push_back(shown(kind, stored, *picture));
  }
  return found;
}

Outcome<Json> People::write(const Planner& planner) {
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    const auto picture = read();
    if (!picture) return picture.error();
    Outcome<Plan> plan = planner(**picture);
    if (!plan.ok()) return std::move(plan.errors);
    const auto committed = store_.commit(plan.value->transaction);
    if (committed) {
      plan.value->answer["revision"] = Json(committed->value);
      return std::move(plan.value->answer);
    }
    const ErrorCode code = committed.error().code;
    if (code != ErrorCode::kStale && code != ErrorCode::kAlreadyExists) return committed.error();
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many writes at once", ""};
}

People::Plan People::plan_of(const Picture& picture, const Caller& caller, std::string operation,
                             const std::string& object) const {
  Plan plan;
  plan.transaction.expectations = {{std::string(kRoot), picture.root}};
  plan.transaction.writes = {{std::string(kRoot), object}};
  plan.transaction.audit = {.who = caller.who,
                            .account = caller.account,
                            .source = caller.source,
                            .operation = std::move(operation),
                            .object = object,
                            .request_id = caller.request_id,
                            .result = "ok"};
  return plan;
}

Outcome<People::Plan> People::plan_user(const Picture& picture, const Json& body,
                                        const Caller& caller) const {
  Errors errors;
  const std::string name = read_name(body, "user", errors);
  auto user = read_spec<model::User>(spec_of(body), errors);
  if (user.account.empty()) user.account = caller.account;
  if (has_form_of_id(name)) errors.push_back(invalid("name", "must not look like an id"));
  if (user.account != caller.account && !is_of_service(caller)) {
    errors.push_back({ErrorCode::kPermissionDenied,
                      "must be the account of the caller, " + caller.account, "spec.account"});
  }
  if (!errors.empty()) return errors;
  std::size_t count = 0;
  for (const Stored& other : picture.users) {
    if (account_of(*other.document) != user.account) continue;
    ++count;
    if (other.document->string_or("name", "") != name) continue;
    return Error{ErrorCode::kAlreadyExists, "is the name of " + other.id, "name"};
  }
  if (count >= kUsersPerAccountMax) {
    return Error{ErrorCode::kQuotaExceeded,
                 "an account has at most " + std::to_string(kUsersPerAccountMax) + " users", ""};
  }
  Random random;
  const Stored made{
      std::string(kUserIdPrefix) + random.word(kUserIdSize),
      std::make_shared<const Json>(Json::object({{"account", user.account},
                                                 {"name", name},
                                                 {"created", utc_text(clock_.wall_now())},
                                                 {"spec", model::to_json(user)}})),
      Revision()};
  Plan plan = plan_of(picture, caller, "create user", made.id);
  plan.transaction.writes.push_back({user_key(made.id), made.document->dump()});
  plan.answer = shown(PeopleKind::kUser, made, picture);
  return plan;
}

/// Gives a new credential its id and its secret, of which it keeps the hash or the seal.
Result<std::string> People::give_secret(PeopleKind kind, std::string& id, Json& document) const {
  if (kind == PeopleKind::kToken) {
    const NewToken token = new_token();
    id = token_id(token.id);
    document["sha256"] = Json(token.sha256);
    return token.text;
  }
  id = upper(secret_hex(kAccessKeySize));
  const std::string secret = secret_hex(kSecretSize);
  WEIR_ASSIGN_OR_RETURN(std::string sealed, seal(key_, access_key_place(id), secret));
  document["sealed"] = Json(std::move(sealed));
  return secret;
}

/// The id of the user that is asked for by id or by name. Errors:  kNotFound, kConflict
Result<std::string> People::find_owner(const Picture& picture, const std::string& asked,
                                       const Caller& caller) const {
  const Stored* by_id = picture.find(PeopleKind::kUser, asked);
  if (by_id != nullptr && is_visible(*by_id, caller)) return by_id->id;
  std::vector<std::string> named;
  for (const Stored& user : picture.users) {
    if (user.document->string_or("name", "") == asked && is_visible(user, caller)) {
      named.push_back(user.id);
    }
  }
  if (named.size() == 1) return named.front();
  return Error{named.empty() ? ErrorCode::kNotFound : ErrorCode::kConflict,
               "user " + model::quoted(asked) +
                   (named.empty() ? " not found" : " is in several accounts: give its id"),
               "spec.user"};
}

/// Those that have expired do not count, and go where there are too many.
Errors People::make_room(PeopleKind kind, const Picture& picture, const std::string& user,
                         store::Transaction& transaction) const {
  const WallTime now = clock_.wall_now();
  std::size_t count = 0;
  std::vector<std::string> expired;
  for (const Stored& other : picture.of(kind)) {
    if (other.document->string_or("user", "") != user) continue;
    ++count;
    if (has_expired(*other.document, now)) expired.push_back(other.id);
  }
  if (count - expired.size() >= kCredentialsPerUserMax) {
    return {Error{ErrorCode::kQuotaExceeded,
                  "a user has at most " + std::to_string(kCredentialsPerUserMax) + " of these",
                  ""}};
  }
  for (const std::string& id : expired) {
    if (count < kCredentialsPerUserMax) break;
    transaction.writes.push_back({key_of(kind, id), std::nullopt});
    --count;
  }
  return {};
}

Outcome<People::Plan> People::plan_credential(PeopleKind kind, const Picture& picture,
                                              const Json& body, const Caller& caller) const {
  Errors errors;
  const std::string name = read_name(body, names_of(kind).word, errors);
  const Asked asked = kind == PeopleKind::kToken
                          ? read_asked<model::Token>(spec_of(body), errors)
                          : read_asked<model::AccessKey>(spec_of(body), errors);
  const auto owner = asked.user.empty() ? Result<std::string>(std::string())
                                        : find_owner(picture, asked.user, caller);
  if (!owner) errors.push_back(owner.error());
  if (!errors.empty()) return errors;
  const Stored& user = *picture.find(PeopleKind::kUser, *owner);
  const WallTime now = clock_.wall_now();
  std::string id;
  Json document = Json::object({{"account", account_of(*user.document)},
                                {"user", user.id},
                                {"name", name},
                                {"created", utc_text(now)},
                                {"validDays", asked.days},
                                {"expires", utc_text(now + asked.days * kDay)}});
  auto secret = give_secret(kind, id, document);
  if (!secret) return secret.error();
  const Stored made{id, std::make_shared<const Json>(std::move(document)), Revision()};
  Plan plan = plan_of(picture, caller, "create " + std::string(names_of(kind).word),
                      audited(*made.document, id));
  errors = make_room(kind, picture, user.id, plan.transaction);
  if (!errors.empty()) return errors;
  plan.transaction.writes.push_back({key_of(kind, id), made.document->dump()});
  plan.answer = shown(kind, made, picture);
  plan.answer["secret"] = Json(*std::move(secret));
  return plan;
}

Errors People::check_place(const Picture& picture, const Place& place, const Caller& caller) {
  const Stored* found = picture.find(place.kind, place.id);
  if (found == nullptr || !is_visible(*found, caller)) return {not_found(place.kind)};
  if (!place.if_match || *place.if_match == found->revision) return {};
  return {{ErrorCode::kStale,
           "If-Match names revision " + std::to_string(place.if_match->value) +
               ", the resource is at " + std::to_string(found->revision.value),
           ""}};
}

Outcome<People::Plan> People::plan_update(const Picture& picture, const Place& place,
                                          const Json& body, const Caller& caller) const {
  Errors errors = check_place(picture, place, caller);
  if (!errors.empty()) return errors;
  const std::string& id = place.id;
  const Stored* old = picture.find(PeopleKind::kUser, id);
  Json whole = body;
  if (whole.find("name") == nullptr) whole["name"] = Json(old->document->string_or("name", ""));
  const std::string name = read_name(whole, "user", errors);
  const Json* old_spec = old->document->find("spec");
  const Json spec = model::merged(old_spec == nullptr ? Json::object() : *old_spec, spec_of(body));
  const auto user = read_spec<model::User>(spec, errors);
  if (has_form_of_id(name) && name != old->document->string_or("name", "")) {
    errors.push_back(invalid("name", "must not look like an id"));
  }
  if (user.account != account_of(*old->document)) {
    errors.push_back(invalid("spec.account", "cannot be changed"));
  }
  for (const Stored& other : picture.users) {
    if (other.id == id || account_of(*other.document) != user.account) continue;
    if (other.document->string_or("name", "") != name) continue;
    errors.push_back({ErrorCode::kAlreadyExists, "is the name of " + other.id, "name"});
  }
  if (!errors.empty()) return errors;
  Picture after = picture;
  Json document = *old->document;
  document["name"] = Json(name);
  document["spec"] = model::to_json(user);
  Stored& changed = *std::ranges::find(after.users, id, &Stored::id);
  changed.document = std::make_shared<const Json>(std::move(document));
  errors = check_administrator(picture, after);
  if (!errors.empty()) return errors;
  Plan plan = plan_of(picture, caller, "update user", id);
  plan.transaction.writes.push_back({user_key(id), changed.document->dump()});
  plan.answer = shown(PeopleKind::kUser, changed, after);
  return plan;
}

Outcome<People::Plan> People::plan_remove(const Picture& picture, const Place& place,
                                          const Caller& caller) const {
  Errors errors = check_place(picture, place, caller);
  if (!errors.empty()) return errors;
  const std::string& id = place.id;
  const PeopleKind kind = place.kind;
  Plan plan = plan_of(picture, caller, "delete " + std::string(names_of(kind).word),
                      audited(*picture.find(kind, id)->document, id));
  Picture after = picture;
  const auto take_out = [&](PeopleKind which, const auto& is_meant) {
    for (const Stored& stored : picture.of(which)) {
      if (is_meant(stored)) {
        plan.transaction.writes.push_back({key_of(which, stored.id), std::nullopt});
      }
    }
    std::erase_if(after.of(which), is_meant);
  };
  take_out(kind, [&](const Stored& stored) { return stored.id == id; });
  if (kind == PeopleKind::kUser) {
    const auto is_theirs = [&](const Stored& stored) {
      return stored.document->string_or("user", "") == id;
    };
    take_out(PeopleKind::kToken, is_theirs);
    take_out(PeopleKind::kAccessKey, is_theirs);
    const auto taken = take_logins(id, plan.transaction);
    if (!taken) return taken.error();
  }
  errors = check_administrator(picture, after);
  if (!errors.empty()) return errors;
  plan.answer = shown(kind, *picture.find(kind, id), picture);
  return plan;
}

Result<void> People::take_logins(const std::string& user, store::Transaction& transaction) const {
  const std::string password = password_key(user);
  const auto stored = store_.get(password);
  if (!stored && stored.error().code != ErrorCode::kNotFound) return stored.error();
  if (stored) {
    // A login or a change of the password at this moment is seen by one of the two.
    transaction.expectations.push_back({password, stored->revision});
    transaction.writes.push_back({password, std::nullopt});
  }
  WEIR_ASSIGN_OR_RETURN(const store::Listing sessions, store_.list(session_prefix(user)));
  for (const store::Entry& entry : sessions.entries) {
    transaction.writes.push_back({entry.key, std::nullopt});
  }
  return {};
}

bool People::has_administrator(const Picture& picture) const {
  const WallTime now = clock_.wall_now();
  const auto is_one = [&](const Stored& credential) {
    if (has_expired(*credential.document, now)) return false;
    const std::string user_id = credential.document->string_or("user", "");
    if (user_id.empty()) return true;
    const Stored* user = picture.find(PeopleKind::kUser, user_id);
    return user != nullptr && account_of(*user->document) == model::kDefaultOwner &&
           role_of_user(*user->document) == Role::kAdministrator;
  };
  // Access keys sign calls of the other face alone, which has none about people.
  return std::ranges::any_of(picture.tokens, is_one);
}

Errors People::check_administrator(const Picture& before, const Picture& after) const {
  if (!has_administrator(before) || has_administrator(after)) return {};
  return {{ErrorCode::kConflict,
           "nobody could administer the service after this: wanted another administrator of "
           "account " +
               std::string(model::kDefaultOwner) + " with a token",
           ""}};
}

Outcome<Json> People::create(PeopleKind kind, const Json& body, const Caller& caller) {
  return write([&](const Picture& picture) {
    return kind == PeopleKind::kUser ? plan_user(picture, body, caller)
                                     : plan_credential(kind, picture, body, caller);
  });
}

Outcome<Json> People::update(const Place& place, const Json& body, const Caller& caller) {
  return write([&](const Picture& picture) { return plan_update(picture, place, body, caller); });
}

Outcome<Json> People::remove(const Place& place, const Caller& caller) {
  return write([&](const Picture& picture) { return plan_remove(picture, place, caller); });
}

}  // namespace weir::api
