// What the nodes report: which version they applied, what they cannot apply, which listeners and
// addresses they serve, how they judge targets, which connections still drain. Kept in memory only;
// the stored resources never learn of it (design.md decision 3). A node that has gone stays as it
// was last seen, marked as not connected: its data plane goes on. Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "snapshot/verdict.h"

namespace weir::api {

struct ObjectProblem {
  std::string kind;
  std::string id;
  Revision revision;
  std::string reason;  // "unsupported", "invalid", "pending", "cannot_listen"
  std::string detail;
};

/// State of an address or a listener on one node.
struct ServedState {
  std::string state;  // "held" or "serving", else "failed"
  std::string detail;
  std::string datapath;  // of a listener: "proxy"
};

/// The slot table of a target group as a node has it.
struct TableState {
  std::int64_t generation = 0;
  std::int64_t checksum = 0;
};

/// Connections to a draining target.
struct DrainingTarget {
  std::int64_t connections = 0;
  std::int64_t oldest_seconds = 0;  // age of the oldest
};

/// What is left of a drain record.
struct DrainReport {
  bool is_waiting = false;  // a target of it still takes new traffic: its time has not begun
  std::int64_t connections = 0;
  std::int64_t oldest_seconds = 0;
  std::int64_t later_seconds = 0;  // it ends by so much after the deadline of the record
  /// By backend service and slot; targets without connections are not there.
  std::map<std::pair<std::string, std::int64_t>, DrainingTarget> targets{};
  std::int64_t more = 0;  // targets with connections that the report has no room for
};

/// The last report of a node.
struct NodeReport {
  int streams = 0;            // open now; a second one replaces a first that died unnoticed
  bool has_reported = false;  // since control started
  Version applied;
  std::vector<ObjectProblem> problems;
  std::map<std::string, DrainReport> drains;     // by drain record
  std::map<std::string, ServedState> addresses;  // by address
  std::map<std::string, ServedState> listeners;  // by listener id
  std::map<std::string, TableState> tables;      // by target group
  std::set<std::string> failing_open;            // ids of backend services
  /// It may have given-up addresses still that the report has no room for.
  bool may_have_more_addresses = false;

  bool is_connected() const { return streams > 0; }
};

/// All verdicts about the targets of one backend service, by node.
using ServiceVerdicts = std::map<std::pair<snapshot::TargetKey, std::string>, snapshot::Verdict>;

/// The verdicts about every backend service. A copy shares all, and one that changes then copies
/// one of many parts, so that neither costs what there is. Thread: as values.
class SharedVerdicts {
 public:
  /// Null when there are none about the service.
  const ServiceVerdicts* find(const std::string& backend) const;
  /// By backend service; one without any is forgotten.
  void put(std::map<std::string, ServiceVerdicts> verdicts);
  std::vector<std::string> backends() const;
  /// Backend services about which `other` does not share the verdicts. Cost: that of the parts that
  /// differ.
  std::vector<std::string> backends_apart(const SharedVerdicts& other) const;
  /// How many parts `other` does not share with this: what the changes between them copied.
  std::size_t parts_apart(const SharedVerdicts& other) const;

 private:
  /// Chosen because 2 000 backend services make parts of 8, and a copy of the list of parts takes
  /// 2 us.
  static constexpr std::size_t kParts = 256;
  using Part = std::map<std::string, std::shared_ptr<const ServiceVerdicts>>;
  using Parts = std::array<std::shared_ptr<const Part>, kParts>;
  static std::size_t part_of(const std::string& backend);

  std::shared_ptr<const Parts> parts_ = std::make_shared<const Parts>();  // null: nothing in it
};

/// One moment of everything that is observed; cheap to copy.
struct ObservedView {
  std::map<std::string, std::shared_ptr<const NodeReport>> nodes;  // by node id
  SharedVerdicts verdicts;

  /// Null when the node has never been seen by this control.
  const NodeReport* node(const std::string& id) const;
  bool is_connected(const std::string& node) const;
  /// Null without one.
  const snapshot::Verdict* verdict(const snapshot::TargetKey& target,
                                   const std::string& node) const;
};

/// One stream of a node. The one with the highest number is heard; what an older one still had to
/// say must not go over it.
struct NodeStream {
  std::string node;
  std::uint64_t number = 0;
};

class Observed {
 public:
  /// A stream of the node has begun, on which it tells everything anew; disconnected() tells the
  /// end of each.
  NodeStream connected(const std::string& node) WEIR_EXCLUDES(mutex_);
  void disconnected(const std::string& node) WEIR_EXCLUDES(mutex_);
  /// Takes the body of a `report` frame (docs/formats/frames.md); one of an older stream is passed
  /// over.
  /// Errors:  kInvalidArgument, also when it names a list as the same that the report before it on
  ///          this stream did not have; then nothing has changed
  Result<void> report(const NodeStream& stream, const Json& body) WEIR_EXCLUDES(mutex_);
  /// One of an older stream is passed over.
  void verdict(const NodeStream& stream, const snapshot::Verdict& verdict) WEIR_EXCLUDES(mutex_);
  /// The target of a verdict is gone; `id` as in snapshot::verdict_id().
  void verdict_gone(const NodeStream& stream, std::string_view id) WEIR_EXCLUDES(mutex_);
  /// Forgets the verdicts of backend services that no longer exist.
  void forget_services(const std::vector<std::string>& backends) WEIR_EXCLUDES(mutex_);

  ObservedView view() const WEIR_EXCLUDES(mutex_);
  /// Waits until something was reported after `seen` (0 at first), or until `deadline`; returns
  /// the number to go on with.
  std::uint64_t wait(std::uint64_t seen, Instant deadline) const WEIR_EXCLUDES(mutex_);
  /// Ends the waits that run now.
  void wake() WEIR_EXCLUDES(mutex_);

 private:
  /// The newest stream of a node, and the lists that its last report had.
  struct Newest {
    std::uint64_t number = 0;
    std::set<std::string> lists;
  };

  bool is_newest(const NodeStream& stream) const WEIR_REQUIRES(mutex_);
  void change_node(const std::string& node, const std::function<void(NodeReport&)>& change)
      WEIR_REQUIRES(mutex_);
  void forget_verdicts_of(const std::string& node) WEIR_REQUIRES(mutex_);
  ServiceVerdicts& changing(const std::string& service) WEIR_REQUIRES(mutex_);
  void publish_changes() const WEIR_REQUIRES(mutex_);

  mutable Mutex mutex_;
  mutable Condition changed_;
  mutable ObservedView view_ WEIR_GUARDED_BY(mutex_);
  /// Verdicts about services that have changed since the last view: many about one service, as
  /// when its check is closed, cost one copy.
  mutable std::map<std::string, ServiceVerdicts> changing_ WEIR_GUARDED_BY(mutex_);
  std::map<std::string, Newest> newest_ WEIR_GUARDED_BY(mutex_);  // by node id
  std::uint64_t streams_ WEIR_GUARDED_BY(mutex_) = 0;             // so far
  std::uint64_t serial_ WEIR_GUARDED_BY(mutex_) = 1;
};

}  // namespace weir::api
