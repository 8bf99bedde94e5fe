#include "dataplane/session/smtp_server.h"
#include "core/timers.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "dataplane/session/errors.h"
#include "dataplane/session/smtp_grammar.h"
#include "dataplane/session/smtp_incoming.h"

namespace pushmail {

namespace {

using smtp::Verb;

constexpr std::uint64_t unsent_size_max = 64 * limits::KiB;
constexpr std::size_t trusted_max = 4096;             // sources in smtp.trusted that spend their budget at once
constexpr std::size_t waiting_input_max = 64 * 1024;  // pipelined behind a question; then the connection is not read

/// Where a transaction stands; a rule says in which phases its command is in order (RFC 5321 §4.1.4).
enum Phase : std::uint8_t {
  accepted = 0,
  connected = 1,
  greeted = 2,
  in_mail = 4,
  in_recipients = 8,
  in_chunks = 16,         // a chunk was taken: only further ones may follow, or RSET
  in_refused_chunks = 32  // one was refused: those of the same mail that still come are read past
};
constexpr std::uint8_t in_chunked_mail = in_chunks | in_refused_chunks;
constexpr std::uint8_t any_phase = connected | greeted | in_mail | in_recipients | in_chunked_mail;

constexpr SmtpReply out_of_order{.code = 503, .enhanced = "5.5.1", .text = "commands out of order"};
constexpr SmtpReply spoke_too_early{.code = 554, .enhanced = "5.5.1", .text = "you must wait for our reply"};
constexpr SmtpReply injected{.code = 554, .enhanced = "5.5.0", .text = "nothing may follow STARTTLS before our reply"};
constexpr SmtpReply over_budget{.code = 421, .enhanced = "4.7.0", .text = "too many unknown recipients, try again later"};
constexpr SmtpReply shutting_down{.code = 421, .enhanced = "4.3.2", .text = "shutting down, try again later"};
constexpr SmtpReply nobody_to_send_to{.code = 554, .enhanced = "5.5.1", .text = "no valid recipients"};

std::string format_reply(const SmtpReply& reply) {
  std::string text(reply.text);
  // A reply is one line whatever its text was made from.
  std::ranges::replace_if(text, [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; }, ' ');
  if (reply.enhanced.empty()) return fmt::format("{} {}\r\n", reply.code, text);
  return fmt::format("{} {} {}\r\n", reply.code, reply.enhanced, text);
}

IncomingLimits limits_of(const SmtpServerSettings& settings) {
  return {.size_max = settings.size_max, .copies_size_max = settings.copies_size_max, .hop_count_max = settings.hop_count_max};
}

/// RFC 5321 §4.1.3.
std::string address_literal(const IpAddress& ip) { return ip.is_v4() ? to_string(ip) : "IPv6:" + to_string(ip); }

}  // namespace

class SmtpServer::Connection final : public ServerConnection {
 public:
  Connection(SmtpServer& server, Stream& stream)
      : ServerConnection(server.connections_, stream), server_(server), mail_(limits_of(server.settings_), server.mail_memory_) {}

  void on_data(ByteView bytes) override {
    note_received();
    if (reading_ == Reading::nothing) return;
    // RFC 5321 §4.3.1: the client waits for the greeting. Who does not reads no replies, or writes for somebody else to read.
    if (phase_ == accepted) return end_early_talker();
    append(input_, bytes);
    read_input();
    if (blocked() && input_.size() > waiting_input_max) pause_reading();
  }
  /// Both sides of a connection that is encrypted from its first byte on agree: what comes before our greeting comes too early.
  void on_open() override {
    if (phase_ == accepted) server_.greet(*this);
  }
  void on_end() override {
    // A mail without its final dot was never given to us (RFC 5321 §4.1.1.4). A question that is out may still be answered into the half
    // that is open.
    peer_ended_ = true;
    if (!waiting_) finish();
  }
  void on_close(CloseReason) override {
    if (waiting_) server_.tickets_.give_back(*waiting_);
    server_.forget(*this);
  }

