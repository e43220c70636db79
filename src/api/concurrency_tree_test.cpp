// Fifty writers that make, change and take away everything there is in one tree, at random: what is
// left is whole.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "api/concurrency_fixture.h"
#include "base/mutex.h"
#include "model/keys.h"
#include "model/load_balancer.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// Ids that the writers made, of which each takes any.
class Pool {
 public:
  void add(const std::string& kind, const std::string& id) {
    const MutexLock lock(mutex_);
    ids_[kind].push_back(id);
  }
  /// Perhaps of something that has gone; never empty.
  std::string any(const std::string& kind, std::mt19937& random) {
    const MutexLock lock(mutex_);
    const auto& ids = ids_[kind];
    if (ids.empty()) return kind + "-0000000000";
    // Mostly a new one, which is there.
    const std::size_t from = ids.size() > 8 && random() % 4 != 0 ? ids.size() - 8 : 0;
    return ids[from + random() % (ids.size() - from)];
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::vector<std::string>> ids_ WEIR_GUARDED_BY(mutex_);
};

/// One writer with its own dice.
class Writer {
 public:
  Writer(ApiCaller& api, Pool& pool, std::uint32_t seed) : api_(api), pool_(pool), random_(seed) {}

  void step() {
    const int choice = static_cast<int>(random_() % 17);
    if (choice < 8) return make(choice);
    if (choice < 13) return change(choice);
    static constexpr const char* kKinds[] = {"tg",  "backend",       "listener", "target",
                                             "eip", "securityGroup", "instance", "ag"};
    const std::string kind = kKinds[random_() % std::size(kKinds)];
    if (choice == 13 && random_() % 8 == 0) {
      said(api_.remove("lb/" + pool_.any("lb", random_) + "?cascade=true"));
    } else {
      said(api_.remove(kind + "/" + pool_.any(kind, random_)));
    }
  }
  /// Answers by their status.
  std::map<int, int> answers;

 private:
  std::string any(const char* kind) { return pool_.any(kind, random_); }
  std::string name() { return "n" + std::to_string(random_() % 40); }
  void said(const Answer& answer) {
    ++answers[answer.status];
    EXPECT_LT(answer.status, 500) << answer.message();
  }
  void made(const std::string& kind, const Answer& answer) {
    said(answer);
    if (answer.status == 201) pool_.add(kind, answer.id());
  }

  void make(int choice) {
    const std::string lb = any("lb");
    if (choice == 0) {
      const char* type = random_() % 2 == 0 ? "ip" : "instance";
      made("tg", api_.create("tg", name(), Json::object({{"loadBalancerId", lb}, {"type", type}})));
    } else if (choice == 1) {
      Json spec = Json::object({{"loadBalancerId", lb},
                                {"protocol", "Http"},
                                {"port", 80},
                                {"healthCheck", Json::object({{"protocol", "Tcp"}})}});
      const bool is_group = random_() % 3 == 0;
      spec[is_group ? "agIds" : "targetGroupIds"] =
          Json::array({Json(any(is_group ? "ag" : "tg"))});
      made("backend", api_.create("backend", name(), std::move(spec)));
    } else if (choice == 2) {
      made("listener", api_.create("listener", name(),
                                   Json::object({{"loadBalancerId", lb},
                                                 {"protocol", "Http"},
                                                 {"port", 8000 + static_cast<int>(random_() % 15)},
                                                 {"backendId", any("backend")}})));
    } else if (choice == 3) {
      Json spec = Json::object(
          {{"targetGroupId", any("tg")}, {"port", 9000 + static_cast<int>(random_() % 30)}});
      if (random_() % 2 == 0) {
        spec["instanceId"] = Json(any("instance"));
      } else {
        spec["ipAddress"] = Json("127.0.0.1");
      }
      made("target", api_.post("target", Json::object({{"spec", std::move(spec)}})));
    } else if (choice == 4) {
      made("securityGroup",
           api_.create("securityGroup", name(), Json::object({{"vpcId", "vpc-default"}})));
    } else if (choice == 5 && random_() % 2 == 0) {
      made("ag",
           api_.create("ag", name(), Json::object({{"azs", Json::array({Json("local-1a")})}})));
    } else if (choice == 5) {
      made("eip",
           api_.create("eip", name(), Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})));
    } else if (choice == 6) {
      Json spec = Json::object({{"subnetId", "subnet-default"},
                                {"ipAddress", "127.0.8." + std::to_string(100 + random_() % 90)},
                                {"az", "local-1a"}});
      if (random_() % 2 == 0) spec["agId"] = Json(any("ag"));
      made("instance", api_.create("instance", name(), std::move(spec)));
    } else {
      made("lb", api_.create("lb", name(),
                             Json::object({{"type", "alb"},
                                           {"subnetId", "subnet-default"},
                                           {"azs", Json::array({Json("local-1a")})}})));
    }
  }

  void change(int choice) {
    const std::string lb = "lb/" + any("lb");
    if (choice == 8) {
      const std::string eip = random_() % 3 == 0 ? "" : any("eip");
      said(api_.patch_spec(lb, Json::object({{"elasticIpId", eip}})));
    } else if (choice == 9) {
      said(api_.patch_spec(
          lb, Json::object({{"securityGroupIds", Json::array({Json(any("securityGroup"))})}})));
    } else if (choice == 10) {
      const char* state = random_() % 2 == 0 ? "stopped" : "running";
      said(api_.patch("instance/" + any("instance"),
                      Json::object({{"admin", Json::object({{"state", state}})}})));
    } else if (choice == 11) {
      said(api_.patch_spec("backend/" + any("backend"),
                           Json::object({{"targetGroupIds", Json::array({Json(any("tg"))})}})));
    } else {
      said(api_.patch_spec("listener/" + any("listener"),
                           Json::object({{"backendId", any("backend")}})));
    }
  }

  ApiCaller& api_;
  Pool& pool_;
  std::mt19937 random_;
};

