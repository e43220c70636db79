// What `weir schema` and the reference pages say, against what the program does.
#include "app/schema.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "app/settings.h"

namespace weir::app {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::vector<std::string> list;
  for (std::string word; words >> word;) list.push_back(word);
  return list;
}

const Json::Array& part(const Json& document, std::string_view name) {
  return document.find(name)->as_array();
}

void expect_sentences(const Json& fields, const std::string& where) {
  for (const Json& field : fields.as_array()) {
    const std::string name = where + "." + field.string_or("name", "");
    EXPECT_FALSE(field.string_or("sentence", "").empty()) << name;
    EXPECT_FALSE(field.string_or("type", "").empty()) << name;
    if (const Json* inner = field.find("fields")) expect_sentences(*inner, name);
  }
}

TEST(Schema, NamesTheDefaultThatIsInForceWithoutASetting) {
  const std::set<std::string_view> of_the_machine = {"data-dir", "workers",      "node.name",
                                                     "node.az",  "node.control", "node.bindings"};
  for (const Setting& setting : all_settings()) {
    if (of_the_machine.contains(setting.key) || setting.default_text.empty()) continue;
    Config config;
    const auto words = split(setting.default_text);
    EXPECT_EQ(setting.set(config, words), "") << setting.key;
    EXPECT_EQ(config, Config()) << setting.key;
  }
}

TEST(Schema, HasEveryPartAndNoneIsEmpty) {
  const Json document = schema_document();
  for (const char* name :
       {"kinds", "people", "policy", "errors", "settings", "quotas", "metrics"}) {
    EXPECT_FALSE(part(document, name).empty()) << name;
  }
  EXPECT_EQ(part(document, "settings").size(), all_settings().size());
  EXPECT_EQ(document.integer_or("format", 0), 1);
}

TEST(Schema, SaysWhatEachFieldIs) {
  const Json document = schema_document();
  for (const Json& kind : part(document, "kinds")) {
    for (const char* of : {"spec", "admin", "status"}) {
      expect_sentences(*kind.find(of), kind.string_or("name", "") + "." + of);
    }
  }
}

}  // namespace
}  // namespace weir::app
