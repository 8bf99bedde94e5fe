#include "tests/sim/edge/smart_host.h"

#include <fmt/format.h>

namespace pushmail::edge {

namespace {

std::string subject_of(std::string_view mail) {
  const std::size_t at = mail.find("\r\nSubject: ");
  if (at == std::string_view::npos) return {};
  return std::string(mail.substr(at + 11, mail.find("\r\n", at + 2) - at - 11));
}

}  // namespace

class SmartHost::Session final : public StreamEvents {
 public:
  Session(SmartHost& host, Stream& stream, std::uint64_t number)
      : host_(host), stream_(&stream), number_(number), closing_(draw_closing(host.random_)) {
    draw_deed();
  }

  void start() {
    if (acts(SmtpMoment::greeting)) return act();
    stream_->send(bytes_of("220 host.example ESMTP\r\n"));
  }
  void on_data(ByteView bytes) override {
    if (deaf_) return;
    append(input_, bytes);
    while (!deaf_ && (in_body_ ? take_body() : take_line())) {
    }
  }
  void on_end() override { stream_->finish(); }
  void on_close(CloseReason) override { host_.sessions_.erase(number_); }  // `this` is gone

  void end(Then then) {
    // Before it, for `this` may be gone afterwards.
    deaf_ = deaf_ || then != Then::keep;
    go_on(*stream_, then);
  }

 private:
  void draw_deed() { deed_ = host_.calm_ ? &calm_host : &draw(host_deeds, host_.random_); }
  [[nodiscard]] bool acts(SmtpMoment moment) const { return deed_->moment == moment; }
  void act() {
    const HostDeed& deed = *deed_;
    if (!deed.reply.empty()) stream_->send(bytes_of(deed.reply));
    draw_deed();
    end(deed.then);
  }
  void say(std::string_view reply) { stream_->send(bytes_of(reply)); }

  bool take_line() {
    const std::string_view text = text_of(input_);
    const std::size_t end_of_line = text.find("\r\n");
    if (end_of_line == std::string_view::npos) return false;
    const std::string line(text.substr(0, end_of_line));
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(end_of_line + 2));
    if (line.starts_with("EHLO")) {
      say("250-host.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    } else if (line.starts_with("MAIL FROM:")) {
      refused_ = acts(SmtpMoment::mail);
      if (refused_)
        act();
      else
        say("250 2.1.0 ok\r\n");
    } else if (line.starts_with("RCPT TO:")) {
      say(refused_ ? "503 5.5.1 no MAIL\r\n" : "250 2.1.5 ok\r\n");
    } else if (line == "DATA") {
      if (acts(SmtpMoment::data)) {
        act();
      } else if (refused_) {
        say("503 5.5.1 no MAIL\r\n");
      } else {
        in_body_ = true;
        say("354 go on\r\n");
      }
    } else if (line == "RSET") {
      say("250 2.0.0 ok\r\n");
    } else if (line == "QUIT") {
      say("221 2.0.0 bye\r\n");
      end(Then::finish);
    } else {
      host_.failure_ = fmt::format("the mail server cannot read the command {}", line);
      end(Then::reset);
    }
    return true;
  }

  bool take_body() {
    if (!input_.empty() && acts(SmtpMoment::body_begun)) {
      act();
      return false;
    }
    const std::string_view text = text_of(input_);
    const std::size_t dot = text.find("\r\n.\r\n");
    if (dot == std::string_view::npos) return false;
    const std::string subject = subject_of(text.substr(0, dot));
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(dot + 5));
    in_body_ = false;
    Entry& entry = host_.ledger_[subject];
    ++entry.seen;
    // A deed of another moment that did not come up: then it is an ordinary mail.
    const HostDeed& deed = acts(SmtpMoment::dot) ? *deed_ : calm_host;
    const bool takes = deed.takes == Takes::yes || (deed.takes == Takes::drawn && host_.random_.chance(0.5));
    if (takes) ++entry.taken;
    if (!deed.reply.empty()) say(deed.reply);
    draw_deed();
    end(deed.then);
    if (++answers_ == closing_.after_answers && !deaf_) {
      host_.schedule_.at(host_.clock_.now() + closing_.delay, [&host = host_, number = number_] {
        const auto session = host.sessions_.find(number);
        if (session != host.sessions_.end()) session->second->end(Then::finish);
      });
    }
    return true;
  }

  SmartHost& host_;
  Stream* stream_;
  std::uint64_t number_;
  Closing closing_;
  const HostDeed* deed_ = nullptr;
  std::uint32_t answers_ = 0;
  bool deaf_ = false;
  bool refused_ = false;
  bool in_body_ = false;
  Bytes input_;
};

SmartHost::SmartHost(Schedule& schedule, const Clock& clock, std::uint64_t seed) : schedule_(schedule), clock_(clock), random_(seed) {}
SmartHost::~SmartHost() = default;

void SmartHost::on_accept(Stream& stream) {
  const std::uint64_t number = ++last_session_;
  auto session = std::make_unique<Session>(*this, stream, number);
  stream.set_events(*session);
  Session& made = *session;
  sessions_.emplace(number, std::move(session));
  made.start();
}

}  // namespace pushmail::edge
