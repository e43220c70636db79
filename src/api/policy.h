// The one policy: which right each call of both faces needs, and which rights a role has. A call
// without a row does not compile: the rows are switches over all calls. Objects of other accounts
// are no matter of rights: nobody sees them at all (docs/adr/0020-people-and-programs.md).
// Thread: any (constants).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/caller.h"
#include "api/v1_operations.h"
#include "base/result.h"
#include "model/kind.h"
#include "model/people.h"

namespace weir::api {

/// Ordered by the least role that has it: viewer, operator, administrator, auditor; nobody needs
/// the last.
enum class Right : std::uint8_t { kRead, kOperate, kAdminister, kAudit, kNone };

/// The calls of the native face.
enum class NativeCall : std::uint8_t {
  kVersion,
  kSchema,
  kOpenApi,
  kExplain,
  kEvents,
  kList,  // watches too
  kShow,
  kHealth,
  kPlanApply,
  kApply,
  kExport,
  kCreate,
  kReplace,
  kUpdate,
  kDelete,
  kDeleteTarget,
  kListPeople,
  kShowPeople,
  kCreatePeople,
  kUpdatePeople,
  kDeletePeople,
  kListAudit,
  kVerifyAudit,
  kLogIn,
  kListSessions,
  kShowSession,
  kEndSession,
  kChangePassword,
  kSetPassword,
  kReadMetrics,  // from another machine
};

struct Rule {
  Right right{};
  /// For members of the service's own account alone: it tells of all accounts.
  bool is_of_service = false;
};

/// What a call of the native face is in the reference.
struct NativeCallName {
  NativeCall call{};
  std::string_view sentence{};
};
/// All of them.
std::span<const NativeCallName> native_call_names();

/// "operator": the least role that has the right; auditors stand beside the others.
std::string_view least_role(Right right);

Rule rule_of(NativeCall call);
/// Of a call on resources of this kind; keyrings are for administrators of the service, since
/// whoever knows the seeds can choose where connections go.
Rule rule_of(NativeCall call, std::optional<model::Kind> kind);
Rule rule_of(V1Call call);

bool has_right(model::Role role, Right right);

/// Whether the caller may make a call of this rule; `operation` is for the message.
/// Errors:  kPermissionDenied
Result<void> check_right(const Caller& caller, const Rule& rule, std::string_view operation);

/// Members of the service's own account see the people of all accounts, and the whole audit.
bool is_of_service(const Caller& caller);

}  // namespace weir::api
