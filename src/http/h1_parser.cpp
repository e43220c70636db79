#include "http/h1_parser.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/mutant.h"
#include "http/h1_connection.h"
#include "http/h1_fields.h"
#include "http/h1_lines.h"
#include "http/h1_scan.h"
#include "http/h1_target.h"

namespace weir::http {
namespace {

using lines::FieldIndex;
using lines::Outcome;
using lines::Window;

constexpr std::size_t kVersionSize = 8;  // "HTTP/1.1"

Outcome failed(ParseError error) { return {ParseState::kFailed, error, nullptr}; }
Outcome complete(const char* next) { return {ParseState::kComplete, ParseError::kNone, next}; }

Outcome refuse_start(const Window& window, const char* line, ParseError error) {
  return lines::refuse(window, line, kMaxStartLine, ParseError::kStartLineTooLong, error);
}

Slice slice(const Window& window, const char* from, const char* to) {
  return {static_cast<std::uint16_t>(from - window.begin), static_cast<std::uint16_t>(to - from)};
}

const Field& first_field(const FieldTable& fields, const FieldIndex& index, FieldId id) {
  return fields.entries[index.first[static_cast<std::size_t>(id)]];
}

/// Reads "HTTP/1.0" or "HTTP/1.1" at `at`, where at least eight bytes are.
bool read_version(const char* at, Version& version) {
  if (std::memcmp(at, "HTTP/1.", kVersionSize - 1) != 0) return false;
  version = at[kVersionSize - 1] == '0' ? Version::kHttp10 : Version::kHttp11;
  return at[kVersionSize - 1] == '0' || at[kVersionSize - 1] == '1';
}

/// What is wrong with the version at `at`, after which `end_char` is expected.
ParseError version_error(const char* at, const char* end, char end_char) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (static_cast<std::size_t>(end - at) <= kVersionSize || std::memcmp(at, "HTTP/", 5) != 0 ||
      !is_digit(at[5]) || at[6] != '.' || !is_digit(at[7])) {
    return ParseError::kBadVersion;
  }
  Version ignored;
  const char next = at[kVersionSize];
  if (!read_version(at, ignored)) {
    return next == end_char ? ParseError::kVersionNotSupported : ParseError::kBadVersion;
  }
  return next == '\r' || next == '\n' ? ParseError::kBadLineEnd : ParseError::kBadStartLine;
}

Method classify_method(std::string_view method) {
  switch (method.size()) {
    case 3:
      return method == "GET" ? Method::kGet : method == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      return method == "POST" ? Method::kPost : method == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      return method == "PATCH"   ? Method::kPatch
             : method == "TRACE" ? Method::kTrace
                                 : Method::kOther;
    case 6:
      return method == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      return method == "OPTIONS" ? Method::kOptions : Method::kOther;
    default:
      return Method::kOther;
  }
}

/// RFC 9112, 3: method SP request-target SP HTTP-version CRLF.
Outcome parse_request_line(const Window& window, const char* line, RequestHead& head,
                           Authority& authority) {
  const char* const end = window.end;
  const char* const method_end = scan::class_end<kTokenChar>(line, end);
  if (method_end == end || *method_end != ' ' || method_end == line) {
    return refuse_start(window, line, ParseError::kBadMethod);
  }
  const char* const target = method_end + 1;
  const char* const query = scan::target_end<true>(target, end);
  const char* const target_end =
      query != end && *query == '?' ? scan::target_end<false>(query, end) : query;
  if (target_end == end || *target_end != ' ' || target_end == target) {
    const bool is_fragment = target_end != end && *target_end == '#';
    return refuse_start(window, line,
                        is_fragment ? ParseError::kFragmentInTarget : ParseError::kBadTarget);
  }
  const char* const version = target_end + 1;
  if (end - version < 10 || !read_version(version, head.version) || version[8] != '\r' ||
      version[9] != '\n') {
    return refuse_start(window, line, version_error(version, end, '\r'));
  }
  const char* const next = version + 10;
  if (static_cast<std::size_t>(next - line) > kMaxStartLine) {
    return failed(ParseError::kStartLineTooLong);
  }
  head.method_text = slice(window, line, method_end);
  head.target = slice(window, target, target_end);
  const std::string_view method = head.method_text.in(window.begin);
  if (method.size() > kMaxMethod) return failed(ParseError::kMethodTooLong);
  if (method == "CONNECT") return failed(ParseError::kConnectRefused);
  head.method = classify_method(method);
  const auto query_at = static_cast<std::uint16_t>(query - window.begin);
  const ParseError error = parse_target(window.begin, query_at, head, authority);
  return error == ParseError::kNone ? complete(next) : failed(error);
}

/// RFC 9112, 4: HTTP-version SP status-code SP [reason-phrase] CRLF.
Outcome parse_status_line(const Window& window, const char* line, ResponseHead& head) {
  const char* const end = window.end;
  if (end - line <= 8 || !read_version(line, head.version) || line[8] != ' ') {
    return refuse_start(window, line, version_error(line, end, ' '));
  }
  const char* const code = line + 9;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (end - code < 4 || code[0] < '1' || code[0] > '5' || !is_digit(code[1]) ||
      !is_digit(code[2]) || code[3] != ' ') {
    return refuse_start(window, line, ParseError::kBadStatus);
  }
  const char* const reason = code + 4;
  const char* const cr = scan::LineEnds(window.begin, reason, end).next();
  if (end - cr < 2 || cr[0] != '\r' || cr[1] != '\n') {
    const bool is_line_end = cr == end || *cr == '\r' || *cr == '\n';
    return refuse_start(window, line,
                        is_line_end ? ParseError::kBadLineEnd : ParseError::kBadStatus);
  }
  if (static_cast<std::size_t>(cr + 2 - line) > kMaxStartLine) {
    return failed(ParseError::kStartLineTooLong);
  }
  head.status =
      static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  head.reason = slice(window, reason, cr);
  return complete(cr + 2);
}

/// RFC 9110, 8.6: digits only; the list form that it lets recipients merge is refused.
bool parse_content_length(std::string_view digits, std::uint64_t& length) {
  length = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMaxBodySize - digit) / 10) return false;
    length = length * 10 + digit;
  }
  return !digits.empty();
}

