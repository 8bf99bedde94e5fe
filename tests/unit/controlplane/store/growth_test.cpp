// What the flows ask of the store takes no longer the more is stored of others: counted in steps of SQLite's machine, which no clock and no
// other program changes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "controlplane/store/sqlite.h"
#include "controlplane/store/sqlite_store.h"

namespace pushmail {
namespace {

constexpr Timestamp noon{1'795'000'000'000'000};
constexpr std::int64_t hour_us = 3600LL * 1'000'000;
Timestamp after(std::int64_t us) { return {noon.us + us}; }

Msisdn phone(std::size_t number) { return Msisdn::from_digits(fmt::format("1555{:07}", number)).value(); }

/// Phone 0 is the one that is asked about; what it has does not grow.
struct World {
  explicit World(std::size_t count) : store(open_sqlite_store(":memory:").value()) {
    const auto filled = store->write([&] {
      for (std::size_t n = 0; n <= count; ++n) add(n);
      return Result<void>();
    });
    EXPECT_TRUE(filled);
  }

  void add(std::size_t n) {
    const Binding binding{.id = fmt::format("b{}", n),
                          .msisdn = phone(n),
                          .mail_address = fmt::format("u{}@box.example", n),
                          .host = "host",
                          .user = fmt::format("User{}", n),
                          .peer = "mmsc"};
    EXPECT_TRUE(store->add_binding(binding));
    EXPECT_TRUE(store->set_mailbox(binding.id, {.uid_validity = 1, .last_uid = "1"}));
    EXPECT_TRUE(store->add_known_uid(binding.id, "1"));
    for (std::size_t state = 0; state < words<ItemState>.size(); ++state) {
      const Item item = {.id = new_item_id(noon, 1),
                         .trace = new_trace_id(),
                         .source = state % 2 == 0 ? Source::mailbox : Source::smtp,
                         .binding = binding.id,
                         .msisdn = phone(n),
                         .uid_validity = 1,
                         .uid = fmt::format("{}", state),
                         .state = static_cast<ItemState>(state),
                         .peer = "mmsc",
                         .message_id = fmt::format("m{}-{}", n, state),
                         .correspondent = "joe@example.com",
                         .code_expires = after(hour_us),
                         .created = noon,
                         .updated = noon,
                         .expires = after(hour_us),
                         .retry_at = after(hour_us),
                         .mark = MarkProgress::pending,
                         .mark_at = after(hour_us)};
      EXPECT_TRUE(store->add_item(item).value_or(false));
      if (n == 0 && state == 0) first = item;
      Item answer = item;
      answer.id = new_item_id(noon, 1);
      answer.way = Way::to_mail;
      answer.uid.clear();
      answer.message_id.clear();
      answer.suffix = "17";
      EXPECT_TRUE(store->add_item(answer).value_or(false));
      EXPECT_TRUE(store->add_history({.item = item.id, .trace = item.trace, .time = noon, .event = "new_mail"}));
    }
    for (const std::string& message_id : {fmt::format("m{}", n), std::string()}) {
      Report report = report_of(n, message_id);
      EXPECT_TRUE(store->add_report(report).value_or(false));
      EXPECT_TRUE(store->match_report(report.id, first.id));
    }
    for (const SmsState state : {SmsState::pending, SmsState::sent}) {
      EXPECT_TRUE(store->queue_sms({.msisdn = phone(n), .text = "Reply 17", .state = state, .created = noon, .retry_at = after(hour_us)}));
    }
    EXPECT_TRUE(store->add_sms_part(static_cast<std::int64_t>(n), fmt::format("s{}", n), noon));
    EXPECT_TRUE(store->put_suffix({.msisdn = phone(n), .digits = "17", .binding = binding.id, .correspondent = "joe@example.com"}));
  }
  Report report_of(std::size_t n, std::string message_id) const {
    return {.id = new_item_id(noon, 1),
            .trace = new_trace_id(),
            .peer = "mmsc",
            .message_id = std::move(message_id),
            .recipient = "number:" + phone(n).digits(),
            .mm_status = "Retrieved",
            .time = after(static_cast<std::int64_t>(n))};
  }

  std::unique_ptr<Store> store;
  Item first;
};

struct Question {
  std::string_view name;
  std::function<bool(World&)> ask;
};
const std::vector<Question>& questions() {
  static const std::vector<Question> rows{
      {"binding", [](World& w) { return w.store->binding("b0")->has_value(); }},
      {"bindings_of", [](World& w) { return w.store->bindings_of(phone(0))->size() == 1; }},
      {"bindings", [](World& w) { return w.store->bindings("b0", 20)->size() == 20; }},
      {"bindings_of_account", [](World& w) { return w.store->bindings_of_account("HOST", "user0")->size() == 1; }},
      {"mailbox", [](World& w) { return w.store->mailbox("b0")->uid_validity == 1; }},
      {"set_mailbox", [](World& w) { return w.store->set_mailbox("b0", {.uid_validity = 1, .last_uid = "2"}).has_value(); }},
      {"known_uids", [](World& w) { return w.store->known_uids("b0")->size() == 1; }},
      {"item", [](World& w) { return w.store->item(w.first.id)->has_value(); }},
      {"update_item", [](World& w) { return w.store->update_item(w.first).has_value(); }},
      {"items_of_message", [](World& w) { return w.store->items_of_message("mmsc", "M0-3")->size() == 1; }},
      {"code_holders", [](World& w) { return w.store->code_holders(phone(0)).has_value(); }},
      {"item_of_code", [](World& w) { return w.store->item_of_code(phone(0), "17").has_value(); }},
      {"newest_waiting", [](World& w) { return w.store->newest_waiting(phone(0), Origin::own, Waiting::never_announced).has_value(); }},
      {"count_waiting", [](World& w) { return w.store->count_waiting(phone(0), Origin::own).has_value(); }},
      {"unanswered", [](World& w) { return w.store->unanswered(phone(0), Origin::own, {}).has_value(); }},
      {"count_open_of_strangers", [](World& w) { return w.store->count_open_of_strangers(phone(0)).has_value(); }},
      {"handed_in", [](World& w) { return w.store->handed_in(phone(0), {}, {}, 100).has_value(); }},
      {"history", [](World& w) { return w.store->history(w.first.id)->size() == 1; }},
      {"history_of_trace", [](World& w) { return w.store->history_of_trace(w.first.trace)->size() == 1; }},
      {"suffix", [](World& w) { return w.store->suffix(phone(0), "17")->has_value(); }},
      {"suffixes", [](World& w) { return w.store->suffixes(phone(0))->size() == 1; }},
      {"pending_sms", [](World& w) { return w.store->pending_sms(noon, 10)->empty(); }},
      {"doubtful_sms", [](World& w) { return !w.store->doubtful_sms(noon)->has_value(); }},
      {"submitting_sms", [](World& w) { return w.store->submitting_sms()->empty(); }},
      {"count_sms", [](World& w) { return *w.store->count_sms(phone(0), SmsKind::other, noon) == 2; }},
      {"sms_submits", [](World& w) { return w.store->sms_submits(phone(0), SmsKind::other, {}, noon).has_value(); }},
      {"our_text_in", [](World& w) { return w.store->our_text_in(phone(0), "Reply 17", noon)->has_value(); }},
      {"sms_of_part", [](World& w) { return w.store->sms_of_part("s1").has_value(); }},
      {"last_notification", [](World& w) { return w.store->last_notification(phone(0)).has_value(); }},
      {"withdraw_sms", [](World& w) { return w.store->withdraw_sms(w.first.id).has_value(); }},
      {"add_report", [](World& w) { return w.store->add_report(w.report_of(1'000'000, "M7")).value_or(false); }},
      {"add_report, of no message", [](World& w) { return w.store->add_report(w.report_of(1'000'000, "")).value_or(false); }},
      {"add_report, again", [](World& w) { return !w.store->add_report(w.report_of(0, "m0")).value_or(true); }},
      {"orphan_reports", [](World& w) { return w.store->orphan_reports("mmsc", "M7")->size() == 1; }},
      {"orphan_reports, of no message", [](World& w) { return w.store->orphan_reports("mmsc", "")->size() == 2; }},
      {"trim_orphan_reports", [](World& w) { return w.store->trim_orphan_reports("mmsc", 1).has_value(); }},
      {"add_report_time", [](World& w) { return w.store->add_report_time("mmsc", seconds(1), 200).has_value(); }},
      {"peer_traffic, of late", [](World& w) { return w.store->peer_traffic("mmsc", after(1), after(1), 20)->answers == 0; }},
      {"peer_traffic", [](World& w) { return w.store->peer_traffic("mmsc", {}, after(1), 20)->silent == 20; }},
      {"count_unknown", [](World& w) { return *w.store->count_unknown("mmsc") == 0; }},
      {"items, due",
       [](World& w) {
         return w.store->items({.states = {ItemState::requested}, .way = Way::to_phone, .due = noon, .order = ItemOrder::oldest_first})
             ->empty();
       }},
      {"items, to be marked", [](World& w) { return w.store->items({.mark_due = noon})->empty(); }},
      {"items, codes that end",
       [](World& w) {
         return w.store->items({.states = {ItemState::accepted, ItemState::notified}, .way = Way::to_phone, .code_due = noon})->empty();
       }},
      {"items, without a report",
       [](World& w) {
         return w.store->items({.states = {ItemState::submitted, ItemState::reported}, .way = Way::to_phone, .expired_by = noon})->empty();
       }},
      {"items, in doubt", [](World& w) { return w.store->items({.states = {ItemState::submitting}, .unknown_by = noon})->empty(); }},
      {"items, of a phone at a peer",
       [](World& w) {
         return w.store->items({.states = {ItemState::submitted}, .msisdn = phone(0), .peer = "mmsc", .count_max = 1})->size() == 1;
       }},
      {"items, of a binding",
       [](World& w) { return w.store->items({.binding = "b0", .states = {ItemState::requested}, .way = Way::to_phone})->size() == 1; }},
      {"queue_sms", [](World& w) { return w.store->queue_sms({.msisdn = phone(0), .text = "x", .created = noon}).has_value(); }},
  };
  return rows;
}

TEST(StoreGrowth, NoQuestionOfAFlowReadsWhatIsOthers) {
  constexpr std::size_t few = 50, many = 1000;
  World small(few), large(many);
  for (const Question& question : questions()) {
    const auto steps_of = [&](World& world) {
      const std::uint64_t before = sqlite::steps_made();
      EXPECT_TRUE(question.ask(world)) << question.name;
      return sqlite::steps_made() - before;
    };
    const std::uint64_t in_small = steps_of(small);
    EXPECT_LE(steps_of(large), 2 * in_small + 50) << question.name << ", " << in_small << " steps beside " << few << " other phones";
  }
}

}  // namespace
}  // namespace pushmail
