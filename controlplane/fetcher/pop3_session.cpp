// POP3: greeting, STLS, USER, PASS and QUIT through libetpan; lists and mails straight from MailStream, because libetpan keeps a whole
// answer in memory and renumbers line ends, and a mail must pass byte for byte in pieces.
//
// A session is one poll: the server locks the mailbox, so it is opened, used and closed. Specs: RFC 1939, RFC 2595 (STLS), RFC 3206
// ([AUTH], [SYS/TEMP]), RFC 2449 ([IN-USE]).
#include <fmt/format.h>
#include <libetpan/mailpop3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "controlplane/fetcher/pop3_lines.h"
#include "controlplane/fetcher/pop3_names.h"
#include "controlplane/fetcher/redact.h"
#include "controlplane/fetcher/refusals.h"
#include "controlplane/fetcher/sasl.h"
#include "controlplane/fetcher/server_words.h"
#include "controlplane/fetcher/watermark.h"
#include "core/ascii.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::mailbox {

namespace {

constexpr std::uint64_t status_answer_size_max = 8 * limits::KiB;
// So many mails without a UIDL are told apart by their headers, each of which is read at every look.
constexpr std::size_t named_by_header_max = 200;
// When none of the known UIDLs is left the server has given new ones, or all that was known is gone. The newest known mail is looked for
// among so many, the last; so many behind it are announced.
constexpr std::size_t searched_for_newest_max = 200;
constexpr std::size_t announced_after_renaming_max = 50;
// Without a trace of it so few are announced rather than lost; of more only those that were not written before it, by this time at least,
// which a mail may have spent on its way.
constexpr std::size_t few_mails = 5;
constexpr std::int64_t on_its_way_us = 3600LL * 1'000'000;
constexpr std::uint32_t searches_max = 3;
// So many mails in a row that are not handed out are no longer one mail's matter.
constexpr std::size_t in_vain_max = 20;
// `99999 ` and a UIDL of 70 characters for every mail.
constexpr std::size_t mails_max = 100'000;
constexpr std::uint64_t list_answer_size_max = mails_max * 80;
// Beside the mail itself: doubled dots, and a size that was announced too small.
constexpr std::uint64_t mail_answer_slack = 1 * limits::MiB;
// What is kept of a header; below what codec/mime reads, with the empty line that announce() adds.
constexpr std::size_t header_size_kept = limits::mime_header_size_max - limits::KiB;
constexpr std::uint64_t uid_validity_of_pop3 = 1;

struct SessionFree {
  void operator()(mailpop3* session) const { mailpop3_free(session); }
};

constexpr std::size_t words_size_max = 200;

struct Entry {
  std::uint32_t number = 0;
  std::string_view rest;
};
std::optional<Entry> parse_entry(std::string_view line) {
  Entry entry;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.number);
  const bool is_alone = end == line.data() + line.size();
  if (error != std::errc() || entry.number == 0 || (!is_alone && *end != ' ')) return std::nullopt;
  entry.rest = ascii_trim(line.substr(static_cast<std::size_t>(end - line.data())));
  return entry;
}

class Pop3Session final : public MailboxSession {
 public:
  Pop3Session(MailStream& stream, const Account& account, const SessionSettings& settings)
      : stream_(stream), account_(account), settings_(settings) {
    pop3_.reset(mailpop3_new(0, nullptr));
    PM_CHECK(pop3_ != nullptr);
  }
  // mailpop3_free writes QUIT to a stream that still lives; without QUIT a server undoes DELE (RFC 1939 §6).
  ~Pop3Session() override { stream_.cut(); }

  Outcome<void> open(Task& task) override;
  Outcome<Look> look(Task& task, Watermark& mark, const ArrivalSink& sink) override;
  Outcome<void> learn_newest(Task& task, Watermark& mark) override;
  Outcome<std::uint64_t> read(Task& task, std::string_view uid, std::uint64_t offset, const ChunkSink& sink) override;
  Outcome<void> mark(Task& task, std::string_view uid, Mark mark) override;
  Outcome<void> wait(Task&, Gate&, Instant) override { return {}; }
  bool can_wait() const override { return false; }
  void close(Task& task) override;
  std::uint64_t uid_validity() const override { return uid_validity_of_pop3; }

