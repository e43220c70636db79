// What must hold for every input of the HTTP/1 codec, as functions that return the violation in
// words, or nothing. The unit tests feed them random messages, the fuzzers anything. Not part of
// the product. Thread: any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h1_body.h"
#include "http/h1_fields.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace weir::http::properties {

/// A copy on the heap of exactly its size, so that a sanitizer sees each read behind it.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text)
      : bytes_(std::make_unique<char[]>(text.size())), size_(text.size()) {
    if (!text.empty()) std::memcpy(bytes_.get(), text.data(), text.size());
  }
  std::span<const char> span() const { return {bytes_.get(), size_}; }
  const char* data() const { return bytes_.get(); }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

inline bool same(Slice left, Slice right) {
  return left.length == right.length && (left.length == 0 || left.offset == right.offset);
}

inline bool same_fields(const FieldTable& left, const FieldTable& right) {
  return std::ranges::equal(left.list(), right.list(), [](const Field& a, const Field& b) {
    return same(a.name, b.name) && same(a.value, b.value) && a.id == b.id &&
           a.is_plain == b.is_plain;
  });
}

inline bool same_head(const RequestHead& a, const RequestHead& b) {
  return a.size == b.size && a.method == b.method && a.version == b.version && a.form == b.form &&
         a.framing == b.framing && a.keep_alive == b.keep_alive &&
         a.content_length == b.content_length && a.expects_continue == b.expects_continue &&
         a.host_port == b.host_port && same(a.target, b.target) && same(a.host, b.host) &&
         same(a.path, b.path) && same(a.upgrade, b.upgrade) && same_fields(a.fields, b.fields);
}

inline bool same_head(const ResponseHead& a, const ResponseHead& b) {
  return a.size == b.size && a.status == b.status && a.framing == b.framing &&
         a.keep_alive == b.keep_alive && a.content_length == b.content_length &&
         same(a.reason, b.reason) && same_fields(a.fields, b.fields);
}

/// Parses `text` as it grows to each of `sizes` in turn.
template <class Head, class Parse>
ParseResult parse_in_steps(std::string_view text, std::span<const std::size_t> sizes, Head& head,
                           const Parse& parse) {
  ParseResult result{ParseState::kNeedMore, ParseError::kNone, 0};
  for (const std::size_t size : sizes) {
    const ExactBytes bytes(text.substr(0, size));
    result = parse(bytes.span(), result.scanned, head);
    if (result.state != ParseState::kNeedMore) break;
  }
  return result;
}

/// The verdict and the head do not depend on how the bytes arrive: at once, or with stops at
/// `cuts`.
template <class Head, class Parse>
std::string split_changes(std::string_view text, std::vector<std::size_t> cuts,
                          const Parse& parse) {
  Head whole;
  Head split;
  const ExactBytes bytes(text);
  const ParseResult expected = parse(bytes.span(), 0, whole);
  cuts.push_back(text.size());
  std::ranges::sort(cuts);
  const ParseResult result = parse_in_steps(text, cuts, split, parse);
  if (result.state != expected.state || result.error != expected.error) {
    return "split gives " + std::string(error_name(result.error)) + " instead of " +
           std::string(error_name(expected.error));
  }
  const bool is_complete = expected.state == ParseState::kComplete;
  return is_complete && !same_head(whole, split) ? "split gives another head" : "";
}

inline std::string request_split_changes(std::string_view text, std::vector<std::size_t> cuts) {
  return split_changes<RequestHead>(text, std::move(cuts), parse_request_head);
}

inline std::string response_split_changes(std::string_view text, std::vector<std::size_t> cuts,
                                          bool answers_head) {
  return split_changes<ResponseHead>(
      text, std::move(cuts),
      [&](std::span<const char> bytes, std::size_t scanned, ResponseHead& head) {
        return parse_response_head(bytes, scanned, answers_head, head);
      });
}

/// No accepted name or value can end a line or a field for another parser.
inline std::string bad_field(const FieldTable& fields, const char* bytes) {
  for (const Field& field : fields.list()) {
    const std::string_view name = field.name.in(bytes);
    const std::string_view value = field.value.in(bytes);
    if (name.empty() || !std::ranges::all_of(name, [](char c) { return is_char(c, kTokenChar); })) {
      return "accepted a name that is no token";
    }
    const bool is_clean = std::ranges::all_of(value, [](char c) {
      return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    });
    if (!is_clean) return "accepted a control character in a value";
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) {
      return "value is not trimmed";
    }
  }
  return "";
}

inline bool has_framing_twice(const FieldTable& fields) {
  const auto count = [&](FieldId id) { return std::ranges::count(fields.list(), id, &Field::id); };
  return count(FieldId::kContentLength) + count(FieldId::kTransferEncoding) > 1;
}

