#include "dataplane/session/smtp_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "dataplane/session/errors.h"
#include "dataplane/session/lent.h"

namespace pushmail {

namespace {

constexpr Duration linger = seconds(5);

/// A reply that is awaited, and how long (RFC 5321 §4.5.3.2; the whole of the data as in limits).
enum class Step : std::uint8_t { greeting, ehlo, helo, mail, rcpt, data, body, rset, quit };
constexpr std::array<Duration, 9> step_times{seconds(300), seconds(300), seconds(300), seconds(300), seconds(300),
                                             seconds(120), seconds(600), seconds(300), seconds(10)};

SmtpAnswer to_answer(const smtp::Reply& reply) { return {.code = reply.code, .enhanced = reply.enhanced, .text = reply.text()}; }
SmtpOutcome outcome_of(int code) { return code / 100 == 5 ? SmtpOutcome::refused_permanent : SmtpOutcome::refused_temporary; }

struct Extensions {
  bool pipelining = false;
  bool eight_bit = false;
  bool utf8 = false;
  bool size = false;
  std::uint64_t size_max = 0;  // 0: no limit is announced (RFC 1870 §3)
};

Extensions read_extensions(const smtp::Reply& reply) {
  Extensions found;
  for (const std::string_view line : reply.lines) {
    const std::string_view keyword = line.substr(0, line.find(' '));
    if (ascii_equal_nocase(keyword, "PIPELINING")) found.pipelining = true;
    if (ascii_equal_nocase(keyword, "8BITMIME")) found.eight_bit = true;
    if (ascii_equal_nocase(keyword, "SMTPUTF8")) found.utf8 = true;
    if (!ascii_equal_nocase(keyword, "SIZE")) continue;
    found.size = true;
    const std::string_view digits = line.substr(std::min(keyword.size() + 1, line.size()));
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), found.size_max);
  }
  return found;
}

bool is_ascii(ByteView bytes) {
  return std::ranges::none_of(bytes, [](std::uint8_t byte) { return byte >= 0x80; });
}

}  // namespace

class SmtpClient::Connection final : public StreamEvents {
 public:
  Connection(SmtpClient& client, const Endpoint& host, Job job) : client_(client), host_(host), job_(std::move(job)), since_(client.now_) {}
  ~Connection() override {
    if (job_) release_lent(job_->mail.mail);
    if (second_half_) release_lent(*second_half_);
  }
  void bind(Stream& stream) { stream_ = &stream; }
  /// For a connection that could not even be started.
  [[nodiscard]] Job take_job() { return *std::exchange(job_, std::nullopt); }

