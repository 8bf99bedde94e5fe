// One connection to one mailbox: the small interface behind which IMAP and POP3 stand.
//
// Came from: the Watcher, which opens a session, looks for new mail, reads and marks mails, waits, and closes it. Goes to: the mail
// server, through MailStream. All functions run in the watcher's coroutine and wait there; after a Failure the session is of no more
// use, except where `is_about_one_mail` says that only that mail is concerned.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/fetcher/cursor.h"
#include "controlplane/fetcher/mail_stream.h"
#include "controlplane/fetcher/trials.h"
#include "core/contract/fetcher/words.h"
#include "core/limits.h"
#include "core/timers.h"

namespace pushmail::mailbox {

/// What a mail provider is known to need (conf/providers.toml); zero: as with everybody.
struct Habits {
  bool idle = true;       // false: it is not asked for IDLE
  Duration idle_break{};  // IDLE is begun anew after this
  Refresh refresh = Refresh::noop;
  Duration refresh_every{};  // without IDLE
  bool say_id = false;       // ID (RFC 2971) before the folder is opened
  bool operator==(const Habits&) const = default;
};

/// Where a mailbox is and how to get in. The password lives here and on the wire, nowhere else.
struct Account {
  Protocol protocol = Protocol::imap;
  Endpoint address;
  Encryption encryption = Encryption::implicit;
  std::string tls_name;
  std::string user;
  std::string password;
  std::string folder;  // UTF-8
  Habits habits{};
  bool operator==(const Account&) const = default;
  /// The same mailbox and the same words to get in; its host may have moved to another address.
  [[nodiscard]] bool is_same_account(const Account& other) const;
};

/// A mail that was not there before. `header`: the fields that a notification needs, as they stand in the mail; of a very long header
/// the lines that fit.
struct Arrival {
  std::string uid{};
  std::uint64_t size = 0;
  std::string header{};
  Timestamp received{};   // INTERNALDATE; 0: unknown
  std::string trouble{};  // why the server did not hand out the header, for people; empty: it did
};
/// The watermark already covers the mail when this is called. May wait.
using ArrivalSink = std::function<void(const Arrival&)>;
/// The mails that are asked for next; none: the answer has come. Should the process die in between, one of them may be why.
using TryingSink = std::function<void(std::span<const std::string> uids)>;
/// One piece of a mail, at most imap_fetch_chunk_size; false: stop, the session is to be dropped. May wait.
using ChunkSink = std::function<bool(ByteView)>;

enum class Look : std::uint8_t { compared, baseline, renumbered };

/// Limits of time, so that a test can be short.
struct Timing {
  Duration connect = timers::mailbox_connect;
  Duration command = timers::mailbox_command;
  Duration idle_reissue = timers::idle_reissue;  // RFC 2177: before 29 min; NATs forget sooner
  Timer unseen_news = timers::unseen_news;       // between looks for what the server counts and does not find yet
  Duration idle_pause = timers::idle_pause;      // least time between two looks that IDLE caused
  Duration refresh = timers::mailbox_refresh;    // mode idle at a server without IDLE: it is asked so often
  Duration linger = timers::mailbox_linger;      // how long a session of mode poll stays for the next command
  Duration self_poll = timers::self_poll;        // mode idle without a descriptor to stay
  Duration credit = timers::fetch_credit;        // how long a fetch waits for credit
  Duration retry_first = timers::mailbox_retry.first;
  Duration retry_most = timers::mailbox_retry.most;
  Duration retry_auth = timers::mailbox_refused;  // after a refused password, and at most after a refusal that does not say why
  Duration retry_auth_most = timers::mailbox_refused.most;
  Duration patience = timers::fetch_patience;      // a fetch or mark waits so long for the end of a pause; else it goes back
  Duration retry_mail = timers::mail_again.first;  // before a mail that was not handed out is asked for again; doubled once
  Duration steady = timers::mailbox_steady;        // a session that lived this long was no failure
};

/// A mail that is to be put into a folder; lent until append() returns.
struct Deposit {
  enum class Flag : std::uint8_t { seen, answered, flagged, draft };
  std::string_view folder;  // UTF-8; it must exist
  ByteView mail;            // RFC 5322: lines end with CR LF, no NUL
  std::span<const Flag> flags{};
  Timestamp received{};  // what the server keeps as its INTERNALDATE; 0: when it takes the mail
};
/// A mail that is to be sent as the account's own; lent until submit() returns.
struct Submission {
  std::string_view from;                    // envelope sender
  std::span<const std::string> recipients;  // envelope, at least one
  ByteView mail;                            // RFC 5322
};
/// The ways in which a session may send.
enum class Sending : std::uint8_t { append, submit };

class MailboxSession {
 public:
  virtual ~MailboxSession() = default;

