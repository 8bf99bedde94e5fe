// IMAP through libetpan, inside the fences of fence.h and MailStream.
//
// What is asked is kept to what libetpan reads safely: never ENVELOPE or BODYSTRUCTURE (E4), headers by name, bodies in pieces of
// 64 KiB (E3, E10), always by UID and with PEEK. Specs: RFC 3501, RFC 2177 (IDLE), RFC 4315 (UIDPLUS), RFC 5530 (response codes).
#include <libetpan/mailimap.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "controlplane/mailbox/errors.h"
#include "controlplane/mailbox/mailbox_session.h"

namespace pushmail::mailbox {

namespace {

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

constexpr std::array<const char*, 7> wanted_fields{"FROM", "SUBJECT", "DATE", "MESSAGE-ID", "REFERENCES", "IN-REPLY-TO", "REPLY-TO"};

struct SetFree {
  void operator()(mailimap_set* set) const { mailimap_set_free(set); }
};
using Set = std::unique_ptr<mailimap_set, SetFree>;
struct FetchTypeFree {
  void operator()(mailimap_fetch_type* type) const { mailimap_fetch_type_free(type); }
};
using FetchType = std::unique_ptr<mailimap_fetch_type, FetchTypeFree>;
struct FetchListFree {
  void operator()(clist* list) const { mailimap_fetch_list_free(list); }
};
using FetchList = std::unique_ptr<clist, FetchListFree>;
struct SessionFree {
  void operator()(mailimap* session) const { mailimap_free(session); }
};

// libetpan answers nullptr only when memory is out.
template <class T>
T* made(T* object) {
  PM_CHECK(object != nullptr);
  return object;
}

FetchType new_fetch_type() { return FetchType(made(mailimap_fetch_type_new_fetch_att_list_empty())); }
void add(const FetchType& type, mailimap_fetch_att* attribute) {
  PM_CHECK(mailimap_fetch_type_new_fetch_att_list_add(type.get(), made(attribute)) == MAILIMAP_NO_ERROR);
}

mailimap_section* wanted_header_section() {
  clist* names = made(clist_new());
  for (const char* name : wanted_fields) PM_CHECK(clist_append(names, made(strdup(name))) == 0);
  return made(mailimap_section_new_header_fields(made(mailimap_header_list_new(names))));
}

std::optional<std::uint32_t> parse_uid(std::string_view text) {
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc() || end != text.data() + text.size() || uid == 0) return std::nullopt;
  return uid;
}

// What one FETCH answer says about one mail.
struct Fetched {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint64_t> size;
  std::optional<std::string_view> section;  // views into libetpan's list
};

Fetched read_attributes(const mailimap_msg_att* answer) {
  Fetched found;
  for (clistiter* at = clist_begin(answer->att_list); at != nullptr; at = clist_next(at)) {
    const auto* item = static_cast<const mailimap_msg_att_item*>(clist_content(at));
    if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC) continue;
    const mailimap_msg_att_static* value = item->att_data.att_static;
    switch (value->att_type) {
      case MAILIMAP_MSG_ATT_UID:
        found.uid = value->att_data.att_uid;
        break;
      case MAILIMAP_MSG_ATT_RFC822_SIZE:
        found.size = value->att_data.att_rfc822_size;
        break;
      case MAILIMAP_MSG_ATT_BODY_SECTION: {
        const mailimap_msg_att_body_section* section = value->att_data.att_body_section;
        found.section =
            section->sec_body_part == nullptr ? std::string_view() : std::string_view(section->sec_body_part, section->sec_length);
        break;
      }
      default:
        break;
    }
  }
  return found;
}

// RFC 5530 §3, and LIMIT and INUSE as Gmail and Dovecot use them: trying again can help, the password is not to blame.
bool says_later(std::string_view status) {
  constexpr std::array<std::string_view, 5> codes{"[UNAVAILABLE]", "[LIMIT]", "[INUSE]", "[SERVERBUG]", "[CONTACTADMIN]"};
  return std::ranges::any_of(codes, [status](std::string_view code) { return status.find(code) != std::string_view::npos; });
}

