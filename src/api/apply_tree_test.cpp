// Properties of declarative use over random trees: what was applied is there, what is exported is
// what is there, and an apply that is cut short leaves each load balancer with all of its change or
// none.
#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>

#include "api/apply_fixture.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using Lines = std::vector<std::string>;

// The mission says 200; a build for looking at is too slow for that many each time.
#if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
constexpr int kTrees = 200;
#else
constexpr int kTrees = 25;
#endif

/// Trees of one run: WEIR_TREES asks for fewer or more.
int tree_count(int otherwise) {
  const char* wanted = std::getenv("WEIR_TREES");
  return wanted == nullptr ? otherwise : std::atoi(wanted);
}

class ApplyTreeTest : public ApplyTest {
 protected:
  /// "alb-x at 17" of everything that is declared.
  Lines revisions() {
    Lines lines;
    for (const auto& kind : model::kind_descriptions()) {
      if (!kind.kind || !kind.is_user_made) continue;
      for (const Json& item : api->get(std::string(kind.word)).items()) {
        lines.push_back(item.string_or("id", "") + " at " +
                        std::to_string(item.integer_or("revision", 0)));
      }
    }
    return lines;
  }
  void expect_no_difference(const Json& documents, const std::string& where) {
    const Answer planned = plan(documents, "random");
    EXPECT_EQ(planned.status, 200) << where << planned.body.dump();
    if (planned.status == 200) EXPECT_EQ(planned.at("changes").dump(), "[]") << where;
  }
};

TEST_F(ApplyTreeTest, RandomTreesAreAppliedExportedAndAppliedAgainWithoutADifference) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  TreeGenerator trees(seed);
  for (int i = 0; i < tree_count(kTrees) && !HasFailure(); ++i) {
    SCOPED_TRACE("tree " + std::to_string(i));
    const Json documents = trees.draw();
    const Answer planned = plan(documents, "random");
    const Answer applied = apply(documents, "random");
    ASSERT_EQ(applied.status, 200) << applied.body.dump() << "\n" << documents.dump(1);
    EXPECT_EQ(told(planned), told(applied));
    expect_no_difference(documents, "the file again: ");
    const Json first = exported();
    expect_no_difference(first, "the export: ");
    const Lines before = revisions();
    EXPECT_EQ(told(apply(first, "random")), Lines());
    EXPECT_EQ(revisions(), before) << "what is equal is not written";
    EXPECT_EQ(exported(), first);
  }
}

TEST_F(ApplyTreeTest, AnExportMakesTheSameInAnAccountThatHasNothing) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  TreeGenerator trees(seed);
  for (int i = 0; i < tree_count(5); ++i) {
    const Json documents = trees.draw();
    ASSERT_EQ(apply(documents, "random").status, 200);
    const Json first = exported();
    ApiCaller other = somebody("u" + std::to_string(i), "administrator", "a" + std::to_string(i));
    const Answer made = other.post("apply", body_of(first));
    ASSERT_EQ(made.status, 200) << made.body.dump();
    EXPECT_EQ(exported(other), first);
    EXPECT_EQ(other.post("apply", body_of(Json::array(), "random")).status, 200);
    EXPECT_EQ(exported(other), Json::array());
  }
}

TEST_F(ApplyTreeTest, OfWritersWhoApplyOneTreeAtOnceOneWinsAsAWhole) {
  ASSERT_EQ(apply(tree()).status, 200);
  constexpr int kWriters = 4;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer] {
      ApiCaller own = caller();
      for (int round = 0; round < 5; ++round) {
        Json documents = tree();
        for (Json& one : documents.as_array()) {
          (*one.find("spec"))["description"] = Json("by " + std::to_string(writer));
        }
        const Answer done = own.post("apply", body_of(std::move(documents)));
        EXPECT_EQ(done.status, 200) << done.body.dump();
      }
    });
  }
  writers.clear();
  std::set<std::string> said;
  for (const Json& form : exported().as_array()) {
    said.insert(form.find("spec")->string_or("description", ""));
  }
  EXPECT_EQ(said.size(), 1U) << exported().dump();
}

