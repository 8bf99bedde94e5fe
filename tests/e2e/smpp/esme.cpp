// Our ESME on a leash, for tests/e2e/smpp_npm.py.
//
//   esme ADDRESS:PORT SYSTEM_ID PASSWORD SOURCE
//
// In, a line each: `submit ID NUMBER TEXT`, `stop`. Out, a line of JSON for everything that BearerEvents says.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <charconv>
#include <cstdio>
#include <istream>

#include "controlplane/notify/smpp_session.h"
#include "core/log.h"

namespace pushmail::notify {
namespace {

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

class Teller final : public BearerEvents {
 public:
  void on_bearer_ready() override { say(R"({"event":"ready"})"); }
  void on_bearer_lost(std::string_view reason, std::span<const std::int64_t>) override {
    say(fmt::format(R"({{"event":"lost","reason":"{}"}})", json_escape(reason)));
  }
  void on_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) override {
    const std::string smsc_id = smsc_ids.empty() ? std::string() : smsc_ids.front();
    say(fmt::format(R"({{"event":"sent","id":{},"smsc_id":"{}"}})", id, json_escape(smsc_id)));
  }
  void on_parts(std::int64_t id, const std::vector<std::string>&) override { say(fmt::format(R"({{"event":"parts","id":{}}})", id)); }
  void on_refused(std::int64_t id, std::string_view reason) override {
    say(fmt::format(R"({{"event":"refused","id":{},"reason":"{}"}})", id, json_escape(reason)));
  }
  void on_deferred(std::int64_t id, std::string_view reason) override {
    say(fmt::format(R"({{"event":"deferred","id":{},"reason":"{}"}})", id, json_escape(reason)));
  }
  void on_in_doubt(std::int64_t id, std::string_view reason) override {
    say(fmt::format(R"({{"event":"in_doubt","id":{},"reason":"{}"}})", id, json_escape(reason)));
  }
  Taken on_sms(const IncomingSms& message) override {
    say(fmt::format(R"({{"event":"mo","from":"{}","to":"{}","text":"{}"}})", json_escape(message.source), json_escape(message.destination),
                    json_escape(message.text)));
    return Taken::yes;
  }
  void on_receipt(const SmsReceipt& receipt) override {
    say(fmt::format(R"({{"event":"receipt","phone":"{}","smsc_id":"{}","word":"{}"}})", json_escape(receipt.source),
                    json_escape(receipt.smsc_id), json_escape(receipt.word)));
  }
};

class Leash {
 public:
  Leash(boost::asio::io_context& context, SmppSession& session) : session_(session), input_(context, 0) { next(); }

 private:
  void next() {
    boost::asio::async_read_until(input_, buffer_, '\n', [this](const boost::system::error_code& error, std::size_t) {
      if (error) return session_.stop();
      std::istream stream(&buffer_);
      std::string line;
      std::getline(stream, line);
      obey(line);
      next();
    });
  }
  void obey(std::string_view line) {
    if (!line.starts_with("submit ")) return session_.stop();
    line.remove_prefix(7);
    OutgoingNotice sms;
    const auto end = std::from_chars(line.data(), line.data() + line.size(), sms.id).ptr;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    const std::size_t space = line.find(' ');
    const auto number = Msisdn::from_digits(line.substr(0, space));
    if (!number) return say(R"({"event":"bad_number"})");
    sms.to = *number;
    sms.content = std::string(line.substr(space + 1));
    session_.submit(sms);
  }

  SmppSession& session_;
  boost::asio::posix::stream_descriptor input_;
  boost::asio::streambuf buffer_;
};

}  // namespace
}  // namespace pushmail::notify

int main(int argc, char** argv) {
  using namespace pushmail;
  if (argc != 5) return 64;
  log_start("test", LogLevel::info, LogPersons::clear);
  const auto smsc = parse_endpoint(argv[1]);
  if (!smsc) return 64;
  boost::asio::io_context context;
  const SystemClock clock;
  notify::Teller teller;
  AlreadyDurable durable;
  notify::SmppSession session(context, clock,
                              {.smsc = *smsc,
                               .system_id = argv[2],
                               .password = argv[3],
                               .source = argv[4],
                               .throttle_pause = milliseconds(200),
                               .rebind_first = milliseconds(200)},
                              durable, teller);
  session.start();
  const notify::Leash leash(context, session);
  context.run();
  return 0;
}