  void on_open() override {
    opened_ = true;
    expect(Step::greeting);
  }
  void on_data(ByteView bytes) override {
    if (closing_) return;
    append(input_, bytes);
    while (!closing_) {
      auto reply = smtp::parse_reply(input_);
      if (reply.needs_more()) return;
      if (reply.is_bad()) return abort_with(*reply.error().info);
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(reply.used()));
      take(reply.value());
    }
  }
  void on_sent() override {
    if (closing_) return;
    if (second_half_) {
      client_.faults_.at(fault_point::data_half);
      return stream_->send_lent(*std::exchange(second_half_, std::nullopt));
    }
    if (std::exchange(body_in_flight_, false)) send_dot();
  }
  void on_end() override {
    if (closing_) return stream_->finish();
    abort_with(smtp_reply_cut);
  }
  void on_close(CloseReason) override {
    const ErrorInfo& why = why_ != nullptr ? *why_ : opened_ ? smtp_reply_cut : smtp_no_connection;
    SmtpClient& client = client_;
    std::optional<Job> job = std::exchange(job_, std::nullopt);
    SmtpResult result{.outcome = dot_sent_ ? SmtpOutcome::unknown : SmtpOutcome::not_sent,
                      .answer = {},
                      .recipients = std::move(recipients_),
                      .error = Error{.info = &why}};
    // The host had closed the connection that we kept: nothing was said about this mail yet, so it gets a fresh one, once.
    const bool stale = used_before_ && !job_answered_ && !dot_sent_ && !client.closing_;
    client.forget(*this);  // `this` is gone
    client.may_start_ = true;
    if (!job) return;
    if (stale && !job->retried) {
      job->retried = true;
      client.queue_.push_front(std::move(*job));
      return;
    }
    client.give_back(std::move(*job), std::move(result));
  }

  void start(Job job) {
    job_ = std::move(job);
    start_mail();
  }
  void check_deadlines(Instant now) {
    const Duration waited = now - since_;
    if (closing_) {
      if (waited > linger) stream_->abort();
    } else if (!opened_) {
      if (waited > client_.settings_.connect_time) abort_with(smtp_no_connection);
    } else if (idle()) {
      if (waited > client_.settings_.keep) say_quit();
    } else {
      const Duration most =
          expected_.empty() ? step_times[static_cast<std::size_t>(Step::body)] : step_times[static_cast<std::size_t>(expected_.front())];
      if (waited > most) abort_with(smtp_reply_late);
    }
  }
  void abort_with(const ErrorInfo& why) {
    if (why_ == nullptr) why_ = &why;
    become_closing();
    stream_->abort();
  }
  [[nodiscard]] bool idle() const { return ready_ && !job_ && expected_.empty() && !closing_; }
  [[nodiscard]] const Endpoint& host() const { return host_; }

 private:
  using Act = void (Connection::*)(const smtp::Reply&);
  static constexpr std::array<Act, 9> acts() {
    return {&Connection::greeted,       &Connection::ehlo_answered, &Connection::helo_answered,
            &Connection::mail_answered, &Connection::rcpt_answered, &Connection::data_answered,
            &Connection::body_answered, &Connection::rset_answered, &Connection::quit_answered};
  }

  void expect(Step step) {
    if (expected_.empty()) since_ = client_.now_;
    expected_.push_back(step);
  }
  void say(std::string_view text, Step answer) {
    stream_->send(bytes_of(text));
    expect(answer);
  }
  void take(const smtp::Reply& reply) {
    if (expected_.empty()) return unasked(reply);
    const Step step = expected_.front();
    expected_.pop_front();
    since_ = client_.now_;
    if (reply.code == 421) return closed_by_host(reply, step);
    (this->*acts()[static_cast<std::size_t>(step)])(reply);
  }
  /// A refusal in the middle of the data is the host's word all the same; anything else that nobody asked for is a broken dialogue.
  void unasked(const smtp::Reply& reply) {
    if (body_in_flight_ && reply.code >= 400) end_job(outcome_of(reply.code), to_answer(reply));
    abort_with(smtp_reply_cut);
  }
  /// RFC 5321 §3.8: 421 may answer any command, and the host closes after it.
  void closed_by_host(const smtp::Reply& reply, Step step) {
    // A kept connection that says 421 to the first word of a mail has only grown old.
    const bool stale = used_before_ && step == Step::mail && job_ && !job_->retried;
    become_closing();
    if (job_ && !stale) {
      job_answered_ = true;
      end_job(SmtpOutcome::refused_temporary, to_answer(reply));
    }
    stream_->finish();
  }

  // The greeting.

  void greeted(const smtp::Reply& reply) {
    // RFC 5321 §3.1: 554 is the host's refusal of everybody, not of this mail; another try may meet a better day.
    if (reply.code != 220) return refuse_and_quit(reply);
    say(fmt::format("EHLO {}\r\n", client_.settings_.domain), Step::ehlo);
  }
  void ehlo_answered(const smtp::Reply& reply) {
    if (reply.code == 250) {
      offered_ = read_extensions(reply);
      return become_ready();
    }
    // RFC 5321 §3.2: a host of RFC 821 answers 500 or so, and knows HELO.
    if (reply.code / 100 == 5) return say(fmt::format("HELO {}\r\n", client_.settings_.domain), Step::helo);
    refuse_and_quit(reply);
  }
  void helo_answered(const smtp::Reply& reply) {
    if (reply.code != 250) return refuse_and_quit(reply);
    become_ready();
  }
  void become_ready() {
    ready_ = true;
    if (job_)
      start_mail();
    else
      become_idle();
  }
  void refuse_and_quit(const smtp::Reply& reply) {
    if (job_) end_job(SmtpOutcome::refused_temporary, to_answer(reply));
    say_quit();
  }

  // A mail.

  void start_mail() {
    recipients_.assign(job_->mail.recipients.size(), {});
    next_recipient_ = 0;
    accepted_ = 0;
    sender_refused_.reset();
    job_answered_ = false;
    dot_sent_ = false;
    since_ = client_.now_;
    put_right();
    const ByteView mail = job_->mail.mail.bytes;
    const bool eight_bit = !is_ascii(mail);
    bool utf8 = !smtp::is_ascii(job_->mail.mail_from);
    for (const std::string& recipient : job_->mail.recipients) utf8 = utf8 || !smtp::is_ascii(recipient);
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
    if (reply.code != 250) sender_refused_ = to_answer(reply);
    if (offered_.pipelining) return;
    if (!sender_refused_) return say_rcpt(0);
    end_job(outcome_of(reply.code), *sender_refused_);
    become_idle();
  }
  void rcpt_answered(const smtp::Reply& reply) {
    // Behind a refused MAIL a pipelined RCPT is only "out of order": a 503 says nothing about the recipient (RFC 2920 §3.1).
    if (!sender_refused_) recipients_[next_recipient_] = to_answer(reply);
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
      end_job(outcome_of(reply.code), to_answer(reply));
    say("RSET\r\n", Step::rset);
  }
  void send_body() {
    LentBytes body = std::exchange(job_->mail.mail, {});
    since_ = client_.now_;
    if (body.bytes.empty()) {
      release_lent(body);
      return send_dot();
    }
    body_in_flight_ = true;
    if (!client_.faults_.armed() || body.bytes.size() < 2) return stream_->send_lent(body);
    const auto [first, second] = split_lent(body);
    second_half_ = second;
    stream_->send_lent(first);
  }
  void send_dot() {
    dot_sent_ = true;
    say(".\r\n", Step::body);
  }
  void body_answered(const smtp::Reply& reply) {
    if (sender_refused_ || accepted_ == 0)
      end_refused();
    else if (reply.code / 100 == 2)
      end_job(SmtpOutcome::delivered, to_answer(reply));
    else
      end_job(outcome_of(reply.code), to_answer(reply));
    become_idle();
  }
  /// Nobody was taken: by the sender's refusal, or by the recipients', of which a temporary one keeps hope.
  void end_refused() {
    SmtpAnswer decided = sender_refused_ ? *sender_refused_ : recipients_.front();
    if (!sender_refused_) {
      const auto temporary = std::ranges::find_if(recipients_, [](const SmtpAnswer& each) { return each.code / 100 != 5; });
      if (temporary != recipients_.end()) decided = *temporary;
    }
    const SmtpOutcome outcome = outcome_of(decided.code);
    end_job(outcome, std::move(decided));
  }
  void end_job(SmtpOutcome outcome, SmtpAnswer answer) {
    Job job = take_job();
    dot_sent_ = false;
    body_in_flight_ = false;
    client_.give_back(std::move(job), {.outcome = outcome, .answer = std::move(answer), .recipients = std::move(recipients_), .error = {}});
    recipients_.clear();
  }

  // Between mails.

  void rset_answered(const smtp::Reply& reply) {
    if (reply.code != 250) return say_quit();
    become_idle();
  }
  void become_idle() {
    used_before_ = true;
    since_ = client_.now_;
    client_.may_start_ = true;
  }
  void say_quit() {
    ready_ = false;
    say("QUIT\r\n", Step::quit);
  }
  void quit_answered(const smtp::Reply&) {
    become_closing();
    stream_->finish();
  }
  void become_closing() {
    closing_ = true;
    ready_ = false;
    since_ = client_.now_;
  }

  SmtpClient& client_;
  Stream* stream_ = nullptr;
  Endpoint host_;
  std::optional<Job> job_;
  Instant since_;  // of what is awaited, or of being idle
  std::deque<Step> expected_;
  Bytes input_;
  Extensions offered_;
  bool opened_ = false;
  bool ready_ = false;        // greeted, and not leaving
  bool used_before_ = false;  // a mail was here before this one
  bool closing_ = false;
  const ErrorInfo* why_ = nullptr;

  std::vector<SmtpAnswer> recipients_;  // of job_, as far as answered
  std::size_t next_recipient_ = 0;
  std::size_t accepted_ = 0;
  std::optional<SmtpAnswer> sender_refused_;
  bool job_answered_ = false;  // the host has said something about this mail
  bool body_in_flight_ = false;
  bool dot_sent_ = false;
  std::optional<LentBytes> second_half_;  // only with fault points
};

