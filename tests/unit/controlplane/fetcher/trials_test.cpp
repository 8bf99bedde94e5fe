// What a mail server can do with a mail that it lists, and what follows: the table alone, then against scripted servers of both kinds.
#include "controlplane/fetcher/trials.h"

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/pop3_names.h"
#include "controlplane/fetcher/watermark.h"
#include "session_fixture.h"

namespace pushmail::test {
namespace {

using namespace mailbox;

TEST(TrialTable, WhatFollows) {
  struct Row {
    Deed deed;
    Asked asked;
    std::uint32_t tries;
    Next next;
  };
  constexpr std::array<Row, 11> rows{{
      {Deed::answered, Asked::with_others, 0, Next::announce},
      {Deed::answered, Asked::alone, 3, Next::announce},
      {Deed::refused, Asked::with_others, 0, Next::ask_alone},
      {Deed::refused, Asked::alone, 1, Next::ask_later},
      {Deed::refused, Asked::alone, 3, Next::announce_bare},
      {Deed::left_out, Asked::with_others, 0, Next::ask_alone},
      {Deed::left_out, Asked::alone, 2, Next::ask_later},
      {Deed::left_out, Asked::alone, 3, Next::announce_bare},
      {Deed::broke_off, Asked::with_others, 0, Next::ask_alone},
      {Deed::broke_off, Asked::alone, 3, Next::announce_bare},
      {Deed::not_listed, Asked::alone, 1, Next::drop},
  }};
  for (const Row& row : rows) {
    EXPECT_EQ(next_step(row.deed, row.asked, row.tries), row.next)
        << static_cast<int>(row.deed) << " " << static_cast<int>(row.asked) << " " << row.tries;
  }
}

TEST(Trials, TheWatermarkStaysBelowThem) {
  Watermark mark{.uid_validity = 7, .last_uid = 20};
  EXPECT_EQ(mark.settled_uid(), 20u);
  const Trials::Note in_vain{.deed = Deed::refused, .asked = Asked::alone, .now = {1'000}, .pause = seconds(2), .reason = "NO"};
  EXPECT_EQ(mark.trials.note("19", in_vain), Next::ask_later);
  EXPECT_EQ(mark.trials.note("9", in_vain), Next::ask_later);
  EXPECT_EQ(mark.settled_uid(), 8u);
  EXPECT_TRUE(mark.trials.due({1'000}).empty()) << "not at once";
  EXPECT_EQ(mark.trials.next_due(), Instant{1'000} + seconds(2));
  EXPECT_EQ(mark.trials.due(Instant{1'000} + seconds(2)), (std::vector<std::string>{"9", "19"}));
  // A repeated watch goes on counting.
  Trials fresh;
  fresh.suspect("5", 1);
  fresh.adopt(mark.trials);
  EXPECT_EQ(fresh.find("9")->tries, 1u);
  EXPECT_EQ(fresh.note("9", in_vain), Next::ask_later);
  EXPECT_EQ(fresh.note("9", in_vain), Next::announce_bare);
  EXPECT_EQ(fresh.find("9"), nullptr);
}

TEST(Pop3Names, TellMailsApartAndStay) {
  EXPECT_TRUE(is_usable_uidl(std::string(90, 'x')));
  EXPECT_TRUE(is_usable_uidl("c d"));
  EXPECT_FALSE(is_usable_uidl(""));
  EXPECT_FALSE(is_usable_uidl("a\tb"));
  EXPECT_FALSE(is_usable_uidl(std::string(501, 'x')));
  EXPECT_FALSE(is_usable_uidl("sha256:00")) << "looks like one of ours";
  const std::string name = name_of_header("Subject: a\r\nDate: b\r\n\r\n");
  EXPECT_EQ(name, name_of_header("Status: RO\nSubject: a\nX-UIDL: 7\nDate: b\n"));
  EXPECT_NE(name, name_of_header("Subject: a\r\nDate: c\r\n\r\n"));
  EXPECT_TRUE(is_made_name(name));
  EXPECT_TRUE(may_go_on_wire(name));
}

// What came of a mailbox after some looks.
struct Seen {
  std::string announced;  // `2 4 3(NO no)`: in parentheses why there was no header
  std::uint32_t settled = 0;
  std::size_t failures = 0;
  std::vector<std::string> known;
};

class UidTest : public SessionTest {
 protected:
  UidTest() { timing_.retry_mail = milliseconds(1); }

  Seen look(const Account& who, Watermark mark, int looks) {
    Seen seen;
    for (int i = 0; i < looks; ++i) {
      run(who, [&](Task& task, MailboxSession& session) {
        ASSERT_TRUE(session.open(task));
        // The tries of a look are due at the next.
        Gate never_opened(task.loop());
        never_opened.wait(task, std::min(mark.trials.next_due().value_or(Instant{}), task.loop().now() + seconds(1)));
        const auto looked = session.look(task, mark, [&](const Arrival& arrival) {
          seen.announced +=
              (seen.announced.empty() ? "" : " ") + arrival.uid + (arrival.trouble.empty() ? "" : "(" + arrival.trouble + ")");
          EXPECT_EQ(arrival.header.empty(), !arrival.trouble.empty());
          // Whatever is written down now passes nothing that is still to come.
          const bool is_to_come = who.protocol == Protocol::imap && seen.announced.find('3') == std::string::npos;
          EXPECT_TRUE(!is_to_come || mark.settled_uid() < 3) << seen.announced;
        });
        if (!looked) ++seen.failures;
      });
    }
    seen.settled = mark.settled_uid();
    seen.known.assign(mark.known.begin(), mark.known.end());
    return seen;
  }
};

// A server with the mails 2, 3 and 4 behind a watermark of 1; `deed` is what it does when mail 3 is among those it is asked for.
class ImapUidTest : public UidTest {
 protected:
  enum class Did : std::uint8_t {
    answers,
    refuses,
    refuses_twice,
    says_bad,
    leaves_out,
    leaves_out_in_a_batch,
    names_no_uid,
    hangs_up,
    breaks_protocol,
    removes
  };

  Seen look_at(Did did, int looks) {
    int times_alone = 0;
    ScriptedServer server([&](Peer& peer) { serve(peer, did, times_alone); });
    return look(account(server, Protocol::imap), Watermark{.uid_validity = 77, .last_uid = 1}, looks);
  }

  static std::string answer_for(int uid, bool named = true) {
    const std::string header = "Subject: mail " + std::to_string(uid) + "\r\nMessage-ID: <m" + std::to_string(uid) + "@x>\r\n\r\n";
    return "* " + std::to_string(uid) + " FETCH (" + (named ? "UID " + std::to_string(uid) + " " : "") +
           "RFC822.SIZE 90 INTERNALDATE \" 3-Nov-2026 10:00:0" + std::to_string(uid) + " +0100\" BODY[HEADER.FIELDS (SUBJECT)]<0> {" +
           std::to_string(header.size()) + "}\r\n" + header + ")\r\n";
  }
  static void serve(Peer& peer, Did did, int& times_alone) {
    peer.send("* OK ready\r\n");
    for (const std::string_view step : {"CAPABILITY", "LOGIN", "CAPABILITY", "SELECT"}) {
      if (!peer.expect(step)) return;
      peer.send(step == "SELECT" ? "* OK [UIDVALIDITY 77] x\r\n" : "* CAPABILITY IMAP4rev1 IDLE\r\n");
      peer.answer("OK done");
    }
    while (peer.expect("UID ")) {
      const std::string line = peer.lines().back();
      if (line.find("UID SEARCH") != std::string::npos) {
        const std::string asked = line.substr(line.rfind(' ') + 1);
        std::string found = "* SEARCH";
        for (int uid = 2; uid <= 4; ++uid) {
          if (uid == 3 && did == Did::removes && times_alone > 0) continue;
          const bool open_end = asked.ends_with(":*") && uid >= std::stoi(asked);
          const bool named = ("," + asked + ",").find("," + std::to_string(uid) + ",") != std::string::npos;
          const bool in_range = asked == "2:4" || (asked == "3:4" && uid >= 3);
          if (open_end || named || in_range) found += " " + std::to_string(uid);
        }
        peer.send(found + "\r\n");
        peer.answer("OK");
        continue;
      }
      const std::string asked = line.substr(line.find("FETCH ") + 6, line.find(" (") - line.find("FETCH ") - 6);
      const bool has_3 = asked == "2:4" || asked == "3:4" || asked.find('3') != std::string::npos;
      const bool alone = asked == "3";
      if (alone) ++times_alone;
      if (has_3 && (did == Did::refuses || (did == Did::refuses_twice && times_alone <= 2))) {
        peer.answer("NO [SERVERBUG] not this one");
        continue;
      }
      if (has_3 && did == Did::says_bad) {
        peer.answer("BAD what");
        continue;
      }
      if (has_3 && did == Did::hangs_up) return;
      if (has_3 && did == Did::breaks_protocol) {
        peer.send("* 3 FETCH (BODY[ {99999999}\r\n");
        peer.line();
        return;
      }
      for (int uid = 2; uid <= 4; ++uid) {
        if (asked != "2:4" && !(asked == "3:4" && uid >= 3) &&
            ("," + asked + ",").find("," + std::to_string(uid) + ",") == std::string::npos)
          continue;
        if (uid == 3 && (did == Did::leaves_out || did == Did::removes || (did == Did::leaves_out_in_a_batch && !alone))) continue;
        peer.send(answer_for(uid, uid != 3 || did != Did::names_no_uid));
      }
      peer.answer("OK");
    }
  }
};

TEST_F(ImapUidTest, WhatTheServerDidAndWhatFollows) {
  struct Row {
    Did did;
    int looks;
    std::string announced;
    std::uint32_t settled;
    std::size_t failures;
  };
  const std::vector<Row> rows{
      {Did::answers, 1, "2 3 4", 4, 0},
      {Did::refuses, 1, "2 4", 2, 0},
      {Did::refuses, 2, "2 4", 2, 0},
      {Did::refuses, 3, "2 4 3(NO [SERVERBUG] not this one)", 4, 0},
      {Did::refuses, 4, "2 4 3(NO [SERVERBUG] not this one)", 4, 0},
      {Did::refuses_twice, 3, "2 4 3", 4, 0},
      {Did::says_bad, 3, "2 4 3(BAD what)", 4, 0},
      {Did::leaves_out, 1, "2 4", 2, 0},
      {Did::leaves_out, 3, "2 4 3(the server left it out of its answer)", 4, 0},
      {Did::leaves_out_in_a_batch, 1, "2 4 3", 4, 0},
      {Did::names_no_uid, 1, "2 4 3", 4, 0},
      // The batch breaks the first connection, mail 3 three more; 4 comes at the third.
      {Did::hangs_up, 1, "", 1, 1},
      {Did::hangs_up, 5, "2 4 3(End of file)", 4, 4},
      {Did::breaks_protocol, 5, "2 4 3(the mail server's answer breaks its protocol)", 4, 4},
      {Did::removes, 1, "2 4", 2, 0},
      {Did::removes, 2, "2 4", 4, 0},
  };
  for (const Row& row : rows) {
    const Seen seen = look_at(row.did, row.looks);
    EXPECT_EQ(seen.announced, row.announced) << static_cast<int>(row.did) << " after " << row.looks << " looks";
    EXPECT_EQ(seen.settled, row.settled) << static_cast<int>(row.did) << " after " << row.looks << " looks";
    EXPECT_EQ(seen.failures, row.failures) << static_cast<int>(row.did) << " after " << row.looks << " looks";
  }
}

// The control plane says that the fetcher died at mail 3: it is asked for alone, and after three deaths not at all.
TEST_F(ImapUidTest, WhatEndedTheFetcherIsAskedForAloneAndThenNoMore) {
  for (const std::uint32_t deaths : {1u, 3u}) {
    int times_alone = 0;
    ScriptedServer server([&](Peer& peer) { serve(peer, Did::answers, times_alone); });
    Watermark mark{.uid_validity = 77, .last_uid = 1};
    mark.trials.suspect("3", deaths);
    const Seen seen = look(account(server, Protocol::imap), std::move(mark), 1);
    EXPECT_EQ(seen.announced, deaths == 1 ? "2 4 3" : "2 4 3(it ended the fetcher 3 times)");
    EXPECT_EQ(seen.settled, 4u);
    EXPECT_EQ(times_alone, deaths == 1 ? 1 : 0);
  }
}

// Every mail is refused: that is no longer a mail's matter. The session ends, and the mails get their tries all the same.
TEST_F(ImapUidTest, AServerThatRefusesEverythingEndsTheSession) {
  ScriptedServer server([&](Peer& peer) {
    peer.send("* OK ready\r\n");
    for (const std::string_view step : {"CAPABILITY", "LOGIN", "CAPABILITY", "SELECT"}) {
      if (!peer.expect(step)) return;
      peer.send(step == "SELECT" ? "* OK [UIDVALIDITY 77] x\r\n" : "* CAPABILITY IMAP4rev1 IDLE\r\n");
      peer.answer("OK done");
    }
    while (peer.expect("UID ")) {
      if (peer.lines().back().find("SEARCH") == std::string::npos) {
        peer.answer("NO not today");
        continue;
      }
      std::string found = "* SEARCH";
      for (int uid = 2; uid <= 100; ++uid) found += " " + std::to_string(uid);
      peer.send(found + "\r\n");
      peer.answer("OK");
    }
  });
  run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 77, .last_uid = 1};
    const auto looked = session.look(task, mark, [](const Arrival& arrival) { ADD_FAILURE() << arrival.uid; });
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().text, "NO not today");
    EXPECT_EQ(mark.settled_uid(), 1u);
  });
}

// A new UIDVALIDITY: the mails behind the newest that was known are news, at most 50 of them.
class RenumberedTest : public ImapUidTest {
 protected:
  // Mails 1 to `count`; the Message-ID of mail n is `<mN@x>`, and it came n seconds after ten o'clock, says INTERNALDATE or else its Date.
  Seen look_across(const Newest& newest, int count, std::uint64_t& left_out, Look& look, bool has_internaldate) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("* OK ready\r\n");
      for (const std::string_view step : {"CAPABILITY", "LOGIN", "CAPABILITY", "SELECT"}) {
        if (!peer.expect(step)) return;
        peer.send(step == "SELECT" ? "* OK [UIDVALIDITY 78] x\r\n* OK [UIDNEXT " + std::to_string(count + 1) + "] x\r\n"
                                   : "* CAPABILITY IMAP4rev1 IDLE\r\n");
        peer.answer("OK done");
      }
      while (peer.expect("UID ")) {
        const std::string line = peer.lines().back();
        const bool searches = line.find("SEARCH") != std::string::npos;
        const std::size_t at = searches ? line.rfind(' ') + 1 : line.find("FETCH ") + 6;
        const std::string set = line.substr(at, searches ? std::string::npos : line.find(" (") - at);
        std::string found;
        for (int uid = 1; uid <= count; ++uid) {
          if (!contains(set, uid, count)) continue;
          if (searches) {
            found += " " + std::to_string(uid);
            continue;
          }
          const std::string n = std::to_string(uid);
          const std::string time = std::string("10:") + (uid < 600 ? "0" : "") + std::to_string(uid / 60) + ":" +
                                   (uid % 60 < 10 ? "0" : "") + std::to_string(uid % 60) + " +0000";
          const std::string header =
              "Message-ID: <m" + n + "@x>\r\n" + (has_internaldate ? "" : "Date: 3 Nov 2026 " + time + "\r\n") + "\r\n";
          found += "* " + n + " FETCH (UID " + n + (has_internaldate ? " INTERNALDATE \"03-Nov-2026 " + time + "\"" : "") + " BODY[]<0> {" +
                   std::to_string(header.size()) + "}\r\n" + header + ")\r\n";
        }
        peer.send(searches ? "* SEARCH" + found + "\r\n" : found);
        peer.answer("OK");
      }
    });
    Seen seen;
    run(account(server, Protocol::imap), [&](Task& task, MailboxSession& session) {
      ASSERT_TRUE(session.open(task));
      Watermark mark{.uid_validity = 77, .last_uid = 900, .newest = newest};
      const auto looked =
          session.look(task, mark, [&](const Arrival& arrival) { seen.announced += (seen.announced.empty() ? "" : " ") + arrival.uid; });
      ASSERT_TRUE(looked) << looked.error().text;
      look = *looked;
      left_out = mark.left_out;
      seen.settled = mark.settled_uid();
      EXPECT_EQ(mark.uid_validity, 78u);
    });
    return seen;
  }
  // Whether `1:3,7,9:*` contains `uid`.
  static bool contains(const std::string& set, int uid, int last) {
    for (std::size_t at = 0; at < set.size();) {
      const std::size_t end = std::min(set.find(',', at), set.size());
      const std::string part = set.substr(at, end - at);
      at = end + 1;
      const std::size_t colon = part.find(':');
      const auto number = [last](const std::string& text) { return text == "*" ? last : std::stoi(text); };
      const int low = number(part.substr(0, colon));
      const int high = colon == std::string::npos ? low : number(part.substr(colon + 1));
      if (uid >= std::min(low, high) && uid <= std::max(low, high)) return true;
    }
    return false;
  }
};

TEST_F(RenumberedTest, WhatCameMeanwhileIsFound) {
  struct Row {
    std::string message_id;
    int second;  // after ten o'clock when the newest known mail came; 0: not known
    int count;
    Look look;
    std::string announced;
    std::uint64_t left_out;
  };
  std::string fifty;
  for (int uid = 251; uid <= 300; ++uid) fifty += (fifty.empty() ? "" : " ") + std::to_string(uid);
  const std::vector<Row> rows{
      {"m4@x", 0, 6, Look::renumbered, "5 6", 0},          {"m6@x", 0, 6, Look::renumbered, "", 0},
      {"removed@x", 4, 6, Look::renumbered, "5 6", 0},     {"", 5, 6, Look::renumbered, "6", 0},
      {"removed@x", 0, 6, Look::baseline, "", 0},          {"m200@x", 0, 300, Look::renumbered, fifty, 50},
      {"removed@x", 1, 300, Look::renumbered, fifty, 150}, {"", 0, 6, Look::baseline, "", 0},
  };
  const std::int64_t ten = parse_rfc3339("2026-11-03T10:00:00Z")->us;
  for (const Row& row : rows) {
    for (const bool has_internaldate : {true, false}) {
      std::uint64_t left_out = 0;
      Look look = Look::compared;
      const Newest newest{.message_id = row.message_id, .received = {row.second == 0 ? 0 : ten + row.second * 1'000'000}};
      const Seen seen = look_across(newest, row.count, left_out, look, has_internaldate);
      EXPECT_EQ(look, row.look) << row.message_id << " " << row.second << " " << has_internaldate;
      EXPECT_EQ(seen.announced, row.announced) << row.message_id << " " << row.second << " " << has_internaldate;
      EXPECT_EQ(left_out, row.left_out) << row.message_id << " " << row.second << " " << has_internaldate;
      EXPECT_EQ(seen.settled, static_cast<std::uint32_t>(row.count));
    }
  }
}

// POP3: the mails `a` (known), `b`, and `c`; the server does it with mail 2.
class Pop3UidTest : public UidTest {
 protected:
  Seen look_at(std::string_view uidl_of_2, std::string_view top, std::string_view retr, int looks, std::string_view uidl = "",
               std::string known = "a") {
    ScriptedServer server([&](Peer& peer) {
      peer.send("+OK\r\n");
      while (true) {
        const std::string line = peer.line();
        if (line.empty()) return;
        const bool is_second = line.starts_with("TOP 2") || line.starts_with("RETR 2");
        const std::string_view special = !is_second ? "" : line.starts_with("TOP") ? top : retr;
        if (line == "LIST") {
          peer.send("+OK\r\n1 10\r\n2 20\r\n3 30\r\n.\r\n");
        } else if (line == "UIDL") {
          peer.send(uidl.empty() ? "+OK\r\n1 a\r\n2 " + std::string(uidl_of_2) + "\r\n3 c\r\n.\r\n" : std::string(uidl));
        } else if (special == "close") {
          return;
        } else if (!special.empty()) {
          peer.send(special);
        } else if (line.starts_with("TOP") || line.starts_with("RETR")) {
          peer.send("+OK\r\nSubject: mail " + line.substr(line.find(' ') + 1, 1) + "\r\n\r\n.\r\n");
        } else {
          peer.send("+OK\r\n");
        }
      }
    });
    return look(account(server, Protocol::pop3), Watermark{.uid_validity = 1, .known = {std::move(known)}}, looks);
  }
};

TEST_F(Pop3UidTest, WhatTheServerDidAndWhatFollows) {
  const std::string by_header = name_of_header("Subject: mail 2\r\n");
  struct Row {
    std::string uidl, top, retr;
    int looks;
    std::string announced;
  };
  const std::vector<Row> rows{
      {"b", "", "", 2, "b c"},
      {"b", "-ERR no TOP\r\n", "", 1, "b c"},
      {"b", "-ERR no\r\n", "-ERR no\r\n", 1, "c"},
      {"b", "-ERR no\r\n", "-ERR [SYS/TEMP] no\r\n", 2, "c"},
      {"b", "-ERR no\r\n", "-ERR no\r\n", 4, "c b(-ERR no)"},
      {"b", "close", "", 1, ""},
      {"b", "close", "", 4, "c b(End of file)"},
      {"b", "nonsense\r\n", "", 4, "c b(neither +OK nor -ERR)"},
      {std::string(90, 'x'), "", "", 2, std::string(90, 'x') + " c"},
      {"b with blanks", "", "", 2, "b with blanks c"},
      {"", "", "", 2, "c " + by_header},
      {"c", "", "", 2, "c " + name_of_header("Subject: mail 3\r\n")},
      {"", "-ERR no\r\n", "-ERR no\r\n", 5, "c unnamed:20(-ERR no)"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(look_at(row.uidl, row.top, row.retr, row.looks).announced, row.announced)
        << "UIDL " << row.uidl << " TOP " << row.top << " RETR " << row.retr << " looks " << row.looks;
  }
}

TEST_F(Pop3UidTest, WithoutUidlMailsAreKnownByTheirHeaders) {
  const std::string refused = "-ERR unknown command\r\n";
  const Seen seen = look_at("", "", "", 2, refused, name_of_header("Subject: mail 1\r\n"));
  EXPECT_EQ(seen.announced, name_of_header("Subject: mail 2\r\n") + " " + name_of_header("Subject: mail 3\r\n"));
  // What cannot be named either way is one clear word.
  ScriptedServer server([&](Peer& peer) {
    peer.send("+OK\r\n");
    while (true) {
      const std::string line = peer.line();
      if (line.empty()) return;
      peer.send(line == "LIST" ? "+OK\r\n1 10\r\n.\r\n" : line.starts_with("USER") || line.starts_with("PASS") ? "+OK\r\n" : "-ERR no\r\n");
    }
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark;
    const auto looked = session.look(task, mark, [](const Arrival&) {});
    ASSERT_FALSE(looked);
    EXPECT_TRUE(looked.error().error.is(mailbox_no_uidl));
    EXPECT_TRUE(looked.error().text.starts_with("no_uidl"));
  });
}

TEST_F(Pop3UidTest, NewNamesForAWholeMailboxAreNoFlood) {
  std::string sizes, names;
  for (int i = 1; i <= 80; ++i) {
    sizes += std::to_string(i) + " 10\r\n";
    names += std::to_string(i) + " new" + std::to_string(i) + "\r\n";
  }
  ScriptedServer server([&](Peer& peer) {
    peer.send("+OK\r\n");
    while (true) {
      const std::string line = peer.line();
      if (line.empty()) return;
      peer.send(line == "LIST"                ? "+OK\r\n" + sizes + ".\r\n"
                : line == "UIDL"              ? "+OK\r\n" + names + ".\r\n"
                : line.starts_with("TOP 20 ") ? "+OK\r\nMessage-ID: <m20@x>\r\n\r\n.\r\n"
                : line.starts_with("TOP")     ? "+OK\r\nSubject: x\r\n\r\n.\r\n"
                                              : "+OK\r\n");
    }
  });
  run(account(server, Protocol::pop3), [&](Task& task, MailboxSession& session) {
    ASSERT_TRUE(session.open(task));
    Watermark mark{.uid_validity = 1, .known = {"old1", "old2"}};
    std::vector<std::string> uids;
    ASSERT_TRUE(session.look(task, mark, [&](const Arrival& arrival) { uids.push_back(arrival.uid); }));
    EXPECT_TRUE(uids.empty()) << "nothing says which of them are new";
    EXPECT_EQ(mark.known.size(), 80u);
    mark = {.uid_validity = 1, .known = {"old1", "old2"}, .newest = {.message_id = "m20@x"}};
    ASSERT_TRUE(session.look(task, mark, [&](const Arrival& arrival) { uids.push_back(arrival.uid); }));
    ASSERT_EQ(uids.size(), 50u);
    EXPECT_EQ(uids.front(), "new31");
    EXPECT_EQ(mark.left_out, 10u);
    EXPECT_EQ(mark.known.size(), 80u);
  });
}

}  // namespace
}  // namespace pushmail::test