/// A store whose process dies: after some commits nothing is stored any more.
class CutStore final : public store::Store {
 public:
  explicit CutStore(std::unique_ptr<store::Store> whole) : whole_(std::move(whole)) {}
  void cut_after(int commits) { left_ = commits; }

  Result<store::Entry> get(std::string_view key) const override { return whole_->get(key); }
  Result<store::Listing> list_page(std::string_view prefix, std::string_view after,
                                   std::size_t count_max) const override {
    return whole_->list_page(prefix, after, count_max);
  }
  Result<Revision> commit(const store::Transaction& transaction) override {
    if (left_ == 0) return Error{ErrorCode::kUnavailable, "cut", ""};
    if (left_ > 0) --left_;
    return whole_->commit(transaction);
  }
  Result<store::Changes> changes_after(Revision after, Instant deadline) const override {
    return whole_->changes_after(after, deadline);
  }
  Version version() const override { return whole_->version(); }
  Result<std::vector<store::AuditEntry>> audit_rows(const store::AuditRange& range) const override {
    return whole_->audit_rows(range);
  }
  Result<store::AuditPage> audit_after(std::uint64_t after, std::size_t count_max) const override {
    return whole_->audit_after(after, count_max);
  }

 private:
  const std::unique_ptr<store::Store> whole_;
  std::atomic<int> left_ = -1;
};

class CutApplyTest : public ApplyTreeTest {
 protected:
  void SetUp() override {
    auto cut = std::make_unique<CutStore>(std::make_unique<store::MemoryStore>(clock, metrics));
    cut_ = cut.get();
    start_with(std::move(cut));
  }
  /// The declared forms of each load balancer with what is below it, by its name.
  std::map<std::string, std::string> trees() {
    std::map<std::string, std::string> by_name;
    for (const Json& lb : api->get("lb").items()) {
      const std::string name = lb.string_or("name", "");
      by_name[name] = exported("?loadBalancer=" + name).dump();
    }
    return by_name;
  }

  CutStore* cut_ = nullptr;
};

TEST_F(CutApplyTest, WhatWasDoneBeforeARefusalIsTold) {
  Json documents = tree("one");
  const Json second = tree("two");
  for (const Json& one : second.as_array()) documents.push_back(one);
  cut_->cut_after(1);
  const Answer half = apply(documents);
  cut_->cut_after(-1);
  EXPECT_EQ(half.status, 503);
  EXPECT_EQ(half.message(), "load balancer two: cut");
  EXPECT_EQ(told(half), (Lines{"create lb one", "create tg servers", "create backend app",
                               "create listener front"}));
  EXPECT_EQ(told(apply(documents)).size(), 4U) << "the same again does the rest";
}

TEST_F(CutApplyTest, CutShortEachLoadBalancerHasAllOfItsChangeOrNone) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  TreeGenerator generator(seed);
  for (int i = 0; i < tree_count(4); ++i) {
    const Json documents = generator.draw();
    const auto before = trees();
    bool is_whole = false;
    std::map<int, std::map<std::string, std::string>> left;
    for (int commits = 0; !is_whole; ++commits) {
      cut_->cut_after(commits);
      const Answer answer = apply(documents, "random");
      cut_->cut_after(-1);
      is_whole = answer.status == 200;
      ASSERT_TRUE(is_whole || answer.status == 503) << answer.body.dump();
      left[commits] = trees();
    }
    const auto after = trees();
    for (const auto& [commits, found] : left) {
      for (const auto& [name, text] : found) {
        const bool is_old = before.contains(name) && before.at(name) == text;
        const bool is_new = after.contains(name) && after.at(name) == text;
        EXPECT_TRUE(is_old || is_new) << name << " after " << commits << " commits: " << text;
      }
      for (const auto& [name, text] : before) {
        EXPECT_TRUE(found.contains(name) || !after.contains(name)) << name << " was lost";
      }
    }
    expect_no_difference(documents, "in the end: ");
  }
}

}  // namespace
}  // namespace weir::api
