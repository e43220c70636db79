// Creates: what is asked for becomes drafts, and those one write; a repeated one gets what the
// first made.
#include <algorithm>
#include <optional>

#include "api/client_tokens.h"
#include "api/quotas.h"
#include "api/resource_writer.h"
#include "api/write_errors.h"
#include "base/clock.h"
#include "base/random.h"
#include "model/instance_batch.h"
#include "model/object_body.h"
#include "model/registry.h"
#include "store/transaction_rules.h"

namespace weir::api {

using model::Kind;
using model::Object;

/// What a repeated create gets: the objects of the first, by kind, id and revision alone.
std::vector<Object> ResourceWriter::made_before(const KnownToken& known,
                                                std::span<const Draft> drafts) {
  std::vector<Object> objects;
  for (const model::Id& id : *known.first) {
    Object& object = objects.emplace_back();
    object.kind = drafts[std::min(objects.size(), drafts.size()) - 1].object.kind;
    object.id = id;
    object.revision = known.revision;
  }
  return objects;
}

ResourceWriter::Draft ResourceWriter::draft(Kind kind, const Json& body,
                                            const Caller& caller) const {
  Draft draft;
  Object& object = draft.object;
  draft.errors = model::read_create(kind, body, object);
  Random random;
  object.kind = kind;
  object.id = model::new_id(kind, object.spec, random);
  object.owner = caller.account;
  object.created = utc_text(clock_.wall_now());
  return draft;
}

/// Whoever repeats a create while the first is still at work finds its name or address taken: then
/// the first has been done meanwhile, and its token says so.
Outcome<std::vector<Object>> ResourceWriter::write_new(std::span<const Draft> drafts,
                                                       const Operation& operation) {
  auto written = write([&] { return plan_create(drafts, operation); });
  const RepeatToken& repeat = operation.caller.repeat;
  if (written.ok() || repeat.text.empty()) return written;
  const auto known =
      read_client_token(store_, {operation.caller.who, operation.name, repeat}, clock_.wall_now());
  if (!known || !known->first) return written;
  return made_before(*known, drafts);
}

Outcome<std::vector<Object>> ResourceWriter::create_all(std::span<const Draft> drafts,
                                                        const Caller& caller, bool is_dry_run) {
  const Object& last = drafts.back().object;
  Operation operation{"create " + std::string(model::kind_name(last.kind)), caller};
  if (!is_dry_run) return write_new(drafts, operation);
  operation.caller.repeat = {};  // nothing is made that it could stand for
  return try_out(plan_create(drafts, operation));
}

Outcome<std::vector<Object>> ResourceWriter::create_batch(Kind kind, const Json& body,
                                                          std::optional<std::size_t> count,
                                                          const Caller& caller) {
  const Operation operation{"create " + std::string(model::kind_name(kind)), caller};
  std::vector<Draft> drafts;
  drafts.push_back(draft(kind, count ? model::instance_body(body, 0) : body, caller));
  // What cannot be read of the first cannot be read of any: it is told once, before a body that
  // nothing limits but its length is taken a hundred times.
  const bool is_readable = drafts.front().errors.empty();
  for (std::size_t place = 1; is_readable && place < count.value_or(1); ++place) {
    drafts.push_back(draft(kind, model::instance_body(body, place), caller));
  }
  return write_new(drafts, operation);
}

/// What the store would say of the quotas.
Outcome<std::vector<Object>> ResourceWriter::try_out(Outcome<Prepared> prepared) const {
  if (!prepared.ok()) return std::move(prepared.errors);
  const auto limited = apply_limits(store_, prepared.value->transaction);
  if (!limited) return limited.error();
  Errors errors;
  for (const store::CounterChange& change : prepared.value->transaction.counters) {
    const auto counter = store_.get(change.key);
    if (!counter && counter.error().code != ErrorCode::kNotFound) return counter.error();
    const auto stored = counter ? std::optional(counter->value) : std::nullopt;
    const auto sum = store::counter_sum(stored, change);
    if (!sum) errors.push_back(explained(sum.error()));
  }
  if (!errors.empty()) return errors;
  return std::move(prepared.value->objects);
}

Outcome<Object> ResourceWriter::create(Kind kind, const Json& body, const Caller& caller) {
  const Draft wanted = draft(kind, body, caller);
  return last_of(create_all({&wanted, 1}, caller));
}

Outcome<Object> ResourceWriter::create_own(const Object& object, const Caller& caller) {
  const Draft wanted{object, {}, ""};
  return last_of(create_all({&wanted, 1}, caller));
}

}  // namespace weir::api
