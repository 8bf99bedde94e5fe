// What an SMS says of an item.
#pragma once

#include "controlplane/notify/texts.h"
#include "controlplane/settings.h"
#include "controlplane/store/rows.h"

namespace pushmail {

/// Views into `item` and `settings`.
[[nodiscard]] inline notify::MailNews news_of(const Item& item, const Settings& settings) {
  return {.sender_name = item.correspondent_name,
          .sender_address = item.author.empty() ? item.correspondent : item.author,
          .subject = item.subject,
          .size = item.size,
          .unverified = item.authentication == "fail",
          .in_mailbox = item.source == Source::mailbox,
          .service_number = settings.service_number};
}

}  // namespace pushmail
