// IMAP sessions against scripted servers, friendly, odd and hostile.
#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/watermark.h"
#include "core/base64.h"
#include "session_fixture.h"

namespace pushmail::test {
namespace {

using namespace mailbox;

class ImapTest : public SessionTest {
 protected:
  static constexpr std::string_view usual_capabilities = "IMAP4rev1 IDLE UIDPLUS";
  static bool greet(Peer& peer, std::string_view capability = usual_capabilities) {
    const std::string untagged = "* CAPABILITY " + std::string(capability) + "\r\n";
    if (!peer.send("* OK ready\r\n") || !peer.expect("CAPABILITY") || !peer.send(untagged) || !peer.answer("OK done")) return false;
    if (!peer.expect("LOGIN") || !peer.answer("OK in") || !peer.expect("CAPABILITY") || !peer.send(untagged)) return false;
    return peer.answer("OK done");
  }
  static bool open_folder(Peer& peer, std::uint32_t uid_next = 10, std::string_view capability = usual_capabilities) {
    if (!greet(peer, capability) || !peer.expect("SELECT")) return false;
    peer.send("* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 77] x\r\n");
    if (uid_next != 0) peer.send("* OK [UIDNEXT " + std::to_string(uid_next) + "] x\r\n");
    return peer.answer("OK [READ-WRITE] selected");
  }

  // What open() says when the server runs `script`.
  std::optional<Failure> open_with(const ScriptedServer::Script& script) {
    ScriptedServer server(script);
    std::optional<Failure> failure;
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      if (auto opened = session.open(task); !opened) failure = opened.error();
    });
    return failure;
  }
  // The same for a look at a mailbox that was seen up to UID 9, after SELECT; the script goes on from there.
  std::optional<Failure> look_with(const ScriptedServer::Script& script) {
    ScriptedServer server([&](Peer& peer) {
      if (open_folder(peer, 0)) script(peer);
    });
    std::optional<Failure> failure;
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
      if (auto looked = session.look(task, mark, [](const Arrival&) {}); !looked) failure = looked.error();
    });
    return failure;
  }
};

TEST_F(ImapTest, BaselineIsUidNext) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("UID SEARCH 3")) return;
    peer.send("* SEARCH 7\r\n");
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark;
    const auto looked = session.look(task, mark, [](const Arrival&) { FAIL() << "a flood"; });
    ASSERT_TRUE(looked);
    EXPECT_EQ(*looked, Look::baseline);
    EXPECT_EQ(mark.uid_validity, 77u);
    EXPECT_EQ(mark.last_uid, 9u);
  });
}

// Some servers say the last UID instead of the next one, and some know no search by place.
TEST_F(ImapTest, AUidNextThatAMailHasMakesNoNews) {
  for (const std::string_view found : {"* SEARCH 10\r\n", "* SEARCH\r\n", ""}) {
    ScriptedServer server([found](Peer& peer) {
      if (!open_folder(peer) || !peer.expect("UID SEARCH 3")) return;
      peer.send(found);
      peer.answer(found.empty() ? "BAD what" : "OK");
      peer.line();
    });
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark;
      const auto looked = session.look(task, mark, [](const Arrival&) { FAIL() << "a flood"; });
      ASSERT_TRUE(looked);
      EXPECT_EQ(*looked, Look::baseline);
      EXPECT_EQ(mark.last_uid, found.starts_with("* SEARCH 10") ? 10u : 9u);
    });
  }
}

// UIDNEXT lies below a mail that is known, and nothing but the UID is known of it.
TEST_F(ImapTest, AUidNextBehindItsMailsIsNoNewNumbering) {
  for (const std::uint32_t last : {10U, 11U}) {
    ScriptedServer server([last](Peer& peer) {
      if (!open_folder(peer, 10) || !peer.expect("UID SEARCH 3")) return;
      peer.send("* SEARCH " + std::to_string(last) + "\r\n");
      peer.answer("OK");
      if (!peer.expect("UID SEARCH UID 11:*")) return;
      peer.send("* SEARCH " + std::to_string(last) + "\r\n");
      peer.answer("OK");
      if (last == 11 && peer.expect("UID FETCH 11")) {
        peer.send("* 3 FETCH (UID 11 RFC822.SIZE 4 BODY[HEADER.FIELDS (FROM)]<0> {14}\r\nSubject: x\r\n\r\n)\r\n");
        peer.answer("OK");
      }
      peer.line();
    });
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark{.uid_validity = 77, .last_uid = 10, .known = {}};
      std::vector<std::string> uids;
      const auto looked = session.look(task, mark, [&](const Arrival& arrival) { uids.push_back(arrival.uid); });
      ASSERT_TRUE(looked) << looked.error().text;
      EXPECT_EQ(*looked, Look::compared);
      EXPECT_EQ(uids, last == 11 ? std::vector<std::string>{"11"} : std::vector<std::string>{});
      EXPECT_EQ(mark.last_uid, last);
    });
  }
}

