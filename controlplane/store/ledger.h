// The few moves of the store that have rules: an item's state with its history, reply codes, suffixes.
//
// Used by: controlplane/to_phone, to_mail, retrieve. All of them are called inside Store::write().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/store/item_life.h"
#include "controlplane/store/store.h"

namespace pushmail {

using Details = std::vector<std::pair<std::string, std::string>>;

/// What happened to an item, and the reason it has from now on. The state follows from the table (item_life.h).
struct Move {
  ItemEvent event;
  std::string reason;
  Timestamp time;  // when it happened
  Program by = Program::control;
  Details details = {};
};

/// Writes item and history row; `item` shows the new state. False, and only a history row, when the event leads nowhere from where the
/// item stands: a late or repeated word changes nothing.
[[nodiscard]] Result<bool> move_item(Store& store, Item& item, Move move);
/// A history row that changes no state.
[[nodiscard]] Result<void> note(Store& store, const Item& item, std::string_view event, Timestamp time, Program by = Program::control,
                                Details details = {});

/// Calls `each(Item&)` for every item of the filter, newest first, and reads a page at a time: however many there are, few stand in memory.
/// What `each` writes may take its item out of the filter.
template <typename Each>
[[nodiscard]] Result<void> for_each_item(Store& store, ItemFilter filter, Each each) {
  constexpr std::size_t page = 1000;
  filter.order = ItemOrder::newest_first;
  filter.count_max = page;
  for (;;) {
    PM_TRY(auto items, store.items(filter));
    for (Item& item : items) each(item);
    if (items.size() < page) return {};
    filter.before = to_string(items.back().id);
  }
}

/// Gives this item of a phone a reply code of its own (10 to 99): one that was never used, else the one whose mail has been through for
/// longest. When every code has a mail that waits, the one announced longest ago loses its code: a stranger's before the mailbox's own, and
/// last one that the phone has asked for. A stranger's mail takes a waiting one's code only from a stranger, and does so when
/// `strangers_max` codes are strangers'. False: there is none, all were announced a moment ago. `item` and who loses a code are written.
[[nodiscard]] Result<bool> give_reply_code(Store& store, Item& item, std::size_t strangers_max, Timestamp now);

/// The suffix of this correspondent and thread: the one it has, or a new one by the rules of docs/design.md, Addresses the phone can
/// answer. `wanted` names binding, correspondent, thread and the last mail; digits and time are filled in.
[[nodiscard]] Result<Suffix> take_suffix(Store& store, Suffix wanted, std::uint32_t digit_count, Timestamp now);

/// Takes one message for a phone into the outgoing SMS, unless `count_max` of this kind were queued since `since`.
[[nodiscard]] Result<bool> queue_limited_sms(Store& store, const Sms& sms, std::uint64_t count_max, Timestamp since);

}  // namespace pushmail
