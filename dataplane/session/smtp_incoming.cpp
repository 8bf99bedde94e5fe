#include "dataplane/session/smtp_incoming.h"

#include <algorithm>

#include "dataplane/session/errors.h"

namespace pushmail {

namespace {

/// How many Received fields a mail's header has (RFC 5321 §6.3: the sign of a loop).
std::uint32_t hop_count(std::string_view mail) {
  std::uint32_t count = 0;
  while (!mail.empty() && !mail.starts_with("\r\n")) {
    if (ascii_starts_with_nocase(mail, "received:")) ++count;
    const std::size_t end = mail.find("\r\n");
    if (end == std::string_view::npos) break;
    mail.remove_prefix(end + 2);
  }
  return count;
}

}  // namespace

void IncomingMail::begin(std::string_view received_field) {
  drop();
  mail_ = std::make_unique<Bytes>();
  append(*mail_, received_field);
  prefix_size_ = mail_->size();
}

smtp::DataReader::Step IncomingMail::read_data(ByteView bytes) {
  const smtp::DataReader::Step step = data_.read(bytes, *mail_, room());
  account_memory();
  return step;
}

void IncomingMail::read_chunk(ByteView bytes) {
  chunks_size_ += bytes.size();
  chunk_line_ends_.read(bytes);
  const std::uint64_t left = room() - std::min<std::uint64_t>(room(), mail_->size());
  append(*mail_, bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()))));
  account_memory();
}

void IncomingMail::account_memory() {
  if (memory_.grow(mail_->size() - memory_.size())) return;
  short_of_memory_ = true;
  memory_.clear();
  *mail_ = {};
}

std::optional<SmtpReply> IncomingMail::refusal_so_far() const {
  if (size() > limits_.size_max) return smtp::reply_of({.info = &smtp_too_large});
  if (short_of_memory_) return smtp_refusal::no_memory;
  return std::nullopt;
}

std::optional<SmtpReply> IncomingMail::refusal(std::size_t recipient_count) const {
  if (const auto already = refusal_so_far()) return already;
  // RFC 1870 §5: an announced size is an estimate, so what RCPT let pass does not fail here by a few bytes.
  const std::uint64_t most = limits_.copies_size_max + limits_.copies_size_max / 4;
  if (recipient_count > 1 && recipient_count * size() > most) return smtp_refusal::too_many_copies;
  // RFC 5321 §2.3.8. Refused whole, since whoever reads it next might see two mails in it.
  if (data_.bare_line_end() || chunk_line_ends_.is_bare())
    return SmtpReply{.code = 550, .enhanced = "5.6.11", .text = "bare CR or LF in the mail"};
  if (hop_count(text_of(*mail_)) > limits_.hop_count_max) return SmtpReply{.code = 554, .enhanced = "5.4.6", .text = "too many hops"};
  return std::nullopt;
}

std::unique_ptr<Bytes> IncomingMail::take() {
  auto mail = std::move(mail_);
  drop();
  return mail;
}

void IncomingMail::drop() {
  memory_.clear();
  mail_.reset();
  prefix_size_ = 0;
  short_of_memory_ = false;
  data_ = {};
  chunk_line_ends_ = {};
  chunks_size_ = 0;
}

}  // namespace pushmail
