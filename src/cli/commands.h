// What the client commands do, once their words are read: get, create, update, delete, health.
// Generic over the kinds. Thread: owner.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/api_client.h"
#include "cli/field_flags.h"
#include "cli/output.h"
#include "model/registry.h"

namespace weir::cli {

/// Everything a command was given, kind and flags read.
struct Invocation {
  const model::KindDescription* kind = nullptr;
  std::vector<std::string> names;  // ids or names
  Form form = Form::kTable;
  bool is_watch = false;
  bool is_cascade = false;
  std::string if_match;
  int batch = 0;  // of instances to register; 0: one, as it stands
  std::vector<std::pair<FieldFlag, std::string>> flags;  // given field flags with their text
  std::map<std::string, std::string> labels;             // of the object, or of the filter
  bool has_labels = false;
  std::vector<std::string> clients;  // of explain
  std::string node;                  // of explain; empty: all that serve
  std::size_t count = 50;            // rows of the audit, or events
  std::vector<std::string> kinds;    // of events
  std::vector<std::string> types;    // of events
  std::string since;                 // of events: "10m", or a time
  std::vector<std::string> files;    // of apply and diff
  bool is_prune = false;
  std::string load_balancer;          // of export
  std::string condition = "applied";  // of wait
  int timeout_seconds = 60;
};

/// Each prints its result and returns an exit status (exit_status.h).
int get_resources(ApiClient& api, const Invocation& invocation);
int create_resource(ApiClient& api, const Invocation& invocation);
int update_resource(ApiClient& api, const Invocation& invocation);
int delete_resources(ApiClient& api, const Invocation& invocation);
int show_health(ApiClient& api, const Invocation& invocation);

/// The id of what the user called `name`: an id that exists, else that of the one object of that
/// name (below the given load balancer, if any). Errors: exit 3 when there is none, 4 when there
/// are several
Outcome<std::string> resolve(ApiClient& api, const model::KindDescription& kind,
                             const std::string& name, const std::string& load_balancer = "");

}  // namespace weir::cli
