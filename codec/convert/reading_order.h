// Pictures inside a page come in the order in which it shows them. Not for use outside this folder.
#pragma once

#include <span>

#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// `attachments` are indices into the mail's parts. Those that an HTML part names by `cid:` (RFC 2392) change places among each other, so
/// that they stand as the page names them; all others stay where they are.
void put_in_reading_order(const mime::Message& mail, std::span<std::size_t> attachments, Arena& arena);

}  // namespace pushmail::convert
