// The choice of a target for one request or connection. A Picker has state and exists in the proxy
// only, one per worker and backend service; it knows weights, not health: what may not be chosen
// now is told by the caller with every pick. Hash tables shared with the packet engine are not
// pickers. Thread: one worker.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/strong_type.h"

namespace weir::balancing {

/// Place of a target in the list an engine built its pickers from (that of snapshot::Service).
/// Dense and private to the engine: everything that leaves it says (group, slot).
using TargetIndex = Strong<struct TargetIndexTag, std::uint16_t>;

/// Hash of what identifies a flow; round robin does not look at it.
using FlowHash = std::uint64_t;

/// A borrowed predicate: may this target be picked now (mark "takes new" set, not tried before)?
/// Valid only for the call it is passed to.
class Usable {
 public:
  template <class Predicate>
    requires std::predicate<const Predicate&, TargetIndex>
  Usable(const Predicate& predicate)  // NOLINT: implicit by design
      : context_(std::addressof(predicate)), call_([](const void* context, TargetIndex target) {
          return static_cast<bool>((*static_cast<const Predicate*>(context))(target));
        }) {}

  bool operator()(TargetIndex target) const { return call_(context_, target); }

 private:
  const void* context_;
  bool (*call_)(const void*, TargetIndex);
};

class Picker {
 public:
  virtual ~Picker() = default;
  /// The next target that is usable; nothing when there is none. A retry asks again with the failed
  /// target no longer usable.
  virtual std::optional<TargetIndex> pick(FlowHash hash, Usable usable) = 0;
};

}  // namespace weir::balancing
