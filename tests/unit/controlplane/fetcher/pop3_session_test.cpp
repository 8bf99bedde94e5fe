// POP3 sessions against scripted servers, and the multi-line answer alone.
#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/pop3_lines.h"
#include "controlplane/fetcher/pop3_names.h"
#include "controlplane/fetcher/watermark.h"
#include "session_fixture.h"

namespace pushmail::test {
namespace {

using namespace mailbox;

TEST(Pop3Body, WholeAndByteByByteAgree) {
  struct Row {
    std::string in;
    std::string out;
    std::size_t used;
  };
  const std::vector<Row> rows{
      {".\r\n", "", 3},
      {"a\r\n.\r\nrest", "a\r\n", 6},
      {"..\r\n.\r\n", ".\r\n", 7},
      {"...x\r\n.\r\n", "..x\r\n", 9},
      {"a.\r\n.\r\n", "a.\r\n", 7},
      // A dot that the server forgot to double, and bare line ends: kept as they are.
      {".x\r\n.\r\n", ".x\r\n", 7},
      {"a\nb\n.\n", "a\nb\n", 6},
      {".\rx\r\n.\r\n", ".\rx\r\n", 8},
      {std::string("\0\r\n.\r\n", 6), std::string("\0\r\n", 3), 6},
  };
  for (const Row& row : rows) {
    Pop3Body whole;
    Bytes out;
    EXPECT_EQ(whole.feed(bytes_of(row.in), out), row.used);
    EXPECT_TRUE(whole.is_done());
    EXPECT_EQ(text_of(out), row.out);
    Pop3Body bytewise;
    Bytes slow;
    std::size_t used = 0;
    for (const char c : row.in) used += bytewise.feed(bytes_of(std::string_view(&c, 1)), slow);
    EXPECT_EQ(used, row.used);
    EXPECT_EQ(out, slow);
  }
  Pop3Body unfinished;
  Bytes out;
  EXPECT_EQ(unfinished.feed(bytes_of(std::string_view("a\r\n.")), out), 4u);
  EXPECT_FALSE(unfinished.is_done());
}

class Pop3Test : public SessionTest {
 protected:
  static bool log_in(Peer& peer) {
    return peer.send("+OK ready\r\n") && peer.expect("USER alice") && peer.send("+OK\r\n") && peer.expect("PASS secret") &&
           peer.send("+OK in\r\n");
  }
  static bool list(Peer& peer, std::string_view sizes, std::string_view names) {
    if (!peer.expect("LIST")) return false;
    peer.send("+OK\r\n" + std::string(sizes) + ".\r\n");
    return peer.expect("UIDL") && peer.send("+OK\r\n" + std::string(names) + ".\r\n");
  }
};

TEST_F(Pop3Test, BaselineThenNewsByTopOrByRetr) {
  bool has_top = true;
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 10\r\n2 20\r\n3 30\r\n", "1 one\r\n2 two\r\n3 three\r\n4 two\r\nnonsense\r\n")) return;
    while (peer.expect(" ")) {
      if (peer.lines().back().starts_with("TOP") && !has_top) {
        peer.send("-ERR what\r\n");
      } else if (!peer.lines().back().starts_with("TOP 3") && !peer.lines().back().starts_with("RETR 3")) {
        // Two copies of one mail have one name (RFC 1939 §7).
        peer.send("+OK\r\nSubject: twice\r\n\r\n.\r\n");
      } else {
        peer.send("+OK\r\nSubject: news\r\n\r\n..body\r\n.\r\n");
      }
    }
  });
  for (const bool top : {true, false}) {
    has_top = top;
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      EXPECT_FALSE(session.can(Sending::append));
      const auto appended = session.append(task, {.folder = "INBOX", .mail = bytes_of(std::string_view("A: b\r\n\r\n"))});
      ASSERT_FALSE(appended);
      EXPECT_TRUE(appended.error().error.is(mailbox_unsupported)) << "and the server hears nothing of it";
      Watermark fresh;
      const auto first = session.look(task, fresh, [](const Arrival&) { FAIL(); });
      ASSERT_TRUE(first) << first.error().text;
      EXPECT_EQ(*first, Look::baseline);
      EXPECT_EQ(fresh.known, (std::set<std::string, std::less<>>{"one", "two", "three"}));
      EXPECT_EQ(fresh.uid_validity, 1u);

      Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {"one", "two", "long gone"}};
      std::vector<Arrival> arrivals;
      const auto second = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
      ASSERT_TRUE(second) << second.error().text;
      ASSERT_EQ(arrivals.size(), 1u);
      EXPECT_EQ(arrivals[0].uid, "three");
      EXPECT_EQ(arrivals[0].size, 30u);
      EXPECT_EQ(arrivals[0].header, "Subject: news\r\n");
      EXPECT_EQ(mark.known, (std::set<std::string, std::less<>>{"one", "two", "three"}));
    });
  }
}

