// Pictures inside a page come in the order in which it shows them. Not for use outside this folder.
#pragma once

#include <span>
#include <string_view>

#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// `attachments` are indices into the mail's parts. Those that a page shows change places among each other, so that they stand as it shows
/// them; all others stay where they are. `shown` are Content-IDs and Content-Locations in the order in which pages that were read show
/// them; behind those comes what an HTML part names by `cid:` (RFC 2392), whether it was read or not.
void put_in_reading_order(const mime::Message& mail, std::span<std::size_t> attachments, std::span<const std::string_view> shown,
                          Arena& arena);

}  // namespace pushmail::convert