 private:
  using LineSink = std::function<void(std::string_view)>;

  void begin(Task& task, std::uint64_t bytes, Fence::Lines lines = Fence::Lines::whole) {
    stream_.begin(task, {.bytes = bytes, .time = settings_.timing.command, .lines = lines});
  }
  std::unexpected<Failure> failed(const ErrorInfo& rule) const;
  [[nodiscard]] std::unexpected<Failure> refused_with(std::string_view status, const ErrorInfo& rule) const;
  std::unexpected<Failure> breach(std::string text) const { return std::unexpected(Failure{Error{&mailbox_protocol}, std::move(text)}); }
  Outcome<void> log_in(Task& task);
  Outcome<void> try_log_in(Task& task);
  [[nodiscard]] Duration login_delay(Task& task);
  Outcome<bool> offers_plain(Task& task);
  Outcome<void> authenticate_plain(Task& task);
  Outcome<void> command(Task& task, const std::string& line, std::uint64_t answer_size_max);
  Outcome<std::string> say(const std::string& line);
  Outcome<void> read_body(const std::function<bool(ByteView)>& sink);
  Outcome<void> list(Task& task, const std::string& line, const LineSink& sink);
  Outcome<void> learn_numbers(Task& task);
  [[nodiscard]] Outcome<void> recognise_named(Task& task, Watermark& mark);
  Outcome<void> name_the_nameless(Task& task, const Trials& trials);
  [[nodiscard]] std::uint64_t size_of(std::uint32_t number) const;
  [[nodiscard]] Outcome<Look> recognise_renamed(Task& task, Watermark& mark);
  [[nodiscard]] Outcome<std::optional<Newest>> newest_as(Task& task, const std::string& name);
  std::vector<std::string> fresh_names(const Watermark& mark) const;
  Outcome<void> report(Task& task, const std::string& name, Watermark& mark, const ArrivalSink& sink);
  struct Header {
    std::string text;
    std::optional<Failure> failure;  // of the connection, after all that was wanted had come
  };
  Outcome<Header> read_header(Task& task, std::uint32_t number);

  MailStream& stream_;
  const Account account_;
  const SessionSettings settings_;
  std::unique_ptr<mailpop3, SessionFree> pop3_;
  bool numbers_known_ = false;
  bool has_uidl_ = true;
  struct Nameless {
    std::uint32_t number = 0;
    std::uint32_t twin = 0;  // the mail that has the same UIDL; 0: there was none
  };
  std::vector<Nameless> nameless_;
  std::vector<std::string> in_order_;  // names as the server lists them, without repeats
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::map<std::uint32_t, std::uint64_t> sizes_;
  Bytes rest_;  // received and not used: the start of a body
};

std::unexpected<Failure> Pop3Session::failed(const ErrorInfo& rule) const {
  if (stream_.failure()) return std::unexpected(*stream_.failure());
  // What answers with something else speaks another protocol; it is not busy.
  const MMAPString* const line = pop3_->pop3_stream_buffer;
  const std::string_view answer = line == nullptr ? std::string_view() : std::string_view(line->str, line->len);
  if (!answer.empty() && !ascii_starts_with_nocase(answer, "+OK") && !ascii_starts_with_nocase(answer, "-ERR"))
    return breach(fmt::format("the answer is not POP3: {}", server_words(answer, words_size_max)));
  return refused_with(pop3_->pop3_response == nullptr ? std::string_view() : std::string_view(pop3_->pop3_response), rule);
}

// Read with the password in it, shown without.
std::unexpected<Failure> Pop3Session::refused_with(std::string_view status, const ErrorInfo& rule) const {
  Failure failure = refused(server_words(status, words_size_max), rule);
  failure.text = without_password(failure.text, account_.user, account_.password);
  return std::unexpected(std::move(failure));
}

