// A control plane without sockets: both flows over a store in memory, a clock moved by hand, and ports that keep what they are given.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/store/sqlite_store.h"
#include "controlplane/switchboard.h"
#include "core/contract/handoff/peer.h"

namespace pushmail {

class HandClock final : public Clock {
 public:
  Timestamp at{1'795'000'000'000'000};
  Duration stepped{};
  [[nodiscard]] Timestamp wall() const override { return at; }
  [[nodiscard]] Instant now() const override { return {at.us * 1000 - stepped.ns}; }
  void pass(Duration d) { at.us += d.us(); }
  /// Somebody sets the wall clock.
  void set_by(Duration d) {
    at.us += d.us();
    stepped.ns += d.ns;
  }
};

/// One record that was sent, readable.
struct SentRecord {
  std::uint16_t kind = 0;
  ItemId item{};
  Bytes bytes{};
  [[nodiscard]] RecordView view() const { return parse_record(bytes).value(); }
  [[nodiscard]] std::string text(handoff::Tag tag) const { return std::string(view().text(handoff::tag(tag)).value_or("")); }
  [[nodiscard]] std::uint64_t number(handoff::Tag tag) const { return view().u64(handoff::tag(tag)).value_or(0); }
  [[nodiscard]] std::vector<std::string> texts(handoff::Tag tag) const {
    std::vector<std::string> values;
    view().for_each([&](std::uint16_t field, ByteView value) {
      if (field == handoff::tag(tag)) values.emplace_back(text_of(value));
    });
    return values;
  }
};

class FakeDataPlane final : public DataPlanePort {
 public:
  bool ready = true;
  bool full = false;
  std::vector<SentRecord> sent;
  [[nodiscard]] bool is_ready() const override { return ready; }
  Sent send(handoff::Kind kind, const ItemId& item, RecordWriter record) override {
    if (!ready || full) return Sent::no;
    sent.push_back({static_cast<std::uint16_t>(kind), item, record.finish(1)});
    // What the other side would refuse is our mistake.
    const auto valid = handoff::validate(sent.back().view(), handoff::Direction::to_data);
    EXPECT_TRUE(valid) << (valid ? "" : std::string(valid.error().info->text)) << " " << handoff::describe(sent.back().view());
    return Sent::yes;
  }
  [[nodiscard]] std::vector<SentRecord> of(handoff::Kind kind) const {
    std::vector<SentRecord> found;
    for (const SentRecord& record : sent) {
      if (record.kind == static_cast<std::uint16_t>(kind)) found.push_back(record);
    }
    return found;
  }
};

class FakeFetchers final : public FetcherPort {
 public:
  bool up = true;
  std::vector<SentRecord> sent;
  [[nodiscard]] bool is_up(std::string_view) const override { return up; }
  void send(std::string_view, mailbox::Kind kind, const ItemId& item, RecordWriter record) override {
    if (up) sent.push_back({static_cast<std::uint16_t>(kind), item, record.finish(1)});
  }
  [[nodiscard]] std::vector<SentRecord> of(mailbox::Kind kind) const {
    std::vector<SentRecord> found;
    for (const SentRecord& record : sent) {
      if (record.kind == static_cast<std::uint16_t>(kind)) found.push_back(record);
    }
    return found;
  }
};

/// The rest of the plane, which only counts.
class FakeRest final : public FlowEvents {
 public:
  int sms_queued = 0;
  std::vector<std::string> watched_again;
  std::vector<std::string> changed;
  void on_sms_queued() override { ++sms_queued; }
  void on_news_lost(std::string_view binding) override { watched_again.emplace_back(binding); }
  void on_binding_changed(const Binding& binding) override { changed.push_back(binding.id + " " + std::string(to_string(binding.state))); }
};

struct World : ::testing::Test {
  HandClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Settings settings = make_settings();
  FakeDataPlane data_plane;
  FakeFetchers fetchers;
  FakeRest rest;
  ReportTimes report_times{*store};
  Switchboard flows{{*store, clock, settings, data_plane, fetchers, report_times, rest}};
  Asking asking{*store, clock, settings};  // announces without waiting for its time
  Msisdn ann = Msisdn::from_digits("15550100002").value();
  Msisdn bob = Msisdn::from_digits("15550100003").value();

