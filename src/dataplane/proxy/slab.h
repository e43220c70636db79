// Objects of one type at stable addresses, found by index and generation, so that a late event
// never reaches the wrong object. An object that is done is retired at once and destroyed at the
// end of the loop turn, so that nobody frees the frame he stands in. Grows by chunks and keeps
// them. Thread: one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weir::dataplane::proxy {

/// Base of everything that lives in a Slab.
struct SlabObject {
  std::uint32_t slab_index = 0;
  std::uint32_t slab_generation = 0;  // 24 bits
  bool is_retired = false;
};

template <class T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    sweep();
    for_each([this](T& object) { destroy(object); });
  }

  template <class... Arguments>
  T& make(Arguments&&... arguments) {
    if (free_ == kNone) grow();
    Cell& cell = cell_at(free_);
    const std::uint32_t index = free_;
    free_ = cell.next_free;
    T* object = new (cell.storage) T(std::forward<Arguments>(arguments)...);
    object->slab_index = index;
    object->slab_generation = cell.generation;
    cell.is_live = true;
    ++size_;
    return *object;
  }

  /// Null when that object is gone.
  T* find(std::uint32_t index, std::uint32_t generation) {
    if (index >= chunks_.size() * kChunk) return nullptr;
    Cell& cell = cell_at(index);
    if (!cell.is_live || cell.generation != generation) return nullptr;
    T* object = cell.object();
    return object->is_retired ? nullptr : object;
  }

  /// No event finds the object any more; sweep() destroys it.
  void retire(T& object) {
    if (WEIR_BUG(object.is_retired)) return;
    object.is_retired = true;
    retired_.push_back(&object);
  }

  void sweep() {
    // A destructor may retire others.
    for (std::size_t i = 0; i < retired_.size(); ++i) destroy(*retired_[i]);
    retired_.clear();
  }

  /// Calls `visit` for every object that is not retired; it may retire and make objects.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t index = 0; index < chunks_.size() * kChunk; ++index) {
      Cell& cell = cell_at(index);
      if (cell.is_live && !cell.object()->is_retired) visit(*cell.object());
    }
  }

  std::size_t size() const { return size_; }

 private:
  /// Objects. Chosen because 64 objects of a few hundred bytes are some pages, and one allocation
  /// serves many.
  static constexpr std::uint32_t kChunk = 64;
  static constexpr std::uint32_t kNone = 0x7fff'ffff;  // fits next_free
  static constexpr std::uint32_t kGenerationMask = 0xff'ffff;

  struct Cell {
    alignas(T) std::byte storage[sizeof(T)];
    std::uint32_t generation = 0;
    std::uint32_t next_free : 31 = 0;
    std::uint32_t is_live : 1 = 0;

    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };

  Cell& cell_at(std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }

  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
    chunks_.push_back(std::make_unique<Cell[]>(kChunk));
    for (std::uint32_t i = kChunk; i-- > 0;) release(first + i);
  }

  void release(std::uint32_t index) {
    Cell& cell = cell_at(index);
    cell.next_free = free_;
    free_ = index;
  }

  void destroy(T& object) {
    const std::uint32_t index = object.slab_index;
    Cell& cell = cell_at(index);
    object.~T();
    cell.is_live = false;
    cell.generation = (cell.generation + 1) & kGenerationMask;
    release(index);
    --size_;
  }

  std::vector<std::unique_ptr<Cell[]>> chunks_;
  std::vector<T*> retired_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace weir::dataplane::proxy
