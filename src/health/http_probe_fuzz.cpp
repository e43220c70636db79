// The answer to a health check: what is decided when a part of it has come stays so when the rest
// comes, and no byte of the answer gets into the text for people.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "health/http_probe.h"

namespace {

using namespace weir;

/// "status 503", or the name of what is wrong with the head.
bool is_our_text(std::string_view detail) {
  if (detail.starts_with("status ")) detail.remove_prefix(7);
  return std::ranges::all_of(
      detail, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  snapshot::HealthCheck check;
  check.http_codes = {{200, 399}};
  const std::string_view answer(reinterpret_cast<const char*>(bytes), size);
  const auto verdict = health::judge_http_answer(check, answer);
  if (verdict) {
    WEIR_CHECK(is_our_text(verdict->detail));
    WEIR_CHECK(verdict->success() == verdict->detail.empty());
  }
  for (const std::size_t cut : {size / 4, size / 2, size - size / 8}) {
    const auto early = health::judge_http_answer(check, answer.substr(0, cut));
    WEIR_CHECK(!early || (verdict && *early == *verdict));
  }
  return 0;
}
