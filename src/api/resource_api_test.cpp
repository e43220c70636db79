// Making, listing, showing and changing resources through the API.
#include <set>

#include "api/api_fixture.h"

namespace weir::api {
namespace {

using Fields = std::vector<std::string>;

TEST_F(ApiTest, StartsWithALoopbackNetwork) {
  const Answer vpc = api->get("vpc/vpc-default");
  EXPECT_EQ(vpc.status, 200);
  EXPECT_EQ(vpc.at("spec").string_or("addressPrefix", ""), "127.0.0.0/8");
  EXPECT_EQ(api->get("subnet").items().size(), 1u);
}

TEST_F(ApiTest, ShowsAResourceWhole) {
  const Answer made = make_lb();
  ASSERT_EQ(made.status, 201) << made.message();
  std::vector<std::string> members;
  for (const auto& [name, value] : made.body.as_object()) members.push_back(name);
  EXPECT_EQ(members, (std::vector<std::string>{"kind", "id", "name", "labels", "owner", "revision",
                                               "createdTime", "spec", "admin", "status"}));
  EXPECT_TRUE(made.id().starts_with("alb-"));
  EXPECT_EQ(made.at("admin").string_or("vip", ""), "127.64.0.3");
  EXPECT_EQ(made.at("admin").string_or("vpcId", ""), "vpc-default");
  EXPECT_EQ(made.at("status").string_or("state", ""), "CREATING");
  EXPECT_EQ(made.at("status").string_or("reason", ""),
            "no node serves subnet subnet-default (subnet-default)");
  EXPECT_EQ(made.etag, "\"" + std::to_string(made.revision()) + "\"");
  const Answer shown = api->get("lb/" + made.id());
  EXPECT_EQ(shown.body, made.body);
  EXPECT_EQ(shown.etag, made.etag);
}

/// A whole chain; every user kind is made, shown, listed, changed, replaced and deleted.
TEST_F(ApiTest, MakesListsShowsChangesAndDeletesEveryKind) {
  const std::string vpc =
      api->create("vpc", "lab", Json::object({{"addressPrefix", "10.0.0.0/16"}})).id();
  const std::string subnet =
      api->create("subnet", "lab", Json::object({{"vpcId", vpc}, {"addressPrefix", "10.0.1.0/24"}}))
          .id();
  const std::string lb = make_lb().id();
  const std::string tg = make_tg(lb).id();
  const std::string target = make_target(tg, 8080).id();
  const std::string backend = make_backend(lb, tg).id();
  const std::string listener = make_listener(lb, backend).id();
  const std::vector<std::pair<std::string, std::string>> all = {
      {"listener", listener}, {"backend", backend}, {"target", target}, {"tg", tg}, {"lb", lb},
      {"subnet", subnet},     {"vpc", vpc}};
  for (const auto& [kind, id] : all) {
    ASSERT_FALSE(id.empty()) << kind;
    const std::string path = kind + "/" + id;
    const Answer shown = api->get(path);
    ASSERT_EQ(shown.status, 200) << path;
    const Answer listed = api->get(kind + "?id=" + id);
    ASSERT_EQ(listed.items().size(), 1u) << path;
    EXPECT_EQ(listed.items()[0], shown.body) << path;
    const Json change = kind == "target" ? Json::object({{"weight", 7}})
                                         : Json::object({{"description", "changed"}});
    const Answer changed = api->patch_spec(path, change);
    ASSERT_EQ(changed.status, 200) << path << changed.message();
    EXPECT_GT(changed.revision(), shown.revision()) << path;
    const Answer replaced = api->call("PUT", path, shown.body.dump());
    ASSERT_EQ(replaced.status, 200) << path << replaced.message();
    EXPECT_EQ(*replaced.body.find("spec"), *shown.body.find("spec")) << path;
  }
  for (const auto& [kind, id] : all) {
    const Answer gone = api->remove(kind + "/" + id);
    EXPECT_EQ(gone.status, 200) << kind << gone.message();
    EXPECT_GT(gone.revision(), 0) << kind;
    EXPECT_EQ(api->get(kind + "/" + id).problem(), "404 NOT_FOUND");
  }
}

TEST_F(ApiTest, NamesEveryViolationOfACallAtOnce) {
  const std::string lb = make_lb().id();
  Json spec = backend_spec(lb);
  spec["port"] = Json(65536);
  spec["protocol"] = Json("Ftp");
  spec["healthCheck"]["intervalSeconds"] = Json(301);
  const Answer refused = api->create("backend", "a/b", spec);
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  const Fields fields = refused.fields();
  EXPECT_EQ(std::set<std::string>(fields.begin(), fields.end()),
            (std::set<std::string>{"name", "spec.port", "spec.protocol",
                                   "spec.healthCheck.intervalSeconds"}));
  EXPECT_FALSE(refused.body.string_or("requestId", "").empty());
  EXPECT_TRUE(api->get("backend").items().empty());
}

TEST_F(ApiTest, RefusesUnknownMembersByName) {
  const Answer refused = api->post(
      "vpc",
      Json::object({{"name", "x"}, {"spec", Json::object({{"prefixx", "y"}})}, {"tags", 1}}));
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  const Fields fields = refused.fields();
  EXPECT_EQ(std::set<std::string>(fields.begin(), fields.end()),
            (std::set<std::string>{"spec.prefixx", "tags"}));
}

TEST_F(ApiTest, RefusesWhatHasNoEffectYet) {
  const std::string lb = make_lb().id();
  Json spec = backend_spec(lb);
  spec["httpCookieExpireSeconds"] = Json(7);
  spec["proxyProtocol"] = Json(true);
  const Answer refused = api->create("backend", "web", spec);
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(refused.fields().size(), 2u);
  EXPECT_NE(refused.message().find("not supported yet"), std::string::npos);
}

TEST_F(ApiTest, RefusesReferencesThatAreElsewhere) {
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  const std::string backend = make_backend(one).id();
  const Answer other = make_listener(two, backend);
  EXPECT_EQ(other.problem(), "404 NOT_FOUND");
  EXPECT_EQ(other.fields(), Fields{"spec.backendId"});
  const Answer unknown = make_listener(two, "backend-0000000000");
  EXPECT_EQ(unknown.status, other.status);
  EXPECT_EQ(make_tg("alb-0000000000").problem(), "404 NOT_FOUND");
  EXPECT_EQ(make_target("tg-0000000000", 80).problem(), "404 NOT_FOUND");
}

TEST_F(ApiTest, LetsOnePortAndOneNameOccurOncePerLoadBalancerM12) {
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  const std::string backend = make_backend(one).id();
  EXPECT_EQ(make_listener(one, backend, 80, "a").status, 201);
  const Answer port = make_listener(one, backend, 80, "b");
  EXPECT_EQ(port.problem(), "409 ALREADY_EXISTS");
  EXPECT_EQ(port.fields(), Fields{"spec.port"});
  EXPECT_EQ(make_listener(one, backend, 81, "a").problem(), "409 ALREADY_EXISTS");
  EXPECT_EQ(make_listener(two, make_backend(two).id(), 80, "a").status, 201);
}

TEST_F(ApiTest, FreesAPortAndANameWithTheirListener) {
  const std::string lb = make_lb().id();
  const std::string backend = make_backend(lb).id();
  const Answer first = make_listener(lb, backend);
  EXPECT_EQ(api->remove("listener/" + first.id()).status, 200);
  const Answer second = make_listener(lb, backend);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(api->patch("listener/" + second.id(), Json::object({{"name", "new"}})).status, 200);
  EXPECT_EQ(make_listener(lb, backend, 81, "front").status, 201);
}

TEST_F(ApiTest, GivesEachLoadBalancerAnAddressOfItsOwn) {
  std::set<std::string> vips;
  for (const char* name : {"a", "b", "c"}) {
    vips.insert(make_lb(name).at("admin").string_or("vip", ""));
  }
  EXPECT_EQ(vips, (std::set<std::string>{"127.64.0.3", "127.64.0.4", "127.64.0.5"}));
  Json spec = Json::object({{"subnetId", "subnet-default"},
                            {"azs", Json::array({Json("local-1a")})},
                            {"privateIpAddress", "127.64.0.4"}});
  EXPECT_EQ(api->create("lb", "d", spec).problem(), "409 CONFLICT");
  spec["privateIpAddress"] = Json("127.64.0.1");
  EXPECT_EQ(api->create("lb", "d", spec).problem(), "400 INVALID_ARGUMENT");
  spec["privateIpAddress"] = Json("127.64.9.9");
  EXPECT_EQ(api->create("lb", "d", spec).at("admin").string_or("vip", ""), "127.64.9.9");
}

TEST_F(ApiTest, MovesALoadBalancerToAnotherAddressOfItsSubnet) {
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  const auto move = [&](const std::string& id, const char* address) {
    return api->patch_spec("lb/" + id, Json::object({{"privateIpAddress", address}}));
  };
  EXPECT_EQ(move(one, "127.64.0.4").problem(), "409 CONFLICT") << "the address of the other";
  EXPECT_EQ(move(one, "127.64.7.7").at("admin").string_or("vip", ""), "127.64.7.7");
  EXPECT_EQ(stored("address/vpc-default/127.64.7.7"), one);
  EXPECT_EQ(stored("address/vpc-default/127.64.0.3"), "") << "no node ever held it";
  EXPECT_EQ(move(two, "127.64.0.3").at("admin").string_or("vip", ""), "127.64.0.3");
  EXPECT_EQ(move(two, "10.0.0.9").problem(), "400 INVALID_ARGUMENT");
}

TEST_F(ApiTest, RefusesMoreThanTheQuota) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(make_lb("lb" + std::to_string(i)).status, 201);
  const Answer refused = make_lb("lb5");
  EXPECT_EQ(refused.problem(), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(make_lb("n0", "nlb").status, 201) << "each type has its own";
  const std::string id = api->get("lb?name=lb0").items()[0].string_or("id", "");
  EXPECT_EQ(api->remove("lb/" + id).status, 200);
  EXPECT_EQ(make_lb("lb5").status, 201);
}

TEST_F(ApiTest, StopsAndStartsALoadBalancerAndAListenerByTheirAdminPart) {
  const std::string lb = make_lb().id();
  const std::string backend = make_backend(lb).id();
  const std::string listener = make_listener(lb, backend).id();
  const Json stop = Json::object({{"admin", Json::object({{"state", "stopped"}})}});
  const Answer stopped = api->patch("lb/" + lb, stop);
  EXPECT_EQ(stopped.status, 200) << stopped.message();
  EXPECT_EQ(stopped.at("status").string_or("state", ""), "DOWN");
  EXPECT_EQ(api->patch("lb/" + lb, stop).revision(), stopped.revision()) << "again: no change";
  const Json off = Json::object({{"admin", Json::object({{"status", "Off"}})}});
  EXPECT_EQ(api->patch("listener/" + listener, off).at("status").string_or("state", ""), "off");
  const Json bad = Json::object({{"admin", Json::object({{"state", "broken"}})}});
  EXPECT_EQ(api->patch("lb/" + lb, bad).fields(), Fields{"admin.state"});
  EXPECT_EQ(stopped.at("admin").string_or("vip", ""), "127.64.0.3");
}

TEST_F(ApiTest, IgnoresWhatCallersSayAboutControlsOwnFields) {
  const Answer made = make_lb();
  const Json lie = Json::object({{"owner", "somebody"},
                                 {"createdTime", "1970-01-01T00:00:00Z"},
                                 {"revision", 1},
                                 {"status", Json::object({{"state", "ACTIVE"}})},
                                 {"admin", Json::object({{"vip", "127.0.0.1"}, {"vpcId", "x"}})}});
  const Answer after = api->patch("lb/" + made.id(), lie);
  EXPECT_EQ(after.status, 200) << after.message();
  EXPECT_EQ(after.body, made.body);
}

TEST_F(ApiTest, RefusesAStaleIfMatchAndTakesTheNewest) {
  const Answer made = make_lb();
  const std::string path = "lb/" + made.id();
  const auto change = [](const char* text) {
    return Json::object({{"spec", Json::object({{"description", text}})}});
  };
  const Answer one = api->patch(path, change("one"), {{"If-Match", made.etag}});
  EXPECT_EQ(one.status, 200);
  const Answer two = api->patch(path, change("two"), {{"If-Match", made.etag}});
  EXPECT_EQ(two.problem(), "412 CONFLICT");
  EXPECT_EQ(api->call("DELETE", path, "", {{"If-Match", made.etag}}).problem(), "412 CONFLICT");
  EXPECT_EQ(api->get(path).at("spec").string_or("description", ""), "one");
  const std::string revision = std::to_string(one.revision());
  EXPECT_EQ(api->patch(path, change("three"), {{"If-Match", revision}}).status, 200);
  EXPECT_EQ(api->patch(path, change("four"), {{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(api->patch(path, change("five"), {{"If-Match", "W/x"}}).problem(),
            "400 INVALID_ARGUMENT");
}

TEST_F(ApiTest, KeepsSlotsOfTargetsThatStay) {
  const std::string tg = make_tg(make_lb().id()).id();
  const std::string first = make_target(tg, 1001).id();
  const std::string second = make_target(tg, 1002).id();
  const auto slot = [&](const std::string& id) {
    return api->get("target/" + id).at("admin").integer_or("slot", -1);
  };
  EXPECT_EQ(slot(first), 0);
  EXPECT_EQ(slot(second), 1);
  EXPECT_EQ(api->remove("target/" + first).status, 200);
  const std::string third = make_target(tg, 1003).id();
  EXPECT_EQ(slot(second), 1);
  EXPECT_EQ(slot(third), 2) << "the slot of a removed target rests";
  EXPECT_EQ(api->patch_spec("target/" + second, Json::object({{"weight", 3}})).status, 200);
  EXPECT_EQ(slot(second), 1);
}

TEST_F(ApiTest, ReportsErrorsOfATargetAsItsOwn) {
  const std::string tg = make_tg(make_lb().id()).id();
  EXPECT_EQ(make_target(tg, 1001).status, 201);
  const Answer again = make_target(tg, 1001);
  EXPECT_EQ(again.status, 400) << again.message();
  const Answer wrong =
      api->post("target", Json::object({{"spec", Json::object({{"targetGroupId", tg},
                                                               {"ipAddress", "0x7f.1"},
                                                               {"port", 65536},
                                                               {"weight", 101}})}}));
  EXPECT_EQ(wrong.status, 400);
  const Fields fields = wrong.fields();
  EXPECT_EQ(std::set<std::string>(fields.begin(), fields.end()),
            (std::set<std::string>{"spec.port", "spec.weight", "spec.ipAddress"}));
}

TEST_F(ApiTest, FiltersListsByFieldsNamesAndLabels) {
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  make_tg(one, "a");
  make_tg(two, "b");
  const Json labels = Json::object({{"labels", Json::object({{"team.name", "blue"}})}});
  EXPECT_EQ(api->patch("lb/" + one, labels).status, 200);
  EXPECT_EQ(api->get("tg?loadBalancerId=" + one).items().size(), 1u);
  EXPECT_EQ(api->get("tg?loadBalancerId=" + one + "&name=b").items().size(), 0u);
  EXPECT_EQ(api->get("lb?labels.team.name=blue").items().size(), 1u);
  EXPECT_EQ(api->get("lb?azs=local-1a").items().size(), 2u);
  EXPECT_EQ(api->get("lb?state=started").items().size(), 2u);
  EXPECT_EQ(api->get("lb?colour=red").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(api->get("lb?pageSize=0&pageToken=x").fields(), (Fields{"pageSize", "pageToken"}));
}

TEST_F(ApiTest, FiltersListsByASwitchThatIsWrittenOnlyWhereItIsOn) {
  const std::string lb = make_lb().id();
  const std::string tg = make_tg(lb).id();
  const std::string on = make_backend(lb, tg, "on").id();
  make_backend(lb, tg, "off");
  const Json open = Json::object({{"failOpen", true}});
  ASSERT_EQ(api->patch_spec("backend/" + on, open).status, 200);
  const auto names = [&](const std::string& filter) {
    std::string all;
    for (const Json& item : api->get("backend?" + filter).items())
      all += item.string_or("name", "");
    return all;
  };
  EXPECT_EQ(names("failOpen=true"), "on");
  EXPECT_EQ(names("failOpen=false"), "off");
}

TEST_F(ApiTest, PagesOverOneMomentWhateverHappensBetween) {
  const std::string lb = make_lb().id();
  std::set<std::string> before;
  for (int i = 0; i < 7; ++i) before.insert(make_tg(lb, "tg" + std::to_string(i)).id());
  std::set<std::string> seen;
  std::string token;
  std::int64_t revision = -1;
  do {
    const Answer page = api->get("tg?pageSize=3" + (token.empty() ? "" : "&pageToken=" + token));
    ASSERT_EQ(page.status, 200) << page.message();
    if (revision < 0) revision = page.revision();
    EXPECT_EQ(page.revision(), revision);
    for (const Json& item : page.items()) EXPECT_TRUE(seen.insert(item.string_or("id", "")).second);
    token = page.body.string_or("nextPageToken", "");
    make_tg(lb, "new" + std::to_string(seen.size()));
    if (seen.size() == 3) EXPECT_EQ(api->remove("tg/" + *before.rbegin()).status, 200);
  } while (!token.empty());
  EXPECT_EQ(seen, before);
}

TEST_F(ApiTest, AnswersNotFoundForIdsThatNobodyHas) {
  for (const char* path : {"lb/..%2f..%2fetc%2fpasswd", "lb/'%20OR%201=1--", "lb/%00", "lb/%0a%1b",
                           "lb/alb-0000000000", "target/x", "nothing", "lb/a/b/c", "lb/x/health",
                           "", "%2e%2e/livez"}) {
    const Answer answer = api->get(path);
    EXPECT_EQ(answer.problem(), "404 NOT_FOUND") << path;
    EXPECT_EQ(answer.body.dump().find("etc"), std::string::npos);
  }
  EXPECT_EQ(api->get("lb/" + std::string(10'000, 'a')).problem(), "404 NOT_FOUND");
}

TEST_F(ApiTest, RefusesAParameterThatAWriteWouldIgnore) {
  const auto field = [](const Answer& answer) {
    EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT");
    const auto fields = answer.fields();
    return fields.size() == 1 ? fields.front() : "";
  };
  const Answer planned = api->create("vpc?plan=true", "x", Json::object());
  EXPECT_EQ(field(planned), "plan");
  EXPECT_NE(planned.message().find("not supported yet"), std::string::npos);
  EXPECT_EQ(api->get("vpc").items().size(), 1u);
  const std::string lb = make_lb().id();
  EXPECT_EQ(field(api->patch("lb/" + lb + "?cascade=true", Json::object())), "cascade");
  EXPECT_EQ(field(api->remove("subnet/subnet-default?cascade=true")), "cascade");
  EXPECT_EQ(field(api->remove("lb/" + lb + "?cascade=yes")), "cascade");
  EXPECT_EQ(field(api->remove("lb/" + lb + "?force=true")), "force");
  EXPECT_EQ(field(api->remove("lb/" + lb + "?%3Cb%3E=true")), "query");
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=false").status, 200);
}

TEST_F(ApiTest, LetsOnlyControlWriteNodesPlacementsAndDrains) {
  EXPECT_EQ(api->remove("node/x").status, 404);
  for (const char* kind : {"node", "placement", "drain"}) {
    EXPECT_EQ(api->get(kind).status, 200) << kind;
    EXPECT_EQ(api->create(kind, "x", Json::object()).status, 405) << kind;
    EXPECT_EQ(api->call("PUT", std::string(kind) + "/x", "{}").status, 405) << kind;
  }
}

TEST_F(ApiTest, WritesOneAuditRowForEachWriteAndEachRefusal) {
  const Answer made = make_lb();
  EXPECT_EQ(make_lb("a/b").status, 400);
  const auto rows = store->audit_rows(2).value();
  EXPECT_EQ(rows[0].second.operation, "create lb");
  EXPECT_EQ(rows[0].second.result, "refused: INVALID_ARGUMENT");
  EXPECT_EQ(rows[1].second.operation, "create lb");
  EXPECT_EQ(rows[1].second.result, "ok");
  EXPECT_EQ(rows[1].second.object, made.id());
  EXPECT_EQ(rows[1].second.request_id.size(), 32u);
  EXPECT_FALSE(rows[1].second.who.empty());
}

}  // namespace
}  // namespace weir::api
