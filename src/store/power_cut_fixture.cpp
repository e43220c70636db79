#include "store/power_cut_fixture.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "base/check.h"
#include "store/store_contract.h"

namespace weir::store {
namespace {

constexpr std::array kFates = {Fate::kNone, Fate::kAll, Fate::kSubset, Fate::kTorn};
constexpr std::array kFateNames = {"none", "all", "subset", "torn"};
/// Chosen because lists and files stay small, while every kind of transaction finds something.
constexpr std::size_t kResourcesMax = 60;
/// A life ends after up to so many transactions, or as soon as it has begun.
constexpr std::uint64_t kTransactionsOfALife = 24;
/// Every second life but the first starts with a log of about so much, short of the size at which
/// SQLite folds it into the database, so that a few transactions later the power fails while that
/// is done.
constexpr std::uint64_t kLongLogBytesMin = 3'600'000;
constexpr std::uint64_t kLongLogBytesMax = 4'100'000;

/// Everything that a reader can see, but for what is older than the last few transactions.
std::string describe(const Store& store) {
  constexpr std::uint64_t kRecent = 20;
  const Version version = store.version();
  std::string text = to_string(version) + "\n";
  const auto listing = store.list("");
  if (!listing) return to_string(listing.error());
  for (const Entry& entry : listing->entries) {
    text += entry.key + "=" + entry.value + "@" + std::to_string(entry.revision.value) + "\n";
  }
  const Revision after(version.revision.value - std::min(version.revision.value, kRecent));
  const auto changes = store.changes_after(after, long_ago());
  if (!changes) return to_string(changes.error());
  for (const Change& change : changes->changes) {
    text += change.key + (change.value ? "=" + *change.value : " gone") + "@" +
            std::to_string(change.revision.value) + "\n";
  }
  const auto audit = store.audit_rows(kRecent);
  if (!audit) return to_string(audit.error());
  for (const auto& [number, row] : *audit) {
    text += std::to_string(number) + " " + row.operation + " " + row.object + "\n";
  }
  return text;
}

bool is_empty(const Store& store) {
  const auto listing = store.list("");
  return listing && listing->entries.empty();
}

}  // namespace

std::string ApiLikeWriter::document() {
  // Now and then one that fills many pages, so that the log is folded often.
  const std::uint64_t size = random_.below(20) == 0 ? 30'000 : 1'000;
  return random_.word(8) + std::string(100 + random_.below(size), 'd');
}

Transaction ApiLikeWriter::create() {
  const std::string id = "backend-" + std::to_string(++newest_);
  const std::string name = "name/lb-1/backend/" + id;
  resources_[id] = name;
  Transaction transaction{.expectations = {{name, Revision(0)}},
                          .writes = {{"object/backend/" + id, document()}, {name, id}},
                          .counters = {{"quota/backend", 1, 1'000}},
                          .audit = kSomebody};
  transaction.writes.push_back({"root/lb-1", id});
  transaction.audit.object = id;
  return transaction;
}

Transaction ApiLikeWriter::update(const Store& store, std::size_t count) {
  Transaction transaction{.audit = kSomebody};
  transaction.audit.operation = "update backend";
  auto at =
      std::next(resources_.begin(), static_cast<std::ptrdiff_t>(random_.below(resources_.size())));
  for (std::size_t i = 0; i < count && at != resources_.end(); ++i, ++at) {
    const std::string key = "object/backend/" + at->first;
    const auto entry = store.get(key);
    WEIR_CHECK(entry.ok());
    transaction.expectations.push_back({key, entry->revision});
    transaction.writes.push_back({key, document()});
  }
  return transaction;
}

Transaction ApiLikeWriter::remove() {
  const auto at =
      std::next(resources_.begin(), static_cast<std::ptrdiff_t>(random_.below(resources_.size())));
  Transaction transaction{
      .writes = {{"object/backend/" + at->first, std::nullopt}, {at->second, std::nullopt}},
      .counters = {{"quota/backend", -1, {}}},
      .audit = kSomebody};
  transaction.audit.operation = "delete backend";
  transaction.audit.object = at->first;
  resources_.erase(at);
  return transaction;
}

Transaction ApiLikeWriter::next(const Store& store) {
  if (resources_.empty()) return create();
  const std::uint64_t kind = random_.below(10);
  if (kind < 4) return resources_.size() < kResourcesMax ? create() : remove();
  if (kind < 7) return update(store, 1);
  if (kind == 7) return update(store, 10);
  if (kind == 8) return remove();
  Transaction refused{.audit = kSomebody};
  refused.audit.result = "quota exceeded";
  return refused;
}

PowerCuts::PowerCuts(std::uint64_t seed, Deceit deceit)
    : random_(seed), vfs_("weir-crash", seed), reference_(clock_, metrics_), writer_(random_) {
  vfs_.deceive(deceit);
  // On the real disk the store makes its lock, and finds a file that it need not make or sync.
  for (const char* name : {"life", "cut"}) {
    std::filesystem::create_directory(folder(name));
    std::ofstream(folder(name) + "weir.db") << "stands for the file on the crash disk\n";
  }
  after_ = describe(reference_);
}

Result<std::unique_ptr<SqliteStore>> PowerCuts::open(const std::string& folder) {
  return SqliteStore::open({folder + "weir.db", vfs_.name()}, clock_, metrics_);
}

PowerCutBalance PowerCuts::run(std::uint64_t points, bool stops_at_failure) {
  points_wanted_ = points;
  while (balance_.points < points && !(stops_at_failure && balance_.failures() > 0)) live();
  balance_.checkpoints = vfs_.checkpoints();
  return balance_;
}

void PowerCuts::live() {
  start_life();
  const std::uint64_t transactions = random_.below(kTransactionsOfALife + 1);
  for (std::uint64_t i = 0; i < transactions && balance_.points < points_wanted_; ++i) {
    write(writer_.next(reference_));
  }
  end_life();
}

void PowerCuts::start_life() {
  ++balance_.lives;
  vfs_.disk().restore(folder("life"), remnant_.files);
  remnants_offered_ = 0;
  started_with_last_ = remnant_.holds_last;
  is_starting_ = true;
  vfs_.disk().observe([this] { examine_point(); });
  auto opened = open(folder("life"));
  WEIR_CHECK(opened.ok());
  store_ = *std::move(opened);
  is_starting_ = false;
  // As a client does that got no answer.
  if (!started_with_last_) write_pending();
  if (balance_.lives > 1 && random_.below(2) == 0) lengthen_log();
}

void PowerCuts::lengthen_log() {
  vfs_.disk().observe({});
  const std::uint64_t size = kLongLogBytesMin + random_.below(kLongLogBytesMax - kLongLogBytesMin);
  constexpr std::uint64_t kPart = 900'000;
  for (std::uint64_t done = 0; done < size; done += kPart) {
    write(writing("bulk/log", std::string(std::min(kPart, size - done), 'l')));
  }
  write(deleting("bulk/log"));
  vfs_.disk().observe([this] { examine_point(); });
}

/// Every third time in order, which folds the log and removes it, under the eyes of the observer.
void PowerCuts::end_life() {
  if (random_.below(3) == 0) {
    store_.reset();
    ++balance_.ends_in_order;
  }
  vfs_.disk().observe({});
  if (remnants_offered_ == 0) {
    remnant_ = {vfs_.disk().cut(folder("life"), Fate::kAll, random_), true};
  }
  store_.reset();
}

void PowerCuts::write(Transaction transaction) {
  clock_.advance(std::chrono::seconds(1));
  pending_ = std::move(transaction);
  before_ = after_;
  WEIR_CHECK(reference_.commit(pending_).ok());
  after_ = describe(reference_);
  past_.insert(std::hash<std::string>()(before_));
  write_pending();
}

void PowerCuts::write_pending() {
  remnants_offered_ = 0;
  is_answered_ = false;
  const auto revision = store_->commit(pending_);
  WEIR_CHECK(revision.ok() && *revision == reference_.version().revision);
  is_answered_ = true;
  if (!vfs_.disk().is_observed()) return;
  ++balance_.acknowledged;
  examine_point();
}

void PowerCuts::examine_point() {
  if (balance_.points >= points_wanted_) return;
  ++balance_.points;
  report_progress();
  if (vfs_.disk().is_settled(folder("life"))) return examine(Fate::kNone);
  for (const Fate fate : kFates) examine(fate);
}

void PowerCuts::examine(Fate fate) {
  CrashDisk& disk = vfs_.disk();
  const auto number = static_cast<std::size_t>(fate);
  ++balance_.cuts;
  ++balance_.by_fate.at(number);
  disk.observe({});
  const CrashDisk::Image image = disk.cut(folder("life"), fate, random_);
  disk.restore(folder("cut"), image);
  if (const auto store = open(folder("cut")); !store) {
    fail(balance_.unopened, to_string(store.error()));
  } else if (is_whole(**store)) {
    const Found found = judge(**store, kFateNames.at(number));
    if (found != Found::kHarm) offer_remnant(image, found == Found::kAfter);
    expect_to_go_on(**store);
  }
  disk.observe([this] { examine_point(); });
}

bool PowerCuts::is_whole(SqliteStore& store) {
  const auto verdict = store.check_integrity();
  if (!verdict) fail(balance_.damaged, to_string(verdict.error()));
  return verdict.ok();
}

/// A start changes nothing that is told; where there is no store yet it makes one that is empty, as
/// the reference is then.
PowerCuts::Found PowerCuts::judge_start(const std::string& found) const {
  if (found != (started_with_last_ ? after_ : before_)) return Found::kHarm;
  return started_with_last_ ? Found::kAfter : Found::kBefore;
}

/// It must hold what was acknowledged, and the transaction in flight whole or not.
PowerCuts::Found PowerCuts::judge(SqliteStore& store, const char* fate) {
  const std::string found = describe(store);
  if (is_starting_ && judge_start(found) != Found::kHarm) return judge_start(found);
  if (!is_starting_ && found == after_) {
    if (!is_answered_) ++balance_.present_unanswered;
    return Found::kAfter;
  }
  if (!is_starting_ && !is_answered_ && found == before_) {
    ++balance_.absent_unanswered;
    return Found::kBefore;
  }
  // A store that lost its very first transaction is made anew, in another epoch.
  const bool is_old = past_.contains(std::hash<std::string>()(found)) || is_empty(store);
  const auto version = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  fail(is_old ? balance_.lost : balance_.halved,
       "fate " + std::string(fate) + ", expected " + version(after_) + ", found " + version(found));
  return Found::kHarm;
}

void PowerCuts::expect_to_go_on(SqliteStore& store) {
  const auto taken = store.commit(writing("object/after/cut", "taken"));
  if (!taken) fail(balance_.stuck, to_string(taken.error()));
}

void PowerCuts::fail(std::uint64_t& kind, const std::string& what) {
  ++kind;
  if (!balance_.first_failure.empty()) return;
  balance_.first_failure = "point " + std::to_string(balance_.points) + ": " + what;
}

/// One of those of the newest transaction, each as likely as another.
void PowerCuts::offer_remnant(const CrashDisk::Image& image, bool holds_last) {
  if (random_.below(++remnants_offered_) == 0) remnant_ = {image, holds_last};
}

void PowerCuts::report_progress() const {
  if (balance_.points % 500 != 0) return;
  std::cerr << balance_.points << " of " << points_wanted_ << " points, " << balance_.cuts
            << " cuts, " << balance_.failures() << " did harm\n";
}

std::string to_json(const PowerCutBalance& balance) {
  std::string text = "{";
  const auto add = [&](const char* name, std::uint64_t value) {
    text += (text.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + std::to_string(value);
  };
  add("points", balance.points);
  add("cuts", balance.cuts);
  for (std::size_t i = 0; i < kFates.size(); ++i) add(kFateNames.at(i), balance.by_fate.at(i));
  add("lives", balance.lives);
  add("ends_in_order", balance.ends_in_order);
  add("acknowledged", balance.acknowledged);
  add("present_unanswered", balance.present_unanswered);
  add("absent_unanswered", balance.absent_unanswered);
  add("checkpoints", balance.checkpoints);
  add("lost", balance.lost);
  add("halved", balance.halved);
  add("unopened", balance.unopened);
  add("damaged", balance.damaged);
  add("stuck", balance.stuck);
  return text + "}";
}

}  // namespace weir::store
