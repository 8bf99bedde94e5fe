// Everybody whom a carrier's pushmail talks to, in one process of one thread, for perf/run controlplane: a mail server, an SMSC, an MMSC.
//
//   perf_peers ADDRESS PORT DATAPLANE_ADDRESS:PORT ASKED PUSHED MAIL_SIZE    the mail server is at PORT, SMSC and MMSC at the two behind it
//
// ASKED mailboxes a0, a1 ... of the numbers 15550000000 on, PUSHED ones p0, p1 ... of 15551000000 on; the password is "secret".
// Orders; each is answered by the counts of what ended since the start, and by the times since the order before:
//   counts
//   ask N, push N       from now on N mails are under way: a mail of `ask` ends when its SMS is answered, one of `push` when it is marked
//   answers N           phones write N codes a second, of mails that were announced
//   {"idling":N,"bound":N,"asked":N,"pushed":N,"answered":N,"waiting_answers":N,"under_way":N,"refused":N,"sms_ms":[p50,p99],"answer_ms":[p50,p99]}
#include <charconv>
#include <map>

#include "perf/controlplane/carrier.h"
#include "perf/controlplane/mailboxes.h"

namespace pushmail::perf {
namespace {

// A phone fetches its message so long after the MMSC took it.
constexpr Duration fetched_after = milliseconds(50);
constexpr int reporters = 8;
constexpr std::uint64_t first_asked = 15'550'000'000, first_pushed = 15'551'000'000;

class Times {
 public:
  void add(Duration took) { us_.push_back(took.us()); }
  /// p50 and p99 in ms since the last call.
  std::string take() {
    std::sort(us_.begin(), us_.end());
    const auto of_100 = [this](std::size_t part) {
      return us_.empty() ? 0.0 : static_cast<double>(us_[(us_.size() - 1) * part / 100]) / 1000;
    };
    std::string text = fmt::format("[{:.2f},{:.2f}]", of_100(50), of_100(99));
    us_.clear();
    return text;
  }

 private:
  std::vector<std::int64_t> us_;
};

class World {
 public:
  World(const sockaddr_in& pushmail, std::size_t asked, std::size_t pushed, std::size_t mail_size) : pushmail_(pushmail), text_(mail_size) {
    boxes_.reserve(asked + pushed);
    for (std::size_t i = 0; i < asked; ++i)
      boxes_.push_back({.kind = Kind::ask, .user = fmt::format("a{}", i), .msisdn = fmt::to_string(first_asked + i)});
    for (std::size_t i = 0; i < pushed; ++i)
      boxes_.push_back({.kind = Kind::push, .user = fmt::format("p{}", i), .msisdn = fmt::to_string(first_pushed + i)});
    for (Mailbox& box : boxes_) of_phone_.emplace(box.msisdn, &box);
  }

  void listen(const std::string& address, int port) {
    const auto at = [&](int number) { return address_of(fmt::format("{}:{}", address, number)); };
    loop_.listen(at(port), [this](int fd) {
      return std::make_unique<ImapSession>(
          ImapSession::Server{.mailboxes = boxes_, .text = text_, .refused = refused_, .seen = [this](Mailbox& box) { seen(box); }}, fd);
    });
    loop_.listen(at(port + 1), [this](int fd) {
      return std::make_unique<SmscSession>(SmscSession::Server{.refused = refused_,
                                                               .count = sms_,
                                                               .bound = [this](int bound) { smsc_ = bound; },
                                                               .submitted = [this](const smpp::Pdu& pdu) { submitted(pdu); },
                                                               .delivered = [this](std::uint32_t number) { delivered(number); }},
                                           fd);
    });
    loop_.listen(at(port + 2), [this](int fd) {
      return std::make_unique<MmscSession>(MmscSession::Server{.refused = refused_,
                                                               .count = messages_,
                                                               .taken =
                                                                   [this](Delivered message) {
                                                                     message.due = clock_.now() + fetched_after;
                                                                     reports_.push_back(std::move(message));
                                                                   }},
                                           fd);
    });
  }
  void run() {
    loop_.run([this](std::string_view order) { take(order); }, [this] { go_on(); });
  }

 private:
  void take(std::string_view order) {
    const std::string_view verb = order.substr(0, order.find(' '));
    std::size_t number = 0;
    if (verb.size() < order.size()) std::from_chars(order.data() + verb.size() + 1, order.data() + order.size(), number);
    if (verb == "ask" || verb == "push") wanted_[verb == "ask" ? Kind::ask : Kind::push] = number;
    if (verb == "answers") {
      answers_a_second_ = number;
      next_answer_ = clock_.now();
    }
    std::size_t idling = 0, waiting = 0;
    for (const Mailbox& box : boxes_) {
      idling += box.idles ? 1 : 0;
      waiting += box.codes.size();
    }
    fmt::print(
        "{{\"idling\":{},\"bound\":{},\"asked\":{},\"pushed\":{},\"answered\":{},\"waiting_answers\":{},\"under_way\":{},\"refused\":{},"
        "\"sms_ms\":{},\"answer_ms\":{}}}\n",
        idling, smsc_ < 0 ? 0 : 1, ended_[Kind::ask], ended_[Kind::push], answered_, waiting,
        under_way_[Kind::ask] + under_way_[Kind::push], refused_, sms_times_.take(), answer_times_.take());
  }

