// What a string of the API may hold, by TextRule. Characters are Unicode characters, not bytes.
// Thread: any (pure).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/field_options.h"

namespace weir::model {

/// What is wrong with the text, or empty. Control and bidi characters, surrogates and invalid UTF-8
/// are refused under every rule.
std::string check_text(std::string_view text, TextRule rule, std::size_t characters_max);

/// Decodes UTF-8; nothing when it is not valid.
std::optional<std::u32string> decode_utf8(std::string_view text);

/// Beginning of a value for an error message: at most 40 bytes, printable.
std::string quoted(std::string_view text);

}  // namespace weir::model
