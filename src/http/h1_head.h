// Parsed heads of HTTP/1 messages: offsets into the bytes they were parsed from, so a head stays
// valid when its buffer is copied elsewhere. Filled by h1_parser.h, read by the proxy engine, the
// health probe and h1_writer.h. Nothing here allocates or is zeroed. Thread: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/h1_error.h"
#include "http/h1_limits.h"

namespace weir::http {

/// Part of a head, relative to its first byte.
struct Slice {
  std::uint16_t offset;
  std::uint16_t length;

  bool empty() const { return length == 0; }
  /// The characters, given the bytes that were parsed.
  std::string_view in(const char* bytes) const { return {bytes + offset, length}; }
};

enum class Version : std::uint8_t { kHttp10, kHttp11 };

/// Methods that the product treats specially; any other token is kOther and passes.
enum class Method : std::uint8_t {
  kOther,
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kOptions,
  kPatch,
  kTrace,
};

/// RFC 9112, 3.2. The authority form belongs to CONNECT, which is refused.
enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAsterisk };

/// How long the body is. RFC 9112, 6.3.
enum class Framing : std::uint8_t {
  kNone,        // no body
  kLength,      // content_length bytes, perhaps 0
  kChunked,     // chunked transfer coding
  kUntilClose,  // responses only: all bytes until the peer closes
};

/// What a field means to the codec. Everything else is kOther and passes unchanged.
enum class FieldId : std::uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kExpect,
  kTrailer,
  // Of one connection only (RFC 9110, 7.6.1): never copied.
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTe,
  kUpgrade,
  kHttp2Settings,
  kNominated,        // named by a Connection option
  kUnderscoreAlias,  // a forwarding or framing name spelled with '_': dropped and counted
  // Forwarding fields.
  kXForwardedFor,
  kXForwardedProto,
  kXForwardedPort,
  kXForwardedLbip,
  kXForwardedHost,
  kXForwardedClientPort,
};

/// One field line; `value` has no white space around it.
struct Field {
  Slice name;
  Slice value;
  FieldId id;
  bool is_plain;  // stands as "name: value", so its line may be copied as it is
};

/// The field lines of one head in their order. Entries past `count` are unwritten memory.
struct FieldTable {
  FieldTable() {
  }  // NOLINT: leaves the entries unwritten on purpose, zeroing them costs more than parsing

  std::span<const Field> list() const { return {entries.data(), count}; }
  /// First field of this id, or null. Cost: linear.
  const Field* find(FieldId id) const;
  /// First field of this name in any case, or null. Cost: linear.
  const Field* find(std::string_view name, const char* bytes) const;

  std::uint8_t count = 0;
  std::uint8_t alias_count = 0;  // fields with FieldId::kUnderscoreAlias
  std::array<Field, kMaxFields> entries;
};

struct RequestHead {
  std::uint32_t size =
      0;  // bytes from the first to the end of the empty line; the body starts there
  Method method = Method::kOther;
  Version version = Version::kHttp11;
  TargetForm form = TargetForm::kOrigin;
  Framing framing = Framing::kNone;
  bool keep_alive = false;        // the client is willing to send another request
  bool expects_continue = false;  // HTTP/1.1 with "Expect: 100-continue" and a body
  bool h2c_ignored =
      false;  // asked to upgrade to h2c: goes on as HTTP/1.1 (RFC 9110, 7.8), counted
  std::uint16_t host_port = 0;       // 0: none given
  std::uint64_t content_length = 0;  // of Framing::kLength
  Slice method_text{};
  Slice target{};  // as received
  Slice
      path{};  // without query; empty (absolute form without path) means "/"; "*" in asterisk form
  Slice query{};  // with its '?', or empty
  Slice
      host{};  // host[:port] from the absolute form or the Host field; empty: HTTP/1.0 without Host
  Slice host_name{};  // without port, with brackets if an IPv6 literal
  Slice upgrade{};    // the protocol of an upgrade that may be passed on, or empty: see h1_parser.h
  FieldTable fields;
};

struct ResponseHead {
  std::uint32_t size = 0;
  std::uint16_t status = 0;  // 100..599
  Version version = Version::kHttp11;
  Framing framing = Framing::kNone;
  bool keep_alive = false;  // the connection can carry another exchange once the body has ended
  bool has_content_length = false;  // also set where framing is kNone: the reply to HEAD, or 304
  std::uint64_t content_length = 0;
  Slice reason{};   // may be empty
  Slice upgrade{};  // protocol of a 101, or empty
  FieldTable fields;

  /// 1xx other than 101: another head follows. RFC 9110, 15.2.
  bool is_interim() const { return status < 200 && status != 101; }
};

}  // namespace weir::http
