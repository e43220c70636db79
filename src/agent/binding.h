// How a node serves the addresses of a subnet or of a public pool: part of its configuration.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/address.h"

namespace weir::agent {

/// Source addresses of one binding. Source: design, section 4. Reached: the configuration is
/// refused.
inline constexpr std::size_t kBindingSourcesMax = 16;
/// Stands for every subnet and pool that no other binding names.
inline constexpr std::string_view kAnySubnet = "*";

enum class BindingMode {
  kLoopback,   // 127.0.0.0/8: every address is there already
  kInterface,  // the node adds the address to an interface and announces it
  kExternal,   // someone else moves the address; sockets are bound before it is there
};

/// "loopback", "interface", "external".
std::string_view binding_mode_name(BindingMode mode);
/// Errors: kInvalidArgument
Result<BindingMode> binding_mode_of(std::string_view name);

struct Binding {
  std::string subnet;  // id or name of a subnet, kAnySubnet, or "pool/NAME"
  BindingMode mode = BindingMode::kLoopback;
  std::string interface;                // of kInterface alone
  std::vector<net::IpAddress> sources;  // upstream connections and probes leave from these

  friend bool operator==(const Binding&, const Binding&) = default;
};

/// "subnet=mode[:interface][,source]...". Errors: kInvalidArgument
Result<Binding> parse_binding(std::string_view text);
std::string binding_text(const Binding& binding);
/// Everything that is wrong with it. Fields are relative: "interface", "sources[1]".
Errors check_binding(const Binding& binding);
/// As the hello carries it.
Json binding_json(const Binding& binding);

}  // namespace weir::agent
