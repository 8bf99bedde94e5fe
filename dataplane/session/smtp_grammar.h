// The grammar of SMTP (RFC 5321, 1870, 2920, 3030, 3461, 3463, 6152, 6531): lines, commands, paths, replies and the data after DATA. Pure.
//
// Strict where two readers could disagree about where a mail ends (SMTP smuggling): only CRLF ends a line and only CRLF.CRLF ends a mail
// (RFC 5321 §2.3.8: CR and LF must not appear apart). A mail with a bare one is read to its true end and refused whole with 5.6.11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "core/result.h"
#include "dataplane/session/sinks.h"

namespace pushmail::smtp {

/// One command line. `broken` names the rule it breaks; it is over all the same, so that both sides stay in step.
struct Line {
  std::string_view text;  // without CRLF
  const ErrorInfo* broken = nullptr;
  bool complete = true;  // false: too long, its end is still to come and must be skipped
};
/// What may end a line: in commands CRLF alone; replies of old hosts end with LF too, and nobody but us reads those.
enum class LineEnd : std::uint8_t { crlf, any };
/// `from` is how far an earlier look came.
[[nodiscard]] Parsed<Line> read_line(ByteView bytes, std::size_t from, LineEnd end = LineEnd::crlf);

enum class Verb : std::uint8_t {
  ehlo,
  helo,
  mail,
  rcpt,
  data,
  rset,
  noop,
  quit,
  vrfy,
  help,
  starttls,
  bdat,         // what follows it are not commands, but as many octets as it says
  not_offered,  // a command of SMTP that we do not serve: 502
  foreign,      // a request of another protocol
};
struct Command {
  Verb verb = Verb::noop;
  std::string_view argument;
};
[[nodiscard]] Result<Command> parse_command(std::string_view line);

enum class Utf8 : std::uint8_t { allowed, refused };

struct MailCommand {
  std::string address;                // empty: the null path
  std::optional<std::uint64_t> size;  // saturated, RFC 1870 allows 20 digits
  bool eight_bit = false;
  Utf8 utf8 = Utf8::refused;
  std::string ret{};  // RET and ENVID as MailInbound has them (smtp_dsn.h); empty: not given
  std::string envelope_id{};
};
/// What follows MAIL: `FROM:<path> [parameters]`.
[[nodiscard]] Result<MailCommand> parse_mail(std::string_view argument);
/// What follows RCPT: `TO:<path> [parameters]`; the address without source route (RFC 5321 §3.3: it is ignored).
[[nodiscard]] Result<MailRecipient> parse_rcpt(std::string_view argument, Utf8 utf8);
/// What follows BDAT: `size [LAST]`.
struct Chunk {
  std::uint64_t size = 0;  // saturated
  bool is_last = false;
};
[[nodiscard]] Result<Chunk> parse_chunk(std::string_view argument);
/// The argument of EHLO and HELO: a name or address literal, tolerated as any word of visible ASCII (RFC 5321 §4.1.4 forbids refusing it).
[[nodiscard]] bool is_greeting_name(std::string_view text);
/// Whether `address` can stand between angle brackets in a command; empty is the null path.
[[nodiscard]] bool is_address(std::string_view address, Utf8 utf8);

/// Takes the bytes after DATA wherever they are cut, and undoes dot-stuffing (RFC 5321 §4.5.2).
class DataReader {
 public:
  struct Step {
    std::size_t used = 0;
    bool last = false;  // CRLF.CRLF was seen
  };
  /// Appends the mail's bytes to `mail` through the caller's budget: `room` bytes at most are kept, the rest is only counted.
  [[nodiscard]] Step read(ByteView bytes, Bytes& mail, std::uint64_t room);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A CR or LF came alone somewhere.
  [[nodiscard]] bool bare_line_end() const { return bare_; }

 private:
  enum class State : std::uint8_t { line_start, text, cr, dot, dot_cr, done };
  friend struct DataRules;
  template <class Keep>
  [[nodiscard]] std::size_t take_run(ByteView bytes, std::size_t from, const Keep& keep);

  State state_ = State::line_start;
  std::uint64_t size_ = 0;
  bool bare_ = false;
};

/// Whether CR and LF stand only together, wherever the bytes are cut. A mail that came in chunks (RFC 3030) has no dots to undo, but
/// whoever sends it on by DATA must not make two mails of it.
class LineEndCheck {
 public:
  void read(ByteView bytes);
  /// One came alone, or a CR stands last.
  [[nodiscard]] bool is_bare() const { return bare_ || after_cr_; }

 private:
  bool bare_ = false;
  bool after_cr_ = false;
};

/// A mail ready for DATA, without the final `.CRLF`: dots doubled, every line end CRLF, the last line ended. Nothing when it is so already.
[[nodiscard]] std::optional<Bytes> stuff(ByteView mail);

/// One reply, all its lines.
struct Reply {
  int code = 0;
  std::string enhanced;            // of the last line; empty when there is none
  std::vector<std::string> lines;  // without codes
  [[nodiscard]] std::string text() const;
};
[[nodiscard]] Parsed<Reply> parse_reply(ByteView bytes);

/// The reply that answers a broken rule.
[[nodiscard]] SmtpReply reply_of(const Error& error);

}  // namespace pushmail::smtp
