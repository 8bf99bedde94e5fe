// One connection of the SMTP client: the dialogue, from the greeting to QUIT, and what its end means for the mail that is on it. Included
// by smtp_client.cpp alone, which decides who gets a connection.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/ascii.h"
#include "core/timers.h"
#include "dataplane/session/endings.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/lent.h"
#include "dataplane/session/smtp_client.h"
#include "dataplane/session/smtp_client_state.h"

namespace pushmail {

namespace smtp_dialogue {

/// A reply that is awaited, and how long (RFC 5321 §4.5.3.2; the whole of the data as in limits).
enum class Step : std::uint8_t { greeting, ehlo, helo, starttls, auth, mail, rcpt, data, body, rset, quit };
inline constexpr std::array<Duration, 11> step_times{seconds(300), seconds(300), seconds(300), seconds(300), seconds(300), seconds(300),
                                                     seconds(300), seconds(120), seconds(600), seconds(300), seconds(10)};

inline SmtpAnswer to_answer(const smtp::Reply& reply) { return {.code = reply.code, .enhanced = reply.enhanced, .text = reply.text()}; }
/// RFC 5321 §4.5.3.1.10: hosts of RFC 821 say 552 to the recipient that is one too many for a mail; others mean a full mailbox (5.2.2) or a
/// mail too large (5.3.4) and say so.
inline SmtpAnswer to_recipient_answer(const smtp::Reply& reply, bool others_taken) {
  SmtpAnswer answer = to_answer(reply);
  const bool too_many = reply.code == 552 && others_taken && (answer.enhanced.empty() || answer.enhanced == "5.5.3");
  if (too_many) {
    answer.code = 452;
    answer.enhanced = "4.5.3";
  }
  return answer;
}
/// RFC 4954 §6: these are about our log-in, or that there is none, and not about the mail.
inline bool is_about_login(int code) { return code == 530 || code == 534 || code == 535 || code == 538; }
inline SmtpOutcome outcome_of(int code) {
  return code / 100 == 5 && !is_about_login(code) ? SmtpOutcome::refused_permanent : SmtpOutcome::refused_temporary;
}
/// What a connection ends for that the next one to the same host would end for too.
inline bool is_for_everybody(const ErrorInfo& why) {
  const std::array all{&smtp_no_starttls, &smtp_injected, &smtp_no_login, &smtp_bad_login, &smtp_login_in_clear, &smtp_no_secret};
  return std::ranges::find(all, &why) != all.end();
}

struct Extensions {
  bool pipelining = false;
  bool eight_bit = false;
  bool utf8 = false;
  bool size = false;
  bool starttls = false;
  smtp::Mechanisms auth;
  std::uint64_t size_max = 0;  // 0: no limit is announced (RFC 1870 §3)
};

inline Extensions read_extensions(const smtp::Reply& reply) {
  Extensions found;
  for (const std::string_view line : reply.lines) {
    const std::string_view keyword = line.substr(0, line.find(' '));
    if (ascii_equal_nocase(keyword, "PIPELINING")) found.pipelining = true;
    if (ascii_equal_nocase(keyword, "8BITMIME")) found.eight_bit = true;
    if (ascii_equal_nocase(keyword, "SMTPUTF8")) found.utf8 = true;
    if (ascii_equal_nocase(keyword, "STARTTLS")) found.starttls = true;
    found.auth.read(line);
    if (!ascii_equal_nocase(keyword, "SIZE")) continue;
    found.size = true;
    const std::string_view digits = line.substr(std::min(keyword.size() + 1, line.size()));
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), found.size_max);
  }
  return found;
}

inline bool is_seven_bit(ByteView bytes) {
  // Without a way out in the middle the compiler takes a register's width at a time.
  std::uint8_t seen = 0;
  for (const std::uint8_t byte : bytes) seen |= byte;
  return seen < 0x80;
}

}  // namespace smtp_dialogue

