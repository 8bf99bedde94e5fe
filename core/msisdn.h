// A phone number as the whole system holds it: E.164 digits, no plus, 5 to 15 of them (ITU-T E.164 §6).
// `+`, trunk prefixes and `/TYPE=PLMN` are dialects of one wire or another: codec/wap/address reads and writes those.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace pushmail {

class Msisdn {
 public:
  Msisdn() = default;
  /// Only digits, 5 to 15, not starting with 0.
  [[nodiscard]] static Result<Msisdn> from_digits(std::string_view digits);

  [[nodiscard]] const std::string& digits() const { return digits_; }
  [[nodiscard]] bool empty() const { return digits_.empty(); }
  auto operator<=>(const Msisdn&) const = default;

 private:
  explicit Msisdn(std::string digits) : digits_(std::move(digits)) {}
  std::string digits_;
};

}  // namespace pushmail

template <>
struct std::hash<pushmail::Msisdn> {
  std::size_t operator()(const pushmail::Msisdn& number) const noexcept { return std::hash<std::string>{}(number.digits()); }
};