// One refused or empty UIDL list at a server that named its mails before must not make news of the whole mailbox.
TEST_F(Pop3Test, AServerThatNamesNoMailsForNowIsAskedAgain) {
  for (const std::string_view answer : {"-ERR [SYS/TEMP] later\r\n", "-ERR what\r\n", "+OK\r\n.\r\n"}) {
    ScriptedServer server([&](Peer& peer) {
      if (!log_in(peer) || !peer.expect("LIST")) return;
      peer.send("+OK\r\n1 10\r\n2 20\r\n.\r\n");
      if (peer.expect("UIDL")) peer.send(answer);
      while (peer.expect(" ")) peer.send("+OK\r\nSubject: old\r\n\r\n.\r\n");
    });
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {"one", "two"}};
      const auto look = session.look(task, mark, [](const Arrival&) { FAIL() << "old mail is no news"; });
      ASSERT_FALSE(look);
      EXPECT_TRUE(look.error().error.is(mailbox_busy)) << look.error().text;
      EXPECT_EQ(mark.known, (std::set<std::string, std::less<>>{"one", "two"}));
    });
  }
}

TEST_F(Pop3Test, MailsThatGetANameLateAreRecognisedByTheirHeaders) {
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 10\r\n2 20\r\n", "1 one\r\n2 two\r\n")) return;
    while (peer.expect(" ")) {
      peer.send(peer.lines().back().ends_with(" 1 0") ? "+OK\r\nSubject: old\r\n\r\n.\r\n" : "+OK\r\nSubject: new\r\n\r\n.\r\n");
    }
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {name_of_header("Subject: old\r\n")}};
    std::vector<Arrival> arrivals;
    const auto look = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
    ASSERT_TRUE(look) << look.error().text;
    ASSERT_EQ(arrivals.size(), 1u);
    EXPECT_EQ(arrivals[0].uid, "two");
    EXPECT_TRUE(mark.known.contains("one"));
  });
}

// A mailbox as it is at one look: mails in the server's order.
struct Listed {
  std::string name;
  std::string header;
};

struct RenamedTest : Pop3Test {
  static std::string header(int day, std::string_view id = "") {
    std::string text = "Subject: x\r\nDate: " + std::to_string(day) + " Jun 2026 12:00:00 +0000\r\n";
    if (!id.empty()) text += "Message-ID: <" + std::string(id) + ">\r\n";
    return text;
  }
  std::vector<std::string> look(const std::vector<Listed>& mails, Watermark& mark, std::optional<Look> expected = std::nullopt) {
    ScriptedServer server([&](Peer& peer) {
      std::string sizes, names;
      for (std::size_t i = 0; i < mails.size(); ++i) {
        sizes += std::to_string(i + 1) + " 10\r\n";
        names += std::to_string(i + 1) + " " + mails[i].name + "\r\n";
      }
      if (!log_in(peer) || !list(peer, sizes, names)) return;
      while (peer.expect("TOP ")) peer.send("+OK\r\n" + mails.at(std::stoul(peer.lines().back().substr(4)) - 1).header + "\r\n.\r\n");
    });
    std::vector<std::string> told;
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      const auto looked = session.look(task, mark, [&](const Arrival& arrival) { told.push_back(arrival.uid); });
      ASSERT_TRUE(looked) << looked.error().text;
      EXPECT_EQ(*looked, expected.value_or(*looked));
      ASSERT_TRUE(session.learn_newest(task, mark));
    });
    return told;
  }
  // Ten mails of ten days, the last one `old-10`.
  static std::vector<Listed> old_mails(const std::string& prefix) {
    std::vector<Listed> mails;
    for (int i = 1; i <= 10; ++i) mails.push_back({prefix + std::to_string(i), header(i, "old-" + std::to_string(i))});
    return mails;
  }
};

