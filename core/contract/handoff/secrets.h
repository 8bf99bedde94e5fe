// What of a record may lie on a disk: all but its passwords.
//
// Came from: a `peers` record. Goes to: the data plane's last-known file. Which fields are secrets stands in the table of tags (schema.h).
#pragma once

#include "core/bytes.h"
#include "core/record.h"

namespace pushmail::handoff {

/// Whether the record, or one nested in it, has a field of FieldType::secret.
[[nodiscard]] bool holds_secrets(const RecordView& record);
/// The same record without those fields, and with its sequence. A nested record that is broken is left out: what it holds nobody knows.
[[nodiscard]] Bytes without_secrets(const RecordView& record);

}  // namespace pushmail::handoff
