// IMAP commands for which libetpan has no safe words: a log-in in literals or base64, IDLE, ID and STATUS; and APPEND, whose mail it
// copies.
//
// Came from: ImapSession. Goes to: MailStream, beside libetpan, whose answers both read behind the same fence; so an answer is a line of
// ImapLines, and what it says for people is kept there. Nothing is pipelined. Invariant: what is written was checked by the caller; a
// secret appears in no answer and no text of a failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/fetcher/mail_stream.h"

namespace pushmail::mailbox {

enum class ImapAnswer : std::uint8_t { go_on, ok, no, bad };

class ImapExchange {
 public:
  /// `stream` must outlive it.
  explicit ImapExchange(MailStream& stream) : stream_(stream) {}

  /// A new command, `TAG text CRLF`. go_on: the server waits for the rest of it. The caller has begun it (MailStream::begin).
  [[nodiscard]] Result<ImapAnswer> command(std::string_view text);
  /// The same without waiting for an answer.
  [[nodiscard]] Result<void> begin_command(std::string_view text);
  /// More of the command under way, as it is.
  [[nodiscard]] Result<void> write(ByteView bytes) { return stream_.write_all(bytes); }
  /// The same, and the answer to it.
  [[nodiscard]] Result<ImapAnswer> go_on(std::string_view bytes);
  /// How many mails the folder has by the last `* n EXISTS` among the answers to this command, in front of its `+` too.
  [[nodiscard]] std::optional<std::uint32_t> exists() const { return exists_; }

 private:
  [[nodiscard]] Result<ImapAnswer> answer();
  [[nodiscard]] Result<std::string> read_line();

  MailStream& stream_;
  std::string tag_;
  std::uint32_t count_ = 0;
  std::optional<std::uint32_t> exists_;
};

/// RFC 3501 §6.2.3 with literals, which may hold what a quoted string may not.
[[nodiscard]] Result<ImapAnswer> login_with_literals(ImapExchange& exchange, std::string_view user, std::string_view password);
/// RFC 4616. `initial`: the server takes the response with the command (SASL-IR, RFC 4959).
enum class InitialResponse : std::uint8_t { offered, not_offered };
[[nodiscard]] Result<ImapAnswer> authenticate_plain(ImapExchange& exchange, std::string_view user, std::string_view password,
                                                    InitialResponse initial);
/// What some servers take where they take no LOGIN and no PLAIN: user and password, each when it is asked for.
[[nodiscard]] Result<ImapAnswer> authenticate_login(ImapExchange& exchange, std::string_view user, std::string_view password);
}  // namespace pushmail::mailbox
