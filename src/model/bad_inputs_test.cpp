// One table of inputs that must be refused with the field named, and of border values that must be
// accepted (bad_inputs.json), straight into the reader and the validator.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/bad_inputs_table_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

Errors judge(Kind kind, const Json& body, const ObjectIndex& index) {
  Object object;
  object.id = "new-0000000000";
  object.owner = kDefaultOwner;
  Errors errors = read_create(kind, body, object);
  return check_create(object, sample_view(index), std::move(errors));
}

/// All violations of one case.
Errors answer(const BadInput& input, const ObjectIndex& index) {
  if (input.text) {
    const auto parsed = parse_json(*input.text);
    if (!parsed) return {parsed.error()};
  }
  return judge(*kind_of_name(input.kind), input.body, index);
}

std::string all_of(const Errors& errors) {
  std::string text;
  for (const Error& error : errors) text += "\n  " + to_string(error);
  return text;
}

TEST(BadInputs, EachIsRefusedWithItsFieldAndBorderValuesAreAccepted) {
  const ObjectIndex index = sample_world();
  for (const BadInput& input : all_bad_inputs()) {
    SCOPED_TRACE(input.source);
    const Errors errors = answer(input, index);
    if (input.is_accepted) {
      EXPECT_TRUE(errors.empty()) << all_of(errors);
      continue;
    }
    const auto found = std::ranges::find(errors, input.field, &Error::field);
    ASSERT_NE(found, errors.end()) << all_of(errors);
    EXPECT_EQ(error_code_name(found->code), input.code);
    EXPECT_TRUE(found->message.contains(input.says)) << found->message;
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
