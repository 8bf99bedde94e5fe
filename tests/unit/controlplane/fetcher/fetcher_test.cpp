// The whole fetcher in one process: records over a socketpair, mailboxes at scripted servers that misbehave in time.
#include "controlplane/fetcher/fetcher.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "session_fixture.h"

namespace pushmail::test {
namespace {

using namespace mailbox;

constexpr std::uint16_t number_of(Tag tag) { return static_cast<std::uint16_t>(tag); }

class FetcherTest : public SessionTest {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = ends[0];
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    setsockopt(ours_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    timing_.retry_first = milliseconds(20);
    timing_.retry_most = milliseconds(100);
    timing_.linger = milliseconds(50);
    adjust_timing();
    thread_ = std::thread([this, theirs = ends[1]] {
      Loop loop(clock_);
      Fetcher fetcher(loop, SessionSettings{.tls = trust_, .timing = timing_, .mail_size_max = mail_size_max_}, theirs, read_settings_);
      ended_well_ = fetcher.run().has_value();
      tasks_left_ = loop.tasks();
    });
  }
  virtual void adjust_timing() {}
  void TearDown() override {
    hang_up();
    EXPECT_EQ(tasks_left_, 0u) << "a coroutine did not end";
  }
  void hang_up() {
    if (!thread_.joinable()) return;
    shutdown(ours_, SHUT_RDWR);
    thread_.join();
    close(ours_);
  }

  void send(RecordWriter writer) { send(writer.finish(++sequence_)); }
  void send(const Bytes& bytes) { ASSERT_EQ(::send(ours_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())); }
  void watch(const Account& who, std::string_view mode, std::uint64_t uid_validity = 77, std::string_view binding = "b") {
    send(RecordWriter(static_cast<std::uint16_t>(Kind::watch), 1, {})
             .text(number_of(Tag::binding), binding)
             .text(number_of(Tag::protocol), who.protocol == Protocol::imap ? "imap" : "pop3")
             .text(number_of(Tag::address), to_string(who.address))
             .text(number_of(Tag::tls), "none")
             .text(number_of(Tag::user), who.user)
             .text(number_of(Tag::password), who.password)
             .text(number_of(Tag::mode), mode)
             .u64(number_of(Tag::uid_validity), uid_validity)
             .text(number_of(Tag::last_uid), "9"));
  }
  void command(Kind kind) { send(RecordWriter(static_cast<std::uint16_t>(kind), 1, {}).text(number_of(Tag::binding), "b")); }
  void fetch(std::uint8_t item, std::string_view uid, std::uint64_t credit) {
    send(RecordWriter(static_cast<std::uint16_t>(Kind::fetch), 1, ItemId{{item}})
             .text(number_of(Tag::binding), "b")
             .text(number_of(Tag::uid), uid)
             .u64(number_of(Tag::credit), credit));
  }

  void credit(std::uint8_t item, std::uint64_t chunks) {
    send(RecordWriter(static_cast<std::uint16_t>(Kind::credit), 1, ItemId{{item}}).u64(number_of(Tag::credit), chunks));
  }
  void cancel(std::uint8_t item) { send(RecordWriter(static_cast<std::uint16_t>(Kind::cancel), 1, ItemId{{item}})); }

  // The next record that `fits`; the others are passed over.
  RecordView next(const std::function<bool(const RecordView&)>& fits) {
    while (true) {
      const auto record = inbox_.next();
      PM_CHECK(!record.is_bad());
      if (record.is_done()) {
        if (fits(record.value())) return record.value();
        continue;
      }
      std::array<std::uint8_t, 4096> buffer;
      const ssize_t got = recv(ours_, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        ADD_FAILURE() << "the record did not come";
        return {};
      }
      inbox_.feed(ByteView(buffer).first(static_cast<std::size_t>(got)));
    }
  }
  RecordView next(Kind kind) {
    return next([kind](const RecordView& record) { return record.header().kind == static_cast<std::uint16_t>(kind); });
  }
  RecordView next_state(std::string_view state) {
    return next([state](const RecordView& record) {
      return record.header().kind == static_cast<std::uint16_t>(Kind::session) && record.text(number_of(Tag::state)) == state;
    });
  }

