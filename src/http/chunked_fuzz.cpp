// Chunked bodies: split invariance, no byte outside the input, and what is passed on is what was
// read.
#include "http/h1_fuzz.h"
#include "http/h1_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir::http;  // NOLINT
  const std::string_view text = fuzz::text_of(bytes, size);
  fuzz::demand_none(properties::body_changes(text, fuzz::cuts(text)));
  const properties::Body body = properties::read_body(BodyReader(Framing::kChunked), text);
  if (body.state != BodyState::kDone) return 0;
  std::string out(2 * body.trailers.size() + 16, '\0');
  out.resize(write_trailers(body.trailers, out));
  const properties::Body end = properties::read_body(BodyReader(Framing::kChunked), out);
  fuzz::demand_none(end.state == BodyState::kDone && end.consumed == out.size()
                        ? ""
                        : "writes trailers that it refuses");
  return 0;
}