SmtpClient::SmtpClient(Network& network, SmtpClientSettings settings, SmtpClientEvents& events, const Clock& clock, FaultPoints faults)
    : network_(network), settings_(std::move(settings)), events_(events), faults_(faults), now_(clock.now()) {}

SmtpClient::~SmtpClient() {
  for (const Job& job : queue_) release_lent(job.mail.mail);
}

Result<std::uint64_t> SmtpClient::send(SmtpMail mail) {
  bool good = !mail.recipients.empty() && smtp::is_address(mail.mail_from, smtp::Utf8::allowed);
  for (const std::string& recipient : mail.recipients)
    good = good && !recipient.empty() && smtp::is_address(recipient, smtp::Utf8::allowed);
  const bool full = queue_.size() >= settings_.queue_max || closing_;
  if (full || !good) {
    release_lent(mail.mail);
    return fail(full ? smtp_queue_full : smtp_bad_envelope);
  }
  queue_.push_back({.id = ++last_id_, .mail = std::move(mail), .since = now_, .retried = false, .put_right = false});
  may_start_ = true;
  return last_id_;
}

void SmtpClient::tick(Instant now) {
  now_ = now;
  if (std::exchange(may_start_, false)) start_waiting();
  for (const auto& connection : connections_) connection->check_deadlines(now);
  while (!queue_.empty() && now - queue_.front().since > settings_.queue_time) {
    Job late = std::move(queue_.front());
    queue_.pop_front();
    give_back(std::move(late),
              {.outcome = SmtpOutcome::not_sent, .answer = {}, .recipients = {}, .error = Error{.info = &smtp_reply_late}});
  }
}

