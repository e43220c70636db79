// What Connection and Upgrade ask for: RFC 9110, 7.6.1 and 7.8. Internal to the parser. Thread: any
// (pure functions).
#pragma once

#include "http/h1_error.h"
#include "http/h1_head.h"
#include "http/h1_lines.h"

namespace weir::http {

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
};

/// Reads all Connection fields and gives the fields they nominate FieldId::kNominated. Host and the
/// framing fields cannot be nominated: they are written from the parsed head in any case.
ParseError read_connection(const char* bytes, FieldTable& fields, const lines::FieldIndex& index,
                           ConnectionOptions& options);

struct UpgradeOffer {
  Slice protocol{};  // the one protocol asked for, or empty
  bool has_h2c = false;
};

/// Reads the Upgrade field; a protocol only when it is the only one of its message and is not HTTP
/// itself.
UpgradeOffer read_upgrade(const char* bytes, const FieldTable& fields,
                          const lines::FieldIndex& index);

}  // namespace weir::http
