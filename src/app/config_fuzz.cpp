// The text of weir.yaml: whatever it is, it is judged and nothing worse. What is accepted holds the
// ranges of its settings, and its bindings can be written as flags.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/listen_sockets.h"
#include "app/config.h"
#include "base/check.h"

namespace {

using namespace weir;
using namespace weir::app;

bool can_be_listened_at(const std::string& text) {
  return text.starts_with("unix:/") || net::Endpoint::parse(text).ok();
}

void check_accepted(const Config& config) {
  WEIR_CHECK(config.workers >= 0 && config.workers <= agent::kWorkersMax);
  WEIR_CHECK(config.drain_seconds >= 0);
  WEIR_CHECK(!config.azs.empty() && !config.region.empty());
  WEIR_CHECK(can_be_listened_at(config.api_listen) && can_be_listened_at(config.ops_listen));
  WEIR_CHECK(std::ranges::all_of(config.stream_listen, can_be_listened_at));
  WEIR_CHECK(config.check_source.is_v4());
  for (const auto& [counter, quota] : config.quotas) WEIR_CHECK(quota >= 0);
  for (const auto& pool : config.pools) {
    for (const net::Prefix& prefix : pool.prefixes) WEIR_CHECK(prefix.base.is_v4());
  }
  for (const agent::Binding& binding : config.bindings) {
    WEIR_CHECK(agent::check_binding(binding).empty());
    // A name may hold what a flag uses to part names; of the others the flag says the same.
    if (binding.subnet.contains('=') || binding.interface.contains(',')) continue;
    const auto again = agent::parse_binding(agent::binding_text(binding));
    WEIR_CHECK(again && *again == binding);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  Problems problems;
  Config config = config_from_text(text, problems);
  for (const Problem& problem : problems) WEIR_CHECK(!problem.message.empty());
  if (!problems.empty()) return 0;
  check_accepted(config);
  Problems none;
  WEIR_CHECK(config_from_text(text, none) == config);
  fill_in_defaults(config);
  WEIR_CHECK(config.workers > 0 && !config.control.empty() && !config.bindings.empty());
  return 0;
}
