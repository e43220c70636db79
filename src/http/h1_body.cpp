#include "http/h1_body.h"

#include <algorithm>

#include "http/h1_fields.h"

namespace weir::http {
namespace {

unsigned hex_value(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

ParseError trailer_name_error(char c, bool is_first) {
  if (c == '\r' || c == '\n') return ParseError::kBadLineEnd;
  if (c != ' ' && c != '\t') return ParseError::kBadFieldName;
  return is_first ? ParseError::kFoldedLine : ParseError::kSpaceInFieldName;
}

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t length)
    : remaining_(framing == Framing::kLength ? length : 0), framing_(framing) {
  if (framing == Framing::kNone || (framing == Framing::kLength && length == 0)) {
    state_ = BodyState::kDone;
  }
}

BodyStep BodyReader::next(std::span<const char> bytes) {
  if (state_ != BodyState::kMore) return {state_, 0, {}, {}};
  return framing_ == Framing::kChunked ? next_chunked(bytes) : next_raw(bytes);
}

bool BodyReader::finish() {
  if (framing_ == Framing::kUntilClose && state_ == BodyState::kMore) state_ = BodyState::kDone;
  return is_done();
}

BodyStep BodyReader::next_raw(std::span<const char> bytes) {
  if (framing_ == Framing::kUntilClose) return {state_, bytes.size(), bytes, {}};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  remaining_ -= size;
  if (remaining_ == 0) state_ = BodyState::kDone;
  return {state_, size, bytes.first(size), {}};
}

BodyStep BodyReader::next_chunked(std::span<const char> bytes) {
  std::size_t at = take_lines(bytes, 0);
  if (state_ == BodyState::kMore && phase_ == Phase::kPayload) {
    const std::size_t left = bytes.size() - at;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, left));
    remaining_ -= size;
    if (remaining_ == 0) phase_ = Phase::kPayloadCr;
    return {state_, at + size, bytes.subspan(at, size), {}};
  }
  const std::size_t trailers_at = at;
  at = take_trailers(bytes, at);
  if (state_ == BodyState::kFailed) return {state_, 0, {}, {}};
  return {state_, at, {}, bytes.subspan(trailers_at, at - trailers_at)};
}

/// Takes the end of a chunk and the next chunk-size line, as far as they are there.
std::size_t BodyReader::take_lines(std::span<const char> bytes, std::size_t at) {
  while (at < bytes.size() && state_ == BodyState::kMore && phase_ != Phase::kPayload &&
         phase_ < Phase::kTrailerStart) {
    take_line_char(bytes[at++]);
  }
  return at;
}

std::size_t BodyReader::take_trailers(std::span<const char> bytes, std::size_t at) {
  while (at < bytes.size() && state_ == BodyState::kMore) {
    if (++section_size_ > kMaxTrailers) {
      fail(ParseError::kTrailersTooLarge);
    } else {
      take_trailer_char(bytes[at++]);
    }
  }
  return at;
}

// RFC 9112, 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF.
void BodyReader::take_line_char(char c) {
  if (phase_ == Phase::kPayloadCr) {
    return expect(c, '\r', Phase::kPayloadLf, ParseError::kBadChunkEnd);
  }
  if (phase_ == Phase::kPayloadLf) return expect(c, '\n', Phase::kSize, ParseError::kBadChunkEnd);
  if (++section_size_ > kMaxChunkLine) return fail(ParseError::kChunkLineTooLong);
  if (phase_ == Phase::kSize) return take_size(c);
  if (phase_ != Phase::kSizeLf) return take_extension(c);
  if (c != '\n') return fail(ParseError::kBadLineEnd);
  end_size_line();
}

void BodyReader::take_size(char c) {
  if (is_char(c, kHexChar)) {
    if (++part_size_ > kMaxChunkSizeDigits) return fail(ParseError::kChunkTooLarge);
    remaining_ = remaining_ << 4 | hex_value(c);
    if (remaining_ > kMaxBodySize) fail(ParseError::kChunkTooLarge);
    return;
  }
  if (part_size_ == 0) return fail(ParseError::kBadChunkSize);
  if (c == '\n') return fail(ParseError::kBadLineEnd);
  if (c != '\r' && c != ';') return fail(ParseError::kBadChunkSize);
  end_extension_part(c);
}