TEST_F(ImapTest, BaselineWithoutUidNextAsksForTheLastMail) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer, 0) || !peer.expect("UID SEARCH UID *")) return;
    peer.send("* SEARCH 41\r\n");
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark;
    const auto looked = session.look(task, mark, [](const Arrival&) {});
    ASSERT_TRUE(looked) << looked.error().text;
    EXPECT_EQ(mark.last_uid, 41u);
  });
}

TEST_F(ImapTest, NewMailOfAnOddServer) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer, 12) || !peer.expect("UID SEARCH UID 10:11")) return;
    // Unordered, repeated, and one that nobody asked for; statuses without text; lower case.
    peer.send("* search 11 10 11 4\r\n");
    peer.answer("ok");
    if (!peer.expect("UID FETCH 10:11") && peer.lines().back().find("10,11") == std::string::npos) return;
    peer.send("* 9 FETCH (FLAGS (\\Recent))\r\n* 2 FETCH (UID 11 RFC822.SIZE 5)\r\n* 1 FETCH (UID 4 RFC822.SIZE 1)\r\n");
    peer.send("* 2 FETCH (BODY[HEADER.FIELDS (FROM SUBJECT)] {14}\r\nSubject: b((\r\n UID 11)\r\n");
    peer.send("* 1 FETCH (UID 10 RFC822.SIZE 4 BODY[HEADER.FIELDS (FROM SUBJECT)] NIL)\r\n");
    peer.answer("OK");
    // From the end that SELECT told on, once more openly.
    if (!peer.expect("UID SEARCH UID 12:*")) return;
    peer.send("* SEARCH 11\r\n");
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
    std::vector<Arrival> arrivals;
    const auto looked = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
    ASSERT_TRUE(looked) << looked.error().text;
    ASSERT_EQ(arrivals.size(), 2u);
    EXPECT_EQ(arrivals[0].uid, "10");
    EXPECT_EQ(arrivals[0].header, "");
    EXPECT_EQ(arrivals[1].uid, "11");
    EXPECT_EQ(arrivals[1].size, 5u);
    EXPECT_EQ(arrivals[1].header, "Subject: b((\r\n");
    EXPECT_EQ(mark.last_uid, 11u);
  });
}

// One mail with a header longer than a literal may be must not end the look, now and each time it comes round again.
TEST_F(ImapTest, HugeHeaderIsAskedForInPart) {
  std::string header = "Subject: still told\r\nReferences: <first@example.net>\r\n";
  while (header.size() < 70 * limits::KiB) header += " <" + std::string(60, 'r') + std::to_string(header.size()) + "@example.net>\r\n";
  header += "From: Joe <joe@example.com>\r\n\r\n";
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer, 12) || !peer.expect("UID SEARCH UID 10:11")) return;
    peer.send("* SEARCH 10 11\r\n");
    peer.answer("OK");
    if (!peer.expect("UID FETCH") || !peer.lines().back().ends_with("]<0.32768>)")) return;
    peer.send("* 1 FETCH (UID 10 RFC822.SIZE 80000 BODY[HEADER.FIELDS (FROM SUBJECT)]<0> {32768}\r\n" + header.substr(0, 32768) + ")\r\n");
    peer.send("* 2 FETCH (UID 11 RFC822.SIZE 5 BODY[HEADER.FIELDS (FROM SUBJECT)]<0> {15}\r\nSubject: b\r\n\r\n\n)\r\n");
    peer.answer("OK");
    if (!peer.expect("UID SEARCH UID 12:*")) return;
    peer.send("* SEARCH\r\n");
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
    std::vector<Arrival> arrivals;
    const auto looked = session.look(task, mark, [&](const Arrival& arrival) { arrivals.push_back(arrival); });
    ASSERT_TRUE(looked) << looked.error().text;
    ASSERT_EQ(arrivals.size(), 2u);
    EXPECT_LT(arrivals[0].header.size(), 32768u);
    EXPECT_TRUE(arrivals[0].header.ends_with(">\r\n")) << "a line was broken off";
    const Announcement said = announce(arrivals[0]);
    EXPECT_EQ(said.subject, "still told");
    EXPECT_EQ(said.sender, "");
    ASSERT_FALSE(said.references.empty());
    EXPECT_EQ(said.references.front(), "first@example.net");
    EXPECT_EQ(announce(arrivals[1]).subject, "b");
    EXPECT_EQ(mark.last_uid, 11u);
  });
}

