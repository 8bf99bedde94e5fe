// What both servers have of their connections: places, memory, turns, deadlines, the end, and another stream beneath.
#include "dataplane/session/server_connections.h"

#include <gtest/gtest.h>

#include "core/timers.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail {
namespace {

using test::FakeNetwork;
using test::FakePeer;
using test::ManualClock;

TEST(MemoryBudget, SharesHoldTogetherWhatThereIs) {
  MemoryBudget budget(100);
  MemoryShare one(budget);
  {
    MemoryShare other(budget);
    EXPECT_TRUE(one.grow(60));
    EXPECT_FALSE(other.grow(41));
    EXPECT_EQ(other.size(), 0u);
    EXPECT_TRUE(other.grow(40));
    EXPECT_FALSE(budget.has_room(1));
  }
  EXPECT_EQ(budget.used(), 60u);
  one.clear();
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_TRUE(budget.has_room(100));
  EXPECT_FALSE(budget.has_room(101));
}

/// Echoes; `stop` ends it, `wait` blocks it until the next turn, `up` goes on over the stream that the test made.
class EchoServer final : public Acceptor {
 public:
  class Connection final : public ServerConnection {
   public:
    Connection(EchoServer& server, Stream& stream) : ServerConnection(server.connections, stream), server_(server) {}
    void on_data(ByteView bytes) override {
      note_received();
      if (is_finishing()) return;
      const std::string_view text = text_of(bytes);
      if (text == "stop") return finish_stream();
      if (text == "up") return reseat(*server_.over);
      if (text == "proven") return raise(Standing::proven);
      if (text == "wait") {
        pause_reading();
        return become_runnable();
      }
      send(text);
    }
    void on_end() override { finish_stream(); }
    void on_close(CloseReason) override { server_.connections.remove(*this); }
    void go_on() override {
      ++server_.runs;
      resume_reading();
    }
    void on_drain() override { finish_stream(); }
    void check_deadlines(Instant now) override {
      if (now - last_received() > seconds(60)) finish_stream();
    }
    void turn_away() {
      send("later");
      finish_stream();
    }

   private:
    EchoServer& server_;
  };

  void on_accept(Stream& stream) override {
    auto made = std::make_unique<Connection>(*this, stream);
    Connection& connection = *made;
    welcomes.push_back(connections.add(std::move(made), wanted));
    if (welcomes.back() == ServerConnections::Welcome::refused) connection.turn_away();
    if (welcomes.back() == ServerConnections::Welcome::cut) stream.abort();
  }

  ServerConnections::Wanted wanted = ServerConnections::Wanted::yes;
  Stream* over = nullptr;
  int runs = 0;
  ServerCounts counts;
  ServerConnections connections{
      {.connections = {.all = 2, .per_source = 10, .reserved = 0}, .unsent_size_max = 8, .idle = seconds(30), .linger = seconds(5)},
      counts,
      Instant{}};
  std::vector<ServerConnections::Welcome> welcomes;
};

class ServerConnectionsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(network_.listen(here_, server_).has_value()); }
  void connect(FakePeer& peer) {
    peer.stream = *network_.connect(here_, peer);
    turns(3);
  }
  void turns(int count = 10) {
    for (int i = 0; i < count; ++i) {
      network_.poll(clock_.now());
      server_.connections.tick(clock_.now());
    }
  }
  std::string ask(FakePeer& peer, std::string_view text) {
    peer.say(text);
    turns();
    return peer.take();
  }
  void pass(Duration time) {
    clock_.advance(time);
    turns();
  }

  ManualClock clock_;
  FakeNetwork network_;
  EchoServer server_;
  const Endpoint here_ = *parse_endpoint("198.51.100.1:80");
};

TEST_F(ServerConnectionsTest, OneWithoutAPlaceIsToldAndEnds) {
  FakePeer one, two, three;
  for (FakePeer* each : {&one, &two}) {
    connect(*each);
    EXPECT_EQ(ask(*each, "proven"), "");
  }
  connect(three);
  EXPECT_EQ(three.take(), "later");
  EXPECT_TRUE(three.ended);
  EXPECT_EQ(server_.counts.connections, 3u);
  EXPECT_EQ(server_.counts.turned_away, 1u);
  EXPECT_EQ(ask(one, "x"), "x");
}

