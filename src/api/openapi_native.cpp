// The native half of the OpenAPI document.
#include <cctype>
#include <set>

#include "api/apply_page.h"
#include "api/client_tokens.h"
#include "api/field_schema.h"
#include "api/listing.h"
#include "api/native_face.h"
#include "api/native_pages.h"
#include "api/openapi_parts.h"
#include "api/people_face.h"
#include "api/schema_lines.h"
#include "api/status_fields.h"
#include "model/parts.h"
#include "model/people.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::KindDescription;

constexpr std::string_view kBase = "/weir/v1/";

// clang-format off
constexpr SchemaLine kHealthAnswer[] = {
    {"backendId", "id backend", "", true},
    {"failingOpenOn[]", "id node", "nodes on which it fails open now", true},
    {"targets[].targetId", "string", "", true},
    {"targets[].instanceId", "id instance", "of a target that is one"},
    {"targets[].slot", "integer 0..65535", "", true},
    {"targets[].ipAddress", "string", "", true},
    {"targets[].port", "integer 0..65535", "the port that is checked", true},
    {"targets[].weight", "integer 0..100", "", true},
    {"targets[].status", "healthy|unhealthy|initial|N/A", "", true},
    {"targets[].reason", "string", "", true},
    {"targets[].detail", "string", "", true},
    {"targets[].since", "string", "when it became so", true},
    {"targets[].node", "string", "who judged it", true},
    {"drains[].targetId", "string", "a removed target whose connections may still run"},
    {"drains[].groupId", "string", ""},
    {"drains[].slot", "integer 0..65535", ""},
    {"drains[].ipAddress", "string", ""},
    {"drains[].port", "integer 0..65535", ""},
    {"drains[].leftSeconds", "integer", "until they are cut"},
    {"drains[].connections", "integer", "that run still"},
    {"drains[].oldestSeconds", "integer", "age of the oldest"},
};
constexpr SchemaLine kPaging[] = {
    {"pageSize", "integer 1..1000", "items of one page, default 500"},
    {"pageToken", "string", "the nextPageToken of the page before; all pages show the moment of the first"},
    {"watch", "boolean", "true: a stream of changes, one JSON line each"},
    {"revision", "integer", "of a watch: begins after it"},
};
// clang-format on

/// "load balancer" as "LoadBalancer", "backend" as "Backend".
std::string joined_words(std::string_view words) {
  std::string text;
  bool is_first = true;
  for (const char c : words) {
    if (c != ' ')
      text += is_first ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    is_first = c == ' ';
  }
  return text;
}

bool is_stored(const KindDescription& kind) { return kind.kind.has_value(); }

void add_query(std::string_view name, std::string_view sentence, Json schema,
               std::set<std::string>& known, Json& parameters) {
  if (!known.emplace(name).second) return;
  parameters.push_back(parameter_json("query", name, sentence, std::move(schema)));
}

void add_field_filters(const std::vector<FieldDescription>& fields, std::set<std::string>& known,
                       Json& parameters) {
  for (const FieldDescription& field : fields) {
    if (field.type == "object") continue;
    add_query(field.name, "only those that are so", schema_of_type("string"), known, parameters);
  }
}

Json list_parameters(const KindDescription& kind, bool has_pages) {
  Json parameters = Json::array();
  std::set<std::string> known;
  for (const std::string_view name : {"name", "id", "owner"}) {
    add_query(name, "only those that are so", schema_of_type("string"), known, parameters);
  }
  if (has_pages) {
    add_query("labels.KEY", "only those with this label; KEY is the label's, dots and all",
              schema_of_type("string"), known, parameters);
  }
  add_field_filters(kind.spec, known, parameters);
  if (!has_pages) return parameters;
  add_field_filters(kind.admin, known, parameters);
  for (const SchemaLine& line : kPaging) {
    add_query(line.path, line.sentence, schema_of_type(line.type), known, parameters);
  }
  return parameters;
}

Json list_schema(std::string_view word, bool has_pages) {
  Json items = Json::object({{"type", "array"}, {"items", schema_reference(word)}});
  Json schema = Json::object({{"type", "object"}});
  add_member(schema, "items", std::move(items), true);
  if (!has_pages) return schema;
  add_member(schema, "revision", schema_of_type("integer"), true);
  add_member(schema, "nextPageToken", schema_of_type("string"), false);
  return schema;
}

std::string component(std::string_view word, std::string_view use) {
  return std::string(word) + "." + std::string(use);
}

/// What the call says and answers, by its method.
void add_shape(std::string_view word, std::string_view method, bool has_pages, OpenApiCall& call) {
  call.answer = schema_reference(word);
  call.has_etag = true;
  if (method == "GET" && !call.is_of_one) {
    call.answer = list_schema(word, has_pages);
    call.has_etag = false;
  } else if (method == "POST") {
    call.status = 201;
    call.body = schema_reference(component(word, "create"));
  } else if (method == "PUT") {
    call.body = schema_reference(component(word, "create"));
  } else if (method == "PATCH") {
    call.body = schema_reference(component(word, "update"));
  }
  const bool is_change = call.is_of_one && method != "GET";
  if (is_change) call.parameters.push_back(if_match_parameter());
}

