// The relay among fakes: a journal whose commits are told by hand, a control plane that writes down what it hears, a codec lane that
// answers with canned conversions, servers and clients that only remember. Time moves by hand; the relay's invariants are checked after
// every step.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/contract/journal/schema.h"
#include "core/contract/peer/profile.h"
#include "dataplane/relay/errors.h"
#include "dataplane/relay/relay.h"
#include "tests/unit/checked.h"

namespace pushmail::relay {

struct HandClock final : Clock {
  Timestamp wall_at{1'700'000'000'000'000};
  Instant at{1'000'000'000};
  Timestamp wall() const override { return wall_at; }
  Instant now() const override { return at; }
  void pass(Duration d) {
    at = at + d;
    wall_at.us += d.us();
  }
};

struct FakeJournal final : JournalPort {
  struct Appended {
    journal::Kind kind;
    ItemId item;
    Bytes record;
    std::uint64_t token;
  };
  std::deque<Appended> waiting;
  std::vector<Appended> durable;
  std::vector<std::pair<journal::Kind, ItemId>> settled;
  std::vector<std::size_t> settled_after;  // so many records were durable then
  std::string refuses;

  void append(journal::Kind kind, const ItemId& item, RecordWriter record, std::uint64_t token) override {
    waiting.push_back({kind, item, record.finish(durable.size() + waiting.size() + 1), token});
  }
  void settle(journal::Kind kind, const ItemId& item) override {
    settled.emplace_back(kind, item);
    settled_after.push_back(durable.size());
  }
  std::string_view refusal() const override { return refuses; }
  /// Without those of attempts, which every item has.
  std::vector<std::pair<journal::Kind, ItemId>> settled_messages() const {
    auto messages = settled;
    std::erase_if(messages, [](const auto& one) { return one.first == journal::Kind::attempt; });
    return messages;
  }
  std::size_t durable_count(journal::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(durable.begin(), durable.end(), [&](const Appended& a) { return a.kind == kind; }));
  }
};

struct FakeHandoff final : HandoffPort {
  struct Sent {
    handoff::Kind kind;
    ItemId item;
    Bytes record;
    [[nodiscard]] RecordView view() const { return parse_record(record).value(); }
    [[nodiscard]] std::string text(handoff::Tag tag) const { return std::string(view().text(handoff::tag(tag)).value_or("")); }
    [[nodiscard]] std::vector<std::string> texts(handoff::Tag tag) const {
      std::vector<std::string> values;
      view().for_each([&](std::uint16_t field, ByteView value) {
        if (field == handoff::tag(tag)) values.emplace_back(text_of(value));
      });
      return values;
    }
  };
  bool ready = true;
  std::vector<Sent> sent;
  bool is_ready() const override { return ready; }
  void send(handoff::Kind kind, const ItemId& item, RecordWriter record) override {
    Sent one{kind, item, record.finish(sent.size() + 1)};
    EXPECT_TRUE(handoff::validate(one.view(), handoff::Direction::to_control).has_value()) << handoff::describe(one.view());
    const handoff::KindRow* row = handoff::find_kind(static_cast<std::uint16_t>(kind));
    if (ready || row->owned) sent.push_back(std::move(one));
  }
  std::vector<Sent> all(handoff::Kind kind) const {
    std::vector<Sent> found;
    std::copy_if(sent.begin(), sent.end(), std::back_inserter(found), [&](const Sent& s) { return s.kind == kind; });
    return found;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> names;
    for (const Sent& event : all(handoff::Kind::event)) names.push_back(event.text(handoff::Tag::name));
    return names;
  }
};

struct FakeCodec final : CodecPort {
  std::deque<Conversion> waiting;
  void start(Conversion conversion) override { waiting.push_back(std::move(conversion)); }
};

struct FakeAnswers final : AnswerPort {
  std::map<std::uint32_t, mm7::Status> mm7;
  std::vector<std::uint32_t> refused_mm7;
  std::vector<Ticket> answered_mm7;  // in the order of their answers
  std::map<std::uint32_t, SmtpReply> recipients, mails;
  void answer_mm7(Ticket ticket, const mm7::Status& status) override {
    EXPECT_TRUE(mm7.emplace(ticket.slot, status).second) << "answered twice";
    answered_mm7.push_back(ticket);
  }
  void refuse_mm7(Ticket ticket) override { refused_mm7.push_back(ticket.slot); }
  void answer_recipient(Ticket ticket, const SmtpReply& reply) override { recipients[ticket.slot] = reply; }
  void answer_mail(Ticket ticket, const SmtpReply& reply) override { mails[ticket.slot] = reply; }
};

struct FakeOutgoing final : OutgoingPort {
  struct Mail {
    MailOrder order;
    std::string content;
  };
  std::vector<Mail> mails;
  std::vector<SubmitOrder> submits;
  void send_mail(const MailOrder& order) override { mails.push_back({order, std::string(text_of(order.mail))}); }
  void submit(const SubmitOrder& order) override { submits.push_back(order); }
  std::vector<std::string> overloaded;
  void peer_overloaded(std::string_view peer) override { overloaded.emplace_back(peer); }
};

struct World {
  HandClock clock;
  FakeJournal journal;
  FakeHandoff handoff;
  FakeCodec codec;
  FakeAnswers answers;
  FakeOutgoing outgoing;
  WorkersPort* workers = nullptr;
  std::unique_ptr<Counters> counters = Counters::in_memory();
  Settings settings;
  Checked<Relay> relay = new_relay();
  std::vector<RuleMatch> rules;  // what mail under the content rules matches
  Peeked peeked{.transaction_id = "t1",
                .linked_id = {},
                .sender = "number:+15550100002",
                .recipients = {"short:5000"},
                .subject = "Hi",
                .first_line = "hello",
                .header_from = {},
                .authentication = {},
                .message_id = {},
                .references = {}};

