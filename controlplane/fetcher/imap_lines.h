// The lines of an IMAP server, rewritten into the few forms that libetpan is known to read safely.
//
// libetpan 1.9.4 recurses without a limit and dies of many a malformed response (a lone `[PERMANENTFLAGS (\)]` is enough), so it
// never sees a server's own line. Came from: Fence, line by line. Goes to: libetpan. What we have no use for is dropped (FLAGS, LIST,
// STATUS, response codes, flags in FETCH); what we do use is checked and written anew:
//
//   * OK|NO|BAD|BYE|PREAUTH [UIDVALIDITY n | UIDNEXT n] .      TAG OK|NO|BAD .        + .
//   * SEARCH n ...               * n EXISTS|RECENT|EXPUNGE
//   * n FETCH (UID n RFC822.SIZE n INTERNALDATE "date in UTC" BODY[] NIL|literal)
//
// CAPABILITY is kept here (libetpan falls when it asked and none came), the words of a status for people (last_status). What is dropped may
// hold literals (`* LIST () "/" {5}`): they are dropped with it. Specs: RFC 3501 §7 and §9; a status without text is tolerated, and so
// is a quoted string in place of a literal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mailbox {

/// What follows a line: a literal of so many bytes, or, with none, the next line. One that is wanted belongs to a mail and passes unread;
/// the bytes of others are dropped.
struct Literal {
  std::uint64_t size = 0;
  bool wanted = false;
  bool follows = false;  // also of no bytes at all
};

class ImapLines {
 public:
  /// Takes one line without its end and appends what libetpan may see.
  [[nodiscard]] Result<Literal> take(std::string_view line, Bytes& out);

  /// Forgets an unfinished response, and what was said.
  void forget();
  /// A command begins: what was said about an earlier one is forgotten, but for BYE.
  void begin();

  /// The last tagged status, or BYE, without its tag: `NO [AUTHENTICATIONFAILED] Authentication failed.`; cut, printable ASCII.
  [[nodiscard]] const std::string& last_status() const { return last_status_; }
  /// What was said beside it, untagged: NO, BAD, or OK [ALERT].
  [[nodiscard]] const std::string& last_notice() const { return last_notice_; }
  /// Whether the last CAPABILITY answer names it; without case.
  [[nodiscard]] bool can(std::string_view capability) const;

 private:
  class Cursor;
  Result<Literal> take_fetch(Cursor& at, Bytes& out);
  Result<Literal> take_body(Cursor& at, Bytes& out);
  Result<Literal> end_fetch(Cursor& at, Bytes& out);
  Result<Literal> take_untagged(Cursor& at, std::string_view line, Bytes& out);
  Result<Literal> pass_over(Cursor& at);
  void take_status(std::string_view tag, std::string_view status, Bytes& out);
  void write_item(std::string_view item, Bytes& out);

  enum class Within : std::uint8_t { nothing, fetch, passed_over };
  Within within_ = Within::nothing;  // the response that a literal has just passed of
  bool fetch_written_ = false;       // its opening has been written
  std::uint32_t depth_ = 0;          // of the parentheses of a FETCH item that is passed over
  std::string fetch_number_;
  std::string last_status_;
  std::string last_notice_;
  std::string bye_;
  bool has_greeted_ = false;
  std::vector<std::string> capabilities_;
};

}  // namespace pushmail::mailbox
