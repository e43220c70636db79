#include "api/native_pages.h"

#include <algorithm>

namespace weir::api {
namespace {

using enum NativeCall;

// clang-format off
constexpr SchemaLine kVersionAnswer[] = {
    {"build", "string", "of the program", true},
    {"epoch", "integer", "grows when a backup is restored", true},
    {"revision", "integer", "of the newest write", true},
};
constexpr SchemaLine kSchemaAnswer[] = {
    {"kinds[]", "object", "the field tables", true},
    {"people[]", "object", "those of users and credentials", true},
    {"policy[]", "object", "which role each call takes", true},
};
constexpr SchemaLine kOpenApiAnswer[] = {
    {"openapi", "string", "3.1.0", true}, {"info", "object", "", true}, {"paths", "object", "", true}, {"components", "object", "", true}, {"jsonSchemaDialect", "string", ""}, {"servers[]", "object", ""},
};
constexpr SchemaLine kExplainQuery[] = {
    {"listener", "id listener", "whose clients are meant", true},
    {"client[]", "string", "IP or IP:PORT; once or more, up to 100", true},
    {"node", "string", "asks this node alone"},
};
constexpr SchemaLine kExplainAnswer[] = {
    {"listenerId", "id listener", "", true},
    {"client", "string", "when one was asked for"},
    {"nodes[].nodeId", "string", "who answers", true},
    {"nodes[].version.epoch", "integer", "of the configuration in force there"},
    {"nodes[].version.revision", "integer", ""},
    {"nodes[].backendId", "id backend", ""},
    {"nodes[].targetGroupId", "string", "the group, of either kind"},
    {"nodes[].algorithm", "string", ""},
    {"nodes[].kind", "certain|share", ""},
    {"nodes[].reason", "string", "what decided"},
    {"nodes[].targets[].targetId", "string", ""},
    {"nodes[].targets[].slot", "integer", ""},
    {"nodes[].targets[].address", "string", ""},
    {"nodes[].targets[].port", "integer", ""},
    {"nodes[].targets[].share", "number", ""},
    {"nodes[].targets[].picked", "boolean", ""},
    {"nodes[].targets[].excluded", "string", "why it gets nothing; empty when it does"},
    {"nodes[].clients[].client", "string", "of several"},
    {"nodes[].clients[].kind", "certain|share", ""},
    {"nodes[].clients[].picked", "any", "id of the target, or null"},
    {"nodes[].clients[].reason", "string", ""},
    {"nodes[].error.code", "integer", "of a node that cannot answer"},
    {"nodes[].error.status", "string", ""},
    {"nodes[].error.message", "string", ""},
};
constexpr SchemaLine kEventsQuery[] = {
    {"follow", "boolean", "true: a stream (text/event-stream) of what happens from now on; also without it for who accepts that type"},
    {"after", "string", "behind this place: the position of an event, or the member after of a page"},
    {"since", "time", "from this moment on"},
    {"kind[]", "string", "about objects of these kinds alone"},
    {"object[]", "string", "about these objects alone"},
    {"type[]", "string", "events of these types alone"},
    {"limit", "integer 1..1000", "the newest so many, default 100; not of a stream"},
};
constexpr SchemaLine kEventsAnswer[] = {
    {"items[].position", "string", "the place behind this event", true},
    {"items[].type", "string", "created, changed, deleted, ...: docs/formats/events.md", true},
    {"items[].time", "time", ""},
    {"items[].object.kind", "string", ""},
    {"items[].object.id", "string", ""},
    {"items[].object.name", "string", ""},
    {"items[].object.owner", "string", ""},
    {"items[].object.revision", "integer", ""},
    {"items[].object.loadBalancerId", "string", ""},
    {"items[].call", "string", "that did it"},
    {"items[].fields[]", "string", "paths of what differs"},
    {"items[].fieldsMore", "integer", "so many more differ"},
    {"items[].who", "string", "for those who may read the audit, as the next two"},
    {"items[].requestId", "string", ""},
    {"items[].audit", "integer", "number of the audit row"},
    {"items[].node", "string", "that reports it"},
    {"items[].nodes[]", "string", "that have applied it"},
    {"items[].target", "string", "of a verdict"},
    {"items[].state", "string", ""},
    {"items[].reason", "string", ""},
    {"items[].detail", "string", ""},
    {"items[].since", "string", ""},
    {"items[].scope", "objects|observed", "of a reset: what was missed"},
    {"after", "string", "where to go on", true},
};
constexpr SchemaLine kAuditQuery[] = {
    {"pageSize", "integer 1..1000", "rows of the answer"},
    {"pageToken", "string", "the nextPageToken of the page before"},
};
constexpr SchemaLine kAuditAnswer[] = {
    {"items[].number", "integer", "", true},
    {"items[].time", "string", "UTC", true},
    {"items[].who", "string", "", true},
    {"items[].account", "string", ""},
    {"items[].source", "string", "address of the caller"},
    {"items[].operation", "string", "", true},
    {"items[].object", "string", ""},
    {"items[].requestId", "string", ""},
    {"items[].result", "string", "ok, or why it was refused", true},
    {"items[].revision", "integer", ""},
    {"items[].change", "string", ""},
    {"items[].hash", "string", "of this row and the one before", true},
    {"nextPageToken", "string", "absent on the last page"},
};
constexpr SchemaLine kVerifyAnswer[] = {
    {"isWhole", "boolean", "nothing was changed, taken out or cut off", true},
    {"rows", "integer", "", true},
    {"first", "integer", "", true},
    {"newest", "integer", "", true},
    {"anchors", "integer", "", true},
    {"problemsTotal", "integer", "", true},
    {"problems[]", "string", "the first of them", true},
};
constexpr SchemaLine kExportQuery[] = {
    {"kind[]", "string", "only these; labels.<key> and a value narrow it too"},
    {"loadBalancer", "string", "id or name: it and what is below it"},
};
constexpr SchemaLine kExportAnswer[] = {
    {"objects[].kind", "string", "", true},
    {"objects[].name", "string", "", true},
    {"objects[].id", "string", "where the name is not the only one"},
    {"objects[].labels", "object", ""},
    {"objects[].spec", "object", "without defaults, references by name", true},
    {"objects[].admin", "object", ""},
    {"revision", "integer", "of the moment", true},
};
constexpr NativePage kPages[] = {
    {kVersion, "version", "getVersion", "build and version", {}, kVersionAnswer},
    {kSchema, "schema", "getSchema", "field tables of all kinds", {}, kSchemaAnswer},
    {kOpenApi, "openapi.json", "getOpenApi", "this document", {}, kOpenApiAnswer},
    {kExport, "export", "export", "everything as apply takes it", kExportQuery, kExportAnswer},
    {kExplain, "explain", "explain", "which target clients of a listener reach, and why", kExplainQuery, kExplainAnswer},
    {kEvents, "events", "listEvents", "what happened to objects and on nodes, oldest first; or a stream of it", kEventsQuery, kEventsAnswer},
    {kListAudit, "audit", "listAudit", "who did what, newest first", kAuditQuery, kAuditAnswer},
    {kVerifyAudit, "audit/verification", "verifyAudit", "looks for audit rows that were changed, taken out or cut off", {}, kVerifyAnswer},
};
// clang-format on

std::string joined(std::span<const std::string> segments) {
  std::string text;
  for (const std::string& segment : segments) text += (text.empty() ? "" : "/") + segment;
  return text;
}

}  // namespace

std::string NativePage::counted_as() const {
  std::string words(path);
  std::ranges::replace(words, '/', ' ');
  return words;
}

std::span<const NativePage> native_pages() { return kPages; }

const NativePage* find_native_page(std::span<const std::string> path) {
  constexpr std::size_t kBefore = 2;
  if (path.size() <= kBefore) return nullptr;
  const std::string behind = joined(path.subspan(kBefore));
  const auto* found = std::ranges::find(kPages, behind, &NativePage::path);
  return found == std::end(kPages) ? nullptr : found;
}

}  // namespace weir::api
