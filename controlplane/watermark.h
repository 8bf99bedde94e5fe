// How far a mailbox was read, out of a fetcher's record into the store's row.
#pragma once

#include <string>

#include "controlplane/ports.h"
#include "controlplane/store/rows.h"

namespace pushmail {

/// Takes what the record says: baseline, new_mail, polled (core/contract/fetcher/schema.h). `last_uid` covers no mail that is still to be
/// announced, so it may be written down as it is.
inline void take_watermark(const RecordView& record, MailboxState& state) {
  using mailbox::tag;
  using mailbox::Tag;
  state.uid_validity = record.u64(tag(Tag::uid_validity)).value_or(0);
  if (const auto last_uid = record.text(tag(Tag::last_uid))) state.last_uid = *last_uid;
  const auto newest_id = record.text(tag(Tag::newest_id));
  const auto newest_date = record.i64(tag(Tag::newest_date));
  if (!newest_id && !newest_date) return;
  state.newest_id = newest_id.value_or("");
  state.newest_date = {newest_date.value_or(0)};
}

}  // namespace pushmail
