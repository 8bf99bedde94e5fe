// One message on its way through the relay; its stages are a table in stages.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/item_state.h"
#include "core/record.h"
#include "dataplane/relay/attempt.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/relay/stages.h"

namespace pushmail::relay {

enum class Source : std::uint8_t {
  phone,      // a DeliverReq; journal record accepted_mm7
  forwarded,  // a mail by SMTP; journal record accepted_mail
  mailbox,    // a submission of the control plane; its truth is the store, no journal record
};

struct Item {
  ItemId id;
  TraceId trace;
  Source source = Source::phone;
  StateBy<stage_steps, Stage::committing> stage;
  Timestamp accepted;
  bool replayed = false;      // comes from the journal, not from a session of this run
  Instant due{};              // when tick looks at it again; Instant{} for never
  std::uint64_t memory = 0;   // bytes counted against the budget
  std::uint32_t put_off = 0;  // conversions in a row that found no memory

  // As it came in.
  std::string peer;  // phone: where it came from; mailbox and decision `submit`: where it goes
  std::string content_type;
  Bytes body;                        // empty while the codec lane has it, and after conversion
  std::string mail_from;             // forwarded
  std::string recipient;             // forwarded
  std::string source_address;        // forwarded: of the host that handed it in
  std::vector<std::string> refused;  // phone: recipients that were answered with 1100, handoff form
  Peeked peeked;

  // Where it goes.
  bool to_phone = false;  // a SubmitReq; else a mail
  std::string next_hop;
  MailRoute mail_route;
  std::vector<std::string> left;  // mail recipients without a final reply
  MmRoute mm_route;
  std::uint64_t mail_size = 0;  // mailbox: announced
  bool has_credit = false;      // mailbox: the control plane may send chunks

  /// Some recipient's mail was taken by the next hop.
  [[nodiscard]] bool any_taken() const { return attempt.done.size() > attempt.rejected.size(); }

  // Sending.
  bool converted = false;
  std::string output_type;
  Bytes output;
  Attempt attempt;
  Instant not_before{};  // a mail in doubt is not sent again earlier
  Instant expires{};
  bool duplicate_possible = false;  // it was sent again although an earlier try may have arrived
  std::string last_trouble;

  // The end: a whole handoff outcome record.
  Bytes outcome;
};

}  // namespace pushmail::relay