  World() {
    settings.domain = "mms.example.net";
    settings.random = [] { return std::uint64_t{0}; };
    settings.smtp_retry = {.first = seconds(4), .most = seconds(60)};
    settings.smtp_expire = seconds(3600);
    settings.submit_retry = {.first = seconds(4), .most = seconds(60)};
    restart();
  }

  [[nodiscard]] Checked<Relay> new_relay() {
    const Ports ports{.journal = journal, .handoff = handoff, .codec = codec, .answers = answers, .outgoing = outgoing, .workers = workers};
    return Checked<Relay>(std::in_place, settings, ports, clock, *counters);
  }
  /// A new relay over the same fakes, as after a kill.
  void restart() {
    journal.waiting.clear();
    codec.waiting.clear();
    relay = new_relay();
    give_peers(false);
  }

  void give_peers(bool deduplicates, std::uint64_t sender_refused = 4007) {
    PeerProfile peer = mmsc("mmsc1");
    peer.set_number("sender_refused", sender_refused);
    peer.set_flag("deduplicates", deduplicates);
    give_peers({peer});
  }
  static PeerProfile mmsc(std::string name) {
    PeerProfile peer(std::move(name));
    peer.set_text("url", "http://192.0.2.1:8080/mm7");
    peer.set_texts("allow", {"192.0.2.1"});
    return peer;
  }
  void give_peers(const std::vector<PeerProfile>& table) {
    RecordWriter peers = handoff::make(handoff::Kind::peers, {});
    for (const PeerProfile& peer : table) peers.bytes(handoff::tag(handoff::Tag::peer_record), peer.record().finish(0));
    tell(handoff::Kind::peers, std::move(peers));
  }

  void tell(handoff::Kind kind, RecordWriter record) {
    const Bytes bytes = record.finish(1);
    const RecordView view = parse_record(bytes).value();
    EXPECT_TRUE(handoff::validate(view, handoff::Direction::to_data).has_value());
    relay->on_handoff_record(kind, view);
  }
  void tick(Duration d = {}) {
    clock.pass(d);
    // Two turns: what is answered in one is relayed in the next.
    for (int turn = 0; turn < 2; ++turn) {
      relay->tick(clock.now());
      commit_attempts();
    }
  }