struct BodyFields {
  bool has_length = false;
  bool is_chunked = false;
  std::uint64_t length = 0;
};

/// RFC 9112, 6.3, with every ambiguity refused.
ParseError read_framing(const char* bytes, Version version, const FieldTable& fields,
                        const FieldIndex& index, BodyFields& body) {
  body.has_length = index.has(FieldId::kContentLength);
  body.is_chunked = index.has(FieldId::kTransferEncoding);
  if (body.has_length && body.is_chunked && !mutant("length-beside-chunked-passes")) {
    return ParseError::kLengthAndTransferEncoding;
  }
  if (body.has_length) {
    if (index.is_repeated(FieldId::kContentLength)) return ParseError::kDuplicateContentLength;
    const Slice value = first_field(fields, index, FieldId::kContentLength).value;
    if (!parse_content_length(value.in(bytes), body.length)) return ParseError::kBadContentLength;
  }
  if (body.is_chunked) {
    if (version == Version::kHttp10) return ParseError::kTransferEncodingInHttp10;
    if (index.is_repeated(FieldId::kTransferEncoding)) {
      return ParseError::kDuplicateTransferEncoding;
    }
    const Slice value = first_field(fields, index, FieldId::kTransferEncoding).value;
    if (!is(value.in(bytes), "chunked")) return ParseError::kBadTransferEncoding;
  }
  return ParseError::kNone;
}

/// RFC 9112, 9.3.
bool persists(Version version, const ConnectionOptions& options) {
  return !options.close && (version == Version::kHttp11 || options.keep_alive);
}

