#include "cli/commands.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/mutex.h"
#include "cli/cli.h"
#include "cli/exit_status.h"
#include "cli/password.h"
#include "http/server.h"

namespace weir::cli {
namespace {

/// The native API of a few objects, as far as the commands use it.
class CommandsTest : public ::testing::Test {
 protected:
  CommandsTest() {
    http::ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    server_ = http::Server::start(std::move(options), [this](const http::Request& request) {
                return answer(request);
              }).value();
    put("lb", "alb-a000000000", "shop", "");
    put("lb", "alb-b000000000", "blog", "");
    for (const std::string lb : {"a", "b"}) {
      put("listener", "listener-" + lb + "000000000", "web", "alb-" + lb + "000000000");
      put("tg", "tg-" + lb + "000000000", "servers", "alb-" + lb + "000000000");
      put("backend", "backend-" + lb + "000000000", "web", "alb-" + lb + "000000000");
    }
  }

  void put(const std::string& kind, const std::string& id, const std::string& name,
           const std::string& load_balancer) {
    Json object =
        Json::object({{"kind", kind}, {"id", id}, {"name", name}, {"spec", Json::object()}});
    if (!load_balancer.empty()) object["spec"]["loadBalancerId"] = load_balancer;
    objects_.push_back(std::move(object));
  }

  int run_words(std::vector<std::string> words) {
    words.insert(words.end(), {"--endpoint", "http://" + server_->addresses().front()});
    words.insert(words.end(), {"--token", "x"});
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int status = run(words);
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return status;
  }
  bool shows(const std::string& text) const { return out_.find(text) != std::string::npos; }

  Json changed() {
    const MutexLock lock(mutex_);
    return changed_;
  }

 private:
  static http::Response json(int status, const Json& body) {
    http::Response response;
    response.status = status;
    response.body = body.dump();
    return response;
  }

  http::Response answer(const http::Request& request) {
    if (request.path.size() == 3) return list(request);
    for (const Json& object : objects_) {
      if (object.string_or("id", "") != request.path.at(3)) continue;
      const MutexLock lock(mutex_);
      if (request.method == "PATCH") changed_ = *parse_json(request.body);
      return json(200, object);
    }
    return json(404, Json::object());
  }

  http::Response list(const http::Request& request) {
    Json items = Json::array();
    for (const Json& object : objects_) {
      const bool is_wanted = object.string_or("kind", "") == request.path.at(2) &&
                             is_match(request, "name", object) &&
                             is_match(request, "loadBalancerId", *object.find("spec"));
      if (is_wanted) items.push_back(object);
    }
    if (request.parameter("watch") == nullptr) {
      return json(200, Json::object({{"items", std::move(items)}, {"revision", 7}}));
    }
    http::Response response;
    response.stream = [items](std::unique_ptr<http::ResponseStream> stream) {
      for (const Json& item : items.as_array()) {
        stream->write(Json::object({{"type", "put"}, {"object", item}}).dump() + "\n");
      }
    };
    return response;
  }

  static bool is_match(const http::Request& request, std::string_view name, const Json& in) {
    const std::string* wanted = request.parameter(name);
    return wanted == nullptr || in.string_or(name, "") == *wanted;
  }

  std::vector<Json> objects_;
  Mutex mutex_;
  Json changed_ WEIR_GUARDED_BY(mutex_);
  std::string out_;
  std::string err_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(CommandsTest, TakeANameThatHasTheFormOfAnIdForAName) {
  put("backend", "backend-c000000000", "backend-production", "alb-a000000000");
  put("backend", "backend-d000000000", "eu-production", "alb-a000000000");
  EXPECT_EQ(run_words({"get", "backend", "backend-production"}), kExitOk);
  EXPECT_TRUE(shows("backend-c000000000"));
  EXPECT_EQ(run_words({"get", "backend", "eu-production"}), kExitOk);
  EXPECT_EQ(run_words({"get", "backend", "backend-c000000000"}), kExitOk);
  EXPECT_EQ(run_words({"get", "backend", "backend-nobodyhere"}), kExitNotFound);
}

TEST_F(CommandsTest, FindWhatHasAnIdOfAnotherForm) {
  put("node", "machine-7", "", "");
  EXPECT_EQ(run_words({"get", "node", "machine-7"}), kExitOk);
  EXPECT_EQ(run_words({"get", "node", "machine-8"}), kExitNotFound);
}

TEST_F(CommandsTest, LookForNamesBelowTheLoadBalancerThatAFlagNames) {
  EXPECT_EQ(run_words({"get", "listener", "web"}), kExitConflict);
  EXPECT_EQ(run_words({"get", "listener", "web", "--lb", "blog"}), kExitOk);
  EXPECT_TRUE(shows("listener-b000000000"));
  EXPECT_FALSE(shows("listener-a000000000"));
  EXPECT_EQ(run_words({"get", "listener", "nobody", "--lb", "blog"}), kExitNotFound);
}

TEST_F(CommandsTest, LookForTheNamesOfAnUpdateBesideTheObjectThatChanges) {
  EXPECT_EQ(run_words({"update", "backend", "backend-b000000000", "--tg", "servers"}), kExitOk);
  EXPECT_EQ(changed().find("spec")->dump(), R"({"targetGroupIds":["tg-b000000000"]})");
}

TEST_F(CommandsTest, WatchOnlyWhatWasNamed) {
  EXPECT_EQ(run_words({"get", "lb", "blog", "-w"}), kExitOk);
  EXPECT_TRUE(shows("put  alb-b000000000"));
  EXPECT_FALSE(shows("alb-a000000000"));
  EXPECT_EQ(run_words({"get", "lb", "-w", "-o", "yaml"}), kExitOk);
  EXPECT_TRUE(shows("---\ntype: put"));
}

TEST(ReadSecret, IsALineWithoutItsEnd) {
  std::istringstream in("correct horse\r\n spaces stay \n\nlast");
  for (const char* expected : {"correct horse", " spaces stay ", "", "last"}) {
    EXPECT_EQ(read_secret(in).value, expected);
  }
  const auto none = read_secret(in);
  ASSERT_TRUE(none.failure);
  EXPECT_EQ(none.failure->status, kExitUsage);
}

}  // namespace
}  // namespace weir::cli