/// Whether the fields that the writer adds may carry the message over a limit.
inline bool is_near_limit(const FieldTable& fields, std::size_t size) {
  return fields.count > kMaxFields - 10 || size > kMaxFieldLine / 2;
}

struct Line {
  std::string name;
  std::string value;
  friend bool operator==(const Line&, const Line&) = default;
};

/// Names and values of the fields that must arrive unchanged.
inline std::vector<Line> end_to_end(const FieldTable& fields, const char* bytes) {
  std::vector<Line> lines;
  for (const Field& field : fields.list()) {
    if (field.id != FieldId::kOther) continue;
    lines.push_back({std::string(field.name.in(bytes)), std::string(field.value.in(bytes))});
  }
  return lines;
}

/// What a request asks for, however it was written.
inline std::string requested(const RequestHead& head, const char* bytes) {
  std::string path(head.path.in(bytes));
  if (path.empty()) path = head.method == Method::kOptions && head.query.empty() ? "*" : "/";
  return std::string(head.method_text.in(bytes)) + " " + path + std::string(head.query.in(bytes));
}

/// An accepted request, written for a server and parsed again, is the same message in the same
/// framing.
inline std::string request_round_trip(std::string_view text) {
  RequestHead head;
  const ParseResult result = parse_request_head(text, 0, head);
  if (result.state != ParseState::kComplete) return "";
  if (head.size > text.size()) return "head is longer than its bytes";
  if (auto problem = bad_field(head.fields, text.data()); !problem.empty()) return problem;
  if (has_framing_twice(head.fields)) return "accepted two framing fields";
  const RequestOptions options{.forwarding = {.peer = "192.0.2.1"},
                               .vip = "198.51.100.1",
                               .listener_port = "80",
                               .pass_upgrade = true,
                               .pass_expect = true};
  const auto room = std::make_unique<char[]>(request_bound(head, options));
  const std::span<char> out(room.get(), request_bound(head, options));
  const std::size_t size = write_request_head(head, text.data(), options, out);
  if (size == 0) return "request_bound is too small";
  RequestHead again;
  const ParseResult second = parse_request_head(out.first(size), 0, again);
  if (second.state != ParseState::kComplete) {
    return is_limit(second.error) && is_near_limit(head.fields, head.size)
               ? ""
               : "refuses its own request: " + std::string(error_name(second.error));
  }
  if (again.size != size) return "written head ends early";
  if (again.framing != head.framing || again.content_length != head.content_length) {
    return "framing changed";
  }
  if (requested(again, out.data()) != requested(head, text.data())) return "target changed";
  if (again.upgrade.in(out.data()) != head.upgrade.in(text.data())) return "upgrade changed";
  if (!head.host.empty() && again.host.in(out.data()) != head.host.in(text.data())) {
    return "host changed";
  }
  if (again.fields.alias_count != 0) return "passed an underscore alias";
  if (end_to_end(again.fields, out.data()) != end_to_end(head.fields, text.data())) {
    return "fields changed";
  }
  return "";
}

/// With all forwarding fields switched on, a server sees each once, as Weir says, and the peer last
/// in X-Forwarded-For.
inline std::string forwarding_is_forged(std::string_view text) {
  RequestHead head;
  if (parse_request_head(text, 0, head).state != ParseState::kComplete) return "";
  const RequestOptions options{.forwarding = {.peer = "192.0.2.1",
                                              .proto = "https",
                                              .port = "443",
                                              .lbip = "198.51.100.1",
                                              .client_port = "50000",
                                              .host = true},
                               .vip = "198.51.100.1",
                               .listener_port = "443"};
  const std::size_t bound = request_bound(head, options);
  const auto room = std::make_unique<char[]>(bound);
  const std::size_t size = write_request_head(head, text.data(), options, {room.get(), bound});
  if (size == 0) return "request_bound is too small";
  RequestHead again;
  const ParseResult result = parse_request_head({room.get(), size}, 0, again);
  if (result.state != ParseState::kComplete) {
    return is_near_limit(head.fields, head.size) ? "" : "refuses its own request";
  }
  for (const auto& [id, value] : {std::pair{FieldId::kXForwardedProto, "https"},
                                  {FieldId::kXForwardedPort, "443"},
                                  {FieldId::kXForwardedLbip, "198.51.100.1"},
                                  {FieldId::kXForwardedClientPort, "50000"}}) {
    if (std::ranges::count(again.fields.list(), id, &Field::id) != 1) return "not exactly once";
    if (again.fields.find(id)->value.in(room.get()) != value) return "value of the client";
  }
  const Field* peers = again.fields.find(FieldId::kXForwardedFor);
  if (peers == nullptr || !peers->value.in(room.get()).ends_with("192.0.2.1")) return "no peer";
  const auto count = [&](FieldId id) {
    return std::ranges::count(again.fields.list(), id, &Field::id);
  };
  const bool is_single =
      count(FieldId::kXForwardedFor) == 1 && count(FieldId::kXForwardedHost) == 1;
  return is_single && again.fields.alias_count == 0 ? "" : "not exactly once";
}