  void greet() {
    if (phase_ != accepted || reading_ == Reading::nothing) return;
    phase_ = connected;
    reply(fmt::format("220 {} ESMTP pushmail\r\n", server_.settings_.domain));
  }
  void turn_away() {
    if (is_draining()) return close_with(shutting_down);
    close_with({.code = 421, .enhanced = "4.3.2", .text = "too many connections, try again later"});
  }

  void answered(Asked asked, const SmtpReply& answer) {
    server_.tickets_.give_back(*std::exchange(waiting_, std::nullopt));
    if (asked == Asked::recipient)
      recipient_answered(answer);
    else
      mail_answered(answer);
    note_received();
    if (peer_ended_) return finish();
    become_runnable();
  }

  bool has_greeting_due = false;  // in the server's queue

 private:
  enum class Reading : std::uint8_t { command, rest_of_line, data, chunk, nothing };
  struct Rule {
    Verb verb;
    std::uint8_t phases;
    void (Connection::*act)(std::string_view argument);
  };
  static constexpr std::array<Rule, 14> rules() {
    return {{
        {Verb::ehlo, any_phase, &Connection::on_ehlo},
        {Verb::helo, any_phase, &Connection::on_helo},
        {Verb::starttls, connected | greeted, &Connection::on_starttls},
        {Verb::mail, greeted, &Connection::on_mail},
        {Verb::rcpt, in_mail | in_recipients, &Connection::on_rcpt},
        {Verb::data, in_mail | in_recipients, &Connection::on_data_command},
        {Verb::rset, any_phase, &Connection::on_rset},
        {Verb::noop, any_phase, &Connection::on_noop},
        {Verb::quit, any_phase, &Connection::on_quit},
        {Verb::vrfy, any_phase, &Connection::on_vrfy},
        {Verb::help, any_phase, &Connection::on_help},
        {Verb::not_offered, any_phase, &Connection::on_not_offered},
        {Verb::bdat, any_phase, &Connection::on_bdat},
        {Verb::foreign, any_phase, &Connection::on_foreign},
    }};
  }

  // Reading.

  [[nodiscard]] bool blocked() const { return waiting_.has_value() || is_full(); }
  [[nodiscard]] bool is_between_commands() const { return reading_ == Reading::command && !waiting_ && input_.empty(); }
  void on_drain() override {
    if (is_between_commands()) close_with(shutting_down);
  }
  void go_on() override {
    read_input();
    if (!blocked()) resume_reading();
  }
  void check_deadlines(Instant now) override {
    const SmtpServerSettings& settings = server_.settings_;
    if (waiting_) {
      if (now - waiting_since_ <= settings.answer_time) return;
      ++server_.counts_.timed_out;
      const auto question = server_.tickets_.find(*waiting_);
      return answered(question->asked, {.code = 451, .enhanced = "4.3.0", .text = "no answer in time, try again later"});
    }
    const bool quiet = now - last_received() > settings.idle;
    const bool slow_line = line_started_.ns != 0 && now - line_started_ > settings.line_time;
    const bool slow_mail = message_started_.ns != 0 && now - message_started_ > settings.message_time;
    if (!quiet && !slow_line && !slow_mail) return;
    ++server_.counts_.timed_out;
    close_with({.code = 421, .enhanced = "4.4.2", .text = "too slow, closing"});
  }

  void read_input() {
    Bytes input;
    input.swap(input_);
    std::size_t used = 0;
    while (used < input.size() && reading_ != Reading::nothing && !blocked()) {
      const std::size_t taken = read(ByteView{input}.subspan(used));
      if (taken == 0) break;
      used += taken;
    }
    if (reading_ == Reading::nothing) return;
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(used));
    input_ = std::move(input);
    if (is_draining()) on_drain();
  }

