// What the store alone lets through: the writes that a mail makes on its way, on a real file, each step once the one before it is on disk.
//
//   perf_store_flow FOLDER ask|push grouped|alone WAITING SECONDS     WAITING mails are under way at any time; prints
//   {"mails":N,"seconds":X,"cpu_us":X,"writes":X}                     processor time and write calls a mail
//
// The steps are those of controlplane/README.md: ask ends when the phone was told (402), push when the mail is marked. `alone` syncs every
// write, as a store without groups does.
#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/group_commit.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "core/ascii.h"
#include "core/clock.h"
#include "core/ids.h"

namespace pushmail {
namespace {

constexpr std::uint64_t phones = 1000;
constexpr std::size_t strangers_max = 30;

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

std::uint64_t write_calls() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "syscw:") return value;
  }
  return 0;
}

struct Mail {
  Item item{};
  std::size_t step = 0;
};
using Step = std::function<Result<void>(Store&, Mail&)>;

Result<void> must(const Result<bool>& done) { return done ? Result<void>() : std::unexpected(done.error()); }

// One write for each step; what the phone or a peer has to be told lies between them.
class Flow {
 public:
  Flow(Store& store, const Clock& clock, bool asks) : store_(store), clock_(clock), steps_(asks ? ask() : push()) {}

