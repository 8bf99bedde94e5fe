#include "controlplane/notify/sms_receipts.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/peer_id.h"

namespace pushmail::notify {

namespace {

// So many digits at the end of two numbers are no coincidence beside an equal id: one was written without its country code.
constexpr std::size_t same_tail_digits = 7;

bool has_tail(std::string_view number, std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.size() >= same_tail_digits && number.ends_with(digits);
}

}  // namespace

std::vector<sms::IdForm> SmsReceipts::forms() const {
  if (settings_.form) return {*settings_.form};
  return {sms::id_forms.begin(), sms::id_forms.end()};
}

std::optional<Msisdn> SmsReceipts::phone_of(const SmsReceipt& receipt) const {
  for (const auto& [address, type] :
       {std::pair(&receipt.source, receipt.source_type), std::pair(&receipt.destination, receipt.destination_type)}) {
    if (auto number = settings_.numbering.read(*address, type)) return *number;
  }
  return std::nullopt;
}

// Both addresses of ours, or one that nobody can read, say nothing against the id.
SmsReceipts::Fit SmsReceipts::fit(const SmsReceipt& receipt, const Msisdn& phone) const {
  Fit found = Fit::unclear;
  for (const auto& [address, type] :
       {std::pair(&receipt.source, receipt.source_type), std::pair(&receipt.destination, receipt.destination_type)}) {
    const auto number = settings_.numbering.read(*address, type);
    if ((number && *number == phone) || has_tail(phone.digits(), wap::digits_of(*address))) return Fit::this_phone;
    if (number) found = Fit::another_phone;
  }
  return found;
}

// The newest SMS to the phone that the receipt names; where it names none, the only one with the id.
std::optional<Sms> SmsReceipts::choose(const SmsReceipt& receipt, std::vector<Sms> candidates) const {
  std::erase_if(candidates, [&](const Sms& sms) { return fit(receipt, sms.msisdn) == Fit::another_phone; });
  const auto named = std::ranges::find_if(candidates, [&](const Sms& sms) { return fit(receipt, sms.msisdn) == Fit::this_phone; });
  if (named != candidates.end()) return std::move(*named);
  return candidates.size() == 1 ? std::optional(std::move(candidates.front())) : std::nullopt;
}

Result<std::optional<SmsReceipts::Match>> SmsReceipts::find(const SmsReceipt& receipt) {
  std::vector<Match> matches;  // one of each form
  if (receipt.smsc_id.empty()) return std::optional<Match>();
  std::vector<std::string> asked;
  for (const sms::IdForm form : forms()) {
    std::string key = sms::response_key(receipt.smsc_id, form);
    if (std::ranges::find(asked, key) != asked.end()) continue;  // an id of few digits is the same in both bases
    asked.push_back(key);
    PM_TRY(auto candidates, store_.sms_of_part(key));
    // What was sent before bearers had names may be anyone's.
    std::erase_if(candidates, [this](const Sms& sms) { return !sms.bearer.empty() && sms.bearer != bearer_; });
    if (auto chosen = choose(receipt, std::move(candidates))) matches.push_back({.sms = std::move(*chosen), .form = form});
  }
  if (matches.size() > 1 && proved_) std::erase_if(matches, [&](const Match& match) { return match.form != *proved_; });
  const bool is_one =
      !matches.empty() && std::ranges::all_of(matches, [&](const Match& match) { return match.sms.id == matches.front().sms.id; });
  return is_one ? std::optional(std::move(matches.front())) : std::optional<Match>();
}

void SmsReceipts::take(const SmsReceipt& receipt, bool under_way) {
  bool matched = false;
  const auto done = store_.write([&]() -> Result<void> {
    matched = false;
    PM_TRY(const auto match, find(receipt));
    if (!match) return {};
    matched = true;
    return write_down(receipt, match->sms, match->form);
  });
  if (!done) log_error("receipt_not_stored").error(done.error());
  if (matched || !done) return;
  if (waiting_.size() >= waiting_max) {
    report_near_miss(waiting_.front());
    waiting_.pop_front();
  }
  waiting_.push_back({.receipt = receipt, .came = clock_.now()});
  if (!under_way) report_near_miss(waiting_.back());
}

Result<void> SmsReceipts::on_sent(const Sms& sms, const std::vector<std::string>& smsc_ids) {
  std::vector<std::string> keys;
  for (const std::string& id : smsc_ids) {
    if (id.empty()) continue;
    if (const auto added = store_.add_sms_part(sms.id, id, clock_.wall()); !added) return added;
    keys.push_back(peer_id_key(id));
  }
  std::vector<std::size_t> matched;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const SmsReceipt& receipt = waiting_[i].receipt;
    for (const sms::IdForm form : forms()) {
      const bool is_ours = std::ranges::find(keys, sms::response_key(receipt.smsc_id, form)) != keys.end();
      if (!is_ours || fit(receipt, sms.msisdn) == Fit::another_phone) continue;
      if (const auto written = write_down(receipt, sms, form); !written) return written;
      matched.push_back(i);
      break;
    }
  }
  for (const std::size_t i : std::views::reverse(matched)) waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  return {};
}

