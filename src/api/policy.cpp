#include "api/policy.h"

#include <iterator>

#include "base/check.h"
#include "base/mutant.h"
#include "model/object.h"

namespace weir::api {
namespace {

constexpr Rule kToRead{Right::kRead};
constexpr Rule kToOperate{Right::kOperate};
constexpr Rule kToAdminister{Right::kAdminister};
constexpr Rule kToAudit{Right::kAudit};

using enum NativeCall;

constexpr NativeCallName kNames[] = {
    {kVersion, "version"},
    {kSchema, "schema"},
    {kOpenApi, "OpenAPI document"},
    {kExplain, "explain"},
    {kEvents, "events of one's own account"},
    {kList, "list or watch resources"},
    {kShow, "show a resource"},
    {kHealth, "health of a backend service"},
    {kPlanApply, "plan an apply: what it would change"},
    {kApply, "apply what a file declares; each change as by a call of its own"},
    {kExport, "export everything as apply takes it"},
    {kCreate, "create a resource"},
    {kReplace, "replace a resource"},
    {kUpdate, "change a resource"},
    {kDeleteTarget, "delete a target or a security group rule"},
    {kDelete, "delete any other resource"},
    {kListPeople, "list users, tokens or access keys"},
    {kShowPeople, "show one of them"},
    {kCreatePeople, "create one of them"},
    {kUpdatePeople, "change a user"},
    {kDeletePeople, "delete one of them"},
    {kListAudit, "list the audit"},
    {kVerifyAudit, "verify the audit"},
    {kLogIn, "log in with a password"},
    {kListSessions, "list the caller's own sessions"},
    {kShowSession, "show one of them"},
    {kEndSession, "end one of them"},
    {kChangePassword, "change the caller's own password"},
    {kSetPassword, "set the password of another user"},
    {kReadMetrics, "/metrics from another machine"},
};
static_assert(std::size(kNames) == static_cast<std::size_t>(kReadMetrics) + 1);

}  // namespace

std::span<const NativeCallName> native_call_names() { return kNames; }

std::string_view least_role(Right right) {
  switch (right) {
    case Right::kRead:
      return "viewer";
    case Right::kOperate:
      return "operator";
    case Right::kAdminister:
      return "administrator";
    case Right::kAudit:
      return "auditor";
    case Right::kNone:
      return "none";
  }
  return "";
}

// No default in any of these: the compiler names the call that has no row.
Rule rule_of(NativeCall call) {
  switch (call) {
    case NativeCall::kVersion:
    case NativeCall::kSchema:
    case NativeCall::kOpenApi:
    case NativeCall::kExplain:
    case NativeCall::kEvents:
    case NativeCall::kList:
    case NativeCall::kShow:
    case NativeCall::kHealth:
    case NativeCall::kListSessions:
    case NativeCall::kShowSession:
    case NativeCall::kEndSession:
    case NativeCall::kChangePassword:
    case NativeCall::kPlanApply:
    case NativeCall::kExport:
      return kToRead;
    case NativeCall::kLogIn:
      return {Right::kNone};
    case NativeCall::kApply:
    case NativeCall::kCreate:
    case NativeCall::kReplace:
    case NativeCall::kUpdate:
    case NativeCall::kDeleteTarget:
      return kToOperate;
    case NativeCall::kDelete:
    case NativeCall::kCreatePeople:
    case NativeCall::kUpdatePeople:
    case NativeCall::kDeletePeople:
    case NativeCall::kSetPassword:
      return kToAdminister;
    case NativeCall::kListPeople:
    case NativeCall::kShowPeople:
    case NativeCall::kListAudit:
      return kToAudit;
    case NativeCall::kVerifyAudit:
      return {Right::kAudit, true};
    case NativeCall::kReadMetrics:
      return {Right::kRead, true};
  }
  WEIR_CHECK(false);
  return {};
}

Rule rule_of(NativeCall call, std::optional<model::Kind> kind) {
  return kind == model::Kind::kKeyring ? Rule{Right::kAdminister, true} : rule_of(call);
}

Rule rule_of(V1Call call) {
  switch (call) {
    case V1Call::kList:
    case V1Call::kShow:
    case V1Call::kHealth:
    case V1Call::kListTargets:
    case V1Call::kListByGroup:
    case V1Call::kShowQuota:
    case V1Call::kLater:  // does nothing
      return kToRead;
    case V1Call::kCreate:
    case V1Call::kUpdate:
    case V1Call::kAddTargets:
    case V1Call::kUpdateTargets:
    case V1Call::kRemoveTargets:
    case V1Call::kStartInstance:
    case V1Call::kStopInstance:
    case V1Call::kRebootInstance:
    case V1Call::kModifyInstance:
    case V1Call::kAssociateElasticIp:
    case V1Call::kDisassociateElasticIp:
    case V1Call::kModifyElasticIp:
    case V1Call::kAssociateGroups:
    case V1Call::kDisassociateGroups:
    case V1Call::kAddRules:
    case V1Call::kModifyRules:
    case V1Call::kRemoveRules:
    case V1Call::kAbandonInstances:
      return kToOperate;
    case V1Call::kDelete:
    case V1Call::kModifyQuota:
      return kToAdminister;
  }
  WEIR_CHECK(false);
  return {};
}

bool has_right(model::Role role, Right right) {
  if (right == Right::kNone) return true;
  switch (role) {
    case model::Role::kViewer:
      return right == Right::kRead;
    case model::Role::kOperator:
      return right == Right::kRead || right == Right::kOperate;
    case model::Role::kAdministrator:
      return true;
    case model::Role::kAuditor:
      return right == Right::kRead || right == Right::kAudit;
  }
  WEIR_CHECK(false);
  return false;
}

Result<void> check_right(const Caller& caller, const Rule& rule, std::string_view operation) {
  if (mutant("role-overlooked")) return {};
  const std::string what(operation);
  if (!has_right(caller.role, rule.right)) {
    return Error{ErrorCode::kPermissionDenied,
                 what + " needs role " + std::string(least_role(rule.right)) +
                     ", the caller has role " + std::string(model::word_of(caller.role)),
                 ""};
  }
  if (rule.is_of_service && !is_of_service(caller)) {
    return Error{ErrorCode::kPermissionDenied,
                 what + " is for members of account " + std::string(model::kDefaultOwner), ""};
  }
  return {};
}

bool is_of_service(const Caller& caller) { return caller.account == model::kDefaultOwner; }

}  // namespace weir::api