TEST_F(ImapTest, ChangedNumberingIsABaseline) {
  ScriptedServer server([](Peer& peer) {
    if (!open_folder(peer, 5)) return;
    while (peer.expect("UID SEARCH 3")) {
      peer.send("* SEARCH 4\r\n");
      peer.answer("OK");
    }
  });
  for (const Watermark& before :
       {Watermark{.uid_validity = 76, .last_uid = 2, .known = {}}, Watermark{.uid_validity = 77, .last_uid = 9, .known = {}}}) {
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark = before;
      const auto looked = session.look(task, mark, [](const Arrival&) { FAIL(); });
      ASSERT_TRUE(looked);
      EXPECT_EQ(*looked, Look::baseline);
      EXPECT_EQ(mark.last_uid, 4u);
    });
  }
}

TEST_F(ImapTest, HugeUidNextIsSearchedInWindowsAndNotForEver) {
  int searches = 0;
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer, 4'000'000'000)) return;
    while (peer.expect("UID SEARCH")) {
      ++searches;
      peer.send("* SEARCH\r\n");
      peer.answer("OK done");
    }
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
    ASSERT_TRUE(session.look(task, mark, [](const Arrival&) {}));
    EXPECT_EQ(mark.last_uid, 9u + 200u * 5000u);
  });
  EXPECT_EQ(searches, 200);
}

TEST_F(ImapTest, PasswordIsQuotedAndControlBytesNeverReachTheWire) {
  ScriptedServer server([](Peer& peer) {
    open_folder(peer);
    peer.line();
  });
  auto who = account(server, Protocol::imap);
  who.user = "a\"b\\c";
  run(who, [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task)); });
  EXPECT_TRUE(server.heard_anything_like(R"(LOGIN "a\"b\\c" secret)")) << server.heard()[1];

  const int before = server.connections();
  for (std::string mailbox::Account::* field : {&Account::user, &Account::password, &Account::folder}) {
    for (const std::string& bad : {std::string("a\r\n9 DELETE INBOX"), std::string("a\0b", 3), std::string()}) {
      auto wrong = account(server, Protocol::imap);
      wrong.*field = bad;
      run(wrong, [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox_argument)); });
    }
  }
  EXPECT_EQ(server.connections(), before);
}

TEST_F(ImapTest, RefusalsAreTold) {
  const auto login_answer = [this](const std::string& answer) {
    return open_with([answer](Peer& peer) {
      peer.send("* OK ready\r\n");
      if (!peer.expect("CAPABILITY")) return;
      peer.send("* CAPABILITY IMAP4rev1\r\n");
      peer.answer("OK");
      if (peer.expect("LOGIN")) peer.answer(answer);
      peer.line();
    });
  };
  EXPECT_TRUE(login_answer("NO [AUTHENTICATIONFAILED] no")->error.is(mailbox_auth));
  EXPECT_EQ(login_answer("NO [ALERT] go to the web site")->text, "NO [ALERT] go to the web site");
  EXPECT_TRUE(login_answer("NO")->error.is(mailbox_login));
  EXPECT_TRUE(login_answer("BAD Command Error. 12")->error.is(mailbox_busy));
  EXPECT_EQ(login_answer("BAD Command Error. 12")->text, "BAD Command Error. 12");
  EXPECT_EQ(login_answer("BAD Unknown command: LOGIN alice secret")->text, "BAD Unknown command: LOGIN alice ***");
  EXPECT_EQ(login_answer("NO no\r\n* BYE LOGIN alice secret")->text.find("secret"), std::string::npos);
  const auto hung_up = login_answer("NO [AUTHENTICATIONFAILED] Login failed.\r\n* BYE Too many invalid IMAP login attempts.");
  EXPECT_TRUE(hung_up->error.is(mailbox_auth));
  EXPECT_EQ(hung_up->text, "NO [AUTHENTICATIONFAILED] Login failed.");
  const auto warned = open_with([](Peer& peer) {
    if (!peer.send("* OK ready\r\n") || !peer.expect("CAPABILITY") || !peer.answer("OK") || !peer.expect("LOGIN")) return;
    peer.send("* BYE too many attempts\r\n");
    peer.answer("NO [AUTHENTICATIONFAILED] no");
  });
  EXPECT_TRUE(warned->error.is(mailbox_auth)) << warned->text;
  const auto asked_on = open_with([](Peer& peer) {
    if (!peer.send("* OK ready\r\n") || !peer.expect("CAPABILITY")) return;
    peer.send("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LOGINDISABLED\r\n");
    if (!peer.answer("OK") || !peer.expect("AUTHENTICATE PLAIN")) return;
    const std::string tag = peer.lines().back().substr(0, peer.lines().back().find(' '));
    peer.send("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n");
    if (peer.line().empty()) peer.send(tag + " NO [AUTHENTICATIONFAILED] no\r\n");
    peer.line();
  });
  EXPECT_TRUE(asked_on->error.is(mailbox_auth)) << asked_on->text;
  EXPECT_TRUE(login_answer("NO [UNAVAILABLE] later")->error.is(mailbox_busy));
  EXPECT_TRUE(login_answer("NO [LIMIT] too many")->error.is(mailbox_busy));
}

