// From a mailbox: a submission of the control plane, whose mail comes in chunks as we grant credit.
//
// No body in the journal: until SubmitRsp 1000 the mailbox is the durable copy and the store knows the item. After a restart the control
// plane sends the submission again under the same id, and the TransactionID made of it stays the same. What the journal has is the attempt:
// whether SubmitReq may have left.
//
// Came from: the handoff socket (submission, chunk). Goes to: converting, when the mail is whole.
#pragma once

#include "core/record.h"
#include "dataplane/relay/life.h"
#include "dataplane/relay/to_phone.h"

namespace pushmail::relay {

class FromMailbox {
 public:
  FromMailbox(const Context& context, Items& items, Life& life, const InDoubt& in_doubt, const Remembered& remembered, ToPhone& to_phone)
      : context_(context), items_(items), life_(life), in_doubt_(in_doubt), remembered_(remembered), to_phone_(to_phone) {}

  void on_submission(const RecordView& record);
  /// Next::convert when it was the last one: the item is the record's.
  [[nodiscard]] Next on_chunk(const RecordView& record);
  /// The first credit, when there is memory for the whole mail; else later.
  void grant_first(Item& item);
  /// Chunks on their way are lost; the control plane offers these submissions again from their beginning.
  void on_handoff_lost();

 private:
  void grant(const Item& item, std::uint64_t chunks);

  const Context& context_;
  Items& items_;
  Life& life_;
  const InDoubt& in_doubt_;
  const Remembered& remembered_;
  ToPhone& to_phone_;
};

}  // namespace pushmail::relay