std::string_view verb_of(std::string_view method, bool is_one) {
  if (method == "GET") return is_one ? "show" : "list";
  if (method == "POST") return "create";
  if (method == "PUT") return "replace";
  return method == "PATCH" ? "update" : "delete";
}

OpenApiCall call_of(const KindDescription& kind, std::string_view method, bool is_one) {
  const std::string verb(verb_of(method, is_one));
  OpenApiCall call{.method = method,
                   .path = std::string(kBase) + std::string(kind.word) + (is_one ? "/{id}" : ""),
                   .id = verb + joined_words(kind.word),
                   .summary = verb + " " + (is_one || method == "POST" ? "a " : "") +
                              std::string(kind.singular) + (is_one || method == "POST" ? "" : "s"),
                   .tag = std::string(kind.word),
                   .counted_as = verb + " " + std::string(kind.word),
                   .is_of_one = is_one};
  if (is_one) call.parameters.push_back(path_parameter("id", kind.word));
  return call;
}

/// Instances are registered in batches too.
void add_count(OpenApiCall& call) {
  call.parameters.push_back(
      parameter_json("query", "count", "how many, all or none; each has the address that follows",
                     schema_of_type("integer 1..100")));
  Json batch = Json::object({{"type", "object"}});
  add_member(batch, "items[]", call.answer, true);
  call.answer = Json::object({{"anyOf", Json::array({call.answer, std::move(batch)})}});
}

void add_kind_calls(const KindDescription& kind, Json& paths) {
  for (const bool is_one : {false, true}) {
    for (const std::string_view method : native_methods(kind, is_one)) {
      OpenApiCall call = call_of(kind, method, is_one);
      const auto which = native_call(kind, method, is_one, "");
      if (which) call.rule = rule_of(*which, kind.kind);
      if (method == "GET" && !is_one) call.parameters = list_parameters(kind, true);
      add_shape(kind.word, method, true, call);
      if (method == "DELETE" && kind.kind == model::Kind::kLoadBalancer) {
        call.parameters.push_back(parameter_json("query", "cascade", "true: with all below it",
                                                 schema_of_type("boolean")));
      }
      if (method == "POST" && is_stored(kind)) {
        call.parameters.push_back(parameter_json(
            "header", kNativeTokenHeader, "the same again within a day gets the first result again",
            schema_of_type("string")));
      }
      if (method == "POST" && kind.kind == model::Kind::kInstance) add_count(call);
      add_call(call, paths);
    }
  }
}

void add_people_calls(const KindDescription& kind, PeopleKind which, Json& paths) {
  for (const bool is_one : {false, true}) {
    for (const std::string_view method : people_methods(which, is_one)) {
      OpenApiCall call = call_of(kind, method, is_one);
      call.rule = rule_of(people_call(which, method, is_one).value_or(NativeCall::kListPeople));
      if (method == "GET" && !is_one) call.parameters = list_parameters(kind, false);
      add_shape(kind.word, method, false, call);
      if (method == "POST") call.answer = schema_reference(component(kind.word, "made"));
      add_call(call, paths);
    }
  }
}

void add_pages(Json& paths) {
  for (const NativePage& page : native_pages()) {
    OpenApiCall call{.method = "GET",
                     .path = std::string(kBase) + std::string(page.path),
                     .id = std::string(page.id),
                     .summary = std::string(page.sentence),
                     .tag = "service",
                     .rule = rule_of(page.call),
                     .counted_as = page.counted_as(),
                     .answer = schema_of(page.answer)};
    call.has_etag = page.call == NativeCall::kOpenApi;
    call.is_of_one = page.call == NativeCall::kExplain;
    for (const SchemaLine& line : page.parameters) {
      const bool is_list = line.path.ends_with("[]");
      const std::string_view name = line.path.substr(0, line.path.size() - (is_list ? 2 : 0));
      Json schema = schema_of_type(line.type);
      if (is_list) schema = Json::object({{"type", "array"}, {"items", std::move(schema)}});
      Json parameter = parameter_json("query", name, line.sentence, std::move(schema));
      if (line.is_required) parameter["required"] = Json(true);
      call.parameters.push_back(std::move(parameter));
    }
    add_call(call, paths);
  }
}

void add_apply(Json& paths) {
  OpenApiCall call{.method = "POST",
                   .path = std::string(kBase) + "apply",
                   .id = "apply",
                   .summary = "makes what is declared be there, load balancer by load balancer",
                   .tag = "service",
                   .rule = rule_of(NativeCall::kApply),
                   .counted_as = "apply",
                   .body = schema_of(apply_body_lines()),
                   .answer = schema_of(apply_answer_lines())};
  call.parameters.push_back(parameter_json("query", "plan",
                                           "true: tells the changes and stores nothing, which "
                                           "takes the right to read",
                                           schema_of_type("boolean")));
  add_call(call, paths);
}

