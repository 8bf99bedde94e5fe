// One message on its way through the relay: what each has, where it came from, and where it goes once that is known. Its stages are a
// table in stages.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/ids.h"
#include "dataplane/relay/attempt.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/relay/stages.h"

namespace pushmail::relay {

// ---- where it came from

/// A DeliverReq; journal record accepted_mm7.
struct PhoneOrigin {
  std::string peer{};
  std::string content_type{};
  std::vector<std::string> refused{};  // recipients that were answered with 1100, handoff form
};
/// A mail by SMTP; journal record accepted_mail.
struct ForwardedOrigin {
  std::string mail_from{};
  std::string recipient{};
  std::string source_address{};  // of the host that handed it in
  bool is_for_postmaster = false;
  // What its sender wants to be told (RFC 3461), as MailRecipient and MailInbound have it; empty: not said.
  std::string notify{};
  std::string original_recipient{};
  std::string ret{};
  std::string envelope_id{};
};
/// A submission of the control plane; its truth is the store, no journal record.
struct MailboxOrigin {
  std::uint64_t mail_size = 0;  // announced; 0 once the mail is not needed in memory
  bool has_credit = false;      // the control plane may send chunks
};
using Origin = std::variant<PhoneOrigin, ForwardedOrigin, MailboxOrigin>;

// ---- where it goes

/// A mail, to the next hop.
struct MailTarget {
  std::string next_hop;
  MailRoute route;
  std::vector<std::string> left;  // recipients without a final reply
};
/// A SubmitReq, to the MMSC.
struct PhoneTarget {
  std::string peer;
  MmRoute route;
};
/// Nothing: the control plane has not said it yet.
using Target = std::variant<std::monostate, MailTarget, PhoneTarget>;

struct Item {
  ItemId id;
  TraceId trace;
  Origin origin;
  Target target{};
  StateBy<stage_steps, Stage::committing> stage{};
  Timestamp accepted;
  std::uint64_t serial = 0;   // of the items of this run: what is withdrawn and offered again under its id is another one
  bool replayed = false;      // comes from the journal, not from a session of this run
  Instant due{};              // when tick looks at it again; Instant{} for never
  std::uint64_t memory = 0;   // bytes counted against the budget
  std::uint32_t put_off = 0;  // conversions in a row that found no memory

  Bytes body{};  // as it came in; empty while the codec lane has it, and after conversion
  Peeked peeked{};

  // Sending.
  bool converted = false;
  std::string output_type{};
  Bytes output{};
  Attempt attempt{};
  Instant not_before{};  // a mail in doubt is not sent again earlier
  Instant expires{};
  bool duplicate_possible = false;  // it was sent again although an earlier try may have arrived
  std::string last_trouble{};

  Bytes outcome{};  // the end: a whole handoff outcome record

  [[nodiscard]] bool is_to_phone() const { return std::holds_alternative<PhoneTarget>(target); }
  [[nodiscard]] bool is_from_phone() const { return std::holds_alternative<PhoneOrigin>(origin); }
  [[nodiscard]] bool is_from_mailbox() const { return std::holds_alternative<MailboxOrigin>(origin); }
  /// Null where it came another way.
  [[nodiscard]] const ForwardedOrigin* forwarded() const { return std::get_if<ForwardedOrigin>(&origin); }
  [[nodiscard]] bool is_for_postmaster() const { return forwarded() != nullptr && forwarded()->is_for_postmaster; }

  /// The MMSC it is about: the one it goes to, else the one it came from; empty where there is none.
  [[nodiscard]] std::string_view peer() const {
    if (const auto* to = std::get_if<PhoneTarget>(&target)) return to->peer;
    const auto* from = std::get_if<PhoneOrigin>(&origin);
    return from != nullptr ? std::string_view(from->peer) : std::string_view();
  }
  /// Some recipient's mail was taken by the next hop.
  [[nodiscard]] bool any_taken() const { return attempt.done.size() > attempt.rejected.size(); }
};

/// What an item needs next. The parts of the relay give it back, and Relay sees to it that it is done.
enum class Next : std::uint8_t {
  nothing,  // it waits for something, or it has ended
  ask,      // the control plane for its route
  convert,
  attempt,  // to send it: first its attempt goes to disk
  send,     // its attempt is on disk
};

}  // namespace pushmail::relay