// RFC 9112, 7.1.1, without the white space that recipients may tolerate:
// chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ).
void BodyReader::take_extension(char c) {
  if (++extension_size_ > kMaxChunkExtensions) return fail(ParseError::kExtensionsTooLarge);
  switch (phase_) {
    case Phase::kExtensionQuoted:
      if (c == '"') {
        phase_ = Phase::kExtensionEnd;
      } else if (c == '\\') {
        phase_ = Phase::kExtensionEscape;
      } else if (!is_char(c, kValueChar)) {
        fail(ParseError::kBadChunkExtension);
      }
      return;
    case Phase::kExtensionEscape:
      phase_ = Phase::kExtensionQuoted;
      if (!is_char(c, kValueChar)) fail(ParseError::kBadChunkExtension);
      return;
    case Phase::kExtensionEnd:
      return end_extension_part(c);
    default:
      break;
  }
  if (phase_ == Phase::kExtensionValue && c == '"') {
    phase_ = Phase::kExtensionQuoted;
  } else if (is_char(c, kTokenChar)) {
    part_size_ = 1;
    if (phase_ == Phase::kExtensionValue) phase_ = Phase::kExtensionToken;
  } else if (part_size_ == 0) {
    fail(ParseError::kBadChunkExtension);
  } else if (c == '=' && phase_ == Phase::kExtensionName) {
    phase_ = Phase::kExtensionValue;
    part_size_ = 0;
  } else {
    end_extension_part(c);
  }
}

/// `c` comes after the size or after an extension that may end here.
void BodyReader::end_extension_part(char c) {
  if (c == ';') {
    phase_ = Phase::kExtensionName;
    part_size_ = 0;
    return;
  }
  const bool is_lf = c == '\n';
  expect(c, '\r', Phase::kSizeLf, is_lf ? ParseError::kBadLineEnd : ParseError::kBadChunkExtension);
}

void BodyReader::end_size_line() {
  section_size_ = 0;
  part_size_ = 0;
  phase_ = remaining_ == 0 ? Phase::kTrailerStart : Phase::kPayload;
}

// RFC 9112, 7.1.2: trailer-section = *( field-line CRLF ), then CRLF.
void BodyReader::take_trailer_char(char c) {
  switch (phase_) {
    case Phase::kTrailerStart:
      if (c == '\r') {
        phase_ = Phase::kEndLf;
      } else if (!is_char(c, kTokenChar)) {
        fail(trailer_name_error(c, true));
      } else if (++trailer_count_ > kMaxFields) {
        fail(ParseError::kTooManyFields);
      } else {
        phase_ = Phase::kTrailerName;
      }
      return;
    case Phase::kTrailerName:
      if (c == ':') {
        phase_ = Phase::kTrailerValue;
      } else if (!is_char(c, kTokenChar)) {
        fail(trailer_name_error(c, false));
      }
      return;
    case Phase::kTrailerValue:
      if (is_char(c, kValueChar)) return;
      return expect(c, '\r', Phase::kTrailerLf,
                    c == '\n' ? ParseError::kBadLineEnd : ParseError::kBadFieldValue);
    case Phase::kTrailerLf:
      return expect(c, '\n', Phase::kTrailerStart, ParseError::kBadLineEnd);
    default:
      if (c != '\n') return fail(ParseError::kBadLineEnd);
      state_ = BodyState::kDone;
  }
}

void BodyReader::expect(char c, char wanted, Phase then, ParseError otherwise) {
  if (c != wanted) return fail(otherwise);
  phase_ = then;
}

void BodyReader::fail(ParseError error) {
  state_ = BodyState::kFailed;
  error_ = error;
}

}  // namespace weir::http