/// The call that a backend service alone has.
void add_health(Json& paths) {
  OpenApiCall call{.method = "GET",
                   .path = std::string(kBase) + "backend/{id}/health",
                   .id = "showHealth",
                   .summary = "what the nodes say about each target, and what still drains",
                   .tag = "backend",
                   .rule = rule_of(NativeCall::kHealth),
                   .counted_as = "show backend",
                   .answer = schema_of(kHealthAnswer),
                   .is_of_one = true};
  call.parameters.push_back(path_parameter("id", "backend"));
  add_call(call, paths);
}

Json status_schema(std::string_view word) {
  Json schema = Json::object({{"type", "object"}});
  for (const StatusField& field : status_fields()) {
    if (!field.kind.empty() && field.kind != word) continue;
    Json member = schema_of_type(field.type);
    member["description"] = Json(field.sentence);
    add_member(schema, field.path, std::move(member), false);
  }
  return schema;
}

Json labels_schema() {
  return Json::object({{"type", "object"}, {"additionalProperties", schema_of_type("string")}});
}

void add_envelope(std::string_view word, bool has_name, Json& schema) {
  Json kind = schema_of_type("string");
  kind["const"] = Json(word);
  add_member(schema, "kind", std::move(kind), true);
  add_member(schema, "id", schema_of_type("id " + std::string(word)), true);
  if (has_name) add_member(schema, "name", schema_of_type("string"), true);
  add_member(schema, "owner", schema_of_type("string"), true);
  add_member(schema, "revision", schema_of_type("integer"), true);
  if (has_name) add_member(schema, "createdTime", schema_of_type("time"), true);
}

Json answer_schema(const KindDescription& kind) {
  Json schema = Json::object({{"type", "object"}, {"description", kind.sentence}});
  add_envelope(kind.word, is_stored(kind), schema);
  if (is_stored(kind)) add_member(schema, "labels", labels_schema(), true);
  add_member(schema, "spec", fields_schema(kind.spec, SchemaUse::kAnswer), true);
  Json admin = fields_schema(kind.admin, SchemaUse::kAnswer);
  // Of a part, what the whole decided about it.
  if (!is_stored(kind)) admin = Json::object({{"type", "object"}});
  add_member(schema, "admin", std::move(admin), true);
  add_member(schema, "status", status_schema(kind.word), true);
  return schema;
}

/// The switches of the administrative part that users set.
std::vector<FieldDescription> settable(const std::vector<FieldDescription>& fields) {
  std::vector<FieldDescription> taken;
  for (const FieldDescription& field : fields) {
    if (field.options.is_settable) taken.push_back(field);
  }
  return taken;
}

Json body_schema(const KindDescription& kind, SchemaUse use, bool has_labels) {
  const bool is_create = use == SchemaUse::kCreate;
  Json schema = Json::object({{"type", "object"}});
  if (model::has_names(kind)) {
    Json name = schema_of_type("string");
    name["minLength"] = Json(1);
    add_member(schema, "name", std::move(name), is_create);
  }
  if (has_labels) add_member(schema, "labels", labels_schema(), false);
  add_member(schema, "spec", fields_schema(kind.spec, use), is_create);
  const auto switches = settable(kind.admin);
  if (!switches.empty()) {
    add_member(schema, "admin", fields_schema(switches, SchemaUse::kUpdate), false);
  }
  return schema;
}

void add_people_schemas(const KindDescription& kind, Json& schemas) {
  Json answer = Json::object({{"type", "object"}, {"description", kind.sentence}});
  add_envelope(kind.word, true, answer);
  add_member(answer, "spec", fields_schema(kind.spec, SchemaUse::kAnswer), true);
  add_member(answer, "admin", fields_schema(kind.admin, SchemaUse::kAnswer), true);
  Json made = answer;
  Json secret = schema_of_type("string");
  secret["description"] = "of a token or access key; told this once";
  add_member(made, "secret", std::move(secret), false);
  schemas[component(kind.word, "made")] = std::move(made);
  schemas[kind.word] = std::move(answer);
  schemas[component(kind.word, "create")] = body_schema(kind, SchemaUse::kCreate, false);
  schemas[component(kind.word, "update")] = body_schema(kind, SchemaUse::kUpdate, false);
}

}  // namespace

void add_native_calls(Json& paths) {
  for (const KindDescription& kind : model::kind_descriptions()) add_kind_calls(kind, paths);
  add_health(paths);
  for (const KindDescription& kind : model::people_descriptions()) {
    const auto which = people_kind(kind.word);
    if (which) add_people_calls(kind, *which, paths);
  }
  add_pages(paths);
  add_apply(paths);
}

void add_native_schemas(Json& schemas) {
  for (const KindDescription& kind : model::kind_descriptions()) {
    schemas[kind.word] = answer_schema(kind);
    if (!kind.is_user_made) continue;
    schemas[component(kind.word, "create")] =
        body_schema(kind, SchemaUse::kCreate, is_stored(kind));
    schemas[component(kind.word, "update")] =
        body_schema(kind, SchemaUse::kUpdate, is_stored(kind));
  }
  for (const KindDescription& kind : model::people_descriptions()) {
    add_people_schemas(kind, schemas);
  }
}

}  // namespace weir::api
