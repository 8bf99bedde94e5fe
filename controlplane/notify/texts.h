// What we write to phones: pure templates. What the sender and other servers wrote stands in double quotes and nowhere else (foreign.h).
//
//   Mail from "Joe" <joe@example.com> (unverified sender): "Hello" (3 KB). 4 more wait. Reply 17 to get it.
//
// A text names its code once, in a form that people and test phones find. Reasons are sentences of ours or of a server in quotes; no text
// carries the name of a rule, a key, a host or a person of the operator's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controlplane/store/rows.h"
#include "core/item_state.h"

namespace pushmail::notify {

struct MailNews {
  std::string_view sender_name{};
  std::string_view sender_address{};
  std::string_view subject{};
  std::uint64_t size = 0;
  bool unverified = false;            // a server that we trust found that the sender's domain did not send it
  bool in_mailbox = true;             // the subscriber finds it there
  std::string_view service_number{};  // digits that the sender's words may not name
};
/// `waiting_count`: other mails that are not announced yet.
[[nodiscard]] std::string new_mail_text(const MailNews& news, std::string_view code, std::uint64_t waiting_count = 0);
[[nodiscard]] std::string too_large_text(const MailNews& news);
/// A mail that did not get to the phone, by the state it ended in. Why in detail is for the operator (`item show`).
[[nodiscard]] std::string not_delivered_text(const MailNews& news, ItemState state);
/// A phone's own mail that did not get through. `reply`: what the other mail server wrote; empty: it wrote nothing.
[[nodiscard]] std::string mail_failed_text(std::string_view recipient, std::string_view subject, std::string_view reply);
[[nodiscard]] std::string no_such_number_text(std::string_view recipient, std::string_view subject);
/// It may have arrived, and is not sent again. `recipient`: of a phone's own mail; empty: a mail for the phone.
[[nodiscard]] std::string unconfirmed_text(std::string_view recipient, const MailNews& news);
[[nodiscard]] std::string no_recipient_text(std::string_view service_number);
/// `example_code` empty: nothing waits.
[[nodiscard]] std::string unknown_code_text(std::string_view code, std::string_view example_code);
[[nodiscard]] std::string expired_code_text(std::string_view code);
[[nodiscard]] std::string fetched_already_text(std::string_view code);
/// The phone asks for what may have arrived; `minutes` until it is sent again unasked. None: nobody knows whether it ever is.
[[nodiscard]] std::string in_doubt_text(std::string_view code, std::optional<std::int64_t> minutes);
/// The phone asks for what may have arrived, and is not sent again.
[[nodiscard]] std::string unconfirmed_code_text(std::string_view code);
[[nodiscard]] std::string not_understood_text(std::string_view example_code);
[[nodiscard]] std::string subscribe_text();
[[nodiscard]] std::string suspended_text();
/// Why a phone without an active binding gets nothing: it is not registered, it said STOP, or its operator suspended it.
[[nodiscard]] std::string inactive_text(std::span<const Binding> bound);
/// Answers to HELP, STOP and START.
[[nodiscard]] std::string help_text(std::string_view example_code);
[[nodiscard]] std::string stopped_text();
[[nodiscard]] std::string started_text();

}  // namespace pushmail::notify