Outcome<void> Pop3Session::open(Task& task) {
  for (const std::string& argument : {account_.user, account_.password}) {
    if (!may_be_a_secret(argument)) return std::unexpected(Failure{Error{&mailbox_argument}, std::string(mailbox_argument.text)});
  }
  if (auto connected = stream_.connect(task, account_.address, settings_.timing.connect); !connected) return connected;
  if (account_.encryption == Encryption::implicit) {
    if (auto secured = stream_.start_tls(task, settings_.tls, account_.tls_name, settings_.timing.connect); !secured) return secured;
  }
  begin(task, status_answer_size_max);
  if (mailpop3_connect(pop3_.get(), stream_.make_etpan_stream()) != MAILPOP3_NO_ERROR) return failed(mailbox_busy);
  if (account_.encryption == Encryption::starttls) {
    begin(task, status_answer_size_max);
    const int code = mailpop3_stls(pop3_.get());
    if (!stream_.failure() && stream_.has_unread()) return std::unexpected(injected("STLS"));
    if (code != MAILPOP3_NO_ERROR) return failed(mailbox_tls);
    if (auto secured = stream_.start_tls(task, settings_.tls, account_.tls_name, settings_.timing.connect); !secured) return secured;
  }
  return log_in(task);
}

// RFC 2449 §8.1.1: who logs in too often is told so; CAPA says how long to wait.
Outcome<void> Pop3Session::log_in(Task& task) {
  auto done = try_log_in(task);
  if (!done && !stream_.failure() && is_coded(done.error().text, "login-delay"))
    done.error().wait = std::max(done.error().wait, login_delay(task));
  return done;
}

Duration Pop3Session::login_delay(Task& task) {
  std::int64_t delay_s = 0;
  [[maybe_unused]] const auto listed = list(task, "CAPA", [&delay_s](std::string_view line) {
    constexpr std::string_view name = "LOGIN-DELAY ";
    if (!ascii_starts_with_nocase(line, name)) return;
    line.remove_prefix(name.size());
    delay_s = parse_number<std::int64_t>(line.substr(0, line.find(' '))).value_or(delay_s);
  });
  const Duration most = timers::mailbox_refused;
  return seconds(std::clamp<std::int64_t>(delay_s, 0, most.ms() / 1000));
}

// RFC 1939 knows ASCII alone. Other letters go by AUTH where it is offered, else as they are (UTF-8), which is what most servers compare.
Outcome<void> Pop3Session::try_log_in(Task& task) {
  const bool is_ascii = may_go_on_wire(account_.user) && may_go_on_wire(account_.password);
  if (!is_ascii) {
    const auto offered = offers_plain(task);
    if (!offered) return std::unexpected(offered.error());
    if (*offered) return authenticate_plain(task);
  }
  begin(task, status_answer_size_max);
  if (mailpop3_user(pop3_.get(), account_.user.c_str()) != MAILPOP3_NO_ERROR) {
    Outcome<void> refused = failed(mailbox_login);
    if (stream_.failure()) return refused;
    // USER is one of several ways in (RFC 2449 §6.3), and its refusal says nothing about the password where AUTH is another.
    const auto offered = offers_plain(task);
    return offered && *offered ? authenticate_plain(task) : refused;
  }
  begin(task, status_answer_size_max);
  if (mailpop3_pass(pop3_.get(), account_.password.c_str()) != MAILPOP3_NO_ERROR) return failed(mailbox_login);
  return {};
}

