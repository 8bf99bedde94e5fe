// What stands between a foreign server's bytes and libetpan's parser (README.md has the list): nothing passes that could make it
// recurse, grow, spin or fall.
//
// Came from: MailStream, after TLS. Goes to: libetpan, by the driver, in whole lines and literals. A line is at most
// imap_line_size_max, a literal imap_literal_size_max, all answers of one command its budget; no NUL and no lone CR in an IMAP line;
// what an IMAP line may say is ImapLines' matter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/fetcher/imap_lines.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mailbox {

class Fence {
 public:
  enum class Grammar : std::uint8_t { imap, pop3 };
  explicit Fence(Grammar grammar) : grammar_(grammar) {}

  /// Whether lines are held until they are whole and measured, or passed as they come, for a reader of ours that keeps none.
  enum class Lines : std::uint8_t { whole, streamed };
  /// A new command: `budget` bytes of answer from here on. `streamed` is for POP3 only.
  void begin(std::uint64_t budget, Lines lines = Lines::whole) {
    budget_ = budget;
    lines_ = lines;
    imap_.begin();
  }

  /// Checks `in` and appends what may pass to `out`. After an error nothing passes any more.
  [[nodiscard]] Result<void> pass(ByteView in, Bytes& out);

  /// Forgets an unfinished line (STARTTLS: nothing that came before TLS counts, RFC 8314 and CVE-2020-15953).
  void forget();

  /// IMAP: what the server last said about a command, or BYE.
  [[nodiscard]] const std::string& last_status() const { return imap_.last_status(); }
  /// And what it said untagged beside it.
  [[nodiscard]] const std::string& last_notice() const { return imap_.last_notice(); }
  [[nodiscard]] bool can(std::string_view capability) const { return imap_.can(capability); }
  /// True between lines, outside literals.
  [[nodiscard]] bool at_line_start() const { return line_.empty() && literal_.size == 0; }

 private:
  Result<void> take_line(Bytes& out);

  Grammar grammar_;
  Lines lines_ = Lines::whole;
  std::uint64_t budget_ = 0;
  std::string line_;  // the unfinished line
  Literal literal_;   // what is left of it
  ImapLines imap_;
  const ErrorInfo* broken_ = nullptr;
};

/// Printable ASCII, not empty, at most 1,000 characters: what may stand in a line as it is.
[[nodiscard]] bool may_go_on_wire(std::string_view argument);
/// The same with bytes of other characters: a user name or password, which goes in a literal or in base64 then.
[[nodiscard]] bool may_be_a_secret(std::string_view argument);

}  // namespace pushmail::mailbox