  /// How much of `bytes` was taken; 0: more is needed.
  std::size_t read(ByteView bytes) {
    if (reading_ == Reading::data) return read_data(bytes);
    if (reading_ == Reading::chunk) return read_chunk(bytes);
    if (reading_ == Reading::rest_of_line) return skip_line(bytes);
    if (line_started_.ns == 0) line_started_ = now();
    const auto line = smtp::read_line(bytes, scanned_);
    if (line.needs_more()) {
      scanned_ = bytes.size();
      return 0;
    }
    scanned_ = 0;
    rest_size_ = bytes.size() - line.used();
    if (line.value().complete)
      line_started_ = {};
    else
      reading_ = Reading::rest_of_line;
    if (line.value().broken != nullptr)
      refuse(smtp::reply_of({.info = line.value().broken}));
    else
      obey(line.value().text);
    return line.used();
  }
  std::size_t skip_line(ByteView bytes) {
    const auto end = std::find(bytes.begin(), bytes.end(), '\n');
    if (end == bytes.end()) return bytes.size();
    reading_ = Reading::command;
    line_started_ = {};
    return static_cast<std::size_t>(end - bytes.begin()) + 1;
  }

  void obey(std::string_view line) {
    const auto command = smtp::parse_command(line);
    if (!command) return refuse(smtp::reply_of(command.error()));
    if (is_draining() && command->verb != Verb::quit) return close_with(shutting_down);
    for (const Rule& rule : rules()) {
      if (rule.verb != command->verb) continue;
      if ((rule.phases & phase_) == 0) return refuse(out_of_order);
      // RFC 2920 §3.1: only who was offered PIPELINING may send the next command before our reply, and never after EHLO, which is what
      // offers it. (DATA has a rule of its own.)
      const bool is_greeting = rule.verb == Verb::ehlo || rule.verb == Verb::helo;
      if (rest_size_ > 0 && (is_greeting || !esmtp_)) return end_early_talker();
      return (this->*rule.act)(command->argument);
    }
  }

  // Commands.

  void on_ehlo(std::string_view name) {
    if (!take_name(name)) return;
    esmtp_ = true;
    reply(
        fmt::format("250-{} greets {}\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
                    "{}250 ENHANCEDSTATUSCODES\r\n",
                    server_.settings_.domain, name, server_.settings_.size_max, offers_starttls() ? "250-STARTTLS\r\n" : ""));
  }
  void on_helo(std::string_view name) {
    if (!take_name(name)) return;
    esmtp_ = false;
    reply(fmt::format("250 {}\r\n", server_.settings_.domain));
  }
  /// RFC 5321 §4.1.4: a second greeting begins anew, like RSET.
  bool take_name(std::string_view name) {
    if (!smtp::is_greeting_name(name)) {
      refuse({.code = 501, .enhanced = "5.5.4", .text = "not a host name"});
      return false;
    }
    helo_ = name;
    reset();
    phase_ = greeted;
    raise(Standing::unproven);
    return true;
  }

  [[nodiscard]] bool offers_starttls() const { return server_.settings_.starttls != nullptr && !stream().is_encrypted(); }
  void on_starttls(std::string_view argument) {
    if (!offers_starttls()) return on_not_offered(argument);
    if (!argument.empty()) return refuse({.code = 501, .enhanced = "5.5.4", .text = "STARTTLS has no argument"});
    // RFC 3207 §4.2: what came with the command was never encrypted, and would be read as if it had been.
    if (rest_size_ > 0) return close_with(injected);
    // RFC 3207 §4: not now, and the client decides whether it goes on in clear.
    if (const ErrorInfo* why = server_.settings_.starttls->refusal(stream()); why != nullptr) {
      ++server_.counts_.errors;
      return reply("454 4.7.0 TLS not available now, try again later\r\n");
    }
    reply("220 2.0.0 go ahead\r\n");
    const auto over = server_.settings_.starttls->cover(stream(), *this);
    if (!over) return abort();
    reseat(**over);
    // What was said before holds no more.
    esmtp_ = false;
    helo_.clear();
    phase_ = connected;
  }