// RFC 5034 §3: `SASL PLAIN ...` in the answer to CAPA.
Outcome<bool> Pop3Session::offers_plain(Task& task) {
  bool offered = false;
  const auto listed = list(task, "CAPA", [&offered](std::string_view line) {
    if (!ascii_starts_with_nocase(line, "SASL ")) return;
    for (std::string_view rest = line.substr(5); !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      offered = offered || ascii_equal_nocase(word, "PLAIN");
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
  });
  if (!listed && deed_of(listed.error()) != Deed::refused) return std::unexpected(listed.error());
  return offered;
}

Outcome<void> Pop3Session::authenticate_plain(Task& task) {
  begin(task, status_answer_size_max, Fence::Lines::streamed);
  auto status = say("AUTH PLAIN");
  const bool is_asked = status && status->starts_with('+') && !status->starts_with("+OK");
  if (is_asked) status = say(sasl_plain(account_.user, account_.password));
  if (!status) return std::unexpected(status.error());
  if (status->starts_with("+OK")) return {};
  if (!status->starts_with("-ERR")) return breach("neither +OK nor -ERR");
  return refused_with(ascii_trim(*status), mailbox_login);
}

// Sends a command and reads its status line; what follows stays in rest_ and the stream.
Outcome<void> Pop3Session::command(Task& task, const std::string& line, std::uint64_t answer_size_max) {
  begin(task, answer_size_max + status_answer_size_max, Fence::Lines::streamed);
  const auto status = say(line);
  if (!status) return std::unexpected(status.error());
  if (status->starts_with("+OK")) return {};
  if (!status->starts_with("-ERR")) return breach("neither +OK nor -ERR");
  return refused_with(ascii_trim(*status), mailbox_refused);
}

// The status line that answers `line`, of a command that has begun.
Outcome<std::string> Pop3Session::say(const std::string& line) {
  // Nothing is pipelined: what is there before the command was not asked for.
  rest_.clear();
  if (!stream_.write_all(bytes_of(line + "\r\n"))) return failed(mailbox_closed);
  std::string status;
  while (true) {
    std::array<std::uint8_t, 4096> buffer;
    const auto got = stream_.read_some(buffer);
    if (!got) return failed(mailbox_closed);
    const std::string_view text = text_of(ByteView(buffer).first(*got));
    const std::size_t end = text.find('\n');
    status.append(text.substr(0, end));
    if (status.size() > status_answer_size_max) return breach("a status line without an end");
    if (end == std::string_view::npos) continue;
    pushmail::append(rest_, text.substr(end + 1));
    return status;
  }
}

// The lines after +OK up to the lone dot, without the doubled dots (RFC 1939 §3).
Outcome<void> Pop3Session::read_body(const std::function<bool(ByteView)>& sink) {
  Pop3Body body;
  Bytes in = std::exchange(rest_, {});
  while (true) {
    Bytes plain;
    const std::size_t used = body.feed(in, plain);
    if (!plain.empty() && !sink(plain)) return std::unexpected(Failure{Error{&mailbox_no_credit}, std::string(mailbox_no_credit.text)});
    if (body.is_done()) {
      if (used != in.size()) return breach("bytes after the end of the answer");
      return {};
    }
    in.resize(16 * limits::KiB);
    const auto got = stream_.read_some(in);
    if (!got) return failed(mailbox_closed);
    in.resize(*got);
  }
}

Outcome<void> Pop3Session::list(Task& task, const std::string& line, const LineSink& sink) {
  if (auto sent = command(task, line, list_answer_size_max); !sent) return sent;
  std::string unfinished;
  bool line_too_long = false;
  auto read = read_body([&](ByteView bytes) {
    std::string_view text = text_of(bytes);
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      unfinished.append(text.substr(0, end));
      sink(ascii_trim(unfinished));
      unfinished.clear();
    }
    unfinished.append(text);
    line_too_long = unfinished.size() > limits::imap_line_size_max;
    return !line_too_long;
  });
  if (line_too_long) return std::unexpected(Failure{Error{&mailbox_line_too_long}, std::string(mailbox_line_too_long.text)});
  return read;
}

