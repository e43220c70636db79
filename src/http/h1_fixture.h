// Short forms for the tests of the HTTP/1 codec: parse a message, decode a body, write a head. Only
// tests include it. Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "http/h1_parser.h"
#include "http/h1_properties.h"
#include "http/h1_writer.h"

namespace weir::http {

inline void PrintTo(ParseError error, std::ostream* out) { *out << error_name(error); }

/// A request and what became of it.
struct ParsedRequest {
  explicit ParsedRequest(std::string_view from) : text(from) {
    const properties::ExactBytes bytes(text);
    result = parse_request_head(bytes.span(), 0, head);
  }

  bool is_complete() const { return result.state == ParseState::kComplete; }
  std::string_view in(Slice slice) const { return slice.in(text.data()); }
  std::string written(const RequestOptions& options = {}) const {
    std::string out(request_bound(head, options), '\0');
    out.resize(write_request_head(head, text.data(), options, out));
    return out;
  }

  std::string text;
  RequestHead head;
  ParseResult result;
};

struct ParsedResponse {
  explicit ParsedResponse(std::string_view from, bool answers_head = false) : text(from) {
    const properties::ExactBytes bytes(text);
    result = parse_response_head(bytes.span(), 0, answers_head, head);
  }

  bool is_complete() const { return result.state == ParseState::kComplete; }
  std::string_view in(Slice slice) const { return slice.in(text.data()); }
  std::string written(const ResponseOptions& options = {}) const {
    std::string out(response_bound(head), '\0');
    out.resize(write_response_head(head, text.data(), options, out));
    return out;
  }

  std::string text;
  ResponseHead head;
  ParseResult result;
};

/// A GET of HTTP/1.1 with these further lines.
inline std::string get_with(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

/// Why the request is refused; kNone when it is complete or not finished.
inline ParseError refusal(std::string_view text) { return ParsedRequest(text).result.error; }
inline ParseError response_refusal(std::string_view text) {
  return ParsedResponse(text).result.error;
}

}  // namespace weir::http