  void on_mail(std::string_view argument) {
    auto mail = smtp::parse_mail(argument);
    if (!mail) {
      SmtpReply answer = smtp::reply_of(mail.error());
      // RFC 3463 §3.2: X.1.3 names the recipient, X.1.7 the sender.
      if (mail.error().is(smtp_bad_path)) answer.enhanced = "5.1.7";
      return refuse(answer);
    }
    // RFC 1870 §6.1: what is announced as too large is refused before it is sent.
    if (mail->size.value_or(0) > server_.settings_.size_max) return refuse(smtp::reply_of({.info = &smtp_too_large}));
    if (!server_.mail_memory_.has_room(std::min(mail->size.value_or(0), server_.settings_.size_max))) {
      return reply(format_reply(smtp_refusal::no_memory));
    }
    sender_ = std::move(*mail);
    // Those that this mail was admitted by, whatever a reload changes until it is whole.
    mail_.set_limits(limits_of(server_.settings_));
    phase_ = in_mail;
    message_started_ = now();
    reply("250 2.1.0 sender ok\r\n");
  }

  void on_rcpt(std::string_view argument) {
    auto recipient = smtp::parse_rcpt(argument, sender_.utf8);
    if (!recipient) return refuse(smtp::reply_of(recipient.error()));
    // RFC 5321 §4.5.3.1.10: those taken so far stay valid.
    if (recipients_.size() >= server_.settings_.recipient_count_max) {
      return reply("452 4.5.3 too many recipients\r\n");
    }
    if (!recipients_.empty() && (recipients_.size() + 1) * sender_.size.value_or(0) > server_.settings_.copies_size_max) {
      return reply(format_reply(smtp_refusal::too_many_copies));
    }
    // Taken before the question, so that many connections at once have one budget; an answer that names no stranger gives it back.
    if (!server_.budget_of(source().ip).take(source_group(source().ip).bytes, now())) {
      ++server_.counts_.over_budget;
      server_.over_budget_.note(source().ip, "its budget of unknown recipients is spent", now());
      return close_with(over_budget);
    }
    asked_ = std::move(*recipient);
    const Ticket ticket = wait_for(Asked::recipient);
    server_.sink_.on_recipient(ticket, {.address = asked_.address, .mail_from = sender_.address, .source = source().ip});
  }
  void recipient_answered(const SmtpReply& answer) {
    if (answer.code / 100 != 5) server_.budget_of(source().ip).give_back(source_group(source().ip).bytes);
    if (answer.code / 100 == 2) raise(Standing::proven);
    if (answer.code / 100 == 2) {
      recipients_.push_back(std::move(asked_));
      phase_ = in_recipients;
      return reply(format_reply(answer));
    }
    ++server_.counts_.recipients_refused;
    // Guessing numbers is limited like any other error.
    if (answer.code / 100 == 5) return refuse(answer);
    reply(format_reply(answer));
  }

  void on_data_command(std::string_view) {
    if (recipients_.empty()) return refuse(nobody_to_send_to);
    // RFC 2920 §3.1: DATA ends a group of commands. What comes before our 354 was written for somebody else to read.
    if (rest_size_ > 0) return close_with({.code = 554, .enhanced = "5.5.0", .text = "data before 354"});
    mail_.begin(received_field());
    reading_ = Reading::data;
    reply("354 end with CRLF.CRLF\r\n");
  }

