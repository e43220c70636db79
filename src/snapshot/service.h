// One backend service with its targets, as new traffic sees them: who takes traffic, and which
// group is in force while another replaces it. Used by compile alone. Thread: any (pure functions).
#pragma once

#include <string>

#include "snapshot/fact_cache.h"
#include "snapshot/snapshot.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

/// `group` of the service with endpoints, verdicts and marks filled in; no targets when there is no
/// such group. A target whose instance has not arrived is left out.
std::vector<Target> targets_of(const BackendFacts& backend, const std::string& group,
                               const FactCache& facts, const Verdicts& verdicts);

/// The service with the group in force and the one that is to replace it.
///
/// A group that replaces another waits until one of its targets takes new traffic or all have
/// verdicts. Which group was in force before is not remembered but read from the verdicts: they
/// exist for as long as a group is checked, also after a restart, so that every process comes to
/// the same answer.
/// Source: product.md C.7
Service service_of(const BackendFacts& backend, const FactCache& facts, const Verdicts& verdicts);

}  // namespace weir::snapshot
