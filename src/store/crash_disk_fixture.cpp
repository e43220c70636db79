#include "store/crash_disk_fixture.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace weir::store {
namespace {

bool flip(Random& random) { return random.below(2) == 0; }

void put_write(std::string& bytes, const CrashDisk::Write& write) {
  if (write.is_truncation) {
    bytes.resize(std::min(bytes.size(), write.offset));
    return;
  }
  bytes.resize(std::max(bytes.size(), write.offset + write.bytes.size()));
  bytes.replace(write.offset, write.bytes.size(), write.bytes);
}

/// Some sectors of the write arrive; one below a sector's size arrives up to some byte.
void put_torn(std::string& bytes, const CrashDisk::Write& write, Random& random) {
  if (write.is_truncation) return;
  if (write.bytes.size() <= kAtom) {
    put_write(bytes, {write.offset, write.bytes.substr(0, random.below(write.bytes.size()))});
    return;
  }
  for (std::size_t at = 0; at < write.bytes.size(); at += kAtom) {
    if (flip(random)) put_write(bytes, {write.offset + at, write.bytes.substr(at, kAtom)});
  }
}

/// Every second time a prefix, else any of them.
std::string with_subset(const CrashDisk::File& file, Random& random) {
  std::string bytes = file.durable;
  const bool is_prefix = flip(random);
  const std::size_t end = is_prefix ? random.below(file.pending.size() + 1) : file.pending.size();
  for (std::size_t i = 0; i < end; ++i) {
    if (is_prefix || flip(random)) put_write(bytes, file.pending[i]);
  }
  return bytes;
}

/// A prefix of them and a part of the next one. Every second time that is the very last one.
std::string with_torn(const CrashDisk::File& file, Random& random) {
  std::string bytes = file.durable;
  if (file.pending.empty()) return bytes;
  const std::size_t count = file.pending.size();
  const std::size_t torn = flip(random) ? count - 1 : random.below(count);
  for (std::size_t i = 0; i < torn; ++i) put_write(bytes, file.pending[i]);
  put_torn(bytes, file.pending[torn], random);
  return bytes;
}

std::string after_cut(const CrashDisk::File& file, Fate fate, Random& random) {
  switch (fate) {
    case Fate::kAll:
      return file.now;
    case Fate::kSubset:
      return with_subset(file, random);
    case Fate::kTorn:
      return with_torn(file, random);
    case Fate::kNone:
      break;
  }
  return file.durable;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

CrashDisk::FileId CrashDisk::open(const std::string& path) {
  const auto found = names_.find(path);
  if (found != names_.end()) return found->second;
  names_[path] = ++newest_;
  files_[newest_] = {};
  return newest_;
}

void CrashDisk::write(FileId id, std::size_t offset, std::string_view bytes) {
  File& file = files_.at(id);
  file.pending.push_back({offset, std::string(bytes)});
  put_write(file.now, file.pending.back());
  moment();
}

void CrashDisk::truncate(FileId id, std::size_t size) {
  File& file = files_.at(id);
  file.pending.push_back({size, "", true});
  put_write(file.now, file.pending.back());
  moment();
}

void CrashDisk::sync(FileId id) {
  moment();
  File& file = files_.at(id);
  for (const Write& write : file.pending) put_write(file.durable, write);
  file.pending.clear();
}

void CrashDisk::sync_folder_of(const std::string& any_path) {
  const std::string folder = folder_of(any_path);
  moment();
  for (auto at = durable_names_.begin(); at != durable_names_.end();) {
    const auto present = names_.find(at->first);
    if (!at->first.starts_with(folder) || (present != names_.end() && *present == *at)) {
      ++at;
      continue;
    }
    files_.erase(at->second);  // removed for good
    at = durable_names_.erase(at);
  }
  for (const auto& [path, id] : names_) {
    if (path.starts_with(folder)) durable_names_[path] = id;
  }
}

void CrashDisk::remove(const std::string& path) {
  moment();
  names_.erase(path);
}

CrashDisk::Image CrashDisk::cut(std::string_view folder, Fate fate, Random& random) const {
  Image image;
  std::set<std::string> paths;
  for (const Names* names : {&names_, &durable_names_}) {
    for (const auto& [path, id] : *names) {
      if (path.starts_with(folder)) paths.insert(path);
    }
  }
  for (const std::string& path : paths) {
    const bool is_newest = fate == Fate::kAll || (fate != Fate::kNone && flip(random));
    const Names& names = is_newest ? names_ : durable_names_;
    const auto found = names.find(path);
    if (found == names.end()) continue;
    image[path.substr(folder.size())] = after_cut(files_.at(found->second), fate, random);
  }
  return image;
}

bool CrashDisk::is_settled(std::string_view folder) const {
  const auto is_within = [&](const auto& name) { return name.first.starts_with(folder); };
  Names now;
  Names durable;
  std::ranges::copy_if(names_, std::inserter(now, now.end()), is_within);
  std::ranges::copy_if(durable_names_, std::inserter(durable, durable.end()), is_within);
  return now == durable && std::ranges::all_of(now, [&](const auto& name) {
           return files_.at(name.second).pending.empty();
         });
}

void CrashDisk::restore(const std::string& folder, const Image& image) {
  forget(folder);
  for (const auto& [name, bytes] : image) {
    const FileId id = open(folder + name);
    durable_names_[folder + name] = id;
    files_[id] = {.durable = bytes, .now = bytes};
  }
}

void CrashDisk::forget(std::string_view folder) {
  for (Names* names : {&names_, &durable_names_}) {
    for (auto at = names->begin(); at != names->end();) {
      if (!at->first.starts_with(folder)) {
        ++at;
        continue;
      }
      files_.erase(at->second);
      at = names->erase(at);
    }
  }
}

}  // namespace weir::store