  void on_rset(std::string_view) {
    reset();
    reply("250 2.0.0 reset\r\n");
  }
  void on_noop(std::string_view) { reply("250 2.0.0 ok\r\n"); }
  void on_quit(std::string_view) { close_with({.code = 221, .enhanced = "2.0.0", .text = "bye"}); }
  // RFC 5321 §7.3: who has a number here is nobody's business; 252 says so politely.
  void on_vrfy(std::string_view) { reply("252 2.0.0 cannot verify, but send mail and see\r\n"); }
  void on_help(std::string_view) { reply("214 2.0.0 RFC 5321\r\n"); }
  void on_not_offered(std::string_view) { refuse({.code = 502, .enhanced = "5.5.1", .text = "command not offered"}); }
  void on_foreign(std::string_view) { close_with({.code = 421, .enhanced = "4.7.0", .text = "this is SMTP"}); }

  // A mail by DATA.

  std::size_t read_data(ByteView bytes) {
    const smtp::DataReader::Step step = mail_.read_data(bytes);
    if (step.last)
      end_of_mail();
    else if (mail_.is_endless(mail_.size()))
      close_with(smtp::reply_of({.info = &smtp_too_large}));
    return step.used;
  }

  // A mail in chunks (RFC 3030).

  void on_bdat(std::string_view argument) {
    // The octets follow the command at once: where CHUNKING was not offered, or how many they are is not known, they would be read as
    // commands.
    if (!esmtp_) return close_with({.code = 502, .enhanced = "5.5.1", .text = "CHUNKING not offered"});
    const auto chunk = smtp::parse_chunk(argument);
    if (!chunk) return close_with(smtp::reply_of(chunk.error()));
    if (mail_.is_endless(chunk->size)) return close_with(smtp::reply_of({.info = &smtp_too_large}));
    chunk_ = *chunk;
    chunk_left_ = chunk->size;
    chunk_refusal_ = refusal_of_chunk();
    if (!chunk_refusal_ && !mail_.is_open()) mail_.begin(received_field());
    if (!chunk_refusal_) phase_ = in_chunks;
    if (message_started_.ns == 0) message_started_ = now();
    reading_ = Reading::chunk;
    if (chunk_left_ == 0) end_of_chunk();
  }
  /// Of what is known before its octets have come.
  [[nodiscard]] std::optional<SmtpReply> refusal_of_chunk() const {
    if (phase_ == in_mail) return nobody_to_send_to;
    if ((phase_ & (in_recipients | in_chunks)) == 0) return out_of_order;
    if (mail_.size() + chunk_.size > server_.settings_.size_max) return smtp::reply_of({.info = &smtp_too_large});
    return std::nullopt;
  }
  std::size_t read_chunk(ByteView bytes) {
    const ByteView octets = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), chunk_left_)));
    chunk_left_ -= octets.size();
    if (!chunk_refusal_) mail_.read_chunk(octets);
    if (chunk_left_ == 0) end_of_chunk();
    return octets.size();
  }
  void end_of_chunk() {
    reading_ = Reading::command;
    if (!chunk_refusal_) chunk_refusal_ = mail_.refusal_so_far();
    if (chunk_refusal_) return refuse_chunk(*std::exchange(chunk_refusal_, std::nullopt));
    if (chunk_.is_last) return end_of_mail();
    reply(fmt::format("250 2.0.0 {} octets received\r\n", chunk_.size));
  }
  /// Its octets have been read past. RFC 3030 §2: so are those of the same mail that were sent before our reply came, each with 503.
  void refuse_chunk(const SmtpReply& answer) {
    const bool had_begun = (phase_ & in_chunked_mail) != 0 || phase_ == in_recipients;
    if (!had_begun) {
      if ((phase_ & in_mail) == 0) message_started_ = {};
      return refuse(answer);
    }
    if (phase_ != in_refused_chunks) ++server_.counts_.refused;
    const Instant started = message_started_;
    reset();
    if (!chunk_.is_last) {
      phase_ = in_refused_chunks;
      message_started_ = started;
    }
    reply(format_reply(answer));
  }

  // A whole mail.

  void end_of_mail() {
    reading_ = Reading::command;
    message_started_ = {};
    if (const auto refusal = mail_.refusal(recipients_.size())) {
      ++server_.counts_.refused;
      reset();
      return reply(format_reply(*refusal));
    }
    ++server_.counts_.mails;
    MailInbound inbound{.source = source(),
                        .helo = helo_,
                        .mail_from = sender_.address,
                        .recipients = std::move(recipients_),
                        .mail = mail_.take(),
                        .ret = std::move(sender_.ret),
                        .envelope_id = std::move(sender_.envelope_id)};
    reset();
    const Ticket ticket = wait_for(Asked::mail);
    server_.sink_.on_mail(ticket, std::move(inbound));
  }
  void mail_answered(const SmtpReply& answer) {
    if (answer.code / 100 == 2)
      ++server_.counts_.accepted;
    else
      ++server_.counts_.refused;
    if (answer.code == 421) return close_with(answer);
    reply(format_reply(answer));
  }

  /// RFC 5321 §4.4.
  [[nodiscard]] std::string received_field() const {
    // The name is the client's own word: what could leave its place in the field is not repeated.
    const auto plain = [](char c) { return c != '(' && c != ')' && c != ';' && c != '\\' && c != '"'; };
    const std::string_view name = std::ranges::all_of(helo_, plain) ? std::string_view{helo_} : std::string_view{"unknown"};
    const std::string_view with = sender_.utf8 == smtp::Utf8::allowed ? "UTF8SMTP" : esmtp_ ? "ESMTP" : "SMTP";
    // RFC 3848, RFC 6531 §4.3: an S behind it where the connection was encrypted.
    const std::string_view encrypted = esmtp_ && stream().is_encrypted() ? "S" : "";
    return fmt::format("Received: from {} ([{}])\r\n\tby {} with {}{};\r\n\t{}\r\n", name, address_literal(source().ip),
                       server_.settings_.domain, with, encrypted, format_rfc5322(server_.clock_.wall()));
  }

  // Answers.

  Ticket wait_for(Asked asked) {
    const Ticket ticket = server_.tickets_.take({.connection = this, .asked = asked});
    waiting_ = ticket;
    waiting_since_ = now();
    return ticket;
  }
  void reply(std::string_view text) {
    if (!is_finishing()) send(text);
  }
  /// A reply to something wrong; too many of them and the connection ends (RFC 5321 §7.8).
  void refuse(const SmtpReply& answer) {
    ++server_.counts_.errors;
    reply(format_reply(answer));
    if (++errors_ >= server_.settings_.error_count_max) close_with({.code = 421, .enhanced = "4.7.0", .text = "too many errors"});
  }
  void end_early_talker() {
    ++server_.counts_.early_talkers;
    server_.early_talkers_.note(source().ip, "it spoke before our reply", now());
    close_with(spoke_too_early);
  }
  void close_with(const SmtpReply& answer) {
    reply(format_reply(answer));
    finish();
  }
  void finish() {
    reading_ = Reading::nothing;
    input_ = {};
    mail_.drop();
    finish_stream();
  }
  void reset() {
    if (phase_ != connected) phase_ = greeted;
    sender_ = {};
    recipients_.clear();
    message_started_ = {};
    mail_.drop();
  }

  SmtpServer& server_;
  std::uint8_t phase_ = accepted;
  Reading reading_ = Reading::command;
  Bytes input_;
  std::size_t scanned_ = 0;
  std::size_t rest_size_ = 0;  // bytes that came behind the command in hand
  std::uint32_t errors_ = 0;

  bool esmtp_ = false;
  std::string helo_;
  smtp::MailCommand sender_;
  std::vector<MailRecipient> recipients_;
  MailRecipient asked_;  // the recipient whose answer is awaited
  IncomingMail mail_;
  smtp::Chunk chunk_;  // in hand, when it is read
  std::uint64_t chunk_left_ = 0;
  std::optional<SmtpReply> chunk_refusal_;

  std::optional<Ticket> waiting_;
  Instant waiting_since_{};
  Instant line_started_{};
  Instant message_started_{};
  bool peer_ended_ = false;
};

