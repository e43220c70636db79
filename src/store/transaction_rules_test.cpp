#include "store/transaction_rules.h"

#include <gtest/gtest.h>

namespace weir::store {
namespace {

TEST(TransactionRules, EndsAPrefixAtTheNextKeyThatDoesNotBeginWithIt) {
  EXPECT_EQ(prefix_end("object/"), "object0");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end(""), std::nullopt);
  EXPECT_EQ(prefix_end("\xff"), std::nullopt);
}

TEST(TransactionRules, CountsAKeyOnceHoweverOftenItIsNamed) {
  const Transaction transaction{
      .expectations = {{"a", Revision(1)}, {"b", Revision(1)}},
      .writes = {{"a", "x"}},
      .counters = {{"c", 1, {}}},
      .audit = {},
  };
  EXPECT_EQ(transaction_keys(transaction), 3U);
  EXPECT_EQ(transaction_bytes(transaction), 5U);
}

TEST(TransactionRules, RefusesACounterThatIsNoNumberOrWouldOverflow) {
  EXPECT_EQ(counter_sum("x", {"quota/lb", 1, {}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(counter_sum("1x", {"quota/lb", 1, {}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(counter_sum("9223372036854775807", {"quota/lb", 1, {}}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(counter_sum("41", {"quota/lb", 1, 42}).value_or(0), 42);
}

TEST(TransactionRules, CountsTheLimitThatWasReached) {
  Metrics metrics;
  const Transaction transaction{.writes = {{std::string(kKeyBytesMax + 1, 'k'), "x"}}, .audit = {}};
  EXPECT_FALSE(check_transaction(transaction, metrics).ok());
  EXPECT_EQ(metrics.value(Metric::kStoreLimitReached, {"key_bytes"}).get(), 1);
}

}  // namespace
}  // namespace weir::store
