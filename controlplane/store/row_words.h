// The columns that hold a word, as enumerations. The words are what stands in the database, in JSON and on the command line.
#pragma once

#include <cstdint>

#include "core/contract/fetcher/words.h"
#include "core/words.h"

namespace pushmail {

/// `stopped`: by its phone. `needs_auth`: the mail server does not accept what it is given.
enum class BindingState : std::uint8_t { pending, active, suspended, stopped, needs_auth, frozen, removed };
template <>
inline constexpr auto words<BindingState> =
    std::to_array<std::string_view>({"pending", "active", "suspended", "stopped", "needs_auth", "frozen", "removed"});

/// How a mailbox is watched: waited for; looked at in turn; looked at at times of day.
enum class WatchMode : std::uint8_t { idle, poll, fixed };
template <>
inline constexpr auto words<WatchMode> = std::to_array<std::string_view>({"idle", "poll", "fixed"});

/// Whether a phone is asked before it gets a mail.
enum class Policy : std::uint8_t { ask, push };
template <>
inline constexpr auto words<Policy> = std::to_array<std::string_view>({"ask", "push"});

/// What happens in the mailbox to a mail that was delivered.
enum class MarkPolicy : std::uint8_t { seen, remove, none };
template <>
inline constexpr auto words<MarkPolicy> = std::to_array<std::string_view>({"seen", "delete", "none"});

/// How far that has come. `failed`: given up.
enum class MarkProgress : std::uint8_t { none, pending, done, failed };
template <>
inline constexpr auto words<MarkProgress> = std::to_array<std::string_view>({"", "pending", "done", "failed"});

/// Where an item came from: a mailbox that is watched, mail forwarded to us, a phone.
enum class Source : std::uint8_t { mailbox, smtp, mm7 };
template <>
inline constexpr auto words<Source> = std::to_array<std::string_view>({"mailbox", "smtp", "mm7"});

/// Who did what a history row is about.
enum class Program : std::uint8_t { control, fetcher, data };
template <>
inline constexpr auto words<Program> = std::to_array<std::string_view>({"control", "fetcher", "data"});

/// Why an SMS is sent; how many of each, controlplane/notify/sms_kinds.h.
enum class SmsKind : std::uint8_t {
  notify,     // mail has come; an item each
  failure,    // something that the subscriber sent, or was to get, did not get through
  help,       // the phone's words were not understood
  command,    // STOP, START and HELP are answered
  subscribe,  // the number is not bound
  other,      // of a newer store
};
template <>
inline constexpr auto words<SmsKind> = std::to_array<std::string_view>({"notify", "failure", "help", "command", "subscribe", "other"});

/// submitting: handed to the SMSC and not answered. What may follow what is one table: controlplane/notify/sms_life.h.
enum class SmsState : std::uint8_t { pending, submitting, sent, failed };
template <>
inline constexpr auto words<SmsState> = std::to_array<std::string_view>({"pending", "submitting", "sent", "failed"});

enum class Way : std::uint8_t { to_phone, to_mail };
template <>
inline constexpr auto words<Way> = std::to_array<std::string_view>({"to_phone", "to_mail"});

}  // namespace pushmail