TEST_F(RenamedTest, AnEmptyMailboxForOnceMakesNoNewsOfOldMail) {
  Watermark mark;
  EXPECT_TRUE(look(old_mails("a"), mark, Look::baseline).empty());
  EXPECT_TRUE(look({}, mark).empty());
  EXPECT_EQ(mark.known.size(), 10u);
  std::vector<Listed> mails = old_mails("a");
  mails.push_back({"new", header(11, "new")});
  EXPECT_EQ(look(mails, mark), std::vector<std::string>{"new"});
  EXPECT_TRUE(look({}, mark).empty());
  EXPECT_TRUE(look({}, mark).empty());
  EXPECT_EQ(look({{"later", header(12, "later")}}, mark), std::vector<std::string>{"later"}) << "it was really emptied";
  EXPECT_EQ(mark.known, (std::set<std::string, std::less<>>{"later"}));
}

TEST_F(RenamedTest, OtherNamesForAllMailsMakeNoNewsOfThem) {
  Watermark mark;
  look(old_mails("a"), mark, Look::baseline);
  EXPECT_EQ(mark.newest.message_id, "old-10");
  std::vector<Listed> mails = old_mails("b");
  mails.push_back({"bnew", header(9, "new")});
  EXPECT_EQ(look(mails, mark, Look::renumbered), std::vector<std::string>{"bnew"}) << "by the Message-ID, though it was written earlier";
  EXPECT_EQ(mark.newest.message_id, "new");
  EXPECT_TRUE(look(mails, mark, Look::compared).empty());
}

TEST_F(RenamedTest, WithoutTheNewestTheDatesDecide) {
  Watermark mark;
  look(old_mails("a"), mark, Look::baseline);
  std::vector<Listed> mails = old_mails("b");
  mails.pop_back();
  mails.insert(mails.begin(), {"bnew", header(11)});
  mails.push_back({"bnewer", "Subject: no date\r\n"});
  EXPECT_EQ(look(mails, mark, Look::renumbered), (std::vector<std::string>{"bnew", "bnewer"}));
  EXPECT_EQ(mark.known.size(), 11u);
}

TEST_F(RenamedTest, WithoutAnyTraceManyAreABaselineAndFewAreNews) {
  std::vector<Listed> mails;
  for (int i = 0; i < 6; ++i) mails.push_back({"b" + std::to_string(i), "Subject: x\r\n"});
  Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {"a1", "a2"}};
  EXPECT_TRUE(look(mails, mark, Look::baseline).empty());
  EXPECT_EQ(mark.known.size(), 6u);
  mails.pop_back();
  mark = {.uid_validity = 1, .last_uid = 0, .known = {"a1", "a2"}};
  EXPECT_EQ(look(mails, mark).size(), 5u) << "a mailbox that is emptied at each visit";
}

TEST_F(RenamedTest, ADateInTheFutureHidesNothing) {
  Watermark mark;
  look({{"a", "Date: 1 Jan 2199 12:00:00 +0000\r\n"}}, mark, Look::baseline);
  EXPECT_LE(mark.newest.received.us, clock_.wall().us);
}

// A mail at which the server hangs up.
TEST_F(RenamedTest, ASearchThatBreaksOffEachTimeIsGivenUp) {
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 1\r\n2 1\r\n3 1\r\n4 1\r\n5 1\r\n6 1\r\n", "1 b1\r\n2 b2\r\n3 b3\r\n4 b4\r\n5 b5\r\n6 b6\r\n"))
      return;
    peer.expect("TOP 6");
  });
  Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {"a"}, .newest = {.message_id = "x"}};
  int tries = 0;
  for (bool ended = false; !ended && tries < 10; ++tries) {
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      ended = session.look(task, mark, [](const Arrival&) { FAIL(); }).has_value();
    });
  }
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(mark.known.size(), 6u);
}

