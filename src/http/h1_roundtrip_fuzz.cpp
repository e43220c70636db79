// A request that is accepted, written for a server and parsed again is the same message in the same
// framing, and its body ends at the same byte.
#include "http/h1_fuzz.h"
#include "http/h1_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir::http;  // NOLINT
  const std::string_view text = fuzz::text_of(bytes, size);
  fuzz::demand_none(properties::request_round_trip(text));
  fuzz::demand_none(properties::forwarding_is_forged(text));
  RequestHead head;
  if (parse_request_head(text, 0, head).state != ParseState::kComplete) return 0;
  const BodyReader reader(head.framing, head.content_length);
  const std::string_view rest = text.substr(head.size);
  const properties::Body body = properties::read_body(reader, rest);
  if (head.framing == Framing::kChunked) {
    fuzz::demand_none(properties::body_changes(rest, fuzz::cuts(rest)));
  } else if (body.state == BodyState::kDone) {
    fuzz::demand_none(body.consumed == head.content_length ? "" : "body has another length");
  }
  return 0;
}
