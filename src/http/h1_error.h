// Why the HTTP/1 codec refuses bytes. One list gives the enum, the names of logs and metrics, and
// the status that a client is answered with (a refused *response* is answered 502 by the engine
// instead; what only responses can have says so here).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

// X(constant, name, status): names are metric labels and never renamed.
// clang-format off
#define WEIR_H1_ERRORS(X)                                                                 \
  X(kNone, "none", 200)                                                                   \
  X(kBadMethod, "bad_method", 400)                                                        \
  X(kMethodTooLong, "method_too_long", 501)                                               \
  X(kConnectRefused, "connect_refused", 501)                                              \
  X(kBadTarget, "bad_target", 400)                                                        \
  X(kFragmentInTarget, "fragment_in_target", 400)                                         \
  X(kBadStartLine, "bad_start_line", 400)                                                 \
  X(kBadVersion, "bad_version", 400)                                                      \
  X(kVersionNotSupported, "version_not_supported", 505)                                   \
  X(kBadStatus, "bad_status", 502)                                                        \
  X(kStartLineTooLong, "start_line_too_long", 414)                                        \
  X(kBadLineEnd, "bad_line_end", 400)                                                     \
  X(kBadFieldName, "bad_field_name", 400)                                                 \
  X(kSpaceInFieldName, "space_in_field_name", 400)                                        \
  X(kFoldedLine, "folded_line", 400)                                                      \
  X(kBadFieldValue, "bad_field_value", 400)                                               \
  X(kFieldTooLong, "field_too_long", 431)                                                 \
  X(kTooManyFields, "too_many_fields", 431)                                               \
  X(kHeadTooLarge, "head_too_large", 431)                                                 \
  X(kNoHost, "no_host", 400)                                                              \
  X(kDuplicateHost, "duplicate_host", 400)                                                \
  X(kBadHost, "bad_host", 400)                                                            \
  X(kHostMismatch, "host_mismatch", 400)                                                  \
  X(kBadContentLength, "bad_content_length", 400)                                         \
  X(kDuplicateContentLength, "duplicate_content_length", 400)                             \
  X(kBadTransferEncoding, "bad_transfer_encoding", 400)                                   \
  X(kDuplicateTransferEncoding, "duplicate_transfer_encoding", 400)                       \
  X(kTransferEncodingInHttp10, "transfer_encoding_in_http10", 400)                        \
  X(kLengthAndTransferEncoding, "length_and_transfer_encoding", 400)                      \
  X(kBadConnection, "bad_connection", 400)                                                \
  X(kTooManyOptions, "too_many_options", 431)                                             \
  X(kDuplicateExpect, "duplicate_expect", 400)                                            \
  X(kBadChunkSize, "bad_chunk_size", 400)                                                 \
  X(kChunkTooLarge, "chunk_too_large", 400)                                               \
  X(kBadChunkExtension, "bad_chunk_extension", 400)                                       \
  X(kChunkLineTooLong, "chunk_line_too_long", 400)                                        \
  X(kExtensionsTooLarge, "extensions_too_large", 400)                                     \
  X(kBadChunkEnd, "bad_chunk_end", 400)                                                   \
  X(kTrailersTooLarge, "trailers_too_large", 431)
// clang-format on

enum class ParseError : std::uint8_t {
#define WEIR_H1_ERROR_CONSTANT(constant, name, status) constant,
  WEIR_H1_ERRORS(WEIR_H1_ERROR_CONSTANT)
#undef WEIR_H1_ERROR_CONSTANT
};

/// Name as it stands in logs and metric labels, e.g. "duplicate_host".
std::string_view error_name(ParseError error);

/// Status a client is answered with: 400, 414, 431, 501 or 505.
int error_status(ParseError error);

/// True for errors that a limit of h1_limits.h raised.
bool is_limit(ParseError error);

}  // namespace weir::http
