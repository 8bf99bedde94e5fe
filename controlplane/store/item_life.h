// The life of an item as a table. Whoever changes an item's state names an event (ledger.h, move_item); the table says where it leads, and
// that it leads nowhere: a late or repeated word is a history row without effect. README.md shows the whole table; the main roads are
//
//   mail to phone:  accepted -> notified -> requested -> fetching -> converting -> submitting -> submitted -> [reported] -> delivered
//   phone to mail:  accepted -> routed -> converting -> delivered
//   again:          fetching, converting, submitting -> requested (retry); converting -> routed (asked anew after a restart)
//   in doubt:       submitting (submission_in_doubt) -> requested, notified, accepted (doubt_*), or a report, or unconfirmed
//
// An end is final; what is unconfirmed may still turn out to be delivered.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/item_state.h"
#include "core/transition_table.h"

namespace pushmail {

enum class ItemEvent : std::uint8_t {
  mail_seen,            // in the mailbox, or handed to us
  pushed,               // the binding asks nobody
  notify_withheld,      // the phone had its share of SMS
  notify_deferred,      // the SMSC takes the SMS later
  notify_in_doubt,      // the SMSC may have it
  notify_set_aside,     // the same twice: it is not sent again
  notified,             // the SMSC has the SMS
  retrieve_requested,   // the phone asked for it
  fetching,             // the fetcher was asked for its bytes
  fetched,              // the data plane has all of them
  retry,                // broken off: it begins again
  routed,               // phone to mail: who may send it, and where it goes, is answered
  converting,           // the data plane makes what is sent
  submit_req,           // the data plane sends it
  submission_in_doubt,  // nobody knows whether the MMSC took it
  submission_repeated,  // the same, and the MMSC recognises what it had before: sent again
  doubt_request,        // no report came: sent once more
  doubt_wait,           // no report came: the phone may ask again by the code it has
  doubt_announce,       // no report came: the phone is told of it anew
  submitted,            // the MMSC has it
  report,               // its report came, and is not the end
  // Ends:
  delivered,
  rejected,
  too_large,
  refused,  // phone to mail
  expired,
  failed,
  notify_failed,
  fetch_failed,
  fetch_refused,  // too large, or in a form that cannot be read
  fetch_gone,     // the mail is no longer in the mailbox
  withdrawn,
  unconfirmed,
};
inline constexpr std::array<std::string_view, 33> item_event_names{"mail_seen",
                                                                   "pushed",
                                                                   "notify_withheld",
                                                                   "notify_deferred",
                                                                   "notify_in_doubt",
                                                                   "notify_set_aside",
                                                                   "notified",
                                                                   "retrieve_requested",
                                                                   "fetching",
                                                                   "fetched",
                                                                   "retry",
                                                                   "routed",
                                                                   "converting",
                                                                   "submit_req",
                                                                   "submission_in_doubt",
                                                                   "submission_repeated",
                                                                   "doubt_request",
                                                                   "doubt_wait",
                                                                   "doubt_announce",
                                                                   "submitted",
                                                                   "report",
                                                                   "delivered",
                                                                   "rejected",
                                                                   "too_large",
                                                                   "refused",
                                                                   "expired",
                                                                   "failed",
                                                                   "notify_failed",
                                                                   "fetch_failed",
                                                                   "fetch_refused",
                                                                   "fetch_gone",
                                                                   "withdrawn",
                                                                   "unconfirmed"};
static_assert(item_event_names.size() == static_cast<std::size_t>(ItemEvent::unconfirmed) + 1);
[[nodiscard]] constexpr std::string_view to_string(ItemEvent event) { return item_event_names[static_cast<std::size_t>(event)]; }

struct ItemStep {
  ItemState from;
  ItemEvent event;
  ItemState to;
};

namespace item_life {

/// States as bits, so that one line says what an event does in several of them.
using States = std::uint32_t;
template <typename... State>
consteval States in(State... states) {
  return ((1U << static_cast<unsigned>(states)) | ...);
}
/// In all from the first to the last.
consteval States from(ItemState first, ItemState last) {
  return (2U << static_cast<unsigned>(last)) - (1U << static_cast<unsigned>(first));
}

struct Rule {
  States states;
  ItemEvent event;
  ItemState to;
};

using enum ItemState;
inline constexpr States not_submitted = from(accepted, submitting);
inline constexpr States alive = from(accepted, reported);

inline constexpr auto rules = std::to_array<Rule>({
    {in(accepted), ItemEvent::mail_seen, accepted},
    {in(accepted), ItemEvent::pushed, requested},
    {in(accepted), ItemEvent::notify_withheld, accepted},
    {in(accepted), ItemEvent::notify_deferred, accepted},
    {in(accepted), ItemEvent::notify_in_doubt, accepted},
    {in(accepted), ItemEvent::notify_set_aside, accepted},
    {in(accepted), ItemEvent::notified, notified},
    {in(accepted, notified), ItemEvent::retrieve_requested, requested},
    {in(requested), ItemEvent::fetching, fetching},
    {in(fetching), ItemEvent::fetched, converting},
    {in(requested, fetching, converting, submitting), ItemEvent::retry, requested},
    {in(accepted, routed, converting, submitting), ItemEvent::routed, routed},
    // Events are no owned records: one may be missing, and a later one stands for it.
    {in(accepted, routed, notified, requested, fetching), ItemEvent::converting, converting},
    {in(accepted, routed, notified, requested, fetching, converting), ItemEvent::submit_req, submitting},
    // An attempt is owned, and true whatever stood here before.
    {not_submitted, ItemEvent::submission_in_doubt, submitting},
    {not_submitted, ItemEvent::submission_repeated, requested},
    {in(submitting), ItemEvent::doubt_request, requested},
    {in(submitting), ItemEvent::doubt_wait, notified},
    {in(submitting), ItemEvent::doubt_announce, accepted},
    {from(accepted, submitted), ItemEvent::submitted, submitted},
    {in(reported), ItemEvent::submitted, reported},
    {alive, ItemEvent::report, reported},

    {alive | in(unconfirmed), ItemEvent::delivered, delivered},
    {alive, ItemEvent::rejected, rejected},
    {in(accepted), ItemEvent::too_large, rejected},
    {not_submitted, ItemEvent::refused, rejected},
    {alive, ItemEvent::expired, expired},
    {alive, ItemEvent::failed, failed},
    {in(accepted), ItemEvent::notify_failed, failed},
    {in(requested, fetching), ItemEvent::fetch_failed, failed},
    {in(requested, fetching), ItemEvent::fetch_refused, rejected},
    {in(requested, fetching), ItemEvent::fetch_gone, withdrawn},
    {alive, ItemEvent::withdrawn, withdrawn},
    {alive, ItemEvent::unconfirmed, unconfirmed},
});

consteval std::size_t step_count() {
  std::size_t count = 0;
  for (const Rule& rule : rules) {
    for (States left = rule.states; left != 0; left &= left - 1) ++count;
  }
  return count;
}
consteval std::array<ItemStep, step_count()> steps() {
  std::array<ItemStep, step_count()> all{};
  std::size_t next = 0;
  for (const Rule& rule : rules) {
    for (std::size_t state = 0; state < words<ItemState>.size(); ++state) {
      if ((rule.states >> state & 1U) != 0) all[next++] = {static_cast<ItemState>(state), rule.event, rule.to};
    }
  }
  return all;
}

}  // namespace item_life

inline constexpr auto item_steps = item_life::steps();

static_assert(no_pair_twice(item_steps));
static_assert(all_reached(item_steps, ItemState::accepted, words<ItemState>.size()));
/// An end stays, but for one.
static_assert([] {
  for (const ItemStep& step : item_steps) {
    if (is_final(step.from) && !(step.from == ItemState::unconfirmed && step.to == ItemState::delivered)) return false;
  }
  return true;
}());

}  // namespace pushmail