  static bool open_folder(Peer& peer) {
    peer.send("* OK ready\r\n");
    for (const std::string_view step : {"CAPABILITY", "LOGIN", "CAPABILITY", "SELECT"}) {
      if (!peer.expect(step)) return false;
      peer.send(step == "SELECT" ? "* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 10] x\r\n" : "* CAPABILITY IMAP4rev1 IDLE\r\n");
      peer.answer("OK done");
    }
    return true;
  }

  // A folder without a mail, until a line with `last` comes, which is not answered. IDLE is refused on the way.
  static void serve_empty(Peer& peer, std::string_view last) {
    if (!open_folder(peer)) return;
    while (peer.expect("")) {
      const std::string& asked = peer.lines().back();
      if (asked.find(last) != std::string::npos) return;
      if (asked.find("UID SEARCH") != std::string::npos) peer.send("* SEARCH\r\n");
      peer.answer(asked.ends_with("IDLE") ? "BAD IDLE not allowed now" : "OK");
    }
  }

  // Hands out `abc` under every UID that is asked for.
  static void serve_abc(Peer& peer, std::atomic<int>* bodies = nullptr) {
    if (!open_folder(peer)) return;
    while (peer.expect("UID FETCH")) {
      const std::string asked = peer.lines().back();
      const std::string uid = asked.substr(asked.find("FETCH ") + 6, 1);
      const bool is_size = asked.find("RFC822.SIZE") != std::string::npos;
      peer.send("* 1 FETCH (UID " + uid + (is_size ? " RFC822.SIZE 3)\r\n" : " BODY[]<0> {3}\r\nabc)\r\n"));
      peer.answer("OK");
      if (!is_size && bodies != nullptr) ++*bodies;
    }
  }
  // Everything said about `item` until the fetch of `last` has its answer.
  std::string told_about(std::uint8_t item, std::uint8_t last) {
    std::string told;
    while (true) {
      const RecordView record = next([](const RecordView& r) { return !r.header().item.empty(); });
      if (record.header().item.empty()) return told + " and then nothing";
      const bool is_chunk = record.header().kind == static_cast<std::uint16_t>(Kind::chunk);
      if (record.header().item == ItemId{{item}}) {
        if (is_chunk) {
          told += "chunk " + std::to_string(*record.u64(number_of(Tag::offset))) + " ";
          told += text_of(*record.bytes(number_of(Tag::data)));
        } else {
          told += record.header().kind == static_cast<std::uint16_t>(Kind::fetched) ? " fetched" : " failed";
        }
      }
      if (!is_chunk && record.header().item == ItemId{{last}}) return told;
    }
  }

