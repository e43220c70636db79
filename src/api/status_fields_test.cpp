// The list of status fields against what the API answers about objects that a node serves.
#include "api/status_fields.h"

#include <set>

#include "api/api_fixture.h"
#include "api/fake_node.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using Paths = std::set<std::string>;

void add_paths(const Json& value, const std::string& path, Paths& into) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      add_paths(member, path.empty() ? name : path + "." + name, into);
    }
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) add_paths(item, path + "[]", into);
  } else {
    into.insert(path);
  }
}

/// What the list says that a status of the kind can hold.
Paths listed(std::string_view kind) {
  Paths paths;
  for (const StatusField& field : status_fields()) {
    if (field.kind == kind) paths.emplace(field.path);
  }
  return paths;
}

class StatusFields : public ApiTest {
 protected:
  /// A chain that has everything a status can tell.
  void make_chain() {
    lb = make_lb().id();
    const std::string tg = make_tg(lb).id();
    make_target(tg, 8080);
    Json spec = backend_spec(lb, tg);
    spec["algorithm"] = Json("IpHash");
    backend = api->create("backend", "web", std::move(spec)).id();
    listener = make_listener(lb, backend).id();
    const Json public_address = Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}});
    const std::string elastic_ip = api->create("eip", "public", public_address).id();
    api->patch_spec("lb/" + lb, Json::object({{"elasticIpId", elastic_ip}}));
    const Json azs = Json::array({Json("local-1a")});
    Json members = backend_spec(lb);
    members["agIds"] =
        Json::array({Json(api->create("ag", "members", Json::object({{"azs", azs}})).id())});
    api->create("backend", "members", std::move(members));
  }
  Json failing_report() {
    const std::string vip = api->get("lb/" + lb).at("admin").string_or("vip", "");
    Json address = FakeNode::state_of("address", vip, "failed");
    Json socket = FakeNode::state_of("id", listener, "failed");
    const Answer shown = api->get("lb/" + lb);
    Json elastic_ip = FakeNode::state_of(
        "address", shown.at("admin").string_or("elasticIpAddress", ""), "failed");
    address["detail"] = socket["detail"] = elastic_ip["detail"] = Json("in use");
    Json problems = Json::array();
    for (const char* kind : {"backend", "tg", "securityGroup"}) {
      problems.push_back(Json::object({{"kind", kind},
                                       {"id", api->get(kind).items().at(0).string_or("id", "")},
                                       {"revision", 1},
                                       {"reason", "unsupported"},
                                       {"detail", "spec.x"}}));
    }
    return Json::object({{"addresses", Json::array({address, elastic_ip})},
                         {"listeners", Json::array({socket})},
                         {"failingOpen", Json::array({Json(backend)})},
                         {"errors", std::move(problems)}});
  }
  Paths shown(std::string_view kind) {
    Paths paths;
    const Answer list = api->get(std::string(kind));
    for (const Json& item : list.items()) add_paths(*item.find("status"), "", paths);
    return paths;
  }

  std::string lb, backend, listener;
};

TEST_F(StatusFields, AreExactlyThoseThatTheApiAnswers) {
  make_chain();
  FakeNode node("n1");
  node.follow(server->stream_addresses().front());
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  node.report(failing_report());
  const Paths common = listed("");
  Paths seen_common;
  ASSERT_TRUE(eventually([&] { return shown("backend").contains("errors[].node"); }));
  for (const auto& kind : model::kind_descriptions()) {
    Paths own = shown(kind.word);
    for (const std::string& path : common) {
      if (own.erase(path) > 0) seen_common.insert(path);
    }
    EXPECT_EQ(own, listed(kind.word)) << kind.word;
  }
  EXPECT_EQ(seen_common, common);
}

}  // namespace
}  // namespace weir::api
