// What both halves of MM -> mail ask the header of an MM. Not for use outside this folder.
#pragma once

#include <string_view>

#include "codec/convert/convert.h"

namespace pushmail::convert {

/// A fully qualified address: a number or short code stands before our domain. Without local part when it is no address at all.
[[nodiscard]] mime::Mailbox mailbox_of(const mm7::Address& address, std::string_view our_domain);
/// Class Auto: nobody wrote it, and nobody may answer it.
[[nodiscard]] bool is_automatic(const MmHeader& header);
/// Classes that RFC 4356 lets call themselves bulk.
[[nodiscard]] bool is_bulk(const MmHeader& header);
/// Fails with what a mail cannot keep secret, or cannot pay for.
[[nodiscard]] Result<void> check_can_be_mail(const MmHeader& header);

}  // namespace pushmail::convert