TEST_F(ImapTest, RefusedFolderIsToldInTheServersWords) {
  const auto select_answer = [this](const std::string& answer) {
    return open_with([answer](Peer& peer) {
      if (!greet(peer) || !peer.expect("SELECT")) return;
      peer.answer(answer);
      peer.line();
    });
  };
  EXPECT_TRUE(select_answer("NO no such mailbox")->error.is(mailbox_folder));
  const auto throttled = select_answer("BAD User is authenticated but not connected.");
  EXPECT_EQ(state_word(throttled->error), "unreachable");
  EXPECT_EQ(throttled->text, "BAD User is authenticated but not connected.");
}

// What a quoted string may not hold goes in base64 where the server knows PLAIN, else in literals.
TEST_F(ImapTest, PasswordOfAnotherAlphabet) {
  const std::string user = "j\xc3\xbcrgen@example.com";
  const std::string password = "p\xc3\xa4\"s\\s%";
  const auto open = [&](const std::string& capability, const std::function<bool(Peer&)>& log_in) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("* OK ready\r\n");
      if (!peer.expect("CAPABILITY")) return;
      peer.send("* CAPABILITY " + capability + "\r\n");
      peer.answer("OK");
      if (!log_in(peer) || !peer.expect("CAPABILITY")) return;
      peer.answer("OK");
      if (!peer.expect("SELECT \"Entw&APw-rfe &- Co\"")) return;
      peer.send("* OK [UIDVALIDITY 77] x\r\n");
      peer.answer("OK");
      peer.line();
    });
    auto who = account(server, Protocol::imap);
    who.user = user;
    who.password = password;
    who.folder = "Entw\xc3\xbcrfe & Co";
    std::string text;
    run(who, [&](Task& task, MailboxSession& session) {
      if (const auto opened = session.open(task); !opened) text = opened.error().text;
    });
    return text;
  };
  const auto by_literals = [&](Peer& peer) {
    if (!peer.expect("LOGIN {19}")) return false;
    peer.send("* 1 EXISTS\r\n+ go on\r\n");
    if (peer.line() != user + " {8}") return false;
    peer.send("+\r\n");
    return peer.line() == password && peer.answer("OK in");
  };
  const std::string plain = "AGrDvHJnZW5AZXhhbXBsZS5jb20AcMOkInNccyU=";
  EXPECT_EQ(open("IMAP4rev1", by_literals), "");
  EXPECT_EQ(
      open("IMAP4rev1 AUTH=PLAIN SASL-IR", [&](Peer& peer) { return peer.expect("AUTHENTICATE PLAIN " + plain) && peer.answer("OK"); }),
      "");
  EXPECT_EQ(open("IMAP4rev1 auth=plain",
                 [&](Peer& peer) {
                   if (!peer.expect("AUTHENTICATE PLAIN") || !peer.send("+ \r\n")) return false;
                   return peer.line() == plain && peer.answer("OK");
                 }),
            "");
  // Refused, in words or by hanging up: as with any other log-in.
  EXPECT_EQ(open("IMAP4rev1", [](Peer& peer) { return peer.expect("LOGIN {") && peer.answer("NO [LIMIT] x") && false; }), "NO [LIMIT] x");
  EXPECT_NE(open("IMAP4rev1", [](Peer& peer) { return peer.expect("LOGIN {") && false; }), "");
}

TEST_F(ImapTest, ByeIsAnEndWithAReason) {
  const auto at_greeting = open_with([](Peer& peer) { peer.send("* BYE too many connections\r\n"); });
  ASSERT_TRUE(at_greeting);
  EXPECT_EQ(state_word(at_greeting->error), "unreachable");
  EXPECT_NE(at_greeting->text.find("too many connections"), std::string::npos) << at_greeting->text;
  const auto in_command = look_with([](Peer& peer) {
    peer.expect("NOOP");
    peer.send("* BYE shutting down\r\n");
  });
  ASSERT_TRUE(in_command);
  EXPECT_EQ(in_command->text, "BYE shutting down");
}

