// Why we send SMS, and how many of each kind one phone gets in an hour whatever else goes wrong: the last ceiling, which Notifier holds
// at the moment of submission. Budgets where texts are queued (controlplane/retrieve, to_mail) are lower and come first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/transition_table.h"

namespace pushmail::notify {

struct SmsKind {
  std::string_view name;       // Sms::kind
  std::uint64_t per_hour_max;  // submissions to one phone; notify.sms_per_hour_max can only lower it
};

inline constexpr auto sms_kinds = std::to_array<SmsKind>({
    {"notify", 100},   // mail has come; an item each
    {"failure", 30},   // something that the subscriber sent, or was to get, did not get through
    {"help", 10},      // the phone's words were not understood; five an hour are queued, each goes twice at most
    {"command", 10},   // STOP, START and HELP are answered; five an hour are queued
    {"subscribe", 2},  // the number is not bound; one a day is queued
});
/// A kind without a row, such as one of a newer store.
inline constexpr std::uint64_t other_per_hour_max = 10;

static_assert(no_key_twice(sms_kinds, [](const SmsKind& row) { return row.name; }));

[[nodiscard]] constexpr std::uint64_t per_hour_max(std::string_view kind) {
  const auto* const row = std::ranges::find(sms_kinds, kind, &SmsKind::name);
  return row == sms_kinds.end() ? other_per_hour_max : row->per_hour_max;
}

}  // namespace pushmail::notify
