// The work of the codec lane: everything that reads or writes a message's content, outside the turn. Pure.
//
// Came from: the relay, through the worker's ring to the codec thread; the message's bytes move along, so an item is owned by one side at
// a time. Goes to: Relay::on_converted, with the bytes moved back.
//
//   peek   DeliverReq or forwarded mail -> what the route question needs
//   mail   DeliverReq + route answer    -> RFC 5322 message
//   mm     mail + submission            -> SubmitReq as HTTP body
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mm7/message.h"
#include "codec/scan/rule_set.h"
#include "codec/wap/numbering.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/utf8.h"

namespace pushmail::relay {

enum class Content : std::uint8_t { mm7, mail };
enum class Work : std::uint8_t { peek, mail, mm };

/// What the control plane needs to know to route an item; addresses in the handoff's form.
struct Peeked {
  std::string transaction_id;
  std::string linked_id;
  std::string sender;  // MM7: the phone; empty when the Sender is none
  std::vector<std::string> recipients;
  std::string subject;
  std::string first_line;
  std::string header_from;              // mail: `Joe <joe@example.com>`
  std::string authentication;           // mail: what the topmost server says of From (codec/mime/authentication.h)
  std::string message_id;               // mail, without <>
  std::vector<std::string> references;  // mail: In-Reply-To and References
};

/// Route answer of the control plane for decision `mail`.
struct MailRoute {
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string header_from;
  std::vector<std::string> header_to;
  std::string in_reply_to;
  std::vector<std::string> references;
  std::string new_subject;
  bool drop_first_line = false;
  bool drop_address_only = false;  // of that line
};

/// How a mail becomes a SubmitReq.
struct MmRoute {
  std::string msisdn;                      // digits
  std::string sender_address;              // handoff form: what the phone sees as sender
  std::string subject;                     // empty: the mail's own
  std::vector<std::string> own_addresses;  // the subscriber's
  std::uint64_t mm_size_max = 0;
  std::optional<Duration> expiry;
  mm7::Mm7Dialect dialect;
};

struct Conversion {
  ItemId item;
  TraceId trace;
  Work work = Work::peek;
  Content content = Content::mm7;
  std::string content_type;  // of an MM7 body
  Bytes body;
  std::string our_domain;
  Timestamp accepted;
  std::vector<std::string> sender_forms;  // of the peer an MM7 body came from (sender.h)
  wap::Numbering numbering;
  MailRoute mail_route;
  MmRoute mm_route;
  bool under_rules = false;  // a mail that the content rules have not seen, or an MM that becomes one
};

/// The content rules of a conversion; `scratch` was prepared for `set`. Without a set there are none.
struct ContentRules {
  const scan::RuleSet* set = nullptr;
  scan::Scratch* scratch = nullptr;
};

/// A content rule that a mail matched.
struct RuleMatch {
  std::string id;
  scan::Action action = scan::Action::tag;
  std::string tag;  // of Action::tag
};

struct Converted {
  ItemId item;
  Work work = Work::peek;
  Bytes body;  // moved back
  std::optional<Error> error;
  Peeked peeked;
  std::string content_type;            // of a SubmitReq
  Bytes output;                        // mail or HTTP body
  std::vector<std::string> decisions;  // what was left out or changed, and why
  std::vector<RuleMatch> rules;        // strongest action first, at most scan::match_count_max
};

/// More matches of one mail than this are not told to the control plane.
inline constexpr std::size_t rule_match_count_max = 16;

/// The rule that keeps this mail from the phone; null when none does. From a mailbox each action but `tag` does: the mail stays where it
/// is, and the phone was told of it before. Of mail handed in and of what a phone wrote, which were acknowledged and lie nowhere else, only
/// `reject` does.
[[nodiscard]] const RuleMatch* stopping_rule(const Converted& converted);
/// A mail that a rule keeps from the phone is not converted: there is no output.
[[nodiscard]] Converted convert(Conversion conversion, const ContentRules& rules = {});

/// Longest text of a stranger (subject, first line, status text) that goes into a handoff record.
inline constexpr std::size_t handed_text_size_max = 2000;
/// The text, or its beginning of at most so many bytes that cuts no UTF-8 character in two.
[[nodiscard]] inline std::string_view clip_utf8(std::string_view text, std::size_t size_max = handed_text_size_max) {
  return cut_utf8(text, size_max);
}

/// `number:+15550100002`, `short:50001742`, `mail:joe@example.com` (core/contract/handoff/schema.h).
[[nodiscard]] std::string address_form(const mm7::Address& address);
/// The other way; a text without a known prefix is taken as a mail address.
[[nodiscard]] mm7::Address address_of(std::string_view form);

}  // namespace pushmail::relay
