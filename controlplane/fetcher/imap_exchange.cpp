#include "controlplane/fetcher/imap_exchange.h"

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/sasl.h"
#include "core/ascii.h"
#include "core/base64.h"
#include "core/bytes.h"

namespace pushmail::mailbox {

namespace {

// `* n EXISTS`, as ImapLines writes it.
std::optional<std::uint32_t> exists_in(std::string_view line) {
  constexpr std::string_view start = "* ", end = " EXISTS";
  line = ascii_trim(line);
  if (!line.starts_with(start) || !line.ends_with(end) || line.size() < start.size() + end.size()) return std::nullopt;
  return parse_number<std::uint32_t>(line.substr(start.size(), line.size() - start.size() - end.size()));
}

// A server that asks on behind all that there is to say gives its reasons, as OAuth's do; an empty answer brings the refusal (RFC 7628
// §3.2.3), whose words a `*` would lose (RFC 3501 §6.2.2: BAD).
Result<ImapAnswer> last_of(ImapExchange& exchange, ImapAnswer answer) {
  return answer == ImapAnswer::go_on ? exchange.go_on("\r\n") : answer;
}

}  // namespace

Result<void> ImapExchange::begin_command(std::string_view text) {
  // libetpan's tags are numbers.
  tag_ = "p" + std::to_string(++count_);
  exists_.reset();
  return write(bytes_of(tag_ + " " + std::string(text) + "\r\n"));
}

Result<ImapAnswer> ImapExchange::command(std::string_view text) {
  PM_TRY_VOID(begin_command(text));
  return answer();
}

Result<ImapAnswer> ImapExchange::go_on(std::string_view bytes) {
  PM_TRY_VOID(write(bytes_of(bytes)));
  return answer();
}

Result<ImapAnswer> ImapExchange::answer() {
  while (true) {
    PM_TRY(const std::string line, read_line());
    if (line.starts_with('+')) return ImapAnswer::go_on;
    if (line.starts_with('*')) {
      if (const auto count = exists_in(line)) exists_ = count;
      continue;
    }
    if (!line.starts_with(tag_ + " ")) return fail(mailbox_protocol);
    const std::string_view status = std::string_view(line).substr(tag_.size() + 1);
    if (ascii_starts_with_nocase(status, "OK")) return ImapAnswer::ok;
    return ascii_starts_with_nocase(status, "NO") ? ImapAnswer::no : ImapAnswer::bad;
  }
}

// Byte by byte: what stands behind the line is news, and stays where the stream finds it.
Result<std::string> ImapExchange::read_line() {
  std::string line;
  std::uint8_t byte = 0;
  while (byte != '\n') {
    PM_TRY([[maybe_unused]] const std::size_t size, stream_.read_some(MutableBytes(&byte, 1)));
    line.push_back(static_cast<char>(byte));
  }
  return line;
}

Result<ImapAnswer> login_with_literals(ImapExchange& exchange, std::string_view user, std::string_view password) {
  PM_TRY(const ImapAnswer first, exchange.command("LOGIN {" + std::to_string(user.size()) + "}"));
  if (first != ImapAnswer::go_on) return first;
  PM_TRY(const ImapAnswer second, exchange.go_on(std::string(user) + " {" + std::to_string(password.size()) + "}\r\n"));
  if (second != ImapAnswer::go_on) return second;
  return exchange.go_on(std::string(password) + "\r\n");
}

Result<ImapAnswer> authenticate_plain(ImapExchange& exchange, std::string_view user, std::string_view password, InitialResponse initial) {
  const std::string response = sasl_plain(user, password);
  if (initial == InitialResponse::offered) {
    PM_TRY(const ImapAnswer answer, exchange.command("AUTHENTICATE PLAIN " + response));
    return last_of(exchange, answer);
  }
  PM_TRY(const ImapAnswer asked, exchange.command("AUTHENTICATE PLAIN"));
  if (asked != ImapAnswer::go_on) return asked;
  PM_TRY(const ImapAnswer answer, exchange.go_on(response + "\r\n"));
  return last_of(exchange, answer);
}

Result<ImapAnswer> authenticate_login(ImapExchange& exchange, std::string_view user, std::string_view password) {
  PM_TRY(const ImapAnswer asked_user, exchange.command("AUTHENTICATE LOGIN"));
  if (asked_user != ImapAnswer::go_on) return asked_user;
  PM_TRY(const ImapAnswer asked_password, exchange.go_on(base64_encoded(user) + "\r\n"));
  if (asked_password != ImapAnswer::go_on) return asked_password;
  PM_TRY(const ImapAnswer answer, exchange.go_on(base64_encoded(password) + "\r\n"));
  return last_of(exchange, answer);
}

}  // namespace pushmail::mailbox