Outcome<void> Pop3Session::learn_numbers(Task& task) {
  if (numbers_known_) return {};
  auto listed = list(task, "LIST", [this](std::string_view line) {
    const auto entry = parse_entry(line);
    std::uint64_t size = 0;
    if (!entry || std::from_chars(entry->rest.data(), entry->rest.data() + entry->rest.size(), size).ec != std::errc()) return;
    sizes_.emplace(entry->number, size);
  });
  if (!listed) return listed;
  std::set<std::uint32_t> named_numbers;
  auto named = list(task, "UIDL", [&](std::string_view line) {
    const auto entry = parse_entry(line);
    if (!entry || !named_numbers.insert(entry->number).second) return;
    if (!is_usable_uidl(entry->rest)) {
      nameless_.push_back({.number = entry->number});
    } else if (const auto [known, is_new] = numbers_.emplace(entry->rest, entry->number); is_new) {
      in_order_.emplace_back(entry->rest);
    } else {
      nameless_.push_back({.number = entry->number, .twin = known->second});
    }
  });
  if (!named && deed_of(named.error()) != Deed::refused) return named;
  has_uidl_ = named.has_value();
  for (const auto& [number, size] : sizes_) {
    if (!named_numbers.contains(number)) nameless_.push_back({.number = number});
  }
  if (numbers_.size() + nameless_.size() > mails_max) return breach("more mails than the limit");
  numbers_known_ = true;
  return {};
}

std::uint64_t Pop3Session::size_of(std::uint32_t number) const {
  const auto size = sizes_.find(number);
  return size == sizes_.end() ? 0 : size->second;
}

// Names out of headers, for mails without a UIDL. RFC 1939 §7 lets identical copies of a mail share one: they stay one mail, by their
// headers; others that share one are told apart.
Outcome<void> Pop3Session::name_the_nameless(Task& task, const Trials& trials) {
  const auto no_uidl = [] { return std::unexpected(Failure{Error{&mailbox_no_uidl}, std::string(mailbox_no_uidl.text)}); };
  const auto nameless = std::exchange(nameless_, {});
  if (nameless.size() > named_by_header_max) {
    if (!has_uidl_) return no_uidl();
    // The others are served; these cannot be told apart at a bearable price.
    log_warning("mails_without_names").number("count", static_cast<std::int64_t>(nameless.size()));
    return {};
  }
  for (const Nameless& mail : nameless) {
    std::string name = name_of_size(size_of(mail.number));
    if (const Trial* trial = trials.find(name); trial == nullptr || trial->tries < tries_max) {
      trying(std::span(&name, 1));
      const auto header = read_header(task, mail.number);
      const auto twin = mail.twin == 0 || !header ? header : read_header(task, mail.twin);
      trying({});
      for (const auto* read : {&header, &twin}) {
        if (*read || deed_of(read->error()) == Deed::refused) continue;
        return std::unexpected(read->error());
      }
      if (!header && !has_uidl_) return no_uidl();
      if (header && twin && mail.twin != 0 && header->text == twin->text) continue;
      if (header) name = name_of_header(header->text);
      if (header && header->failure) return std::unexpected(*header->failure);
    }
    if (numbers_.emplace(name, mail.number).second) in_order_.push_back(std::move(name));
  }
  return {};
}

// The header by TOP; by RETR, cut at the empty line, where the server has no TOP. RETR sends the whole mail, however large or slow: when
// it breaks a limit behind the header, the mail is announced all the same, or it would stop every later look at the same place.
Outcome<Pop3Session::Header> Pop3Session::read_header(Task& task, std::uint32_t number) {
  std::string header;
  const auto keep = [&header](ByteView bytes) {
    if (header.size() < header_size_kept) header.append(text_of(bytes).substr(0, header_size_kept - header.size()));
    return true;
  };
  const std::string n = std::to_string(number);
  auto sent = command(task, "TOP " + n + " 0", settings_.mail_size_max + mail_answer_slack);
  if (!sent && deed_of(sent.error()) == Deed::refused) sent = command(task, "RETR " + n, settings_.mail_size_max + mail_answer_slack);
  if (!sent) return std::unexpected(sent.error());
  const auto read = read_body(keep);
  const std::size_t end = header.find("\r\n\r\n");
  const bool is_whole = end != std::string::npos;
  const bool is_full = header.size() >= header_size_kept;
  if (!read && !is_whole && !is_full) return std::unexpected(read.error());
  if (is_whole) {
    header.resize(end + 2);
  } else if (is_full) {
    header = whole_lines(header);
  }
  return Header{.text = std::move(header), .failure = read ? std::nullopt : std::optional(read.error())};
}