  [[nodiscard]] Mail next() {
    const std::uint64_t number = ++count_;
    const Timestamp now = clock_.wall();
    Mail mail;
    mail.item = {.id = new_item_id(now, 1), .trace = new_trace_id(), .source = Source::mailbox};
    mail.item.binding = fmt::format("b{}", number % phones);
    mail.item.msisdn = Msisdn::from_digits(fmt::format("1555{:07}", number % phones)).value();
    mail.item.uid_validity = 1;
    mail.item.uid = fmt::to_string(number);
    mail.item.peer = "mmsc";
    mail.item.correspondent = "joe@example.com";
    mail.item.correspondent_name = "Joe Example";
    mail.item.subject = "The minutes of Monday's meeting";
    mail.item.mail_message_id = fmt::format("{}@example.com", number);
    mail.item.code_expires = {now.us + 7 * 86'400LL * 1'000'000};
    mail.item.created = mail.item.updated = now;
    return mail;
  }
  [[nodiscard]] bool is_over(const Mail& mail) const { return mail.step == steps_.size(); }
  [[nodiscard]] Result<void> go_on(Mail& mail) {
    return store_.write([&] { return steps_[mail.step++](store_, mail); });
  }

 private:
  [[nodiscard]] Result<void> arrive(Store& store, Mail& mail) const {
    if (const auto seen = store.set_mailbox(mail.item.binding, {.uid_validity = 1, .last_uid = mail.item.uid, .session = "idling"}); !seen)
      return seen;
    if (const auto added = must(store.add_item(mail.item)); !added) return added;
    return note(store, mail.item, "new_mail", clock_.wall(), Program::fetcher, {{"subject", mail.item.subject}});
  }
  [[nodiscard]] Step on(ItemEvent event) const {
    return [this, event](Store& store, Mail& mail) {
      return must(move_item(store, mail.item, {.event = event, .reason = "as the peer answered", .time = clock_.wall()}));
    };
  }
  [[nodiscard]] std::vector<Step> ask() const {
    return {
        [this](Store& store, Mail& mail) -> Result<void> {
          if (const auto arrived = arrive(store, mail); !arrived) return arrived;
          if (const auto code = must(give_reply_code(store, mail.item, strangers_max, clock_.wall())); !code) return code;
          return store.queue_sms({.msisdn = mail.item.msisdn,
                                  .text = "Joe Example: The minutes of Monday's meeting. Reply 17 to get it",
                                  .kind = SmsKind::notify,
                                  .item = mail.item.id,
                                  .created = clock_.wall(),
                                  .retry_at = clock_.wall()});
        },
        [this](Store& store, Mail& mail) -> Result<void> {
          auto waiting = store.pending_sms(clock_.wall(), 1);
          if (!waiting) return std::unexpected(waiting.error());
          if (waiting->empty()) return {};
          Sms& sms = waiting->front();
          const auto submits = store.sms_submits(sms.msisdn, sms.kind, {clock_.wall().us - 3600LL * 1'000'000}, clock_.wall());
          if (!submits) return std::unexpected(submits.error());
          sms.state = SmsState::submitting;
          ++sms.submits;
          sms.submitted_at = clock_.wall();
          mail.item = store.item(sms.item).value().value();
          return store.update_sms(sms);
        },
        [this](Store& store, Mail& mail) -> Result<void> {
          const auto flying = store.submitting_sms();
          if (!flying) return std::unexpected(flying.error());
          for (Sms sms : *flying) {
            if (sms.item != mail.item.id) continue;
            sms.state = SmsState::sent;
            sms.smsc_id = fmt::to_string(sms.id);
            if (const auto written = store.update_sms(sms); !written) return written;
            if (const auto part = store.add_sms_part(sms.id, sms.smsc_id, clock_.wall()); !part) return part;
          }
          return on(ItemEvent::notified)(store, mail);
        },
    };
  }
  [[nodiscard]] std::vector<Step> push() const {
    return {
        [this](Store& store, Mail& mail) -> Result<void> {
          if (const auto arrived = arrive(store, mail); !arrived) return arrived;
          return on(ItemEvent::pushed)(store, mail);
        },
        on(ItemEvent::fetching),
        on(ItemEvent::fetched),
        on(ItemEvent::submit_req),
        [this](Store& store, Mail& mail) -> Result<void> {
          mail.item.message_id = "m" + mail.item.uid;
          return on(ItemEvent::submitted)(store, mail);
        },
        [this](Store& store, Mail& mail) -> Result<void> {
          Report report{.id = new_item_id(clock_.wall(), 1), .peer = "mmsc", .message_id = mail.item.message_id, .mm_status = "Retrieved"};
          report.item = mail.item.id;
          if (const auto added = must(store.add_report(report)); !added) return added;
          mail.item.mark = MarkProgress::pending;
          return on(ItemEvent::delivered)(store, mail);
        },
        [](Store& store, Mail& mail) -> Result<void> {
          mail.item.mark = MarkProgress::done;
          return store.update_item(mail.item);
        },
    };
  }

  Store& store_;
  const Clock& clock_;
  const std::vector<Step> steps_;
  std::uint64_t count_ = 0;
};

int run(const std::filesystem::path& folder, bool asks, bool grouped, std::size_t waiting, int for_seconds) {
  const SystemClock clock;
  boost::asio::io_context context;
  const auto file = folder / "store.sqlite";
  std::unique_ptr<Store> store;
  std::unique_ptr<Durability> durability = std::make_unique<AlreadyDurable>();
  bool failed = false;
  if (grouped) {
    auto opened = open_grouped_store(file);
    if (!opened) return 74;
    durability = std::make_unique<GroupCommit>(context, **opened, [&](const Error&) { failed = true; });
    store = std::move(*opened);
  } else {
    auto opened = open_sqlite_store(file);
    if (!opened) return 74;
    store = std::move(*opened);
  }

  Flow flow(*store, clock, asks);
  std::vector<Mail> mails(waiting);
  std::uint64_t through = 0;
  const Instant begun = clock.now();
  const Instant end = begun + seconds(for_seconds);
  const double cpu = cpu_us();
  const std::uint64_t writes = write_calls();
  std::function<void(std::size_t)> go_on = [&](std::size_t i) {
    if (failed) return;
    if (flow.is_over(mails[i])) {
      ++through;
      if (clock.now() >= end) return;
      mails[i] = flow.next();
    }
    failed = failed || !flow.go_on(mails[i]);
    durability->when_durable([&, i] { boost::asio::post(context, [&, i] { go_on(i); }); });
  };
  for (std::size_t i = 0; i < waiting; ++i) {
    mails[i] = flow.next();
    boost::asio::post(context, [&, i] { go_on(i); });
  }
  context.run();
  const double took = static_cast<double>((clock.now() - begun).ns) / 1e9;
  const auto a_mail = [&](double whole) { return whole / static_cast<double>(through); };
  fmt::print("{{\"mails\":{},\"seconds\":{:.2f},\"cpu_us\":{:.0f},\"writes\":{:.1f}}}\n", through, took, a_mail(cpu_us() - cpu),
             a_mail(static_cast<double>(write_calls() - writes)));
  durability.reset();
  return failed ? 74 : 0;
}

}  // namespace
}  // namespace pushmail

int main(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  if (argc != 6) return 64;
  const auto waiting = pushmail::parse_number<std::size_t>(words[4]);
  const auto seconds = pushmail::parse_number<int>(words[5]);
  if (!waiting || *waiting == 0 || *waiting > 10'000 || !seconds || *seconds < 1) return 64;
  return pushmail::run(words[1], std::string_view(words[2]) == "ask", std::string_view(words[3]) == "grouped", *waiting, *seconds);
}