  void go_on() {
    for (const Kind kind : {Kind::ask, Kind::push}) deliver_mails(kind);
    connect_reporters();
    for (Reporter* reporter : reporters_) reporter->go_on(loop_, clock_.now());
    answer();
  }
  // Mailbox after mailbox, so that a phone's codes last.
  void deliver_mails(Kind kind) {
    for (std::size_t looked = 0; under_way_[kind] < wanted_[kind] && looked < boxes_.size(); ++looked) {
      Mailbox& box = boxes_[next_box_++ % boxes_.size()];
      if (box.kind != kind || box.busy || !box.idles) continue;
      box.busy = true;
      ++under_way_[kind];
      ++box.mails;
      box.since = clock_.now();
      box.tell(loop_);
    }
  }
  void ended(Mailbox& box) {
    if (!std::exchange(box.busy, false)) return;
    --under_way_[box.kind];
    ++ended_[box.kind];
  }
  void submitted(const smpp::Pdu& pdu) {
    const auto found = of_phone_.find(pdu.destination_addr);
    if (found == of_phone_.end()) return void(++refused_);
    Mailbox& box = *found->second;
    if (box.kind != Kind::ask) return;
    constexpr std::string_view before = "Reply ";
    const std::string_view text = text_of(pdu.short_message);
    if (const std::size_t code = text.find(before); code != std::string_view::npos)
      box.codes.emplace_back(text.substr(code + before.size(), 2));
    if (box.busy) sms_times_.add(clock_.now() - box.since);
    ended(box);
  }
  void seen(Mailbox& box) {
    if (box.kind == Kind::push) ended(box);
  }

  void connect_reporters() {
    if (reports_.empty() || !reporters_.empty()) return;
    for (int i = 0; i < reporters; ++i) {
      auto reporter = std::make_unique<Reporter>(Reporter::Server{refused_, reports_, sent_reports_}, connect_to(pushmail_));
      reporters_.push_back(reporter.get());
      loop_.add(std::move(reporter));
    }
  }

  // One phone after the other writes the oldest code that it has.
  void answer() {
    while (answers_a_second_ != 0 && clock_.now() >= next_answer_) {
      next_answer_ = next_answer_ + Duration{1'000'000'000 / static_cast<std::int64_t>(answers_a_second_)};
      for (std::size_t looked = 0; looked < boxes_.size(); ++looked) {
        Mailbox& box = boxes_[next_phone_++ % boxes_.size()];
        if (box.codes.empty()) continue;
        flying_.emplace(++answers_, clock_.now());
        loop_.answer(smsc_, answer_pdu(answers_, box.msisdn, box.codes.front()));
        box.codes.erase(box.codes.begin());
        break;
      }
    }
  }
  void delivered(std::uint32_t number) {
    const auto found = flying_.find(number);
    if (found == flying_.end()) return void(++refused_);
    answer_times_.add(clock_.now() - found->second);
    flying_.erase(found);
    ++answered_;
  }

  const sockaddr_in pushmail_;
  const MailText text_;
  SystemClock clock_;
  std::uint64_t refused_ = 0, sms_ = 0, messages_ = 0, sent_reports_ = 0, answered_ = 0;

  std::vector<Mailbox> boxes_;
  std::map<std::string, Mailbox*, std::less<>> of_phone_;
  std::map<Kind, std::size_t> wanted_, under_way_, ended_;
  std::size_t next_box_ = 0;
  Times sms_times_;

  int smsc_ = -1;
  std::map<std::uint32_t, Instant> flying_;  // answers of phones
  std::uint32_t answers_ = 0;
  std::size_t answers_a_second_ = 0, next_phone_ = 0;
  Instant next_answer_{};
  Times answer_times_;

  std::deque<Delivered> reports_;
  std::vector<Reporter*> reporters_;  // the loop owns them, and pushmail keeps them open
  Loop loop_;
};

}  // namespace
}  // namespace pushmail::perf

int main(int argc, char** argv) {
  using namespace pushmail::perf;
  if (argc != 7) return 64;
  World world(address_of(argv[3]), std::stoul(argv[4]), std::stoul(argv[5]), std::stoul(argv[6]));
  world.listen(argv[1], std::stoi(argv[2]));
  world.run();
  return 0;
}
