// A doubly linked list through its elements: no allocation, an element leaves in constant time.
// Thread: one worker.
#pragma once

namespace weir::dataplane::proxy {

/// Base of an element; `Tag` tells the lists apart that one object may be in.
template <class Tag>
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class, class>
  friend class List;

  Link* next_ = nullptr;
  Link* previous_ = nullptr;
};

/// Elements are of type T, which derives from Link<Tag>.
template <class T, class Tag>
class List {
 public:
  List() { head_.next_ = head_.previous_ = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.previous_); }

  void push_front(T& element) {
    Link<Tag>& link = element;
    link.next_ = head_.next_;
    link.previous_ = &head_;
    head_.next_->previous_ = &link;
    head_.next_ = &link;
  }

  /// `visit` may unlink the element it gets.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Link<Tag>* link = head_.next_; link != &head_;) {
      Link<Tag>* next = link->next_;
      visit(static_cast<T&>(*link));
      link = next;
    }
  }

 private:
  Link<Tag> head_;
};

}  // namespace weir::dataplane::proxy
