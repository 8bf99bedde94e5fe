// Mail in: the SMTP server for mail forwarded to phones (RFC 5321; PIPELINING, SIZE, 8BITMIME, SMTPUTF8, CHUNKING, ENHANCEDSTATUSCODES).
//
// Came from: Stream (accepted connections). Goes to: MailSink: each recipient as a question, each mail whole; both are answered by
// ticket, and until then the connection's next commands wait, so replies keep the order of commands (RFC 2920 §3.2).
// Invariant: the 250 that takes responsibility for a mail is written in answer_mail() alone, which the relay calls after the commit.
//
//   accepted --greeting_delay--> connected      a byte before: 554 and close
//   connected --EHLO/HELO--> greeted --MAIL--> mail --RCPT taken--> recipients --DATA--> (data) --CRLF.CRLF--> greeted
//                               ^                └────────────────────┴── RSET, EHLO ──> greeted
//   recipients --BDAT n--> chunks --BDAT n LAST--> greeted       one refused: those that follow it are read past, up to LAST or RSET
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "core/budget.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/session/refusal_log.h"
#include "dataplane/session/server_connections.h"
#include "dataplane/session/sinks.h"
#include "dataplane/session/ticket_table.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct SmtpServerSettings {
  std::string domain;  // greeting, EHLO and Received
  std::uint64_t size_max = limits::mail_size_max;
  std::uint64_t mail_memory_max = limits::item_memory_size_max;  // of all mails that are being received
  // A mail's size times its recipients: each of them becomes a journal record, and more than the journal holds pending never fits.
  std::uint64_t copies_size_max = 128 * limits::MiB;
  std::uint32_t recipient_count_max = limits::smtp_recipient_count_max;
  std::uint32_t error_count_max = limits::smtp_error_count_max;
  std::uint32_t hop_count_max = 50;  // Received fields; a loop is found early (RFC 5321 §6.3 asks for a limit and suggests 100)
  ConnectionLimits connections;
  std::vector<IpNetwork> trusted{};  // forwarders that the operator named: places of their own, greeted at once, the larger budget
  BudgetLimits unknown_recipients{.burst = {.count = 20, .window = seconds(60)}, .lasting = {.count = 100, .window = seconds(3600)}};
  BudgetLimits trusted_unknown_recipients{.burst = {.count = 600, .window = seconds(60)},
                                          .lasting = {.count = 10'000, .window = seconds(3600)}};
  StreamCover* starttls = nullptr;               // given: STARTTLS is offered
  Duration greeting_delay{};                     // before 220: who speaks meanwhile does not wait for replies, and gets 554
  Duration idle = timers::session_idle;          // RFC 5321 §4.5.3.2.7: at least 5 minutes
  Duration line_time = timers::smtp_line;        // from the first to the last byte of a command
  Duration message_time = timers::message_time;  // from MAIL to the end of the data
  Duration answer_time = timers::smtp_answer;    // for the relay, then 451: below the client's own 5 minutes
  Duration linger = timers::session_linger;
};

struct SmtpServerCounts : ServerCounts {
  std::uint64_t early_talkers = 0;
  std::uint64_t over_budget = 0;  // connections ended since their source named too many unknown recipients
  std::uint64_t mails = 0;        // given to the sink
  std::uint64_t accepted = 0;     // answered 250
  std::uint64_t refused = 0;      // mails answered 4xx or 5xx
  std::uint64_t recipients_refused = 0;
  std::uint64_t errors = 0;  // broken commands
};

class SmtpServer final : public Acceptor {
 public:
  SmtpServer(SmtpServerSettings settings, MailSink& sink, const Clock& clock);
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;
  /// Its connections must have closed, or their network must have gone.
  ~SmtpServer() override;

  void on_accept(Stream& stream) override;
  /// Limits, budgets and trusted sources, from now on.
  void take(const SmtpServerSettings& fresh);
  /// Null: STARTTLS is not offered any more. It outlives the server.
  void offer_starttls(StreamCover* cover) { settings_.starttls = cover; }
  /// Deadlines, and connections that may go on reading since they were answered. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return connections_.has_runnable(); }
  /// Every session gets 421 at its next command, or at once between two (RFC 5321 §3.8); a mail after 354 is finished and answered
  /// before it. New connections get 421 as their greeting. Between two turns.
  void drain() { connections_.drain(); }
  /// When a greeting is due; Instant{}: none waits.
  [[nodiscard]] Instant next_due() const { return greetings_.empty() ? Instant{} : greetings_.front().due; }

  void answer_recipient(Ticket ticket, const SmtpReply& reply);
  void answer_mail(Ticket ticket, const SmtpReply& reply);

  [[nodiscard]] const SmtpServerCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  /// Connections that had to go for another one.
  [[nodiscard]] std::uint64_t evicted() const { return connections_.limiter().evicted(); }

 private:
  class Connection;
  enum class Asked : std::uint8_t { recipient, mail };
  struct Question {
    Connection* connection;
    Asked asked;
  };

  struct Greeting {
    Instant due;
    Connection* connection;  // null when it has gone
  };

  void answer(Ticket ticket, Asked asked, const SmtpReply& reply);
  [[nodiscard]] TwoBudgets& budget_of(const IpAddress& source) {
    return connections_.limiter().is_named(source) ? trusted_unknown_recipients_ : unknown_recipients_;
  }
  /// At once those that are named, the others when they have shown that they wait.
  void greet(Connection& connection);
  void forget(Connection& connection);
  void set_trusted();

  SmtpServerSettings settings_;
  MailSink& sink_;
  const Clock& clock_;
  TwoBudgets unknown_recipients_;
  TwoBudgets trusted_unknown_recipients_;
  RefusalLog over_budget_{"unknown_recipients"};
  RefusalLog early_talkers_{"early_talker"};
  RefusalLog turned_away_{"smtp_turned_away"};
  std::deque<Greeting> greetings_;  // in order of time
  SmtpServerCounts counts_;
  MemoryBudget mail_memory_;
  TicketTable<Question> tickets_;
  ServerConnections connections_;
};

}  // namespace pushmail