  /// From the greeting to the open folder; TLS as the account says.
  [[nodiscard]] virtual Outcome<void> open(Task& task) = 0;
  /// Reports what is new since `mark` and moves it. First sight: sets it and reports nothing. A new UIDVALIDITY: finds the newest mail
  /// that was known and goes on from there; without a trace of it the same as at first sight. `mark` is right after a Failure too.
  [[nodiscard]] virtual Outcome<Look> look(Task& task, Watermark& mark, const ArrivalSink& sink) = 0;
  /// Asks once which mail of those that are known is the newest, unless `mark` says so.
  [[nodiscard]] virtual Outcome<void> learn_newest(Task&, Watermark&) { return {}; }
  /// The mail's bytes from `offset` to its end; the result is its whole size.
  [[nodiscard]] virtual Outcome<std::uint64_t> read(Task& task, std::string_view uid, std::uint64_t offset, const ChunkSink& sink) = 0;
  [[nodiscard]] virtual Outcome<void> mark(Task& task, std::string_view uid, Mark mark) = 0;
  /// Waits for news from the server (IDLE; where it has none, until it should be asked again), `gate`, or `until`. Only when can_wait().
  [[nodiscard]] virtual Outcome<void> wait(Task& task, Gate& gate, Instant until) = 0;
  [[nodiscard]] virtual bool can_wait() const = 0;
  /// Which of the two functions below the protocol has; the other fails with mailbox_unsupported and says nothing to the server. IMAP can
  /// append. None can submit: mail protocols beside these two will.
  [[nodiscard]] virtual bool can(Sending) const { return false; }
  /// Puts a mail into a folder. mailbox_argument, mailbox_too_large: it is not offered to the server; mailbox_refused: the folder is not
  /// there, or full; after any other failure nobody knows whether the server has it. Nothing calls it yet: the copy of a phone's answer
  /// in its subscriber's Sent folder will.
  [[nodiscard]] virtual Outcome<void> append(Task& task, const Deposit& deposit);
  /// Sends a mail by the account's own server, which asks for the account's password. Success: the server is answerable for it.
  /// mailbox_refused: it is not. Any other failure but mailbox_unsupported: nobody knows. Nothing calls it yet, and no session has it.
  [[nodiscard]] virtual Outcome<void> submit(Task& task, const Submission& submission);
  /// Says goodbye.
  virtual void close(Task& task) = 0;

  /// UIDVALIDITY of the open folder (POP3: 1).
  [[nodiscard]] virtual std::uint64_t uid_validity() const = 0;

  /// Called before mails are asked for, and when the answer has come.
  void on_trying(TryingSink sink) { trying_ = std::move(sink); }

 protected:
  void trying(std::span<const std::string> uids) const {
    if (trying_) trying_(uids);
  }

 private:
  TryingSink trying_;
};

struct SessionSettings {
  tls::ClientSettings tls;
  Timing timing;
  std::uint64_t mail_size_max = limits::mail_size_max;
  std::uint64_t idle_max = UINT64_MAX;  // sessions that stay open at once; mailboxes beyond them are looked at in turn
};
/// Of so many descriptors some are for the looks, marks and fetches of the mailboxes that have no session of their own.
[[nodiscard]] std::uint64_t idle_sessions_max(std::uint64_t descriptors);

/// `stream` must outlive the session; cutting it ends whatever the session waits for.
[[nodiscard]] std::unique_ptr<MailboxSession> make_imap_session(MailStream& stream, const Account& account,
                                                                const SessionSettings& settings);
[[nodiscard]] std::unique_ptr<MailboxSession> make_pop3_session(MailStream& stream, const Account& account,
                                                                const SessionSettings& settings);

/// More than the answer to `command` came before TLS. Whose words these are nobody can tell, so they are not repeated.
[[nodiscard]] Failure injected(std::string_view command);
[[nodiscard]] bool is_about_one_mail(const Error& error);
/// What a command's failure says about the mails that were asked for; empty: we ended the session ourselves, and nothing is said.
[[nodiscard]] std::optional<Deed> deed_of(const Failure& failure);
/// What came of a header that was broken off somewhere: its whole lines. Half an address would be another's address.
[[nodiscard]] std::string whole_lines(std::string_view header);
/// The state word of core/contract/fetcher/schema.h (Tag::state) for an error.
[[nodiscard]] std::string_view state_word(const Error& error);
/// The reason word of fetch_failed.
[[nodiscard]] std::string_view fetch_word(const Error& error);

}  // namespace pushmail::mailbox