SmtpServer::SmtpServer(SmtpServerSettings settings, MailSink& sink, const Clock& clock)
    : settings_(std::move(settings)),
      sink_(sink),
      clock_(clock),
      unknown_recipients_(settings_.unknown_recipients),
      trusted_unknown_recipients_(settings_.trusted_unknown_recipients, trusted_max),
      mail_memory_(settings_.mail_memory_max),
      connections_(
          {.connections = settings_.connections, .unsent_size_max = unsent_size_max, .idle = settings_.idle, .linger = settings_.linger},
          counts_, clock.now()) {
  set_trusted();
}

SmtpServer::~SmtpServer() = default;

void SmtpServer::set_trusted() {
  std::vector<SourceGroup> groups;
  if (!settings_.trusted.empty()) groups.push_back({.name = "trusted", .networks = settings_.trusted});
  connections_.limiter().set_groups(std::move(groups));
}

void SmtpServer::take(const SmtpServerSettings& fresh) {
  settings_.size_max = fresh.size_max;
  settings_.connections = fresh.connections;
  connections_.limiter().set_limits(fresh.connections);
  settings_.trusted = fresh.trusted;
  set_trusted();
  // What was spent of a budget that stays is spent.
  if (fresh.unknown_recipients != settings_.unknown_recipients) unknown_recipients_ = TwoBudgets(fresh.unknown_recipients);
  if (fresh.trusted_unknown_recipients != settings_.trusted_unknown_recipients)
    trusted_unknown_recipients_ = TwoBudgets(fresh.trusted_unknown_recipients, trusted_max);
  settings_.unknown_recipients = fresh.unknown_recipients;
  settings_.trusted_unknown_recipients = fresh.trusted_unknown_recipients;
}

