// WAP push: the connectionless PDU that brings a notice to a phone (WAP-230 §8.2.4.1, WAP-235), over UDP port 2948 or behind the ports of
// an SMS; and the notices themselves: service indication (WAP-167), service loading (WAP-168), e-mail notification (OMA-EMN 1.0) in WBXML.
//
// Came from / goes to: the notifier; MMS PDUs travel in a push too. Views point into the input, or into the caller's arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/wap/content_type.h"
#include "core/clock.h"

namespace pushmail::wap {

/// X-Wap-Application-Id: whom the phone gives the body (OMNA). Absent: the browser.
namespace application {
inline constexpr std::uint64_t any = 0;
inline constexpr std::uint64_t mms_agent = 4;
inline constexpr std::uint64_t mail_agent = 9;
}  // namespace application

struct Push {
  std::uint8_t transaction_id = 0;
  ContentType type;
  std::optional<std::uint64_t> application;
  std::optional<std::uint8_t> flags;  // Push-Flag: 1 initiator authenticated, 2 content trusted, 4 last push
  ByteView body;
};
/// Other headers are passed over. An application that is named by text instead of a number is left out.
[[nodiscard]] Result<Push> read_push(ByteView bytes, Arena& arena);
[[nodiscard]] Bytes write_push(const Push& push);

/// A notice of any of the three kinds; what a kind has no attribute for stays empty.
struct Notice {
  enum class Kind : std::uint8_t { indication, loading, mail };
  /// `usual` is what a phone does when nothing is said: signal_medium, execute_low.
  enum class Action : std::uint8_t { usual, signal_none, signal_low, signal_medium, signal_high, remove, execute_low, execute_high, cache };

  Kind kind = Kind::indication;
  std::string_view address;          // href; of a mail notification the mailbox: `mailat:joe@example.com`
  std::string_view id;               // si-id
  std::optional<Timestamp> created;  // of a mail notification its timestamp
  std::optional<Timestamp> expires;
  Action action = Action::usual;
  std::string_view text;  // what an indication shows
  bool operator==(const Notice&) const = default;
};
/// Elements and attributes that are not known are passed over; texts are octets in the charset of the document, as a rule UTF-8.
[[nodiscard]] Result<Notice> read_notice(ByteView bytes, Arena& arena);
/// UTF-8, attributes in the order that phones know, the shortest tokens.
[[nodiscard]] Bytes write_notice(const Notice& notice);

}  // namespace pushmail::wap
