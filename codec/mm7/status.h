// What a StatusCode means for the message that it answers (TS 23.140 §10.2). The table stands beside the words, in status.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace pushmail::mm7 {

enum class StatusClass : std::uint8_t {
  success,
  temporary,     // the same message may be taken later
  peer_trouble,  // whatever we send now, the peer does not take it
  permanent,     // this message is never taken
};
inline constexpr std::array<std::string_view, 4> status_class_names{"success", "temporary", "peer_trouble", "permanent"};

struct StatusRow {
  int code = 0;
  StatusClass meaning{};
  std::string_view text{};
};
/// Every code that TS 23.140 §10.2 names, in their order.
[[nodiscard]] std::span<const StatusRow> status_table();

/// Of any number: an unknown code counts as the first of its thousand, and one of no thousand as 3000.
[[nodiscard]] StatusClass status_class(int code);

}  // namespace pushmail::mm7
