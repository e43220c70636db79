// What this node received, on disk: it starts from here with no control in reach. Two generations
// of a checkpoint and a log of frames (docs/formats/frames.md, "Replica"); it holds what was
// received, never what was compiled. Not the store: a node never reads that.
// Thread: owner loop (writes may block on the disk).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/frame.h"
#include "snapshot/object_set.h"
#include "snapshot/verdict.h"

namespace weir::agent {

/// A log larger than this is folded into a checkpoint, in bytes. Chosen because reading it takes
/// under 50 ms, so that a start stays short. Reached: it is folded.
inline constexpr std::uint64_t kReplicaLogBytesMax = 4 << 20;
/// ... or larger than so many times its checkpoint, so that a small replica stays small on disk.
inline constexpr std::uint64_t kReplicaLogRatioMax = 4;
/// The ratio counts only from this size on, in bytes. Chosen because folding costs two syncs.
inline constexpr std::uint64_t kReplicaLogBytesMin = 256 << 10;

/// What a replica held.
struct ReplicaState {
  snapshot::ObjectSet objects;  // its version is the last complete batch; 0/0 = nothing ever came
  snapshot::Verdicts verdicts;
};

/// One complete batch of the stream.
struct Batch {
  Version version;
  /// Objects that are not in the batch are gone.
  bool is_full = false;
  std::vector<model::Frame> frames;  // objects and tombstones
};

/// Applies a batch to a set as the stream means it.
void apply_batch(const Batch& batch, snapshot::ObjectSet& objects);

class Replica {
 public:
  /// Reads `folder` (made when missing, mode 0700) into `state`. Damage is survived: what follows a
  /// damaged frame in its file is left out, and the other generation stands in.
  /// Errors:  kUnavailable, kPermissionDenied when the folder cannot be used
  static Result<std::unique_ptr<Replica>> open(const std::string& folder, ReplicaState& state);

  /// Appends a batch that led from `before` to `after`; in the kernel's hands when it returns, on
  /// disk after sync(). A full batch is written as a new checkpoint, in both generations.
  /// Errors:  kUnavailable (disk full, I/O error): the next append writes a checkpoint instead
  Result<void> append(const Batch& batch, Version before, const ReplicaState& after);
  /// Verdicts count at once and are never synced: a lost one is measured again.
  /// Errors:  as append()
  Result<void> append(const snapshot::Verdict& verdict);
  Result<void> append_verdict_removed(const snapshot::TargetKey& target);
  /// One fdatasync per batch; nothing to do when no batch was appended since.
  /// Errors:  kUnavailable; the state is then written anew with the next batch
  Result<void> sync();
  /// Writes a checkpoint and starts an empty log. Errors: kUnavailable
  Result<void> fold(const ReplicaState& state);
  /// Writes everything anew when an earlier write has failed. Errors: kUnavailable
  Result<void> heal(const ReplicaState& state);
  /// The same as fold(), but only when the log has grown too large. Errors: kUnavailable
  Result<void> fold_if_large(const ReplicaState& state);

  /// Frames found damaged by open().
  std::uint64_t damage_count() const { return damage_count_; }
  std::uint64_t log_bytes() const { return log_bytes_; }
  std::uint64_t checkpoint_bytes() const { return checkpoint_bytes_; }

 private:
  explicit Replica(std::string folder) : folder_(std::move(folder)) {}

  Result<void> load(ReplicaState& state);
  Result<void> write_both_generations(const ReplicaState& state);
  Result<void> append_bytes(std::string_view bytes);
  Result<void> open_log(bool is_new);
  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }

  const std::string folder_;
  UniqueFd log_;
  std::uint64_t log_bytes_ = 0;
  std::uint64_t checkpoint_bytes_ = 0;
  std::uint64_t damage_count_ = 0;
  bool has_unsynced_batch_ = false;
  /// The log misses something: only a checkpoint makes the replica whole again.
  bool is_incomplete_ = false;
};

}  // namespace weir::agent
