// Which phone a DeliverReq comes from. What a subscriber's mail leaves as hangs on it, and on the MMSC's word alone.
//
// An MMSC hands on mail of strangers too: whatever stands in an RFC2822Address may be a stranger's own choice. So a number counts only in
// the forms that the peer is known to write for its phones (key peer.*.sender_forms):
//
//   form          the Sender that is a phone
//   number        <Number>+15550100002</Number>, also with /TYPE=PLMN or without +; the bare text that some platforms write
//   rfc2822       <RFC2822Address>+15550100002/TYPE=PLMN</RFC2822Address>: a number alone
//   mail:DOMAIN   <RFC2822Address>+15550100002/TYPE=PLMN@DOMAIN</RFC2822Address>
//
// A ShortCode is a service, never a phone.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "codec/mm7/message.h"
#include "codec/wap/numbering.h"
#include "core/msisdn.h"

namespace pushmail::relay {

/// Nothing when this Sender is no phone in any of the peer's forms, or its number is none for sure by the rules of the network.
[[nodiscard]] std::optional<Msisdn> phone_of_sender(const mm7::Address& sender, std::span<const std::string> forms,
                                                    const wap::Numbering& numbering);
/// A phone as the control plane knows it: `number:+15550100002`.
[[nodiscard]] std::string phone_form(const Msisdn& phone);

}  // namespace pushmail::relay
