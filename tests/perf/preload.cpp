// Put before `weir node` by LD_PRELOAD so that its child `weir proxy` starts under another program
// (WEIR_BENCH_PROXY, a script): the node starts /proc/self/exe, which under valgrind is valgrind.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

extern "C" int execv(const char* path, char* const arguments[]) noexcept {
  using Execv = int (*)(const char*, char* const*);
  const auto real = reinterpret_cast<Execv>(dlsym(RTLD_NEXT, "execv"));
  const char* proxy = std::getenv("WEIR_BENCH_PROXY");
  const bool is_proxy = arguments[0] != nullptr && arguments[1] != nullptr &&
                        std::string_view(arguments[1]) == "proxy";
  return real(proxy != nullptr && is_proxy ? proxy : path, arguments);
}
