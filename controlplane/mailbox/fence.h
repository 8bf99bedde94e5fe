// What stands between a foreign server's bytes and libetpan's parser (ecosystem facts E2-E7): nothing passes that could make it
// recurse, grow or spin.
//
// Came from: MailStream, after TLS. Goes to: libetpan, by the driver. Bytes are passed on in whole lines and in literals. For IMAP:
//   - a line is at most imap_line_size_max, a literal imap_literal_size_max, all answers of one command its budget;
//   - `(` are counted outside literals over the whole response, whatever the quotes around them say, so that no trick with quotes
//     hides depth: at most imap_paren_depth_max;
//   - a literal is believed only in `* n FETCH`, the one response in which libetpan reads one for us; elsewhere its bytes are lines;
//   - no NUL and no lone CR in a line;
//   - a status without text (`a1 OK`), which libetpan takes for a parse error, gets one.
// For POP3 lines and budget are bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  }

  /// Checks `in` and appends what may pass to `out`. After an error nothing passes any more.
  [[nodiscard]] Result<void> pass(ByteView in, Bytes& out);

  /// Forgets an unfinished line (STARTTLS: nothing that came before TLS counts, RFC 8314 and CVE-2020-15953).
  void forget();

  /// The last tagged status, or BYE, without its tag: `NO [AUTHENTICATIONFAILED] Authentication failed.`; cut, printable ASCII.
  [[nodiscard]] const std::string& last_status() const { return last_status_; }
  /// True between lines, outside literals.
  [[nodiscard]] bool at_line_start() const { return line_.empty() && literal_left_ == 0; }

 private:
  Result<void> take_line(Bytes& out);
  Result<void> take_imap_line(std::string_view content, Bytes& out);
  void pass_status(std::string_view content, Bytes& out);

  Grammar grammar_;
  Lines lines_ = Lines::whole;
  std::uint64_t budget_ = 0;
  std::string line_;                // the unfinished line
  std::uint64_t literal_left_ = 0;
  std::uint32_t parens_ = 0;        // of this response
  bool continues_ = false;          // the line follows a literal of the same response
  bool in_fetch_ = false;
  const ErrorInfo* broken_ = nullptr;
  std::string last_status_;
};

/// Printable ASCII, not empty, at most 1,000 characters: what may stand in a user name, password, folder or UID (E6).
[[nodiscard]] bool may_go_on_wire(std::string_view argument);

}  // namespace pushmail::mailbox
