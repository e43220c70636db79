#include "http/h1_lines.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "http/h1_fields.h"
#include "http/h1_scan.h"

namespace weir::http::lines {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

Outcome failed(ParseError error) { return {ParseState::kFailed, error, nullptr}; }

Outcome refuse_field(const Window& window, const char* line, ParseError error) {
  return refuse(window, line, kMaxFieldLine, ParseError::kFieldTooLong, error);
}

/// What is wrong with a name that ends at `at` without a colon, or is empty.
ParseError name_error(const char* line, const char* at, const char* end) {
  if (at == end) return ParseError::kBadFieldName;
  if (at == line && (*at == '\r' || *at == '\n')) return ParseError::kBadLineEnd;
  if (at == line && is_blank(*at)) return ParseError::kFoldedLine;  // RFC 9112, 5.2
  return is_blank(*at) ? ParseError::kSpaceInFieldName : ParseError::kBadFieldName;
}

ParseError value_error(const char* at, const char* end) {
  return at == end || *at == '\r' || *at == '\n' ? ParseError::kBadLineEnd
                                                 : ParseError::kBadFieldValue;
}

Slice slice(const Window& window, const char* from, const char* to) {
  return {static_cast<std::uint16_t>(from - window.begin), static_cast<std::uint16_t>(to - from)};
}

void note(FieldId id, std::uint8_t at, FieldIndex& index) {
  const std::uint32_t bit = 1U << static_cast<unsigned>(id);
  if ((index.seen & bit) == 0) {
    index.first[static_cast<std::size_t>(id)] = at;
  } else {
    index.repeated |= bit;
  }
  index.seen |= bit;
}

/// Cuts white space off the value between `colon` and `cr`.
void trim(const char* colon, const char*& value, const char*& end) {
  value = colon + 1;
  while (value != end && is_blank(*value)) ++value;
  while (end != value && is_blank(end[-1])) --end;
}

/// Fills in a line whose name ends at `colon` and whose value, still with white space around it,
/// ends at `cr`.
void fill_field(const Window& window, const char* line, const char* colon, const char* cr,
                Field& field) {
  const char* value = colon + 2;
  const char* end = cr;
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  field.is_plain = colon[1] == ' ' && is_visible(colon[2]) && is_visible(cr[-1]);
  if (!field.is_plain) trim(colon, value, end);
  field.name = slice(window, line, colon);
  field.value = slice(window, value, end);
  field.id = classify_field({line, static_cast<std::size_t>(colon - line)});
}

}  // namespace

Outcome refuse(const Window& window, const char* line, std::size_t max_line, ParseError too_long,
               ParseError error) {
  const auto available = static_cast<std::size_t>(window.end - line);
  if (std::memchr(line, '\n', std::min(available, max_line)) != nullptr) return failed(error);
  if (available >= max_line) return failed(too_long);
  if (window.end == window.begin + window.limit) return failed(window.too_large);
  return {ParseState::kNeedMore, ParseError::kNone, nullptr};
}

Outcome judge_unfinished(const Window& window) {
  const std::string_view text(window.begin, static_cast<std::size_t>(window.end - window.begin));
  const std::size_t lf = text.rfind('\n');
  const std::size_t line = lf == std::string_view::npos ? 0 : lf + 1;
  const bool is_start_line = line == 0 || (line == 2 && text.starts_with("\r\n"));
  return refuse(window, window.begin + line, is_start_line ? kMaxStartLine : kMaxFieldLine,
                is_start_line ? ParseError::kStartLineTooLong : ParseError::kFieldTooLong,
                ParseError::kBadLineEnd);
}

Outcome parse_fields(const Window& window, const char* at, FieldTable& fields, FieldIndex& index) {
  const char* const end = window.end;
  scan::LineEnds line_ends(window.begin, at, end);
  for (;;) {
    const char* const line = at;
    const char* const cr = line_ends.next();
    const bool is_crlf = end - cr >= 2 && cr[0] == '\r' && cr[1] == '\n';
    if (is_crlf && cr == line) return {ParseState::kComplete, ParseError::kNone, cr + 2};
    const char* const colon = scan::class_end<kTokenChar>(line, end);
    if (colon >= cr || *colon != ':' || colon == line) {
      return refuse_field(window, line, name_error(line, colon, end));
    }
    if (!is_crlf) return refuse_field(window, line, value_error(cr, end));
    line_ends.skip();
    at = cr + 2;
    if (static_cast<std::size_t>(at - line) > kMaxFieldLine) {
      return failed(ParseError::kFieldTooLong);
    }
    if (fields.count == kMaxFields) return failed(ParseError::kTooManyFields);
    Field& field = fields.entries.data()[fields.count];
    fill_field(window, line, colon, cr, field);
    if (field.id != FieldId::kOther) {
      note(field.id, fields.count, index);
      if (field.id == FieldId::kUnderscoreAlias) ++fields.alias_count;
    }
    ++fields.count;
  }
}

}  // namespace weir::http::lines