TEST_F(Pop3Test, HugeHeaderIsToldAsFarAsItIsKept) {
  std::string header = "Subject: still told\r\n";
  while (header.size() < 70 * limits::KiB) header += "Received: from " + std::string(60, 'r') + ".example.net\r\n";
  header += "From: Joe <joe@example.com>\r\n";
  std::string longer = header;
  while (longer.size() < 300 * limits::KiB) longer += "Received: from " + std::string(60, 'r') + ".example.net\r\n";
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 80000\r\n2 310000\r\n", "1 one\r\n2 two\r\n")) return;
    if (peer.expect("TOP 1 0")) peer.send("+OK\r\n" + header + "\r\n.\r\n");
    if (peer.expect("TOP 2 0")) peer.send("+OK\r\n" + longer + "\r\n.\r\n");
    peer.line();
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {}};
    std::vector<Arrival> arrivals;
    const auto looked = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
    ASSERT_TRUE(looked) << looked.error().text;
    ASSERT_EQ(arrivals.size(), 2u);
    for (const Arrival& arrival : arrivals) {
      EXPECT_LT(arrival.header.size(), limits::mime_header_size_max);
      EXPECT_TRUE(arrival.header.ends_with("\r\n"));
      EXPECT_EQ(announce(arrival).subject, "still told");
      EXPECT_EQ(announce(arrival).sender, "Joe <joe@example.com>");
    }
  });
}

// Without TOP the whole mail comes, and one that is over the budget ends the connection: it must be told once, not stop every look.
TEST_F(Pop3Test, MailOverTheBudgetIsAnnouncedFromItsRetr) {
  mail_size_max_ = 200'000;
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 5000000\r\n2 30\r\n", "1 huge\r\n2 small\r\n")) return;
    while (peer.expect(" ")) {
      if (peer.lines().back().starts_with("TOP")) {
        peer.send("-ERR what\r\n");
      } else if (peer.lines().back() == "RETR 1") {
        peer.send("+OK\r\nSubject: huge\r\n\r\n" + std::string(5'000'000, 'm') + "\r\n.\r\n");
      } else {
        peer.send("+OK\r\nSubject: small\r\n\r\n.\r\n");
      }
    }
  });
  Watermark mark{.uid_validity = 1, .last_uid = 0, .known = {}};
  std::vector<Arrival> arrivals;
  for (int i = 0; i < 2; ++i) {
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      const auto looked = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
      EXPECT_EQ(looked.has_value(), i == 1);
    });
  }
  ASSERT_EQ(arrivals.size(), 2u);
  EXPECT_EQ(arrivals[0].header, "Subject: huge\r\n");
  EXPECT_EQ(arrivals[0].size, 5'000'000u);
  EXPECT_EQ(arrivals[1].uid, "small");
}

TEST_F(Pop3Test, EmptyMailboxIsABaselineOnce) {
  ScriptedServer server([&](Peer& peer) {
    if (log_in(peer)) list(peer, "", "");
    peer.line();
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark;
    EXPECT_EQ(*session.look(task, mark, [](const Arrival&) {}), Look::baseline);
    EXPECT_EQ(*session.look(task, mark, [](const Arrival&) {}), Look::compared);
  });
}

TEST_F(Pop3Test, ReadsByteForByteAndGoesOnWhereItStood) {
  std::string mail;
  while (mail.size() < 200'000) mail += "line\r\n..dots\r\n";
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 10\r\n", "1 one\r\n") || !peer.expect("RETR 1")) return;
    // Dots doubled as the protocol says.
    std::string wire;
    for (std::size_t at = 0; at < mail.size();) {
      const std::size_t end = mail.find('\n', at) + 1;
      if (mail[at] == '.') wire += '.';
      wire += mail.substr(at, end - at);
      at = end;
    }
    peer.send("+OK\r\n" + wire + ".\r\n");
    peer.line();
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    std::string got;
    const auto size = session.read(task, "one", 70'001, [&](ByteView piece) {
      EXPECT_LE(piece.size(), limits::imap_fetch_chunk_size);
      got += text_of(piece);
      return true;
    });
    ASSERT_TRUE(size) << size.error().text;
    EXPECT_EQ(*size, mail.size());
    EXPECT_EQ(got, mail.substr(70'001));
    EXPECT_TRUE(session.read(task, "two", 0, [](ByteView) { return true; }).error().error.is(mailbox_gone));
  });
}

TEST_F(Pop3Test, MailLargerThanItSaidIsCutOff) {
  mail_size_max_ = 10'000;
  ScriptedServer server([&](Peer& peer) {
    if (!log_in(peer) || !list(peer, "1 10\r\n", "1 one\r\n") || !peer.expect("RETR 1")) return;
    peer.send("+OK\r\n");
    while (peer.send("more and more\r\n")) {
    }
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    EXPECT_TRUE(session.read(task, "one", 0, [](ByteView) { return true; }).error().error.is(mailbox_too_large));
  });
}