  int ours_ = -1;
  std::uint64_t sequence_ = 0;
  RecordInbox inbox_;
  Fetcher::ReadSettings read_settings_;  // by the fetcher's thread
  std::thread thread_;
  bool ended_well_ = false;
  std::size_t tasks_left_ = 0;
};

TEST_F(FetcherTest, RefusedPasswordIsTriedOnce) {
  ScriptedServer server([](Peer& peer) {
    peer.send("+OK\r\n");
    if (peer.expect("USER")) peer.send("+OK\r\n");
    if (peer.expect("PASS")) peer.send("-ERR [AUTH] wrong\r\n");
    peer.line();
  });
  auto who = account(server, Protocol::pop3);
  watch(who, "idle", 1);
  next_state("auth_failed");
  for (int i = 0; i < 3; ++i) {
    command(Kind::poll);
    next_state("auth_failed");
  }
  fetch(1, "x", 1);
  EXPECT_EQ(next(Kind::fetch_failed).text(number_of(Tag::reason)), "auth_failed");
  EXPECT_EQ(server.connections(), 1);
  who.password = "another";
  watch(who, "idle", 1);
  next_state("auth_failed");
  EXPECT_EQ(server.connections(), 2);
  // The same words again: he may have allowed it at the server.
  watch(who, "idle", 1);
  next_state("auth_failed");
  EXPECT_EQ(server.connections(), 3);
}

// An account is tried once; a refusal without a reason twice. No word about its mails.
TEST_F(FetcherTest, ProbeTellsWhetherAnAccountWorks) {
  struct Row {
    const char* login;
    const char* folder;
    const char* state;
    const char* reason;
    int connections;
  };
  for (const Row& row :
       {Row{"OK", "OK", "ready", "", 1}, Row{"NO [AUTHENTICATIONFAILED] no", "", "auth_failed", "NO [AUTHENTICATIONFAILED] no", 1},
        Row{"NO no", "", "auth_failed", "NO no", 2}, Row{"NO [LIMIT] no", "", "unreachable", "NO [LIMIT] no", 1},
        Row{"OK", "NO no such folder", "protocol_error", "NO no such folder", 1}}) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("* OK ready\r\n");
      if (!peer.expect("CAPABILITY") || !peer.answer("OK") || !peer.expect("LOGIN") || !peer.answer(row.login)) return;
      if (!peer.expect("CAPABILITY") || !peer.answer("OK") || !peer.expect("SELECT")) return;
      peer.send("* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 10] x\r\n");
      peer.answer(row.folder);
      if (peer.expect("LOGOUT")) peer.answer("OK");
    });
    const Account who = account(server, Protocol::imap);
    send(RecordWriter(static_cast<std::uint16_t>(Kind::probe), 1, {})
             .text(number_of(Tag::binding), "trial-1")
             .text(number_of(Tag::protocol), "imap")
             .text(number_of(Tag::address), to_string(who.address))
             .text(number_of(Tag::tls), "none")
             .text(number_of(Tag::user), who.user)
             .text(number_of(Tag::password), who.password));
    const RecordView record = next([](const RecordView&) { return true; });
    EXPECT_EQ(record.header().kind, static_cast<std::uint16_t>(Kind::probed)) << "nothing else is said";
    EXPECT_EQ(record.text(number_of(Tag::binding)), "trial-1");
    EXPECT_EQ(record.text(number_of(Tag::state)), row.state);
    EXPECT_EQ(record.text(number_of(Tag::reason)).value_or(""), row.reason);
    EXPECT_EQ(server.connections(), row.connections) << row.login;
  }
}

TEST_F(FetcherTest, BrokenFetchGoesOnWhereItStood) {
  const std::string mail(3 * limits::imap_fetch_chunk_size, 'm');
  std::atomic<int> round = 0;
  ScriptedServer server([&](Peer& peer) {
    const int now = ++round;
    if (!open_folder(peer) || !peer.expect("RFC822.SIZE")) return;
    peer.send("* 1 FETCH (UID 5 RFC822.SIZE 196608)\r\n");
    peer.answer("OK");
    for (std::size_t at = now == 1 ? 0 : limits::imap_fetch_chunk_size; peer.expect("BODY.PEEK[]<" + std::to_string(at) + ".65536>");) {
      const std::string piece = at >= mail.size() ? std::string() : mail.substr(at, limits::imap_fetch_chunk_size);
      peer.send("* 1 FETCH (UID 5 BODY[]<" + std::to_string(at) + "> {" + std::to_string(piece.size()) + "}\r\n" +
                piece.substr(0, piece.size() / (now == 1 && at > 0 ? 2 : 1)));
      if (now == 1 && at > 0) return;
      peer.send(")\r\n");
      peer.answer("OK");
      at += piece.size();
    }
  });
  watch(account(server, Protocol::imap), "poll");
  fetch(7, "5", 100);
  std::string got;
  while (true) {
    const RecordView record = next([](const RecordView& r) { return r.header().item == ItemId{{7}}; });
    if (record.header().kind != static_cast<std::uint16_t>(Kind::chunk)) {
      EXPECT_EQ(record.header().kind, static_cast<std::uint16_t>(Kind::fetched)) << record.text(number_of(Tag::reason)).value_or("");
      EXPECT_EQ(record.u64(number_of(Tag::size)), mail.size());
      break;
    }
    EXPECT_EQ(record.u64(number_of(Tag::offset)), got.size());
    got += text_of(*record.bytes(number_of(Tag::data)));
  }
  EXPECT_EQ(got, mail);
  EXPECT_EQ(round, 2);
}

