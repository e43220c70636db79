#include "agent/replica_reader.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "agent/protocol.h"
#include "base/json.h"
#include "base/log.h"
#include "snapshot/verdict_id.h"

namespace weir::agent {
namespace {

struct ReplicaFile {
  bool exists = false;
  bool is_damaged = false;
  std::vector<model::Frame> frames;
  std::vector<std::uint64_t> ends;  // offset behind each frame
  std::uint64_t size = 0;
};

ReplicaFile read_file(const std::string& path) {
  ReplicaFile file;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return file;
  file.exists = true;
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  file.size = bytes.size();
  model::FrameDecoder decoder;
  decoder.feed(bytes);
  while (true) {
    Result<std::optional<model::Frame>> frame = decoder.next();
    if (!frame || (!frame->has_value() && decoder.pending() > 0)) {
      file.is_damaged = true;
      log::error("replica file is damaged, the rest of it is left out",
                 {{"file", path},
                  {"offset", decoder.consumed()},
                  {"size", file.size},
                  {"detail", frame ? "the last frame is cut" : frame.error().message}});
      return file;
    }
    if (!frame->has_value()) return file;
    file.frames.push_back(*std::move(*frame));
    file.ends.push_back(decoder.consumed());
  }
}

void apply_verdict(const model::Frame& frame, snapshot::Verdicts& verdicts) {
  const Result<snapshot::TargetKey> target = snapshot::target_of_verdict_id(frame.id);
  if (!target) return;  // Of a build that names targets otherwise: measured again.
  if (frame.is_tombstone) {
    verdicts.erase(*target);
    return;
  }
  const Result<Json> json = parse_json(frame.body);
  if (!json) return;
  Result<snapshot::Verdict> verdict = snapshot::verdict_from_json(*json);
  if (verdict) verdicts.insert_or_assign(*target, *std::move(verdict));
}

/// The version a batch builds on, as its commit frame says; nothing in one that cannot be read.
std::optional<Version> base_of(const model::Frame& commit) {
  const Result<Json> body = parse_json(commit.body);
  const Json* const after = body ? body->find("after") : nullptr;
  if (after == nullptr) return std::nullopt;
  return Version{Epoch(static_cast<std::uint64_t>(after->integer_or("epoch", 0))),
                 Revision(static_cast<std::uint64_t>(after->integer_or("revision", 0)))};
}

/// A checkpoint without its commit at the end is not used.
std::optional<ReplicaState> state_of_checkpoint(const ReplicaFile& file) {
  if (file.is_damaged || file.frames.empty()) return std::nullopt;
  if (file.frames.back().kind != message::kCommit) return std::nullopt;
  ReplicaState state;
  for (const model::Frame& frame : file.frames) {
    if (frame.kind == message::kVerdict) {
      apply_verdict(frame, state.verdicts);
    } else if (frame.kind == message::kCommit) {
      state.objects.set_version(frame.version);
    } else {
      state.objects.apply(frame);
    }
  }
  return state;
}

/// Applies the batches that continue `state`; those it holds already are passed over. Answers how
/// many bytes of the file count.
std::uint64_t replay(const ReplicaFile& file, ReplicaState& state) {
  std::uint64_t counted = 0;
  Batch batch;
  for (std::size_t i = 0; i < file.frames.size(); ++i) {
    const model::Frame& frame = file.frames[i];
    if (frame.kind == message::kVerdict) {
      apply_verdict(frame, state.verdicts);
    } else if (frame.kind == message::kCommit) {
      if (frame.version > state.objects.version()) {
        if (base_of(frame) != state.objects.version()) return counted;
        batch.version = frame.version;
        apply_batch(batch, state.objects);
      }
      batch.frames.clear();
    } else {
      batch.frames.push_back(frame);
    }
    if (batch.frames.empty()) counted = file.ends[i];
  }
  return counted;
}

}  // namespace

ReplicaReading read_replica(const std::string& folder) {
  const ReplicaFile checkpoint = read_file(folder + "/checkpoint");
  const ReplicaFile log = read_file(folder + "/log");
  const ReplicaFile previous = read_file(folder + "/checkpoint.previous");
  const ReplicaFile previous_log = read_file(folder + "/log.previous");

  ReplicaReading reading;
  reading.checkpoint_bytes = checkpoint.size;
  for (const ReplicaFile* file : {&checkpoint, &log, &previous, &previous_log}) {
    if (file->is_damaged) ++reading.damage_count;
  }
  auto newest = state_of_checkpoint(checkpoint);
  auto fallback = state_of_checkpoint(previous);
  reading.is_whole = reading.damage_count == 0 && newest && fallback;
  if (newest) {
    reading.state = *std::move(newest);
  } else if (fallback) {
    reading.state = *std::move(fallback);
    replay(previous_log, reading.state);
  }
  reading.log_bytes = replay(log, reading.state);
  return reading;
}

}  // namespace weir::agent