  static Settings make_settings() {
    Settings s;
    s.domain = "mms.example.net";
    s.smart_host = "198.18.0.1:2525";
    s.mail_size_max = 1'000'000;
    s.code_lifetime = seconds(7 * 86'400);
    PeerProfile peer("mmsc");
    peer.set_text("service_number", "5000");
    peer.set_number("mm_size_max", 300'000);
    s.peers.emplace("mmsc", peer);
    return s;
  }
  void SetUp() override {
    bind("b1", ann, "ann@box.example", Policy::ask);
    bind("b2", bob, "bob@box.example", Policy::push);
  }
  void bind(std::string id, const Msisdn& phone, std::string address, Policy policy) {
    ASSERT_TRUE(store->add_binding({.id = std::move(id),
                                    .msisdn = phone,
                                    .mail_address = std::move(address),
                                    .display_name = "Änn",
                                    .host = "mail.example",
                                    .user = "u",
                                    .policy = policy,
                                    .peer = "mmsc",
                                    .created = clock.at}));
  }

  // ---- what the fetcher says
  static SentRecord from_fetcher(RecordWriter record, mailbox::Kind kind, const ItemId& item = {}) {
    return {static_cast<std::uint16_t>(kind), item, record.finish(1)};
  }
  void new_mail(const std::string& uid, const std::string& binding = "b1", std::uint64_t size = 1000) {
    auto record = make(mailbox::Kind::new_mail, {});
    record.text(tag(mailbox::Tag::binding), binding).u64(tag(mailbox::Tag::uid_validity), 3).text(tag(mailbox::Tag::uid), uid);
    record.text(tag(mailbox::Tag::last_uid), uid);
    record.text(tag(mailbox::Tag::subject), "Grüße")
        .text(tag(mailbox::Tag::sender), "Joe <joe@example.com>")
        .u64(tag(mailbox::Tag::size), size);
    record.text(tag(mailbox::Tag::message_id), "m" + uid + "@example.com").text(tag(mailbox::Tag::reference), "root@example.com");
    record.trace(tag(mailbox::Tag::trace), new_trace_id()).i64(tag(mailbox::Tag::time), clock.at.us);
    flows.on_new_mail(from_fetcher(std::move(record), mailbox::Kind::new_mail).view());
  }
  void chunk(const ItemId& item, std::uint64_t offset, std::size_t size) {
    auto record = make(mailbox::Kind::chunk, item);
    record.u64(tag(mailbox::Tag::offset), offset).bytes(tag(mailbox::Tag::data), Bytes(size, 'x'));
    flows.on_chunk(from_fetcher(std::move(record), mailbox::Kind::chunk, item).view());
  }
  void fetched(const ItemId& item, std::uint64_t size) {
    auto record = make(mailbox::Kind::fetched, item);
    record.u64(tag(mailbox::Tag::size), size);
    flows.on_fetched(from_fetcher(std::move(record), mailbox::Kind::fetched, item).view());
  }
  void fetch_failed(const ItemId& item, const std::string& word) {
    auto record = make(mailbox::Kind::fetch_failed, item);
    record.text(tag(mailbox::Tag::reason), word);
    flows.on_fetch_failed(from_fetcher(std::move(record), mailbox::Kind::fetch_failed, item).view());
  }

  // ---- what the data plane says
  SentRecord from_data(handoff::Kind kind, const ItemId& item, RecordWriter record) {
    SentRecord sent{static_cast<std::uint16_t>(kind), item, record.finish(1)};
    const auto valid = handoff::validate(sent.view(), handoff::Direction::to_control);
    EXPECT_TRUE(valid) << handoff::describe(sent.view());
    return sent;
  }
  void credit(const ItemId& item, std::uint64_t chunks) {
    auto record = handoff::make(handoff::Kind::submission_credit, item);
    record.u64(handoff::tag(handoff::Tag::credit), chunks);
    flows.on_credit(from_data(handoff::Kind::submission_credit, item, std::move(record)).view());
  }
  void outcome(const ItemId& item, ItemState state, const std::string& message_id = "", const std::string& reason = "",
               std::uint64_t status_code = 0) {
    auto record = handoff::make(handoff::Kind::outcome, item);
    record.trace(handoff::tag(handoff::Tag::trace), TraceId{})
        .text(handoff::tag(handoff::Tag::state), to_string(state))
        .i64(handoff::tag(handoff::Tag::time), clock.at.us);
    if (!message_id.empty()) record.text(handoff::tag(handoff::Tag::message_id), message_id);
    if (!reason.empty()) record.text(handoff::tag(handoff::Tag::reason), reason);
    if (status_code != 0) record.u64(handoff::tag(handoff::Tag::status_code), status_code);
    EXPECT_TRUE(flows.take_outcome(from_data(handoff::Kind::outcome, item, std::move(record)).view()));
  }
  /// `behind`: how far the MMSC's clock is behind ours, where it writes a date.
  void report(const std::string& message_id, const std::string& recipient, const std::string& sender, const std::string& status,
              const std::string& peer = "mmsc", std::optional<Duration> behind = std::nullopt) {
    const ItemId id = new_item_id(clock.at, 1);
    auto record = handoff::make(handoff::Kind::report, id);
    record.trace(handoff::tag(handoff::Tag::trace), TraceId{})
        .text(handoff::tag(handoff::Tag::peer), peer)
        .text(handoff::tag(handoff::Tag::message_id), message_id);
    record.text(handoff::tag(handoff::Tag::recipient), recipient).text(handoff::tag(handoff::Tag::sender), sender);
    record.text(handoff::tag(handoff::Tag::mm_status), status).i64(handoff::tag(handoff::Tag::time), clock.at.us);
    if (behind) record.i64(handoff::tag(handoff::Tag::date), clock.at.us - behind->us());
    EXPECT_TRUE(flows.take_report(from_data(handoff::Kind::report, id, std::move(record)).view()));
    clock.pass(milliseconds(1));
  }
  /// The data plane does not know what became of a try; `began` tells one try from the next.
  void attempt(const ItemId& item, std::uint64_t number = 1) {
    auto record = handoff::make(handoff::Kind::attempt, item);
    record.trace(handoff::tag(handoff::Tag::trace), TraceId{})
        .u64(handoff::tag(handoff::Tag::attempt), number)
        .i64(handoff::tag(handoff::Tag::time), clock.at.us);
    record.text(handoff::tag(handoff::Tag::reason), "no answer");
    EXPECT_TRUE(flows.take_attempt(from_data(handoff::Kind::attempt, item, std::move(record)).view()));
  }
  void event(const ItemId& item, const std::string& name, const std::vector<std::string>& details = {}) {
    auto record = handoff::make(handoff::Kind::event, item);
    record.trace(handoff::tag(handoff::Tag::trace), TraceId{})
        .text(handoff::tag(handoff::Tag::name), name)
        .i64(handoff::tag(handoff::Tag::time), clock.at.us);
    for (const std::string& detail : details) record.text(handoff::tag(handoff::Tag::detail), detail);
    flows.on_event(from_data(handoff::Kind::event, item, std::move(record)).view());
  }

  // ---- looking
  std::vector<Item> items() { return store->items({}).value(); }
  Item the_item() {
    const auto all = items();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Item() : all.front();
  }
  Item again(const Item& item) { return store->item(item.id).value().value(); }
  std::vector<std::string> events_of(const Item& item) {
    std::vector<std::string> names;
    const auto rows = store->history(item.id).value();
    for (const HistoryRow& row : rows) names.push_back(row.event);
    return names;
  }
  std::vector<Sms> sms() { return store->pending_sms(clock.at, 100).value(); }
  void answer(const Msisdn& phone, const std::string& text) {
    EXPECT_EQ(flows.on_sms({.source = phone.digits(), .destination = "5000", .text = text}), notify::Taken::yes);
  }
};

}  // namespace pushmail