TEST_F(FetcherTest, ServerThatAlwaysHangsUpIsTriedTwiceForAFetch) {
  ScriptedServer server([](Peer& peer) {
    if (open_folder(peer)) peer.line();
  });
  watch(account(server, Protocol::imap), "poll");
  fetch(7, "5", 1);
  EXPECT_EQ(next(Kind::fetch_failed).text(number_of(Tag::reason)), "unreachable");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(FetcherTest, PollOfABrokenServerIsAnsweredOnce) {
  ScriptedServer server([](Peer& peer) {
    if (open_folder(peer)) peer.send("* NONSENSE");
  });
  watch(account(server, Protocol::imap), "poll");
  for (int i = 1; i <= 3; ++i) {
    command(Kind::poll);
    next([](const RecordView& record) { return record.text(number_of(Tag::reason)).has_value(); });
    EXPECT_EQ(server.connections(), i);
  }
}

class LingeringTest : public FetcherTest {
 protected:
  void adjust_timing() override { timing_.linger = seconds(60); }
};
// As a kept connection of HTTP: that it was closed between two polls says nothing about the server.
TEST_F(LingeringTest, APollOfAKeptSessionThatWasClosedIsAskedOfANewOne) {
  std::atomic<bool> is_over = false;
  std::atomic<int> round = 0;
  ScriptedServer server([&](Peer& peer) {
    const int now = ++round;
    if (!open_folder(peer)) return;
    while (true) {
      const std::string line = peer.line();
      if (line.empty() || (now == 1 && is_over)) return;
      if (line.contains("SEARCH")) peer.send("* SEARCH\r\n");
      peer.send(line.substr(0, line.find(' ')) + " OK done\r\n");
    }
  });
  watch(account(server, Protocol::imap), "poll");
  command(Kind::poll);
  next(Kind::polled);
  EXPECT_EQ(server.connections(), 1);
  is_over = true;
  command(Kind::poll);
  next(Kind::polled);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(FetcherTest, IdleComesBackByItself) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("UID SEARCH")) return;
    peer.send("* SEARCH\r\n");
    peer.answer("OK done");
    if (peer.expect("IDLE")) peer.send("+ idling\r\n* BYE shutting down\r\n");
  });
  watch(account(server, Protocol::imap), "idle");
  for (int i = 0; i < 3; ++i) {
    next_state("idling");
    EXPECT_EQ(next_state("unreachable").text(number_of(Tag::reason)), "BYE shutting down");
  }
}

// The least that the pauses add up to; machine load can only add to it.
TEST_F(FetcherTest, ServerThatDiesInIdleIsAskedMoreAndMoreSeldom) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("UID SEARCH")) return;
    peer.send("* SEARCH\r\n");
    peer.answer("OK done");
    peer.expect("IDLE");
  });
  const Instant start = clock_.now();
  watch(account(server, Protocol::imap), "idle");
  for (int i = 0; i < 8; ++i) next_state("unreachable");
  // At least half of 20, 40, 80, 100, 100, 100 and 100 ms; 7 pauses of a first failure would be 140 ms at most.
  EXPECT_GE((clock_.now() - start).ns, milliseconds(270).ns);
}

// A bare NO says nothing. Of an account that never worked two of them mean the password; of one that did, they never do.
TEST_F(FetcherTest, RefusalWithoutAReasonBlamesThePasswordOfAnAccountThatNeverWorked) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.answer("OK done");
    if (peer.expect("LOGIN")) peer.answer("NO LOGIN failed.");
    peer.line();
  });
  watch(account(server, Protocol::imap), "idle", 0);
  EXPECT_EQ(next_state("unreachable").text(number_of(Tag::reason)), "NO LOGIN failed.");
  EXPECT_EQ(next_state("auth_failed").text(number_of(Tag::reason)), "NO LOGIN failed.");
  EXPECT_EQ(server.connections(), 2);
  watch(account(server, Protocol::imap), "idle", 77, "worked");
  for (int i = 0; i < 4; ++i) {
    const RecordView record =
        next([](const RecordView& r) { return r.text(number_of(Tag::binding)) == "worked" && r.text(number_of(Tag::reason)).has_value(); });
    EXPECT_EQ(record.text(number_of(Tag::state)), "unreachable");
  }
}

