// What a changed object concerns: links between received objects by id, placed here or not, and the
// ids that a compilation has to build anew. Used by compile alone. Thread: owner.
#pragma once

#include "snapshot/fact_cache.h"
#include "snapshot/links.h"

namespace weir::snapshot {

/// Named "from_to".
struct Relations {
  Links placement_lb;
  Links lb_address;  // VIP and elastic IP, as text
  Links lb_security_groups;
  Links listener_lb;
  Links listener_backend;
  Links backend_lb;
  Links service_groups;  // asked for or under check; written by compile
  Links group_instances;
  Links table_group;
  Links drain_lb;
};

/// Ids of what has to be built anew.
struct Affected {
  Links::Ids load_balancers;
  Links::Ids services;
  Links::Ids listeners;
  Links::Ids drains;
};

inline void add_ids(Links::Ids& into, const Links::Ids& ids) {
  into.insert(ids.begin(), ids.end());
}
inline Links::Ids one_id(const std::string& id) {
  return id.empty() ? Links::Ids() : Links::Ids{id};
}

/// Brings `relations` up to date with the facts of an object that came, changed or has gone, and
/// adds whom that concerns.
void relate(const ObjectSet::Key& key, const FactCache& facts, Relations& relations,
            Affected& affected);

}  // namespace weir::snapshot
