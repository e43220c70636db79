// Many writers at once: what must be unique stays unique, quotas hold, references stay whole.
#include <atomic>
#include <set>

#include "api/concurrency_fixture.h"

namespace weir::api {
namespace {

TEST_F(Concurrency, OneOfFiftyGetsAPortAndAName) {
  const std::string lb = make_lb().id();
  const std::string backend = make_backend(lb).id();
  std::atomic<int> made{0};
  std::atomic<int> refused{0};
  together([&](ApiCaller& own, int i) {
    const Answer answer =
        own.create("listener", "l" + std::to_string(i), listener_spec(lb, backend, 80));
    made += answer.status == 201;
    refused += answer.problem() == "409 ALREADY_EXISTS";
  });
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, kWriters - 1);
  EXPECT_EQ(api->get("listener").items().size(), 1u);
}

TEST_F(Concurrency, AQuotaIsNeverExceeded) {
  const std::string lb = make_lb().id();
  std::atomic<int> made{0};
  std::atomic<int> refused{0};
  together([&](ApiCaller& own, int i) {
    const Answer answer =
        own.create("tg", "t" + std::to_string(i), Json::object({{"loadBalancerId", lb}}));
    made += answer.status == 201;
    refused += answer.problem() == "429 QUOTA_EXCEEDED";
  });
  EXPECT_EQ(made, 20);
  EXPECT_EQ(refused, kWriters - 20);
  EXPECT_EQ(stored("quota/" + lb + "/tg"), "20");
}

TEST_F(Concurrency, EveryLoadBalancerGetsAnAddressOfItsOwn) {
  std::atomic<int> made{0};
  together([&](ApiCaller& own, int i) {
    const Json spec = Json::object({{"type", i % 2 == 0 ? "alb" : "nlb"},
                                    {"subnetId", "subnet-default"},
                                    {"azs", Json::array({Json("local-1a")})}});
    made += own.create("lb", "lb" + std::to_string(i), spec).status == 201;
  });
  EXPECT_EQ(made, 10);
  std::set<std::string> vips;
  for (const Json& lb : api->get("lb").items()) vips.insert(lb.find("admin")->string_or("vip", ""));
  EXPECT_EQ(vips.size(), 10u);
}

TEST_F(Concurrency, TargetsOfAGroupAllGetSlotsOfTheirOwn) {
  const std::string tg = make_tg(make_lb().id()).id();
  together([&](ApiCaller& own, int i) {
    const Json spec =
        Json::object({{"targetGroupId", tg}, {"ipAddress", "127.0.0.1"}, {"port", 2000 + i}});
    EXPECT_EQ(own.post("target", Json::object({{"spec", spec}})).status, 201);
  });
  std::set<std::int64_t> slots;
  for (const Json& target : api->get("target").items()) {
    slots.insert(target.find("admin")->integer_or("slot", -1));
  }
  EXPECT_EQ(slots.size(), static_cast<std::size_t>(kWriters));
}

/// Half of the writers attach listeners while the other half deletes the backend they want.
TEST_F(Concurrency, NoListenerIsLeftWithoutItsBackend) {
  const std::string lb = make_lb().id();
  std::vector<std::string> backends;
  for (int i = 0; i < 10; ++i)
    backends.push_back(make_backend(lb, "", "b" + std::to_string(i)).id());
  together([&](ApiCaller& own, int i) {
    const std::string& backend = backends[static_cast<std::size_t>(i / 2 % 10)];
    if (i % 2 == 0) {
      own.create("listener", "l" + std::to_string(i), listener_spec(lb, backend, 3000 + i));
    } else {
      own.remove("backend/" + backend);
    }
  });
  std::set<std::string> left;
  for (const Json& backend : api->get("backend").items()) left.insert(backend.string_or("id", ""));
  for (const Json& listener : api->get("listener").items()) {
    EXPECT_TRUE(left.contains(listener.find("spec")->string_or("backendId", "")));
  }
}

TEST_F(Concurrency, EveryUpdateCountsWhenWritersPinTheirRevision) {
  const std::string path = "lb/" + make_lb().id();
  together([&](ApiCaller& own, int) {
    while (true) {
      const Answer now = own.get(path);
      const int count = std::atoi(now.at("spec").string_or("description", "0").c_str());
      const Json next =
          Json::object({{"spec", Json::object({{"description", std::to_string(count + 1)}})}});
      const Answer answer = own.patch(path, next, {{"If-Match", now.etag}});
      if (answer.status == 200) return;
      ASSERT_EQ(answer.status, 412) << answer.message();
    }
  });
  EXPECT_EQ(api->get(path).at("spec").string_or("description", ""), std::to_string(kWriters));
}

}  // namespace
}  // namespace weir::api
