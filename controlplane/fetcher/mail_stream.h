// One connection to a mail server, as libetpan's mailstream: socket, TLS and fence in a row, with a deadline and a byte budget for each
// command.
//
// Came from: the session (ImapSession, Pop3Session), which begins each command here and lends the coroutine it runs in. Goes to: the
// mail server. libetpan's own sockets and TLS are never used (E1, E8); its driver functions here answer -1 for every failure, the end
// of the stream included, and never throw.
#pragma once

#include <libetpan/mailstream.h>

#include <memory>
#include <optional>
#include <string>

#include "controlplane/fetcher/fence.h"
#include "controlplane/fetcher/loop.h"
#include "core/tls.h"

namespace pushmail::mailbox {

/// What went wrong: the rule, a text for people (a server's words, made printable), and the pause that the server asked for; 0: none.
struct Failure {
  Error error;
  std::string text;
  Duration wait{};
};
template <class T>
using Outcome = std::expected<T, Failure>;

struct Budget {
  std::uint64_t bytes;
  Duration time;
  Fence::Lines lines = Fence::Lines::whole;
};

class MailStream {
 public:
  MailStream(Loop& loop, Fence::Grammar grammar);
  MailStream(const MailStream&) = delete;
  MailStream& operator=(const MailStream&) = delete;

  [[nodiscard]] Outcome<void> connect(Task& task, const Endpoint& to, Duration time);
  /// TLS from here on. Plaintext that was received and not read is thrown away, libetpan's included.
  [[nodiscard]] Outcome<void> start_tls(Task& task, const tls::ClientSettings& settings, std::string_view name, Duration time);

  /// libetpan's object over this connection; made once, freed by libetpan (mailimap_free, mailpop3_free), before this object.
  [[nodiscard]] mailstream* make_etpan_stream();

  /// Before each command: who waits, for how long, for how much.
  void begin(Task& task, const Budget& budget);
  /// The running command gets `time` from now on.
  void extend(Duration time) { deadline_ = task_->loop().now() + time; }
  /// For a part of an answer that is read without libetpan: what libetpan has not read yet comes first.
  [[nodiscard]] Result<std::size_t> read_some(MutableBytes into);
  [[nodiscard]] Result<void> write_all(ByteView bytes);

  /// Bytes have come that neither libetpan nor read_some() has taken.
  [[nodiscard]] bool has_unread() const;
  /// Waits without a command: bytes, `gate`, or `until`.
  void wait_readable(Task& task, Gate& gate, Instant until);
  /// Ends the connection, and whatever waits on it; from anywhere.
  void cut();
  /// libetpan has freed its object.
  void forget_etpan_stream() { etpan_ = nullptr; }

  /// Why the stream failed; empty while it works.
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
  [[nodiscard]] const Fence& fence() const { return fence_; }
  [[nodiscard]] bool is_encrypted() const { return tls_.has_value(); }

 private:
  Result<std::size_t> read_wire(MutableBytes into);
  Result<void> flush_tls(Task& task);
  std::unexpected<Error> keep(Error error, std::string text);
  std::unexpected<Failure> broken() const { return std::unexpected(*failure_); }

  Socket socket_;
  Fence fence_;
  std::optional<tls::Session> tls_;
  mailstream* etpan_ = nullptr;  // owned by libetpan's session
  Bytes passed_;                 // checked and not read yet
  std::size_t passed_at_ = 0;
  Bytes wire_;
  Task* task_ = nullptr;  // the coroutine of the running command
  Instant deadline_{};
  std::optional<Failure> failure_;
};

}  // namespace pushmail::mailbox