// The other way: mails that were known by their headers, while the server named none, have UIDLs now. They are no news.
Outcome<void> Pop3Session::recognise_named(Task& task, Watermark& mark) {
  if (std::ranges::none_of(mark.known, is_made_name)) return {};
  std::size_t looked_at = 0;
  for (const std::string& name : in_order_) {
    if (is_made_name(name) || mark.known.contains(name) || mark.trials.find(name) != nullptr) continue;
    if (++looked_at > named_by_header_max) return {};
    const auto header = read_header(task, numbers_.find(name)->second);
    if (!header && deed_of(header.error()) != Deed::refused) return std::unexpected(header.error());
    if (header && mark.known.contains(name_of_header(header->text))) mark.known.insert(name);
    if (header && header->failure) return std::unexpected(*header->failure);
  }
  return {};
}

// What is not known yet, in the server's order, mails on trial last.
std::vector<std::string> Pop3Session::fresh_names(const Watermark& mark) const {
  std::vector<std::string> fresh;
  for (const std::string& name : in_order_) {
    if (!mark.known.contains(name) && mark.trials.find(name) == nullptr) fresh.push_back(name);
  }
  return fresh;
}

// Nothing: the server does not hand it out.
Outcome<std::optional<Newest>> Pop3Session::newest_as(Task& task, const std::string& name) {
  trying(std::span(&name, 1));
  auto header = read_header(task, numbers_.find(name)->second);
  trying({});
  if (!header && deed_of(header.error()) == Deed::refused) return std::nullopt;
  if (!header) return std::unexpected(header.error());
  if (header->failure) return std::unexpected(*header->failure);
  return newest_of(Arrival{.header = std::move(header->text)}, task.loop().clock().wall());
}

// None of the names is known: which of the mails are, by the newest that was.
Outcome<Look> Pop3Session::recognise_renamed(Task& task, Watermark& mark) {
  const auto is_old = [&mark](const std::string& name) { return mark.known.contains(name) || mark.trials.find(name) != nullptr; };
  if (mark.known.empty() || in_order_.empty() || std::ranges::any_of(in_order_, is_old)) return Look::compared;
  const std::set<std::string, std::less<>> before = std::exchange(mark.known, {});
  std::size_t at = in_order_.size();
  const std::size_t last_looked_at = at - std::min(at, searched_for_newest_max);
  std::optional<std::size_t> news;  // from here on, behind the newest
  std::set<std::string, std::less<>> earlier;
  bool any_date = false;
  while (!mark.newest.empty() && mark.searches < searches_max && at > last_looked_at && !news) {
    const std::string& name = in_order_[--at];
    const auto found = newest_as(task, name);
    if (!found) {
      // A mail that breaks the session off each time must not end every look.
      ++mark.searches;
      mark.known = before;
      return std::unexpected(found.error());
    }
    if (!*found) continue;
    const Newest& mail = **found;
    if (!mark.newest.message_id.empty() && mail.message_id == mark.newest.message_id) news = at + 1;
    any_date = any_date || mail.received.us != 0;
    if (mail.received.us != 0 && mail.received.us <= mark.newest.received.us - on_its_way_us) earlier.insert(name);
  }
  mark.searches = 0;
  if (!news && in_order_.size() > few_mails) {
    if (!any_date || mark.newest.received.us == 0) {
      mark.known.insert(in_order_.begin(), in_order_.end());
      return Look::baseline;
    }
    mark.known = std::move(earlier);
    news = last_looked_at;
  }
  mark.known.insert(in_order_.begin(), in_order_.begin() + static_cast<std::ptrdiff_t>(news.value_or(0)));
  const std::vector<std::string> fresh = fresh_names(mark);
  if (fresh.size() > announced_after_renaming_max) {
    mark.left_out = fresh.size() - announced_after_renaming_max;
    mark.known.insert(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(mark.left_out));
  }
  return Look::renumbered;
}