class SmtpClient::Connection final : public ClientConnection {
  using Step = smtp_dialogue::Step;
  using State = SmtpClientState;
  using Event = SmtpClientEvent;

 public:
  Connection(SmtpClient& client, Host& host, Job job) : client_(client), host_(host), job_(std::move(job)), since_(client.now_) {}
  ~Connection() override {
    if (job_) release_lent(job_->mail.mail);
  }
  /// For a connection that could not even be started.
  [[nodiscard]] Job take_job() { return *std::exchange(job_, std::nullopt); }

  void on_open() override {
    opened_ = true;
    // RFC 3207 §4.2: behind STARTTLS nothing that was said before holds.
    if (is_covered_) return say_ehlo();
    state_.move(Event::opened);
    expect(Step::greeting);
  }
  void on_data(ByteView bytes) override {
    if (state_ == State::closing) return;
    append(input_, bytes);
    while (state_ != State::closing) {
      auto reply = smtp::parse_reply(input_);
      if (reply.needs_more()) return;
      if (reply.is_bad()) return abort_with(*reply.error().info);
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(reply.used()));
      take(reply.value());
    }
  }
  void on_sent() override {
    if (state_ == State::closing) return;
    if (!second_half_.empty()) {
      client_.faults_.at(fault_point::data_half);
      return send_to_the_dot(std::exchange(second_half_, {}));
    }
    // RFC 5321 §4.5.3.2.6: the wait for the reply begins when the dot is out.
    if (!std::exchange(body_sent_, true)) since_ = client_.now_;
  }
  void on_end() override {
    if (state_ == State::closing) return stream().finish();
    abort_with(smtp_reply_cut);
  }
  void on_close(CloseReason) override {
    const ErrorInfo& why = reason_or(opened_ ? smtp_reply_cut : smtp_no_connection);
    SmtpClient& client = client_;
    Host& host = host_;
    const bool was_opening = !opened_;
    const bool stalled = ended_by(smtp_reply_late) && host.target.is_silent_since(replied_at_);
    const Next next = next_after(Exchange::mail, ending(), used_before_ && !job_answered_ ? Use::reused : Use::fresh);
    std::optional<Job> job = std::exchange(job_, std::nullopt);
    std::optional<SmtpResult> decided = std::exchange(decided_, std::nullopt);
    SmtpResult result{.outcome = next == Next::unknown ? SmtpOutcome::unknown : SmtpOutcome::not_sent,
                      .answer = {},
                      .recipients = std::move(recipients_),
                      .error = Error{.info = &why}};
    client.forget(*this);  // `this` is gone, and the stream has let go of the mail
    if (job && decided) {
      client.give_back(std::move(*job), std::move(*decided));
    } else if (job && next == Next::again && job->again < mail_again_max && !client.closing_) {
      ++job->again;
      ++client.queued_count_;
      host.queue.push_front(std::move(*job));
    } else if (job) {
      client.give_back(std::move(*job), std::move(result));
    }
    if (was_opening || smtp_dialogue::is_for_everybody(why)) client.connection_failed(host, why);
    if (stalled) client.fail_waiting(host, not_sent(why));
    client.changed(host);
  }

  void start(Job job) {
    job_ = std::move(job);
    start_mail();
  }
  void check_deadlines(Instant now) {
    const Duration waited = now - since_;
    if (state_ == State::closing) {
      if (waited > timers::session_linger) stream().abort();
    } else if (state_ == State::opening) {
      if (waited > client_.settings_.connect_time) abort_with(smtp_no_connection);
    } else if (idle()) {
      if (waited > client_.settings_.keep) say_quit();
    } else {
      const Step awaited = expected_.empty() ? Step::body : expected_.front();
      const Duration most = smtp_dialogue::step_times[static_cast<std::size_t>(awaited)];
      if (waited > most) return abort_with(smtp_reply_late);
      // The host is looked at when something changes: here a place becomes free.
      if (!host_.queue.empty() && is_passed_over(now)) client_.changed(host_);
    }
  }
  void abort_with(const ErrorInfo& why) {
    become_closing();
    abort_stream(why);
  }
  [[nodiscard]] bool idle() const { return ready() && !job_ && expected_.empty(); }
  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  /// Its mail has waited so long that it holds no place any more.
  [[nodiscard]] bool is_passed_over(Instant now) const { return job_ && ready() && host_.target.concurrency.is_passed_over(started_, now); }
  [[nodiscard]] bool leaving() const { return state_ == State::closing || state_ == State::quitting; }
  [[nodiscard]] Host& host() const { return host_; }
  /// No mail comes after the one that it has.
  void drain() {
    if (state_ == State::opening) return abort_with(smtp_closing);
    if (idle()) say_quit();
  }
  void say_quit() {
    state_.move(Event::quit);
    client_.changed(host_);
    say("QUIT\r\n", Step::quit);
  }

 private:
  using Act = void (Connection::*)(const smtp::Reply&);
  static constexpr std::array<Act, 11> acts() {
    return {&Connection::greeted,       &Connection::ehlo_answered, &Connection::helo_answered, &Connection::starttls_answered,
            &Connection::auth_answered, &Connection::mail_answered, &Connection::rcpt_answered, &Connection::data_answered,
            &Connection::body_answered, &Connection::rset_answered, &Connection::quit_answered};
  }

  void expect(Step step) {
    if (expected_.empty()) since_ = client_.now_;
    expected_.push_back(step);
  }
  void say(std::string_view text, Step answer) {
    send(text);
    expect(answer);
  }
  [[nodiscard]] Ending ending() const {
    if (!dot_offset_) return Ending::unread;
    if (!input_.empty()) return Ending::cut;
    return is_unread(*dot_offset_) ? Ending::unread : Ending::silent;
  }
  void take(const smtp::Reply& reply) {
    // Nobody asked: a broken dialogue.
    if (expected_.empty()) return abort_with(smtp_reply_cut);
    const Step step = expected_.front();
    expected_.pop_front();
    since_ = client_.now_;
    replied_at_ = client_.clock_.now();
    host_.target.note_answer(replied_at_);
    if (reply.code == 421) return closed_by_host(reply, step);
    (this->*acts()[static_cast<std::size_t>(step)])(reply);
  }
  /// RFC 5321 §3.8: 421 may answer any command, and the host closes after it.
  void closed_by_host(const smtp::Reply& reply, Step step) {
    // A kept connection that says 421 to the first word of a mail has only grown old.
    const bool stale = used_before_ && step == Step::mail && job_ && job_->again < mail_again_max;
    const bool was_ready = ready();
    if (was_ready && !stale) host_.target.concurrency.on_overload(client_.now_);
    if (!body_sent_) return refused_in_the_data(reply);
    become_closing();
    if (job_ && !stale) {
      job_answered_ = true;
      end_job(SmtpOutcome::refused_temporary, smtp_dialogue::to_answer(reply));
    }
    if (!was_ready && step != Step::quit) refused_everybody(reply);
    stream().finish();
  }

  // The greeting.

  void greeted(const smtp::Reply& reply) {
    // RFC 5321 §3.1: 554 is the host's refusal of everybody, not of this mail; another try may meet a better day.
    if (reply.code != 220) return refuse_and_quit(reply);
    say_ehlo();
  }
  void say_ehlo() { say(fmt::format("EHLO {}\r\n", client_.settings_.domain), Step::ehlo); }
  void ehlo_answered(const smtp::Reply& reply) {
    if (reply.code == 250) {
      offered_ = smtp_dialogue::read_extensions(reply);
      return lacks_cover() ? ask_for_tls() : log_in();
    }
    // RFC 5321 §3.2: a host of RFC 821 answers 500 or so, and knows HELO.
    if (reply.code / 100 == 5) return say(fmt::format("HELO {}\r\n", client_.settings_.domain), Step::helo);
    refuse_and_quit(reply);
  }
  void helo_answered(const smtp::Reply& reply) {
    if (reply.code != 250) return refuse_and_quit(reply);
    if (lacks_cover()) return abort_with(smtp_no_starttls);
    log_in();
  }
  [[nodiscard]] bool lacks_cover() const { return client_.settings_.starttls != nullptr && !is_covered_; }
  void ask_for_tls() {
    if (!offered_.starttls) return abort_with(smtp_no_starttls);
    say("STARTTLS\r\n", Step::starttls);
  }
  void starttls_answered(const smtp::Reply& reply) {
    if (reply.code != 220) return abort_with(smtp_no_starttls);
    // What came in one piece with the reply was never encrypted, and would be read as if it had been.
    if (!input_.empty()) return abort_with(smtp_injected);
    const auto over = client_.settings_.starttls->cover(stream(), *this);
    if (!over) return abort_with(*over.error().info);
    is_covered_ = true;
    opened_ = false;
    offered_ = {};
    reseat(**over);
  }
  void log_in() {
    const SmtpLogin* const login = client_.login_for(host_);
    if (login == nullptr) return become_ready();
    // RFC 4954 §9: whoever listens would have the password.
    if (!login->is_allowed_in_clear && !stream().is_encrypted()) return abort_with(smtp_login_in_clear);
    const auto mechanism = smtp::choose_mechanism(login->scheme, offered_.auth);
    if (!mechanism) return abort_with(smtp_no_login);
    const auto secret = login->secret();
    if (!secret) return abort_with(smtp_no_secret);
    login_.emplace(*mechanism, login->user, *secret);
    say(login_->begin() + "\r\n", Step::auth);
  }
  void auth_answered(const smtp::Reply& reply) {
    if (reply.code == 334) {
      const auto next = login_->answer();
      if (!next) return abort_with(smtp_bad_login);
      return say(*next + "\r\n", Step::auth);
    }
    login_.reset();
    if (reply.code == 235) {
      client_.login_rest_ = {};
      return become_ready();
    }
    smtp::Reply named = reply;
    named.lines.insert(named.lines.begin(), "log-in refused:");
    client_.login_refused(smtp_dialogue::to_answer(named));
    refuse_and_quit(named);
  }
  void become_ready() {
    state_.move(Event::welcomed);
    if (job_)
      start_mail();
    else
      become_idle();
  }
  void refuse_and_quit(const smtp::Reply& reply) {
    if (job_) end_job(SmtpOutcome::refused_temporary, smtp_dialogue::to_answer(reply));
    say_quit();
    refused_everybody(reply);
  }
  /// What waits for this host would only be told the same, unless another connection works.
  void refused_everybody(const smtp::Reply& reply) {
    if (client_.has_ready(host_)) return host_.target.concurrency.on_overload(client_.now_);
    client_.fail_waiting(host_, decision(SmtpOutcome::refused_temporary, reply));
  }

  // A mail.

  void start_mail() {
    recipients_.assign(job_->mail.recipients.size(), {});
    next_recipient_ = 0;
    accepted_ = 0;
    sender_refused_.reset();
    job_answered_ = false;
    dot_offset_.reset();
    since_ = client_.now_;
    started_ = client_.clock_.now();
    put_right();
    const ByteView mail = job_->mail.mail.bytes;
    const bool eight_bit = !smtp_dialogue::is_seven_bit(mail);
    bool utf8 = !is_ascii(job_->mail.mail_from);
    for (const std::string& recipient : job_->mail.recipients) utf8 = utf8 || !is_ascii(recipient);
    // RFC 6152 §3, RFC 6531 §3.2, RFC 1870 §6.1: what was not offered must not be sent.
    if (utf8 && !offered_.utf8) return refuse_here({.code = 550, .enhanced = "5.6.7", .text = "the host does not offer SMTPUTF8"});
    if (eight_bit && !offered_.eight_bit)
      return refuse_here({.code = 554, .enhanced = "5.6.3", .text = "the host does not offer 8BITMIME"});
    if (offered_.size_max != 0 && mail.size() > offered_.size_max)
      return refuse_here({.code = 552, .enhanced = "5.3.4", .text = "larger than the host takes"});
    std::string command = fmt::format("MAIL FROM:<{}>", job_->mail.mail_from);
    if (offered_.size) command += fmt::format(" SIZE={}", mail.size());
    if (eight_bit) command += " BODY=8BITMIME";
    if (utf8) command += " SMTPUTF8";
    say(command + "\r\n", Step::mail);
    if (!offered_.pipelining) return;
    // RFC 2920 §3.1: MAIL, RCPT and DATA in one group, DATA its last.
    for (std::size_t i = 0; i < recipients_.size(); ++i) say_rcpt(i);
    say("DATA\r\n", Step::data);
  }
  /// Dots and line ends: a changed mail is a copy of ours, and the lender gets his back now.
  void put_right() {
    LentBytes& lent = job_->mail.mail;
    if (std::exchange(job_->put_right, true)) return;
    auto stuffed = smtp::stuff(lent.bytes);
    if (!stuffed) return;
    release_lent(lent);
    lent = lend_own(std::move(*stuffed));
  }
  void refuse_here(SmtpAnswer answer) {
    end_job(SmtpOutcome::refused_permanent, std::move(answer));
    become_idle();
  }
  void say_rcpt(std::size_t index) { say(fmt::format("RCPT TO:<{}>\r\n", job_->mail.recipients[index]), Step::rcpt); }

  void mail_answered(const smtp::Reply& reply) {
    job_answered_ = true;
    if (reply.code != 250) sender_refused_ = smtp_dialogue::to_answer(reply);
    if (offered_.pipelining) return;
    if (!sender_refused_) return say_rcpt(0);
    end_job(smtp_dialogue::outcome_of(reply.code), *sender_refused_);
    become_idle();
  }
  void rcpt_answered(const smtp::Reply& reply) {
    // Behind a refused MAIL a pipelined RCPT is only "out of order": a 503 says nothing about the recipient (RFC 2920 §3.1).
    if (!sender_refused_) recipients_[next_recipient_] = smtp_dialogue::to_recipient_answer(reply, accepted_ > 0);
    ++next_recipient_;
    if (reply.code / 100 == 2) ++accepted_;
    if (offered_.pipelining) return;
    if (next_recipient_ < recipients_.size()) return say_rcpt(next_recipient_);
    if (accepted_ > 0) return say("DATA\r\n", Step::data);
    end_refused();
    say("RSET\r\n", Step::rset);
  }
  void data_answered(const smtp::Reply& reply) {
    const bool nobody = sender_refused_ || accepted_ == 0;
    if (reply.code == 354) {
      // RFC 2920 §3.1: a host that says 354 although it took nobody gets an empty mail, and must refuse it.
      if (nobody) return say(".\r\n", Step::body);
      return send_body();
    }
    if (nobody)
      end_refused();
    else
      end_job(smtp_dialogue::outcome_of(reply.code), smtp_dialogue::to_answer(reply));
    say("RSET\r\n", Step::rset);
  }
  void send_body() {
    const ByteView mail = job_->mail.mail.bytes;
    body_sent_ = false;
    expect(Step::body);
    if (!client_.faults_.armed() || mail.size() < 2) return send_to_the_dot(mail);
    second_half_ = mail.subspan(mail.size() / 2);
    lend(mail.first(mail.size() / 2));
  }
  /// The dot leaves with the data: alone it would wait for an acknowledgement that the host delays.
  void send_to_the_dot(ByteView rest) {
    if (!rest.empty()) lend(rest);
    send(".\r\n");
    dot_offset_ = given_size() - 1;
  }
  void body_answered(const smtp::Reply& reply) {
    if (!body_sent_) return refused_in_the_data(reply);
    // RFC 5321 §4.2.1: neither taken nor refused; whoever says 354 to the final dot has lost count, and nobody knows what he keeps.
    if (const int kind = reply.code / 100; kind != 2 && kind != 4 && kind != 5) return abort_with(smtp_reply_cut);
    if (sender_refused_ || accepted_ == 0)
      end_refused();
    else if (reply.code / 100 == 2)
      delivered(reply);
    else
      end_job(smtp_dialogue::outcome_of(reply.code), smtp_dialogue::to_answer(reply));
    become_idle();
  }
  void delivered(const smtp::Reply& reply) {
    const Instant now = client_.clock_.now();
    host_.target.concurrency.on_answer(now - started_, host_.queue.empty() ? Demand::none : Demand::waiting, now);
    end_job(SmtpOutcome::delivered, smtp_dialogue::to_answer(reply));
  }
  /// A refusal before the data is out is the host's word all the same, told when the stream has let go of the mail. Nothing may follow it:
  /// the rest of the data would be read as commands. An acceptance of what has not arrived is a broken dialogue.
  void refused_in_the_data(const smtp::Reply& reply) {
    if (job_ && reply.code >= 400) {
      decided_ = decision(smtp_dialogue::outcome_of(reply.code), reply);
      decided_->recipients = std::move(recipients_);
    }
    abort_with(smtp_reply_cut);
  }
  /// Nobody was taken: by the sender's refusal, or by the recipients', of which a temporary one keeps hope.
  void end_refused() {
    SmtpAnswer decided = sender_refused_ ? *sender_refused_ : recipients_.front();
    if (!sender_refused_) {
      const auto temporary = std::ranges::find_if(recipients_, [](const SmtpAnswer& each) { return each.code / 100 != 5; });
      if (temporary != recipients_.end()) decided = *temporary;
    }
    const SmtpOutcome outcome = smtp_dialogue::outcome_of(decided.code);
    end_job(outcome, std::move(decided));
  }
  void end_job(SmtpOutcome outcome, SmtpAnswer answer) {
    Job job = take_job();
    dot_offset_.reset();
    client_.give_back(std::move(job), {.outcome = outcome, .answer = std::move(answer), .recipients = std::move(recipients_), .error = {}});
    recipients_.clear();
  }

  [[nodiscard]] static SmtpResult decision(SmtpOutcome outcome, const smtp::Reply& reply) {
    return {.outcome = outcome, .answer = smtp_dialogue::to_answer(reply), .recipients = {}, .error = {}};
  }

  // Between mails.

  void rset_answered(const smtp::Reply& reply) {
    if (reply.code != 250) return say_quit();
    become_idle();
  }
  void become_idle() {
    used_before_ = true;
    since_ = client_.now_;
    if (client_.closing_) return say_quit();
    client_.changed(host_);
  }
  void quit_answered(const smtp::Reply&) {
    become_closing();
    stream().finish();
  }
  void become_closing() {
    state_.move(Event::close);
    since_ = client_.now_;
  }

  SmtpClient& client_;
  Host& host_;
  std::optional<Job> job_;
  Instant since_;  // of what is awaited, or of being idle
  Instant replied_at_{};
  std::deque<Step> expected_;
  Bytes input_;
  smtp_dialogue::Extensions offered_;
  std::optional<smtp::LoginDialogue> login_;  // while it goes on
  StateBy<smtp_client_steps, State::opening> state_;
  bool opened_ = false;       // it was, whatever it is now
  bool is_covered_ = false;   // behind STARTTLS
  bool used_before_ = false;  // a mail was here before this one

  std::vector<SmtpAnswer> recipients_;  // of job_, as far as answered
  std::size_t next_recipient_ = 0;
  std::size_t accepted_ = 0;
  std::optional<SmtpAnswer> sender_refused_;
  bool job_answered_ = false;  // the host has said something about this mail
  Instant started_{};
  std::optional<std::uint64_t> dot_offset_;  // the last byte of the final dot's line, in what was given to the stream
  bool body_sent_ = true;                    // nothing of a mail is with the stream
  std::optional<SmtpResult> decided_;        // and told when the stream is dead
  ByteView second_half_;                     // only with fault points
};

}  // namespace pushmail
