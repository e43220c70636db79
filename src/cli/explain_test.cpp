#include "cli/explain.h"

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/exit_status.h"
#include "http/server.h"

namespace weir::cli {
namespace {

Json target(const std::string& id, int number, double share, const std::string& excluded = "") {
  return Json::object({{"targetId", id},
                       {"slot", number},
                       {"address", "10.0.0." + std::to_string(number)},
                       {"port", 80},
                       {"share", share},
                       {"picked", false},
                       {"excluded", excluded}});
}

Json node(const std::string& id, const std::string& kind) {
  return Json::object({{"nodeId", id},
                       {"version", Json::object({{"epoch", 1}, {"revision", 42}})},
                       {"backendId", "backend-a"},
                       {"targetGroupId", "tg-a"},
                       {"algorithm", "IpHash"},
                       {"kind", kind},
                       {"reason", "the hash names the target"}});
}

Json away(const std::string& id) {
  const Json error = Json::object({{"code", 503}, {"message", "node " + id + " is not connected"}});
  return Json::object({{"nodeId", id}, {"error", error}});
}

/// The native API of one listener called "front", with the answer that a test wants.
class ExplainCommand : public ::testing::Test {
 protected:
  ExplainCommand() {
    http::ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    server_ = http::Server::start(std::move(options), [this](const http::Request& request) {
                return answer(request);
              }).value();
  }

  int run_words(std::vector<std::string> words) {
    words.insert(words.begin(), "explain");
    words.insert(words.end(), {"--endpoint", "http://" + server_->addresses().front()});
    words.insert(words.end(), {"--token", "x"});
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int status = run(words);
    out = ::testing::internal::GetCapturedStdout();
    err = ::testing::internal::GetCapturedStderr();
    return status;
  }
  void say(int new_status, Json body) {
    const MutexLock lock(mutex_);
    status_ = new_status;
    body_ = std::move(body);
  }
  std::string asked() {
    const MutexLock lock(mutex_);
    return asked_;
  }

  std::string out;
  std::string err;

 private:
  http::Response answer(const http::Request& request) {
    http::Response response;
    if (request.path.at(2) == "explain") {
      const MutexLock lock(mutex_);
      asked_ = request.target;
      response.status = status_;
      response.body = body_.dump();
      return response;
    }
    const std::string* name = request.parameter("name");
    Json items = Json::array();
    if (name != nullptr && *name == "front") {
      items.push_back(Json::object({{"id", "listener-a000000000"}, {"name", "front"}}));
    }
    response.status = request.path.size() == 3 ? 200 : 404;
    response.body = Json::object({{"items", std::move(items)}}).dump();
    return response;
  }

