#include <algorithm>
#include <charconv>

#include "http/h1_append.h"
#include "http/h1_fields.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace weir::http {
namespace {

using std::string_view_literals::operator""sv;

// RFC 9110, 6.5.1: fields that frame, route, authenticate, modify the request or describe the
// content say nothing any more once the content has gone by.
constexpr std::array kNotInTrailers = {
    "authorization"sv, "cache-control"sv,       "content-encoding"sv,
    "content-range"sv, "content-type"sv,        "cookie"sv,
    "if-match"sv,      "if-modified-since"sv,   "if-none-match"sv,
    "if-range"sv,      "if-unmodified-since"sv, "max-forwards"sv,
    "pragma"sv,        "proxy-authenticate"sv,  "proxy-authorization"sv,
    "range"sv,         "set-cookie"sv,          "www-authenticate"sv};

bool may_be_trailer(const Field& field, const char* bytes) {
  return field.id == FieldId::kOther &&
         std::ranges::none_of(kNotInTrailers, [&](std::string_view name) {
           return equals_ignoring_case(field.name.in(bytes), name);
         });
}

struct StatusRow {
  int status;
  std::string_view phrase;
};

// clang-format off
constexpr StatusRow kStatusRows[] = {
    {100, "Continue"}, {101, "Switching Protocols"},
    {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"}, {204, "No Content"},
    {205, "Reset Content"}, {206, "Partial Content"},
    {300, "Multiple Choices"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
    {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
    {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
    {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
    {412, "Precondition Failed"}, {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"}, {417, "Expectation Failed"}, {421, "Misdirected Request"},
    {422, "Unprocessable Content"}, {426, "Upgrade Required"}, {428, "Precondition Required"},
    {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
    {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
};
// clang-format on

std::size_t decimal_size(std::size_t number) {
  std::array<char, 20> digits;
  return static_cast<std::size_t>(
      std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr - digits.data());
}

}  // namespace

ChunkLine chunk_line(std::uint64_t size) {
  ChunkLine line;
  char* const end = line.text.data() + line.text.size();
  char* at = std::to_chars(line.text.data(), end - 2, size, 16).ptr;
  *at++ = '\r';
  *at++ = '\n';
  line.length = static_cast<std::uint8_t>(at - line.text.data());
  return line;
}

std::size_t write_trailers(std::span<const char> bytes, std::span<char> out) {
  FieldTable fields;
  if (parse_trailers(bytes, fields) != ParseError::kNone) return 0;
  Appender appender(out);
  appender.add("0\r\n");
  for (const Field& field : fields.list()) {
    if (!may_be_trailer(field, bytes.data())) continue;
    appender.add_line(field.name.in(bytes.data()), field.value.in(bytes.data()));
  }
  appender.add("\r\n");
  return appender.size();
}

std::string_view reason_phrase(int status) {
  const auto* row = std::ranges::lower_bound(kStatusRows, status, {}, &StatusRow::status);
  return row != std::end(kStatusRows) && row->status == status ? row->phrase : "Unknown"sv;
}

std::size_t write_error_response(const ErrorResponse& response, std::span<char> out) {
  const std::string_view phrase = reason_phrase(response.status);
  const std::string_view separator = response.reason.empty() ? ""sv : ": "sv;
  const std::size_t body_size = decimal_size(static_cast<std::size_t>(response.status)) + 1 +
                                phrase.size() + separator.size() + response.reason.size() + 1;
  const auto status = static_cast<std::uint64_t>(response.status);
  Appender appender(out);
  appender.add("HTTP/1.1 ");
  appender.add_number(status);
  appender.add_all(" "sv, phrase, "\r\nContent-Type: text/plain\r\nContent-Length: "sv);
  appender.add_number(body_size);
  appender.add("\r\n");
  if (!response.date.empty()) appender.add_line("Date", response.date);
  if (response.close) {
    appender.add("Connection: close\r\n");
  } else if (response.client_version == Version::kHttp10) {
    appender.add("Connection: keep-alive\r\n");
  }
  appender.add("\r\n");
  if (!response.answers_head) {
    appender.add_number(status);
    appender.add_all(" "sv, phrase, separator, response.reason, "\n"sv);
  }
  return appender.size();
}

}  // namespace weir::http
