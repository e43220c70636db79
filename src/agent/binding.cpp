#include "agent/binding.h"

#include <net/if.h>

namespace weir::agent {

std::string_view binding_mode_name(BindingMode mode) {
  switch (mode) {
    case BindingMode::kLoopback:
      return "loopback";
    case BindingMode::kInterface:
      return "interface";
    case BindingMode::kExternal:
      return "external";
  }
  return "loopback";
}

Result<BindingMode> binding_mode_of(std::string_view name) {
  for (const auto mode :
       {BindingMode::kLoopback, BindingMode::kInterface, BindingMode::kExternal}) {
    if (name == binding_mode_name(mode)) return mode;
  }
  return Error{ErrorCode::kInvalidArgument,
               "must be loopback, interface or external, found \"" + std::string(name) + "\"",
               "mode"};
}

Result<Binding> parse_binding(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 "expected subnet=mode[:interface][,source], found \"" + std::string(text) + "\"",
                 {}};
  }
  Binding binding;
  binding.subnet = text.substr(0, equals);
  std::string_view rest = text.substr(equals + 1);
  std::string_view mode = rest.substr(0, rest.find(','));
  rest.remove_prefix(mode.size());
  if (const std::size_t colon = mode.find(':'); colon != std::string_view::npos) {
    binding.interface = mode.substr(colon + 1);
    mode = mode.substr(0, colon);
  }
  WEIR_ASSIGN_OR_RETURN(binding.mode, binding_mode_of(mode));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view source = rest.substr(0, rest.find(','));
    WEIR_ASSIGN_OR_RETURN(const net::IpAddress address, net::IpAddress::parse(source));
    binding.sources.push_back(address);
    rest.remove_prefix(source.size());
  }
  const Errors errors = check_binding(binding);
  if (!errors.empty()) return errors.front();
  return binding;
}

std::string binding_text(const Binding& binding) {
  std::string text = binding.subnet + "=" + std::string(binding_mode_name(binding.mode));
  if (!binding.interface.empty()) text += ":" + binding.interface;
  for (const net::IpAddress& source : binding.sources) text += "," + source.text();
  return text;
}

Errors check_binding(const Binding& binding) {
  Errors errors;
  const auto add = [&errors](std::string_view field, std::string message) {
    errors.push_back({ErrorCode::kInvalidArgument, std::move(message), std::string(field)});
  };
  if (binding.subnet.empty()) add("subnet", "must name a subnet, by id or name, or a pool");
  const bool needs_interface = binding.mode == BindingMode::kInterface;
  if (needs_interface && binding.interface.empty()) {
    add("interface", "must be set for mode interface");
  }
  if (!needs_interface && !binding.interface.empty()) {
    add("interface", "must be absent unless the mode is interface");
  }
  if (binding.interface.size() >= IFNAMSIZ) {
    add("interface", "must have at most " + std::to_string(IFNAMSIZ - 1) + " characters");
  }
  if (binding.sources.size() > kBindingSourcesMax) {
    add("sources", "must have at most " + std::to_string(kBindingSourcesMax) +
                       " addresses, found " + std::to_string(binding.sources.size()));
  }
  for (std::size_t i = 0; i < binding.sources.size(); ++i) {
    if (!binding.sources[i].is_unspecified()) continue;
    add("sources[" + std::to_string(i) + "]", "must be an address of this node");
  }
  return errors;
}

Json binding_json(const Binding& binding) {
  Json json = Json::object({{"subnet", binding.subnet}, {"mode", binding_mode_name(binding.mode)}});
  if (!binding.interface.empty()) json["interface"] = binding.interface;
  Json sources = Json::array();
  for (const net::IpAddress& source : binding.sources) sources.push_back(source.text());
  json["sources"] = std::move(sources);
  return json;
}

}  // namespace weir::agent
