// Numbers that carry their meaning in the type, so that a revision is never passed for an epoch.
// Thread: immutable values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace weir {

template <class Tag, class T>
struct Strong {
  using Value = T;
  T value{};

  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

/// Number of a stored change; 0 = nothing stored yet.
using Revision = Strong<struct RevisionTag, std::uint64_t>;
/// Number of a history; a restored backup starts a higher one.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// Number of a target or group member, unique in its group, stable for life.
using Slot = Strong<struct SlotTag, std::uint16_t>;

/// Place in history; ordered by epoch, then revision.
struct Version {
  Epoch epoch;
  Revision revision;

  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

/// "epoch/revision", for logs and status.
inline std::string to_string(const Version& v) {
  return std::to_string(v.epoch.value) + "/" + std::to_string(v.revision.value);
}

}  // namespace weir

template <class Tag, class T>
struct std::hash<weir::Strong<Tag, T>> {
  std::size_t operator()(const weir::Strong<Tag, T>& strong) const noexcept {
    return std::hash<T>()(strong.value);
  }
};
