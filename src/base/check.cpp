#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace weir::check {
namespace {

std::atomic<std::uint64_t> bugs{0};
std::atomic<std::int64_t> logged_at{0};

}  // namespace

void failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

bool bug(const char* condition, const char* file, int line) {
  bugs.fetch_add(1);
  const std::int64_t now = std::time(nullptr);
  if (logged_at.exchange(now) != now) {
    std::fprintf(stderr, "%s:%d: bug: %s\n", file, line, condition);
  }
#ifdef WEIR_MUTANTS
  std::abort();
#endif
  return true;
}

std::uint64_t bug_count() { return bugs.load(); }

}  // namespace weir::check
