// Responses, to HEAD and to other methods: as h1_request_fuzz.cpp, and written for both versions of
// clients.
#include "http/h1_fuzz.h"
#include "http/h1_properties.h"

namespace {

using namespace weir::http;  // NOLINT

void check(std::string_view text, bool answers_head) {
  fuzz::demand_none(properties::response_split_changes(text, fuzz::cuts(text), answers_head));
  fuzz::demand_none(properties::response_round_trip(text, answers_head));
  ResponseHead head;
  const properties::ExactBytes exact(text);
  if (parse_response_head(exact.span(), 0, answers_head, head).state != ParseState::kComplete) {
    return;
  }
  // An HTTP/1.0 client never sees a transfer coding, and knows the end of each body.
  const ResponseOptions options{.client_version = Version::kHttp10};
  std::string out(response_bound(head), '\0');
  out.resize(write_response_head(head, exact.data(), options, out));
  ResponseHead again;
  const ParseResult result = parse_response_head(out, 0, answers_head, again);
  if (result.state != ParseState::kComplete) {
    const bool is_excused =
        is_limit(result.error) && properties::is_near_limit(head.fields, head.size);
    return fuzz::demand_none(is_excused ? "" : "refuses what it wrote for HTTP/1.0");
  }
  const ResponsePlan plan = plan_response(head, options);
  fuzz::demand_none(again.framing == plan.framing ? "" : "framing for HTTP/1.0 is not as planned");
  fuzz::demand_none(plan.framing == Framing::kChunked ? "chunks for HTTP/1.0" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = fuzz::text_of(bytes, size);
  check(text, false);
  check(text, true);
  return 0;
}
