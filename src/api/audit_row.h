// The audit row of a write that was done, as the store keeps it in the same transaction.
// Thread: any (pure).
#pragma once

#include <string>

#include "api/caller.h"
#include "store/store.h"

namespace weir::api {

/// `object`: the ids of what was written, with blanks between them.
inline store::AuditRow audit_row(const std::string& operation, const Caller& caller,
                                 const std::string& object, const std::string& result) {
  store::AuditRow row;
  row.who = caller.who;
  row.account = caller.account;
  row.source = caller.source;
  row.operation = operation;
  row.object = object;
  row.request_id = caller.request_id;
  row.result = result;
  return row;
}

}  // namespace weir::api
