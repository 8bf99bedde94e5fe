// IMAP through libetpan, inside the fences of fence.h and MailStream.
//
// What is asked is kept to what libetpan reads safely: never ENVELOPE or BODYSTRUCTURE, headers by name, bodies in pieces of
// 64 KiB (E3, E10), always by UID and with PEEK. Specs: RFC 3501, RFC 2177 (IDLE), RFC 2971 (ID), RFC 4315 (UIDPLUS), RFC 7888
// (LITERAL+, LITERAL-).
#include <libetpan/mailimap.h>

#include <algorithm>
#include <array>
#include <map>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/folder_name.h"
#include "controlplane/fetcher/imap_exchange.h"
#include "controlplane/fetcher/imap_values.h"
#include "controlplane/fetcher/mail_date.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "controlplane/fetcher/redact.h"
#include "controlplane/fetcher/refusals.h"
#include "controlplane/fetcher/watermark.h"
#include "core/ascii.h"
#include "core/log.h"

namespace pushmail::mailbox {

namespace {

using namespace imap;

// RFC822.SIZE and the fields of one mail come in one answer of at most imap_answer_size_max.
constexpr std::size_t headers_per_fetch = 20;
static_assert(headers_per_fetch * limits::imap_literal_size_max < limits::imap_answer_size_max);
// Anybody can send a mail with a header longer than any literal may be. Asked for in full it would end each session that looks at it,
// and with it the mailbox.
constexpr std::uint32_t header_size_asked = 32 * limits::KiB;
static_assert(header_size_asked < limits::imap_literal_size_max);
// One line of SEARCH: at most 11 characters a UID.
constexpr std::uint32_t uids_per_search = 5000;
static_assert(uids_per_search * 11 < limits::imap_line_size_max);
// A server that claims a UIDNEXT far away is asked for this many windows a look, then again at the next.
constexpr std::uint32_t searches_per_look = 200;

// Under a new numbering the newest mail that was known is looked for among so many, and so many mails behind it are announced.
constexpr std::size_t searched_for_newest_max = 200;
constexpr std::size_t announced_after_renumbering_max = 50;
// So many mails in a row that are not handed out are no longer one mail's matter: the session ends, and the next one goes on.
constexpr std::size_t in_vain_max = headers_per_fetch;

constexpr std::array<const char*, 7> wanted_fields{"FROM", "SUBJECT", "DATE", "MESSAGE-ID", "REFERENCES", "IN-REPLY-TO", "REPLY-TO"};

mailimap_section* wanted_header_section() {
  clist* names = made(clist_new());
  for (const char* name : wanted_fields) PM_CHECK(clist_append(names, made(strdup(name))) == 0);
  return made(mailimap_section_new_header_fields(made(mailimap_header_list_new(names))));
}

// What the server handed out of one mail.
struct Given {
  std::uint64_t size = 0;
  Timestamp received{};
  std::optional<std::string> header{};
};
using GivenMails = std::map<std::uint32_t, Given>;

// RFC 3501 §9, quoted.
std::string in_quotes(std::string_view text) {
  std::string out(1, '"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + '"';
}

class ImapSession final : public MailboxSession {
 public:
  ImapSession(MailStream& stream, const Account& account, const SessionSettings& settings)
      : stream_(stream), account_(account), settings_(settings), exchange_(stream) {
    imap_.reset(made(mailimap_new(0, nullptr)));
  }
  // mailimap_free writes LOGOUT to a stream that still lives; a cut stream answers at once.
  ~ImapSession() override { stream_.cut(); }

  Outcome<void> open(Task& task) override;
  Outcome<Look> look(Task& task, Watermark& mark, const ArrivalSink& sink) override;
  Outcome<void> learn_newest(Task& task, Watermark& mark) override;
  Outcome<std::uint64_t> read(Task& task, std::string_view uid, std::uint64_t offset, const ChunkSink& sink) override;
  Outcome<void> mark(Task& task, std::string_view uid, Mark mark) override;
  Outcome<void> wait(Task& task, Gate& gate, Instant until) override;
  bool can_wait() const override { return true; }
  bool can(Sending what) const override { return what == Sending::append; }
  Outcome<void> append(Task& task, const Deposit& deposit) override;
  void close(Task& task) override;
  std::uint64_t uid_validity() const override { return uid_validity_; }

 private:
  void begin(Task& task) { stream_.begin(task, {.bytes = limits::imap_answer_size_max, .time = settings_.timing.command}); }
  [[nodiscard]] Failure shown(Failure failure) const;
  std::unexpected<Failure> failed(int code, const ErrorInfo& rule) const;
  Outcome<void> settle(Result<ImapAnswer> answer, const ErrorInfo& rule) const;
  Outcome<void> ask_capability(Task& task);
  Outcome<void> log_in(Task& task);
  Outcome<void> select(Task& task);
  Outcome<void> refresh(Task& task);
  Result<ImapAnswer> write_literal(const std::string& command, ByteView bytes);
  Outcome<std::vector<std::uint32_t>> search(Task& task, mailimap_search_key* which);
  Outcome<std::vector<std::uint32_t>> search(Task& task, Set uids);
  Outcome<std::vector<std::uint32_t>> search(Task& task, std::uint32_t first, std::uint32_t last);
  Outcome<FetchList> fetch(Task& task, const Set& uids, const FetchType& what);
  Outcome<GivenMails> ask(Task& task, std::span<const std::uint32_t> uids);
  [[nodiscard]] std::uint32_t counted() const;
  [[nodiscard]] bool has_news();
  void note_exists();
  void note_find(bool is_found, bool has_grown);
  Outcome<std::uint32_t> last_of_select(Task& task);
  Outcome<Look> begin_numbering(Task& task, Watermark& mark, std::uint32_t uid_next);
  Outcome<std::optional<std::uint32_t>> find_newest(Task& task, std::span<const std::uint32_t> uids, const Newest& newest);
  Outcome<void> drop_unlisted(Task& task, Watermark& mark);
  Outcome<void> report(Task& task, std::vector<std::uint32_t> uids, Watermark& mark, const ArrivalSink& sink);
  Outcome<void> report_batch(Task& task, std::span<const std::uint32_t> batch, Watermark& mark, const ArrivalSink& sink);
  Outcome<void> try_again(Task& task, Watermark& mark, const ArrivalSink& sink);

  MailStream& stream_;
  const Account account_;
  const SessionSettings settings_;
  ImapExchange exchange_;
  std::unique_ptr<mailimap, SessionFree> imap_;
  std::string folder_;  // as it goes on the wire
  std::uint64_t uid_validity_ = 0;
  std::uint32_t uid_next_ = 0;                 // from SELECT; 0: not said, or used up
  std::uint32_t exists_ = 0;                   // mails at SELECT
  std::uint32_t looked_at_ = 0;                // mails as the server said before the last look: what it says later is news
  std::uint32_t unsettled_ = 0;                // the news that caused the last look, until a look begins with it; 0: none
  std::optional<std::uint32_t> hollow_looks_;  // how often mails that the server counted were looked for in vain
  bool has_idle_ = false;
  bool is_fresh_ = false;  // SELECT has just told everything
};

// One place where libetpan's codes become ours: the stream's own failure counts first, then what the server said.
// Read with the password in it, shown without.
Failure ImapSession::shown(Failure failure) const {
  failure.text = without_password(failure.text, account_.user, account_.password);
  return failure;
}

std::unexpected<Failure> ImapSession::failed(int code, const ErrorInfo& rule) const {
  const std::string& status = stream_.fence().last_status();
  const bool said_bye = ascii_starts_with_nocase(status, "BYE");
  // A server that hangs up usually says why (BYE).
  const auto closed = [&] { return std::unexpected(shown({Error{&mailbox_closed}, status, pause_asked(status)})); };
  if (stream_.failure()) {
    const bool is_over = stream_.failure()->error.is(mailbox_closed) || stream_.failure()->error.is(mailbox_timeout);
    if (is_over && said_bye) return closed();
    return std::unexpected(*stream_.failure());
  }
  // libetpan calls BAD a breach of protocol; it is an answer, and the session goes on.
  const bool said_bad = code == MAILIMAP_ERROR_PROTOCOL && ascii_starts_with_nocase(status, "BAD");
  if (!said_bad && (code == MAILIMAP_ERROR_PARSE || code == MAILIMAP_ERROR_STREAM || code == MAILIMAP_ERROR_PROTOCOL)) {
    return std::unexpected(Failure{Error{&mailbox_protocol}, std::string(mailbox_protocol.text)});
  }
  if (said_bye) return closed();
  // RFC 3501 §7.1.3: BAD is about the command, so nobody looked at the password.
  const ErrorInfo& unsaid = said_bad && &rule == &mailbox_login ? mailbox_busy : rule;
  return std::unexpected(shown(refused(status, unsaid, stream_.fence().last_notice())));
}

// The same for what was said without libetpan.
Outcome<void> ImapSession::settle(Result<ImapAnswer> answer, const ErrorInfo& rule) const {
  if (!answer || *answer == ImapAnswer::go_on) return failed(MAILIMAP_ERROR_STREAM, rule);
  if (*answer == ImapAnswer::ok) return {};
  return failed(*answer == ImapAnswer::bad ? MAILIMAP_ERROR_PROTOCOL : MAILIMAP_ERROR_EXTENSION, rule);
}

Outcome<void> ImapSession::open(Task& task) {
  const auto folder = folder_on_wire(account_.folder);
  if (!folder || !may_be_a_secret(account_.user) || !may_be_a_secret(account_.password))
    return std::unexpected(Failure{Error{&mailbox_argument}, std::string(mailbox_argument.text)});
  folder_ = *folder;
  if (auto connected = stream_.connect(task, account_.address, settings_.timing.connect); !connected) return connected;
  if (account_.encryption == Encryption::implicit) {
    if (auto secured = stream_.start_tls(task, settings_.tls, account_.tls_name, settings_.timing.connect); !secured) return secured;
  }
  begin(task);
  const int greeting = mailimap_connect(imap_.get(), stream_.make_etpan_stream());
  // A session that is authenticated before anybody said who he is (PREAUTH) is not the account's; with STARTTLS it is an attack.
  if (greeting != MAILIMAP_NO_ERROR_NON_AUTHENTICATED) return failed(greeting, mailbox_protocol);

  if (account_.encryption == Encryption::starttls) {
    begin(task);
    // Asked without looking at CAPABILITY, which anybody on the way can shorten; without TLS the password is not sent.
    const int code = mailimap_starttls(imap_.get());
    if (!stream_.failure() && stream_.has_unread()) return std::unexpected(injected("STARTTLS"));
    if (code != MAILIMAP_NO_ERROR) return failed(code, mailbox_tls);
    if (auto secured = stream_.start_tls(task, settings_.tls, account_.tls_name, settings_.timing.connect); !secured) return secured;
  }
  if (auto asked = ask_capability(task); !asked) return asked;
  if (auto in = log_in(task); !in) return in;
  if (auto asked = ask_capability(task); !asked) return asked;
  has_idle_ = account_.habits.idle && stream_.fence().can("IDLE");
  if (account_.habits.say_id) {
    begin(task);
    // Whether it likes the answer or not is shown by SELECT.
    if (const auto said = exchange_.command("ID (\"name\" \"pushmail\")"); !said) return settle(said, mailbox_refused);
  }
  return select(task);
}

Outcome<void> ImapSession::ask_capability(Task& task) {
  begin(task);
  const int code = mailimap_custom_command(imap_.get(), "CAPABILITY");
  if (code == MAILIMAP_NO_ERROR) return {};
  // A server that does not know the command has none; what it makes of LOGIN it says then.
  const std::string& status = stream_.fence().last_status();
  if (!stream_.failure() && (ascii_starts_with_nocase(status, "BAD") || ascii_starts_with_nocase(status, "NO"))) return {};
  return failed(code, mailbox_protocol);
}

Outcome<void> ImapSession::log_in(Task& task) {
  const auto can = [this](std::string_view capability) { return stream_.fence().can(capability); };
  const bool has_login = !can("LOGINDISABLED");
  // A server that takes PLAIN without TLS says so; that the password may go in the clear the operator decided (tls = none).
  const bool has_plain = can("AUTH=PLAIN");
  const bool has_sasl_login = can("AUTH=LOGIN");
  if (!has_login && !has_plain && !has_sasl_login) {
    return std::unexpected(
        Failure{Error{stream_.is_encrypted() ? &mailbox_protocol : &mailbox_tls}, "the server allows no LOGIN on this connection"});
  }
  begin(task);
  if (has_login && may_go_on_wire(account_.user) && may_go_on_wire(account_.password)) {
    const int code = mailimap_login(imap_.get(), account_.user.c_str(), account_.password.c_str());
    if (code != MAILIMAP_NO_ERROR) return failed(code, mailbox_login);
    return {};
  }
  // RFC 3501 §9: no byte of another alphabet stands in a quoted string, and libetpan writes no other.
  const auto initial = can("SASL-IR") ? InitialResponse::offered : InitialResponse::not_offered;
  const auto answer = has_plain   ? authenticate_plain(exchange_, account_.user, account_.password, initial)
                      : has_login ? login_with_literals(exchange_, account_.user, account_.password)
                                  : authenticate_login(exchange_, account_.user, account_.password);
  if (auto in = settle(answer, mailbox_login); !in) return in;
  imap_->imap_state = MAILIMAP_STATE_AUTHENTICATED;
  return {};
}

Outcome<void> ImapSession::select(Task& task) {
  begin(task);
  if (const int code = mailimap_select(imap_.get(), folder_.c_str()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_folder);
  const mailimap_selection_info* selected = imap_->imap_selection_info;
  uid_validity_ = selected == nullptr ? 0 : selected->sel_uidvalidity;
  uid_next_ = selected == nullptr ? 0 : selected->sel_uidnext;
  exists_ = selected == nullptr || !selected->sel_has_exists ? 0 : selected->sel_exists;
  is_fresh_ = true;
  // RFC 3501 §2.3.1.1: without it no UID means anything in the next session.
  if (uid_validity_ == 0) return std::unexpected(Failure{Error{&mailbox_protocol}, "the folder has no UIDVALIDITY"});
  return {};
}

// Lets the server tell what came since the last command.
Outcome<void> ImapSession::refresh(Task& task) {
  begin(task);
  switch (account_.habits.refresh) {
    case Refresh::noop:
      if (const int code = mailimap_noop(imap_.get()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_refused);
      return {};
    case Refresh::status:
      return settle(exchange_.command("STATUS " + in_quotes(folder_) + " (MESSAGES)"), mailbox_refused);
    case Refresh::select:
      return select(task);
  }
  return {};
}

// UIDs of the mails that `which` is true of, in order, each once. It is taken over.
Outcome<std::vector<std::uint32_t>> ImapSession::search(Task& task, mailimap_search_key* which) {
  begin(task);
  const std::unique_ptr<mailimap_search_key, decltype(&mailimap_search_key_free)> key(which, &mailimap_search_key_free);
  clist* list = nullptr;
  if (const int code = mailimap_uid_search(imap_.get(), nullptr, key.get(), &list); code != MAILIMAP_NO_ERROR)
    return failed(code, mailbox_refused);
  std::vector<std::uint32_t> found;
  for (clistiter* at = clist_begin(list); at != nullptr; at = clist_next(at)) {
    found.push_back(*static_cast<std::uint32_t*>(clist_content(at)));
  }
  mailimap_search_result_free(list);
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

// UIDs of the set that exist.
Outcome<std::vector<std::uint32_t>> ImapSession::search(Task& task, Set uids) {
  return search(task, made(mailimap_search_key_new_uid(uids.release())));
}

// UIDs of [first, last]. 0 is `*`, the last mail: it names one even when that lies below `first`.
Outcome<std::vector<std::uint32_t>> ImapSession::search(Task& task, std::uint32_t first, std::uint32_t last) {
  auto uids = search(task, Set(made(mailimap_set_new_interval(first, last))));
  if (uids) std::erase_if(*uids, [first, last](std::uint32_t uid) { return uid < first || (last != 0 && uid > last); });
  return uids;
}

Outcome<FetchList> ImapSession::fetch(Task& task, const Set& uids, const FetchType& what) {
  begin(task);
  clist* list = nullptr;
  const int code = mailimap_uid_fetch(imap_.get(), uids.get(), what.get(), &list);
  if (code == MAILIMAP_NO_ERROR) return FetchList(list);
  return failed(code, mailbox_refused);
}

Outcome<Look> ImapSession::look(Task& task, Watermark& mark, const ArrivalSink& sink) {
  const bool is_first = is_fresh_;
  if (!is_first) {
    if (auto refreshed = refresh(task); !refreshed) return std::unexpected(refreshed.error());
  }
  is_fresh_ = false;
  const bool has_grown = !is_first && counted() > looked_at_;
  looked_at_ = counted();
  if (looked_at_ == unsettled_) unsettled_ = 0;
  const std::uint64_t newest_before = mark.last_uid;
  std::uint32_t uid_next = std::exchange(uid_next_, 0);
  // First sight, another numbering, or a UIDNEXT that went back, which RFC 3501 §2.3.1.1 forbids. One that is merely behind its own mails
  // says nothing.
  Look result = Look::compared;
  if (mark.uid_validity == uid_validity_ && uid_next != 0 && uid_next <= mark.last_uid && mark.newest.empty()) {
    const auto last = last_of_select(task);
    if (!last) return std::unexpected(last.error());
    if (*last >= mark.last_uid) uid_next = 0;
  }
  if (mark.uid_validity != uid_validity_ || (uid_next != 0 && uid_next <= mark.last_uid)) {
    const auto begun = begin_numbering(task, mark, uid_next);
    if (!begun || *begun == Look::baseline) return begun;
    result = *begun;
  }
  if (auto dropped = drop_unlisted(task, mark); !dropped) return std::unexpected(dropped.error());

  // After SELECT the end is known, and a long absence is searched window by window; later what came is a few mails.
  for (std::uint32_t round = 0; uid_next != 0 && mark.last_uid + 1 < uid_next && round < searches_per_look; ++round) {
    const std::uint32_t last = std::min(uid_next - 1, mark.last_uid + std::min(uids_per_search, UINT32_MAX - mark.last_uid));
    auto uids = search(task, mark.last_uid + 1, last);
    if (!uids) return std::unexpected(uids.error());
    if (auto reported = report(task, std::move(*uids), mark, sink); !reported) return std::unexpected(reported.error());
    if (mark.trials.is_full()) break;
    mark.last_uid = last;
  }
  if ((uid_next == 0 || mark.last_uid + 1 >= uid_next) && mark.last_uid != UINT32_MAX && !mark.trials.is_full()) {
    auto uids = search(task, mark.last_uid + 1, 0);
    if (!uids) return std::unexpected(uids.error());
    if (auto reported = report(task, std::move(*uids), mark, sink); !reported) return std::unexpected(reported.error());
  }
  if (auto tried = try_again(task, mark, sink); !tried) return std::unexpected(tried.error());
  note_find(mark.last_uid != newest_before, has_grown);
  return result;
}

// Some servers count a mail before their search finds it, and do not say it twice.
void ImapSession::note_find(bool is_found, bool has_grown) {
  constexpr std::uint32_t looks_max = 4;
  if (has_grown) {
    hollow_looks_ = 0;
  } else if (hollow_looks_) {
    ++*hollow_looks_;
  }
  if (is_found || hollow_looks_ == looks_max) hollow_looks_.reset();
}

// UID of the last mail that SELECT counted, by its place: some servers say a UIDNEXT that a mail has already, and what came after SELECT is
// news. 0: the server does not say.
Outcome<std::uint32_t> ImapSession::last_of_select(Task& task) {
  if (exists_ == 0) return 0;
  const auto last = search(task, made(mailimap_search_key_new_set(made(mailimap_set_new_single(exists_)))));
  if (!last && deed_of(last.error()) == Deed::refused) return 0;
  if (!last) return std::unexpected(last.error());
  return last->size() == 1 ? last->front() : 0;
}

// Where the mailbox stands under a numbering that says nothing about the old one. Without a trace of the newest known mail what is there
// now is no news.
Outcome<Look> ImapSession::begin_numbering(Task& task, Watermark& mark, std::uint32_t uid_next) {
  std::uint32_t highest = uid_next == 0 ? 0 : uid_next - 1;
  if (uid_next == 0) {
    const auto last = search(task, 0, 0);
    if (!last) return std::unexpected(last.error());
    if (!last->empty()) highest = last->back();
  } else if (mark.uid_validity == 0 || mark.newest.empty()) {
    const auto last = last_of_select(task);
    if (!last) return std::unexpected(last.error());
    highest = std::max(highest, *last);
  }
  Watermark begun{.uid_validity = uid_validity_, .last_uid = highest};
  if (mark.uid_validity == 0 || mark.newest.empty()) {
    mark = std::move(begun);
    return Look::baseline;
  }
  const auto uids = search(task, highest < uids_per_search ? 1 : highest - uids_per_search + 1, 0);
  if (!uids) return std::unexpected(uids.error());
  const auto known = find_newest(task, *uids, mark.newest);
  if (!known) return std::unexpected(known.error());
  if (!*known) {
    mark = std::move(begun);
    return Look::baseline;
  }
  begun.last_uid = **known;
  begun.newest = mark.newest;
  const auto first_new = std::ranges::upper_bound(*uids, begun.last_uid);
  const auto count = static_cast<std::size_t>(uids->end() - first_new);
  if (count > announced_after_renumbering_max) {
    begun.left_out = count - announced_after_renumbering_max;
    begun.last_uid = *(first_new + static_cast<std::ptrdiff_t>(begun.left_out) - 1);
  }
  mark = std::move(begun);
  return Look::renumbered;
}

// The mail that was the newest, by its Message-ID; else the last one that the server received (or, where it does not say, that was written)
// no later. `uids` are in order.
Outcome<std::optional<std::uint32_t>> ImapSession::find_newest(Task& task, std::span<const std::uint32_t> uids, const Newest& newest) {
  std::optional<std::uint32_t> not_later;
  std::size_t asked_count = 0;
  bool any_date = false;
  while (!uids.empty() && asked_count < searched_for_newest_max) {
    const auto batch = uids.last(std::min(uids.size(), headers_per_fetch));
    uids = uids.first(uids.size() - batch.size());
    asked_count += batch.size();
    const auto given = ask(task, batch);
    if (!given && deed_of(given.error()) == Deed::refused) continue;
    if (!given) return std::unexpected(given.error());
    for (auto mail = given->rbegin(); mail != given->rend(); ++mail) {
      const auto& [uid, what] = *mail;
      const Newest found = newest_of(Arrival{.header = what.header.value_or(""), .received = what.received}, task.loop().clock().wall());
      if (!newest.message_id.empty() && found.message_id == newest.message_id) return std::optional(uid);
      any_date = any_date || found.received.us != 0;
      if (!not_later && newest.received.us != 0 && found.received.us != 0 && found.received <= newest.received) not_later = uid;
    }
  }
  // All that were looked at came later: what lies before them is left out.
  if (!not_later && any_date && newest.received.us != 0) return std::optional(uids.empty() ? 0U : uids.back());
  return not_later;
}

Outcome<void> ImapSession::learn_newest(Task& task, Watermark& mark) {
  if (!mark.newest.empty() || mark.newest_asked || mark.last_uid == 0) return {};
  mark.newest_asked = true;
  const auto last = search(task, 0, 0);
  if (!last) return std::unexpected(last.error());
  if (last->empty() || last->back() > mark.last_uid || mark.trials.find(std::to_string(last->back())) != nullptr) return {};
  const auto given = ask(task, std::span(*last).last(1));
  if (!given && deed_of(given.error()) == Deed::refused) return {};
  if (!given) return std::unexpected(given.error());
  for (const auto& [uid, what] : *given) {
    mark.newest = newest_of(Arrival{.header = what.header.value_or(""), .received = what.received}, task.loop().clock().wall());
  }
  return {};
}

// Mails on trial that were removed are no longer waited for.
Outcome<void> ImapSession::drop_unlisted(Task& task, Watermark& mark) {
  const Instant now = task.loop().now();
  std::vector<std::uint32_t> due;
  for (const std::string& name : mark.trials.due(now)) {
    if (const auto uid = parse_uid(name))
      due.push_back(*uid);
    else
      mark.trials.forget(name);
  }
  if (due.empty()) return {};
  const auto listed = search(task, set_of(due));
  if (!listed) return std::unexpected(listed.error());
  for (const std::uint32_t uid : due) {
    if (std::ranges::binary_search(*listed, uid)) continue;
    mark.trials.note(std::to_string(uid), {.deed = Deed::not_listed, .asked = Asked::alone, .now = now, .pause = {}, .reason = {}});
  }
  return {};
}

// What the server hands out of `uids`. Data that names no mail can only belong to one that was asked for alone.
Outcome<GivenMails> ImapSession::ask(Task& task, std::span<const std::uint32_t> uids) {
  std::vector<std::string> names;
  for (const std::uint32_t uid : uids) names.push_back(std::to_string(uid));
  const FetchType what = new_fetch_type();
  add(what, mailimap_fetch_att_new_uid());
  add(what, mailimap_fetch_att_new_rfc822_size());
  add(what, mailimap_fetch_att_new_internaldate());
  add(what, mailimap_fetch_att_new_body_peek_section_partial(wanted_header_section(), 0, header_size_asked));
  trying(names);
  const auto list = fetch(task, set_of(uids), what);
  trying({});
  if (!list) return std::unexpected(list.error());

  // A server may spread one mail over several answers, repeat it, or speak about mails nobody asked for.
  GivenMails mails;
  for (clistiter* at = clist_begin(list->get()); at != nullptr; at = clist_next(at)) {
    const Fetched found = read_attributes(static_cast<const mailimap_msg_att*>(clist_content(at)));
    if (!found.uid && (uids.size() != 1 || !found.section)) continue;
    const std::uint32_t uid = found.uid.value_or(uids.front());
    if (std::ranges::find(uids, uid) == uids.end()) continue;
    Given& mail = mails[uid];
    if (found.size) mail.size = *found.size;
    if (found.received.us != 0) mail.received = found.received;
    if (!found.section) continue;
    mail.header = found.section->size() < header_size_asked ? std::string(*found.section) : whole_lines(*found.section);
  }
  return mails;
}

// `uids` are in order. Mails on trial have a turn of their own.
Outcome<void> ImapSession::report(Task& task, std::vector<std::uint32_t> uids, Watermark& mark, const ArrivalSink& sink) {
  std::erase_if(uids, [&mark](std::uint32_t uid) { return mark.trials.find(std::to_string(uid)) != nullptr; });
  std::span<const std::uint32_t> rest(uids);
  while (!rest.empty() && !mark.trials.is_full()) {
    const auto batch = rest.first(std::min(rest.size(), headers_per_fetch));
    rest = rest.subspan(batch.size());
    if (auto reported = report_batch(task, batch, mark, sink); !reported) return reported;
  }
  return {};
}

Outcome<void> ImapSession::report_batch(Task& task, std::span<const std::uint32_t> batch, Watermark& mark, const ArrivalSink& sink) {
  const Asked asked = batch.size() == 1 ? Asked::alone : Asked::with_others;
  const auto settle = [&](std::uint32_t uid, Deed deed, std::string_view reason, const Given& given) {
    const std::string name = std::to_string(uid);
    const Next next = mark.trials.note(
        name, {.deed = deed, .asked = asked, .now = task.loop().now(), .pause = settings_.timing.retry_mail, .reason = reason});
    mark.last_uid = std::max(mark.last_uid, uid);
    if (next != Next::announce && next != Next::announce_bare) return;
    const Arrival arrival{.uid = name,
                          .size = given.size,
                          .header = given.header.value_or(""),
                          .received = given.received,
                          .trouble = std::string(next == Next::announce_bare ? reason : "")};
    if (const Newest newest = newest_of(arrival, task.loop().clock().wall(), mark.newest.received);
        !newest.empty() && uid >= mark.newest_uid) {
      mark.newest = newest;
      mark.newest_uid = uid;
    }
    sink(arrival);
  };

  const auto given = ask(task, batch);
  if (!given) {
    const auto deed = deed_of(given.error());
    if (!deed) return std::unexpected(given.error());
    for (const std::uint32_t uid : batch) settle(uid, *deed, given.error().text, {});
    if (*deed == Deed::broke_off) return std::unexpected(given.error());
    return {};
  }
  // Those that were left out first: the watermark must stay below them when the others are announced.
  const auto is_whole = [&](std::uint32_t uid) { return given->contains(uid) && given->at(uid).header; };
  const std::uint32_t before = mark.last_uid;
  for (const std::uint32_t uid : batch) {
    if (!is_whole(uid))
      settle(uid, Deed::left_out, "the server left it out of its answer", given->contains(uid) ? given->at(uid) : Given{});
  }
  // And it moves mail by mail.
  if (asked == Asked::with_others) mark.last_uid = before;
  for (const std::uint32_t uid : batch) {
    if (is_whole(uid)) settle(uid, Deed::answered, {}, given->at(uid));
  }
  mark.last_uid = std::max(mark.last_uid, batch.back());
  return {};
}

// Mails on trial whose time has come, each alone.
Outcome<void> ImapSession::try_again(Task& task, Watermark& mark, const ArrivalSink& sink) {
  std::size_t in_vain = 0;
  for (const std::string& name : mark.trials.due(task.loop().now())) {
    const auto uid = parse_uid(name);
    // What this look has not come to yet must not move the watermark past what lies before it.
    if (!uid || *uid > mark.last_uid) continue;
    const Trial trial = *mark.trials.find(name);
    if (trial.tries >= tries_max) {
      mark.trials.forget(name);
      sink(Arrival{.uid = name, .trouble = trial.reason});
      continue;
    }
    if (auto reported = report_batch(task, std::span(&*uid, 1), mark, sink); !reported) return reported;
    const Trial* still = mark.trials.find(name);
    in_vain = still == nullptr ? 0 : in_vain + 1;
    if (in_vain >= in_vain_max) return std::unexpected(Failure{Error{&mailbox_refused}, still->reason});
  }
  return {};
}

Outcome<std::uint64_t> ImapSession::read(Task& task, std::string_view uid_text, std::uint64_t offset, const ChunkSink& sink) {
  const auto gone = [] { return std::unexpected(Failure{Error{&mailbox_gone}, std::string(mailbox_gone.text)}); };
  const auto too_large = [] { return std::unexpected(Failure{Error{&mailbox_too_large}, std::string(mailbox_too_large.text)}); };
  const auto uid = parse_uid(uid_text);
  if (!uid) return gone();
  const Set set = set_of(std::span(&*uid, 1));
  // RFC822.SIZE is asked first so that a mail too large costs nothing; servers are known to be wrong about it, so the end is where
  // a piece comes back short.
  {
    const FetchType what = new_fetch_type();
    add(what, mailimap_fetch_att_new_uid());
    add(what, mailimap_fetch_att_new_rfc822_size());
    const auto list = fetch(task, set, what);
    if (!list) return std::unexpected(list.error());
    bool exists = false;
    for (clistiter* at = clist_begin(list->get()); at != nullptr; at = clist_next(at)) {
      const Fetched found = read_attributes(static_cast<const mailimap_msg_att*>(clist_content(at)));
      if (found.uid != uid) continue;
      exists = true;
      if (found.size && *found.size > settings_.mail_size_max) return too_large();
    }
    if (!exists) return gone();
  }
  while (true) {
    if (offset > settings_.mail_size_max) return too_large();
    const FetchType what = new_fetch_type();
    add(what, mailimap_fetch_att_new_body_peek_section_partial(made(mailimap_section_new(nullptr)), static_cast<std::uint32_t>(offset),
                                                               static_cast<std::uint32_t>(limits::imap_fetch_chunk_size)));
    const auto list = fetch(task, set, what);
    if (!list) return std::unexpected(list.error());
    std::optional<std::string_view> piece;
    for (clistiter* at = clist_begin(list->get()); at != nullptr; at = clist_next(at)) {
      const Fetched found = read_attributes(static_cast<const mailimap_msg_att*>(clist_content(at)));
      if (found.section && (!found.uid || found.uid == uid)) piece = found.section;
    }
    if (!piece) return gone();
    if (piece->size() > limits::imap_fetch_chunk_size)
      return std::unexpected(Failure{Error{&mailbox_literal_too_long}, std::string(mailbox_literal_too_long.text)});
    if (!piece->empty() && !sink(bytes_of(*piece)))
      return std::unexpected(Failure{Error{&mailbox_no_credit}, std::string(mailbox_no_credit.text)});
    offset += piece->size();
    if (piece->size() < limits::imap_fetch_chunk_size) return offset;
  }
}

Outcome<void> ImapSession::mark(Task& task, std::string_view uid_text, Mark mark) {
  const auto uid = parse_uid(uid_text);
  if (!uid) return {};
  const Set set = set_of(std::span(&*uid, 1));
  mailimap_flag_list* flags = made(mailimap_flag_list_new_empty());
  mailimap_flag* flag = made(mark == Mark::seen ? mailimap_flag_new_seen() : mailimap_flag_new_deleted());
  PM_CHECK(mailimap_flag_list_add(flags, flag) == MAILIMAP_NO_ERROR);
  const std::unique_ptr<mailimap_store_att_flags, decltype(&mailimap_store_att_flags_free)> change(
      made(mailimap_store_att_flags_new_add_flags_silent(flags)), &mailimap_store_att_flags_free);
  begin(task);
  // RFC 3501 §6.4.8: a UID that is gone is passed over without an error.
  if (const int code = mailimap_uid_store(imap_.get(), set.get(), change.get()); code != MAILIMAP_NO_ERROR)
    return failed(code, mailbox_refused);
  if (mark == Mark::seen || !stream_.fence().can("UIDPLUS")) return {};
  // Only this one: a plain EXPUNGE would also remove what the user himself has flagged, so without UIDPLUS the flag must do.
  begin(task);
  if (const int code = mailimap_uid_expunge(imap_.get(), set.get()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_refused);
  return {};
}

// `command` with `bytes` as its last argument. A server that takes literals unasked is not asked.
Result<ImapAnswer> ImapSession::write_literal(const std::string& command, ByteView bytes) {
  constexpr std::size_t minus_size_max = 4096;  // RFC 7888 §5
  const bool is_asked = !stream_.fence().can("LITERAL+") && !(stream_.fence().can("LITERAL-") && bytes.size() <= minus_size_max);
  const std::string size = std::to_string(bytes.size());
  if (is_asked) {
    PM_TRY(const ImapAnswer answer, exchange_.command(command + " {" + size + "}"));
    if (answer != ImapAnswer::go_on) return answer;
  } else {
    PM_TRY_VOID(exchange_.begin_command(command + " {" + size + "+}"));
  }
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min<std::size_t>(bytes.size(), limits::imap_fetch_chunk_size));
    PM_TRY_VOID(exchange_.write(piece));
    bytes = bytes.subspan(piece.size());
    // A slow line is no reason to give up as long as it goes on.
    stream_.extend(settings_.timing.command);
  }
  return exchange_.go_on("\r\n");
}

// RFC 3501 §6.3.11.
Outcome<void> ImapSession::append(Task& task, const Deposit& deposit) {
  const auto refuse = [](const ErrorInfo& rule) { return std::unexpected(Failure{Error{&rule}, std::string(rule.text)}); };
  constexpr std::array<std::pair<Deposit::Flag, std::string_view>, 4> names{{{Deposit::Flag::seen, "\\Seen"},
                                                                             {Deposit::Flag::answered, "\\Answered"},
                                                                             {Deposit::Flag::flagged, "\\Flagged"},
                                                                             {Deposit::Flag::draft, "\\Draft"}}};
  const auto folder = folder_on_wire(deposit.folder);
  // RFC 3501 §9, CHAR8.
  if (!folder || deposit.mail.empty() || std::ranges::find(deposit.mail, 0) != deposit.mail.end()) return refuse(mailbox_argument);
  if (deposit.mail.size() > settings_.mail_size_max) return refuse(mailbox_too_large);
  std::string flags;
  for (const auto& [flag, name] : names) {
    if (std::ranges::find(deposit.flags, flag) == deposit.flags.end()) continue;
    if (!flags.empty()) flags += ' ';
    flags += name;
  }
  std::string command = "APPEND " + in_quotes(*folder);
  if (!flags.empty()) command += " (" + flags + ")";
  if (deposit.received.us != 0) command += " \"" + format_internal_date(deposit.received) + "\"";
  begin(task);
  const auto answer = write_literal(command, deposit.mail);
  note_exists();
  // A `+` behind the mail itself would be a breach.
  return settle(answer, mailbox_refused);
}

// Mails in the folder, as the server said last.
std::uint32_t ImapSession::counted() const { return imap_->imap_selection_info == nullptr ? 0 : imap_->imap_selection_info->sel_exists; }

// A server that says one number to NOOP and another to the search, for ever, causes one look by it and not one after the other.
bool ImapSession::has_news() {
  if (counted() == looked_at_ || counted() == unsettled_) return false;
  unsettled_ = counted();
  return true;
}

// libetpan sees the answers to its own commands alone.
void ImapSession::note_exists() {
  if (exchange_.exists() && imap_->imap_selection_info != nullptr) imap_->imap_selection_info->sel_exists = *exchange_.exists();
}

Outcome<void> ImapSession::wait(Task& task, Gate& gate, Instant until) {
  const auto or_else = [](Duration known, Duration usual) { return known.ns != 0 ? known : usual; };
  // News may stand in any answer (RFC 3501 §5.2): to the search that did not see it, or in front of the `+` of IDLE.
  if (has_news()) return {};
  if (hollow_looks_) until = std::min(until, task.loop().now() + doubled(settings_.timing.unseen_news, *hollow_looks_));
  if (has_idle_) {
    begin(task);
    const auto answer = exchange_.command("IDLE");
    if (!answer) return settle(answer, mailbox_refused);
    if (*answer == ImapAnswer::go_on) {
      const Instant reissue =
          task.loop().now() + std::min(or_else(account_.habits.idle_break, settings_.timing.idle_reissue), settings_.timing.idle_reissue);
      note_exists();
      if (!has_news()) stream_.wait_readable(task, gate, std::min(until, reissue));
      begin(task);
      const auto done = exchange_.go_on("DONE\r\n");
      note_exists();
      return settle(done, mailbox_refused);
    }
    // It offers IDLE and does not take it: the session is as good as one without. A server that has no use for us at all says so to the
    // next command.
    has_idle_ = false;
    log_info("idle_refused")
        .text("host", account_.tls_name)
        .text("reason", without_password(stream_.fence().last_status(), account_.user, account_.password));
  }
  stream_.wait_readable(task, gate, std::min(until, task.loop().now() + or_else(account_.habits.refresh_every, settings_.timing.refresh)));
  return {};
}

void ImapSession::close(Task& task) {
  if (stream_.failure()) return;
  begin(task);
  mailimap_logout(imap_.get());
}

}  // namespace

std::unique_ptr<MailboxSession> make_imap_session(MailStream& stream, const Account& account, const SessionSettings& settings) {
  return std::make_unique<ImapSession>(stream, account, settings);
}

}  // namespace pushmail::mailbox
