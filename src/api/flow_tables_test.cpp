// Slot tables of hash algorithms, as the API and the nodes see them.
#include <algorithm>

#include "api/api_fixture.h"
#include "api/fake_node.h"
#include "balancing/table_codec.h"
#include "base/base64.h"

namespace weir::api {
namespace {

class FlowTables : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    lb = make_lb().id();
    tg = make_tg(lb).id();
    for (int i = 0; i < 4; ++i) targets.push_back(make_target(tg, 8080 + i).id());
  }
  Answer make_hashed(const std::string& name = "web") {
    Json spec = backend_spec(lb, tg);
    spec["algorithm"] = Json("IpHash");
    return api->create("backend", name, spec);
  }
  Json table() {
    const auto items = api->get("table?loadBalancerId=" + lb).items();
    return items.size() == 1 ? items[0] : Json();
  }
  balancing::SlotTable decoded() {
    const Json resource = table();
    const Json* spec = resource.find("spec");
    const auto bytes = from_base64(spec == nullptr ? "" : spec->string_or("rows", ""));
    auto read = balancing::decode_table(bytes.value());
    EXPECT_TRUE(read.ok());
    EXPECT_EQ(spec->integer_or("checksum", 0), std::int64_t{read->checksum});
    EXPECT_EQ(spec->integer_or("generation", 0), static_cast<std::int64_t>(read->generation.value));
    return *std::move(read);
  }
  /// Rows of `before` whose owner is another one in `after`, as long as neither was resized.
  static std::vector<std::size_t> moved(const balancing::SlotTable& before,
                                        const balancing::SlotTable& after) {
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < before.rows.size(); ++row) {
      if (before.rows[row] != after.rows.at(row)) rows.push_back(row);
    }
    return rows;
  }

  std::string lb, tg;
  std::vector<std::string> targets;
};

TEST_F(FlowTables, AGroupHasNoneBeforeABackendServiceHashesOverIt) {
  make_backend(lb, tg);
  make_target(tg, 9000);
  EXPECT_TRUE(api->get("table").items().empty());
}

TEST_F(FlowTables, IsMadeInTheTransactionOfTheBackendService) {
  const Answer made = make_hashed();
  ASSERT_EQ(made.status, 201) << made.message();
  EXPECT_EQ(table().integer_or("revision", 0), made.revision());
  const balancing::SlotTable rows = decoded();
  EXPECT_EQ(rows.members.size(), 4u);
  make_hashed("other");
  EXPECT_EQ(decoded(), rows) << "two backend services share the table of their group";
}

TEST_F(FlowTables, FollowsMembersInTheirTransactionAndMovesOnlyTheRowsOfTheOneThatLeft) {
  make_hashed();
  const balancing::SlotTable before = decoded();
  const Answer gone = api->remove("target/" + targets[1]);
  ASSERT_EQ(gone.status, 200);
  EXPECT_EQ(table().integer_or("revision", 0), gone.revision());
  const balancing::SlotTable after = decoded();
  EXPECT_EQ(after.generation.value, before.generation.value + 1);
  for (const std::size_t row : moved(before, after)) EXPECT_EQ(before.rows[row], Slot(1));
}

TEST_F(FlowTables, M33_FollowsWeights) {
  make_hashed();
  const balancing::SlotTable before = decoded();
  ASSERT_EQ(api->patch_spec("target/" + targets[0], Json::object({{"weight", 30}})).status, 200);
  const balancing::SlotTable after = decoded();
  const auto rows = static_cast<double>(after.rows.size());
  const auto heavy = static_cast<double>(std::ranges::count(after.rows, Slot(0)));
  EXPECT_NEAR(heavy / rows, 0.5, 0.01);
  for (const std::size_t row : moved(before, after)) EXPECT_EQ(after.rows[row], Slot(0));
}

TEST_F(FlowTables, StaysWhenNothingOfItsGroupChanges) {
  make_hashed();
  const Json before = table();
  ASSERT_EQ(api->patch_spec("tg/" + tg, Json::object({{"description", "x"}})).status, 200);
  EXPECT_EQ(table(), before);
}

TEST_F(FlowTables, OutlivesAChangeOfTheAlgorithmAndGoesWithItsGroup) {
  const std::string backend = make_hashed().id();
  const balancing::SlotTable before = decoded();
  const auto set = [&](const char* algorithm) {
    return api->patch_spec("backend/" + backend, Json::object({{"algorithm", algorithm}})).status;
  };
  ASSERT_EQ(set("RoundRobin"), 200);
  ASSERT_EQ(set("IpHash"), 200);
  EXPECT_EQ(decoded(), before);
  ASSERT_EQ(api->remove("backend/" + backend).status, 200);
  ASSERT_EQ(api->remove("tg/" + tg).status, 200);
  EXPECT_TRUE(api->get("table").items().empty());
  EXPECT_EQ(api->remove("lb/" + lb).status, 200);
}

TEST_F(FlowTables, ReachesTheNodesWithTheSeedAndIsComparedByItsChecksum) {
  make_hashed();
  const Json made = table();
  FakeNode node("n1");
  node.follow(server->stream_addresses().front());
  ASSERT_TRUE(node.take_until([&] { return node.has("table", made.string_or("id", "")); }));
  EXPECT_TRUE(node.has("keyring", "hash-seed"));
  const auto state = [&] { return table().find("status")->string_or("state", ""); };
  EXPECT_EQ(state(), "pending");
  const Json& spec = *made.find("spec");
  const auto report = [&](std::int64_t checksum) {
    const Json item = Json::object({{"groupId", tg},
                                    {"generation", spec.integer_or("generation", 0)},
                                    {"checksum", checksum}});
    return node.report(Json::object({{"tables", Json::array({item})}}));
  };
  ASSERT_TRUE(report(spec.integer_or("checksum", 0)));
  EXPECT_TRUE(eventually([&] { return state() == "applied"; }));
  ASSERT_TRUE(report(1));
  EXPECT_TRUE(eventually([&] { return state() == "pending"; }));
}

TEST_F(FlowTables, TheSeedIsMadeOnce) {
  const Json first = api->get("keyring/hash-seed").at("spec");
  EXPECT_EQ(first.string_or("current", "").size(), 16u);
  make_hashed();
  EXPECT_EQ(api->get("keyring/hash-seed").at("spec"), first);
}

}  // namespace
}  // namespace weir::api
