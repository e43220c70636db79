#include "agent/replica.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "agent/protocol.h"
#include "agent/replica_reader.h"
#include "base/log.h"
#include "net/system_error.h"

namespace weir::agent {
namespace {

constexpr std::string_view kCheckpoint = "checkpoint";
constexpr std::string_view kLog = "log";
constexpr std::string_view kNewCheckpoint = "checkpoint.new";
constexpr std::string_view kPreviousCheckpoint = "checkpoint.previous";
constexpr std::string_view kPreviousLog = "log.previous";

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return net::system_error("write " + path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_folder(const std::string& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return net::system_error("sync " + folder, errno);
  return {};
}

/// A file that is not there is no error: the rotation may have been cut in the middle before.
Result<void> rename_if_there(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  return net::system_error("rename " + from, errno);
}

model::Frame object_frame(const snapshot::ObjectSet::Key& key,
                          const snapshot::ReceivedObject& object) {
  model::Frame frame = signal_frame(key.first, key.second, object.version);
  frame.body = object.body;
  return frame;
}

model::Frame commit_frame(Version version, Version after) {
  const Json body = Json::object(
      {{"after", Json::object({{"epoch", static_cast<std::int64_t>(after.epoch.value)},
                               {"revision", static_cast<std::int64_t>(after.revision.value)}})}});
  return message_frame(message::kCommit, {}, body, version);
}

std::string checkpoint_text(const ReplicaState& state) {
  std::string bytes;
  for (const auto& [key, object] : state.objects.objects()) {
    bytes += model::encode(object_frame(key, object));
  }
  for (const auto& [target, verdict] : state.verdicts) {
    bytes += model::encode(verdict_frame(verdict));
  }
  bytes += model::encode(commit_frame(state.objects.version(), state.objects.version()));
  return bytes;
}

}  // namespace

void apply_batch(const Batch& batch, snapshot::ObjectSet& objects) {
  if (batch.is_full) objects.clear();
  for (const model::Frame& frame : batch.frames) {
    // A version lower than the one held was applied before.
    static_cast<void>(objects.apply(frame));
  }
  objects.set_version(batch.version);
}

Result<std::unique_ptr<Replica>> Replica::open(const std::string& folder, ReplicaState& state) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return net::system_error("make " + folder, errno);
  }
  std::unique_ptr<Replica> replica(new Replica(folder));
  WEIR_TRY(replica->load(state));
  return replica;
}

Result<void> Replica::load(ReplicaState& state) {
  ReplicaReading reading = read_replica(folder_);
  damage_count_ = reading.damage_count;
  checkpoint_bytes_ = reading.checkpoint_bytes;
  state = std::move(reading.state);
  const bool is_empty = state.objects.version() == Version{} && state.verdicts.empty();
  if (is_empty) {
    // Damaged files without a usable generation stay as they are, for whoever looks into them,
    // until the first batch is written over them.
    is_incomplete_ = damage_count_ > 0;
    return is_incomplete_ ? Result<void>() : open_log(true);
  }
  if (!reading.is_whole) {
    // The node runs on what was read even when the disk takes nothing.
    const Result<void> healed = write_both_generations(state);
    if (!healed) log::error("replica cannot be repaired", {{"detail", healed.error().message}});
    is_incomplete_ = !healed.ok();
    return {};
  }
  WEIR_TRY(open_log(false));
  // Cuts a batch whose commit never came.
  if (ftruncate(log_.get(), static_cast<off_t>(reading.log_bytes)) != 0) {
    return net::system_error("cut " + path(kLog), errno);
  }
  log_bytes_ = reading.log_bytes;
  return {};
}

Result<void> Replica::open_log(bool is_new) {
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | (is_new ? O_TRUNC : 0);
  log_.reset(::open(path(kLog).c_str(), flags, 0600));
  if (!log_.valid()) return net::system_error("open " + path(kLog), errno);
  log_bytes_ = 0;
  return {};
}

Result<void> Replica::append(const Batch& batch, Version before, const ReplicaState& after) {
  if (batch.is_full || is_incomplete_ || before == Version{}) return write_both_generations(after);
  std::string bytes;
  for (const model::Frame& frame : batch.frames) bytes += model::encode(frame);
  bytes += model::encode(commit_frame(batch.version, before));
  has_unsynced_batch_ = true;
  return append_bytes(bytes);
}

Result<void> Replica::append(const snapshot::Verdict& verdict) {
  return append_bytes(model::encode(verdict_frame(verdict)));
}

Result<void> Replica::append_verdict_removed(const snapshot::TargetKey& target) {
  return append_bytes(model::encode(verdict_tombstone(target)));
}

Result<void> Replica::append_bytes(std::string_view bytes) {
  if (is_incomplete_) return {};  // The next checkpoint brings it.
  const Result<void> written = write_all(log_.get(), bytes, path(kLog));
  if (!written) is_incomplete_ = true;
  log_bytes_ += bytes.size();
  return written;
}

Result<void> Replica::sync() {
  if (!std::exchange(has_unsynced_batch_, false) || is_incomplete_) return {};
  if (fdatasync(log_.get()) == 0) return {};
  // What reached the disk is unknown after a failed sync: only a new checkpoint is certain.
  is_incomplete_ = true;
  return net::system_error("sync " + path(kLog), errno);
}

Result<void> Replica::fold_if_large(const ReplicaState& state) {
  const bool is_out_of_ratio =
      log_bytes_ > kReplicaLogBytesMin && log_bytes_ > kReplicaLogRatioMax * checkpoint_bytes_;
  if (log_bytes_ <= kReplicaLogBytesMax && !is_out_of_ratio) return {};
  return fold(state);
}

Result<void> Replica::heal(const ReplicaState& state) {
  // Nothing came yet: damaged files stay for whoever looks into them.
  if (!is_incomplete_ || state.objects.version() == Version{}) return {};
  return write_both_generations(state);
}

Result<void> Replica::write_both_generations(const ReplicaState& state) {
  is_incomplete_ = true;
  WEIR_TRY(fold(state));
  return fold(state);
}

Result<void> Replica::fold(const ReplicaState& state) {
  is_incomplete_ = true;
  const std::string bytes = checkpoint_text(state);
  const std::string fresh = path(kNewCheckpoint);
  UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return net::system_error("open " + fresh, errno);
  WEIR_TRY(write_all(fd.get(), bytes, fresh));
  if (fdatasync(fd.get()) != 0) return net::system_error("sync " + fresh, errno);
  // Each state between these renames reads back: see the order in read_replica().
  WEIR_TRY(rename_if_there(path(kCheckpoint), path(kPreviousCheckpoint)));
  WEIR_TRY(rename_if_there(path(kLog), path(kPreviousLog)));
  WEIR_TRY(rename_if_there(fresh, path(kCheckpoint)));
  WEIR_TRY(open_log(true));
  WEIR_TRY(sync_folder(folder_));
  checkpoint_bytes_ = bytes.size();
  is_incomplete_ = false;
  has_unsynced_batch_ = false;
  return {};
}

}  // namespace weir::agent
