// What no person wrote: delivery receipts, acknowledgements of machines, answers that a phone or a mail box sends by itself.
//
// Came from: deliver_sm and data_sm (controlplane/notify), subject and first line of an MM (controlplane/to_mail). Whoever answers asks
// here first: two machines that answer each other never end (RFC 3834 §2 for mail; a receipt that is answered makes the next receipt).
// Pure. The signs are two tables in automatic.cpp; a new sign is a new row.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/sms/gsm.h"
#include "codec/sms/smpp.h"

namespace pushmail::sms {

/// person: nothing speaks against it. receipt: about a message of ours, and no word of the phone. answer: a machine answered for somebody.
enum class Origin : std::uint8_t { person, receipt, answer };

struct Judgement {
  Origin origin = Origin::person;
  std::string_view sign{};  // name of the row that decided, for logs; empty for a person
};

/// By esm_class (SMPP 3.4 §5.2.12), the TLVs receipted_message_id and message_state (§5.3.2.12, §5.3.2.35), or the text of the message.
/// Binary data and messages to an application's port (TS 23.040 §9.2.3.24.4) are a machine's. Of a segment of a longer message the header
/// alone is judged; the whole, put together, is for origin_of(whole).
[[nodiscard]] Judgement origin_of(const smpp::Pdu& message);
/// By the text of a whole message in every reading that a machine may have meant: an SMSC often writes a receipt under the data_coding of
/// the message that it is about, in ASCII or in UTF-16 of either byte order.
[[nodiscard]] Judgement origin_of(const Incoming& whole);
/// By the text alone: a receipt's `id:` and `stat:` (SMPP 3.4 Appendix B), or how automatic answers begin.
[[nodiscard]] Judgement origin_of(std::string_view utf8);

/// Whether nothing may be answered to it.
[[nodiscard]] inline bool is_automatic(const Judgement& judgement) { return judgement.origin != Origin::person; }

/// The same for a whole message that a phone sent as MM: by its subject, or by how its text begins.
[[nodiscard]] inline bool is_automatic(std::string_view subject, std::string_view first_line) {
  return is_automatic(origin_of(subject)) || is_automatic(origin_of(first_line));
}

}  // namespace pushmail::sms
