#include "cli/declared_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/exit_status.h"
#include "testing/temporary_folder.h"

namespace weir::cli {
namespace {

class DeclaredFilesTest : public ::testing::Test {
 protected:
  std::string put(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  testing::TemporaryFolder folder_;
};

constexpr const char* kTree =
    "# two of them\n"
    "kind: lb\n"
    "name: web\n"
    "spec: {type: alb}\n"
    "---\n"
    "kind: listener\n"
    "name: \"80\"\n"
    "labels:\n"
    "  example.com/team: red\n"
    "spec:\n"
    "  port: 80\n"
    "  targets:\n"
    "    - port: 1\n"
    "    - port: 2\n";

TEST_F(DeclaredFilesTest, WordsWithoutQuotesAreNumbersAndSwitchesWhereTheyReadSo) {
  const auto read =
      parse_yaml("{a: 80, b: '80', c: true, d: \"true\", e: 1.5, f: ~, g: 10.0.0.1, h: -3, i: web}",
                 {1000, 100, 10});
  ASSERT_TRUE(read);
  EXPECT_EQ(json_of(read->front())->dump(),
            R"({"a":80,"b":"80","c":true,"d":"true","e":1.5,"f":null,"g":"10.0.0.1","h":-3,)"
            R"("i":"web"})");
}

TEST_F(DeclaredFilesTest, DocumentsEndAtTheirMarksAndKnowTheirLines) {
  const auto read = parse_yaml(
      "# a comment\n%YAML 1.2\n---\na: 1\n--- {b: 2}\n# nothing\n---\nc: 3\n...\n\n"
      "d: ---4\n...\n",
      {1000, 100, 10});
  ASSERT_TRUE(read) << to_string(read.error());
  std::string told;
  for (const YamlNode& document : *read) {
    told += std::to_string(document.members.front().value.line) + json_of(document)->dump() + " ";
  }
  EXPECT_EQ(told, R"(4{"a":1} 5{"b":2} 8{"c":3} 11{"d":"---4"} )");
  const auto wrong = parse_yaml("a: 1\n---\nb: [\n", {1000, 100, 10});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().message.starts_with("line 4: ")) << wrong.error().message;
}

TEST_F(DeclaredFilesTest, ErrorsAreToldWithFileLineDocumentAndPath) {
  const std::string path = put("tree.yaml", kTree);
  const auto read = read_declared({path});
  ASSERT_FALSE(read.failure);
  ASSERT_EQ(read.value.size(), 2U);
  const auto told = [&](const std::string& field) {
    return placed_error(read.value, field, "is wrong").substr(folder_.path().size() + 1);
  };
  EXPECT_EQ(told("objects[1].spec.port"),
            "tree.yaml:11 (document 2, listener 80): spec.port: is wrong");
  EXPECT_EQ(told("objects[1].spec.targets[1].port"),
            "tree.yaml:14 (document 2, listener 80): spec.targets[1].port: is wrong");
  EXPECT_EQ(told("objects[1].labels.example.com/team"),
            "tree.yaml:9 (document 2, listener 80): labels.example.com/team: is wrong");
  EXPECT_EQ(told("objects[0].spec.subnetId"),
            "tree.yaml:4 (document 1, lb web): spec.subnetId: is wrong")
      << "what is not there is missed where it belongs";
  EXPECT_EQ(told("objects[0]"), "tree.yaml:2 (document 1, lb web): is wrong");
  EXPECT_EQ(placed_error(read.value, "prune", "is wrong"), "prune: is wrong");
  EXPECT_EQ(placed_error(read.value, "objects[7].name", "is wrong"), "objects[7].name: is wrong");
}

TEST_F(DeclaredFilesTest, AFolderIsItsFilesByNameAndAListIsItsItems) {
  put("b.yaml", "items:\n- {kind: lb, name: two}\n- {kind: lb, name: three}\n");
  put("a.yml", "kind: lb\nname: one\n---\n---\n");
  put("c.json", R"({"objects": [{"kind": "lb", "name": "four"}]})");
  put("notes.txt", "not: a resource");
  const auto read = read_declared({folder_.path()});
  ASSERT_FALSE(read.failure);
  std::string names;
  for (const auto& document : read.value) names += document.body.string_or("name", "?") + " ";
  EXPECT_EQ(names, "one two three four ");
}

TEST_F(DeclaredFilesTest, EveryFileThatCannotBeReadIsNamed) {
  const std::string broken = put("broken.yaml", "kind: lb\nspec: {a: [}\n");
  const std::string twice = put("twice.yaml", "kind: lb\nname: a\nname: b\n");
  const std::string bomb =
      put("bomb.yaml",
          "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
          "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
          "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n");
  const auto read = read_declared({broken, twice, bomb, folder_.path() + "/none.yaml"});
  ASSERT_TRUE(read.failure);
  EXPECT_EQ(read.failure->status, kExitUsage);
  ASSERT_EQ(read.failure->lines.size(), 4U);
  EXPECT_TRUE(read.failure->lines[0].starts_with(broken + ": line 2: "));
  EXPECT_EQ(read.failure->lines[1], twice + ": line 3: 'name' stands there twice");
  EXPECT_TRUE(read.failure->lines[2].contains("has more than 200000 values"));
  EXPECT_TRUE(read.failure->lines[3].ends_with("none.yaml: cannot be read"));
}

}  // namespace
}  // namespace weir::cli
