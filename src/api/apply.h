// Declarative writes: makes the resources of an account be what a file declares. First all of it is
// judged over a picture of the end, so that nothing is stored when anything is wrong; then each
// load balancer is one transaction, and each attempt is judged anew on what is stored then. Called
// by apply_page.h. Thread: any.
#pragma once

#include "api/apply_request.h"
#include "api/apply_units.h"
#include "api/caller.h"
#include "api/catalog.h"
#include "api/change_list.h"
#include "api/resource_writer.h"
#include "base/metrics.h"
#include "base/result.h"
#include "store/store.h"

namespace weir::api {

class Applier {
 public:
  struct Parts {
    store::Store& store;
    Catalog& catalog;
    ResourceWriter& writer;
    Metrics& metrics;
  };
  explicit Applier(Parts parts) : parts_(parts) {}

  struct Answer {
    ChangeList changes;  // that were made, or would be
    Errors errors;       // not empty: nothing was stored but `changes`
    Revision revision;   // of the last of them, or the one that was judged
  };
  /// Stores nothing. Paths of errors begin with "objects[3]".
  Answer plan(const ApplyRequest& request, const Caller& caller) const;
  /// Each load balancer has all of its change or none, also when one behind it is refused.
  Answer apply(const ApplyRequest& request, const Caller& caller) const;

 private:
  struct Planned;
  Planned plan_all(const ApplyRequest& request, const Caller& caller) const;
  void check_limits(const ApplyUnit& unit, const store::Transaction& transaction,
                    std::map<std::string, std::int64_t>& sums, Errors& errors) const;
  /// Adds its changes to the answer, or its errors.
  bool write(const ApplyUnit& unit, const Caller& caller, Answer& answer) const;

  const Parts parts_;
};

/// That the caller may make each of the changes by a call of its own.
/// Errors:  kPermissionDenied, one for each action and kind
Errors check_rights(const ChangeList& changes, const Caller& caller);

}  // namespace weir::api
