#include "controlplane/store/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "controlplane/store/errors.h"
#include "core/ascii.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail {

Result<bool> move_item(Store& store, Item& item, Move move) {
  const auto next = next_of(item_steps, item.state, move.event);
  HistoryRow row{.item = item.id,
                 .trace = item.trace,
                 .time = move.time,
                 .program = move.by,
                 .event = std::string(to_string(move.event)),
                 .state = next,
                 .details = std::move(move.details)};
  if (!move.reason.empty()) row.details.emplace_back("reason", move.reason);
  if (const auto written = store.add_history(row); !written) return std::unexpected(written.error());
  if (!next) {
    // To one that ended, much comes late. One on its way was expected elsewhere.
    if (!is_final(item.state))
      log_warning("item_event_without_effect")
          .trace(item.trace)
          .item(item.id)
          .text("event", to_string(move.event))
          .text("state", to_string(item.state));
    return false;
  }

  item.state = *next;
  item.reason = std::move(move.reason);
  item.updated = std::max(item.updated, move.time);
  if (const auto written = store.update_item(item); !written) return std::unexpected(written.error());
  return true;
}

Result<void> note(Store& store, const Item& item, std::string_view event, Timestamp time, Program by, Details details) {
  return store.add_history({.item = item.id,
                            .trace = item.trace,
                            .time = time,
                            .program = by,
                            .event = std::string(event),
                            .state = {},
                            .details = std::move(details)});
}

namespace {

constexpr int code_least = 10;
constexpr int code_most = 99;

// Two digits, as they are given out; whatever else a store holds is no code of ours.
std::optional<std::size_t> code_number(std::string_view code) {
  if (code.size() != 2 || !is_digit(code[0]) || !is_digit(code[1])) return std::nullopt;
  return static_cast<std::size_t>(code[0] - '0') * 10 + static_cast<std::size_t>(code[1] - '0');
}

// Nobody needs the code of a mail that is with the MMSC, or that ended.
bool is_through(const CodeHolder& holder) { return holder.state >= ItemState::submitted; }
bool is_asked_for(const CodeHolder& holder) { return holder.state > ItemState::notified && !is_through(holder); }

// Whose code an item takes, in this order; within a row the one used longest ago. A code that was announced, or whose mail went through,
// less than timers::code_fresh ago is in a person's hand: a late answer must not bring another mail.
enum class Takes : std::uint8_t { from_through, from_just_through, from_stranger, from_own, from_asked_for };
struct TakeRow {
  Origin taker;
  Takes takes;
};
constexpr auto take_rows = std::to_array<TakeRow>({
    {Origin::own, Takes::from_through},
    {Origin::own, Takes::from_stranger},
    {Origin::own, Takes::from_just_through},
    {Origin::own, Takes::from_own},
    {Origin::own, Takes::from_asked_for},
    {Origin::stranger, Takes::from_through},
    {Origin::stranger, Takes::from_stranger},
    {Origin::stranger, Takes::from_just_through},
});

// Of a mail that is through its code was last seen when it went through; of others when they were announced.
Timestamp last_use(const CodeHolder& holder) { return is_through(holder) ? std::max(holder.updated, holder.announced) : holder.announced; }

bool may_take(Takes takes, const CodeHolder& holder, Timestamp now) {
  const bool waits = !is_through(holder) && !is_asked_for(holder);
  const bool rested = now.us - last_use(holder).us >= timers::code_fresh.us();
  switch (takes) {
    case Takes::from_through:
      return is_through(holder) && rested;
    case Takes::from_just_through:
      return is_through(holder);
    case Takes::from_stranger:
      return waits && rested && holder.origin == Origin::stranger;
    case Takes::from_own:
      return waits && rested && holder.origin == Origin::own;
    case Takes::from_asked_for:
      return is_asked_for(holder);
  }
  return false;
}

// The holder's code is another's from now on; what waits goes on waiting.
Result<void> lose_code(Store& store, const ItemId& id, Timestamp now) {
  PM_TRY(auto item, store.item(id));
  PM_CHECK(item);
  const bool waits = item->state < ItemState::requested;
  const std::string code = std::exchange(item->reply_code, std::string());
  if (waits) {
    item->reason = "the phone has newer mails than reply codes; it is announced again when the phone answers others";
    if (const auto withdrawn = store.withdraw_sms(id); !withdrawn) return withdrawn;
  }
  if (const auto written = store.update_item(*item); !written || !waits) return written;
  return note(store, *item, "code_taken", now, Program::control, {{"reply_code", code}});
}

}  // namespace

Result<bool> give_reply_code(Store& store, Item& item, std::size_t strangers_max, Timestamp now) {
  PM_TRY(const auto holders, store.code_holders(item.msisdn));
  const Origin taker = origin_of(item);
  std::array<bool, code_most + 1> used{};
  std::size_t strangers = 0;
  for (const CodeHolder& holder : holders) {
    if (const auto number = code_number(holder.code)) used[*number] = true;
    if (holder.origin == Origin::stranger && holder.state <= ItemState::notified) ++strangers;
  }
  const bool only_strangers = taker == Origin::stranger && strangers >= strangers_max;

  std::string code;
  for (int number = code_least; number <= code_most && code.empty() && !only_strangers; ++number) {
    if (!used[static_cast<std::size_t>(number)]) code = fmt::to_string(number);
  }
  const CodeHolder* loser = nullptr;
  for (const TakeRow& row : take_rows) {
    if (!code.empty() || loser != nullptr) break;
    if (row.taker != taker || (only_strangers && row.takes != Takes::from_stranger)) continue;
    for (const CodeHolder& holder : holders) {
      if (may_take(row.takes, holder, now) && (loser == nullptr || last_use(holder) < last_use(*loser))) loser = &holder;
    }
  }
  if (loser != nullptr) {
    code = loser->code;
    if (const auto lost = lose_code(store, loser->item, now); !lost) return std::unexpected(lost.error());
  }
  if (code.empty()) return false;
  item.reply_code = std::move(code);
  if (const auto written = store.update_item(item); !written) return std::unexpected(written.error());
  return true;
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
    const bool rested = now.us - one.last_used.us >= timers::suffix_rest.us();
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
