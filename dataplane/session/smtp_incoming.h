// A mail on its way in, by DATA or in the chunks of BDAT: its bytes, their share of the server's memory, and why it is refused. Used by
// smtp_server.cpp alone.
//
//   begin(Received) ──> read_data | read_chunk ... ──> refusal? ──> take
//
// What is too much is counted and not kept, so that both sides stay in step up to the mail's end.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "dataplane/session/server_connections.h"
#include "dataplane/session/sinks.h"
#include "dataplane/session/smtp_grammar.h"

namespace pushmail {

namespace smtp_refusal {
inline constexpr SmtpReply no_memory{.code = 452, .enhanced = "4.3.1", .text = "out of memory, try again later"};
inline constexpr SmtpReply too_many_copies{.code = 452, .enhanced = "4.5.3", .text = "too many recipients for a mail of this size"};
}  // namespace smtp_refusal

struct IncomingLimits {
  std::uint64_t size_max = 0;
  std::uint64_t copies_size_max = 0;  // SmtpServerSettings
  std::uint32_t hop_count_max = 0;
};

class IncomingMail {
 public:
  IncomingMail(const IncomingLimits& limits, MemoryBudget& memory) : limits_(limits), memory_(memory) {}

  /// For the mails that begin from now on.
  void set_limits(const IncomingLimits& limits) { limits_ = limits; }
  /// A new one, with our field in front of what comes.
  void begin(std::string_view received_field);
  [[nodiscard]] bool is_open() const { return mail_ != nullptr; }

  /// What follows DATA, up to CRLF.CRLF.
  [[nodiscard]] smtp::DataReader::Step read_data(ByteView bytes);
  /// Octets of a chunk (RFC 3030 §2): kept as they are.
  void read_chunk(ByteView bytes);

  /// Bytes that came, kept or not, without our field.
  [[nodiscard]] std::uint64_t size() const { return data_.size() + chunks_size_; }
  /// Long past what its sender announced or could know: there is no end to wait for.
  [[nodiscard]] bool is_endless(std::uint64_t size) const { return size > 2 * limits_.size_max + limits::MiB; }

  /// Why it cannot be taken any more, whatever still comes.
  [[nodiscard]] std::optional<SmtpReply> refusal_so_far() const;
  /// Why it is not taken now that it is whole.
  [[nodiscard]] std::optional<SmtpReply> refusal(std::size_t recipient_count) const;

  /// The whole mail; its memory is the taker's from now on.
  [[nodiscard]] std::unique_ptr<Bytes> take();
  void drop();

 private:
  [[nodiscard]] std::uint64_t room() const { return short_of_memory_ ? 0 : prefix_size_ + limits_.size_max; }
  void account_memory();

  IncomingLimits limits_;
  std::unique_ptr<Bytes> mail_;
  std::uint64_t prefix_size_ = 0;  // our field in it
  MemoryShare memory_;
  bool short_of_memory_ = false;
  smtp::DataReader data_;
  smtp::LineEndCheck chunk_line_ends_;
  std::uint64_t chunks_size_ = 0;
};

}  // namespace pushmail
