// A node as control sees it, for tests: says hello over a real channel, keeps what it is sent, and
// reports what a test tells it to. Only tests include it. Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "model/frame.h"
#include "net/channel.h"
#include "snapshot/object_set.h"
#include "snapshot/verdict.h"

namespace weir::api {

class FakeNode {
 public:
  explicit FakeNode(std::string id, std::string mode = "loopback", std::string subnet = "*")
      : id_(std::move(id)), mode_(std::move(mode)), subnet_(std::move(subnet)) {}

  bool connect(const std::string& address, const std::string& key = "") {
    auto channel = net::connect_channel({address, key}, within(5));
    if (!channel) return false;
    channel_ = *std::move(channel);
    decoder_ = {};
    return true;
  }
  bool hello() {
    const Json binding =
        Json::object({{"subnet", subnet_}, {"mode", mode_}, {"sources", Json::array()}});
    const Json body = Json::object(
        {{"build", "test"},
         {"formats", Json::array({Json(1)})},
         {"engines", Json::array({Json("proxy")})},
         {"region", "local"},
         {"az", "local-1a"},
         {"bindings", Json::array({binding})},
         {"features", features},
         {"have", Json::object({{"epoch", have.epoch.value}, {"revision", have.revision.value}})},
         {"held", held}});
    return send("hello", id_, body);
  }
  /// Connects, says hello and takes the first batch; its mode, or what came instead.
  std::string follow(const std::string& address) {
    if (!connect(address) || !hello()) return "no connection";
    const auto frame = next();
    if (!frame) return "nothing";
    if (frame->kind != "welcome") return frame->kind;
    const std::string mode = parse_json(frame->body).value().string_or("mode", "");
    if (mode == "full") objects.clear();
    if (!take_batch()) return "no batch";
    return mode;
  }
  /// Takes frames up to the next commit, which is applied; false when the stream ends before.
  bool take_batch() {
    frames_in_batch = 0;
    while (true) {
      const auto frame = next();
      if (!frame) return false;
      if (frame->kind == "ping") {
        ++pings;
        continue;
      }
      if (frame->kind == "commit") {
        EXPECT_GE(frame->version, have);
        have = frame->version;
        return true;
      }
      ++frames_in_batch;
      apply(*frame);
    }
  }
  /// Takes batches until `condition` holds.
  template <class Condition>
  bool take_until(const Condition& condition) {
    while (!condition()) {
      if (!take_batch()) return false;
    }
    return true;
  }
  bool has(const std::string& kind, const std::string& id) const {
    return objects.contains({kind, id});
  }
  /// But for what every node has.
  bool holds_nothing() const { return objects.size() == count("keyring"); }
  std::size_t count(const std::string& kind) const {
    std::size_t found = 0;
    for (const auto& [key, version] : objects) found += key.first == kind ? 1 : 0;
    return found;
  }

  /// Reports that it has applied everything, with these members beside.
  bool report(Json more = Json::object()) {
    more["applied"] =
        Json::object({{"epoch", have.epoch.value}, {"revision", have.revision.value}});
    return send("report", id_, more);
  }
  static Json state_of(const char* name, const std::string& value, const char* state) {
    return Json::object({{name, value}, {"state", state}, {"datapath", "proxy"}});
  }
  bool verdict(const snapshot::TargetKey& target, snapshot::HealthState state,
               const std::string& reason = "") {
    snapshot::Verdict verdict;
    verdict.target = target;
    verdict.state = state;
    verdict.since = "2026-01-01T00:00:00Z";
    verdict.reason = reason;
    verdict.prober = id_;
    verdict.sequence = ++sequence_;
    return send("verdict", snapshot::verdict_id(target), snapshot::verdict_json(verdict));
  }
  bool verdict_gone(const snapshot::TargetKey& target) {
    model::Frame frame;
    frame.kind = "verdict";
    frame.id = snapshot::verdict_id(target);
    frame.is_tombstone = true;
    return channel_->write(model::encode(frame), within(5)).ok();
  }
  bool send(const std::string& kind, const std::string& id, const Json& body) {
    model::Frame frame;
    frame.kind = kind;
    frame.id = id;
    frame.body = body.dump();
    return channel_->write(model::encode(frame), within(5)).ok();
  }
  std::optional<model::Frame> next() {
    char bytes[4096];
    while (true) {
      auto frame = decoder_.next();
      EXPECT_TRUE(frame);
      if (!frame) return std::nullopt;
      if (*frame) return **std::move(frame);
      const auto size = channel_->read(bytes, within(20));
      if (!size || *size == 0) return std::nullopt;
      decoder_.feed({bytes, *size});
    }
  }
  /// The next question, with all that comes before it.
  std::optional<model::Frame> next_question() {
    while (true) {
      auto frame = next();
      if (!frame || frame->kind == "explain?") return frame;
    }
  }
  /// Answers a question by what it has applied.
  bool answer(const model::Frame& question, const Json& body) {
    model::Frame frame;
    frame.kind = "explain";
    frame.id = question.id;
    frame.version = have;
    frame.body = body.dump();
    return channel_->write(model::encode(frame), within(5)).ok();
  }
  void leave() { channel_.reset(); }

  Version have;
  Json held = Json::array();
  Json features = Json::array({Json("availabilityGroups")});
  std::map<std::pair<std::string, std::string>, Version> objects;
  std::size_t frames_in_batch = 0;
  int pings = 0;

 private:
  static Instant within(int seconds) {
    return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  }
  void apply(const model::Frame& frame) {
    const std::pair key(frame.kind, frame.id);
    if (frame.is_tombstone) {
      EXPECT_EQ(objects.erase(key), 1u) << "a tombstone for what was never sent: " << frame.id;
      return;
    }
    const auto known = objects.find(key);
    if (known != objects.end()) EXPECT_GT(frame.version, known->second) << frame.id;
    objects[key] = frame.version;
  }

  const std::string id_, mode_, subnet_;
  std::unique_ptr<net::Channel> channel_;
  model::FrameDecoder decoder_;
  std::uint64_t sequence_ = 0;
};

}  // namespace weir::api