TEST_F(ImapTest, LoginDisabledIsNotTried) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.send("* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n");
    peer.answer("OK done");
    peer.line();
  });
  run(account(server, Protocol::imap),
      [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox_tls)); });
  EXPECT_FALSE(server.heard_anything_like("secret"));
}

// Without LOGIN, and without TLS because the operator said so: PLAIN is what the server takes.
TEST_F(ImapTest, WithoutLoginPlainIsSaid) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.send("* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR\r\n");
    peer.answer("OK done");
    if (peer.expect("AUTHENTICATE PLAIN ")) peer.answer("NO [UNAVAILABLE] Резервное копирование\xC2\x85\xE2\x80\xAE");
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    const auto failure = session.open(task).error();
    EXPECT_TRUE(failure.error.is(mailbox_busy));
    EXPECT_EQ(failure.text, "NO [UNAVAILABLE] Резервное копирование??") << "its words in its script, without what steers a terminal";
  });
}

TEST_F(ImapTest, WithoutLoginAndPlainTheOldMechanismIsSaid) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.send("* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=LOGIN\r\n");
    peer.answer("OK done");
    if (!peer.expect("AUTHENTICATE LOGIN")) return;
    peer.send("+ VXNlcm5hbWU6\r\n");
    peer.line();
    peer.send("+ UGFzc3dvcmQ6\r\n");
    peer.line();
    peer.answer("NO [AUTHENTICATIONFAILED] no");
  });
  run(account(server, Protocol::imap),
      [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox_auth)); });
  EXPECT_TRUE(server.heard_anything_like(base64_encoded("secret")));
  EXPECT_FALSE(server.heard_anything_like("secret"));
}

TEST_F(ImapTest, AServerWithoutCapabilityIsLoggedInto) {
  ScriptedServer server([](Peer& peer) {
    peer.send("* OK ready\r\n");
    if (!peer.expect("CAPABILITY")) return;
    peer.answer("BAD unknown command");
    if (peer.expect("LOGIN")) peer.answer("NO [AUTHENTICATIONFAILED] no");
  });
  run(account(server, Protocol::imap),
      [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox_auth)); });
}

// Hostile servers: each ends the session by the rule it breaks, and soon.

TEST_F(ImapTest, LiteralBombThenEnd) {
  const auto failure = look_with([](Peer& peer) {
    if (peer.expect("UID SEARCH")) peer.send("* 1 FETCH (BODY[] {4294967295}\r\nabc");
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_literal_too_long)) << failure->text;
}

TEST_F(ImapTest, EndInsideALiteral) {
  const auto failure = look_with([](Peer& peer) {
    if (peer.expect("UID SEARCH")) peer.send("* 1 FETCH (BODY[] {60000}\r\nabc");
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_closed)) << failure->text;
}

TEST_F(ImapTest, EndlessLine) {
  const auto failure = look_with([](Peer& peer) {
    if (!peer.expect("UID SEARCH")) return;
    while (peer.send(std::string(65536, 'a'))) {
    }
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_line_too_long)) << failure->text;
}

TEST_F(ImapTest, FloodOfUntaggedAnswers) {
  const auto failure = look_with([](Peer& peer) {
    if (!peer.expect("UID SEARCH")) return;
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += "* 1 EXPUNGE\r\n";
    while (peer.send(flood)) {
    }
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_answer_too_long)) << failure->text;
}