TEST_F(Pop3Test, RemoveWaitsForQuit) {
  for (const std::string answer : {"+OK bye\r\n", "-ERR some not removed\r\n", ""}) {
    ScriptedServer server([&](Peer& peer) {
      if (!log_in(peer) || !list(peer, "1 10\r\n", "1 one\r\n") || !peer.expect("DELE 1")) return;
      peer.send("+OK\r\n");
      if (peer.expect("QUIT") && !answer.empty()) peer.send(answer);
    });
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      EXPECT_EQ(session.mark(task, "one", Mark::remove).has_value(), answer.starts_with("+OK")) << answer;
    });
  }
}

TEST_F(Pop3Test, RefusalsAreTold) {
  const auto pass_answer = [this](const std::string& answer) {
    ScriptedServer server([answer](Peer& peer) {
      peer.send("+OK ready\r\n");
      if (!peer.expect("USER")) return;
      peer.send("+OK\r\n");
      if (!peer.expect("PASS") || answer.empty()) return;
      peer.send(answer);
      peer.line();
    });
    std::optional<Failure> failure;
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) { failure = session.open(task).error(); });
    return failure;
  };
  EXPECT_TRUE(pass_answer("-ERR wrong\r\n")->error.is(mailbox_login));
  EXPECT_TRUE(pass_answer("-ERR Unable to lock maildrop: Mailbox is locked by POP server\r\n")->error.is(mailbox_busy));
  EXPECT_EQ(pass_answer("-ERR Unknown command: PASS secret\r\n")->text, "Unknown command: PASS ***");
  EXPECT_EQ(pass_answer("-ERR maildrop already locked\r\n")->text, "maildrop already locked");
  EXPECT_TRUE(pass_answer("-ERR [AUTH] wrong\r\n")->error.is(mailbox_auth));
  EXPECT_TRUE(pass_answer("-ERR [IN-USE] locked\r\n")->error.is(mailbox_busy));
  EXPECT_TRUE(pass_answer("-ERR [SYS/TEMP] later\r\n")->error.is(mailbox_busy));
  EXPECT_TRUE(pass_answer("")->error.is(mailbox_closed));
}

// RFC 2449 §8.1.1.
TEST_F(Pop3Test, ALogInThatCameTooSoonWaitsAsLongAsTheServerSays) {
  const auto wait_after = [this](const std::string& answer, const std::string& capabilities) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("+OK ready\r\n");
      if (!peer.expect("USER")) return;
      peer.send("+OK\r\n");
      if (!peer.expect("PASS")) return;
      peer.send(answer);
      if (peer.expect("CAPA")) peer.send(capabilities);
    });
    std::optional<Failure> failure;
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) { failure = session.open(task).error(); });
    EXPECT_TRUE(failure->error.is(mailbox_busy)) << failure->text;
    return failure->wait;
  };
  const std::string refusal = "-ERR [LOGIN-DELAY] minimum time between mail checks violation\r\n";
  EXPECT_EQ(wait_after(refusal, "+OK\r\nTOP\r\nlogin-delay 300 USER\r\nUIDL\r\n.\r\n"), seconds(300));
  EXPECT_EQ(wait_after(refusal, "+OK\r\nLOGIN-DELAY 99999999999999999999\r\n.\r\n"), Duration{});
  EXPECT_EQ(wait_after(refusal, "+OK\r\nLOGIN-DELAY 9999999\r\n.\r\n"), timers::mailbox_refused);
  EXPECT_EQ(wait_after(refusal, "-ERR what?\r\n"), Duration{});
  EXPECT_EQ(wait_after(refusal, ""), Duration{});
}

// Wrong protocol or port: nothing that time would mend.
TEST_F(Pop3Test, AServerOfAnotherProtocolIsNamed) {
  for (const std::string greeting : {"* OK [CAPABILITY IMAP4rev1] ready", "220 mx.example ESMTP Postfix", "SSH-2.0-OpenSSH_9.2p1"}) {
    ScriptedServer server([&](Peer& peer) {
      peer.send(greeting + "\r\n");
      peer.line();
    });
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      const auto opened = session.open(task);
      ASSERT_FALSE(opened);
      EXPECT_TRUE(opened.error().error.is(mailbox_protocol)) << greeting;
      EXPECT_NE(opened.error().text.find(greeting), std::string::npos) << opened.error().text;
    });
  }
}