class ImapSession final : public MailboxSession {
 public:
  ImapSession(MailStream& stream, const Account& account, const SessionSettings& settings)
      : stream_(stream), account_(account), settings_(settings) {
    imap_.reset(made(mailimap_new(0, nullptr)));
  }
  // mailimap_free writes LOGOUT to a stream that still lives; a cut stream answers at once.
  ~ImapSession() override { stream_.cut(); }

  Outcome<void> open(Task& task) override;
  Outcome<Look> look(Task& task, Watermark& mark, const ArrivalSink& sink) override;
  Outcome<std::uint64_t> read(Task& task, std::string_view uid, std::uint64_t offset, const ChunkSink& sink) override;
  Outcome<void> mark(Task& task, std::string_view uid, Mark mark) override;
  Outcome<void> wait(Task& task, Gate& gate, Instant until) override;
  bool can_wait() const override { return has_idle_; }
  void close(Task& task) override;
  std::uint64_t uid_validity() const override { return uid_validity_; }

 private:
  void begin(Task& task) { stream_.begin(task, {.bytes = limits::imap_answer_size_max, .time = settings_.timing.command}); }
  std::unexpected<Failure> failed(int code, const ErrorInfo& refused) const;
  Outcome<void> login(Task& task);
  Outcome<std::vector<std::uint32_t>> search(Task& task, std::uint32_t first, std::uint32_t last);
  Outcome<FetchList> fetch(Task& task, const Set& uids, const FetchType& what);
  Outcome<void> report(Task& task, std::span<const std::uint32_t> uids, Watermark& mark, const ArrivalSink& sink);

  MailStream& stream_;
  const Account account_;
  const SessionSettings settings_;
  std::unique_ptr<mailimap, SessionFree> imap_;
  std::uint64_t uid_validity_ = 0;
  std::uint32_t uid_next_ = 0;  // from SELECT; 0: not said, or used up
  bool has_idle_ = false;
  bool is_fresh_ = false;  // SELECT has just told everything
};

// One place where libetpan's codes become ours: the stream's own failure counts first, then what the server said.
std::unexpected<Failure> ImapSession::failed(int code, const ErrorInfo& refused) const {
  if (stream_.failure()) {
    const std::string& status = stream_.fence().last_status();
    // A server that hangs up usually says why (BYE).
    if (stream_.failure()->error.is(mailbox_closed) && ascii_starts_with_nocase(status, "BYE")) {
      return std::unexpected(Failure{Error{&mailbox_closed}, status});
    }
    return std::unexpected(*stream_.failure());
  }
  const std::string& status = stream_.fence().last_status();
  if (code == MAILIMAP_ERROR_PARSE || code == MAILIMAP_ERROR_STREAM || code == MAILIMAP_ERROR_PROTOCOL) {
    return std::unexpected(Failure{Error{&mailbox_protocol}, std::string(mailbox_protocol.text)});
  }
  if (ascii_starts_with_nocase(status, "BYE")) return std::unexpected(Failure{Error{&mailbox_closed}, status});
  return std::unexpected(
      Failure{Error{says_later(status) ? &mailbox_busy : &refused}, status.empty() ? std::string(refused.text) : status});
}

Outcome<void> ImapSession::open(Task& task) {
  for (const std::string& argument : {account_.user, account_.password, account_.folder}) {
    if (!may_go_on_wire(argument)) return std::unexpected(Failure{Error{&mailbox_argument}, std::string(mailbox_argument.text)});
  }
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
  return login(task);
}

