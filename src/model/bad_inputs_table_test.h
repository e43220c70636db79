// The cases of bad_inputs.json, made ready: which body is sent, and what shall be answered. Only
// tests include it: of the reader and the checks, and of both faces of the API. Thread: any.
#pragma once

#include <cctype>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "model/sample_world_test.h"

namespace weir::model {

struct BadInput {
  std::int64_t row = 0;  // of the reliability guide, section 4
  std::string kind;
  Json body;
  std::optional<std::string> text;  // sent instead of the body: it is not JSON, or no object
  bool is_accepted = false;
  std::string code;   // "invalid_argument"
  std::string field;  // with the native path
  std::string says;
  std::string source;  // the line of the table
};

namespace bad_inputs {

/// The text with the $words replaced by the ids of the sample world.
inline std::string with_ids(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    std::string word;
    while (i + 1 < text.size() && (std::islower(text[i + 1]) != 0 || text[i + 1] == '_')) {
      word += text[++i];
    }
    out += sample_id(word);
  }
  return out;
}

/// Lays `over` on `base`; unlike a merge patch, null stays null.
inline Json laid_over(Json base, const Json& over) {
  if (!over.is_object() || !base.is_object()) return over;
  for (const auto& [name, value] : over.as_object()) {
    Json& place = base[name];
    place = laid_over(std::move(place), value);
  }
  return base;
}

inline void remove_path(Json& body, std::string_view path) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) {
    body.erase(path);
  } else if (Json* inner = body.find(path.substr(0, dot))) {
    remove_path(*inner, path.substr(dot + 1));
  }
}

inline BadInput read(const Json& bases, const Json& one) {
  BadInput input{.row = one.integer_or("row", 0),
                 .kind = one.string_or("kind", ""),
                 .body = {},
                 .text = {},
                 .is_accepted = one.bool_or("accepted", false),
                 .code = one.string_or("code", "invalid_argument"),
                 .field = one.string_or("field", ""),
                 .says = with_ids(one.string_or("says", "")),
                 .source = one.dump()};
  Json body = *bases.find(input.kind);
  if (const Json* removed = one.find("remove")) {
    for (const Json& path : removed->as_array()) remove_path(body, path.as_string());
  }
  if (const Json* set = one.find("set")) body = laid_over(std::move(body), *set);
  if (const Json* text = one.find("text")) {
    const auto parsed = parse_json(text->as_string());
    if (!parsed || !parsed->is_object()) input.text = text->as_string();
    if (parsed) body = laid_over(std::move(body), *parsed);
  }
  input.body = parse_json(with_ids(body.dump())).value();
  return input;
}

}  // namespace bad_inputs

inline std::vector<BadInput> all_bad_inputs() {
  std::ifstream file("src/model/bad_inputs.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json table = parse_json(text.str()).value();
  std::vector<BadInput> inputs;
  for (const Json& one : table.find("cases")->as_array()) {
    inputs.push_back(bad_inputs::read(*table.find("bases"), one));
  }
  return inputs;
}

}  // namespace weir::model
