// Appends a mail by the fetcher's IMAP session, as seen and answered, received on 8 November 2026; for mailbox_dovecot.py, since no
// record asks a fetcher for it yet. usage: append_mail IP:PORT USER PASSWORD FOLDER FILE; 0: done, 1: refused, with the reason on stdout.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "controlplane/fetcher/mailbox_session.h"

int main(int count, char** arguments) {
  using namespace pushmail;
  using namespace pushmail::mailbox;
  if (count != 6) return 2;
  const auto address = parse_endpoint(arguments[1]);
  auto tls = tls::ClientSettings::load(tls::system_authorities, "");
  if (!address || !tls) return 2;
  std::ifstream file(arguments[5], std::ios::binary);
  const std::string mail{std::istreambuf_iterator<char>(file), {}};
  const Account account{.protocol = Protocol::imap,
                        .address = *address,
                        .encryption = Encryption::none,
                        .tls_name = {},
                        .user = arguments[2],
                        .password = arguments[3],
                        .folder = "INBOX"};
  SystemClock clock;
  Loop loop(clock);
  const SessionSettings settings{.tls = *tls, .timing = {}};
  Outcome<void> done;
  loop.spawn([&](Task& task) {
    MailStream stream(loop, Fence::Grammar::imap);
    const auto session = make_imap_session(stream, account, settings);
    done = session->open(task);
    constexpr auto flags = std::to_array({Deposit::Flag::seen, Deposit::Flag::answered});
    if (done)
      done = session->append(
          task, {.folder = arguments[4], .mail = bytes_of(std::string_view(mail)), .flags = flags, .received = {1'794'121'600'000'000}});
    if (done) session->close(task);
  });
  if (!loop.run_for(seconds(50))) return 2;
  if (done) return 0;
  std::puts(done.error().text.c_str());
  return 1;
}