/// RFC 9112, 3.2 and 3.2.2.
ParseError read_host(const char* bytes, const FieldIndex& index, const Authority& authority,
                     RequestHead& head) {
  Authority host = authority;
  if (index.has(FieldId::kHost)) {
    if (index.is_repeated(FieldId::kHost)) return ParseError::kDuplicateHost;
    const Slice value = first_field(head.fields, index, FieldId::kHost).value;
    if (!parse_authority(bytes, value, host)) return ParseError::kBadHost;
    if (head.form == TargetForm::kAbsolute) {
      if (!same_authority(bytes, head, authority, host)) return ParseError::kHostMismatch;
      host = authority;
    }
  } else if (head.version == Version::kHttp11) {
    return ParseError::kNoHost;
  }
  head.host = host.whole;
  head.host_name = host.name;
  head.host_port = host.port;
  return ParseError::kNone;
}

/// RFC 9110, 10.1.1: only 100-continue is defined; other expectations pass as ordinary fields.
ParseError read_expect(const char* bytes, const FieldIndex& index, RequestHead& head) {
  head.expects_continue = false;
  if (!index.has(FieldId::kExpect)) return ParseError::kNone;
  if (index.is_repeated(FieldId::kExpect)) return ParseError::kDuplicateExpect;
  const std::size_t at = index.first[static_cast<std::size_t>(FieldId::kExpect)];
  Field& field = head.fields.entries[at];
  if (!is(field.value.in(bytes), "100-continue")) {
    field.id = FieldId::kOther;
    return ParseError::kNone;
  }
  const bool has_body = head.framing == Framing::kChunked || head.content_length > 0;
  head.expects_continue = head.version == Version::kHttp11 && has_body;
  return ParseError::kNone;
}

void read_request_upgrade(const char* bytes, const FieldIndex& index,
                          const ConnectionOptions& options, RequestHead& head) {
  const UpgradeOffer offer = read_upgrade(bytes, head.fields, index);
  head.h2c_ignored = offer.has_h2c;
  const bool may_upgrade =
      options.upgrade && head.version == Version::kHttp11 && head.framing == Framing::kNone;
  head.upgrade = may_upgrade ? offer.protocol : Slice{};
}

ParseError understand_request(const char* bytes, const FieldIndex& index,
                              const Authority& authority, RequestHead& head) {
  if (const auto error = read_host(bytes, index, authority, head); error != ParseError::kNone) {
    return error;
  }
  BodyFields body;
  if (const auto error = read_framing(bytes, head.version, head.fields, index, body);
      error != ParseError::kNone) {
    return error;
  }
  head.framing = body.is_chunked   ? Framing::kChunked
                 : body.has_length ? Framing::kLength
                                   : Framing::kNone;
  head.content_length = body.length;
  if (const auto error = read_expect(bytes, index, head); error != ParseError::kNone) return error;
  ConnectionOptions options;
  if (const auto error = read_connection(bytes, head.fields, index, options);
      error != ParseError::kNone) {
    return error;
  }
  head.keep_alive = persists(head.version, options);
  read_request_upgrade(bytes, index, options, head);
  return ParseError::kNone;
}

/// RFC 9112, 6.3, rules 1, 4, 6 and 8.
void frame_response(const BodyFields& body, bool answers_head, bool persistent,
                    ResponseHead& head) {
  const bool never_has_body = head.status < 200 || head.status == 204;
  head.has_content_length = body.has_length && !never_has_body;
  head.content_length = head.has_content_length ? body.length : 0;
  head.keep_alive = persistent;
  if (never_has_body || head.status == 304 || answers_head) {
    head.framing = Framing::kNone;
    // A server that frames a body where none is allowed may well send it.
    const bool is_suspect = never_has_body && (body.is_chunked || body.length > 0);
    head.keep_alive = persistent && !is_suspect;
  } else if (body.is_chunked) {
    head.framing = Framing::kChunked;
  } else if (body.has_length) {
    head.framing = Framing::kLength;
  } else {
    head.framing = Framing::kUntilClose;
    head.keep_alive = false;
  }
}

ParseError understand_response(const char* bytes, const FieldIndex& index, bool answers_head,
                               ResponseHead& head) {
  BodyFields body;
  if (const auto error = read_framing(bytes, head.version, head.fields, index, body);
      error != ParseError::kNone) {
    return error;
  }
  ConnectionOptions options;
  if (const auto error = read_connection(bytes, head.fields, index, options);
      error != ParseError::kNone) {
    return error;
  }
  frame_response(body, answers_head, persists(head.version, options), head);
  head.upgrade = head.status == 101 && options.upgrade
                     ? read_upgrade(bytes, head.fields, index).protocol
                     : Slice{};
  return ParseError::kNone;
}

