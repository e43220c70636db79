// Which objects name which, by id, both ways: so that a change finds whom it concerns without a
// look at the rest. Used by compile alone. Thread: owner.
#pragma once

#include <map>
#include <set>
#include <string>

namespace weir::snapshot {

class Links {
 public:
  using Ids = std::set<std::string>;

  /// From now on `from` names exactly these; none: it is forgotten.
  void set(const std::string& from, const Ids& named);
  const Ids& named_by(const std::string& from) const;
  const Ids& naming(const std::string& named) const;

 private:
  std::map<std::string, Ids> named_by_;
  std::map<std::string, Ids> naming_;
};

}  // namespace weir::snapshot
