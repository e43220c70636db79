#include "health/schedule.h"

#include "base/check.h"
#include "base/checksum.h"

namespace weir::health {

Clock::Duration spread(const snapshot::TargetKey& target, Clock::Duration period) {
  const double share = crc32(snapshot::verdict_id(target)) / 4294967296.0;
  return Clock::Duration(
      static_cast<Clock::Duration::rep>(share * static_cast<double>(period.count())));
}

Instant next_tick(Instant origin, Clock::Duration period, Instant at_least) {
  WEIR_CHECK(period > Clock::Duration::zero());
  const auto gap = (at_least - origin) % period;  // has the sign of the dividend
  if (gap == Clock::Duration::zero()) return at_least;
  return gap > Clock::Duration::zero() ? at_least + (period - gap) : at_least - gap;
}

}  // namespace weir::health