  Mutex mutex_;
  int status_ WEIR_GUARDED_BY(mutex_) = 200;
  Json body_ WEIR_GUARDED_BY(mutex_);
  std::string asked_ WEIR_GUARDED_BY(mutex_);
  std::unique_ptr<http::Server> server_;
};

TEST_F(ExplainCommand, ShowsThePickedTargetOfEachNodeAndWhyTheOthersGetNothing) {
  Json nodes = Json::array();
  for (const std::string id : {"n1", "n2"}) {
    Json one = node(id, "certain");
    Json picked = target("target-1", 1, 1);
    picked["picked"] = Json(true);
    one["targets"] = Json::array({picked, target("target-2", 2, 0, "weight 0")});
    nodes.push_back(std::move(one));
  }
  say(200, Json::object({{"nodes", std::move(nodes)}}));
  EXPECT_EQ(run_words({"front", "--client", "10.9.8.7:6543"}), kExitOk);
  EXPECT_EQ(asked(), "/weir/v1/explain?listener=listener-a000000000&client=10.9.8.7%3A6543");
  EXPECT_EQ(out,
            "n1 at 1/42: backend-a sends to tg-a by IpHash\n"
            "n2 at 1/42: backend-a sends to tg-a by IpHash\n"
            "NODE  TARGET    ADDRESS      SHARE   REASON\n"
            "n1    target-1  10.0.0.1:80  picked  the hash names the target\n"
            "n1    target-2  10.0.0.2:80  -       weight 0\n"
            "n2    target-1  10.0.0.1:80  picked  the hash names the target\n"
            "n2    target-2  10.0.0.2:80  -       weight 0\n");
}

TEST_F(ExplainCommand, ShowsSharesInPercent) {
  Json one = node("n1", "share");
  one["targets"] = Json::array({target("target-1", 1, 1.0 / 3), target("target-2", 2, 2.0 / 3)});
  say(200, Json::object({{"nodes", Json::array({one})}}));
  EXPECT_EQ(run_words({"front", "--client", "10.9.8.7", "--node", "n1"}), kExitOk);
  EXPECT_EQ(asked(), "/weir/v1/explain?listener=listener-a000000000&client=10.9.8.7&node=n1");
  EXPECT_NE(out.find("33.33%"), std::string::npos);
  EXPECT_NE(out.find("66.67%"), std::string::npos);
}

TEST_F(ExplainCommand, ShowsOneRowForEachOfSeveralClients) {
  Json one = node("n1", "certain");
  one["clients"] = Json::array({Json::object({{"client", "10.0.0.1"},
                                              {"kind", "certain"},
                                              {"picked", "target-1"},
                                              {"reason", "because"}}),
                                Json::object({{"client", "10.0.0.2"},
                                              {"kind", "share"},
                                              {"picked", Json()},
                                              {"reason", "by turns"}})});
  say(200, Json::object({{"nodes", Json::array({one})}}));
  EXPECT_EQ(run_words({"front", "--client", "10.0.0.1", "--client", "10.0.0.2"}), kExitOk);
  EXPECT_NE(asked().find("client=10.0.0.1&client=10.0.0.2"), std::string::npos);
  EXPECT_NE(out.find("n1    10.0.0.1  certain  target-1  because\n"
                     "n1    10.0.0.2  share    -         by turns\n"),
            std::string::npos)
      << out;
}

TEST_F(ExplainCommand, NamesANodeThatCouldNotAnswerAndFails) {
  Json one = node("n1", "share");
  one["targets"] = Json::array({target("target-1", 1, 1)});
  say(200, Json::object({{"nodes", Json::array({one, away("n2")})}}));
  EXPECT_EQ(run_words({"front", "--client", "10.0.0.1"}), kExitUnreachable);
  EXPECT_NE(out.find("target-1"), std::string::npos);
  EXPECT_EQ(out.find("n2"), std::string::npos);
  EXPECT_EQ(err, "weir: node n2 is not connected\n");
}

TEST_F(ExplainCommand, PrintsTheAnswerOfTheApiForPrograms) {
  say(200, Json::object({{"listenerId", "l"}, {"nodes", Json::array()}}));
  EXPECT_EQ(run_words({"front", "--client", "10.0.0.1", "-o", "json"}), kExitOk);
  EXPECT_EQ(*parse_json(out), Json::object({{"listenerId", "l"}, {"nodes", Json::array()}}));
  EXPECT_EQ(run_words({"front", "--client", "10.0.0.1", "-o", "yaml"}), kExitOk);
  EXPECT_NE(out.find("listenerId: l"), std::string::npos);
}

TEST_F(ExplainCommand, EndsWithTheStatusOfWhatWentWrong) {
  EXPECT_EQ(run_words({"front"}), kExitUsage);
  EXPECT_EQ(run_words({"nobody", "--client", "10.0.0.1"}), kExitNotFound);
  for (const auto& [status, exit] : std::vector<std::pair<int, int>>{
           {400, kExitUsage}, {404, kExitNotFound}, {429, kExitRefused}, {503, kExitUnreachable}}) {
    say(status, Json::object());
    EXPECT_EQ(run_words({"front", "--client", "10.0.0.1"}), exit) << status;
  }
}

TEST_F(ExplainCommand, IsCompleted) {
  const std::string script = bash_completion();
  EXPECT_NE(script.find("health explain events audit user completion"), std::string::npos);
  EXPECT_NE(script.find("explain) kind=listener ;;"), std::string::npos);
  EXPECT_NE(script.find("explain:listener) words=\" --client --node\" ;;"), std::string::npos);
  EXPECT_TRUE(is_client_command("explain"));
  EXPECT_NE(commands_help().find("explain"), std::string::npos);
}

}  // namespace
}  // namespace weir::cli
