// The native API: /weir/v1/<kind>[/<id>[/health]], the pages of native_pages.h, /weir/v1/apply, and
// the operator's pages beside it. One handler for all kinds over the field tables; users, tokens
// and access keys stand in people_face.h, passwords and sessions in logins.h. Called by the HTTP
// server on its handler threads. Thread: any.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "api/apply.h"
#include "api/audit_trail.h"
#include "api/catalog.h"
#include "api/event_log.h"
#include "api/listing.h"
#include "api/logins.h"
#include "api/native_pages.h"
#include "api/node_questions.h"
#include "api/observed.h"
#include "api/outcome.h"
#include "api/part_writer.h"
#include "api/people.h"
#include "api/policy.h"
#include "api/resource_writer.h"
#include "api/watch.h"
#include "base/metrics.h"
#include "http/server.h"
#include "model/registry.h"
#include "store/store.h"

namespace weir::api {

class NativeFace {
 public:
  struct Parts {
    store::Store& store;
    Catalog& catalog;
    const Observed& observed;
    ResourceWriter& writer;
    WatchHub& watches;
    EventLog& events;
    NodeQuestions& questions;
    AuditTrail& audit;
    People& people;
    Sessions& sessions;
    Logins& logins;
    Metrics& metrics;
    const Clock& clock;
    std::string build;
    /// What is not ready, by name; empty: all of it is.
    std::function<std::vector<std::pair<std::string, bool>>()> readiness;
  };
  explicit NativeFace(Parts parts);

  http::Response handle(const http::Request& request);

 private:
  /// One authenticated call of /weir/v1/<kind>...
  struct Call {
    const http::Request& request;
    std::string method;  // GET also for HEAD: the server leaves the body out
    const model::KindDescription& kind;
    std::string id;    // empty: the collection
    std::string part;  // "health", or empty
    Caller caller;
  };

  void finish(http::Response& response, const std::string& request_id,
              const std::string& operation) const;
  http::Response native(const http::Request& request, CallRecord& record);
  /// Notes who calls, also of a call that a page of another site made.
  /// Errors:  kUnauthenticated, kPermissionDenied, kUnavailable
  Result<void> identify(const http::Request& request, Caller& caller) const;
  /// Whom a bearer token or, where there is none, a session's cookie speaks for.
  Result<Principal> caller_of(const http::Request& request, SessionUse use) const;
  /// The answer of /weir/v1/<page>, where that is no kind.
  http::Response answer_page(const NativePage& page, const http::Request& request,
                             const CallRecord& record);
  http::Response explanation(const http::Request& request, const Caller& caller);
  http::Response route(const Call& call);
  http::Response collection(const Call& call, RepeatToken repeat);
  http::Response one(const Call& call);

  http::Response list(const Call& call);
  http::Response watch(const Call& call, ListQuery query);
  std::function<bool()> right_to_follow(const http::Request& request, const Caller& caller) const;
  http::Response refuse_long_list(const Call& call) const;
  http::Response show(const Call& call);
  http::Response health(const Call& call);
  http::Response create(const Call& call, RepeatToken repeat);
  Errors read_repeated(const Caller& caller, std::vector<model::Object>& objects) const;
  http::Response update(const Call& call, model::UpdateMode mode);
  http::Response remove(const Call& call);

  http::Response shown(const Call& call, int status, const Outcome<model::Object>& written) const;
  http::Response shown(const Call& call, int status, const Outcome<PartDocument>& written) const;
  Json with_status(const model::Object& object) const;
  Result<void> refresh() { return parts_.catalog.refresh(); }

  const Parts parts_;
  PartWriter parts_of_objects_;
  const Applier applier_;
};

/// The field tables of all kinds, for clients: {kinds: [{name, sentence, aliases, columns, spec,
/// admin}], people: [...], policy: [{call, role, isOfService}]}.
Json schema_json();

/// Longest id that is looked up. Chosen because node names have at most 64 characters and ids 21.
/// Reached: 404; weir_api_requests_total counts it.
inline constexpr std::size_t kIdCharactersMax = 64;

/// Anything else is nobody's id, and is never said back.
bool is_plausible_id(std::string_view id);

/// The revision of an If-Match field, if there is one ("*" counts as none).
/// Errors: kInvalidArgument
Result<std::optional<Revision>> if_match_of(const http::Request& request);

/// Whether the request says that its body is JSON.
bool has_json_type(const http::Request& request);

/// The methods of /weir/v1/<kind> and of /weir/v1/<kind>/<id>; HEAD goes with GET.
/// What control makes is read only, but for a node that never comes back: a user ends it.
std::span<const std::string_view> native_methods(const model::KindDescription& kind, bool is_one);
/// "GET, POST", as the field Allow has them.
std::string allow_text(std::span<const std::string_view> methods);

/// Which call a method of such a path is; nothing when it has no such method.
/// `part`: "health", or empty.
std::optional<NativeCall> native_call(const model::KindDescription& kind, std::string_view method,
                                      bool is_one, std::string_view part);

/// How many instances a create registers, if it says so. Errors: kInvalidArgument
Result<std::optional<std::size_t>> count_of(const http::Request& request);

/// Refuses what a write would ignore: only `cascade` of a deleted load balancer has a meaning, and
/// `count` of created instances.
/// Errors: kInvalidArgument, naming the parameter
Result<void> check_write_query(const http::Request& request, const model::KindDescription& kind);

/// The JSON object in a request's body. Errors: kInvalidArgument
Result<Json> body_of(const http::Request& request);

}  // namespace weir::api