TEST_F(ServerConnectionsTest, TheOldestThatShowedNothingMakesRoom) {
  FakePeer one, two, three;
  for (FakePeer* each : {&one, &two, &three}) connect(*each);
  turns();
  EXPECT_EQ(one.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(ask(three, "x"), "x");
  EXPECT_EQ(server_.connections.limiter().evicted(), 1u);
  EXPECT_EQ(server_.connections.size(), 2u);
}

TEST_F(ServerConnectionsTest, ManyThatAreNotWantedAreOnlyCut) {
  server_.wanted = ServerConnections::Wanted::no;
  std::vector<std::unique_ptr<FakePeer>> peers;
  for (std::uint32_t i = 0; i <= ServerConnections::turned_away_max; ++i) {
    peers.push_back(std::make_unique<FakePeer>());
    peers.back()->stream = *network_.connect(here_, *peers.back());
  }
  turns(3);
  EXPECT_EQ(server_.welcomes.front(), ServerConnections::Welcome::refused);
  EXPECT_EQ(server_.welcomes.back(), ServerConnections::Welcome::cut);
  EXPECT_EQ(peers.back()->closed, CloseReason::reset_by_peer);
  EXPECT_EQ(server_.counts.turned_away, ServerConnections::turned_away_max + 1);
}

TEST_F(ServerConnectionsTest, ABlockedOneGoesOnWithTheNextTick) {
  FakePeer peer;
  connect(peer);
  peer.say("wait");
  network_.poll(clock_.now());
  EXPECT_TRUE(server_.connections.has_runnable());
  EXPECT_TRUE(peer.theirs().paused);
  server_.connections.tick(clock_.now());
  EXPECT_EQ(server_.runs, 1);
  EXPECT_FALSE(server_.connections.has_runnable());
  EXPECT_FALSE(peer.theirs().paused);
}

TEST_F(ServerConnectionsTest, OneThatIsGoneDoesNotRun) {
  FakePeer peer;
  connect(peer);
  peer.say("wait");
  network_.poll(clock_.now());
  peer.stream->abort();
  network_.poll(clock_.now());
  EXPECT_FALSE(server_.connections.has_runnable());
  EXPECT_EQ(server_.connections.size(), 0u);
}

TEST_F(ServerConnectionsTest, WhatDoesNotLeaveInTimeEndsIt) {
  FakePeer peer;
  connect(peer);
  peer.theirs().held = true;
  peer.say("x");
  turns();
  pass(seconds(29));
  EXPECT_FALSE(peer.closed);
  pass(seconds(2));
  EXPECT_EQ(peer.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(server_.counts.timed_out, 1u);
}

TEST_F(ServerConnectionsTest, WhatLeftLetsAFullOneGoOn) {
  FakePeer peer;
  connect(peer);
  peer.theirs().held = true;
  EXPECT_EQ(ask(peer, "123456789"), "");
  EXPECT_EQ(server_.runs, 0);
  peer.theirs().held = false;
  turns();
  EXPECT_EQ(peer.take(), "123456789");
  EXPECT_EQ(server_.runs, 1);
}

TEST_F(ServerConnectionsTest, AfterOurFinThePeerHasAWhile) {
  FakePeer peer;
  connect(peer);
  EXPECT_EQ(ask(peer, "stop"), "");
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(ask(peer, "x"), "");
  pass(seconds(4));
  EXPECT_FALSE(peer.closed);
  pass(seconds(2));
  EXPECT_EQ(peer.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(server_.counts.timed_out, 0u);
}

TEST_F(ServerConnectionsTest, GoesOnOverTheStreamThatItIsGiven) {
  FakePeer peer;
  connect(peer);
  EXPECT_EQ(ask(peer, "x"), "x");
  test::FakeStream over(*parse_endpoint("192.0.2.9:1"));
  server_.over = &over;
  EXPECT_EQ(ask(peer, "up"), "");
  EXPECT_EQ(ask(peer, "123456789"), "");
  ASSERT_EQ(over.queue.size(), 1u);
  EXPECT_EQ(text_of(over.queue.front().bytes()), "123456789");
  EXPECT_EQ(ask(peer, "wait"), "");
  EXPECT_FALSE(over.paused);
  EXPECT_EQ(server_.runs, 1);
  EXPECT_EQ(ask(peer, "stop"), "");
  EXPECT_TRUE(over.finishing);
  EXPECT_FALSE(peer.ended);
}

}  // namespace
}  // namespace pushmail
