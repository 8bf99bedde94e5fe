// Why we send SMS, and how many of each kind one phone gets in an hour whatever else goes wrong: the last ceiling, which Notifier holds
// at the moment of submission. Budgets where texts are queued (controlplane/retrieve, to_mail) are lower and come first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "controlplane/store/row_words.h"
#include "core/transition_table.h"

namespace pushmail::notify {

struct SmsCeiling {
  SmsKind kind;
  std::uint64_t per_hour_max;  // submissions to one phone; notify.sms_per_hour_max can only lower it
};

inline constexpr auto sms_ceilings = std::to_array<SmsCeiling>({
    {SmsKind::notify, 100},
    {SmsKind::failure, 30},
    {SmsKind::help, 10},      // five an hour are queued, each goes twice at most
    {SmsKind::command, 10},   // five an hour are queued
    {SmsKind::subscribe, 2},  // one a day is queued
    {SmsKind::other, 10},
});
static_assert(no_key_twice(sms_ceilings, [](const SmsCeiling& row) { return row.kind; }));
static_assert(sms_ceilings.size() == words<SmsKind>.size());

[[nodiscard]] constexpr std::uint64_t per_hour_max(SmsKind kind) {
  return std::ranges::find(sms_ceilings, kind, &SmsCeiling::kind)->per_hour_max;
}

}  // namespace pushmail::notify
