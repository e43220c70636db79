// The objects a process knows, by kind and id, with the version they are complete up to. Filled
// from frames. Thread: owner loop.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/strong_type.h"
#include "model/frame.h"
#include "model/object.h"

namespace weir::snapshot {

/// A frame of an object kind, kept as received: what it means is decided by compile, which keeps a
/// last good version.
struct ReceivedObject {
  Version version;
  std::string body;
};

class ObjectSet {
 public:
  using Key = std::pair<std::string, std::string>;  // kind name (also unknown ones), id

  /// Takes an object frame or tombstone; a lower version than the one held is ignored (returns
  /// false).
  bool apply(const model::Frame& frame);
  void set_version(Version version) { version_ = version; }
  Version version() const { return version_; }
  const std::map<Key, ReceivedObject>& objects() const { return objects_; }
  void clear();

 private:
  Version version_;
  std::map<Key, ReceivedObject> objects_;
};

}  // namespace weir::snapshot