  // ---- phone
  Mm7Inbound deliver(std::string_view transaction_id = "t1", std::string_view text = "hello",
                     std::vector<std::string> recipients = {"5000"}, std::string_view sender = "+15550100002") {
    Mm7Inbound inbound{
        .peer = "mmsc1", .content_type = "text/xml", .body = std::make_unique<Bytes>(text.begin(), text.end()), .request = {}};
    mm7::DeliverReq request;
    request.transaction_id = transaction_id;
    request.sender = {.kind = mm7::AddressKind::number, .value = std::string(sender)};
    for (const std::string& recipient : recipients) {
      const auto kind = recipient.find('@') != std::string::npos ? mm7::AddressKind::rfc2822
                        : recipient.size() <= 6                  ? mm7::AddressKind::short_code
                                                                 : mm7::AddressKind::number;
      request.recipients.push_back({.field = mm7::RecipientField::to, .address = {.kind = kind, .value = recipient}});
    }
    request.content.parts.push_back(
        {.media_type = "text/plain", .charset = "utf-8", .name = {}, .content_id = {}, .content_location = {}, .data = *inbound.body});
    inbound.request = std::move(request);
    return inbound;
  }
  Mm7Inbound report(std::string_view message_id = "m-1", std::string_view status = "Retrieved", bool swapped = false) {
    mm7::DeliveryReportReq request;
    request.transaction_id = "r1";
    request.message_id = message_id;
    request.recipient = {.kind = mm7::AddressKind::number, .value = "+15550100002"};
    request.sender = {.kind = mm7::AddressKind::short_code, .value = "50001742"};
    if (swapped) std::swap(request.recipient, request.sender);
    request.mm_status = status;
    return {.peer = "mmsc1", .content_type = "text/xml", .body = std::make_unique<Bytes>(), .request = std::move(request)};
  }

  // ---- control plane
  void answer_admission(std::vector<std::string_view> verdicts, std::uint64_t lifetime_s = 60,
                        const std::vector<std::uint64_t>& mails_max = {}) {
    const auto queries = handoff.all(handoff::Kind::admission_query);
    ASSERT_FALSE(queries.empty());
    RecordWriter answer = handoff::make(handoff::Kind::admission_answer, {});
    answer.u64(handoff::tag(handoff::Tag::query), *queries.back().view().u64(handoff::tag(handoff::Tag::query)));
    for (const std::string_view verdict : verdicts) answer.text(handoff::tag(handoff::Tag::verdict), verdict);
    for (const std::uint64_t count : mails_max) answer.u64(handoff::tag(handoff::Tag::mails_max), count);
    answer.u64(handoff::tag(handoff::Tag::lifetime_s), lifetime_s);
    tell(handoff::Kind::admission_answer, std::move(answer));
  }
  void answer_route_mail(const ItemId& item, std::vector<std::string> recipients = {"joe@example.com"}) {
    RecordWriter answer = handoff::make(handoff::Kind::route_answer, item);
    answer.text(handoff::tag(handoff::Tag::decision), "mail")
        .text(handoff::tag(handoff::Tag::next_hop), "192.0.2.25:25")
        .text(handoff::tag(handoff::Tag::mail_from), "ann@mms.example.net")
        .text(handoff::tag(handoff::Tag::header_from), "Ann <ann@mms.example.net>");
    for (const std::string& recipient : recipients) answer.text(handoff::tag(handoff::Tag::mail_recipient), recipient);
    tell(handoff::Kind::route_answer, std::move(answer));
  }
  void answer_route(const ItemId& item, std::string_view decision, std::string_view reason = {}) {
    RecordWriter answer = handoff::make(handoff::Kind::route_answer, item);
    answer.text(handoff::tag(handoff::Tag::decision), decision).text(handoff::tag(handoff::Tag::reason), reason);
    if (decision == "submit") {
      answer.text(handoff::tag(handoff::Tag::peer), "mmsc1")
          .text(handoff::tag(handoff::Tag::msisdn), "15550100002")
          .text(handoff::tag(handoff::Tag::sender_address), "short:50001742")
          .u64(handoff::tag(handoff::Tag::mm_size_max), 300'000);
    }
    tell(handoff::Kind::route_answer, std::move(answer));
  }

  // ---- disk and codec lane
  /// What a new relay finds: the last record of each kind and item that was not settled afterwards, in the order of their writing.
  void replay() {
    const auto records = journal.durable;
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < records.size(); ++i) {
      std::erase_if(left, [&](std::size_t k) { return records[k].kind == records[i].kind && records[k].item == records[i].item; });
      left.push_back(i);
    }
    std::erase_if(left, [&](std::size_t i) {
      for (std::size_t k = 0; k < journal.settled.size() && k < journal.settled_after.size(); ++k) {
        if (journal.settled[k] == std::pair(records[i].kind, records[i].item) && journal.settled_after[k] > i) return true;
      }
      return false;
    });
    for (const auto& record : records) relay->remember(parse_record(record.record).value());
    for (const std::size_t i : left) relay->restore({.kind = records[i].kind, .item = records[i].item, .record = records[i].record});
  }
  void commit(std::size_t count = 1000) {
    while (!journal.waiting.empty() && count-- > 0) {
      auto done = std::move(journal.waiting.front());
      journal.waiting.pop_front();
      const std::uint64_t token = done.token;
      journal.durable.push_back(std::move(done));
      relay->on_committed(token, {});
    }
  }
  void fail_commit(const ErrorInfo& row) {
    const auto failed = std::move(journal.waiting.front());
    journal.waiting.pop_front();
    relay->on_committed(failed.token, fail(row));
  }
  /// Attempts that nothing stands before are durable at once, unless the test holds them back.
  bool attempts_wait = false;
  void commit_attempts() {
    while (!attempts_wait && !journal.waiting.empty() && journal.waiting.front().kind == journal::Kind::attempt) commit(1);
  }
  int put_off = 0;  // so many conversions find no memory
  void convert_all() {
    while (!codec.waiting.empty()) {
      Conversion conversion = std::move(codec.waiting.front());
      codec.waiting.pop_front();
      Converted converted;
      converted.item = conversion.item;
      converted.work = conversion.work;
      if (conversion.work == Work::peek) converted.peeked = peeked;
      if (conversion.under_rules) converted.rules = rules;
      if (conversion.work != Work::peek) {
        const std::string output = (conversion.work == Work::mail ? "MAIL:" : "MM:") + std::string(text_of(conversion.body));
        converted.output = Bytes(output.begin(), output.end());
        converted.content_type = "multipart/related";
      }
      converted.body = std::move(conversion.body);
      if (put_off > 0) {
        --put_off;
        converted.output.clear();
        converted.error = fail(relay_no_room).error();
      }
      relay->on_converted(std::move(converted));
    }
    commit_attempts();
  }

