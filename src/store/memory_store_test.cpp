#include "store/memory_store.h"

#include <gtest/gtest.h>

#include "store/store_contract.h"
#include "testing/virtual_clock.h"

namespace weir::store {
namespace {

class MemoryStores {
 public:
  Store& store() { return store_; }

  testing::VirtualClock clock_;

 private:
  Metrics metrics_;
  MemoryStore store_{clock_, metrics_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryStores);

}  // namespace
}  // namespace weir::store