ParseResult result_of(const Outcome& outcome, std::size_t size) {
  return {outcome.state, outcome.error,
          outcome.state == ParseState::kNeedMore ? static_cast<std::uint32_t>(size) : 0};
}

/// True when no line has ended since `scanned`, so that the verdict can only come from a limit.
bool is_same_line(std::span<const char> bytes, std::size_t scanned) {
  return scanned > 0 && scanned <= bytes.size() &&
         (scanned == bytes.size() ||
          std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned) == nullptr);
}

Window window_of(std::span<const char> bytes, std::size_t limit) {
  return {bytes.data(), bytes.data() + std::min(bytes.size(), limit), limit,
          ParseError::kHeadTooLarge};
}

Outcome parse_request(const Window& window, RequestHead& head) {
  const char* line = window.begin;
  if (line == window.end) return refuse_start(window, line, ParseError::kNone);
  if (*line == '\r') {  // RFC 9112, 2.2
    if (window.end - line < 2 || line[1] != '\n') {
      return refuse_start(window, line, ParseError::kBadLineEnd);
    }
    line += 2;
  } else if (!is_char(*line, kTokenChar)) {
    return failed(ParseError::kBadMethod);
  }
  Authority authority;
  Outcome outcome = parse_request_line(window, line, head, authority);
  if (outcome.state != ParseState::kComplete) return outcome;
  FieldIndex index;
  head.fields.count = 0;
  head.fields.alias_count = 0;
  outcome = lines::parse_fields(window, outcome.next, head.fields, index);
  if (outcome.state != ParseState::kComplete) return outcome;
  head.size = static_cast<std::uint32_t>(outcome.next - window.begin);
  const ParseError error = understand_request(window.begin, index, authority, head);
  return error == ParseError::kNone ? outcome : failed(error);
}

Outcome parse_response(const Window& window, bool answers_head, ResponseHead& head) {
  if (window.begin == window.end) return refuse_start(window, window.begin, ParseError::kNone);
  if (*window.begin != 'H') return failed(ParseError::kBadVersion);
  Outcome outcome = parse_status_line(window, window.begin, head);
  if (outcome.state != ParseState::kComplete) return outcome;
  FieldIndex index;
  head.fields.count = 0;
  head.fields.alias_count = 0;
  outcome = lines::parse_fields(window, outcome.next, head.fields, index);
  if (outcome.state != ParseState::kComplete) return outcome;
  head.size = static_cast<std::uint32_t>(outcome.next - window.begin);
  const ParseError error = understand_response(window.begin, index, answers_head, head);
  return error == ParseError::kNone ? outcome : failed(error);
}

}  // namespace

ParseResult parse_request_head(std::span<const char> bytes, std::size_t scanned,
                               RequestHead& head) {
  const Window window = window_of(bytes, kMaxRequestHead);
  const Outcome outcome =
      is_same_line(bytes, scanned) ? lines::judge_unfinished(window) : parse_request(window, head);
  return result_of(outcome, bytes.size());
}

ParseResult parse_response_head(std::span<const char> bytes, std::size_t scanned, bool answers_head,
                                ResponseHead& head) {
  const Window window = window_of(bytes, kMaxResponseHead);
  const Outcome outcome = is_same_line(bytes, scanned) ? lines::judge_unfinished(window)
                                                       : parse_response(window, answers_head, head);
  return result_of(outcome, bytes.size());
}

ParseError parse_trailers(std::span<const char> bytes, FieldTable& fields) {
  const Window window{bytes.data(), bytes.data() + std::min(bytes.size(), kMaxTrailers),
                      kMaxTrailers, ParseError::kTrailersTooLarge};
  FieldIndex index;
  fields.count = 0;
  fields.alias_count = 0;
  const Outcome outcome = lines::parse_fields(window, window.begin, fields, index);
  if (outcome.state == ParseState::kNeedMore) return ParseError::kBadLineEnd;
  return outcome.error;
}

}  // namespace weir::http
