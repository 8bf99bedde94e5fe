// Mail out: the SMTP client for smart hosts, mail exchangers and MM3 (RFC 5321; PIPELINING, SIZE, 8BITMIME, SMTPUTF8 where offered).
//
// Came from: dataplane/relay (a mail, lent, for one host). Goes to: that host, over Network; connections are kept a few seconds for its
// next mail. Invariant: each mail ends in exactly one result, told from inside Network::poll or tick, never from inside send(); the mail is
// released exactly once, before its result. A host takes a mail with its final dot (RFC 5321 §4.1.1.4), which leaves with the data: what
// an ending without a reply means then is decided by what the host had acknowledged (endings.h).
//
//   greeting -> ehlo (-> helo) (-> starttls -> ehlo) (-> auth) -> idle -> mail -> rcpt... -> data -> body and dot -> idle -> quit
//                                                               ^_______ rset ___________/ (refused before DATA)
//
// What waits for its host waits in order and without a number or a time of its own: it goes back when no connection to that host can be
// made, when the host refuses everybody, or when it has replied nothing at all while a reply was due. How many connections a host gets:
// concurrency.h, within its share of all.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/session/client_connections.h"
#include "dataplane/session/fault_points.h"
#include "dataplane/session/smtp_auth.h"
#include "dataplane/session/smtp_grammar.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct SmtpClientSettings {
  std::string domain;  // what we say in EHLO
  // What mail exchangers take from one client without complaint; a host that takes fewer says so, and gets fewer.
  std::uint32_t connections_per_host_max = 20;
  std::uint32_t connections_max = 100;
  Duration connect_time = timers::smtp_connect;
  Duration keep = timers::smtp_keep;  // an idle connection says QUIT after this
  StreamCover* starttls = nullptr;    // given: a mail goes behind STARTTLS or not at all
  std::optional<SmtpLogin> login{};   // given: no mail goes to its host without it, and nobody else hears of it
};

struct SmtpMail {
  Endpoint host;
  std::string mail_from;  // empty: the null path
  std::vector<std::string> recipients;
  LentBytes mail;  // header and body, lent until the result; line ends and dots are put right here
};

struct SmtpAnswer {
  int code = 0;  // 0: the host said nothing about it
  std::string enhanced;
  std::string text;
};

/// delivered: 250 after the data, for at least one recipient. refused_*: the host's own word, or ours for it (SIZE, 8BITMIME, SMTPUTF8).
/// not_sent: the host cannot have taken it, sending again is safe. unknown: the final dot may have arrived and no answer came.
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

  /// Queues a mail; the number names it in the result. Refused, and the mail released at once, when an address could not stand in a
  /// command, and after drain() or close_all().
  [[nodiscard]] Result<std::uint64_t> send(SmtpMail mail);
  /// Opens connections, deadlines. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return !changed_.empty(); }

  /// Ends all mails (not_sent or unknown) and all connections.
  void close_all();
  /// Takes no more mails and gives back what waits; what is with a host gets its answer, and then QUIT.
  void drain();
  [[nodiscard]] std::size_t queued_count() const { return queued_count_; }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  struct Job {
    std::uint64_t id = 0;
    SmtpMail mail;
    std::uint32_t again = 0;  // kept connections that had died under it: it gets a fresh one
    bool put_right = false;   // its dots are doubled: not again on the next connection
  };
  /// A host with mail or with connections.
  /// After the smart host refused our log-in, nobody knocks there for a while: what waits and what comes is given back with its word.
  struct LoginRest {
    Instant until{};
    std::uint32_t refusals = 0;  // in a row
    SmtpAnswer refusal{};
  };
  struct Host {
    Host(const Endpoint& at, std::uint32_t connections_most) : endpoint(at), target(connections_most) {}
    Endpoint endpoint;
    std::deque<Job> queue;
    ClientTarget target;
    std::uint32_t connection_count = 0;
    bool is_changed = false;
    bool is_blocked = false;  // by connections_max
  };

  /// Null where none is needed.
  [[nodiscard]] const SmtpLogin* login_for(const Host& host) const;
  void login_refused(SmtpAnswer refusal);
  void start_waiting();
  [[nodiscard]] bool place_first(Host& host);
  void open_connection(Host& host);
  void changed(Host& host);
  void make_room();
  [[nodiscard]] bool has_ready(const Host& host) const;
  void connection_failed(Host& host, const ErrorInfo& why);
  void fail_waiting(Host& host, const SmtpResult& result);
  [[nodiscard]] static SmtpResult not_sent(const ErrorInfo& why) {
    return {.outcome = SmtpOutcome::not_sent, .answer = {}, .recipients = {}, .error = Error{.info = &why}};
  }
  void give_back(Job job, SmtpResult result);
  void forget(Connection& connection);

  Network& network_;
  SmtpClientSettings settings_;
  SmtpClientEvents& events_;
  const Clock& clock_;
  FaultPoints faults_;
  Instant now_;
  std::uint64_t last_id_ = 0;
  bool closing_ = false;
  std::size_t queued_count_ = 0;
  LoginRest login_rest_;
  std::map<Endpoint, Host> hosts_;
  std::vector<Host*> changed_;  // a mail came for them, or a connection became free, since the last tick
  std::deque<Host*> blocked_;   // have mail, and connections_max leaves them none
  ClientConnections<Connection> connections_;
};

}  // namespace pushmail
