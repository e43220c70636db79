#include "dataplane/engine_contract.h"

#include "dataplane/proxy/engine.h"

namespace weir::dataplane {
namespace {

template <std::size_t kWorkers>
class ProxyHarness {
 public:
  Engine& engine() { return *engine_; }

 private:
  SystemClock clock_;
  std::unique_ptr<proxy::ProxyEngine> engine_ =
      *proxy::ProxyEngine::open({.workers = kWorkers, .clock = &clock_, .limits = {}}, {});
};

using Harnesses = ::testing::Types<ProxyHarness<1>, ProxyHarness<3>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Proxy, EngineContract, Harnesses);

}  // namespace
}  // namespace weir::dataplane
