#include "http/h1_connection.h"

#include <algorithm>
#include <string_view>

#include "http/h1_fields.h"

namespace weir::http {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_char(c, kTokenChar); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// Calls `use` with each member of a list, empty ones left out (RFC 9110, 5.6.1.2), until it
/// returns an error.
template <class Use>
ParseError for_each_member(std::string_view list, const Use& use) {
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view member = trimmed(list.substr(0, comma));
    if (!member.empty()) {
      if (const ParseError error = use(member); error != ParseError::kNone) return error;
    }
    if (comma == std::string_view::npos) return ParseError::kNone;
    list.remove_prefix(comma + 1);
  }
}

bool can_be_nominated(FieldId id) {
  return id == FieldId::kOther || id == FieldId::kTrailer || id >= FieldId::kXForwardedFor;
}

void nominate(std::string_view name, const char* bytes, FieldTable& fields) {
  for (std::size_t i = 0; i < fields.count; ++i) {
    Field& field = fields.entries[i];
    if (field.name.length == name.size() && can_be_nominated(field.id) &&
        equals_ignoring_case(field.name.in(bytes), name)) {
      field.id = FieldId::kNominated;
    }
  }
}

/// Takes the option when it is one that says nothing about other fields.
bool take_known_option(std::string_view option, ConnectionOptions& options) {
  if (is(option, "keep-alive")) {
    options.keep_alive = true;
  } else if (is(option, "close")) {
    options.close = true;
  } else if (is(option, "upgrade")) {
    options.upgrade = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

ParseError read_connection(const char* bytes, FieldTable& fields, const lines::FieldIndex& index,
                           ConnectionOptions& options) {
  if (!index.has(FieldId::kConnection)) return ParseError::kNone;
  unsigned count = 0;
  for (std::size_t i = index.first[static_cast<std::size_t>(FieldId::kConnection)];
       i < fields.count; ++i) {
    if (fields.entries[i].id != FieldId::kConnection) continue;
    const std::string_view value = fields.entries[i].value.in(bytes);
    const ParseError error = for_each_member(value, [&](std::string_view option) {
      if (++count > kMaxConnectionOptions) return ParseError::kTooManyOptions;
      if (!is_token(option)) return ParseError::kBadConnection;
      if (!take_known_option(option, options)) nominate(option, bytes, fields);
      return ParseError::kNone;
    });
    if (error != ParseError::kNone) return error;
  }
  return ParseError::kNone;
}

UpgradeOffer read_upgrade(const char* bytes, const FieldTable& fields,
                          const lines::FieldIndex& index) {
  UpgradeOffer offer;
  if (!index.has(FieldId::kUpgrade)) return offer;
  for (const Field& field : fields.list()) {
    if (field.id != FieldId::kUpgrade) continue;
    (void)for_each_member(field.value.in(bytes), [&](std::string_view protocol) {  // never fails
      offer.has_h2c |= is(protocol, "h2c");
      return ParseError::kNone;
    });
  }
  if (index.is_repeated(FieldId::kUpgrade) || offer.has_h2c) return offer;
  const Slice value =
      fields.entries[index.first[static_cast<std::size_t>(FieldId::kUpgrade)]].value;
  // protocol = protocol-name ["/" protocol-version], both tokens.
  const std::string_view text = value.in(bytes);
  const std::size_t slash = text.find('/');
  const std::string_view name = text.substr(0, slash);
  const bool is_version_fine = slash == std::string_view::npos || is_token(text.substr(slash + 1));
  if (is_token(name) && is_version_fine && !is(name, "http")) {
    offer.protocol = value;
  }
  return offer;
}

}  // namespace weir::http