TEST_F(ImapTest, ParenthesisBomb) {
  const auto failure = look_with([](Peer& peer) {
    if (peer.expect("UID SEARCH")) peer.send("* 1 FETCH (BODYSTRUCTURE " + std::string(60'000, '(') + "\r\n");
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_too_deep)) << failure->text;
}

TEST_F(ImapTest, SilenceEndsAtTheDeadline) {
  timing_.command = milliseconds(200);
  const auto failure = look_with([](Peer& peer) {
    peer.expect("UID SEARCH");
    peer.line();
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_timeout)) << failure->text;
}

TEST_F(ImapTest, DripEndsAtTheDeadlineToo) {
  timing_.command = milliseconds(200);
  const auto failure = look_with([](Peer& peer) {
    if (!peer.expect("UID SEARCH")) return;
    while (peer.send("* 1 EXISTS\r\n")) std::this_thread::yield();
  });
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->error.is(mailbox_timeout) || failure->error.is(mailbox_answer_too_long)) << failure->text;
}

TEST_F(ImapTest, WrongTagIsABreach) {
  const auto failure = look_with([](Peer& peer) {
    if (!peer.expect("UID SEARCH")) return;
    peer.send("zz99 OK done\r\n");
    peer.line();
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(state_word(failure->error), "protocol_error") << failure->text;
}

TEST_F(ImapTest, NonsenseIsABreach) {
  const auto failure = look_with([](Peer& peer) {
    if (!peer.expect("UID SEARCH")) return;
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.line();
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(state_word(failure->error), "protocol_error") << failure->text;
}

TEST_F(ImapTest, NobodyThere) {
  Account who;
  {
    ScriptedServer server([](Peer&) {});
    who = account(server, Protocol::imap);
  }
  run(who, [&](Task& task, MailboxSession& session) {
    const auto opened = session.open(task);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().error.is(mailbox_unreachable)) << opened.error().text;
  });
}

TEST_F(ImapTest, ReadsInPiecesAndGoesOnWhereItStood) {
  const std::string mail(limits::imap_fetch_chunk_size + 10, 'm');
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("RFC822.SIZE")) return;
    // Wrong about the size, as some servers are.
    peer.send("* 1 FETCH (UID 5 RFC822.SIZE 3)\r\n");
    peer.answer("OK");
    for (std::size_t at = 3; at < mail.size();) {
      if (!peer.expect("BODY.PEEK[]<" + std::to_string(at) + ".65536>")) return;
      const std::string piece = mail.substr(at, limits::imap_fetch_chunk_size);
      peer.send("* 1 FETCH (UID 5 BODY[]<" + std::to_string(at) + "> {" + std::to_string(piece.size()) + "}\r\n" + piece + ")\r\n");
      peer.answer("OK");
      at += piece.size();
    }
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    std::string got;
    const auto size = session.read(task, "5", 3, [&](ByteView piece) {
      got += text_of(piece);
      return true;
    });
    ASSERT_TRUE(size) << size.error().text;
    EXPECT_EQ(*size, mail.size());
    EXPECT_EQ(got, mail.substr(3));
  });
}

TEST_F(ImapTest, GoneAndTooLargeConcernOneMail) {
  mail_size_max_ = 1000;
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("UID FETCH 5")) return;
    peer.answer("OK nothing");
    if (!peer.expect("UID FETCH 6")) return;
    peer.send("* 1 FETCH (UID 6 RFC822.SIZE 1001)\r\n");
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    const auto never_called = [](ByteView) { return true; };
    EXPECT_TRUE(session.read(task, "5", 0, never_called).error().error.is(mailbox_gone));
    EXPECT_TRUE(session.read(task, "6", 0, never_called).error().error.is(mailbox_too_large));
    EXPECT_TRUE(session.read(task, "0", 0, never_called).error().error.is(mailbox_gone));
    EXPECT_TRUE(session.read(task, "1:*", 0, never_called).error().error.is(mailbox_gone));
  });
}

TEST_F(ImapTest, IdleWakesByNewsByGateAndByTime) {
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer)) return;
    for (int round = 0; round < 3; ++round) {
      if (!peer.expect("IDLE")) return;
      const std::string tag = peer.lines().back().substr(0, peer.lines().back().find(' '));
      // A `+` without text, and news together with it.
      peer.send("+\r\n");
      if (round == 0) peer.send("* 4 EXISTS\r\n");
      if (peer.line() != "DONE") return;
      peer.send(tag + " OK\r\n");
    }
    peer.line();
  });
  timing_.idle_reissue = milliseconds(50);
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    ASSERT_TRUE(session.can_wait());
    Gate gate(task.loop());
    ASSERT_TRUE(session.wait(task, gate, never));
    ASSERT_TRUE(session.wait(task, gate, never));
    gate.open();
    const auto third = session.wait(task, gate, never);
    EXPECT_TRUE(third) << third.error().text;
  });
}

// News in the answer to the search that did not see it, or said before the server takes IDLE; and a server that says there what it said
// before.
TEST_F(ImapTest, NewsInAnyAnswerIsNews) {
  int searches = 0;
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer)) return;
    for (int idles = 0; idles < 2;) {
      const std::string line = peer.line();
      const std::string tag = line.substr(0, line.find(' '));
      if (line.contains("UID SEARCH")) {
        peer.send(++searches == 1 ? "* SEARCH\r\n* 6 EXISTS\r\n" : "* SEARCH\r\n");
      } else if (line.contains("IDLE")) {
        ++idles;
        peer.send("* 7 EXISTS\r\n* 1 RECENT\r\n+ idling\r\n");
        if (peer.line() != "DONE") return;
      } else if (line.empty()) {
        return;
      }
      peer.send(tag + " OK\r\n");
    }
    peer.line();
  });
  timing_.idle_reissue = seconds(3600);
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Gate gate(task.loop());
    Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
    const auto look = [&] { return session.look(task, mark, [](const Arrival&) {}).has_value(); };
    ASSERT_TRUE(look());
    ASSERT_TRUE(session.wait(task, gate, never)) << "the search told of a sixth";
    ASSERT_TRUE(look());
    ASSERT_TRUE(session.wait(task, gate, never)) << "IDLE told of a seventh";
    ASSERT_TRUE(look());
    const Instant until = task.loop().now() + milliseconds(30);
    ASSERT_TRUE(session.wait(task, gate, until));
    EXPECT_GE(task.loop().now(), until) << "and then of nothing new";
  });
}