  // ---- longer walks
  ItemId accept_deliver(std::string_view transaction_id = "t1", std::string_view text = "hello", std::uint32_t slot = 1) {
    relay->on_mm7({.slot = slot, .generation = 1}, deliver(transaction_id, text));
    if (!handoff.all(handoff::Kind::admission_query).empty() && journal.waiting.empty()) answer_admission({"accepted", "accepted"});
    EXPECT_EQ(journal.waiting.size(), 1u);
    const ItemId item = journal.waiting.back().item;
    commit();
    return item;
  }
  ItemId deliver_until_sent(std::vector<std::string> recipients = {"joe@example.com"}) {
    const ItemId item = accept_deliver();
    tick();
    convert_all();
    answer_route_mail(item, std::move(recipients));
    convert_all();
    return item;
  }
  ItemId submit_until_sent(std::uint8_t number = 9) {
    ItemId item;
    item.bytes[15] = number;
    offer(item, 4);
    chunk(item, 0, "mail");
    convert_all();
    return item;
  }
  void offer(const ItemId& item, std::uint64_t size) {
    RecordWriter submission = handoff::make(handoff::Kind::submission, item);
    TraceId trace;
    trace.bytes[0] = 7;
    submission.trace(handoff::tag(handoff::Tag::trace), trace)
        .text(handoff::tag(handoff::Tag::peer), "mmsc1")
        .text(handoff::tag(handoff::Tag::msisdn), "15550100002")
        .text(handoff::tag(handoff::Tag::sender_address), "short:50001742")
        .u64(handoff::tag(handoff::Tag::mail_size), size)
        .u64(handoff::tag(handoff::Tag::mm_size_max), 300'000)
        .u64(handoff::tag(handoff::Tag::expiry_s), 7200);
    tell(handoff::Kind::submission, std::move(submission));
  }
  void chunk(const ItemId& item, std::uint64_t offset, std::string_view data) {
    RecordWriter record = handoff::make(handoff::Kind::submission_chunk, item);
    record.u64(handoff::tag(handoff::Tag::offset), offset).text(handoff::tag(handoff::Tag::data), data);
    tell(handoff::Kind::submission_chunk, std::move(record));
  }
  void answer_submit(const ItemId& item, int code, std::string_view message_id = {}, int http_status = 200) {
    const std::string xml =
        "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID "
        "env:mustUnderstand=\"1\">" +
        transaction_id_of(item) + "</TransactionID></env:Header><env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>" +
        std::to_string(code) + "</StatusCode><StatusText>word</StatusText></Status>" +
        (message_id.empty() ? "" : "<MessageID>" + std::string(message_id) + "</MessageID>") + "</SubmitRsp></env:Body></env:Envelope>";
    relay->on_submit_result(
        item, HttpAnswer{.status = http_status, .content_type = "text/xml", .body = Bytes(xml.begin(), xml.end()), .retry_after = {}});
  }
  std::vector<FakeHandoff::Sent> outcomes() const { return handoff.all(handoff::Kind::outcome); }
};

}  // namespace pushmail::relay
