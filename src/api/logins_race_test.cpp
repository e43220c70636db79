// Logins and changes of passwords at the same moment, from several addresses: without a server, so
// that a test says what comes between a read and its write.
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/audit_trail.h"
#include "api/logins.h"
#include "api/password.h"
#include "api/password_record.h"
#include "api/people.h"
#include "api/sessions.h"
#include "base/json.h"
#include "store/memory_store.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

/// Lets somebody else go first, once, before a commit of `operation`.
class InterruptedStore final : public store::Store {
 public:
  explicit InterruptedStore(store::Store& real) : real_(real) {}

  Result<store::Entry> get(std::string_view key) const override { return real_.get(key); }
  Result<store::Listing> list_page(std::string_view prefix, std::string_view after,
                                   std::size_t count_max) const override {
    return real_.list_page(prefix, after, count_max);
  }
  Result<Revision> commit(const store::Transaction& transaction) override {
    if (transaction.audit.operation == operation && first) std::exchange(first, {})();
    return real_.commit(transaction);
  }
  Result<store::Changes> changes_after(Revision after, Instant deadline) const override {
    return real_.changes_after(after, deadline);
  }
  Version version() const override { return real_.version(); }
  Result<std::vector<store::AuditEntry>> audit_rows(const store::AuditRange& range) const override {
    return real_.audit_rows(range);
  }
  Result<store::AuditPage> audit_after(std::uint64_t after, std::size_t count_max) const override {
    return real_.audit_after(after, count_max);
  }

  std::string operation;
  std::function<void()> first;

 private:
  store::Store& real_;
};

/// Where an answer arrives that comes later.
struct Arrival {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<http::Response> response;
};

class WaitedReply final : public http::Reply {
 public:
  explicit WaitedReply(Arrival& arrival) : arrival_(arrival) {}
  void send(http::Response response) override {
    const std::lock_guard lock(arrival_.mutex);
    arrival_.response = std::move(response);
    arrival_.changed.notify_all();
  }

 private:
  Arrival& arrival_;
};

class LoginsRaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put(user_key("user-ann"), person("ann", "viewer"));
    put(user_key("user-boss"), person("boss", "administrator"));
    set(kOld);
  }
  static std::string person(const std::string& name, const std::string& role) {
    return Json::object({{"account", "shop"},
                         {"name", name},
                         {"spec", Json::object({{"account", "shop"}, {"role", role}})}})
        .dump();
  }
  void put(const std::string& key, std::optional<std::string> value) {
    store::Transaction transaction;
    transaction.writes = {{key, std::move(value)}};
    ASSERT_TRUE(memory.commit(transaction));
  }
  /// What another administrator does.
  void set(const std::string& password) {
    PasswordRecord record;
    record.hash = hash_password(password, {.passes = 1, .kibibytes = 64, .lanes = 1}).value();
    record.serial = password;
    put(password_key("user-ann"), record.text());
  }
  bool is_now(const std::string& password) {
    return is_password(password, read_password(memory, "user-ann").value()->hash).value();
  }
  static CallRecord record_of(const std::string& user, const std::string& address) {
    CallRecord record;
    record.caller.who = user + "/token-1";
    record.caller.account = "shop";
    record.caller.source = address;
    record.caller.user = "user-" + user;
    record.caller.role = user == "boss" ? model::Role::kAdministrator : model::Role::kViewer;
    return record;
  }
  static http::Request put_request(std::vector<std::string> path, const Json& body) {
    http::Request request;
    request.method = "PUT";
    request.path = std::move(path);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body.dump();
    return request;
  }
  static int status_of_answer(http::Response response) {
    if (!response.later) return response.status;
    Arrival arrival;
    response.later(std::make_unique<WaitedReply>(arrival));
    std::unique_lock lock(arrival.mutex);
    arrival.changed.wait(lock, [&] { return arrival.response.has_value(); });
    return arrival.response->status;
  }
  int change(const std::string& old, const std::string& address = "10.0.0.1") {
    return status_of_answer(
        logins.respond(put_request({"weir", "v1", "password"},
                                   Json::object({{"oldPassword", old}, {"password", kNew}})),
                       record_of("ann", address)));
  }
  int reset() { return reset(record_of("boss", "10.0.0.1")); }
  int reset(const CallRecord& record) {
    return status_of_answer(
        logins.respond(put_request({"weir", "v1", "user", "user-ann", "password"},
                                   Json::object({{"password", kNew}})),
                       record));
  }
  int log_in(const std::string& name, const std::string& password, const std::string& address) {
    http::Request request =
        put_request({"weir", "v1", "session"},
                    Json::object({{"account", "shop"}, {"user", name}, {"password", password}}));
    request.method = "POST";
    CallRecord record;
    record.caller.source = address;
    return status_of_answer(logins.log_in(request, record));
  }

  static constexpr const char* kOld = "correct horse battery";
  static constexpr const char* kReset = "what an administrator set";
  static constexpr const char* kNew = "another horse battery";

  testing::TemporaryFolder folder;
  testing::VirtualClock clock;
  Metrics metrics;
  store::MemoryStore memory{clock, metrics};
  InterruptedStore store{memory};
  People people{store, clock, std::string(64, 'a')};
  Sessions sessions{memory, clock, metrics};
  AuditTrail audit{{memory, clock, metrics, folder.path(), std::string(64, 'b')}};
  Logins logins{{store, clock, metrics, people, sessions, audit}};
};