void SmtpServer::on_accept(Stream& stream) {
  using enum ServerConnections::Welcome;
  const IpAddress source = stream.peer().ip;
  auto made = std::make_unique<Connection>(*this, stream);
  Connection& connection = *made;
  const auto welcome = connections_.add(std::move(made), ServerConnections::Wanted::yes);
  if (welcome != served) {
    turned_away_.note(source, connections_.is_draining() ? shutting_down.text : "too many connections", connections_.now());
    return welcome == refused ? connection.turn_away() : stream.abort();
  }
  // Behind TLS it could not speak yet; its time begins with on_open.
  if (!stream.is_encrypted()) greet(connection);
}

void SmtpServer::greet(Connection& connection) {
  if (connections_.limiter().is_named(connection.source().ip)) return connection.greet();
  connection.has_greeting_due = true;
  greetings_.push_back({.due = connections_.now() + settings_.greeting_delay, .connection = &connection});
}

void SmtpServer::forget(Connection& connection) {
  if (connection.has_greeting_due) {
    const auto greeting = std::ranges::find(greetings_, &connection, &Greeting::connection);
    if (greeting != greetings_.end()) greeting->connection = nullptr;
  }
  connections_.remove(connection);
}

void SmtpServer::tick(Instant now) {
  while (!greetings_.empty() && greetings_.front().due <= now) {
    if (Connection* connection = greetings_.front().connection; connection != nullptr) {
      connection->has_greeting_due = false;
      connection->greet();
    }
    greetings_.pop_front();
  }
  connections_.tick(now);
}

void SmtpServer::answer(Ticket ticket, Asked asked, const SmtpReply& reply) {
  const auto question = tickets_.find(ticket);
  if (!question || question->asked != asked) {
    ++counts_.late_answers;
    return;
  }
  question->connection->answered(asked, reply);
}

void SmtpServer::answer_recipient(Ticket ticket, const SmtpReply& reply) { answer(ticket, Asked::recipient, reply); }
void SmtpServer::answer_mail(Ticket ticket, const SmtpReply& reply) { answer(ticket, Asked::mail, reply); }

}  // namespace pushmail
