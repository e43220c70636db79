// Which targets that may serve are usable by their verdicts. Asked where a service is compiled,
// where it fails open and where verdicts become marks. Thread: any (pure).
#pragma once

#include <string>

#include "base/strong_type.h"
#include "snapshot/snapshot.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

/// The verdicts about one group of a service, asked for in ascending order of slots: one walk
/// beside the targets instead of a search for each. The verdicts must outlive it.
class GroupVerdicts {
 public:
  GroupVerdicts(const Verdicts& verdicts, const std::string& service, const std::string& group);
  /// Null without one.
  const Verdict* of(Slot slot);

 private:
  Verdicts::const_iterator at_;
  const Verdicts::const_iterator end_;
};

/// May a target that may serve take new traffic? `verdict` is null while there is none.
bool is_usable(bool is_check_closed, const Verdict* verdict);

}  // namespace weir::snapshot
