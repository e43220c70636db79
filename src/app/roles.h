// The daemon roles of the program, each a function that runs until it is told to stop.
// Thread: main.
#pragma once

#include <string>
#include <vector>

#include "app/flags.h"

namespace weir::app {

/// Version of this build, as the hello and `weir version` say it.
extern const char* const kBuild;

// Each returns the exit status: 0 after an orderly stop, 1 when it could not start.
int run_up(const RoleFlags& flags);
int run_control(const RoleFlags& flags);
/// `arguments` are those of the whole program: an upgrade starts the next image with them.
int run_node(const RoleFlags& flags, const std::vector<std::string>& arguments);
int run_proxy(const std::vector<std::string>& arguments);
int run_demo(const RoleFlags& flags);

/// `weir check-config FILE`: prints each problem; 0 when there is none, else 1.
int check_config(const std::vector<std::string>& arguments);

/// `weir schema`: prints what this build knows of itself (schema.h) as JSON; 0, or 2 for wrong
/// words.
int run_schema(const std::vector<std::string>& arguments);
/// `weir openapi`: prints the OpenAPI document (api/openapi.h); as above.
int run_openapi(const std::vector<std::string>& arguments);

/// Takes away the addresses that a node of this data directory left on the machine when it was
/// killed; 0 when none is left, 1 when a node runs there.
int run_release(const RoleFlags& flags);

/// `weir backup FILE` and `weir restore FILE`; 0 when done, 1 when not, 2 for wrong words.
int run_backup(const std::vector<std::string>& arguments);
int run_restore(const std::vector<std::string>& arguments);

/// Sets level, format and name of the log.
void configure_log(const Config& config, const std::string& program);

}  // namespace weir::app
