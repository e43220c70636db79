#include "api/v1_vm.h"

#include "api/v1_vm_body.h"
#include "base/check.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

}  // namespace

Outcome<std::vector<Object>> V1Vm::create(const Json& body, const Caller& caller) {
  InstanceCall call = read_instance_call(body);
  const std::string& header = caller.repeat.text;
  if (!call.token.empty() && !header.empty() && call.token != header) {
    call.errors.push_back({ErrorCode::kInvalidArgument,
                           "is another one than " + caller.repeat.field + " says", "clientToken"});
  }
  if (!call.errors.empty()) return call.errors;
  Caller with_token = caller;
  if (!call.token.empty()) {
    with_token.repeat.text = call.token;
    with_token.repeat.field = "clientToken";
  }
  auto written = writer_.create_batch(Kind::kInstance, call.native, call.count, with_token);
  if (!written.ok()) return as_instance_call_errors(std::move(written.errors), body);
  return written;
}

Outcome<Object> V1Vm::act(const Action& action, const Json& body, const Caller& caller) {
  const V1Call which = action.operation.call;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (which == V1Call::kModifyInstance) return modify_instance(body, old, updated);
    if (which == V1Call::kRebootInstance) {
      return {{ErrorCode::kInvalidArgument, "rebootInstance is not supported yet", ""}};
    }
    WEIR_CHECK(which == V1Call::kStartInstance || which == V1Call::kStopInstance);
    updated.admin["state"] = which == V1Call::kStartInstance ? "running" : "stopped";
    return {};
  };
  const ResourceWriter::Place place{Kind::kInstance, action.id, action.if_match,
                                    std::string(action.operation.action)};
  Outcome<Object> written = writer_.update(place, change, caller);
  if (written.ok()) return written;
  // The other calls of instances say instanceName, this one name.
  for (Error& error : written.errors) {
    if (error.field.starts_with("spec.")) error.field.erase(0, 5);
  }
  return written;
}

}  // namespace weir::api
