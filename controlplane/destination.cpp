#include "controlplane/destination.h"

#include <algorithm>

#include "codec/wap/address.h"
#include "core/bytes.h"
#include "core/typed_text.h"
#include "core/utf8.h"

namespace pushmail {

namespace {

namespace verdict = handoff::verdict;

struct Lookup {
  Store& store;
  const Settings& settings;
  const std::optional<Msisdn>& sender;
  std::string_view peer;
};

bool is_asked(const Lookup& ask, const PeerProfile& peer) { return ask.peer.empty() || peer.name() == ask.peer; }

// Whether the domain is an MMSC's own: what stands in front is a number or short code then (TS 23.140 §8.4.1).
bool is_domain_of_mmsc(const Lookup& ask, std::string_view domain) {
  return std::ranges::any_of(ask.settings.peers, [&](const auto& entry) {
    return is_asked(ask, entry.second) &&
           std::ranges::any_of(entry.second.texts("domains"), [&](const std::string& one) { return ascii_equal_nocase(one, domain); });
  });
}

Result<std::optional<Destination>> thread_of(const Lookup& ask, std::string_view digits) {
  PM_TRY(auto suffix, ask.store.suffix(*ask.sender, digits));
  if (!suffix || suffix->correspondent.empty()) return std::optional<Destination>();
  return std::optional(Destination{.kind = Destination::Kind::thread,
                                   .verdict = verdict::accepted,
                                   .mailbox = mailbox_of(suffix->correspondent, suffix->correspondent_name),
                                   .suffix = std::move(*suffix)});
}

// A number or short code, whatever address form it stood in. `unreadable`: the verdict about what is neither.
Result<Destination> find_number(const Lookup& ask, std::string_view text, std::string_view unreadable) {
  const std::string digits = wap::digits_of(text);
  for (const auto& [name, peer] : ask.settings.peers) {
    if (digits.empty() || !ask.sender || !is_asked(ask, peer)) continue;
    const std::string& service = peer.text("service_number");
    if (digits == service) return Destination{.kind = Destination::Kind::service, .verdict = verdict::accepted};
    // Some MMSCs hand a short code of more than six digits back as Number.
    const bool in_pool = digits.starts_with(service) && digits.size() == service.size() + peer.number("suffix_digits");
    if (!in_pool) continue;
    PM_TRY(auto thread, thread_of(ask, std::string_view(digits).substr(service.size())));
    if (thread) return std::move(*thread);
  }
  // A phone's number may begin like the service number.
  const auto number = ask.settings.numbering.read(text);
  if (!number) return Destination{.verdict = unreadable};
  PM_TRY(const auto bound, ask.store.bindings_of(*number));
  for (const Binding& one : bound) {
    if (!one.is_active()) continue;
    return Destination{
        .kind = Destination::Kind::bound, .verdict = verdict::accepted, .mailbox = mailbox_of(one.mail_address, one.display_name)};
  }
  return Destination{};
}

// Without what nobody sees in it, as copied from somewhere.
void clean(std::string& word) {
  std::string seen;
  for (std::size_t at = 0; at < word.size();) {
    const CodePoint found = code_point_at(word, at);
    const std::size_t size = found ? found.size : 1;
    if (!found || found.value < 0x80 || (!is_typed_unseen(found.value) && !is_typed_blank(found.value))) seen += word.substr(at, size);
    at += size;
  }
  word = std::move(seen);
}

// One mailbox, with its name or without.
std::optional<mime::Mailbox> one_mailbox(std::string_view text) {
  auto mailbox = mime::parse_address(wap::strip_type(text));
  if (!mailbox || mailbox->domain.empty()) {
    auto named = mime::parse_mailboxes(text);
    if (named.size() != 1 || named.front().domain.empty()) return std::nullopt;
    mailbox = std::move(named.front());
  }
  clean(mailbox->local_part);
  clean(mailbox->domain);
  if (mailbox->local_part.empty() || mailbox->domain.empty()) return std::nullopt;
  return std::move(*mailbox);
}

Result<Destination> find_mail(const Lookup& ask, std::string_view text) {
  auto address = one_mailbox(text);
  if (!address) {
    if (ask.sender && !text.contains('@')) return find_number(ask, text, verdict::bad_address);
    return Destination{.verdict = verdict::bad_address};
  }
  constexpr std::string_view alias_prefix = "r-";
  if (ask.sender && address->domain == "reply." + ask.settings.domain && address->local_part.starts_with(alias_prefix)) {
    PM_TRY(auto thread, thread_of(ask, std::string_view(address->local_part).substr(alias_prefix.size())));
    return thread ? std::move(*thread) : Destination{};
  }
  const std::string_view local = wap::strip_type(address->local_part);
  // RFC 5321 §4.5.1 asks for postmaster; he is not a phone.
  if (address->domain == ask.settings.domain) return find_number(ask, local, verdict::bad_address);
  // Only a phone's own mail leaves for the Internet; forwarded mail to other domains would be relaying.
  if (!ask.sender) return Destination{};
  if (is_domain_of_mmsc(ask, address->domain) && !wap::digits_of(local).empty()) return find_number(ask, local, verdict::bad_address);
  return Destination{.kind = Destination::Kind::internet, .verdict = verdict::accepted, .mailbox = std::move(*address)};
}

}  // namespace

Result<Destination> find_destination(Store& store, const Settings& settings, std::string_view form, const std::optional<Msisdn>& sender,
                                     std::string_view peer) {
  const Lookup ask{.store = store, .settings = settings, .sender = sender, .peer = peer};
  const auto [kind, text] = split_form(form);
  if (kind == "mail") return find_mail(ask, text);
  // A short code that is not ours is no mistake in writing.
  return find_number(ask, text, kind == "number" ? verdict::bad_address : verdict::not_bound);
}

std::pair<std::string_view, std::string_view> split_form(std::string_view form) {
  const std::size_t colon = form.find(':');
  if (colon == std::string_view::npos) return {"mail", form};
  return {form.substr(0, colon), form.substr(colon + 1)};
}

std::optional<Msisdn> msisdn_of_form(const wap::Numbering& numbering, std::string_view form) {
  const auto [kind, value] = split_form(form);
  // The very reading that find_destination() judges by: who was accepted is found again.
  const auto mailbox = kind == "mail" ? one_mailbox(value) : std::nullopt;
  auto number = numbering.read(mailbox ? wap::strip_type(mailbox->local_part) : value);
  return number ? std::optional(std::move(*number)) : std::nullopt;
}

std::optional<Msisdn> sender_of_form(const wap::Numbering& numbering, std::string_view form) {
  return split_form(form).first == "number" ? msisdn_of_form(numbering, form) : std::nullopt;
}

mime::Mailbox mailbox_of(std::string_view address, std::string display_name) {
  auto mailbox = mime::parse_address(address).value_or(mime::Mailbox());
  mailbox.display_name = std::move(display_name);
  return mailbox;
}

}  // namespace pushmail
