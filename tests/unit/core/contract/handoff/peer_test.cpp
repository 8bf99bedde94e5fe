// Two ends of the handoff wired to each other by hand: hello, questions, owned records over lost connections and restarts.
#include "core/contract/handoff/peer.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/contract/handoff/errors.h"
#include "core/versions.h"
#include "tests/unit/checked.h"

namespace pushmail::handoff {
namespace {

ItemId item_number(std::uint8_t n) {
  ItemId id;
  id.bytes[15] = n;
  return id;
}

struct Heard final : Events {
  std::vector<Other> ready;
  std::vector<std::pair<Kind, ItemId>> records;
  std::vector<Receipt> receipts;
  std::vector<std::string> texts;
  std::vector<ItemId> acknowledged;

  void on_ready(Other other) override { ready.push_back(other); }
  void on_record(Kind kind, const RecordView& record, Receipt receipt) override {
    records.emplace_back(kind, record.header().item);
    receipts.push_back(receipt);
    texts.emplace_back(record.text(tag(Tag::name)).value_or(""));
  }
  void on_acknowledged(Kind, const ItemId& item) override { acknowledged.push_back(item); }
};

struct Ends {
  Heard data_heard, control_heard;
  Checked<Peer> data{std::in_place, Direction::to_control, std::uint64_t{71}, data_heard};
  Checked<Peer> control{std::in_place, Direction::to_data, std::uint64_t{92}, control_heard};