Outcome<void> Pop3Session::learn_newest(Task& task, Watermark& mark) {
  if (!mark.newest.empty() || mark.newest_asked) return {};
  mark.newest_asked = true;
  const auto last = std::find_if(in_order_.rbegin(), in_order_.rend(), [&](const std::string& name) { return mark.known.contains(name); });
  if (last == in_order_.rend()) return {};
  const auto found = newest_as(task, *last);
  if (!found) return std::unexpected(found.error());
  if (*found) mark.newest = **found;
  return {};
}

Outcome<Look> Pop3Session::look(Task& task, Watermark& mark, const ArrivalSink& sink) {
  if (auto learned = learn_numbers(task); !learned) return std::unexpected(learned.error());
  // A server that has named its mails before is in trouble when it names none: under other names old mail would be news.
  const bool named_before = std::ranges::any_of(mark.known, [](const std::string& name) { return !is_made_name(name); });
  if (named_before && numbers_.empty() && !sizes_.empty()) {
    return std::unexpected(Failure{Error{&mailbox_busy}, "the server names no mails (UIDL) for now"});
  }
  if (auto recognised = recognise_named(task, mark); !recognised) return std::unexpected(recognised.error());
  if (auto named = name_the_nameless(task, mark.trials); !named) return std::unexpected(named.error());
  if (mark.uid_validity == 0 && mark.known.empty()) {
    mark.uid_validity = uid_validity_of_pop3;
    for (const std::string& name : in_order_) mark.known.insert(name);
    return Look::baseline;
  }
  mark.uid_validity = uid_validity_of_pop3;
  const auto result = recognise_renamed(task, mark);
  if (!result || *result == Look::baseline) return result;
  std::vector<std::string> wanted = fresh_names(mark);
  for (const std::string& name : mark.trials.due(task.loop().now())) {
    // Mails on trial that were removed are no longer waited for.
    if (numbers_.contains(name) && !mark.known.contains(name))
      wanted.push_back(name);
    else
      mark.trials.forget(name);
  }
  std::size_t in_vain = 0;
  for (const std::string& name : wanted) {
    if (mark.trials.is_full()) break;
    if (auto reported = report(task, name, mark, sink); !reported) return std::unexpected(reported.error());
    const Trial* trial = mark.trials.find(name);
    in_vain = trial == nullptr ? 0 : in_vain + 1;
    if (in_vain >= in_vain_max) return std::unexpected(Failure{Error{&mailbox_refused}, trial->reason});
  }
  // What the server no longer has is forgotten, so that the list does not grow for ever; but a mailbox without any mail may be a server in
  // trouble.
  if (!numbers_.empty()) std::erase_if(mark.known, [this](const std::string& name) { return !numbers_.contains(name); });
  return result;
}

Outcome<void> Pop3Session::report(Task& task, const std::string& name, Watermark& mark, const ArrivalSink& sink) {
  const std::uint32_t number = numbers_.find(name)->second;
  const auto announce = [&](std::string header, std::string trouble) {
    mark.known.insert(name);
    const Arrival arrival{.uid = name, .size = size_of(number), .header = std::move(header), .trouble = std::move(trouble)};
    if (const Newest newest = newest_of(arrival, task.loop().clock().wall(), mark.newest.received); !newest.empty()) mark.newest = newest;
    sink(arrival);
  };
  if (const Trial* trial = mark.trials.find(name); trial != nullptr && trial->tries >= tries_max) {
    std::string reason = trial->reason;
    mark.trials.forget(name);
    announce({}, std::move(reason));
    return {};
  }
  trying(std::span(&name, 1));
  auto header = read_header(task, number);
  trying({});
  const auto deed = header ? std::optional(Deed::answered) : deed_of(header.error());
  if (!deed) return std::unexpected(header.error());
  const std::string reason = header ? std::string() : header.error().text;
  const Next next = mark.trials.note(
      name, {.deed = *deed, .asked = Asked::alone, .now = task.loop().now(), .pause = settings_.timing.retry_mail, .reason = reason});
  if (next == Next::announce) announce(std::move(header->text), {});
  if (next == Next::announce_bare) announce({}, reason);
  if (*deed == Deed::broke_off) return std::unexpected(header.error());
  if (header && header->failure) return std::unexpected(*header->failure);
  return {};
}