// Refused for now: no poll and no fetch gets through before the time the server asks for, and each is answered.
TEST_F(FetcherTest, BusyServerIsLeftAloneForAsLongAsItAsks) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.answer("OK done");
    if (peer.expect("LOGIN")) peer.answer("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds");
    peer.line();
  });
  watch(account(server, Protocol::imap), "poll");
  command(Kind::poll);
  for (int i = 0; i < 3; ++i) {
    const auto reason = next_state("unreachable").text(number_of(Tag::reason));
    EXPECT_EQ(reason, "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds");
    command(Kind::poll);
  }
  fetch(7, "5", 1);
  EXPECT_EQ(next(Kind::fetch_failed).text(number_of(Tag::reason)), "unreachable");
  // Neither a repeat nor another address of the host makes it forget.
  watch(account(server, Protocol::imap), "poll");
  ScriptedServer other([](Peer& peer) { peer.send("* BYE no\r\n"); });
  watch(account(other, Protocol::imap), "poll");
  fetch(8, "5", 1);
  EXPECT_EQ(next(Kind::fetch_failed).header().item, ItemId{{8}});
  // Nor does a mailbox that nobody watched for a while.
  command(Kind::unwatch);
  watch(account(server, Protocol::imap), "poll");
  fetch(9, "5", 1);
  EXPECT_EQ(next(Kind::fetch_failed).header().item, ItemId{{9}});
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(other.connections(), 0);
}

// The least that the pauses add up to, as in the test above; a look in between ends the count.
TEST_F(FetcherTest, RefusedLoginsAreTriedMoreAndMoreSeldomUntilALookSucceeds) {
  std::atomic<int> round = 0;
  ScriptedServer server([&](Peer& peer) {
    if (++round >= 8) return serve_empty(peer, "IDLE");
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.answer("OK done");
    if (peer.expect("LOGIN")) peer.answer("NO [ALERT] Too many simultaneous connections. (Failure)");
    peer.line();
  });
  const Instant start = clock_.now();
  watch(account(server, Protocol::imap), "idle");
  for (int i = 0; i < 7; ++i) next_state("unreachable");
  EXPECT_GE((clock_.now() - start).ns, milliseconds(220).ns);
  next_state("idling");
}

class ShortRefreshTest : public FetcherTest {
 protected:
  void adjust_timing() override {
    timing_.refresh = milliseconds(10);
    timing_.idle_pause = milliseconds(1);
  }
};

TEST_F(ShortRefreshTest, IdleRefusedIsASessionThatIsAskedByNoop) {
  std::atomic<int> noops = 0;
  std::atomic<bool> over = false;
  ScriptedServer server([&](Peer& peer) {
    serve_empty(peer, "NOOP");
    while (!over) {
      ++noops;
      peer.answer("OK");
      if (!peer.expect("UID SEARCH")) return;
      peer.send(noops == 3 ? "* SEARCH 10\r\n" : "* SEARCH\r\n");
      peer.answer("OK done");
      if (noops == 3) {
        if (!peer.expect("UID FETCH 10")) return;
        peer.send("* 1 FETCH (UID 10 RFC822.SIZE 5 BODY[HEADER.FIELDS (FROM)]<0> {14}\r\nSubject: x\r\n\r\n)\r\n");
        peer.answer("OK");
      }
      if (!peer.expect("NOOP")) return;
    }
  });
  watch(account(server, Protocol::imap), "idle");
  EXPECT_EQ(next(Kind::new_mail).text(number_of(Tag::uid)), "10");
  EXPECT_GE(noops, 3);
  EXPECT_EQ(server.connections(), 1);
  over = true;
}

class LongPauseTest : public FetcherTest {
 protected:
  void adjust_timing() override {
    timing_.retry_first = seconds(3600);
    timing_.retry_most = seconds(3600);
  }
};

TEST_F(LongPauseTest, RepeatedWatchDoesNotEndThePause) {
  ScriptedServer down([](Peer& peer) { peer.send("* BYE later\r\n"); });
  watch(account(down, Protocol::imap), "idle");
  next_state("unreachable");
  for (int i = 0; i < 3; ++i) watch(account(down, Protocol::imap), "idle");
  // Another mailbox goes all the way meanwhile: nothing may be said about the first one before.
  watch(account(down, Protocol::imap), "idle", 77, "c");
  const RecordView record =
      next([](const RecordView& r) { return r.text(number_of(Tag::binding)) == "b" || r.text(number_of(Tag::state)) == "unreachable"; });
  EXPECT_EQ(record.text(number_of(Tag::binding)), "c");
  EXPECT_EQ(down.connections(), 2);
  // Another account is another matter.
  auto who = account(down, Protocol::imap);
  who.user = "bob";
  watch(who, "idle");
  EXPECT_EQ(next_state("unreachable").text(number_of(Tag::binding)), "b");
}

