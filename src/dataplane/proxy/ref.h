// A counted reference inside one worker: no atomic instruction, so it must not leave its thread.
// For the entries of the directory, which connections keep beyond the Snapshot that brought them.
// Thread: one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace weir::dataplane::proxy {

/// Base of what a Ref can hold.
struct Counted {
  std::uint32_t references = 0;
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(const Ref& other) : object_(other.object_) { add(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { remove(); }

  template <class... Arguments>
  static Ref make(Arguments&&... arguments) {
    return Ref(std::make_unique<T>(std::forward<Arguments>(arguments)...).release());
  }
  /// One more reference to an object that others hold.
  static Ref of(T& object) { return Ref(&object); }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  void reset() { remove(), object_ = nullptr; }

 private:
  explicit Ref(T* object) : object_(object) { add(); }
  void add() {
    if (object_ != nullptr) ++object_->references;
  }
  void remove() {
    if (object_ != nullptr && --object_->references == 0) std::unique_ptr<T>{object_}.reset();
  }

  T* object_ = nullptr;
};

}  // namespace weir::dataplane::proxy
