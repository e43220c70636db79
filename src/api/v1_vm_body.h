// The bodies of the instance calls: what createInstances says in the words of the field table, and
// what is wrong with it in its own. Used by v1_vm.cpp. Source: product.md B.6. Thread: any (pure).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/v1_kinds.h"
#include "base/json.h"
#include "base/result.h"
#include "model/object.h"

namespace weir::api {

/// A createInstances as far as it could be read.
struct InstanceCall {
  Json native;  // the native body that its instances are made from
  std::size_t count = 0;
  std::string token;  // of the client; empty: none
  Errors errors;      // with the paths of the call
};
InstanceCall read_instance_call(const Json& body);

/// Keys of instanceSpec, and of its primaryNetworkInterface.networkInterface, whose effect comes
/// later.
std::span<const V1Later> instance_spec_later();
std::span<const V1Later> instance_interface_later();

/// Errors of the native body as paths of the call that it was made of.
Errors as_instance_call_errors(Errors errors, const Json& body);

/// {name, description, hostname} laid over what is stored; other keys have no effect.
/// Errors:  kInvalidArgument, with native paths
Errors modify_instance(const Json& body, const model::Object& old, model::Object& updated);

}  // namespace weir::api
