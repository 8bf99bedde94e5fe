// How far a mailbox was read, out of a fetcher's record into the store's row.
#pragma once

#include <string>

#include "controlplane/ports.h"
#include "controlplane/store/rows.h"

namespace pushmail {

/// Takes what the record says: baseline, new_mail, polled (core/contract/fetcher/schema.h). The cursor covers no mail that is still to be
/// announced, so it is written down as it is.
inline void take_watermark(const RecordView& record, MailboxState& state) {
  using mailbox::tag;
  using mailbox::Tag;
  state.uid_validity = record.u64(tag(Tag::uid_validity)).value_or(0);
  if (const auto last_uid = record.text(tag(Tag::last_uid))) state.last_uid = *last_uid;
  if (const auto cursor = record.text(tag(Tag::cursor))) state.cursor = *cursor;
}

}  // namespace pushmail
