// Where the messages of perf/run dataplane go: an MMSC that answers every SubmitReq with 1000, after a delay, and an SMTP server that
// takes every mail. Strict: what is no SubmitReq, or a command out of turn, is refused and counted.
//
//   perf_sinks MMSC_ADDRESS:PORT SMTP_ADDRESS:PORT DELAY_MS        order: any; answer: {"submits":N,"mails":N,"refused":N}
#include <fmt/format.h>

#include <deque>

#include "perf/dataplane/sockets.h"

namespace pushmail::perf {
namespace {

struct Counts {
  std::uint64_t submits = 0, mails = 0, refused = 0;
};

/// An answer that waits for its time.
struct Due {
  Instant at;
  int fd;
  std::string answer;
};

struct World {
  SystemClock clock;
  Loop loop;
  Counts counts;
  Duration delay;
  std::deque<Due> due;
};

class Mmsc final : public Connection {
 public:
  Mmsc(World& world, int fd) : Connection(fd), world_(world) {}
  void on_input(std::string& in) override {
    for (auto [head, body] = take_http(in); !head.empty(); std::tie(head, body) = take_http(in)) {
      const std::string transaction = between(body, "TransactionID", "</");
      if (!head.starts_with("POST ") || transaction.empty() || body.find("SubmitReq") == std::string::npos) {
        ++world_.counts.refused;
        write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        continue;
      }
      const std::string xml = fmt::format(
          "<env:Envelope "
          "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID>{}</TransactionID></"
          "env:Header><env:Body><SubmitRsp>"
          "<MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></Status><MessageID>m{}</MessageID></SubmitRsp></env:Body></"
          "env:Envelope>",
          transaction, ++world_.counts.submits);
      std::string answer = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}", xml.size(), xml);
      if (world_.delay.ns == 0) {
        write(answer);
      } else {
        world_.due.push_back({.at = world_.clock.now() + world_.delay, .fd = fd(), .answer = std::move(answer)});
      }
    }
  }

 private:
  /// The text of the first element of that name.
  static std::string between(const std::string& xml, std::string_view name, std::string_view end) {
    const std::size_t start = xml.find(name);
    const std::size_t text = start == std::string::npos ? start : xml.find('>', start);
    if (text == std::string::npos) return {};
    return xml.substr(text + 1, xml.find(end, text) - text - 1);
  }
  World& world_;
};

class Smtp final : public Connection {
 public:
  Smtp(World& world, int fd) : Connection(fd), world_(world) { write("220 sink ESMTP\r\n"); }
  void on_input(std::string& in) override {
    while (true) {
      if (step_ == Step::data) {
        const std::size_t end = in.find("\r\n.\r\n", looked_);
        if (end == std::string::npos) {
          looked_ = in.size() < 4 ? 0 : in.size() - 4;
          return;
        }
        in.erase(0, end + 5);
        ++world_.counts.mails;
        step_ = Step::mail;
        write("250 2.0.0 taken\r\n");
      }
      const std::string line = take_line(in);
      if (line.empty()) return;
      command(line.substr(0, 4));
    }
  }

 private:
  enum class Step { hello, mail, recipient, more, data };
  void command(std::string_view verb) {
    if (verb == "EHLO" || verb == "HELO") {
      step_ = Step::mail;
      write(verb == "EHLO" ? "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n" : "250 sink\r\n");
    } else if (verb == "MAIL" && step_ == Step::mail) {
      step_ = Step::recipient;
      write("250 2.1.0 ok\r\n");
    } else if (verb == "RCPT" && (step_ == Step::recipient || step_ == Step::more)) {
      step_ = Step::more;
      write("250 2.1.5 ok\r\n");
    } else if (verb == "DATA" && step_ == Step::more) {
      step_ = Step::data;
      looked_ = 0;
      write("354 go on\r\n");
    } else if (verb == "RSET" || verb == "NOOP") {
      if (verb == "RSET") step_ = Step::mail;
      write("250 2.0.0 ok\r\n");
    } else if (verb == "QUIT") {
      write("221 2.0.0 bye\r\n");
    } else {
      ++world_.counts.refused;
      write("503 5.5.1 out of turn\r\n");
    }
  }
  World& world_;
  Step step_ = Step::hello;
  std::size_t looked_ = 0;
};

int run(const char* mmsc, const char* smtp, const char* delay_ms) {
  World world;
  world.delay = milliseconds(std::stoi(delay_ms));
  world.loop.listen(address_of(mmsc), [&](int fd) { return std::make_unique<Mmsc>(world, fd); });
  world.loop.listen(address_of(smtp), [&](int fd) { return std::make_unique<Smtp>(world, fd); });
  world.loop.run(
      [&](std::string_view) {
        fmt::print("{{\"submits\":{},\"mails\":{},\"refused\":{}}}\n", world.counts.submits, world.counts.mails, world.counts.refused);
      },
      [&] {
        for (; !world.due.empty() && world.due.front().at <= world.clock.now(); world.due.pop_front())
          world.loop.answer(world.due.front().fd, world.due.front().answer);
      });
  return 0;
}

}  // namespace
}  // namespace pushmail::perf

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  return pushmail::perf::run(argv[1], argv[2], argv[3]);
}
