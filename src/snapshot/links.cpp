#include "snapshot/links.h"

namespace weir::snapshot {
namespace {

const Links::Ids& ids_at(const std::map<std::string, Links::Ids>& links, const std::string& id) {
  static const Links::Ids kNone;
  const auto found = links.find(id);
  return found == links.end() ? kNone : found->second;
}

}  // namespace

void Links::set(const std::string& from, const Ids& named) {
  const auto known = named_by_.find(from);
  if (known != named_by_.end()) {
    if (known->second == named) return;
    for (const std::string& id : known->second) {
      const auto at = naming_.find(id);
      at->second.erase(from);
      if (at->second.empty()) naming_.erase(at);
    }
    named_by_.erase(known);
  }
  if (named.empty()) return;
  for (const std::string& id : named) naming_[id].insert(from);
  named_by_.emplace(from, named);
}

const Links::Ids& Links::named_by(const std::string& from) const { return ids_at(named_by_, from); }

const Links::Ids& Links::naming(const std::string& named) const { return ids_at(naming_, named); }

}  // namespace weir::snapshot
