// What servers of real providers say when they let nobody in, and what each asks of us.
#include "controlplane/fetcher/refusals.h"

#include <gtest/gtest.h>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/mailbox_session.h"

namespace pushmail::mailbox {
namespace {

struct Row {
  const char* status;
  Refusal refusal;
  Duration wait{};
};

TEST(Refusals, EachAsksForItsAction) {
  using enum Refusal;
  for (const Row& row : {
           Row{"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", wrong_password},
           Row{"NO [AuthenticationFailed] LOGIN Invalid user or password", wrong_password},
           Row{"NO [AUTHORIZATIONFAILED] no such proxy user", wrong_password},
           Row{"NO [EXPIRED] That password isn't valid any more", wrong_password},
           Row{"NO [AUTHENTICATIONFAILED] Too many wrong passwords, try again later", wrong_password},
           Row{"[AUTH] Username and password not accepted.", wrong_password},
           Row{"NO LOGIN failed [AUTHENTICATIONFAILED]", wrong_password},
           Row{"NO [ALERT] [AUTHENTICATIONFAILED] see your mail", wrong_password},
           Row{"maildrop busy, for [AUTH] and [SYS/PERM] errors see https://help.example", later},
           Row{"NO [PRIVACYREQUIRED] start TLS first", needs_tls},
           Row{"NO [ALERT] Too many simultaneous connections. (Failure)", later},
           Row{"NO [UNAVAILABLE] Temporary authentication failure", later},
           Row{"NO [Unavailable] backend down", later},
           Row{"NO [UNAVAILABLE: node 4] LOGIN Server error", later},
           Row{"NO [LIMIT] LOGIN Rate limit hit", later},
           Row{"NO [INUSE] lock", later},
           Row{"NO [OVERQUOTA] too much", later},
           Row{"NO [ALERT] Account exceeded command or bandwidth limits. (Failure)", later},
           Row{"NO Temporary authentication failure. [mx3:2026-11-29 13:00:00]", later},
           Row{"NO LOGIN failed. Server Busy. Please try again later", later},
           Row{"NO Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", later},
           Row{"BAD User is authenticated but not connected.", later},
           Row{"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", later, milliseconds(299'961)},
           Row{"NO Too many login attempts, try again in 5 minutes", later, seconds(300)},
           Row{"NO [LIMIT] 10 logins per 60 seconds", later, seconds(60)},
           Row{"NO try again in 99999999999999999999 seconds", later, seconds(3600)},
           Row{"NO try again in 24 hours", later, seconds(3600)},
           Row{"NO busy, 4 of 5 nodes are up", later},
           Row{"Unable to lock maildrop: Mailbox is locked by POP server", later},
           Row{"maildrop already locked", later},
           Row{"[IN-USE] Do you have another POP session running?", later},
           Row{"Do you have another POP session running?", later},
           Row{"[SYS/TEMP] Temporary system problem", later},
           Row{"[SYS/PERM] mailbox damaged", Refusal::broken, seconds(300)},
           Row{"NO [CONTACTADMIN] LOGIN disabled for you", Refusal::broken, seconds(300)},
           Row{"NO [CORRUPTION] index damaged, try again in 10 minutes", Refusal::broken, seconds(600)},
           Row{"NO [REFERRAL imap://u;AUTH=*@other.example/] Specified user is invalid here. Try other.example.", Refusal::broken,
               seconds(300)},
           Row{"[AUTH/PASSWORD-EXPIRED] Your password has expired.", wrong_password},
           Row{"[SYS/TEMP/disk] later", later},
           Row{"NO [CLIENTBUG] bad state", Refusal::coded, seconds(300)},
           Row{"NO LOGIN failed [host7]", unsaid},
           Row{"NO [ALERT] LOGIN failed", unsaid},
           Row{"NO [SERVERBUG] this should not happen", later},
           Row{"aack, child crashed", later},
           Row{"unable to open maildrop", later},
           Row{"NO [AUTHENTICATIONFAILED] internal system error", Refusal::wrong_password},
           Row{"[LOGIN-DELAY] minimum time between mail checks violation", later},
           Row{"Logon failure: server busy", later},
           Row{"BYE [UNAVAILABLE] Maximum number of connections exceeded", later},
           Row{"NO LOGIN failed.", unsaid},
           Row{"NO", unsaid},
           Row{"", unsaid},
           Row{"NO [ALERT] Please log in via your web browser", unsaid},
           Row{"Logon failure: unknown user name or bad password.", unsaid},
           Row{"NO [CAPABILITY IMAP4rev1 AUTH=PLAIN] LOGIN failed", unsaid},
           Row{"NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy",
               unsaid},
           Row{"NO your account was blocked", unsaid},
           Row{"NO authentication failed", unsaid},
           Row{"NO [", unsaid},
           Row{"BAD Command Error. 12", unsaid},
       }) {
    EXPECT_EQ(refusal_of(row.status), row.refusal) << row.status;
    EXPECT_EQ(refused(row.status, mailbox_login).wait, row.wait) << row.status;
    std::string upper(row.status);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    EXPECT_EQ(refusal_of(upper), row.refusal) << upper;
  }
}

// Behind the log-in a code that no row knows is about what was asked for: a folder, a mail.
TEST(Refusals, AnUnknownCodeElsewhereIsWhatItWas) {
  for (const ErrorInfo* rule : {&mailbox_folder, &mailbox_refused}) {
    const Failure failure = refused("NO [NONEXISTENT] Mailbox doesn't exist: Foo", *rule);
    EXPECT_TRUE(failure.error.is(*rule));
    EXPECT_EQ(failure.wait, Duration{});
  }
  EXPECT_TRUE(refused("NO [CLIENTBUG] bad state", mailbox_login).error.is(mailbox_busy));
}

TEST(Refusals, TheServersWordsAreTheReason) {
  EXPECT_EQ(refused("NO [LIMIT] slow down", mailbox_login).text, "NO [LIMIT] slow down");
  EXPECT_TRUE(refused("NO [LIMIT] slow down", mailbox_login).error.is(mailbox_busy));
  EXPECT_TRUE(refused("NO [AUTHENTICATIONFAILED]", mailbox_login).error.is(mailbox_auth));
  EXPECT_TRUE(refused("NO [PRIVACYREQUIRED]", mailbox_login).error.is(mailbox_tls));
  EXPECT_TRUE(refused("NO", mailbox_folder).error.is(mailbox_folder));
  EXPECT_EQ(refused("", mailbox_login).text, mailbox_login.text);
  // What was said beside a status that says nothing.
  const Failure beside = refused("NO LOGIN failed", mailbox_login, "NO [ALERT] Too many connections, wait 30 seconds");
  EXPECT_TRUE(beside.error.is(mailbox_busy));
  EXPECT_EQ(beside.text, "NO LOGIN failed (NO [ALERT] Too many connections, wait 30 seconds)");
  EXPECT_EQ(beside.wait, seconds(30));
  EXPECT_TRUE(refused("NO [AUTHENTICATIONFAILED] no", mailbox_login, "NO [UNAVAILABLE] x").error.is(mailbox_auth));
  EXPECT_EQ(state_word(refused("NO", mailbox_login).error), "unreachable");
}

}  // namespace
}  // namespace pushmail::mailbox
