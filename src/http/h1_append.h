// Appends text to a caller's buffer and remembers when it did not fit. Internal to the writer.
// Thread: owner loop.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weir::http {

class Appender {
 public:
  explicit Appender(std::span<char> out)
      : begin_(out.data()), at_(out.data()), end_(out.data() + out.size()) {}

  void add(std::string_view text) {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) {
      is_full_ = true;
    } else if (!text.empty()) {
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
  }

  template <class... Texts>
  void add_all(const Texts&... texts) {
    (add(texts), ...);
  }

  void add_number(std::uint64_t number) {
    const std::to_chars_result result = std::to_chars(at_, end_, number);
    is_full_ |= result.ec != std::errc{};
    at_ = result.ptr;
  }

  /// "name: value", with its line end.
  void add_line(std::string_view name, std::string_view value) {
    add_all(name, ": ", value, "\r\n");
  }

  /// Bytes written, or 0 when something did not fit.
  std::size_t size() const { return is_full_ ? 0 : static_cast<std::size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool is_full_ = false;
};

}  // namespace weir::http
