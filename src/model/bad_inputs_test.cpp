// One table of inputs that must be refused with the field named, and of border values that must be
// accepted (bad_inputs.json), straight into the reader and the validator.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "model/sample_world_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

/// The text with the $words replaced by the ids of the sample world.
std::string with_ids(const std::string& text) {
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

Json table() {
  std::ifstream file("src/model/bad_inputs.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str()).value();
}

/// Lays `over` on `base`; unlike a merge patch, null stays null.
Json laid_over(Json base, const Json& over) {
  if (!over.is_object() || !base.is_object()) return over;
  for (const auto& [name, value] : over.as_object()) {
    Json& place = base[name];
    place = laid_over(std::move(place), value);
  }
  return base;
}

void remove_path(Json& body, std::string_view path) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) {
    body.erase(path);
  } else if (Json* inner = body.find(path.substr(0, dot))) {
    remove_path(*inner, path.substr(dot + 1));
  }
}

Errors judge(Kind kind, const Json& body, const ObjectIndex& index) {
  Object object;
  object.id = "new-0000000000";
  object.owner = kDefaultOwner;
  Errors errors = read_create(kind, body, object);
  return check_create(object, sample_view(index), std::move(errors));
}

/// All violations of one case.
Errors answer(const Json& bases, const Json& one, const ObjectIndex& index) {
  const std::string word = one.string_or("kind", "");
  Json body = *bases.find(word);
  if (const Json* removed = one.find("remove")) {
    for (const Json& path : removed->as_array()) remove_path(body, path.as_string());
  }
  if (const Json* set = one.find("set")) body = laid_over(std::move(body), *set);
  if (const Json* text = one.find("text")) {
    const auto parsed = parse_json(text->as_string());
    if (!parsed) return {parsed.error()};
    body = laid_over(std::move(body), *parsed);
  }
  body = parse_json(with_ids(body.dump())).value();
  return judge(*kind_of_name(word), body, index);
}

std::string all_of(const Errors& errors) {
  std::string text;
  for (const Error& error : errors) text += "\n  " + to_string(error);
  return text;
}

TEST(BadInputs, EachIsRefusedWithItsFieldAndBorderValuesAreAccepted) {
  const Json whole = table();
  const ObjectIndex index = sample_world();
  for (const Json& one : whole.find("cases")->as_array()) {
    SCOPED_TRACE(one.dump());
    const Errors errors = answer(*whole.find("bases"), one, index);
    if (one.bool_or("accepted", false)) {
      EXPECT_TRUE(errors.empty()) << all_of(errors);
      continue;
    }
    const auto found = std::ranges::find(errors, one.string_or("field", ""), &Error::field);
    ASSERT_NE(found, errors.end()) << all_of(errors);
    EXPECT_EQ(error_code_name(found->code), one.string_or("code", "invalid_argument"));
    EXPECT_TRUE(found->message.contains(with_ids(one.string_or("says", "")))) << found->message;
    EXPECT_EQ(errors.size(), 1u) << "a mistake has one message:" << all_of(errors);
  }
}

TEST(BadInputs, AllMistakesOfOneCallComeTogetherAndEachOnce) {
  const ObjectIndex index = sample_world();
  const Json body = parse_json(R"({"name":"a/b","colour":"red","spec":{
      "loadBalancerId":"alb-nosuchthin","protocol":"ftp","port":0,"targetGroupIds":["tg-none"],
      "httpForwardedHost":"yes","healthCheck":{"protocol":"Http","intervalSeconds":4,"port":-1,
      "httpPath":"x","httpCode":["9xx"]}}})")
                        .value();
  const Errors errors = judge(Kind::kBackend, body, index);
  const std::vector<std::string> wanted = {"colour",
                                           "spec.protocol",
                                           "spec.port",
                                           "spec.httpForwardedHost",
                                           "spec.healthCheck.intervalSeconds",
                                           "spec.healthCheck.port",
                                           "spec.healthCheck.httpPath",
                                           "spec.healthCheck.httpCode[0]",
                                           "name",
                                           "spec.loadBalancerId",
                                           "spec.targetGroupIds[0]"};
  std::vector<std::string> found;
  for (const Error& error : errors) found.push_back(error.field);
  EXPECT_EQ(found, wanted) << all_of(errors);
}

}  // namespace
}  // namespace weir::model
