// winmail.dat put together by hand, for tests (MS-OXTNEF §2.1.3).
#pragma once

#include <initializer_list>
#include <numeric>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::mime::tnef_builder {

inline constexpr auto little = std::endian::little;

inline Bytes start() {
  Bytes out;
  append<std::uint32_t>(out, 0x223E9F78, little);
  append<std::uint16_t>(out, 1, little);
  return out;
}

inline void attribute(Bytes& out, std::uint8_t level, std::uint32_t id, ByteView data) {
  out.push_back(level);
  append<std::uint32_t>(out, id, little);
  append<std::uint32_t>(out, static_cast<std::uint32_t>(data.size()), little);
  append(out, data);
  append<std::uint16_t>(out, static_cast<std::uint16_t>(std::accumulate(data.begin(), data.end(), 0U)), little);
}

/// A list of properties, put together by hand.
class Properties {
 public:
  Properties& sized(std::uint16_t type, std::uint16_t id, std::string_view value) {
    head(type, id);
    append<std::uint32_t>(out_, 1, little);
    append<std::uint32_t>(out_, static_cast<std::uint32_t>(value.size()), little);
    append(out_, value);
    while (out_.size() % 4 != 0) out_.push_back(0);
    return *this;
  }
  Properties& fixed(std::uint16_t type, std::uint16_t id, std::size_t size) {
    head(type, id);
    out_.resize(out_.size() + size);
    return *this;
  }
  Properties& several(std::uint16_t type, std::uint16_t id, std::initializer_list<std::string_view> values) {
    head(type, id);
    append<std::uint32_t>(out_, static_cast<std::uint32_t>(values.size()), little);
    for (const std::string_view value : values) {
      append<std::uint32_t>(out_, static_cast<std::uint32_t>(value.size()), little);
      append(out_, value);
      while (out_.size() % 4 != 0) out_.push_back(0);
    }
    return *this;
  }
  Properties& named(std::string_view name) {
    head(0x0003, 0x8001);
    out_.resize(out_.size() + 16);
    append<std::uint32_t>(out_, name.empty() ? 0 : 1, little);
    append<std::uint32_t>(out_, static_cast<std::uint32_t>(name.size()), little);
    append(out_, name);
    while (out_.size() % 4 != 0) out_.push_back(0);
    append<std::uint32_t>(out_, 7, little);
    return *this;
  }
  [[nodiscard]] Bytes bytes() const {
    Bytes all;
    append<std::uint32_t>(all, count_, little);
    append(all, ByteView(out_));
    return all;
  }

 private:
  void head(std::uint16_t type, std::uint16_t id) {
    append<std::uint16_t>(out_, type, little);
    append<std::uint16_t>(out_, id, little);
    ++count_;
  }
  Bytes out_;
  std::uint32_t count_ = 0;
};

}  // namespace pushmail::mime::tnef_builder
