// What a mailbox and its watch are made of, in words: in the store's rows and in the records for a fetcher (schema.h).
#pragma once

#include <cstdint>

#include "core/words.h"

namespace pushmail {

namespace mailbox {

enum class Protocol : std::uint8_t { imap, pop3 };
enum class Encryption : std::uint8_t { none, implicit, starttls };
enum class Mark : std::uint8_t { seen, remove };
/// Whether the server is waited for, or looked at when a poll says so.
enum class Mode : std::uint8_t { idle, poll };
/// How a server is asked what has come, where it does not tell by itself.
enum class Refresh : std::uint8_t { noop, status, select };

}  // namespace mailbox

template <>
inline constexpr auto words<mailbox::Protocol> = std::to_array<std::string_view>({"imap", "pop3"});
template <>
inline constexpr auto words<mailbox::Encryption> = std::to_array<std::string_view>({"none", "implicit", "starttls"});
template <>
inline constexpr auto words<mailbox::Mark> = std::to_array<std::string_view>({"seen", "delete"});
template <>
inline constexpr auto words<mailbox::Mode> = std::to_array<std::string_view>({"idle", "poll"});
template <>
inline constexpr auto words<mailbox::Refresh> = std::to_array<std::string_view>({"noop", "status", "select"});

}  // namespace pushmail