Outcome<void> ImapSession::login(Task& task) {
  const auto ask_capability = [this, &task]() -> Outcome<void> {
    begin(task);
    if (const int code = mailimap_custom_command(imap_.get(), "CAPABILITY"); code != MAILIMAP_NO_ERROR)
      return failed(code, mailbox_protocol);
    return {};
  };
  if (auto asked = ask_capability(); !asked) return asked;
  if (stream_.fence().can("LOGINDISABLED")) {
    return std::unexpected(
        Failure{Error{stream_.is_encrypted() ? &mailbox_protocol : &mailbox_tls}, "the server allows no LOGIN on this connection"});
  }
  begin(task);
  if (const int code = mailimap_login(imap_.get(), account_.user.c_str(), account_.password.c_str()); code != MAILIMAP_NO_ERROR) {
    return failed(code, mailbox_auth);
  }
  if (auto asked = ask_capability(); !asked) return asked;
  has_idle_ = stream_.fence().can("IDLE");

  begin(task);
  if (const int code = mailimap_select(imap_.get(), account_.folder.c_str()); code != MAILIMAP_NO_ERROR)
    return failed(code, mailbox_refused);
  const mailimap_selection_info* selected = imap_->imap_selection_info;
  uid_validity_ = selected == nullptr ? 0 : selected->sel_uidvalidity;
  uid_next_ = selected == nullptr ? 0 : selected->sel_uidnext;
  is_fresh_ = true;
  // RFC 3501 §2.3.1.1: without it no UID means anything in the next session.
  if (uid_validity_ == 0) return std::unexpected(Failure{Error{&mailbox_protocol}, "the folder has no UIDVALIDITY"});
  return {};
}

// UIDs of [first, last] that exist, in order. 0 is `*`, the last mail: it names one even when that lies below `first`.
Outcome<std::vector<std::uint32_t>> ImapSession::search(Task& task, std::uint32_t first, std::uint32_t last) {
  begin(task);
  const std::unique_ptr<mailimap_search_key, decltype(&mailimap_search_key_free)> key(
      made(mailimap_search_key_new_uid(made(mailimap_set_new_interval(first, last)))), &mailimap_search_key_free);
  clist* list = nullptr;
  if (const int code = mailimap_uid_search(imap_.get(), nullptr, key.get(), &list); code != MAILIMAP_NO_ERROR)
    return failed(code, mailbox_refused);
  std::vector<std::uint32_t> uids;
  for (clistiter* at = clist_begin(list); at != nullptr; at = clist_next(at)) {
    const std::uint32_t uid = *static_cast<std::uint32_t*>(clist_content(at));
    if (uid >= first && (last == 0 || uid <= last)) uids.push_back(uid);
  }
  mailimap_search_result_free(list);
  std::ranges::sort(uids);
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  return uids;
}

Outcome<FetchList> ImapSession::fetch(Task& task, const Set& uids, const FetchType& what) {
  begin(task);
  clist* list = nullptr;
  if (const int code = mailimap_uid_fetch(imap_.get(), uids.get(), what.get(), &list); code != MAILIMAP_NO_ERROR)
    return failed(code, mailbox_refused);
  return FetchList(list);
}

