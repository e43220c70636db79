#include "api/v1_vm.h"

#include "api/v1_vm_body.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

}  // namespace

Outcome<Json> V1Vm::create(const Json& body, const Caller& caller) {
  const InstanceCall call = read_instance_call(body);
  if (!call.errors.empty()) {
    writer_.note_refused("create instance", "", call.errors, caller);
    return call.errors;
  }
  auto written = writer_.create(Kind::kInstance, call.native, caller);
  if (!written.ok()) return as_instance_call_errors(std::move(written.errors), body);
  return Json::object({{"instanceIds", Json::array({Json(written.value->id)})}});
}

Outcome<Object> V1Vm::act(const Action& action, const Json& body, const Caller& caller) {
  const std::string& verb = action.verb;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (verb == "modifyInstanceAttribute") return modify_instance(body, old, updated);
    if (verb == "rebootInstance") {
      return {{ErrorCode::kInvalidArgument, "rebootInstance is not supported yet", ""}};
    }
    updated.admin["state"] = verb == "startInstance" ? "running" : "stopped";
    return {};
  };
  Outcome<Object> written =
      writer_.update({Kind::kInstance, action.id, action.if_match, verb}, change, caller);
  if (written.ok()) return written;
  // The other calls of instances say instanceName, this one name.
  for (Error& error : written.errors) {
    if (error.field.starts_with("spec.")) error.field.erase(0, 5);
  }
  return written;
}

}  // namespace weir::api
