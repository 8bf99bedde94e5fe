#include "controlplane/store/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "controlplane/store/errors.h"

namespace pushmail {

Result<bool> move_item(Store& store, Item& item, Move move) {
  const bool legal = may_follow(item.state, move.to) || item.state == move.to;
  const bool moved = legal && !(is_final(item.state) && item.state == move.to);
  HistoryRow row{.item = item.id,
                 .trace = item.trace,
                 .time = move.time,
                 .program = std::string(move.by),
                 .event = std::string(move.event),
                 .state = moved ? std::string(to_string(move.to)) : std::string(),
                 .details = std::move(move.details)};
  if (!move.reason.empty()) row.details.emplace_back("reason", move.reason);
  if (const auto written = store.add_history(row); !written) return std::unexpected(written.error());
  if (!moved) return false;

  item.state = move.to;
  item.reason = std::move(move.reason);
  item.updated = std::max(item.updated, move.time);
  if (const auto written = store.update_item(item); !written) return std::unexpected(written.error());
  return true;
}

Result<void> note(Store& store, const Item& item, std::string_view event, Timestamp time, std::string_view by, Details details) {
  return store.add_history({.item = item.id,
                            .trace = item.trace,
                            .time = time,
                            .program = std::string(by),
                            .event = std::string(event),
                            .state = {},
                            .details = std::move(details)});
}

Result<InDoubt> sending_in_doubt(Store& store, const ItemId& item) {
  PM_TRY(auto rows, store.history(item));
  // A clock that was set back must not make an older word the last one.
  std::ranges::sort(rows, {}, &HistoryRow::arrival);
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->program != program::data) continue;
    const auto detail = [&](std::string_view key) -> std::string_view {
      for (const auto& [name, value] : row->details) {
        if (name == key) return value;
      }
      return {};
    };
    if (row->event == "submit_req" || row->event == "mail_sending" || row->event == "mail_sent") return InDoubt{.maybe_sent = true};
    // TS 23.140 §10.2: 1xxx is success.
    if (row->event == "submit_rsp") return InDoubt{.maybe_sent = detail("status").starts_with('1'), .message_id = std::string(detail("message_id"))};
    // Put off for certain, unless the answer to the data was lost or some of the recipients have it.
    if (row->event == "retry") return InDoubt{.maybe_sent = detail("maybe_sent") == "1"};
  }
  return InDoubt{};
}

Result<std::string> free_reply_code(Store& store, const Msisdn& phone, Timestamp now) {
  PM_TRY(const auto used, store.codes_of(phone));
  const auto is_used = [&](const std::string& code) {
    return std::any_of(used.begin(), used.end(), [&](const auto& entry) { return entry.first == code; });
  };
  for (int number = 10; number <= 99; ++number) {
    const std::string code = fmt::to_string(number);
    if (!is_used(code)) return code;
  }
  // codes_of is ordered by the time until which each is taken.
  if (!used.empty() && used.front().second <= now) return used.front().first;
  return fail(store_no_code);
}

Result<Suffix> take_suffix(Store& store, Suffix wanted, std::uint32_t digit_count, Timestamp now) {
  PM_TRY(auto known, store.suffixes(wanted.msisdn));
  wanted.last_used = now;

  std::set<std::string, std::less<>> taken;
  const Suffix* oldest = nullptr;
  for (const Suffix& one : known) {
    if (one.binding == wanted.binding && one.correspondent == wanted.correspondent && one.thread == wanted.thread) {
      wanted.digits = one.digits;
      if (const auto written = store.put_suffix(wanted); !written) return std::unexpected(written.error());
      return wanted;
    }
    taken.insert(one.digits);
    const bool rested = now.us - one.last_used.us >= suffix_rest_us;
    if (oldest == nullptr && rested && one.binding == wanted.binding && one.digits.size() == digit_count) oldest = &one;
  }

  std::uint64_t pool = 1;
  for (std::uint32_t i = 0; i < digit_count; ++i) pool *= 10;
  // A random start keeps one phone's suffixes from telling how many mails another has.
  const std::uint64_t start = random_u64() % pool;
  for (std::uint64_t step = 0; step < pool && taken.size() < pool; ++step) {
    std::string digits = fmt::format("{:0{}}", (start + step) % pool, digit_count);
    if (taken.contains(digits)) continue;
    wanted.digits = std::move(digits);
    if (const auto written = store.put_suffix(wanted); !written) return std::unexpected(written.error());
    return wanted;
  }
  if (oldest == nullptr) return fail(store_no_suffix);
  wanted.digits = oldest->digits;
  if (const auto written = store.put_suffix(wanted); !written) return std::unexpected(written.error());
  return wanted;
}

Result<bool> queue_limited_sms(Store& store, const Sms& sms, std::uint64_t count_max, Timestamp since) {
  PM_TRY(const std::uint64_t queued, store.count_sms(sms.msisdn, sms.kind, since));
  if (queued >= count_max) return false;
  if (const auto done = store.queue_sms(sms); !done) return std::unexpected(done.error());
  return true;
}

}  // namespace pushmail
