// Mail out: the SMTP client for smart hosts, mail exchangers and MM3 (RFC 5321; PIPELINING, SIZE, 8BITMIME, SMTPUTF8 where offered).
//
// Came from: dataplane/relay (a mail, lent, for one host). Goes to: that host, over Network; connections are kept a few seconds for its
// next mail. Invariant: each mail ends in exactly one result, told from inside Network::poll or tick, never from inside send(); the mail is
// released exactly once, possibly later. Until the final dot is given to the stream the host cannot have taken the mail (RFC 5321
// §4.1.1.4): the dot leaves only after the data is out, so "unknown" is as rare as it can be.
//
//   greeting -> ehlo (-> helo) -> idle -> mail -> rcpt... -> data -> body -> idle -> quit
//                                  ^_______ rset ___________/ (refused before DATA)
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/limits.h"
#include "dataplane/session/fault_points.h"
#include "dataplane/session/smtp_grammar.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct SmtpClientSettings {
  std::string domain;  // what we say in EHLO
  std::uint32_t connections_per_host_max = 4;
  std::uint32_t connections_max = 100;
  std::uint32_t queue_max = 1000;  // mails that wait for a connection
  Duration connect_time = seconds(30);
  Duration queue_time = seconds(300);  // a mail that waits longer is given back, not sent
  Duration keep = seconds(5);          // an idle connection says QUIT after this
};

struct SmtpMail {
  Endpoint host;
  std::string mail_from;  // empty: the null path
  std::vector<std::string> recipients;
  LentBytes mail;  // header and body; line ends and dots are put right here
};

struct SmtpAnswer {
  int code = 0;  // 0: the host said nothing about it
  std::string enhanced;
  std::string text;
};

/// delivered: 250 after the data, for at least one recipient. refused_*: the host's own word, or ours for it (SIZE, 8BITMIME, SMTPUTF8).
/// not_sent: the host cannot have taken it, sending again is safe. unknown: the final dot was sent and no answer came.
enum class SmtpOutcome : std::uint8_t { delivered, refused_permanent, refused_temporary, not_sent, unknown };

struct SmtpResult {
  SmtpOutcome outcome = SmtpOutcome::not_sent;
  SmtpAnswer answer;                   // the one that decided
  std::vector<SmtpAnswer> recipients;  // in order of the mail's recipients; a delivered mail may have refused ones
  std::optional<Error> error;          // for not_sent and unknown
};

class SmtpClientEvents {
 public:
  virtual ~SmtpClientEvents() = default;
  virtual void on_smtp_result(std::uint64_t mail, SmtpResult result) = 0;
};

class SmtpClient {
 public:
  SmtpClient(Network& network, SmtpClientSettings settings, SmtpClientEvents& events, const Clock& clock, FaultPoints faults = {});
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;
  /// The network must have gone, or close_all() must have been called and polled to its end.
  ~SmtpClient();

  /// Queues a mail; the number names it in the result. Refused when the queue is full or an address could not stand in a command.
  [[nodiscard]] Result<std::uint64_t> send(SmtpMail mail);
  /// Opens connections, deadlines. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return may_start_; }

  /// Ends all mails (not_sent or unknown) and all connections.
  void close_all();
  [[nodiscard]] std::size_t queued_count() const { return queue_.size(); }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  struct Job {
    std::uint64_t id = 0;
    SmtpMail mail;
    Instant since{};
    bool retried = false;    // a kept connection had died under it: it got a fresh one, once
    bool put_right = false;  // its dots are doubled: not again on the next connection
  };

  void start_waiting();
  [[nodiscard]] bool place(Job& job);
  [[nodiscard]] bool open_connection(Job& job);
  void give_back(Job job, SmtpResult result);
  void forget(Connection& connection);

  Network& network_;
  SmtpClientSettings settings_;
  SmtpClientEvents& events_;
  FaultPoints faults_;
  Instant now_;
  std::uint64_t last_id_ = 0;
  bool closing_ = false;
  bool may_start_ = false;  // a mail came, or a connection became free, since the last tick
  std::deque<Job> queue_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace pushmail
