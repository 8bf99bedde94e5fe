// Two relays of one data plane, as two workers would have them: each its own journal, connections and memory of repeats, and a ring between
// them. What a peer repeats comes by whichever connection, and has one effect.
#include <gmock/gmock.h>

#include <array>
#include <deque>
#include <set>

#include "tests/unit/dataplane/relay/world.h"

namespace pushmail::relay {
namespace {

using handoff::Tag;
using ::testing::UnorderedElementsAre;

struct TwoWorkers final : WorkersPort {
  struct Passed {
    WorkerIndex owner;
    Ticket ticket;
    Mm7Inbound inbound;
  };
  std::array<World, 2> worlds;
  std::deque<Passed> ring;
  std::size_t passed = 0;

  TwoWorkers() {
    for (std::uint16_t index = 0; index < 2; ++index) {
      World& world = worlds[index];
      world.settings.node = 3;
      world.settings.worker = {index};
      world.settings.workers = 2;
      world.settings.digest_secret = HashKey{};
      world.workers = this;
      world.restart();
    }
  }

  void pass(WorkerIndex owner, Ticket ticket, Mm7Inbound inbound) override {
    ring.push_back({owner, ticket, std::move(inbound)});
    ++passed;
  }
  /// What a session of worker `index` reads; then what that left in the ring.
  void arrive(std::uint16_t index, std::uint32_t slot, Mm7Inbound inbound) {
    worlds[index].relay->on_mm7(ticket(index, slot), std::move(inbound));
    while (!ring.empty()) {
      Passed next = std::move(ring.front());
      ring.pop_front();
      worlds[next.owner.value].relay->on_mm7(next.ticket, std::move(next.inbound));
    }
  }
  static Ticket ticket(std::uint16_t index, std::uint32_t slot) { return {.slot = slot, .generation = 1, .worker = {index}}; }