TEST_F(LoginsRaceTest, AnAdministratorsResetIsNotOverwrittenByWhoKnewThePasswordBefore) {
  store.operation = "change password";
  store.first = [&] { set(kReset); };
  EXPECT_EQ(change(kOld), 400);
  EXPECT_TRUE(is_now(kReset));
  EXPECT_EQ(change(kReset), 200);
  EXPECT_TRUE(is_now(kNew));
}

TEST_F(LoginsRaceTest, AnAdministratorWhoIsOneNoLongerSetsNoPassword) {
  store.operation = "set password";
  store.first = [&] { put(user_key("user-boss"), person("boss", "operator")); };
  EXPECT_EQ(reset(), 403);
  put(user_key("user-boss"), person("boss", "administrator"));
  store.first = [&] { put(user_key("user-boss"), std::nullopt); };
  EXPECT_EQ(reset(), 401);
  EXPECT_TRUE(is_now(kOld));
  put(user_key("user-boss"), person("boss", "administrator"));
  EXPECT_EQ(reset(), 200);
}

TEST_F(LoginsRaceTest, AnAdministratorsPasswordsAreCountedWhateverTokenSetsThem) {
  CallRecord record = record_of("boss", "10.0.0.1");
  const auto set_by_token = [&](int i) {
    record.caller.who = "boss/token-" + std::to_string(i);
    record.caller.source = "10.0.0." + std::to_string(i);
    return reset(record);
  };
  for (int i = 0; i < 30; ++i) EXPECT_EQ(set_by_token(i), 200);
  EXPECT_EQ(set_by_token(31), 429);
}

TEST_F(LoginsRaceTest, AStolenTokenGuessesFromNoAddressMoreThanFromOne) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(change("not this password", "10.0.0." + std::to_string(i)), 400);
  }
  EXPECT_EQ(change("not this password", "10.0.0.99"), 429);
  EXPECT_EQ(change("not this password", "2001:db8::1"), 429);
}

TEST_F(LoginsRaceTest, WhereAUserLoggedInBeforeNobodysGuessesDelayThem) {
  EXPECT_EQ(log_in("ann", kOld, "10.0.0.1"), 201);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(log_in("ann", "not this password", "10.1.0." + std::to_string(i)), 401);
    EXPECT_EQ(log_in("u" + std::to_string(i), "not this password", "10.0.0.1"), 401);
  }
  EXPECT_EQ(log_in("ann", kOld, "10.9.9.9"), 429);
  EXPECT_EQ(log_in("bob", kOld, "10.0.0.1"), 429);
  EXPECT_EQ(log_in("ann", kOld, "10.0.0.1"), 201);
}

}  // namespace
}  // namespace weir::api
