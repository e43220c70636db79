#include "api/apply.h"

#include <algorithm>
#include <thread>

#include "api/apply_stage.h"
#include "api/policy.h"
#include "api/quotas.h"
#include "api/staged_writes.h"
#include "api/write_errors.h"
#include "model/registry.h"
#include "store/transaction_rules.h"

namespace weir::api {
namespace {

using Ground = StagedWrites::Ground;

/// Of a whole unit: no document alone is to blame.
Error of_unit(const ApplyUnit& unit, const Error& error) {
  return {error.code, unit.title + ": " + error.message, ""};
}

/// Everything there is, to write into; the objects are shared.
model::ObjectIndex picture_of(const Catalog& catalog, Revision& moment) {
  return catalog.read([&](const model::ObjectIndex& index, Revision revision) {
    moment = revision;
    return index;
  });
}

NativeCall call_of(ChangeAction action) {
  switch (action) {
    case ChangeAction::kCreate:
      return NativeCall::kCreate;
    case ChangeAction::kUpdate:
      return NativeCall::kReplace;
    case ChangeAction::kDelete:
      return NativeCall::kDelete;
  }
  return NativeCall::kDelete;
}

}  // namespace

/// Each unit with something to write, and what all of them change.
struct Applier::Planned {
  std::vector<ApplyUnit> units{};
  Answer answer{};
};

Errors check_rights(const ChangeList& changes, const Caller& caller) {
  Errors errors;
  for (const ResourceChange& change : changes) {
    const std::string operation =
        std::string(word_of(change.action)) + " " + std::string(model::kind_name(change.kind));
    const auto allowed =
        check_right(caller, rule_of(call_of(change.action), change.kind), operation);
    if (allowed || std::ranges::find(errors, allowed.error()) != errors.end()) continue;
    errors.push_back(allowed.error());
  }
  return errors;
}

/// `sums`: what the units before it add to each counter.
void Applier::check_limits(const ApplyUnit& unit, const store::Transaction& transaction,
                           std::map<std::string, std::int64_t>& sums, Errors& errors) const {
  const auto fits = store::check_transaction(transaction, parts_.metrics);
  if (!fits) errors.push_back(of_unit(unit, explained(fits.error())));
  for (store::CounterChange change : transaction.counters) {
    const std::int64_t own = change.amount;
    change.amount += sums[change.key];
    sums[change.key] += own;
    if (own <= 0) continue;
    const auto stored = parts_.store.get(change.key);
    const auto sum =
        store::counter_sum(stored ? std::optional(stored->value) : std::nullopt, change);
    if (!sum) errors.push_back(of_unit(unit, explained(sum.error())));
  }
}

Applier::Planned Applier::plan_all(const ApplyRequest& request, const Caller& caller) const {
  Planned planned;
  Answer& answer = planned.answer;
  auto ground = Ground::read(parts_.writer, {});
  if (!ground) {
    answer.errors.push_back(ground.error());
    return planned;
  }
  // All units are judged on one moment, each with those before it.
  model::ObjectIndex picture = picture_of(parts_.catalog, answer.revision);
  std::set<UnitStage::Key> seen;
  std::map<std::string, std::int64_t> sums;
  for (ApplyUnit& unit : units_of(request, picture, caller.account)) {
    StagedWrites writes({parts_.writer, *ground, picture}, caller);
    UnitStage stage({parts_.writer, writes, picture, caller});
    Errors errors = stage.stage(unit, seen);
    const bool is_changed = writes.is_changed();
    if (errors.empty() && is_changed) {
      store::Transaction transaction = writes.take(unit.operation).transaction;
      const auto limited = apply_limits(parts_.store, transaction);
      if (!limited) errors.push_back(of_unit(unit, limited.error()));
      check_limits(unit, transaction, sums, errors);
    }
    std::ranges::move(errors, std::back_inserter(answer.errors));
    std::ranges::move(stage.take_changes(), std::back_inserter(answer.changes));
    if (is_changed) planned.units.push_back(std::move(unit));
  }
  return planned;
}

Applier::Answer Applier::plan(const ApplyRequest& request, const Caller& caller) const {
  Answer answer = plan_all(request, caller).answer;
  // The ids that were drawn are nobody's.
  for (ResourceChange& change : answer.changes) {
    if (change.action == ChangeAction::kCreate) change.id.clear();
  }
  return answer;
}

Applier::Answer Applier::apply(const ApplyRequest& request, const Caller& caller) const {
  const Planned planned = plan_all(request, caller);
  Answer answer;
  answer.revision = planned.answer.revision;
  answer.errors = planned.answer.errors;
  if (answer.errors.empty()) answer.errors = check_rights(planned.answer.changes, caller);
  if (!answer.errors.empty()) return answer;
  for (const ApplyUnit& unit : planned.units) {
    if (!write(unit, caller, answer)) break;
  }
  return answer;
}

bool Applier::write(const ApplyUnit& unit, const Caller& caller, Answer& answer) const {
  std::set<std::string> roots;
  Error last{ErrorCode::kUnavailable, "too many writes at once", ""};
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    auto ground = Ground::read(parts_.writer, roots);
    if (!ground) {
      answer.errors.push_back(of_unit(unit, ground.error()));
      return false;
    }
    Revision moment;
    model::ObjectIndex picture = picture_of(parts_.catalog, moment);
    StagedWrites writes({parts_.writer, *ground, picture}, caller);
    UnitStage stage({parts_.writer, writes, picture, caller});
    std::set<UnitStage::Key> seen;
    Errors errors = stage.stage(unit, seen);
    if (!errors.empty()) {
      std::ranges::move(errors, std::back_inserter(answer.errors));
      return false;
    }
    if (!writes.is_changed()) return true;
    auto staged = writes.take(unit.operation);
    if (!staged.missing_roots.empty()) {
      roots.merge(staged.missing_roots);
      continue;
    }
    const auto limited = apply_limits(parts_.store, staged.transaction);
    const auto committed =
        limited ? parts_.store.commit(staged.transaction) : Result<Revision>(limited.error());
    if (committed) {
      // The write is done whatever this says; a reader meets the same failure itself.
      (void)parts_.catalog.refresh();
      std::ranges::move(stage.take_changes(), std::back_inserter(answer.changes));
      answer.revision = *committed;
      return true;
    }
    last = committed.error();
    if (!is_lost_race(last)) break;
    std::this_thread::yield();
  }
  answer.errors.push_back(of_unit(unit, explained(last)));
  return false;
}

}  // namespace weir::api
