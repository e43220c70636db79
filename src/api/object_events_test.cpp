#include "api/object_events.h"

#include <gtest/gtest.h>

#include "model/keys.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

Object group(const std::string& description, Json targets) {
  Object object;
  object.kind = Kind::kTargetGroup;
  object.id = "tg-0000000001";
  object.owner = "acme";
  object.name = "servers";
  object.labels = {{"team", "blue"}};
  object.spec = Json::object({{"loadBalancerId", "alb-0000000001"},
                              {"description", description},
                              {"targets", std::move(targets)}});
  return object;
}

Json target(const std::string& id, int weight) {
  return Json::object({{"targetId", id}, {"weight", weight}});
}

store::Change change(const std::optional<Object>& before, const std::optional<Object>& after,
                     std::uint64_t revision = 7) {
  const Object& object = after ? *after : *before;
  store::Change change{model::object_key(object.kind, object.id), {}, Revision(revision)};
  if (before) change.before = model::stored_text(*before);
  if (after) change.value = model::stored_text(*after);
  return change;
}

TEST(ChangedFields, NamesPathsAndPartsByTheirIds) {
  const Object before = group("a", Json::array({target("target-1", 10), target("target-2", 10)}));
  Object after = group("a", Json::array({target("target-2", 3), target("target-3", 10)}));
  after.name = "other";
  after.labels = {{"team", "red"}, {"stage", "test"}};
  after.admin["vip"] = "10.0.0.1";
  EXPECT_EQ(changed_fields(before, after),
            (std::vector<std::string>{"name", "labels.team", "labels.stage",
                                      "spec.targets[target-1]", "spec.targets[target-2].weight",
                                      "spec.targets[target-3]", "admin.vip"}));
}

TEST(ObjectEvents, TellWhoMadeChangedAndDeletedIt) {
  const Object first = group("a", Json::array());
  const Object second = group("b", Json::array());
  AuditRows rows;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    store::AuditRow row;
    row.who = "ann/token-1";
    row.operation = i == 1 ? "create tg" : i == 2 ? "update tg" : "delete tg";
    row.request_id = "r-" + std::to_string(i);
    row.revision = Revision(i);
    rows.emplace(Revision(i), store::AuditEntry{i + 100, row});
  }
  const auto events =
      object_events({change({}, first, 1), change(first, second, 2), change(second, {}, 3)}, rows);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].type, "created");
  EXPECT_EQ(events[1].type, "changed");
  EXPECT_EQ(events[2].type, "deleted");
  for (const Event& event : events) {
    EXPECT_EQ(event.owner, "acme");
    EXPECT_EQ(event.id, "tg-0000000001");
    EXPECT_EQ(event.labels.front().at("team"), "blue");
  }
  const Json body = parse_json(events[1].body).value();
  EXPECT_EQ(body.string_or("call", ""), "update tg");
  EXPECT_EQ(body.find("fields")->dump(), "[\"spec.description\"]");
  EXPECT_EQ(body.find("object")->string_or("loadBalancerId", ""), "alb-0000000001");
  EXPECT_EQ(body.find("object")->integer_or("revision", 0), 2);
  EXPECT_EQ(body.find("who"), nullptr);
  EXPECT_EQ(events[1].actor, "\"who\":\"ann/token-1\",\"requestId\":\"r-2\",\"audit\":102");
}

TEST(ObjectEvents, AreNumberedWithinTheirRevisionAlsoWhereOneCannotBeRead) {
  Object other = group("a", Json::array());
  other.id = "tg-0000000002";
  store::Change foreign = change({}, group("a", Json::array()));
  foreign.value = "{";
  const auto events = object_events({foreign, change({}, other), change(other, {}, 8)}, {});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].number, 2U);
  EXPECT_EQ(events[1].number, 1U);
}

TEST(ObjectEvents, NameSoManyFieldsAndCountTheRest) {
  Json many = Json::array();
  for (int i = 0; i < 80; ++i) many.push_back(target("target-" + std::to_string(i), 1));
  const auto events =
      object_events({change(group("a", Json::array()), group("a", std::move(many)))}, {});
  const Json body = parse_json(events.at(0).body).value();
  EXPECT_EQ(body.find("fields")->as_array().size(), kEventFieldsMax);
  EXPECT_EQ(body.integer_or("fieldsMore", 0), 80 - static_cast<std::int64_t>(kEventFieldsMax));
}

}  // namespace
}  // namespace weir::api
