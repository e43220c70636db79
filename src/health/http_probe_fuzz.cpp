#include <cstdint>
#include <string_view>

#include "health/http_probe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  weir::snapshot::HealthCheck check;
  check.http_codes = {{200, 399}};
  const std::string_view answer(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(weir::health::judge_http_answer(check, answer));
  return 0;
}