Outcome<Look> ImapSession::look(Task& task, Watermark& mark, const ArrivalSink& sink) {
  const bool is_fresh = std::exchange(is_fresh_, false);
  if (!is_fresh) {
    // Lets the server tell what came since the last command.
    begin(task);
    if (const int code = mailimap_noop(imap_.get()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_refused);
  }
  const std::uint32_t uid_next = std::exchange(uid_next_, 0);
  // First sight, another numbering, or a UIDNEXT that went back, which RFC 3501 §2.3.1.1 forbids: what is there now is not news.
  const bool other_numbering = mark.uid_validity != uid_validity_ || (uid_next != 0 && uid_next <= mark.last_uid);
  if (other_numbering) {
    std::uint32_t highest = uid_next == 0 ? 0 : uid_next - 1;
    if (uid_next == 0) {
      const auto last = search(task, 0, 0);
      if (!last) return std::unexpected(last.error());
      if (!last->empty()) highest = last->back();
    }
    mark = Watermark{.uid_validity = uid_validity_, .last_uid = highest, .known = {}};
    return Look::baseline;
  }

  // After SELECT the end is known, and a long absence is searched window by window; later what came is a few mails.
  for (std::uint32_t round = 0; uid_next != 0 && mark.last_uid + 1 < uid_next && round < searches_per_look; ++round) {
    const std::uint32_t last = std::min(uid_next - 1, mark.last_uid + std::min(uids_per_search, UINT32_MAX - mark.last_uid));
    const auto uids = search(task, mark.last_uid + 1, last);
    if (!uids) return std::unexpected(uids.error());
    if (auto reported = report(task, *uids, mark, sink); !reported) return std::unexpected(reported.error());
    mark.last_uid = last;
  }
  if ((uid_next == 0 || mark.last_uid + 1 == uid_next) && mark.last_uid != UINT32_MAX) {
    const auto uids = search(task, mark.last_uid + 1, 0);
    if (!uids) return std::unexpected(uids.error());
    if (auto reported = report(task, *uids, mark, sink); !reported) return std::unexpected(reported.error());
  }
  return Look::compared;
}

Outcome<void> ImapSession::report(Task& task, std::span<const std::uint32_t> uids, Watermark& mark, const ArrivalSink& sink) {
  while (!uids.empty()) {
    const auto batch = uids.first(std::min(uids.size(), headers_per_fetch));
    uids = uids.subspan(batch.size());
    const Set set(made(mailimap_set_new_empty()));
    for (const std::uint32_t uid : batch) PM_CHECK(mailimap_set_add_single(set.get(), uid) == MAILIMAP_NO_ERROR);
    const FetchType what = new_fetch_type();
    add(what, mailimap_fetch_att_new_uid());
    add(what, mailimap_fetch_att_new_rfc822_size());
    add(what, mailimap_fetch_att_new_body_peek_section_partial(wanted_header_section(), 0, header_size_asked));
    const auto list = fetch(task, set, what);
    if (!list) return std::unexpected(list.error());

    // A server may spread one mail over several answers, repeat it, or speak about mails nobody asked for.
    std::map<std::uint32_t, Arrival> arrivals;
    for (clistiter* at = clist_begin(list->get()); at != nullptr; at = clist_next(at)) {
      const Fetched found = read_attributes(static_cast<const mailimap_msg_att*>(clist_content(at)));
      if (!found.uid || !std::ranges::binary_search(batch, *found.uid)) continue;
      Arrival& arrival = arrivals[*found.uid];
      if (found.size) arrival.size = *found.size;
      if (!found.section) continue;
      arrival.header = found.section->size() < header_size_asked ? std::string(*found.section) : whole_lines(*found.section);
    }
    for (auto& [uid, arrival] : arrivals) {
      arrival.uid = std::to_string(uid);
      mark.last_uid = uid;
      sink(arrival);
    }
    // What vanished between SEARCH and FETCH is no news.
    mark.last_uid = batch.back();
  }
  return {};
}

Outcome<std::uint64_t> ImapSession::read(Task& task, std::string_view uid_text, std::uint64_t offset, const ChunkSink& sink) {
  const auto gone = [] { return std::unexpected(Failure{Error{&mailbox_gone}, std::string(mailbox_gone.text)}); };
  const auto too_large = [] { return std::unexpected(Failure{Error{&mailbox_too_large}, std::string(mailbox_too_large.text)}); };
  const auto uid = parse_uid(uid_text);
  if (!uid) return gone();
  const Set set(made(mailimap_set_new_single(*uid)));
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
  const Set set(made(mailimap_set_new_single(*uid)));
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

Outcome<void> ImapSession::wait(Task& task, Gate& gate, Instant until) {
  begin(task);
  if (const int code = mailimap_idle(imap_.get()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_refused);
  const Instant reissue = task.loop().now() + settings_.timing.idle_reissue;
  stream_.wait_readable(task, gate, std::min(until, reissue));
  begin(task);
  if (const int code = mailimap_idle_done(imap_.get()); code != MAILIMAP_NO_ERROR) return failed(code, mailbox_refused);
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