  void connect() {
    data->connected();
    control->connected();
  }
  void cut() {
    data->disconnected();
    control->disconnected();
  }
  static bool move(const Checked<Peer>& from, const Checked<Peer>& to, std::size_t piece) {
    if (from->output().empty()) return false;
    const std::size_t size = std::min(piece, from->output().size());
    const Bytes bytes(from->output().begin(), from->output().begin() + static_cast<std::ptrdiff_t>(size));
    from->sent(size);
    EXPECT_TRUE(to->receive(bytes).has_value());
    return true;
  }
  void run(std::size_t piece = 1 << 20) {
    while (true) {
      const bool down = move(control, data, piece);
      const bool up = move(data, control, piece);
      if (!down && !up) return;
    }
  }
};

RecordWriter outcome(const ItemId& item) {
  RecordWriter record = make(Kind::outcome, item);
  record.trace(tag(Tag::trace), TraceId{}).text(tag(Tag::state), "delivered").i64(tag(Tag::time), 5);
  return record;
}
RecordWriter event(const ItemId& item, std::string_view name) {
  RecordWriter record = make(Kind::event, item);
  record.trace(tag(Tag::trace), TraceId{}).text(tag(Tag::name), name).i64(tag(Tag::time), 5);
  return record;
}

TEST(HandoffPeer, hello_goes_both_ways_byte_by_byte) {
  Ends ends;
  ends.connect();
  EXPECT_FALSE(ends.data->is_ready());
  ends.run(1);
  EXPECT_TRUE(ends.data->is_ready());
  EXPECT_TRUE(ends.control->is_ready());
  EXPECT_EQ(ends.data_heard.ready, std::vector{Other::restarted});
  EXPECT_EQ(ends.control->other_epoch(), 71u);
}

TEST(HandoffPeer, news_needs_a_connection_and_owned_records_do_not) {
  Ends ends;
  EXPECT_EQ(ends.data->send(Kind::event, item_number(1), event(item_number(1), "early")), Peer::Sent::refused);
  EXPECT_EQ(ends.data->send(Kind::outcome, item_number(2), outcome(item_number(2))), Peer::Sent::queued);
  ends.connect();
  ends.run();
  ASSERT_EQ(ends.control_heard.records.size(), 1u);
  EXPECT_EQ(ends.control_heard.records[0], std::pair(Kind::outcome, item_number(2)));
  EXPECT_EQ(ends.data->unacknowledged(), 1u);
  ends.control->acknowledge(ends.control_heard.receipts[0]);
  ends.run();
  EXPECT_EQ(ends.data->unacknowledged(), 0u);
  EXPECT_EQ(ends.data_heard.acknowledged, std::vector{item_number(2)});
}

TEST(HandoffPeer, unacknowledged_goes_again_after_a_cut_and_after_a_restart) {
  Ends ends;
  ends.connect();
  ends.run();
  ends.data->send(Kind::outcome, item_number(1), outcome(item_number(1)));
  ends.data->send(Kind::outcome, item_number(2), outcome(item_number(2)));
  ends.run();
  ends.control->acknowledge(ends.control_heard.receipts[0]);
  ends.run();
  ends.cut();
  ends.connect();
  ends.run();
  EXPECT_EQ(ends.data_heard.ready, (std::vector{Other::restarted, Other::same}));
  ASSERT_EQ(ends.control_heard.records.size(), 3u);
  EXPECT_EQ(ends.control_heard.records[2].second, item_number(2));

  // The control plane dies and comes back with a new epoch: it gets the record once more, and an old receipt means nothing.
  ends.cut();
  const Receipt old{.epoch = 71, .sequence = 1};
  Heard again;
  ends.control = Checked<Peer>(std::in_place, Direction::to_data, std::uint64_t{93}, again);
  ends.connect();
  ends.run();
  ASSERT_EQ(again.records.size(), 1u);
  ends.control->acknowledge({.epoch = 70, .sequence = again.receipts[0].sequence});
  ends.run();
  EXPECT_EQ(ends.data->unacknowledged(), 1u);
  ends.control->acknowledge(old);
  ends.control->acknowledge(again.receipts[0]);
  ends.run();
  EXPECT_EQ(ends.data->unacknowledged(), 0u);
}

TEST(HandoffPeer, an_acknowledgement_over_a_newer_connection_counts) {
  Ends ends;
  ends.connect();
  ends.data->send(Kind::outcome, item_number(1), outcome(item_number(1)));
  ends.run();
  ends.cut();
  ends.connect();
  ends.run();
  ends.control->acknowledge(ends.control_heard.receipts[0]);
  ends.run();
  EXPECT_EQ(ends.data->unacknowledged(), 0u);
}

TEST(HandoffPeer, the_same_kind_and_item_again_replaces) {
  Ends ends;
  ends.data->send(Kind::outcome, item_number(1), outcome(item_number(1)));
  ends.data->send(Kind::outcome, item_number(1), outcome(item_number(1)));
  EXPECT_EQ(ends.data->unacknowledged(), 1u);
  ends.connect();
  ends.run();
  EXPECT_EQ(ends.control_heard.records.size(), 1u);
}

TEST(HandoffPeer, news_that_the_other_side_would_not_read_is_not_sent) {
  Ends ends;
  ends.connect();
  ends.run();
  EXPECT_EQ(ends.data->send(Kind::event, item_number(1), event(item_number(1), std::string(5 * 1024 * 1024, 'x'))), Peer::Sent::refused);
  EXPECT_EQ(ends.data->send(Kind::event, item_number(2), event(item_number(2), "short")), Peer::Sent::queued);
  ends.run();
  ASSERT_EQ(ends.control_heard.records.size(), 1u);
  EXPECT_EQ(ends.control_heard.records[0].second, item_number(2));
}

TEST(HandoffPeer, many_owned_records_do_not_fill_the_output) {
  Ends ends;
  const Bytes large(60'000, 'x');
  for (std::uint8_t n = 1; n <= 100; ++n) {
    RecordWriter record = outcome(item_number(n));
    record.text(tag(Tag::reason), text_of(large));
    ends.data->send(Kind::outcome, item_number(n), std::move(record));
  }
  ends.connect();
  ends.run();
  EXPECT_LT(ends.data->unsent_size(), 400'000u);
  EXPECT_EQ(ends.control_heard.records.size(), 100u);
  for (std::uint8_t n = 1; n <= 100; ++n) EXPECT_EQ(ends.control_heard.records[n - 1u].second, item_number(n));
}

TEST(HandoffPeer, wrong_records_end_the_connection) {
  struct Row {
    const char* what;
    RecordWriter record;
    const ErrorInfo& rule;
  };
  std::vector<Row> rows;
  rows.push_back({"before hello", make(Kind::drain, {}), handoff_no_hello});
  RecordWriter future = make(Kind::hello, {});
  future.u64(tag(Tag::schema), versions::handoff_schema + 2u)
      .u64(tag(Tag::epoch), 1)
      .u64(tag(Tag::last_epoch), 0)
      .u64(tag(Tag::last_sequence), 0);
  rows.push_back({"far schema", std::move(future), handoff_schema});
  RecordWriter empty = make(Kind::hello, {});
  rows.push_back({"hello without fields", std::move(empty), handoff_field_missing});
  for (Row& row : rows) {
    Heard heard;
    Checked<Peer> peer(std::in_place, Direction::to_control, std::uint64_t{1}, heard);
    peer->connected();
    const auto answer = peer->receive(row.record.finish(0));
    ASSERT_FALSE(answer.has_value()) << row.what;
    EXPECT_TRUE(answer.error().is(row.rule)) << row.what << ": " << answer.error().info->name;
  }

  Ends ends;
  ends.connect();
  ends.run();
  RecordWriter wrong_way = event(item_number(1), "x");
  const auto answer = ends.data->receive(wrong_way.finish(9));
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().is(handoff_wrong_way));

  ends.cut();
  ends.connect();
  ends.run();
  RecordWriter short_number = make(Kind::submission_chunk, item_number(1));
  short_number.bytes(tag(Tag::offset), Bytes{1, 2, 3}).bytes(tag(Tag::data), Bytes{});
  const auto typed = ends.data->receive(short_number.finish(9));
  ASSERT_FALSE(typed.has_value());
  EXPECT_TRUE(typed.error().is(handoff_field_type));
}

TEST(HandoffPeer, kinds_of_a_newer_version_are_passed_over) {
  Ends ends;
  ends.connect();
  ends.run();
  EXPECT_TRUE(ends.data->receive(RecordWriter(999, versions::handoff_schema + 1, {}).finish(5)).has_value());
  EXPECT_TRUE(ends.data_heard.records.empty());
}

TEST(HandoffSchema, every_tag_of_a_kind_has_a_row) {
  for (const KindRow& row : kinds) {
    for (const Tag required : row.required) {
      EXPECT_TRUE(required == Tag{} || find_tag(tag(required)) != nullptr) << row.name;
    }
  }
  std::set<std::uint16_t> numbers;
  std::set<std::string_view> names;
  for (const std::span<const TagRow> rows : {std::span<const TagRow>(tags), std::span<const TagRow>(peer_tags)}) {
    for (const TagRow& row : rows) {
      EXPECT_TRUE(numbers.insert(tag(row.tag)).second) << row.name;
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
    }
  }
}

TEST(HandoffSchema, describe_hides_passwords) {
  RecordWriter writer = make(Kind::peer, {});
  writer.text(tag(Tag::name), "mmsc1").text(tag(peer_tag("password")), "hunter2").i64(tag(Tag::time), 0);
  const Bytes record = writer.finish(1);
  const std::string line = describe(parse_record(record).value());
  EXPECT_EQ(line, "peer name=\"mmsc1\" password=\"***\" time=1970-01-01T00:00:00.000Z");
}

}  // namespace
}  // namespace pushmail::handoff