// News for the history only: the phone's answer, not its reception, moves the item.
Result<void> SmsReceipts::write_down(const SmsReceipt& receipt, const Sms& sms, sms::IdForm form) {
  ++counts_.matched;
  // Whether one form alone fits says nothing where both sides write the same.
  if (!settings_.form && form != sms::IdForm::same && proved_ != form) {
    proved_ = form;
    log_info("receipt_form_found").text("form", sms::to_string(form));
  }
  if (!settings_.form && form == sms::IdForm::same && !proved_) proved_ = form;
  if (sms.item.empty()) return {};
  PM_TRY(const auto item, store_.item(sms.item));
  if (!item) return {};
  Details details{{"smsc_id", receipt.smsc_id}, {"status", receipt.word}};
  if (form != sms::IdForm::same) details.emplace_back("id_form", sms::to_string(form));
  return note(store_, *item, "sms_receipt", clock_.wall(), Program::control, std::move(details));
}

void SmsReceipts::tick() {
  while (!waiting_.empty() && clock_.now() - waiting_.front().came > wait) {
    report_near_miss(waiting_.front());
    waiting_.pop_front();
  }
}

void SmsReceipts::report_near_miss(Waiting& waiting) {
  if (waiting.reported) return;
  waiting.reported = true;
  ++counts_.unmatched;
  const SmsReceipt& receipt = waiting.receipt;
  if (lines_.take(std::string_view(), clock_.now())) {
    log_warning("receipt_unmatched")
        .text("smsc_id", receipt.smsc_id)
        .text("status", receipt.word)
        .person("phone", receipt.source)
        .number("since_start", static_cast<std::int64_t>(counts_.unmatched));
  }
  const auto done = store_.write([&] { return write_near_miss(receipt); });
  if (!done) log_error("receipt_not_stored").error(done.error());
}

Result<void> SmsReceipts::write_near_miss(const SmsReceipt& receipt) {
  const auto phone = phone_of(receipt);
  if (!phone || !rows_.take(phone->digits(), clock_.now())) return {};
  PM_TRY(const auto last, store_.last_notification(*phone));
  if (!last || last->item.empty()) return {};
  PM_TRY(const auto item, store_.item(last->item));
  if (!item) return {};
  return note(store_, *item, "sms_receipt_unmatched", clock_.wall(), Program::control,
              {{"receipt_id", receipt.smsc_id},
               {"status", receipt.word},
               {"smsc_id", last->smsc_id},
               {"reason", "a receipt for this phone names no SMS of ours; notify.message_id_form says how ids are compared"}});
}

}  // namespace pushmail::notify
