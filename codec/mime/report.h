// Reports about mail: what became of it (message/delivery-status, RFC 3464) and whether it was read (message/disposition-notification,
// RFC 3798), as structure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codec/mime/message.h"

namespace pushmail::mime {

enum class DeliveryAction : std::uint8_t { unknown, failed, delayed, delivered, relayed, expanded };  // RFC 3464 §2.3.3

/// What is said about one recipient. Texts are UTF-8, empty when not given; addresses are without their type (`rfc822;`).
struct RecipientStatus {
  std::string_view original_recipient;
  std::string_view final_recipient;
  DeliveryAction action = DeliveryAction::unknown;
  std::string_view status;      // `5.1.1` (RFC 3463), without comment
  std::string_view diagnostic;  // without its type (`smtp;`)
  std::string_view remote_mta;
  std::string_view will_retry_until;  // RFC 5322 date
};
struct DeliveryStatus {
  std::string_view reporting_mta;
  std::string_view original_envelope_id;
  std::string_view arrival_date;
  std::span<const RecipientStatus> recipients;
};
/// `body` is the part's, decoded. Never fails: a report that says nothing has no recipients. At most mime_part_count_max of them are read.
[[nodiscard]] DeliveryStatus read_delivery_status(ByteView body, Arena& arena);

enum class DispositionType : std::uint8_t {
  unknown,
  displayed,
  deleted,
  dispatched,
  processed,
  denied,
  failed
};  // RFC 3798 §3.2.6.2, RFC 2298

struct DispositionNotification {
  std::string_view original_recipient;
  std::string_view final_recipient;
  std::string_view original_message_id;  // without <>
  std::string_view reporting_ua;
  DispositionType type = DispositionType::unknown;
  bool is_automatic_action = false;  // the person did not do it (RFC 3798 §3.2.6.1)
  bool is_sent_automatically = false;
};
[[nodiscard]] DispositionNotification read_disposition_notification(ByteView body, Arena& arena);

}  // namespace pushmail::mime