// A server that counts a mail before its search finds it.
TEST_F(ImapTest, WhatIsCountedAndNotFoundIsLookedForAgain) {
  for (const int found_at : {1, 4, 100}) {
    int searches = 0, idles = 0;
    ScriptedServer server([&](Peer& peer) {
      if (!open_folder(peer)) return;
      for (;;) {
        const std::string line = peer.line();
        const std::string tag = line.substr(0, line.find(' '));
        if (line.contains("UID SEARCH")) {
          peer.send(++searches == 1 + found_at ? "* SEARCH 10\r\n" : "* SEARCH\r\n");
        } else if (line.contains("UID FETCH")) {
          peer.send("* 6 FETCH (UID 10 RFC822.SIZE 10)\r\n");
        } else if (line.contains("IDLE")) {
          peer.send(++idles == 1 ? "+ idling\r\n* 6 EXISTS\r\n" : "+ idling\r\n");
          if (peer.line() != "DONE") return;
        } else if (line.empty()) {
          return;
        }
        peer.send(tag + " OK\r\n");
      }
    });
    timing_.idle_reissue = seconds(3600);
    timing_.unseen_news.first = timing_.unseen_news.most = milliseconds(1);
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Gate gate(task.loop());
      Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
      const auto look = [&] { return session.look(task, mark, [](const Arrival&) {}).has_value(); };
      ASSERT_TRUE(look());
      const int looks = std::min(found_at, 5);
      for (int i = 0; i < looks; ++i) {
        const auto waited = session.wait(task, gate, never);
        ASSERT_TRUE(waited) << "found at " << found_at << ", wait " << i << ": " << waited.error().text;
        ASSERT_TRUE(look());
      }
      EXPECT_EQ(mark.last_uid, found_at < 100 ? 10U : 9U);
      const Instant until = task.loop().now() + milliseconds(30);
      ASSERT_TRUE(session.wait(task, gate, until));
      EXPECT_GE(task.loop().now(), until) << "found, or given up";
    });
  }
}

// A server that offers IDLE and refuses it, and one that offers none: asked in the way its provider needs.
TEST_F(ImapTest, WithoutIdleItIsAskedAsItsProviderNeeds) {
  struct Row {
    Refresh refresh;
    const char* asked;
    bool offers_idle;
  };
  for (const Row& row :
       {Row{Refresh::noop, "NOOP", true}, Row{Refresh::noop, "NOOP", false}, Row{Refresh::status, "STATUS \"INBOX\" (", true},
        Row{Refresh::status, "STATUS \"INBOX\" (", false}, Row{Refresh::select, "SELECT", true}, Row{Refresh::select, "SELECT", false}}) {
    ScriptedServer server([&](Peer& peer) {
      if (!greet(peer, row.offers_idle ? "IMAP4rev1 IDLE" : "IMAP4rev1") || !peer.expect("ID (") || !peer.answer("BAD what") ||
          !peer.expect("SELECT"))
        return;
      const auto search = [&] { return peer.expect("UID SEARCH") && peer.send("* SEARCH\r\n") && peer.answer("OK"); };
      peer.send("* OK [UIDVALIDITY 77] x\r\n");
      if (!peer.answer("OK") || !search()) return;
      if (row.offers_idle && (!peer.expect("IDLE") || !peer.answer("NO not now"))) return;
      for (int round = 0; round < 2; ++round) {
        if (!peer.expect(row.asked)) return;
        peer.send("* STATUS {5}\r\nINBOX (MESSAGES 3)\r\n* OK [UIDVALIDITY 77] x\r\n");
        if (!peer.answer("OK") || !search()) return;
      }
      peer.line();
    });
    auto who = account(server, Protocol::imap);
    who.habits = {.refresh = row.refresh, .refresh_every = milliseconds(20), .say_id = true};
    run(who, [&](Task& task, MailboxSession& session) {
      const auto opened = session.open(task);
      ASSERT_TRUE(opened) << opened.error().text;
      Watermark mark{.uid_validity = 77, .last_uid = 9, .known = {}};
      Gate gate(task.loop());
      for (int round = 0; round < 3; ++round) {
        if (round > 0) {
          ASSERT_TRUE(session.can_wait());
          const auto waited = session.wait(task, gate, never);
          ASSERT_TRUE(waited) << waited.error().text;
        }
        const auto looked = session.look(task, mark, [](const Arrival&) {});
        ASSERT_TRUE(looked) << row.asked << ": " << looked.error().text;
      }
    });
  }
}