class ConcurrencyTree : public Concurrency {
 protected:
  using Objects = std::map<std::pair<Kind, std::string>, Object>;
  using Keys = std::map<std::string, std::string>;

  Objects objects() {
    Objects all;
    for (const auto& entry : store->list("object/").value().entries) {
      Kind kind{};
      model::Id id;
      EXPECT_TRUE(model::parse_object_key(entry.key, kind, id));
      all.emplace(std::pair(kind, id),
                  model::object_from_stored(kind, id, entry.revision, entry.value).value());
    }
    return all;
  }
  Keys stored_keys(const char* prefix) {
    Keys keys;
    for (const auto& entry : store->list(prefix).value().entries) keys[entry.key] = entry.value;
    return keys;
  }

  static void check_references(const Json& value,
                               const std::vector<model::FieldDescription>& fields,
                               const std::string& where, const Objects& all,
                               std::vector<std::string>& problems) {
    for (const auto& field : fields) {
      const Json* found = value.find(field.name);
      if (found == nullptr) continue;
      const Json::Array items = field.is_list ? found->as_array() : Json::Array{*found};
      for (const Json& item : items) {
        if (field.options.reference && item.is_string() && !item.as_string().empty() &&
            !all.contains({*field.options.reference, item.as_string()})) {
          problems.push_back(where + "." + field.name + " names " + item.as_string());
        }
        if (!field.fields.empty() && item.is_object()) {
          check_references(item, field.fields, where + "." + field.name, all, problems);
        }
      }
    }
  }
  void check_keys(const Objects& all, std::vector<std::string>& problems) {
    Keys claimed;
    for (const auto& [key, object] : all) {
      for (const std::string& one : model::claimed_keys(object)) {
        if (!claimed.emplace(one, object.id).second) problems.push_back("two hold " + one);
      }
    }
    Keys kept;
    for (const char* prefix : {"name/", "port/", "address/", "elasticip/"}) {
      kept.merge(stored_keys(prefix));
    }
    for (const auto& [key, id] : claimed) {
      if (!kept.contains(key) || kept[key] != id) problems.push_back(key + " is not of " + id);
    }
    for (const auto& [key, id] : kept) {
      if (!claimed.contains(key)) problems.push_back(key + " is left behind by " + id);
    }
  }
  void check_quotas(const Objects& all, std::vector<std::string>& problems) {
    std::map<std::string, std::int64_t> used;
    for (const auto& [key, object] : all) {
      const auto lb = all.find({Kind::kLoadBalancer, model::load_balancer_of(object)});
      const auto type = lb == all.end() ? model::LoadBalancerType::kAlb
                                        : model::spec_of<model::LoadBalancer>(lb->second)->type;
      for (const model::QuotaUse& use : model::quota_uses(object, type)) {
        if (++used[use.key] > use.max) problems.push_back("overrun of " + use.key);
      }
    }
    for (const auto& [key, text] : stored_keys("quota/")) {
      if (std::to_string(used[key]) == text) continue;
      problems.push_back(key + " says " + text + ", there are " + std::to_string(used[key]));
    }
  }
  /// What is not whole.
  std::vector<std::string> problems() {
    const Objects all = objects();
    std::vector<std::string> found;
    for (const auto& [key, object] : all) {
      check_references(object.spec, model::description_of(object.kind).spec, object.id + ".spec",
                       all, found);
    }
    check_keys(all, found);
    check_quotas(all, found);
    return found;
  }
};

TEST_F(ConcurrencyTree, FiftyRandomWritersLeaveNoBrokenReferenceNoDoublePortAndNoQuotaOverrun) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Pool pool;
  pool.add("lb", make_lb("first").id());
  pool.add("lb", make_lb("second").id());
  Mutex mutex;
  std::map<int, int> answers;
  together([&](ApiCaller& own, int i) {
    Writer writer(own, pool, seed + static_cast<std::uint32_t>(i));
    for (int step = 0; step < 25; ++step) writer.step();
    const MutexLock lock(mutex);
    for (const auto& [status, count] : writer.answers) answers[status] += count;
  });
  // Else nothing was tried.
  EXPECT_GT(answers[201], 100);
  EXPECT_GT(answers[200], 50);
  EXPECT_GT(answers[409] + answers[429], 20);
  // What stood below deleted load balancers is collected a little later.
  EXPECT_TRUE(eventually([&] { return problems().empty(); }));
  for (const std::string& problem : problems()) ADD_FAILURE() << problem;
}

}  // namespace
}  // namespace weir::api
