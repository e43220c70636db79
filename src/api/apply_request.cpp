#include "api/apply_request.h"

#include <algorithm>

#include "api/declared_form.h"
#include "model/parts.h"

namespace weir::api {
namespace {

Error wrong(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

std::string declarable_words() {
  std::string words;
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    if (is_declarable(kind)) words += (words.empty() ? "" : ", ") + std::string(kind.word);
  }
  return words;
}

/// Null when a file cannot declare such a thing; then `errors` says so.
const model::KindDescription* kind_of(const Json& body, const std::string& path, Errors& errors) {
  const Json* word = body.find("kind");
  if (word == nullptr || !word->is_string()) {
    errors.push_back(
        wrong(path + ".kind", "is missing, expected one of [" + declarable_words() + "]"));
    return nullptr;
  }
  const model::KindDescription* kind = model::find_description(word->as_string());
  if (kind != nullptr && is_declarable(*kind)) return kind;
  if (kind != nullptr && model::part_kind_of(*kind) != nullptr) {
    errors.push_back(
        wrong(path + ".kind", "'" + std::string(kind->word) + "' is declared in spec." +
                                  std::string(model::part_kind_of(*kind)->list) + " of its " +
                                  std::string(model::description_of(*kind->parent).singular)));
    return nullptr;
  }
  errors.push_back(wrong(path + ".kind", "is not a kind that can be declared, expected one of [" +
                                             declarable_words() + "]"));
  return nullptr;
}

void read_document(const Json& body, Document document, ApplyRequest& into, Errors& errors) {
  const std::string path = document.path();
  if (!body.is_object()) {
    errors.push_back(wrong(path, "must be an object"));
    return;
  }
  document.kind = kind_of(body, path, errors);
  if (document.kind == nullptr) return;
  const std::size_t before = errors.size();
  const Json* name = body.find("name");
  if (name == nullptr || !name->is_string() || name->as_string().empty()) {
    errors.push_back(wrong(path + ".name", "is missing"));
  }
  const Json* id = body.find("id");
  if (id != nullptr && !id->is_string() && !id->is_null()) {
    errors.push_back(wrong(path + ".id", "must be a string"));
  }
  document.name = body.string_or("name", "");
  document.id = body.string_or("id", "");
  if (const Json* revision = body.find("revision"); revision != nullptr && !revision->is_null()) {
    if (!revision->is_integer() || revision->as_integer() < 0) {
      errors.push_back(wrong(path + ".revision", "must be a revision"));
    } else {
      document.revision = Revision(static_cast<std::uint64_t>(revision->as_integer()));
    }
  }
  if (errors.size() != before) return;
  document.body = body;
  document.body["kind"] = Json(document.kind->word);
  into.documents.push_back(std::move(document));
}

void read_prune(const Json& prune, ApplyRequest& into, Errors& errors) {
  const Json* labels = prune.find("labels");
  if (labels == nullptr || !labels->is_object() || labels->as_object().empty() ||
      prune.as_object().size() != 1) {
    errors.push_back(wrong("prune", "must be {labels: {...}} with at least one label"));
    return;
  }
  for (const auto& [key, value] : labels->as_object()) {
    if (!value.is_string()) {
      errors.push_back(wrong("prune.labels." + key, "must be a string"));
    } else {
      into.prune[key] = value.as_string();
    }
  }
}

/// What is declared without the label would be overlooked when it is declared no more.
void check_labels(const ApplyRequest& request, Errors& errors) {
  for (const Document& document : request.documents) {
    const Json* labels = document.body.find("labels");
    for (const auto& [key, value] : request.prune) {
      const Json* own = labels == nullptr ? nullptr : labels->find(key);
      if (own != nullptr && *own == Json(value)) continue;
      errors.push_back(wrong(document.path() + ".labels." + key,
                             "must be '" + value + "', which --prune selects by"));
    }
  }
}

}  // namespace

Errors read_apply(const Json& body, ApplyRequest& into) {
  Errors errors;
  for (const auto& [name, value] : body.as_object()) {
    if (name != "objects" && name != "prune") {
      errors.push_back(wrong("body", "has a member that is neither objects nor prune"));
    }
  }
  const Json* objects = body.find("objects");
  if (objects == nullptr || !objects->is_array()) {
    errors.push_back(wrong("objects", "must be a list of resources"));
    return errors;
  }
  std::size_t index = 0;
  for (const Json& document : objects->as_array()) {
    read_document(document, {.index = index++}, into, errors);
  }
  const Json* prune = body.find("prune");
  if (prune != nullptr && !prune->is_null()) read_prune(*prune, into, errors);
  check_labels(into, errors);
  return errors;
}

}  // namespace weir::api