// A fetcher that starts anew: the account's pause goes on, and a poll is answered with what is known.
TEST_F(FetcherTest, AWatchSaysHowTheAccountStood) {
  ScriptedServer server([](Peer& peer) { peer.send("* OK ready\r\n"); });
  RecordWriter record(static_cast<std::uint16_t>(Kind::watch), 1, {});
  const Account who = account(server, Protocol::imap);
  record.text(number_of(Tag::binding), "b").text(number_of(Tag::protocol), "imap").text(number_of(Tag::address), to_string(who.address));
  record.text(number_of(Tag::tls), "none").text(number_of(Tag::user), who.user).text(number_of(Tag::password), who.password);
  record.text(number_of(Tag::mode), "idle").u64(number_of(Tag::uid_validity), 77).text(number_of(Tag::last_uid), "9");
  record.u64(number_of(Tag::pause), 3'600'000).text(number_of(Tag::refused), "good").u64(number_of(Tag::failures), 1);
  record.text(number_of(Tag::state), "auth_failed").text(number_of(Tag::reason), "NO wrong");
  send(std::move(record));
  command(Kind::poll);
  const RecordView answer = next_state("auth_failed");
  EXPECT_EQ(answer.text(number_of(Tag::reason)), "NO wrong");
  EXPECT_GT(answer.u64(number_of(Tag::pause)), 3'500'000U);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(FetcherTest, HangingServerDoesNotHoldTheEnd) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    while (!peer.line().empty()) {
    }
  });
  watch(account(server, Protocol::imap), "idle");
  next_state("connecting");
  hang_up();
  EXPECT_TRUE(ended_well_);
}

TEST_F(FetcherTest, UnwatchEndsAHangingSessionAndAnswersItsFetch) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    while (!peer.line().empty()) {
    }
  });
  watch(account(server, Protocol::imap), "idle");
  fetch(7, "5", 1);
  next_state("connecting");
  command(Kind::unwatch);
  EXPECT_EQ(next(Kind::fetch_failed).header().item, ItemId{{7}});
  fetch(8, "5", 1);
  EXPECT_EQ(next(Kind::fetch_failed).header().item, ItemId{{8}});
}

TEST_F(FetcherTest, NewAccountTakesTheFetchAlong) {
  ScriptedServer hanging([](Peer& peer) {
    peer.send("* OK ready\r\n");
    while (!peer.line().empty()) {
    }
  });
  ScriptedServer good([](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("RFC822.SIZE")) return;
    peer.send("* 1 FETCH (UID 5 RFC822.SIZE 3)\r\n");
    peer.answer("OK");
    if (!peer.expect("BODY.PEEK[]<0.65536>")) return;
    peer.send("* 1 FETCH (UID 5 BODY[]<0> {3}\r\nabc)\r\n");
    peer.answer("OK");
    peer.line();
  });
  watch(account(hanging, Protocol::imap), "poll");
  fetch(7, "5", 10);
  next_state("connecting");
  watch(account(good, Protocol::imap), "poll");
  EXPECT_EQ(text_of(*next(Kind::chunk).bytes(number_of(Tag::data))), "abc");
  next(Kind::fetched);
}

// A fetch that gets no credit holds its mailbox's queue. Cancelled, running or queued, it goes without an answer, and the next is served.
TEST_F(FetcherTest, CancelledFetchesMakeRoom) {
  std::atomic<int> bodies = 0;
  ScriptedServer server([&](Peer& peer) { serve_abc(peer, &bodies); });
  watch(account(server, Protocol::imap), "poll");
  fetch(7, "5", 0);
  fetch(8, "6", 10);
  while (bodies == 0) std::this_thread::yield();
  cancel(8);
  cancel(7);
  cancel(7);
  cancel(99);
  fetch(9, "7", 10);
  const RecordView first = next([](const RecordView& record) { return !record.header().item.empty(); });
  EXPECT_EQ(first.header().item, ItemId{{9}}) << "an answer about a cancelled fetch";
  EXPECT_EQ(told_about(9, 9), " fetched");
}