// Literals as the server takes them: asked for, unasked (RFC 7888), unasked up to 4,096 bytes.
TEST_F(ImapTest, AMailIsAppendedWithItsFlagsAndItsDate) {
  struct Row {
    const char* capabilities;
    std::size_t size;
    bool is_asked;
  };
  for (const Row& row : {Row{"IMAP4rev1", 12, true}, Row{"IMAP4rev1 LITERAL+", 300'000, false}, Row{"IMAP4rev1 LITERAL-", 4096, false},
                         Row{"IMAP4rev1 LITERAL-", 4097, true}, Row{"IMAP4rev1", 200'000, true}}) {
    const std::string mail = "A: b\r\n\r\n" + std::string(row.size - 10, 'x') + "\r\n";
    std::string received;
    ScriptedServer server([&](Peer& peer) {
      if (!open_folder(peer, 10, row.capabilities)) return;
      const std::string literal = " {" + std::to_string(row.size) + (row.is_asked ? "}" : "+}");
      if (!peer.expect("APPEND \"Sent &- more\" (\\Seen \\Draft) \"08-Nov-2026 07:06:40 +0000\"" + literal)) return;
      if (row.is_asked) peer.send("+ go on\r\n");
      for (int line = 0; line < 3; ++line) received += peer.line() + "\r\n";
      peer.line();
      peer.send("* 8 EXISTS\r\n");
      if (!peer.answer("OK [APPENDUID 1 2] done") || !peer.expect("APPEND \"Away\" {")) return;
      if (!row.is_asked) {
        for (int line = 0; line < 4; ++line) peer.line();
      }
      peer.answer("NO [TRYCREATE] no such folder");
      peer.line();
    });
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      EXPECT_TRUE(session.can(Sending::append));
      EXPECT_FALSE(session.can(Sending::submit));
      const auto flags = std::to_array({Deposit::Flag::draft, Deposit::Flag::seen});
      const auto done =
          session.append(task, {.folder = "Sent & more", .mail = bytes_of(mail), .flags = flags, .received = {1'794'121'600'000'000}});
      ASSERT_TRUE(done) << done.error().text;
      const auto refused = session.append(task, {.folder = "Away", .mail = bytes_of(mail)});
      ASSERT_FALSE(refused);
      EXPECT_TRUE(refused.error().error.is(mailbox_refused));
      EXPECT_EQ(refused.error().text, "NO [TRYCREATE] no such folder");
      for (const auto& [folder, text] :
           {std::pair("a\r\nb", mail), std::pair("Sent", std::string("a\0b", 3)), std::pair("Sent", std::string())}) {
        const auto wrong = session.append(task, {.folder = folder, .mail = bytes_of(text)});
        ASSERT_FALSE(wrong);
        EXPECT_TRUE(wrong.error().error.is(mailbox_argument));
      }
      const auto submitted = session.submit(task, {.from = "a@b.example", .recipients = {}, .mail = bytes_of(mail)});
      ASSERT_FALSE(submitted);
      EXPECT_TRUE(submitted.error().error.is(mailbox_unsupported));
    });
    EXPECT_EQ(received, mail) << row.capabilities << ' ' << row.size;
  }
}

TEST_F(ImapTest, RemoveExpungesOnlyThatMail) {
  ScriptedServer server([&](Peer& peer) {
    if (!open_folder(peer) || !peer.expect("UID STORE 5 +FLAGS.SILENT (\\Deleted)")) return;
    peer.answer("OK");
    if (!peer.expect("UID EXPUNGE 5")) return;
    peer.send("* 1 EXPUNGE\r\n");
    peer.answer("OK");
    if (!peer.expect("UID STORE 6 +FLAGS.SILENT (\\Seen)")) return;
    peer.answer("OK");
    peer.line();
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    EXPECT_TRUE(session.mark(task, "5", Mark::remove));
    EXPECT_TRUE(session.mark(task, "6", Mark::seen));
  });
}

}  // namespace
}  // namespace pushmail::test
