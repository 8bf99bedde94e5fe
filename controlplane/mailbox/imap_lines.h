// The lines of an IMAP server, rewritten into the few forms that libetpan is known to read safely.
//
// libetpan 1.9.4 recurses without a limit (E4) and dies of many a malformed response (a lone `[PERMANENTFLAGS (\)]` is enough), so it
// never sees a server's own line. Came from: Fence, line by line. Goes to: libetpan. What we have no use for is dropped (FLAGS, LIST,
// STATUS, response codes, flags in FETCH); what we do use is checked and written anew:
//
//   * OK|NO|BAD|BYE|PREAUTH [UIDVALIDITY n | UIDNEXT n] .      TAG OK|NO|BAD .        + .
//   * SEARCH n ...               * n EXISTS|RECENT|EXPUNGE
//   * n FETCH (UID n RFC822.SIZE n INTERNALDATE "date in UTC" BODY[] NIL|literal)
//
// CAPABILITY is kept here (libetpan falls when it asked and none came), the words of a status for people (last_status). Specs: RFC 3501 §7
// and §9; a status without text (E7) is tolerated, and so is a quoted string in place of a literal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mailbox {

class ImapLines {
 public:
  /// Takes one line without its end and appends what libetpan may see. The result is the size of the literal that follows, 0 when a
  /// new line does; a literal's bytes belong to the mail and pass unread.
  [[nodiscard]] Result<std::uint64_t> take(std::string_view line, Bytes& out);

  /// Forgets an unfinished response, and what was said.
  void forget();

  /// The last tagged status, or BYE, without its tag: `NO [AUTHENTICATIONFAILED] Authentication failed.`; cut, printable ASCII.
  [[nodiscard]] const std::string& last_status() const { return last_status_; }
  /// Whether the last CAPABILITY answer names it; without case.
  [[nodiscard]] bool can(std::string_view capability) const;

 private:
  class Cursor;
  Result<std::uint64_t> take_fetch(Cursor& at, Bytes& out);
  Result<std::uint64_t> take_body(Cursor& at, Bytes& out);
  Result<std::uint64_t> end_fetch(Cursor& at, Bytes& out);
  Result<std::uint64_t> take_untagged(Cursor& at, std::string_view line, Bytes& out);
  void take_status(std::string_view tag, std::string_view status, Bytes& out);
  void write_item(std::string_view item, Bytes& out);

  bool in_fetch_ = false;       // a literal of this FETCH has just passed
  bool fetch_written_ = false;  // its opening has been written
  std::string fetch_number_;
  std::string last_status_;
  std::vector<std::string> capabilities_;
};

}  // namespace pushmail::mailbox
