// What a recipient of a message is to us: the service number, a thread behind it, a bound phone, or a mail address.
//
// Came from: address forms of core/contract/handoff/schema.h. Used by: to_mail (503, 506), reports (whose report it is). Pure, but for
// what the store knows. Numbers are read by codec/wap/numbering.h alone: what nobody can read for sure is bad_address, and never some
// number.
//
//   form                                             | is
//   short:5000, number:+5000, mail:5000@MMSC         | the service number of the peer: a new mail
//   ...50001742, mail:r-1742@reply.OUR-DOMAIN        | the thread 1742 of the phone that sends
//   number:N, mail:N, mail:N@OUR-DOMAIN, mail:N@MMSC | the phone with this number, where it is bound
//   mail:Joe <joe@example.com>                       | a mail address, with its name; for phones alone
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/mime/message.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/contract/handoff/schema.h"

namespace pushmail {

struct Destination {
  enum class Kind : std::uint8_t { unreachable, service, thread, bound, internet };
  Kind kind = Kind::unreachable;
  std::string_view verdict = handoff::verdict::not_bound;
  mime::Mailbox mailbox{};         // thread, bound, internet
  std::optional<Suffix> suffix{};  // thread
};

/// `sender` empty for forwarded mail, which reaches bound phones alone; `peer` empty: any.
[[nodiscard]] Result<Destination> find_destination(Store& store, const Settings& settings, std::string_view form,
                                                   const std::optional<Msisdn>& sender, std::string_view peer);

/// `number:+1555` -> ("number", "+1555"); a form without a colon is mail.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_form(std::string_view form);
/// The number in `number:+1555…`, `short:…` or `mail:1555…@…`; nothing when it is none, or could be two.
[[nodiscard]] std::optional<Msisdn> msisdn_of_form(const wap::Numbering& numbering, std::string_view form);
/// The phone that sends: a number alone. What else counts as one is for the peer's profile to say, in the data plane.
[[nodiscard]] std::optional<Msisdn> sender_of_form(const wap::Numbering& numbering, std::string_view form);

/// `Ann@Example.COM` of a binding or suffix, with this name.
[[nodiscard]] mime::Mailbox mailbox_of(std::string_view address, std::string display_name);

}  // namespace pushmail
