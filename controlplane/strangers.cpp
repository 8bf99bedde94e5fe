#include "controlplane/strangers.h"

#include <algorithm>

#include "core/bytes.h"
#include "core/contract/handoff/schema.h"

namespace pushmail {

namespace {

constexpr std::int64_t hour_us = 3600LL * 1'000'000;
constexpr std::uint64_t grant_share = 4;
constexpr std::size_t domain_size_max = 255;

std::uint64_t left(std::uint64_t most, std::uint64_t used) { return most - std::min(used, most); }

}  // namespace

Result<Grant> grant_stranger(Store& store, const StrangerLimits& limits, const Msisdn& phone, const Stranger& stranger, Timestamp now) {
  PM_TRY(const std::uint64_t open, store.count_open_of_strangers(phone));
  PM_TRY(const HandedIn handed_in, store.handed_in(phone, stranger, {now.us - hour_us}, limits.phone_mails_max));
  const std::uint64_t of_phone = std::min(left(limits.phone_waiting_max, open), left(limits.phone_mails_max, handed_in.mails));
  if (of_phone == 0) return Grant{.verdict = handoff::verdict::recipient_busy};
  const std::uint64_t of_sender =
      std::min(left(limits.source_mails_max, handed_in.of_source), left(limits.sender_mails_max, handed_in.of_sender));
  // A data plane that does not say who hands it in has budgets for the phone alone.
  if (stranger.source_address.empty())
    return Grant{.verdict = handoff::verdict::accepted, .mails_max = std::max<std::uint64_t>(of_phone / grant_share, 1)};
  if (of_sender == 0) return Grant{.verdict = handoff::verdict::sender_busy};
  return Grant{.verdict = handoff::verdict::accepted, .mails_max = std::max<std::uint64_t>(std::min(of_phone, of_sender) / grant_share, 1)};
}

std::string domain_of_sender(std::string_view mail_from) {
  const std::size_t at = mail_from.rfind('@');
  if (at == std::string_view::npos) return {};
  std::string domain(mail_from.substr(at + 1, domain_size_max));
  for (char& c : domain) c = ascii_lower(c);
  return domain;
}

}  // namespace pushmail
