// The answer of an operation that reports all its errors at once. Thread: values.
#pragma once

#include <optional>
#include <utility>

#include "base/result.h"

namespace weir::api {

template <class T>
struct [[nodiscard]] Outcome {
  std::optional<T> value;
  Errors errors;  // not empty when there is no value

  Outcome(T v) : value(std::move(v)) {}         // NOLINT: implicit by design
  Outcome(Errors e) : errors(std::move(e)) {}   // NOLINT: implicit by design
  Outcome(Error e) : errors({std::move(e)}) {}  // NOLINT: implicit by design
  bool ok() const { return value.has_value(); }
};

}  // namespace weir::api
