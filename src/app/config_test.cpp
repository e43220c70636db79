#include "app/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <tuple>

#include "app/flags.h"
#include "app/settings.h"
#include "testing/temporary_folder.h"

namespace weir::app {
namespace {

using weir::testing::TemporaryFolder;

struct Loaded {
  Config config;
  std::vector<std::string> problems;
};

Loaded load(ConfigSources sources) {
  Problems problems;
  Loaded loaded{load_config(sources, problems), {}};
  for (const Problem& problem : problems) loaded.problems.push_back(to_string(problem));
  return loaded;
}

class ConfigFile : public ::testing::Test {
 protected:
  Loaded load_text(const std::string& text) {
    std::ofstream(path_) << text;
    Loaded loaded = load({.file = path_});
    // Messages are compared without the folder of this run.
    for (std::string& problem : loaded.problems) {
      const std::size_t at = problem.find(path_);
      if (at != std::string::npos) problem.replace(at, path_.size(), "weir.yaml");
    }
    return loaded;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("weir.yaml");
};

TEST_F(ConfigFile, SetsQuotasByTheirNamesAndRefusesOthers) {
  const Loaded good = load_text("quotas:\n  lb/alb: 7\n  instance: 0\n");
  EXPECT_EQ(good.problems, std::vector<std::string>());
  EXPECT_EQ(good.config.quotas,
            (std::map<std::string, std::int64_t>{{"lb/alb", 7}, {"instance", 0}}));
  const Loaded bad = load_text("quotas:\n  lbs: 7\n  tg: -1\n  vpc: many\n  vpc: 2\n");
  EXPECT_EQ(bad.problems, (std::vector<std::string>{
                              "weir.yaml:2: quotas.lbs: is not a quota",
                              "weir.yaml:3: quotas.tg: must be a number between 0 and 1000000",
                              "weir.yaml:4: quotas.vpc: must be a number between 0 and 1000000",
                              "weir.yaml:5: quotas.vpc: stands here twice"}));
  EXPECT_EQ(load_text("quotas: 5\n").problems,
            std::vector<std::string>{"weir.yaml:1: quotas: must be a map of numbers"});
}

TEST_F(ConfigFile, SetsEverythingItNames) {
  const Loaded loaded = load_text(R"(
region: cn-north-1
azs: [a, b]
data-dir: /tmp/weir
workers: 3
log:
  level: debug
  format: json
api:
  listen: 127.0.0.1:1
  hosts: [weir.example]
stream:
  listen: [10.0.0.1:8422]
ops:
  listen: 127.0.0.1:2
node:
  name: n1
  az: b
  check-source: 169.254.0.9
  bindings:
    - subnet: web
      mode: interface
      interface: eth1
      sources: [10.0.0.5, 10.0.0.6]
    - {subnet: "*", mode: external}
    - {pool: public, mode: interface, interface: eth0}
pools:
  - {name: public, prefixes: [203.0.113.0/24, 203.0.114.8/32]}
  - {name: mobile, provider: no_bgp, az: b, prefixes: [198.51.100.0/28]}
)");
  EXPECT_EQ(loaded.problems, std::vector<std::string>());
  EXPECT_EQ(loaded.config.region, "cn-north-1");
  EXPECT_EQ(loaded.config.azs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(loaded.config.workers, 3);
  EXPECT_EQ(loaded.config.log_level, log::Level::kDebug);
  EXPECT_EQ(loaded.config.log_format, log::Format::kJson);
  EXPECT_EQ(loaded.config.stream_listen, std::vector<std::string>{"10.0.0.1:8422"});
  ASSERT_EQ(loaded.config.bindings.size(), 3U);
  EXPECT_EQ(agent::binding_text(loaded.config.bindings[0]), "web=interface:eth1,10.0.0.5,10.0.0.6");
  EXPECT_EQ(loaded.config.check_source.text(), "169.254.0.9");
  EXPECT_EQ(loaded.config.bindings[1].mode, agent::BindingMode::kExternal);
  EXPECT_EQ(agent::binding_text(loaded.config.bindings[2]), "pool/public=interface:eth0");
  ASSERT_EQ(loaded.config.pools.size(), 2U);
  const auto& [open, zoned] = std::tie(loaded.config.pools[0], loaded.config.pools[1]);
  EXPECT_EQ(open.provider, "bgp");
  EXPECT_EQ(open.prefixes.size(), 2U);
  EXPECT_EQ(zoned.provider + " " + zoned.az, "no_bgp b");
}

TEST_F(ConfigFile, HasPoolsWhoseAddressesBelongToOneOfThem) {
  const Loaded loaded = load_text(R"(pools:
  - {name: a, prefixes: [203.0.113.0/24, 203.0.113.128/25]}
  - {name: a, az: moon, prefixes: [203.0.113.7/32]}
  - {prefixes: []}
  - {name: "b/c", provider: "", prefixes: [10.0.0.0/8]}
  - {name: d, prefixes: [203.0.115.1/24], address-prefix: 203.0.116.0/24}
)");
  const std::vector<std::string> expected = {
      "weir.yaml:4: pools[2].prefixes: must be a list of 1 to 16 prefixes",
      "weir.yaml:4: pools[2].name: must be set",
      "weir.yaml:5: pools[3].name",
      "weir.yaml:5: pools[3].provider: must be set",
      "weir.yaml:5: pools[3].prefixes[0]: must be an IPv4 prefix with a mask between 16 and 32, "
      "found 10.0.0.0/8",
      "weir.yaml:6: pools[4].prefixes[0]",
      "weir.yaml:6: pools[4].address-prefix: is not a setting",
      "pools[0].prefixes: 203.0.113.128/25 overlaps another prefix of pool a",
      "pools[1].az: must be one of azs, found \"moon\"",
      "pools[1].name: \"a\" names another pool",
      "pools[1].prefixes: 203.0.113.7/32 overlaps another prefix of pool a"};
  ASSERT_EQ(loaded.problems.size(), expected.size()) << ::testing::PrintToString(loaded.problems);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(loaded.problems[i].starts_with(expected[i])) << loaded.problems[i];
  }
}

TEST_F(ConfigFile, MayBeEmpty) {
  const Loaded loaded = load_text("# nothing yet\n");
  EXPECT_EQ(loaded.problems, std::vector<std::string>());
  EXPECT_EQ(loaded.config, Config());
}

TEST_F(ConfigFile, HasAllItsProblemsFoundInOneGo) {
  const Loaded loaded = load_text(R"(regoin: x
workers: many
node:
  az: nowhere
  check-source: here
  bindings:
    - subnet: web
      mode: bridge
    - subnet: db
      mode: interface
      interfaces: eth1
pools: none
)");
  const std::vector<std::string> expected = {
      "weir.yaml:1: regoin: is not a setting",
      "weir.yaml:2: workers: must be a number between 1 and 128, found \"many\"",
      "weir.yaml:5: node.check-source: must be an IPv4 address, found \"here\"",
      "weir.yaml:8: node.bindings[0].mode: must be loopback, interface or external, found "
      "\"bridge\"",
      "weir.yaml:11: node.bindings[1].interfaces: is not a setting",
      "weir.yaml:12: pools: must be a list",
      "node.az: must be one of azs, found \"nowhere\""};
  EXPECT_EQ(loaded.problems, expected);
}

TEST_F(ConfigFile, MayNotNameAKeyTwice) {
  const Loaded loaded = load_text("workers: 1\nworkers: 2\n");
  EXPECT_EQ(loaded.problems, std::vector<std::string>{"weir.yaml:2: workers: stands here twice"});
}

TEST_F(ConfigFile, MustBeYaml) {
  const Loaded loaded = load_text("workers: [1\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_TRUE(loaded.problems.front().starts_with("weir.yaml: line ")) << loaded.problems.front();
}

TEST_F(ConfigFile, HasBoundsThatAliasesOfAliasesDoNotGetAround) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'j'; ++name) {
    const std::string former = std::string("*") + static_cast<char>(name - 1);
    text += std::string(1, name) + ": &" + name + " [" + former;
    for (int i = 0; i < 9; ++i) text += ", " + former;
    text += "]\n";
  }
  const Loaded bomb = load_text(text);
  ASSERT_EQ(bomb.problems.size(), 1U);
  EXPECT_TRUE(bomb.problems.front().ends_with("has more than 25000 values"))
      << bomb.problems.front();
  EXPECT_TRUE(load_text("azs: &a [*a, *a]\n").problems.front().starts_with("weir.yaml: line "));
  const Loaded deep = load_text(std::string(100'000, '['));
  ASSERT_EQ(deep.problems.size(), 1U);
  EXPECT_TRUE(deep.problems.front().starts_with("weir.yaml: line ")) << deep.problems.front();
  EXPECT_EQ(load_text(std::string(1U << 21, '#')).problems,
            std::vector<std::string>{"weir.yaml: is larger than 1 MiB"});
}

TEST_F(ConfigFile, MustBeThereWhenItIsNamed) {
  EXPECT_EQ(load({.file = folder_.file("none.yaml")}).problems.size(), 1U);
}

TEST_F(ConfigFile, GivesWayToTheEnvironmentAndThatToFlags) {
  std::ofstream(path_) << "workers: 1\nregion: file\napi: {listen: 127.0.0.1:1}\n";
  const char* const environment[] = {"WEIR_SERVER_WORKERS=2", "WEIR_SERVER_REGION=environment",
                                     "OTHER=1", nullptr};
  const Loaded loaded =
      load({.file = path_, .environment = environment, .flags = {{"workers", "--workers", {"3"}}}});
  EXPECT_EQ(loaded.problems, std::vector<std::string>());
  EXPECT_EQ(loaded.config.workers, 3);
  EXPECT_EQ(loaded.config.region, "environment");
  EXPECT_EQ(loaded.config.api_listen, "127.0.0.1:1");
}

TEST(Config, RefusesAVariableThatIsNoSetting) {
  const char* const environment[] = {"WEIR_SERVER_WORKER=2", nullptr};
  const Loaded loaded = load({.file = "/dev/null", .environment = environment});
  EXPECT_EQ(loaded.problems, std::vector<std::string>{"WEIR_SERVER_WORKER: is not a setting"});
}

TEST(Config, TakesListsFromTheEnvironmentSeparatedByBlanks) {
  const char* const environment[] = {
      "WEIR_SERVER_NODE_BINDINGS=web=loopback db=interface:eth1,10.0.0.5", nullptr};
  const Loaded loaded = load({.file = "/dev/null", .environment = environment});
  EXPECT_EQ(loaded.problems, std::vector<std::string>());
  EXPECT_EQ(loaded.config.bindings.size(), 2U);
}

TEST(Config, NeedsAKeyForAControlOnAnotherMachine) {
  const Loaded loaded =
      load({.file = "/dev/null", .flags = {{"node.control", "--control", {"10.0.0.1:8422"}}}});
  EXPECT_EQ(loaded.problems,
            std::vector<std::string>{"node.key-file: must be set for a control at address:port"});
}

TEST(Config, MayNotBindASubnetTwice) {
  const Loaded loaded =
      load({.file = "/dev/null",
            .flags = {{"node.bindings", "--binding", {"web=loopback", "web=external"}}}});
  EXPECT_EQ(loaded.problems.size(), 1U);
}

TEST(Config, BindsLoopbackSubnetsUnlessToldOtherwise) {
  Config config;
  config.data_dir = "/tmp/w";
  fill_in_defaults(config);
  ASSERT_EQ(config.bindings.size(), 1U);
  EXPECT_EQ(agent::binding_text(config.bindings.front()), "*=loopback");
  EXPECT_EQ(config.control, "unix:/tmp/w/stream.sock");
  EXPECT_EQ(config.node_az, "local-1a");
  EXPECT_GE(config.workers, 1);
}

TEST(Flags, GoToEachRoleThatUnderstandsThem) {
  const ParsedFlags parsed = parse_role_flags(
      "up", kBothRoles,
      {"--config", "/dev/null", "--data-dir", "/tmp/w", "--api-listen", "127.0.0.1:1", "--workers",
       "2", "--binding", "a=loopback", "--binding", "b=external,10.0.0.1", "--demo"});
  ASSERT_TRUE(parsed.flags.has_value());
  EXPECT_TRUE(parsed.flags->is_demo);
  EXPECT_EQ(parsed.flags->config.bindings.size(), 2U);
  EXPECT_EQ(parsed.flags->control_flags,
            (std::vector<std::string>{"--config", "/dev/null", "--data-dir", "/tmp/w",
                                      "--api-listen", "127.0.0.1:1"}));
  EXPECT_EQ(
      parsed.flags->node_flags,
      (std::vector<std::string>{"--config", "/dev/null", "--data-dir", "/tmp/w", "--workers", "2",
                                "--binding", "a=loopback", "--binding", "b=external,10.0.0.1"}));
}

TEST(Flags, OfBothRolesReachTheDemonstrationSoThatItUsesTheZoneOfItsNode) {
  const std::vector<std::string> given = {"--azs", "east", "--azs", "west", "--node-az", "west"};
  const ParsedFlags up = parse_role_flags("up", kBothRoles, given);
  ASSERT_TRUE(up.flags.has_value());
  EXPECT_EQ(up.flags->all_flags, given);
  const ParsedFlags demo = parse_role_flags("demo", kBothRoles, up.flags->all_flags);
  ASSERT_TRUE(demo.flags.has_value());
  EXPECT_EQ(demo.flags->config.node_az, "west");
}

TEST(Flags, ThatARoleDoesNotKnowAreRefused) {
  ::testing::internal::CaptureStderr();
  const ParsedFlags parsed = parse_role_flags("control", kControlRole, {"--workers", "2"});
  ::testing::internal::GetCapturedStderr();
  EXPECT_FALSE(parsed.flags.has_value());
  EXPECT_EQ(parsed.exit_status, 2);
}

TEST(Settings, StandAllInTheExample) {
  const Loaded loaded = load({.file = "examples/weir.yaml"});
  EXPECT_EQ(loaded.problems, std::vector<std::string>());
  std::ifstream stream("examples/weir.yaml");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  for (const Setting& setting : all_settings()) {
    const std::string_view name = setting.key.substr(setting.key.rfind('.') + 1);
    EXPECT_NE(text.find(std::string(name) + ":"), std::string::npos) << setting.key;
  }
}

TEST(Settings, HaveAVariableEach) {
  EXPECT_EQ(environment_name("node.key-file"), "WEIR_SERVER_NODE_KEY_FILE");
}

}  // namespace
}  // namespace weir::app