/// An accepted response, written for an HTTP/1.1 client and parsed again, is the same message in
/// the same framing.
inline std::string response_round_trip(std::string_view text, bool answers_head) {
  ResponseHead head;
  const ParseResult result = parse_response_head(text, 0, answers_head, head);
  if (result.state != ParseState::kComplete) return "";
  if (head.size > text.size()) return "head is longer than its bytes";
  if (auto problem = bad_field(head.fields, text.data()); !problem.empty()) return problem;
  if (has_framing_twice(head.fields)) return "accepted two framing fields";
  const auto room = std::make_unique<char[]>(response_bound(head));
  const std::span<char> out(room.get(), response_bound(head));
  const std::size_t size = write_response_head(head, text.data(), {.pass_upgrade = true}, out);
  if (size == 0) return "response_bound is too small";
  ResponseHead again;
  const ParseResult second = parse_response_head(out.first(size), 0, answers_head, again);
  if (second.state != ParseState::kComplete) {
    return is_limit(second.error) && is_near_limit(head.fields, head.size)
               ? ""
               : "refuses its own response: " + std::string(error_name(second.error));
  }
  if (again.size != size) return "written head ends early";
  if (again.status != head.status || again.framing != head.framing ||
      again.content_length != head.content_length) {
    return "framing changed";
  }
  if (again.reason.in(out.data()) != head.reason.in(text.data())) return "reason changed";
  if (end_to_end(again.fields, out.data()) != end_to_end(head.fields, text.data())) {
    return "fields changed";
  }
  return "";
}

/// All that a body gave.
struct Body {
  BodyState state = BodyState::kMore;
  ParseError error = ParseError::kNone;
  std::string payload{};
  std::string trailers{};
  std::size_t consumed = 0;
  friend bool operator==(const Body&, const Body&) = default;
};

/// Feeds `text` in pieces that end at `cuts` (ascending) and at its end.
inline Body read_body(BodyReader reader, std::string_view text,
                      std::vector<std::size_t> cuts = {}) {
  Body body;
  cuts.push_back(text.size());
  if (reader.is_done()) body.state = BodyState::kDone;
  for (const std::size_t cut : cuts) {
    while (body.state == BodyState::kMore && body.consumed < cut) {
      const ExactBytes bytes(text.substr(body.consumed, cut - body.consumed));
      const BodyStep step = reader.next(bytes.span());
      body.state = step.state;
      body.payload.append(step.payload.data(), step.payload.size());
      body.trailers.append(step.trailers.data(), step.trailers.size());
      body.consumed += step.consumed;
      if (step.state == BodyState::kMore && step.consumed == 0) return {};  // never stands still
    }
  }
  body.error = reader.error();
  if (body.state == BodyState::kFailed) {
    body.consumed = 0;  // how far it came depends on the pieces
    body.trailers.clear();
  }
  return body;
}

/// The chunked form of `payload` in chunks of at most `chunk` bytes.
inline std::string chunked(std::string_view payload, std::size_t chunk) {
  std::string text;
  while (!payload.empty()) {
    const std::string_view part = payload.substr(0, chunk);
    text.append(chunk_line(part.size()).view()).append(part).append(kChunkEnd);
    payload.remove_prefix(part.size());
  }
  return text.append(kLastChunk);
}

/// A body is the same however its bytes arrive, and once it is written anew.
inline std::string body_changes(std::string_view text, std::vector<std::size_t> cuts) {
  const BodyReader reader(Framing::kChunked);
  const Body whole = read_body(reader, text);
  std::ranges::sort(cuts);
  if (read_body(reader, text, cuts) != whole) return "split gives another body";
  if (whole.state != BodyState::kDone) return "";
  if (whole.consumed > text.size()) return "consumed more than there was";
  FieldTable trailers;
  if (parse_trailers(whole.trailers, trailers) != ParseError::kNone) {
    return "passes trailers that the parser refuses";
  }
  const Body again = read_body(reader, chunked(whole.payload, 7));
  return again.state == BodyState::kDone && again.payload == whole.payload
             ? ""
             : "re-chunked body differs";
}

}  // namespace weir::http::properties
