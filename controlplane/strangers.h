// How much strangers may forward to a phone, asked before a mail is accepted (RCPT).
//
//   budget  | of                                  | used up
//   waiting | the phone, at once                  | recipient_busy (452)
//   hour    | the phone                           | recipient_busy (452)
//   hour    | the phone, from one host            | sender_busy (451)
//   hour    | the phone, from one sender's domain | sender_busy (451)
//
// Counted in the store, by index: a restart forgets nothing. Mails that were accepted and have no route yet are not counted, so only a part
// of the room that is left is granted at once. Came from: to_mail (admission). Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

struct Grant {
  std::string_view verdict;     // handoff::verdict
  std::uint64_t mails_max = 0;  // for how many mails it may be kept
};

/// What may be forwarded now to a phone that is bound.
[[nodiscard]] Result<Grant> grant_stranger(Store& store, const StrangerLimits& limits, const Msisdn& phone, const Stranger& stranger,
                                           Timestamp now);

/// `Example.COM` of `joe@Example.COM`, in lower case and at most 255 bytes; empty for <>.
[[nodiscard]] std::string domain_of_sender(std::string_view mail_from);

}  // namespace pushmail
