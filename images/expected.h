#pragma once
#include <utility>
#include <variant>

#include "images/image_error.h"

namespace ringdown {

// A value, or the error that took its place. The little of C++23's std::expected that loaders need.
// Reading the value of an error (or the reverse) is a bug of the caller and throws std::bad_variant_access.
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Expected(ImageError error) : held_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() { return std::get<0>(held_); }
  const T& operator*() const { return std::get<0>(held_); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }

  const ImageError& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, ImageError> held_;
};

// For what succeeds without a value: `return Done{};`.
struct Done {};

}  // namespace ringdown