Outcome<std::uint64_t> Pop3Session::read(Task& task, std::string_view uid, std::uint64_t offset, const ChunkSink& sink) {
  if (auto learned = learn_numbers(task); !learned) return std::unexpected(learned.error());
  if (is_made_name(uid)) {
    if (auto named = name_the_nameless(task, {}); !named) return std::unexpected(named.error());
  }
  const auto found = numbers_.find(uid);
  if (found == numbers_.end()) return std::unexpected(Failure{Error{&mailbox_gone}, std::string(mailbox_gone.text)});
  const auto size = sizes_.find(found->second);
  const auto too_large = [] { return std::unexpected(Failure{Error{&mailbox_too_large}, std::string(mailbox_too_large.text)}); };
  if (size != sizes_.end() && size->second > settings_.mail_size_max) return too_large();

  if (auto sent = command(task, "RETR " + std::to_string(found->second), settings_.mail_size_max + mail_answer_slack); !sent) {
    if (!sent.error().error.is(mailbox_refused)) return std::unexpected(sent.error());
    return std::unexpected(Failure{Error{&mailbox_gone}, sent.error().text});
  }
  std::uint64_t at = 0;
  bool over = false;
  Bytes chunk;
  const auto pass_chunk = [&] {
    const bool go_on = sink(chunk);
    chunk.clear();
    // Waiting for credit is not the server's fault: its time starts again.
    stream_.extend(settings_.timing.command);
    return go_on;
  };
  const auto read = read_body([&](ByteView bytes) {
    over = at + bytes.size() > settings_.mail_size_max;
    if (over) return false;
    for (; !bytes.empty();) {
      // POP3 starts at the front again after a broken connection; what the other side has is passed over.
      const auto skipped = static_cast<std::size_t>(at < offset ? std::min<std::uint64_t>(offset - at, bytes.size()) : 0);
      const std::size_t taken = std::min(bytes.size() - skipped, static_cast<std::size_t>(limits::imap_fetch_chunk_size) - chunk.size());
      pushmail::append(chunk, bytes.subspan(skipped, taken));
      at += skipped + taken;
      bytes = bytes.subspan(skipped + taken);
      if (chunk.size() == limits::imap_fetch_chunk_size && !pass_chunk()) return false;
    }
    return true;
  });
  if (over) return too_large();
  if (!read) return std::unexpected(read.error());
  if (!chunk.empty() && !pass_chunk()) return std::unexpected(Failure{Error{&mailbox_no_credit}, std::string(mailbox_no_credit.text)});
  return at;
}

Outcome<void> Pop3Session::mark(Task& task, std::string_view uid, Mark mark) {
  // POP3 has no flags.
  if (mark == Mark::seen) return {};
  if (auto learned = learn_numbers(task); !learned) return learned;
  if (is_made_name(uid)) {
    if (auto named = name_the_nameless(task, {}); !named) return named;
  }
  const auto found = numbers_.find(uid);
  if (found == numbers_.end()) return {};
  if (auto sent = command(task, "DELE " + std::to_string(found->second), 0); !sent) return sent;
  // RFC 1939 §6: the server deletes when it has answered QUIT, and not before.
  begin(task, status_answer_size_max);
  if (!stream_.write_all(bytes_of(std::string_view("QUIT\r\n")))) return failed(mailbox_closed);
  std::array<std::uint8_t, 512> answer;
  const auto got = stream_.read_some(answer);
  if (!got) return failed(mailbox_closed);
  if (!text_of(ByteView(answer).first(*got)).starts_with("+OK")) return breach("QUIT was refused");
  stream_.cut();
  return {};
}

void Pop3Session::close(Task& task) {
  if (stream_.failure()) return;
  begin(task, status_answer_size_max);
  mailpop3_quit(pop3_.get());
}

}  // namespace

std::unique_ptr<MailboxSession> make_pop3_session(MailStream& stream, const Account& account, const SessionSettings& settings) {
  return std::make_unique<Pop3Session>(stream, account, settings);
}

}  // namespace pushmail::mailbox
