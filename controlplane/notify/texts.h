// What we say to phones: pure templates. The sender and the subject come from strangers, so they are cleaned and cut here.
//
// A text names its code once, in a form that people and test phones find: "Reply 17 to get it".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pushmail::notify {

/// Without control characters and line ends, spaces folded, at most `length_max` characters (then it ends in an ellipsis of dots).
[[nodiscard]] std::string clean(std::string_view utf8, std::size_t length_max);

struct MailNews {
  std::string_view sender_name{};
  std::string_view sender_address{};
  std::string_view subject{};
  std::uint64_t size = 0;
};
[[nodiscard]] std::string new_mail_text(const MailNews& news, std::string_view code);
[[nodiscard]] std::string too_large_text(const MailNews& news);
[[nodiscard]] std::string not_delivered_text(const MailNews& news, std::string_view reason);
/// A phone's own mail that did not get through.
[[nodiscard]] std::string mail_failed_text(std::string_view recipient, std::string_view subject, std::string_view reason);
[[nodiscard]] std::string no_recipient_text(std::string_view service_number);
/// `example_code` empty: nothing waits.
[[nodiscard]] std::string unknown_code_text(std::string_view code, std::string_view example_code);
[[nodiscard]] std::string expired_code_text(std::string_view code);
[[nodiscard]] std::string fetched_already_text(std::string_view code);
[[nodiscard]] std::string not_understood_text(std::string_view example_code);
[[nodiscard]] std::string subscribe_text();
[[nodiscard]] std::string suspended_text();

}  // namespace pushmail::notify
