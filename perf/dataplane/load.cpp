// Who sends to pushmail in perf/run dataplane: mail servers, an MMSC, or clients that only connect.
//
//   perf_load smtp ADDRESS:PORT CONNECTIONS SIZE RECIPIENT        each connection sends mail after mail, MAIL, RCPT and DATA in one write
//   perf_load deliver ADDRESS:PORT CONNECTIONS SIZE BASIC         each connection sends DeliverReq after DeliverReq; BASIC is base64
//   perf_load connect ADDRESS:PORT CONNECTIONS 0 -                a client every 10 ms connects and waits for the 220 of an SMTP server
//
// Order: any; answer: {"accepted":N,"refused":N,"p50_ms":X,"p99_ms":X} since the last order, times from the first byte (or connect) to the
// answer.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "perf/dataplane/samples.h"
#include "perf/dataplane/sockets.h"

namespace pushmail::perf {
namespace {

struct World {
  SystemClock clock;
  Loop loop;
  std::uint64_t accepted = 0, refused = 0;
  std::vector<std::int64_t> times_us;

  void answered(bool good, Instant since) {
    ++(good ? accepted : refused);
    times_us.push_back((clock.now() - since).us());
  }
  void report() {
    std::sort(times_us.begin(), times_us.end());
    const auto percentile = [&](std::size_t of_100) {
      return times_us.empty() ? 0.0 : static_cast<double>(times_us[(times_us.size() - 1) * of_100 / 100]) / 1000;
    };
    fmt::print("{{\"accepted\":{},\"refused\":{},\"p50_ms\":{:.3f},\"p99_ms\":{:.3f}}}\n", accepted, refused, percentile(50),
               percentile(99));
    accepted = refused = 0;
    times_us.clear();
  }
};

class MailClient final : public Connection {
 public:
  MailClient(World& world, int fd, std::string recipient, const std::string& mail)
      : Connection(fd), world_(world), recipient_(std::move(recipient)), mail_(mail) {}
  void on_input(std::string& in) override {
    for (std::string line = take_line(in); !line.empty(); line = take_line(in)) {
      if (line.size() > 3 && line[3] == '-') continue;
      reply(line.front());
    }
  }

 private:
  void reply(char kind) {
    switch (waiting_for_) {
      case 0:
        write("EHLO load.example\r\n");
        break;
      case 1:
        return begin();
      case 2:
      case 3:
        break;  // MAIL, RCPT: a refusal shows at DATA
      case 4:
        if (kind != '3') return finish(false);
        write(mail_);
        break;
      default:
        return finish(kind == '2');
    }
    ++waiting_for_;
  }
  void begin() {
    start_ = world_.clock.now();
    waiting_for_ = 2;
    write(fmt::format("MAIL FROM:<joe@load.example>\r\nRCPT TO:<{}>\r\nDATA\r\n", recipient_));
  }
  void finish(bool good) {
    world_.answered(good, start_);
    begin();
  }
  World& world_;
  std::string recipient_;
  const std::string& mail_;
  int waiting_for_ = 0;  // the replies of banner, EHLO, MAIL, RCPT, DATA, the dot
  Instant start_{};
};

class MmscClient final : public Connection {
 public:
  MmscClient(World& world, int fd, std::string basic, const std::string& content)
      : Connection(fd), world_(world), basic_(std::move(basic)), content_(content) {
    begin();
  }
  void on_input(std::string& in) override {
    for (auto [head, body] = take_http(in); !head.empty(); std::tie(head, body) = take_http(in)) {
      world_.answered(body.find("StatusCode>1000<") != std::string::npos, start_);
      begin();
    }
  }

 private:
  void begin() {
    start_ = world_.clock.now();
    const std::string xml = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope "
        "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><mm7:TransactionID "
        "xmlns:mm7=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" "
        "env:mustUnderstand=\"1\">{:x}</mm7:TransactionID></env:Header><env:Body>"
        "<DeliverReq "
        "xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\"><MM7Version>6.8.0</"
        "MM7Version><Sender><Number>+15550100002</Number>"
        "</Sender><Recipients><To><ShortCode>5000</ShortCode></To></Recipients><Subject>Hi</Subject><Content "
        "href=\"cid:mm1\"/></DeliverReq></env:Body></env:Envelope>",
        random_u64());
    const std::string body = "--b1\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <soap>\r\n\r\n" + xml + "\r\n--b1\r\n" +
                             content_ + "\r\n--b1--\r\n";
    write(
        fmt::format("POST /mm7 HTTP/1.1\r\nHost: pushmail\r\nAuthorization: Basic {}\r\nContent-Type: multipart/related; boundary=b1; "
                    "type=\"text/xml\"; start=\"<soap>\"\r\n"
                    "SOAPAction: \"\"\r\nContent-Length: {}\r\n\r\n{}",
                    basic_, body.size(), body));
  }
  World& world_;
  std::string basic_;
  const std::string& content_;
  Instant start_{};
};

class Visitor final : public Connection {
 public:
  Visitor(World& world, int fd) : Connection(fd), world_(world), start_(world.clock.now()) {}
  void on_input(std::string& in) override {
    if (answered_ || in.find("\r\n") == std::string::npos) return;
    answered_ = true;
    world_.answered(in.starts_with("220"), start_);
  }

 private:
  World& world_;
  Instant start_;
  bool answered_ = false;
};

int run(std::string_view what, const sockaddr_in& to, int connections, std::size_t size, const std::string& whom) {
  World world;
  const std::string whole_mail = mail(size) + ".\r\n";
  const std::string content =
      "Content-Type: multipart/mixed; boundary=b2\r\nContent-ID: <mm1>\r\n\r\n--b2\r\nContent-Type: text/plain; "
      "charset=utf-8\r\n\r\nHello\r\n--b2\r\n"
      "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
      picture(size) + "--b2--";
  const auto connect = [&] {
    const int fd = connect_to(to);
    if (what == "smtp") return world.loop.add(std::make_unique<MailClient>(world, fd, whom, whole_mail));
    if (what == "deliver") return world.loop.add(std::make_unique<MmscClient>(world, fd, whom, content));
    world.loop.add(std::make_unique<Visitor>(world, fd));
  };
  int left = connections;
  Instant next = world.clock.now();
  world.loop.run([&](std::string_view) { world.report(); },
                 [&] {
                   for (; left > 0 && world.clock.now() >= next; --left) {
                     connect();
                     next = next + (what == "connect" ? milliseconds(10) : Duration{});
                   }
                 });
  return 0;
}

}  // namespace
}  // namespace pushmail::perf

int main(int argc, char** argv) {
  if (argc != 6) return 64;
  return pushmail::perf::run(argv[1], pushmail::perf::address_of(argv[2]), std::stoi(argv[3]), std::stoul(argv[4]), argv[5]);
}
