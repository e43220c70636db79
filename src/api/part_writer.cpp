#include "api/part_writer.h"

#include "api/listing.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Object;
using model::Part;
using model::PartKind;

Error not_found(const PartKind& kind) {
  return {ErrorCode::kNotFound, std::string(kind.description().singular) + " not found", ""};
}

/// "update target".
std::string operation_of(std::string_view verb, const PartKind& kind) {
  return std::string(verb) + " " + std::string(kind.word);
}

/// Errors of the whole's write as errors of the part; those of the whole itself stay.
Outcome<PartDocument> as_part(const PartKind& kind, Outcome<Object> written, std::size_t index) {
  if (!written.ok()) return model::as_part_errors(std::move(written.errors), kind, index);
  return part_document(kind, *written.value, index);
}

}  // namespace

PartDocument part_document(const PartKind& kind, const Object& whole, std::size_t index) {
  return {model::part_bodies(kind, whole).at(index), whole.revision};
}

model::Id PartWriter::whole_of(const Place& place, const Caller& caller) const {
  const model::Id whole = catalog_.whole_of_part(place.id);
  return catalog_.read([&](const model::ObjectIndex& index, Revision) {
    const bool is_own = find_of(index, place.kind.whole, whole, caller.account) != nullptr;
    return is_own ? whole : model::Id();
  });
}

Outcome<PartDocument> PartWriter::create(const PartKind& kind, const Json& body,
                                         const Caller& caller) {
  const std::string operation = operation_of("create", kind);
  Part made;
  Errors found = model::read_part(kind, body, nullptr, model::UpdateMode::kReplace, made);
  const bool is_there = catalog_.read([&](const model::ObjectIndex& index, Revision) {
    return find_of(index, kind.whole, made.whole, caller.account) != nullptr;
  });
  if (!is_there) {
    if (!made.whole.empty()) {
      const std::string singular(model::description_of(kind.whole).singular);
      found.push_back({ErrorCode::kNotFound, singular + " '" + made.whole + "' not found",
                       "spec." + std::string(kind.description().parent_field)});
    }
    return found;
  }
  std::size_t index = 0;
  const auto change = [&](const Object&, Object& updated) {
    Json::Array& parts = model::parts_of(kind, updated);
    index = parts.size();
    parts.push_back(made.item);
    return model::as_whole_errors(found, kind, index);
  };
  auto written = writer_.update({kind.whole, made.whole, std::nullopt, operation}, change, caller);
  return as_part(kind, std::move(written), index);
}

Outcome<PartDocument> PartWriter::update(const Place& place, const Json& body,
                                         model::UpdateMode mode, const Caller& caller) {
  const PartKind& kind = place.kind;
  const std::string operation = operation_of("update", kind);
  const model::Id whole = whole_of(place, caller);
  if (whole.empty()) return not_found(kind);
  std::size_t index = 0;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    const auto found = model::part_index(kind, old, place.id);
    if (!found) return {not_found(kind)};
    index = *found;
    Json& item = model::parts_of(kind, updated).at(index);
    const Part before{whole, item};
    Part after;
    Errors errors = model::read_part(kind, body, &before, mode, after);
    item = std::move(after.item);
    return model::as_whole_errors(std::move(errors), kind, index);
  };
  auto written = writer_.update({kind.whole, whole, place.if_match, operation}, change, caller);
  return as_part(kind, std::move(written), index);
}

Outcome<PartDocument> PartWriter::remove(const Place& place, const Caller& caller) {
  const PartKind& kind = place.kind;
  const std::string operation = operation_of("delete", kind);
  const model::Id whole = whole_of(place, caller);
  if (whole.empty()) return not_found(kind);
  PartDocument gone;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    const auto index = model::part_index(kind, old, place.id);
    if (!index) return {not_found(kind)};
    gone = part_document(kind, old, *index);
    Json::Array& parts = model::parts_of(kind, updated);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(*index));
    return {};
  };
  auto written = writer_.update({kind.whole, whole, place.if_match, operation}, change, caller);
  if (!written.ok()) return std::move(written.errors);
  gone.revision = written.value->revision;
  return gone;
}

}  // namespace weir::api
