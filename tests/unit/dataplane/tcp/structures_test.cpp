// The parts of our TCP without the stack: each against the simplest thing that does the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/flood_watch.h"
#include "dataplane/tcp/neighbours.h"
#include "dataplane/tcp/recvq.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/sendq.h"
#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/state.h"
#include "dataplane/tcp/syn_cookies.h"
#include "dataplane/tcp/table.h"
#include "dataplane/tcp/wheel.h"
#include "dataplane/tcp/wire.h"

namespace pushmail::tcp {
namespace {

TEST(TcpSeq, OrderAcrossTheWrap) {
  EXPECT_LT(Seq{0xFFFFFFF0}, Seq{0x10});
  EXPECT_GT(Seq{0x10}, Seq{0xFFFFFFF0});
  EXPECT_EQ(distance(Seq{0xFFFFFFF0}, Seq{0x10}), 0x20u);
  EXPECT_EQ(Seq{0x10} - Seq{0xFFFFFFF0}, 0x20);
  EXPECT_EQ(later(Seq{0xFFFFFFF0}, Seq{0x10}), Seq{0x10});
}

TEST(TcpWheel, AgainstASortedSet) {
  SimRandom random(1);
  Instant now{seconds(77).ns + 123};
  TimerWheel wheel(now);
  constexpr TimerWheel::Id ids = 500;
  std::map<TimerWheel::Id, std::int64_t> due;
  for (int step = 0; step < 200'000; ++step) {
    const auto id = static_cast<TimerWheel::Id>(random.below(ids));
    switch (random.below(4)) {
      case 0:
      case 1: {
        constexpr std::array<std::uint64_t, 4> spans{1'000'000, 300'000'000, 20'000'000'000, 4'000'000'000'000};
        const Instant at = now + Duration{static_cast<std::int64_t>(random.below(spans[random.below(4)]))};
        wheel.arm(id, at);
        due[id] = at.ns;
        break;
      }
      case 2:
        wheel.disarm(id);
        due.erase(id);
        break;
      default: {
        const Instant next = wheel.next();
        if (!due.empty()) {
          ASSERT_NE(next.ns, 0);
          const auto first = std::min_element(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
          ASSERT_LE(next.ns, std::max(first->second, now.ns) + 1'000'000);
        }
        now = now + Duration{static_cast<std::int64_t>(random.below(random.below(20) == 0 ? 3'000'000'000 : 3'000'000))};
        wheel.advance(now, [&](TimerWheel::Id fired) {
          const auto entry = due.find(fired);
          ASSERT_NE(entry, due.end());
          ASSERT_LE(entry->second, now.ns);
          due.erase(entry);
        });
        for (const auto& [waiting, at] : due) ASSERT_GT(at + 1'000'000, now.ns) << waiting;
      }
    }
    ASSERT_EQ(wheel.count(), due.size());
  }
}

TEST(TcpTable, AgainstAMap) {
  SimRandom random(2);
  TupleTable table;
  std::multimap<std::uint64_t, std::uint32_t> model;
  std::uint32_t value = 0;
  for (int step = 0; step < 300'000; ++step) {
    // Few hashes, so that runs are long and collide.
    const std::uint64_t hash = random.below(700) * 3;
    if (random.below(2) == 0 || model.empty()) {
      table.insert(hash, ++value);
      model.emplace(hash, value);
    } else {
      const auto entry = model.lower_bound(hash) == model.end() ? model.begin() : model.lower_bound(hash);
      ASSERT_TRUE(table.find(entry->first, [&](std::uint32_t v) { return v == entry->second; }));
      table.erase(entry->first, entry->second);
      ASSERT_FALSE(table.find(entry->first, [&](std::uint32_t v) { return v == entry->second; }));
      model.erase(entry);
    }
    ASSERT_EQ(table.count(), model.size());
  }
  for (const auto& [hash, v] : model) EXPECT_TRUE(table.find(hash, [&](std::uint32_t found) { return found == v; }));
}

TEST(TcpSendQueue, AgainstAString) {
  SimRandom random(3);
  SendQueue queue;
  std::string model;
  std::uint64_t gone = 0;
  int lent = 0;
  std::vector<std::unique_ptr<std::string>> memory;
  for (int step = 0; step < 20'000; ++step) {
    switch (random.below(4)) {
      case 0:
      case 1: {
        auto text = std::make_unique<std::string>(random.below(3000), 'x');
        for (char& c : *text) c = static_cast<char>(random.next());
        model += *text;
        if (random.below(2) == 0) {
          queue.copy(bytes_of(*text));
        } else {
          ++lent;
          queue.lend({bytes_of(*text), [](void* count) { --*static_cast<int*>(count); }, &lent});
          memory.push_back(std::move(text));
        }
        break;
      }
      case 2:
        if (!model.empty()) {
          const std::size_t at = random.below(model.size());
          Bytes out(random.below(model.size() - at) + 1);
          queue.read(gone + at, out);
          ASSERT_EQ(text_of(out), std::string_view(model).substr(at, out.size()));
        }
        break;
      default: {
        const std::size_t size = random.below(model.size() + 1);
        model.erase(0, size);
        gone += size;
        queue.acknowledge(gone);
      }
    }
    queue.check();
    ASSERT_EQ(queue.end() - queue.begin(), model.size());
    if (model.empty()) {
      ASSERT_EQ(lent, 0);
    }
  }
  queue.clear();
  EXPECT_EQ(lent, 0);
}

TEST(TcpReceiveQueue, AgainstAMapOfBytes) {
  SimRandom random(4);
  for (int round = 0; round < 300; ++round) {
    const Seq start{static_cast<std::uint32_t>(random.next())};
    Bytes stream(2000);
    for (std::uint8_t& byte : stream) byte = static_cast<std::uint8_t>(random.next());
    ReceiveBudget budget(1 << 20);
    ReceiveQueue queue(budget);
    std::uint32_t next = 0;
    std::set<std::uint32_t> have;
    Bytes got;
    while (next < stream.size()) {
      const auto at = static_cast<std::uint32_t>(next + random.below(std::min<std::uint64_t>(stream.size() - next, 400)));
      const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(1 + random.below(90), stream.size() - at));
      if (at > next) {
        ASSERT_TRUE(queue.insert(start + at, ByteView(stream).subspan(at, size)));
        for (std::uint32_t i = at; i < at + size; ++i) have.insert(i);
      } else {
        append(got, ByteView(stream).subspan(at, size));
        next = at + size;
        while (const auto piece = queue.take_from(start + static_cast<std::uint32_t>(got.size()))) append(got, ByteView(*piece));
        while (have.contains(next)) ++next;
        ASSERT_EQ(got.size(), next);
      }
      queue.check(start + next);
    }
    EXPECT_EQ(got, stream);
    EXPECT_EQ(queue.memory_size(), 0u);
    EXPECT_EQ(budget.used(), 0u);
  }
}

TEST(TcpReceiveQueue, BoundsItsPieces) {
  ReceiveBudget budget(1 << 20);
  ReceiveQueue queue(budget);
  const std::array<std::uint8_t, 1> byte{1};
  for (std::uint32_t i = 0; i < ReceiveQueue::piece_count_max; ++i) EXPECT_TRUE(queue.insert(Seq{10 + 2 * i}, byte));
  EXPECT_FALSE(queue.insert(Seq{5'000'000}, byte));
  // What continues a piece needs no new one, and what covers several replaces them.
  EXPECT_TRUE(queue.insert(Seq{11}, byte));
  EXPECT_EQ(queue.piece_count(), ReceiveQueue::piece_count_max);
  EXPECT_TRUE(queue.insert(Seq{13}, Bytes(100, 2)));
  EXPECT_LT(queue.piece_count(), ReceiveQueue::piece_count_max - 40);
  EXPECT_TRUE(queue.insert(Seq{5'000'000}, byte));
  queue.check(Seq{9});
}

// Whatever is held, new bytes cost what they cost alone: no piece grows without end, and what is charged is what is taken.
TEST(TcpReceiveQueue, HeldBytesAreChargedAndGivenBack) {
  ReceiveBudget budget(1 << 20);
  {
    ReceiveQueue queue(budget);
    for (std::uint32_t i = 0; i < 200; ++i) EXPECT_TRUE(queue.insert(Seq{10 + 1400 * i}, Bytes(1400, 1)));
    EXPECT_GE(queue.piece_count(), 200 * 1400 / ReceiveQueue::piece_size_max);
    EXPECT_EQ(budget.used(), queue.memory_size());
    EXPECT_GE(budget.used(), 280'000u);
    EXPECT_LE(budget.used(), 2 * 280'000u);
    EXPECT_EQ(queue.discardable_size(), queue.memory_size());
    queue.hold(Bytes(500, 1));
    queue.drop_pieces();
    EXPECT_LT(queue.memory_size(), 1000u);
    EXPECT_EQ(queue.discardable_size(), 0u);
  }
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_EQ(budget.left(), 1u << 20);
}

// RFC 6298 §2
TEST(TcpRtt, FollowsTheFormulas) {
  Rtt rtt;
  EXPECT_EQ(rtt.rto(), seconds(1));
  rtt.sample(milliseconds(400));
  EXPECT_EQ(rtt.rto(), milliseconds(400 + 4 * 200));
  rtt.sample(milliseconds(400));
  EXPECT_EQ(rtt.rto(), milliseconds(400 + 4 * 150));
  rtt.back_off();
  EXPECT_EQ(rtt.rto(), milliseconds(2000));
  for (int i = 0; i < 10; ++i) rtt.back_off();
  EXPECT_EQ(rtt.rto(), seconds(60));
  for (int i = 0; i < 60; ++i) rtt.sample(microseconds(50));
  EXPECT_EQ(rtt.rto(), milliseconds(200));
}

// RFC 5681, 6582, 6928
TEST(TcpCongestion, SlowStartAvoidanceRecovery) {
  Congestion window;
  window.start(1000);
  EXPECT_EQ(window.window(), 10'000u);
  window.on_ack(1000);
  EXPECT_EQ(window.window(), 11'000u);
  window.on_fast_retransmit(20'000);
  EXPECT_EQ(window.threshold(), 10'000u);
  EXPECT_EQ(window.window(), 13'000u);
  window.on_further_duplicate();
  EXPECT_EQ(window.window(), 14'000u);
  window.on_partial_ack(2000);
  EXPECT_EQ(window.window(), 13'000u);
  window.on_recovered(50'000);
  EXPECT_EQ(window.window(), 10'000u);
  window.on_ack(1000);
  EXPECT_EQ(window.window(), 10'100u);
  window.on_timeout(8000, true);
  EXPECT_EQ(window.window(), 1000u);
  EXPECT_EQ(window.threshold(), 4000u);
  window.on_timeout(1000, false);
  EXPECT_EQ(window.threshold(), 4000u);
}

// Every state is reached from CLOSED and leaves again.
TEST(TcpState, TheTableIsWhole) {
  std::set<State> reached{State::closed};
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    for (const Transition& row : transitions) {
      if (reached.contains(row.from)) reached.insert(row.to);
    }
  }
  EXPECT_EQ(reached.size(), state_names.size());
  for (const State state : reached) {
    const bool leaves = std::any_of(transitions.begin(), transitions.end(), [&](const Transition& row) { return row.from == state; });
    EXPECT_EQ(leaves, state != State::time_wait) << state_names[static_cast<std::size_t>(state)];
  }
}

TEST(TcpStateDeathTest, AnUnknownMoveStopsTheProgram) {
  EXPECT_DEATH((void)next_state(State::fin_wait_2, Event::fin_acked), "state table");
}

// RFC 1071: against the plain sum, for every length and odd starts.
TEST(TcpWire, ChecksumAgainstThePlainSum) {
  SimRandom random(5);
  Bytes bytes(400);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t start = 0; start < 8; ++start) {
    for (std::size_t size = 0; size + start <= bytes.size(); ++size) {
      std::uint32_t plain = 0x1234;
      for (std::size_t i = 0; i < size; ++i) plain += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[start + i]) << 8 : bytes[start + i];
      while (plain >> 16) plain = (plain & 0xFFFF) + (plain >> 16);
      ASSERT_EQ(internet_sum(ByteView(bytes).subspan(start, size), 0x1234), plain) << size;
    }
  }
}

TEST(TcpWire, TcpRoundTrip) {
  Bytes memory(1514);
  Frame frame{memory.data(), 0, 1514, nullptr};
  const TcpOptions options{.mss = 1460, .window_scale = 3};
  const Ipv4Out ip{.destination_mac = {1},
                   .source_mac = {2},
                   .source = 0xC6120001,
                   .destination = 0xC6120002,
                   .protocol = 6,
                   .payload_size = tcp_header_size(options) + 3};
  build_ipv4(frame, ip);
  build_tcp(frame,
            {.source_port = 25, .destination_port = 4000, .seq = {7}, .ack = {9}, .window = 11, .flags = syn | ack, .options = options});
  std::memcpy(frame.data + frame.size - 3, "abc", 3);
  finish_tcp(frame, ip);
  const auto ethernet = parse_ethernet(frame.bytes());
  ASSERT_TRUE(ethernet);
  const auto packet = parse_ipv4(ethernet->payload, ChecksumBy::stack);
  ASSERT_TRUE(packet);
  const auto segment = parse_tcp(*packet, ChecksumBy::stack);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->tuple.local, (Endpoint{IpAddress::v4(0xC6120002), 4000}));
  EXPECT_EQ(segment->tuple.peer, (Endpoint{IpAddress::v4(0xC6120001), 25}));
  EXPECT_EQ(segment->options.mss, 1460);
  EXPECT_EQ(segment->options.window_scale, 3);
  EXPECT_EQ(text_of(segment->payload), "abc");
  EXPECT_EQ(segment->length(), 4u);
  // One bit anywhere behind the Ethernet header is noticed.
  for (std::size_t bit = ethernet_size * 8; bit < frame.size * 8; ++bit) {
    frame.data[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    const auto harmed = parse_ipv4(frame.bytes().subspan(ethernet_size), ChecksumBy::stack);
    EXPECT_FALSE(harmed && parse_tcp(*harmed, ChecksumBy::stack)) << bit;
    frame.data[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  }
}

TEST(TcpWire, DeviceChecksumsGetThePseudoHeader) {
  Bytes memory(1514);
  Frame frame{memory.data(), 0, 1514, nullptr};
  const Ipv4Out ip{.destination_mac = {1},
                   .source_mac = {2},
                   .source = 1,
                   .destination = 2,
                   .protocol = 6,
                   .payload_size = 20,
                   .checksum = ChecksumBy::device};
  build_ipv4(frame, ip);
  build_tcp(frame, {.source_port = 25, .destination_port = 4000, .seq = {7}, .ack = {9}, .window = 11, .flags = ack, .options = {}});
  finish_tcp(frame, ip);
  EXPECT_EQ(load<std::uint16_t>(frame.data + 24, std::endian::big), 0);
  EXPECT_EQ(load<std::uint16_t>(frame.data + 50, std::endian::big), 1 + 2 + 6 + 20);
}

constexpr auto us = Neighbours::Asker::us, stranger = Neighbours::Asker::stranger;
constexpr MacAddress first_mac{2, 2, 3, 4, 5, 6}, second_mac{2, 0, 0, 0, 0, 9};

// Every state is reached from ASKED, or is FIXED; and every event that can happen in a state has a row.
TEST(TcpNeighbours, TheTableIsWhole) {
  std::set<NeighbourState> reached{NeighbourState::asked};
  for (std::size_t i = 0; i < neighbour_rows.size(); ++i) {
    for (const NeighbourRow& row : neighbour_rows) {
      if (reached.contains(row.from)) reached.insert(row.to);
    }
  }
  EXPECT_EQ(reached.size(), 4u);
  EXPECT_FALSE(reached.contains(NeighbourState::fixed));
  for (const NeighbourState state : {NeighbourState::known, NeighbourState::checked, NeighbourState::searched, NeighbourState::fixed}) {
    EXPECT_EQ(next_state(state, NeighbourEvent::same_mac), state == NeighbourState::fixed ? state : NeighbourState::known);
    EXPECT_NE(next_state(state, NeighbourEvent::other_mac), NeighbourState::asked);
  }
}

TEST(TcpNeighbours, OldEntriesStayUsableAndAreAskedAgain) {
  Neighbours neighbours;
  const Instant start{seconds(100).ns};
  neighbours.learn(5, first_mac, Neighbours::Learn::known_only, start);
  EXPECT_EQ(neighbours.count(), 0u);
  neighbours.learn(5, first_mac, Neighbours::Learn::may_add, start);
  EXPECT_TRUE(neighbours.find(5, us, start + seconds(29)));
  EXPECT_EQ(neighbours.next_deadline().ns, 0);
  EXPECT_TRUE(neighbours.find(5, us, start + seconds(31)));
  const auto asked = neighbours.due(start + seconds(31)).ask;
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].ip, 5u);
  EXPECT_EQ(asked[0].to, first_mac) << "the owner first, by unicast";
  EXPECT_TRUE(neighbours.due(start + seconds(31)).ask.empty());
  EXPECT_TRUE(neighbours.find(5, us, start + seconds(3600)));
}

// RFC 5227 §3: an announcement may be true. The MAC that we use is asked first; only its silence lets the new one in.
TEST(TcpNeighbours, AClaimIsCheckedWithTheOwner) {
  Neighbours neighbours;
  Instant now{seconds(100).ns};
  neighbours.learn(5, first_mac, Neighbours::Learn::may_add, now);
  EXPECT_EQ(neighbours.learn(5, second_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::not_believed);
  EXPECT_EQ(neighbours.find(5, us, now), first_mac);
  auto asked = neighbours.due(now).ask;
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, first_mac);
  // Not even while the question is open.
  EXPECT_EQ(neighbours.learn(5, second_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::not_believed);
  neighbours.learn(5, first_mac, Neighbours::Learn::may_add, now);
  EXPECT_EQ(neighbours.find(5, us, now), first_mac);
  EXPECT_EQ(neighbours.learn(5, second_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::not_believed);
  EXPECT_TRUE(neighbours.due(now).ask.empty()) << "one question a second";

  // The owner has gone: two questions to it, then one to all, and then the answer counts.
  std::size_t to_owner = 0, to_all = 0;
  for (int i = 0; i < 3; ++i) {
    now = now + seconds(1);
    asked = neighbours.due(now).ask;
    ASSERT_EQ(asked.size(), 1u);
    ++(asked[0].to ? to_owner : to_all);
    EXPECT_EQ(neighbours.find(5, us, now), first_mac);
  }
  EXPECT_EQ(to_owner, 2u);
  EXPECT_EQ(to_all, 1u);
  EXPECT_EQ(neighbours.learn(5, second_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::nothing_new);
  EXPECT_EQ(neighbours.find(5, us, now), second_mac);
}

TEST(TcpNeighbours, AFixedEntryIsNeverChangedNorAskedFor) {
  Neighbours neighbours;
  const Instant now{seconds(100).ns};
  neighbours.fix(5, first_mac);
  EXPECT_EQ(neighbours.learn(5, second_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::not_believed);
  EXPECT_EQ(neighbours.learn(5, first_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::nothing_new);
  for (std::uint32_t ip = 10; ip < 10 + 2 * Neighbours::known_count_max; ++ip)
    neighbours.learn(ip, second_mac, Neighbours::Learn::may_add, now);
  EXPECT_EQ(neighbours.find(5, us, now + seconds(3600)), first_mac);
  EXPECT_TRUE(neighbours.due(now + seconds(3600)).ask.empty());
  EXPECT_EQ(neighbours.count(), Neighbours::known_count_max);
}

// Strangers' addresses are asked for at a bounded rate, with a short life, and without touching what we ask for ourselves.
TEST(TcpNeighbours, StrangersQuestionsAreBounded) {
  Neighbours neighbours;
  Instant now{seconds(100).ns};
  EXPECT_EQ(neighbours.find(1, us, now), std::unexpected(Neighbours::NoMac::asked));
  std::size_t asked = 0, evicted = 0, refused = 0;
  for (std::uint32_t ip = 1000; ip < 11'000; ++ip) {
    refused += neighbours.find(ip, stranger, now) == std::unexpected(Neighbours::NoMac::refused);
    now = now + microseconds(500);
    const auto turn = neighbours.due(now);
    asked += turn.ask.size();
    evicted += turn.evicted_count;
  }
  EXPECT_LE(neighbours.count(), Neighbours::asked_count_max + 1);
  EXPECT_LE(asked, 5 * 2 * Neighbours::asked_count_max + 6) << "five seconds of 2,000 addresses each";
  EXPECT_GT(evicted, 0u);
  EXPECT_GT(refused, 9'000u);
  EXPECT_EQ(neighbours.learn(1, first_mac, Neighbours::Learn::may_add, now), Neighbours::Learned::reachable);
  // What is not answered goes away by itself.
  for (int i = 0; i < 5; ++i) {
    now = now + seconds(1);
    (void)neighbours.due(now);
  }
  EXPECT_EQ(neighbours.count(), 1u);
  EXPECT_EQ(neighbours.next_deadline().ns, 0);
}

// The one that is used stays when strangers announce themselves in numbers.
TEST(TcpNeighbours, TheOneUsedLongestAgoMakesRoom) {
  Neighbours neighbours;
  Instant now{seconds(100).ns};
  neighbours.learn(5, first_mac, Neighbours::Learn::may_add, now);
  for (std::uint32_t ip = 100; ip < 5000; ++ip) {
    now = now + milliseconds(5);
    neighbours.learn(ip, second_mac, Neighbours::Learn::may_add, now);
    EXPECT_EQ(neighbours.find(5, us, now), first_mac);
  }
  EXPECT_EQ(neighbours.count(), Neighbours::known_count_max);
}

TEST(TcpFloodWatch, OneLineWhenItBeginsAndOneWhenItIsOver) {
  FloodWatch watch;
  Instant now{seconds(100).ns};
  EXPECT_FALSE(watch.see(0, now));
  int began = 0, ended = 0;
  const auto second = [&](std::uint64_t total) {
    now = now + seconds(1);
    const auto report = watch.see(total, now);
    if (!report) return;
    ++(report->news == FloodWatch::News::began ? began : ended);
    if (report->news == FloodWatch::News::ended) {
      EXPECT_EQ(report->count, 300u);
      EXPECT_EQ(report->lasted, seconds(300));
    }
  };
  // A flood that pauses half a minute at a time is one flood.
  for (std::uint64_t i = 0; i < 300; ++i) second(i % 30 == 0 ? 10 + i : 10 + i - i % 30);
  EXPECT_EQ(began, 1);
  EXPECT_EQ(ended, 0);
  for (int i = 0; i < 20; ++i) second(300);
  for (int i = 0; i < 100; ++i) second(300);
  EXPECT_EQ(began, 1);
  EXPECT_EQ(ended, 1);
  second(301);
  EXPECT_EQ(began, 2);
}

TEST(TcpSynCookies, ComeBackWithTheirMss) {
  SynCookies cookies(HashKey{1, 2, 3});
  const Instant now{seconds(1000).ns};
  EXPECT_FALSE(cookies.active(now));
  for (const auto& [mss, kept] : {std::pair<std::uint16_t, std::uint16_t>{20, 48}, {536, 536}, {1459, 1440}, {1460, 1460}, {8960, 1460}}) {
    const Seq cookie = cookies.make(77, Seq{123}, mss, now);
    EXPECT_EQ(cookies.mss_of(cookie, 77, Seq{123}, now), kept);
    EXPECT_EQ(cookies.mss_of(cookie, 78, Seq{123}, now), std::nullopt) << "another tuple";
    EXPECT_EQ(cookies.mss_of(cookie, 77, Seq{124}, now), std::nullopt) << "another number of the peer";
    for (std::uint32_t bit = 0; bit < 32; ++bit)
      EXPECT_EQ(cookies.mss_of(Seq{cookie.v ^ 1u << bit}, 77, Seq{123}, now), std::nullopt) << bit;
    EXPECT_NE(SynCookies(HashKey{9}).make(77, Seq{123}, mss, now), cookie) << "another key";
    EXPECT_EQ(cookies.mss_of(cookie, 77, Seq{123}, now + seconds(64)), kept);
    for (std::int64_t periods = 3; periods < 12; ++periods) {
      EXPECT_EQ(cookies.mss_of(cookie, 77, Seq{123}, now + seconds(32 * periods)), std::nullopt) << periods;
    }
  }
  EXPECT_TRUE(cookies.active(now + seconds(64)));
  EXPECT_FALSE(cookies.active(now + seconds(96)));
}

}  // namespace
}  // namespace pushmail::tcp
