#include "controlplane/notify/texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "controlplane/notify/foreign.h"

namespace pushmail::notify {

namespace {

constexpr std::size_t sender_length_max = 60;
constexpr std::size_t subject_length_max = 120;
constexpr std::size_t reply_length_max = 160;

std::string sender_of(const MailNews& news) {
  if (clean(news.sender_address, sender_length_max).empty()) {
    // Without an address a name is worth nothing.
    return "an unknown sender";
  }
  const std::string address = shown_address(news.sender_address, sender_length_max);
  const std::string mark = news.unverified ? " (unverified sender)" : "";
  if (clean(news.sender_name, sender_length_max).empty() || claims_address(news.sender_name)) return address + mark;
  // The address stands beside the name, which anybody can choose.
  return fmt::format("{} <{}>{}", quoted(news.sender_name, sender_length_max, news.service_number), address, mark);
}

std::string subject_of(const MailNews& news) {
  if (clean(news.subject, subject_length_max).empty()) return "(no subject)";
  return quoted(news.subject, subject_length_max, news.service_number);
}

std::string size_of(std::uint64_t size) {
  if (size >= 1024 * 1024) return fmt::format("{} MB", (size + 512 * 1024) / (1024 * 1024));
  return fmt::format("{} KB", (size + 1023) / 1024);
}

// Why a mail did not get to the phone, for its owner. A state without a row is a fault.
struct EndRow {
  ItemState state;
  std::string_view words;
};
constexpr auto ends = std::to_array<EndRow>({
    {ItemState::rejected, "it was refused"},
    {ItemState::expired, "your phone did not fetch it in time"},
    {ItemState::withdrawn, "it is gone, or push mail was ended for your number"},
    {ItemState::failed, "it could not be handed on"},
});

std::string_view words_of(ItemState state) {
  for (const EndRow& row : ends) {
    if (row.state == state) return row.words;
  }
  return ends.back().words;
}

}  // namespace

std::string new_mail_text(const MailNews& news, std::string_view code, std::uint64_t waiting_count) {
  const std::string more =
      waiting_count == 0 ? std::string() : fmt::format("{} more {}. ", waiting_count, waiting_count == 1 ? "waits" : "wait");
  return fmt::format("Mail from {}: {} ({}). {}Reply {} to get it.", sender_of(news), subject_of(news), size_of(news.size), more, code);
}

std::string too_large_text(const MailNews& news) {
  return fmt::format("Mail from {}: {}. With {} it is too large for your phone; it stays in your mailbox.", sender_of(news),
                     subject_of(news), size_of(news.size));
}

std::string not_delivered_text(const MailNews& news, ItemState state) {
  const bool stays = news.in_mailbox && state != ItemState::withdrawn;
  return fmt::format("The mail from {}: {} could not be sent to your phone: {}.{}", sender_of(news), subject_of(news), words_of(state),
                     stays ? " It stays in your mailbox." : "");
}

std::string mail_failed_text(std::string_view recipient, std::string_view subject, std::string_view reply) {
  const std::string_view before = clean(reply, 1).empty() ? "." : ": ";
  return fmt::format("Your mail to {}: {} was not delivered{}{}", shown_address(recipient, sender_length_max),
                     subject_of({.subject = subject}), before, clean(reply, 1).empty() ? std::string() : quoted(reply, reply_length_max));
}

std::string no_such_number_text(std::string_view recipient, std::string_view subject) {
  return fmt::format("Your mail to {}: {} was not delivered: nobody has this number here.", clean(recipient, sender_length_max),
                     subject_of({.subject = subject}));
}

std::string unconfirmed_text(std::string_view recipient, const MailNews& news) {
  if (!recipient.empty()) {
    return fmt::format("It is not known whether your mail to {}: {} was delivered. It is not sent again.",
                       shown_address(recipient, sender_length_max), subject_of(news));
  }
  return fmt::format("It is not known whether the mail from {}: {} reached your phone. It is not sent again{}.", sender_of(news),
                     subject_of(news), news.in_mailbox ? " and stays in your mailbox" : "");
}

std::string no_recipient_text(std::string_view service_number) {
  return fmt::format(
      "Your message was not sent: it names no recipient. Begin its text with the address, as in: joe@example.com Hello, and send it to {}.",
      service_number);
}

std::string unknown_code_text(std::string_view code, std::string_view example_code) {
  if (example_code.empty()) return fmt::format("No mail with the code {} waits for you.", clean(code, 10));
  return fmt::format("No mail with the code {} waits for you. The newest one has the code {}.", clean(code, 10), example_code);
}

std::string expired_code_text(std::string_view code) {
  return fmt::format("The code {} is no longer valid. The mail is still in your mailbox.", clean(code, 10));
}

std::string fetched_already_text(std::string_view code) {
  return fmt::format("The mail with the code {} was sent to you already.", clean(code, 10));
}

std::string in_doubt_text(std::string_view code, std::optional<std::int64_t> minutes) {
  std::string text = fmt::format("It is not known yet whether the mail with the code {} has reached your phone.", clean(code, 10));
  if (minutes) text += fmt::format(" If not, it is sent again in about {} {}.", *minutes, *minutes == 1 ? "minute" : "minutes");
  return text;
}

std::string unconfirmed_code_text(std::string_view code) {
  return fmt::format("It is not known whether the mail with the code {} reached your phone. It is not sent again.", clean(code, 10));
}

std::string not_understood_text(std::string_view example_code) {
  if (example_code.empty()) return "Sorry, that was not understood, and no mail waits for you.";
  return fmt::format("Sorry, that was not understood. To get a mail, reply with its code, for example {}.", example_code);
}

std::string subscribe_text() {
  return "This number is not registered for push mail. To subscribe, ask your operator to bind your mailbox to this number.";
}

std::string help_text(std::string_view example_code) {
  const std::string code =
      example_code.empty() ? std::string("that stands in the SMS about it") : fmt::format("for example {}", example_code);
  return fmt::format("To get a mail, reply with its code, {}. STOP ends these SMS, START begins them again.", code);
}

std::string stopped_text() { return "Push mail is stopped for this number: you get no SMS about your mail. Reply START to begin again."; }

std::string inactive_text(std::span<const Binding> bound) {
  if (bound.empty()) return subscribe_text();
  const bool stopped = std::ranges::any_of(bound, [](const Binding& binding) { return binding.state == BindingState::stopped; });
  return stopped ? stopped_text() : suspended_text();
}

std::string started_text() { return "Push mail is on for this number. You get an SMS when mail has come. Reply STOP to end it."; }

std::string suspended_text() { return "Push mail is suspended for this number. Please contact your operator."; }

}  // namespace pushmail::notify
