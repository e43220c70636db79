// The people of the native API: /weir/v1/user, /token and /accesskey, each with /<id>. Called by
// native_face.cpp with a call whose caller is known. Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/audit_trail.h"
#include "api/people.h"
#include "api/policy.h"
#include "http/server.h"

namespace weir::api {

/// The kind of /weir/v1/<word>, if it is one of people.
std::optional<PeopleKind> people_kind(std::string_view word);

/// The methods of a collection and of one; tokens and access keys are never changed.
std::span<const std::string_view> people_methods(PeopleKind kind, bool is_one);

/// Errors when there is no such call: nothing.
std::optional<NativeCall> people_call(PeopleKind kind, std::string_view method, bool is_one);

/// Answers a call of /weir/v1/<kind>[/<id>].
http::Response people_response(People& people, PeopleKind kind, const http::Request& request,
                               const CallRecord& record);

}  // namespace weir::api