  [[nodiscard]] std::size_t sent(handoff::Kind kind) const {
    return worlds[0].handoff.all(kind).size() + worlds[1].handoff.all(kind).size();
  }
  [[nodiscard]] std::size_t durable(journal::Kind kind) const {
    return worlds[0].journal.durable_count(kind) + worlds[1].journal.durable_count(kind);
  }
  /// The one that asked or told the control plane.
  [[nodiscard]] std::uint16_t owner_by(handoff::Kind kind) const { return worlds[0].handoff.all(kind).empty() ? 1 : 0; }
};

TEST(Workers, names_and_ids_carry_the_index) {
  EXPECT_EQ(handoff_socket_of({0}), "handoff-0");
  EXPECT_EQ(lane_folder_of({11}), "lane-11");
  for (const std::uint16_t worker : std::array<std::uint16_t, 3>{0, 1, 15}) {
    const ItemId id = new_item_id({1'700'000'000'000'000}, node_and_worker(4095, {worker}));
    EXPECT_EQ(owner_of(id, 16), WorkerIndex{worker});
    EXPECT_EQ(owner_of(id, 1), WorkerIndex{0}) << "one worker has everything";
  }
}

TEST(Workers, the_same_deliver_req_at_both_has_one_effect_and_one_answer) {
  std::set<std::uint16_t> owners;
  std::size_t passed = 0;
  for (const char* transaction : {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"}) {
    TwoWorkers both;
    both.arrive(0, 1, both.worlds[0].deliver(transaction));
    both.arrive(1, 2, both.worlds[1].deliver(transaction));
    ASSERT_EQ(both.sent(handoff::Kind::admission_query), 1u) << "the second waits for the first, wherever it came in";
    const std::uint16_t owner = both.owner_by(handoff::Kind::admission_query);
    owners.insert(owner);
    World& world = both.worlds[owner];
    world.answer_admission({"accepted", "accepted"});
    EXPECT_TRUE(world.answers.answered_mm7.empty()) << "nothing is durable yet";
    world.commit();
    EXPECT_THAT(world.answers.answered_mm7, UnorderedElementsAre(both.ticket(0, 1), both.ticket(1, 2))) << "each goes back to its session";
    EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
    EXPECT_EQ(world.answers.mm7.at(2).code, 1000);
    ASSERT_EQ(both.durable(journal::Kind::accepted_mm7), 1u);
    EXPECT_EQ(owner_of(world.journal.durable[0].item, 2), WorkerIndex{owner});

    // Killed, and back with what is on its disk.
    world.restart();
    world.replay();
    both.arrive(0, 3, both.worlds[0].deliver(transaction));
    both.arrive(1, 4, both.worlds[1].deliver(transaction));
    EXPECT_EQ(world.answers.mm7.at(3).code, 1000);
    EXPECT_EQ(world.answers.mm7.at(4).code, 1000);
    EXPECT_EQ(both.durable(journal::Kind::accepted_mm7) + world.journal.waiting.size(), 1u);
    passed += both.passed;
  }
  EXPECT_EQ(owners.size(), 2u) << "both own some";
  EXPECT_EQ(passed, 16u) << "one of two arrivals makes the way over the ring";
}

TEST(Workers, what_the_owner_refuses_for_now_is_refused_to_both) {
  TwoWorkers both;
  for (World& world : both.worlds) world.journal.refuses = "the disk is full";
  both.arrive(0, 1, both.worlds[0].deliver());
  both.arrive(1, 2, both.worlds[1].deliver());
  EXPECT_EQ(both.worlds[0].answers.refused_mm7.size() + both.worlds[1].answers.refused_mm7.size(), 2u);
  EXPECT_EQ(both.sent(handoff::Kind::admission_query), 0u);
}

// Nobody needs the MM to take its report: it is durable where it is remembered, and the control plane, which has every item, finds its own.
TEST(Workers, a_report_for_an_mm_of_the_other_is_taken_once) {
  std::set<std::uint16_t> owners;
  for (const char* status : {"Deferred", "Retrieved", "Expired", "Rejected", "Forwarded", "Indeterminate", "Unrecognised", "Read"}) {
    TwoWorkers both;
    const ItemId item = both.worlds[0].submit_until_sent();
    both.worlds[0].answer_submit(item, 1000, "m-77");
    both.worlds[0].commit();
    both.arrive(1, 1, both.worlds[1].report("m-77", status));
    both.arrive(0, 2, both.worlds[0].report("m-77", status));
    for (World& world : both.worlds) world.commit();
    ASSERT_EQ(both.sent(handoff::Kind::report), 1u);
    const std::uint16_t owner = both.owner_by(handoff::Kind::report);
    owners.insert(owner);
    World& world = both.worlds[owner];
    const auto report = world.handoff.all(handoff::Kind::report)[0];
    EXPECT_EQ(report.text(Tag::message_id), "m-77");
    EXPECT_EQ(report.text(Tag::mm_status), status);
    EXPECT_EQ(owner_of(report.item, 2), WorkerIndex{owner}) << "its acknowledgement settles it in the lane it is in";
    EXPECT_THAT(world.answers.answered_mm7, UnorderedElementsAre(both.ticket(1, 1), both.ticket(0, 2)));
    EXPECT_EQ(both.durable(journal::Kind::report), 1u);
    world.relay->on_handoff_acknowledged(handoff::Kind::report, report.item);
    EXPECT_EQ(world.journal.settled.back(), std::pair(journal::Kind::report, report.item));
  }
  EXPECT_EQ(owners.size(), 2u) << "also one that does not hold the MM";
}

TEST(Workers, one_alone_passes_nothing) {
  World world;
  for (const char* transaction : {"t1", "t2", "t3", "t4"}) world.relay->on_mm7({.slot = 1, .generation = 1}, world.deliver(transaction));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 4u);
}

}  // namespace
}  // namespace pushmail::relay
