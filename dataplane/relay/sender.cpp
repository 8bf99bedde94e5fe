#include "dataplane/relay/sender.h"

#include "codec/mime/message.h"
#include "codec/wap/address.h"
#include "core/bytes.h"

namespace pushmail::relay {

namespace {

constexpr std::string_view mail_form = "mail:";

std::optional<Msisdn> number_in(const wap::Numbering& numbering, std::string_view text) {
  auto number = numbering.read(text);
  return number ? std::optional(std::move(*number)) : std::nullopt;
}

std::optional<Msisdn> number_at(const wap::Numbering& numbering, std::string_view address, std::string_view domain) {
  auto mailbox = mime::parse_address(wap::strip_type(address));
  // `"Joe" <+15550100002@DOMAIN>`
  if (!mailbox || mailbox->domain.empty()) {
    auto named = mime::parse_mailboxes(address);
    if (named.size() != 1) return std::nullopt;
    mailbox = std::move(named.front());
  }
  if (!ascii_equal_nocase(mailbox->domain, domain)) return std::nullopt;
  return number_in(numbering, wap::strip_type(mailbox->local_part));
}

}  // namespace

std::optional<Msisdn> phone_of_sender(const mm7::Address& sender, std::span<const std::string> forms, const wap::Numbering& numbering) {
  for (const std::string& form : forms) {
    std::optional<Msisdn> phone;
    if (sender.kind == mm7::AddressKind::number && form == "number") phone = number_in(numbering, sender.value);
    if (sender.kind == mm7::AddressKind::rfc2822 && form == "rfc2822") phone = number_in(numbering, sender.value);
    if (sender.kind == mm7::AddressKind::rfc2822 && form.starts_with(mail_form)) {
      phone = number_at(numbering, sender.value, std::string_view(form).substr(mail_form.size()));
    }
    if (phone) return phone;
  }
  return std::nullopt;
}

std::string phone_form(const Msisdn& phone) { return "number:+" + phone.digits(); }

}  // namespace pushmail::relay
