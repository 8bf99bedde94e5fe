// Version numbers of everything that is stored or sent between our processes. N and N-1 are understood.
#pragma once

#include <cstdint>

namespace pushmail::versions {

inline constexpr std::uint16_t handoff_schema = 1;
inline constexpr std::uint16_t journal_schema = 3;
inline constexpr std::uint16_t mailbox_schema = 2;
inline constexpr std::uint32_t api = 1;

}  // namespace pushmail::versions
