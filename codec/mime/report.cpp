// Came from: the machine part of a multipart/report (RFC 3462). Goes to: codec/convert, which tells a phone what became of its mail.
#include "codec/mime/report.h"

#include <algorithm>

#include "codec/mime/fields.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

/// `rfc822; joe@example.com`: what stands behind the type. A type is a word; a value without one is taken whole.
std::string_view without_type(std::string_view value, Arena& arena) {
  const std::size_t semicolon = value.find(';');
  const bool has_type = semicolon != std::string_view::npos && value.substr(0, semicolon).find_first_of("@<: ") == std::string_view::npos;
  return decode_header(has_type ? value.substr(semicolon + 1) : value, arena);
}

/// The first word, without comment: `failed (bounced)`.
std::string_view first_word(std::string_view value) {
  value = ascii_trim(value);
  return value.substr(0, value.find_first_of(" \t\r\n(;"));
}

DeliveryAction action_of(std::string_view value) {
  const std::string_view word = first_word(value);
  if (ascii_equal_nocase(word, "failed")) return DeliveryAction::failed;
  if (ascii_equal_nocase(word, "delayed")) return DeliveryAction::delayed;
  if (ascii_equal_nocase(word, "delivered")) return DeliveryAction::delivered;
  if (ascii_equal_nocase(word, "relayed")) return DeliveryAction::relayed;
  if (ascii_equal_nocase(word, "expanded")) return DeliveryAction::expanded;
  return DeliveryAction::unknown;
}

DispositionType type_of(std::string_view word) {
  if (ascii_equal_nocase(word, "displayed")) return DispositionType::displayed;
  if (ascii_equal_nocase(word, "deleted")) return DispositionType::deleted;
  if (ascii_equal_nocase(word, "dispatched")) return DispositionType::dispatched;
  if (ascii_equal_nocase(word, "processed")) return DispositionType::processed;
  if (ascii_equal_nocase(word, "denied")) return DispositionType::denied;
  if (ascii_equal_nocase(word, "failed")) return DispositionType::failed;
  return DispositionType::unknown;
}

/// One block of fields after another; blank lines between them.
class Blocks {
 public:
  Blocks(ByteView body, Arena& arena) : body_(body), arena_(arena) {}

  /// The next block that has fields; empty at the end.
  std::span<const Field> next() {
    std::vector<Tolerance> unused;
    while (at_ < body_.size()) {
      const FieldBlock block = read_fields(body_, at_, body_.size(), HeaderOf::part, arena_, unused);
      unused.clear();
      // A line that is neither field nor blank stops the reader; what is behind it is read on.
      const std::size_t line_end = std::min(text_of(body_).find('\n', at_), body_.size() - 1) + 1;
      at_ = block.body > at_ ? block.body : line_end;
      if (!block.fields.empty()) return block.fields;
    }
    return {};
  }

 private:
  ByteView body_;
  std::size_t at_ = 0;
  Arena& arena_;
};

RecipientStatus recipient_of(std::span<const Field> fields, Arena& arena) {
  RecipientStatus recipient;
  for (const Field& field : fields) {
    if (ascii_equal_nocase(field.name, "Original-Recipient"))
      recipient.original_recipient = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Final-Recipient"))
      recipient.final_recipient = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Action"))
      recipient.action = action_of(field.value);
    else if (ascii_equal_nocase(field.name, "Status"))
      recipient.status = decode_header(first_word(field.value), arena);
    else if (ascii_equal_nocase(field.name, "Diagnostic-Code"))
      recipient.diagnostic = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Remote-MTA"))
      recipient.remote_mta = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Will-Retry-Until"))
      recipient.will_retry_until = decode_header(field.value, arena);
  }
  return recipient;
}

}  // namespace

DeliveryStatus read_delivery_status(ByteView body, Arena& arena) {
  DeliveryStatus report;
  ArenaList<RecipientStatus> recipients(arena);
  Blocks blocks(body, arena);
  // RFC 3464 §2.1: the first block is about the message. Reports that leave it out start with a recipient.
  for (std::span<const Field> fields = blocks.next(); !fields.empty() && recipients.size() < limits::mime_part_count_max;
       fields = blocks.next()) {
    bool has_recipient = false;
    for (const Field& field : fields) {
      if (ascii_equal_nocase(field.name, "Reporting-MTA"))
        report.reporting_mta = without_type(field.value, arena);
      else if (ascii_equal_nocase(field.name, "Original-Envelope-Id"))
        report.original_envelope_id = decode_header(field.value, arena);
      else if (ascii_equal_nocase(field.name, "Arrival-Date"))
        report.arrival_date = decode_header(field.value, arena);
      else if (ascii_equal_nocase(field.name, "Final-Recipient") || ascii_equal_nocase(field.name, "Original-Recipient"))
        has_recipient = true;
    }
    if (has_recipient) recipients.push_back(recipient_of(fields, arena));
  }
  report.recipients = recipients.take();
  return report;
}

DispositionNotification read_disposition_notification(ByteView body, Arena& arena) {
  DispositionNotification report;
  Blocks blocks(body, arena);
  for (const Field& field : blocks.next()) {
    if (ascii_equal_nocase(field.name, "Original-Recipient"))
      report.original_recipient = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Final-Recipient"))
      report.final_recipient = without_type(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Reporting-UA"))
      report.reporting_ua = decode_header(field.value, arena);
    else if (ascii_equal_nocase(field.name, "Original-Message-ID")) {
      std::string_view id = ascii_trim(field.value);
      if (id.starts_with('<')) id.remove_prefix(1);
      report.original_message_id = decode_header(id.substr(0, id.find('>')), arena);
    } else if (ascii_equal_nocase(field.name, "Disposition")) {
      // RFC 3798 §3.2.6: action-mode/sending-mode; type/modifiers
      const std::size_t semicolon = std::min(field.value.find(';'), field.value.size());
      const std::string_view modes = field.value.substr(0, semicolon);
      report.is_automatic_action = ascii_starts_with_nocase(ascii_trim(modes), "automatic-action");
      const std::size_t slash = std::min(modes.find('/'), modes.size());
      report.is_sent_automatically =
          ascii_starts_with_nocase(ascii_trim(modes.substr(std::min(slash + 1, modes.size()))), "mdn-sent-automatically");
      const std::string_view type = first_word(field.value.substr(std::min(semicolon + 1, field.value.size())));
      report.type = type_of(type.substr(0, type.find('/')));
    }
  }
  return report;
}

}  // namespace pushmail::mime