void SmtpClient::start_waiting() {
  std::deque<Job> waiting;
  waiting.swap(queue_);
  std::deque<Job> left;
  for (Job& job : waiting) {
    if (!place(job)) left.push_back(std::move(job));
  }
  // Results told meanwhile may have brought new mails: they come behind.
  for (Job& job : queue_) left.push_back(std::move(job));
  queue_ = std::move(left);
}

/// Gives the job to a connection; false when it has to wait.
bool SmtpClient::place(Job& job) {
  std::uint32_t of_host = 0;
  for (const auto& connection : connections_) {
    if (connection->host() != job.mail.host) continue;
    ++of_host;
    if (!connection->idle() || job.retried) continue;
    connection->start(std::move(job));
    return true;
  }
  if (of_host >= settings_.connections_per_host_max || connections_.size() >= settings_.connections_max) return false;
  return open_connection(job);
}

bool SmtpClient::open_connection(Job& job) {
  const Endpoint host = job.mail.host;
  auto connection = std::make_unique<Connection>(*this, host, std::move(job));
  const auto stream = network_.connect(host, *connection);
  if (!stream) {
    give_back(connection->take_job(), {.outcome = SmtpOutcome::not_sent, .answer = {}, .recipients = {}, .error = stream.error()});
    return true;
  }
  connection->bind(**stream);
  connections_.push_back(std::move(connection));
  return true;
}

void SmtpClient::give_back(Job job, SmtpResult result) {
  release_lent(job.mail.mail);
  events_.on_smtp_result(job.id, std::move(result));
}

void SmtpClient::forget(Connection& connection) {
  std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
}

void SmtpClient::close_all() {
  closing_ = true;
  std::deque<Job> waiting;
  waiting.swap(queue_);
  for (Job& job : waiting) {
    give_back(std::move(job), {.outcome = SmtpOutcome::not_sent, .answer = {}, .recipients = {}, .error = Error{.info = &smtp_reply_cut}});
  }
  for (const auto& connection : connections_) connection->abort_with(smtp_reply_cut);
}

}  // namespace pushmail
