// Requests: no byte outside the input is read, and the verdict does not depend on how the bytes
// arrive.
#include "http/h1_fuzz.h"
#include "http/h1_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir::http;  // NOLINT
  const std::string_view text = fuzz::text_of(bytes, size);
  fuzz::demand_none(properties::request_split_changes(text, fuzz::cuts(text)));
  RequestHead head;
  const properties::ExactBytes exact(text);
  if (parse_request_head(exact.span(), 0, head).state != ParseState::kComplete) return 0;
  fuzz::demand_none(properties::bad_field(head.fields, exact.data()));
  // Nothing beyond the head has a say in it.
  RequestHead alone;
  const ParseResult result = parse_request_head(exact.span().first(head.size), 0, alone);
  const bool is_same = result.state == ParseState::kComplete && properties::same_head(head, alone);
  fuzz::demand_none(is_same ? "" : "bytes behind the head change it");
  return 0;
}
