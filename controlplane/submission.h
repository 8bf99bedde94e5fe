// How a mail is described to the data plane, which makes the MM: for mails of a mailbox (to_phone) and forwarded ones alike.
#pragma once

#include <string>

#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/record.h"

namespace pushmail {

/// Writes what a submission, or a route answer `submit`, says of the item into `record`. Takes the suffix, which `item` and the store have
/// then. Inside Store::write().
[[nodiscard]] Result<void> describe_submission(Store& store, const Settings& settings, Timestamp now, Item& item, RecordWriter& record);

/// Why that failed, for the reader of `item show`.
[[nodiscard]] std::string explain_submission(const Error& error, const Item& item);

}  // namespace pushmail
