// The body of an API call, for every kind: never a crash, and what is accepted is canonical, comes
// back from the store as it was and can be sent back as an update without any change. The first
// byte picks the kind.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/parts.h"
#include "model/registry.h"
#include "model/validate.h"

namespace {

using namespace weir;
using namespace weir::model;

void check_accepted(const Object& object) {
  Errors errors;
  WEIR_CHECK(canonical_spec(object.kind, object.spec, errors) == object.spec);
  WEIR_CHECK(canonical_admin(object.kind, object.admin, errors) == object.admin);
  WEIR_CHECK(errors.empty());
  const auto back =
      object_from_stored(object.kind, object.id, object.revision, stored_text(object));
  WEIR_CHECK(back && *back == object);
}

void fuzz_object(Kind kind, const Json& body) {
  Object object;
  const Errors errors = read_create(kind, body, object);
  const ObjectIndex empty;
  const Errors all = check_create(object, empty.view(), errors);
  WEIR_CHECK(all.size() >= errors.size());
  if (!errors.empty()) return;
  check_accepted(object);
  Object updated;
  for (const UpdateMode mode : {UpdateMode::kMerge, UpdateMode::kReplace}) {
    WEIR_CHECK(read_update(object, body, mode, updated).empty());
    check_accepted(updated);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto body = parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!body) return 0;
  const auto kinds = all_kinds();
  const auto parts = part_kinds();
  const std::size_t pick = data[0] % (kinds.size() + parts.size());
  if (pick < kinds.size()) {
    fuzz_object(kinds[pick], *body);
  } else {
    Part part;  // must only not crash
    (void)read_part(parts[pick - kinds.size()], *body, nullptr, UpdateMode::kMerge, part);
  }
  return 0;
}
