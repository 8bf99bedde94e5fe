// What every session test needs: a loop, a trust store with the test's own authority, and one run of a session to its end.
#pragma once

#include <gtest/gtest.h>

#include "certificates.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "scripted_server.h"

namespace pushmail::test {

inline TestAuthority& test_authority() {
  static TestAuthority authority;
  return authority;
}

class SessionTest : public testing::Test {
 protected:
  using Task = mailbox::Task;

  SessionTest() : trust_(*tls::ClientSettings::load("", test_authority().authority_file())) {}

  mailbox::Account account(const ScriptedServer& server, mailbox::Protocol protocol,
                           mailbox::Encryption encryption = mailbox::Encryption::none) {
    return {.protocol = protocol,
            .address = server.endpoint(),
            .encryption = encryption,
            .tls_name = "mail.example.net",
            .user = "alice",
            .password = "secret",
            .folder = "INBOX"};
  }

  /// Runs `body` with a session of `account` in a coroutine, to its end.
  void run(const mailbox::Account& account, const std::function<void(Task&, mailbox::MailboxSession&)>& body) {
    mailbox::Loop loop(clock_);
    const mailbox::SessionSettings settings{.tls = trust_, .timing = timing_, .mail_size_max = mail_size_max_};
    loop.spawn([&](Task& task) {
      const bool is_imap = account.protocol == mailbox::Protocol::imap;
      mailbox::MailStream stream(loop, is_imap ? mailbox::Fence::Grammar::imap : mailbox::Fence::Grammar::pop3);
      const auto session = is_imap ? make_imap_session(stream, account, settings) : make_pop3_session(stream, account, settings);
      body(task, *session);
    });
    ASSERT_TRUE(loop.run_for(seconds(60))) << "the session did not end";
  }

  SystemClock clock_;
  tls::ClientSettings trust_;
  mailbox::Timing timing_;
  std::uint64_t mail_size_max_ = limits::mail_size_max;
};

}  // namespace pushmail::test
