#include "controlplane/notify/texts.h"

#include <fmt/format.h>

#include <array>

namespace pushmail::notify {

namespace {

constexpr std::size_t sender_length_max = 60;
constexpr std::size_t subject_length_max = 120;
constexpr std::size_t reason_length_max = 160;

// What a terminal or a phone might obey: C0, DEL, C1, and the marks that reorder text.
bool is_harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
         c == 0xFEFF;
}

std::string sender_of(const MailNews& news) {
  const std::string address = clean(news.sender_address, sender_length_max);
  const std::string name = clean(news.sender_name, sender_length_max);
  if (name.empty() || name == address) return address.empty() ? "an unknown sender" : address;
  // The address stands beside the name, which anybody can choose.
  return address.empty() ? name : fmt::format("{} <{}>", name, address);
}

std::string subject_of(const MailNews& news) {
  const std::string subject = clean(news.subject, subject_length_max);
  return subject.empty() ? "(no subject)" : subject;
}

std::string size_of(std::uint64_t size) {
  if (size >= 1024 * 1024) return fmt::format("{} MB", (size + 512 * 1024) / (1024 * 1024));
  return fmt::format("{} KB", (size + 1023) / 1024);
}

}  // namespace

std::string clean(std::string_view utf8, std::size_t length_max) {
  std::string text;
  std::size_t length = 0;
  bool space = false;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    char32_t c = size == 1 ? lead : size == 2 ? lead & 0x1FU : size == 3 ? lead & 0x0FU : lead & 0x07U;
    bool whole = size != 0 && i + size <= utf8.size();
    for (std::size_t k = 1; whole && k < size; ++k) {
      const auto next = static_cast<unsigned char>(utf8[i + k]);
      whole = (next & 0xC0) == 0x80;
      c = (c << 6) | (next & 0x3FU);
    }
    // RFC 3629 §3: shortest form only, no surrogates, nothing beyond U+10FFFF.
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    whole = whole && c >= least[size] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    if (!whole) {
      ++i;   // not UTF-8: left out
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0xA0) {
      space = !text.empty();
    } else if (!is_harmful(c)) {
      if (length + (space ? 2 : 1) > length_max) return text + "...";
      if (space) text += ' ', ++length;
      space = false;
      text.append(utf8, i, size);
      ++length;
    }
    i += size;
  }
  return text;
}

std::string new_mail_text(const MailNews& news, std::string_view code) {
  return fmt::format("Mail from {}: {} ({}). Reply {} to get it.", sender_of(news), subject_of(news), size_of(news.size), code);
}

std::string too_large_text(const MailNews& news) {
  return fmt::format("Mail from {}: {}. With {} it is too large for your phone; it stays in your mailbox.", sender_of(news), subject_of(news), size_of(news.size));
}

std::string not_delivered_text(const MailNews& news, std::string_view reason) {
  return fmt::format("The mail from {}: {} could not be sent to your phone: {}. It stays in your mailbox.", sender_of(news), subject_of(news),
                     clean(reason, reason_length_max));
}

std::string mail_failed_text(std::string_view recipient, std::string_view subject, std::string_view reason) {
  return fmt::format("Your mail to {}: {} was not delivered: {}", clean(recipient, sender_length_max), subject_of({.subject = subject}),
                     clean(reason, reason_length_max));
}

std::string no_recipient_text(std::string_view service_number) {
  return fmt::format("Your message was not sent: it names no recipient. Begin its text with the address, as in: joe@example.com Hello, and send it to {}.",
                     service_number);
}

std::string unknown_code_text(std::string_view code, std::string_view example_code) {
  if (example_code.empty()) return fmt::format("No mail with the code {} waits for you.", clean(code, 10));
  return fmt::format("No mail with the code {} waits for you. The newest one has the code {}.", clean(code, 10), example_code);
}

std::string expired_code_text(std::string_view code) {
  return fmt::format("The code {} is no longer valid. The mail is still in your mailbox.", clean(code, 10));
}

std::string fetched_already_text(std::string_view code) { return fmt::format("The mail with the code {} was sent to you already.", clean(code, 10)); }

std::string not_understood_text(std::string_view example_code) {
  if (example_code.empty()) return "Sorry, that was not understood, and no mail waits for you.";
  return fmt::format("Sorry, that was not understood. To get a mail, reply with its code, for example {}.", example_code);
}

std::string subscribe_text() {
  return "This number is not registered for push mail. To subscribe, ask your operator to bind your mailbox to this number.";
}

std::string suspended_text() { return "Push mail is suspended for this number. Please contact your operator."; }

}  // namespace pushmail::notify