TEST_F(Pop3Test, PasswordOfAnotherAlphabet) {
  const std::string password = "p\xc3\xa4ss";
  const auto open = [&](const std::function<void(Peer&)>& log_in) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("+OK ready\r\n");
      if (peer.expect("CAPA")) log_in(peer);
    });
    auto who = account(server, Protocol::pop3);
    who.password = password;
    std::string text;
    run(who, [&](Task& task, MailboxSession& session) {
      if (const auto opened = session.open(task); !opened) text = opened.error().text;
    });
    return text;
  };
  const auto by_auth = [](const std::string& answer) {
    return [answer](Peer& peer) {
      peer.send("+OK\r\nUIDL\r\nSASL LOGIN PLAIN\r\n.\r\n");
      if (!peer.expect("AUTH PLAIN")) return;
      peer.send("+ \r\n");
      if (peer.line() == "AGFsaWNlAHDDpHNz") peer.send(answer);
      peer.line();
    };
  };
  EXPECT_EQ(open(by_auth("+OK in\r\n")), "");
  EXPECT_EQ(open(by_auth("-ERR [AUTH] no\r\n")), "-ERR [AUTH] no");
  EXPECT_EQ(open([&](Peer& peer) {
              peer.send("-ERR unknown command\r\n");
              if (!peer.expect("USER")) return;
              peer.send("+OK\r\n");
              if (peer.line() == "PASS " + password) peer.send("+OK\r\n");
              peer.line();
            }),
            "");
}

TEST_F(Pop3Test, AServerThatTakesNoUserIsAskedForAnotherWay) {
  for (const bool has_plain : {true, false}) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("+OK ready\r\n");
      if (!peer.expect("USER")) return;
      peer.send("-ERR USER disabled\r\n");
      if (!peer.expect("CAPA")) return;
      peer.send(has_plain ? "+OK\r\nSASL PLAIN\r\n.\r\n" : "+OK\r\nSASL CRAM-MD5\r\n.\r\n");
      if (!has_plain || !peer.expect("AUTH PLAIN")) return;
      peer.send("+ \r\n");
      peer.line();
      peer.send("+OK in\r\n");
      peer.line();
    });
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      const auto opened = session.open(task);
      EXPECT_EQ(opened.has_value(), has_plain);
      EXPECT_EQ(opened ? "" : opened.error().text, has_plain ? "" : "USER disabled");
    });
  }
}

TEST_F(Pop3Test, ControlBytesNeverReachTheWire) {
  ScriptedServer server([](Peer&) {});
  for (std::string Account::* field : {&Account::user, &Account::password}) {
    auto who = account(server, Protocol::pop3);
    who.*field = "bob\r\nDELE 1";
    run(who, [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox_argument)); });
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Pop3Test, HostileListsEndTheSession) {
  const auto look_with = [this](const ScriptedServer::Script& script) {
    ScriptedServer server([&](Peer& peer) {
      if (log_in(peer) && peer.expect("LIST")) script(peer);
    });
    std::optional<Failure> failure;
    run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark;
      if (auto looked = session.look(task, mark, [](const Arrival&) {}); !looked) failure = looked.error();
    });
    return failure;
  };
  const auto endless_line = look_with([](Peer& peer) {
    peer.send("+OK\r\n");
    while (peer.send(std::string(65536, '1'))) {
    }
  });
  EXPECT_TRUE(endless_line && endless_line->error.is(mailbox_line_too_long));
  const auto endless_list = look_with([](Peer& peer) {
    std::string lines;
    for (int i = 1; i < 5000; ++i) lines += std::to_string(i) + " 1\r\n";
    peer.send("+OK\r\n");
    while (peer.send(lines)) {
    }
  });
  EXPECT_TRUE(endless_list && endless_list->error.is(mailbox_answer_too_long));
  const auto endless_status = look_with([](Peer& peer) {
    while (peer.send(std::string(4096, '+'))) {
    }
  });
  EXPECT_TRUE(endless_status && state_word(endless_status->error) == "protocol_error");
  const auto end_in_list = look_with([](Peer& peer) { peer.send("+OK\r\n1 1"); });
  EXPECT_TRUE(end_in_list && end_in_list->error.is(mailbox_closed));
  timing_.command = milliseconds(200);
  const auto silence = look_with([](Peer& peer) { peer.line(); });
  EXPECT_TRUE(silence && silence->error.is(mailbox_timeout));
}

}  // namespace
}  // namespace pushmail::test