TEST_F(FetcherTest, CancelReachesAFetchTheServerHangsIn) {
  std::atomic<int> round = 0;
  ScriptedServer server([&](Peer& peer) {
    if (++round > 1) return serve_abc(peer);
    if (!open_folder(peer) || !peer.expect("RFC822.SIZE")) return;
    peer.send("* 1 FETCH (UID 5 RFC822.SIZE 3)\r\n");
    peer.answer("OK");
    if (!peer.expect("BODY.PEEK[]")) return;
    peer.send("* 1 FETCH (UID 5 BODY[]<0> {3}\r\na");
    round = 2;
    peer.line();
  });
  watch(account(server, Protocol::imap), "poll");
  fetch(7, "5", 10);
  while (round < 2) std::this_thread::yield();
  cancel(7);
  fetch(8, "5", 10);
  EXPECT_EQ(told_about(8, 8), "chunk 0 abc fetched");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(FetcherTest, SecondFetchOfAnItemReplacesTheFirst) {
  std::atomic<int> bodies = 0;
  ScriptedServer server([&](Peer& peer) { serve_abc(peer, &bodies); });
  watch(account(server, Protocol::imap), "poll");
  fetch(7, "5", 0);
  while (bodies == 0) std::this_thread::yield();
  fetch(7, "5", 0);
  credit(7, 10);
  fetch(8, "6", 10);
  EXPECT_EQ(told_about(7, 8), "chunk 0 abc fetched");
}

TEST_F(FetcherTest, BrokenFramingEndsIt) {
  Bytes record = RecordWriter(static_cast<std::uint16_t>(Kind::poll), 1, {}).text(1, "b").finish(1);
  record.back() ^= 1;
  send(record);
  std::array<std::uint8_t, 16> buffer;
  EXPECT_EQ(recv(ours_, buffer.data(), buffer.size(), 0), 0);
  hang_up();
  EXPECT_FALSE(ended_well_);
}

class ReloadingFetcherTest : public FetcherTest {
 protected:
  ReloadingFetcherTest() {
    read_settings_ = [this]() -> std::expected<SessionSettings, std::string> {
      if (broken_) return std::unexpected("t.toml:1: tls.extra_ca: cannot be used");
      return SessionSettings{.tls = trust_, .timing = timing_, .mail_size_max = 2};
    };
  }
  RecordView reload(std::uint64_t query) {
    send(RecordWriter(static_cast<std::uint16_t>(Kind::reload), 1, {}).u64(number_of(Tag::query), query));
    return next(Kind::reloaded);
  }
  std::atomic<bool> broken_{true};
};

TEST_F(ReloadingFetcherTest, TakesItsSettingsAnewOrKeepsWhatItHasAndSaysWhy) {
  ScriptedServer server([](Peer& peer) { serve_abc(peer); });
  watch(account(server, Protocol::imap), "poll");
  const RecordView refused = reload(7);
  EXPECT_EQ(refused.u64(number_of(Tag::query)), 7U);
  EXPECT_EQ(refused.text(number_of(Tag::reason)), "t.toml:1: tls.extra_ca: cannot be used");
  fetch(1, "1", 4);
  EXPECT_EQ(next(Kind::fetched).header().item, ItemId{{1}});
  broken_ = false;
  const RecordView taken = reload(8);
  EXPECT_EQ(taken.u64(number_of(Tag::query)), 8U);
  EXPECT_FALSE(taken.text(number_of(Tag::reason)).has_value());
  // A session that begins now; one that is open goes on with what it began with.
  watch(account(server, Protocol::imap), "poll", 77, "c");
  send(RecordWriter(static_cast<std::uint16_t>(Kind::fetch), 1, ItemId{{2}})
           .text(number_of(Tag::binding), "c")
           .text(number_of(Tag::uid), "2")
           .u64(number_of(Tag::credit), 4));
  EXPECT_EQ(next(Kind::fetch_failed).text(number_of(Tag::reason)), "too_large");
}

}  // namespace
}  // namespace pushmail::test
