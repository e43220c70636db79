// A worker in steady state serves requests without asking for memory.
// Built without sanitizers only, since they bring an operator new of their own.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WEIR_HAS_OTHER_NEW
#endif
#endif
#ifndef WEIR_HAS_OTHER_NEW

#include <atomic>
#include <cstdlib>
#include <new>

#include "dataplane/proxy/engine_fixture.h"
#include "dataplane/proxy/worker_fixture.h"

namespace {

thread_local bool is_counting = false;
std::atomic<int> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  if (is_counting) allocations.fetch_add(1);
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace weir::dataplane::proxy {
namespace {

class AllocationTest : public WorkerFixture {};

TEST_F(AllocationTest, ServesRequestsInSteadyStateWithoutAskingForMemory) {
  auto server = ScriptedServer::named("answer");
  run(server->endpoint(), nullptr, [] { is_counting = true; });
  Stream client = Stream::connect(front_);
  int before = 0;
  for (int i = 0; i < 1200; ++i) {
    if (i == 200) before = allocations.load();
    ASSERT_TRUE(client.send(i % 2 == 0 ? get() : post("some body")));
    ASSERT_EQ(client.reply().body, "answer");
  }
  EXPECT_EQ(allocations.load(), before);
  stop();
}

}  // namespace
}  // namespace weir::dataplane::proxy

#endif  // WEIR_HAS_OTHER_NEW
