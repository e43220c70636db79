// Compiles what a test puts as a node would: through frames, with what has changed since the last
// time named. Each result is held against a compilation that looks at everything. Only tests
// include it. Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/resources.h"
#include "snapshot/compile.h"

namespace weir::snapshot {

template <class T>
void expect_same_parts(const std::vector<std::shared_ptr<const T>>& a,
                       const std::vector<std::shared_ptr<const T>>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(*a[i], *b[i]) << a[i]->id;
}

inline void expect_same(const Snapshot& a, const Snapshot& b) {
  EXPECT_EQ(a.version, b.version);
  expect_same_parts(a.services, b.services);
  expect_same_parts(a.drains, b.drains);
  EXPECT_EQ(a.addresses, b.addresses);
  EXPECT_EQ(a.errors, b.errors);
  ASSERT_EQ(a.listeners.size(), b.listeners.size());
  for (std::size_t i = 0; i < a.listeners.size(); ++i) {
    Listener left = *a.listeners[i];
    Listener right = *b.listeners[i];
    ASSERT_EQ(left.route.size(), right.route.size());
    for (std::size_t part = 0; part < left.route.size(); ++part) {
      EXPECT_EQ(*left.route[part].service, *right.route[part].service);
    }
    left.route.clear();
    right.route.clear();
    EXPECT_EQ(left, right);
  }
}

class CompileFixture : public ::testing::Test {
 protected:
  template <class T>
  void put(const std::string& id, const T& spec, const typename T::Admin& admin = {},
           const std::string& created = "") {
    model::Object object;
    object.kind = T::kKind;
    object.id = id;
    object.name = "name-of-" + id;
    object.created = created;
    object.spec = model::to_json(spec);
    object.admin = model::to_json(admin);
    put_text(std::string(model::kind_name(T::kKind)), id, model::stored_text(object));
  }
  void put_text(const std::string& kind, const std::string& id, const std::string& body) {
    apply({.version = {}, .kind = kind, .id = id, .body = body});
  }
  void remove(const std::string& kind, const std::string& id) {
    apply({.version = {}, .kind = kind, .id = id, .is_tombstone = true, .body = ""});
  }
  void apply(model::Frame frame) {
    frame.version = {Epoch(1), Revision(++revision_)};
    objects_.apply(frame);
    objects_.set_version(frame.version);
  }
  void put_placement(const std::string& id, const std::string& lb,
                     const std::string& node = "node-1") {
    model::Placement placement;
    placement.load_balancer_id = lb;
    placement.node_id = node;
    put(id, placement);
  }

  /// A load balancer on node-1 whose TCP listener leads to the service b1.
  void put_front() {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin address;
    address.vip = "10.0.0.100";
    put("alb-1", lb, address);
    put_placement("placement-1", "alb-1");
    model::Listener listener;
    listener.load_balancer_id = "alb-1";
    listener.protocol = model::Protocol::kTcp;
    listener.port = 80;
    listener.backend_id = "b1";
    put("l1", listener);
  }
  static TargetKey key(int slot, const std::string& group = "tg-1") {
    return {"b1", group, Slot(static_cast<std::uint16_t>(slot))};
  }
  void judge(const std::string& group, int slot, HealthState state, std::string reason = "") {
    const TargetKey target = key(slot, group);
    verdicts_[target] = {.target = target, .state = state, .reason = std::move(reason)};
  }
  void judge(int slot, HealthState state) { judge("tg-1", slot, state); }

  const Snapshot& compile_now() {
    const Changes changes = changes_now();
    compiled_ =
        compile({.objects = objects_, .verdicts = verdicts_, .local = local_, .changes = &changes},
                std::move(compiled_));
    last_ = snapshot_of(*compiled_);
    whole_ = compile_all(objects_, verdicts_, local_, std::move(whole_));
    expect_same(*last_, *snapshot_of(*whole_));
    return *last_;
  }
  const Service& service_now() { return *compile_now().services.at(0); }

  LocalNode local_{.node_id = "node-1", .source_addresses = {}};
  ObjectSet objects_;
  Verdicts verdicts_;
  CompiledPtr compiled_;
  std::shared_ptr<const Snapshot> last_;
  std::uint64_t revision_ = 0;

 private:
  /// What a node would have noted since it was asked last.
  Changes changes_now() {
    Changes changes;
    std::map<ObjectSet::Key, Version> objects;
    for (const auto& [key, object] : objects_.objects()) objects[key] = object.version;
    note_differences(objects, objects_before_, changes.objects);
    note_differences(verdicts_, verdicts_before_, changes.verdicts);
    objects_before_ = std::move(objects);
    verdicts_before_ = verdicts_;
    return changes;
  }
  template <class Map, class Keys>
  static void note_differences(const Map& now, const Map& before, Keys& into) {
    for (const auto& [key, value] : now) {
      const auto known = before.find(key);
      if (known == before.end() || known->second != value) into.insert(key);
    }
    for (const auto& [key, value] : before) {
      if (!now.contains(key)) into.insert(key);
    }
  }

  std::map<ObjectSet::Key, Version> objects_before_;
  Verdicts verdicts_before_;
  CompiledPtr whole_;  // looks at everything each time
};

}  // namespace weir::snapshot
