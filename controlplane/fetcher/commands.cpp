#include "controlplane/fetcher/commands.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/folder_name.h"
#include "core/ascii.h"
#include "core/record_fields.h"

namespace pushmail::mailbox {

namespace {

constexpr std::uint16_t number_of(Tag tag) { return static_cast<std::uint16_t>(tag); }

template <HasWords E>
std::optional<E> word(const RecordView& record, Tag tag) {
  const auto given = record.text(number_of(tag));
  return given ? parse_word<E>(*given) : std::nullopt;
}

// Nothing where the record is of one that has no past.
std::optional<Backoff::Kept> read_kept(const RecordView& record) {
  if (!record.u64(number_of(Tag::pause))) return std::nullopt;
  const auto count = [&](Tag tag) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(number_or_zero(record, tag), UINT32_MAX)); };
  constexpr std::uint64_t pause_most_ms = 86'400'000;
  return Backoff::Kept{.state = text_or_empty(record, Tag::state),
                       .reason = text_or_empty(record, Tag::reason),
                       .refused = word<Backoff::Refused>(record, Tag::refused).value_or(Backoff::Refused::no),
                       .pause = milliseconds(static_cast<std::int64_t>(std::min(number_or_zero(record, Tag::pause), pause_most_ms))),
                       .failures = count(Tag::failures),
                       .short_sessions = count(Tag::short_sessions),
                       .unsaid_refusals = count(Tag::unsaid)};
}

// `TIMES UID`.
bool take_suspect(std::string_view text, WatchCommand& watch) {
  std::uint32_t times = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), times);
  if (error != std::errc() || times == 0 || end == text.data() + text.size() || *end != ' ') return false;
  const std::string uid(text.substr(static_cast<std::size_t>(end - text.data()) + 1));
  if (!may_go_on_wire(uid)) return false;
  if (times >= tries_max) watch.deadly.insert(uid);
  if (!watch.cursor.trials().is_full()) watch.cursor.trials().suspect(uid, times);
  return true;
}

// Milliseconds as the configuration allows them; what is longer waits no shorter for it.
Duration duration(const RecordView& record, Tag tag) {
  constexpr std::uint64_t most_ms = 3'600'000;
  return milliseconds(static_cast<std::int64_t>(std::min(number_or_zero(record, tag), most_ms)));
}

// Where a mailbox is and how to get in.
Result<Account> decode_account(const RecordView& record) {
  const auto protocol = word<Protocol>(record, Tag::protocol);
  const auto encryption = word<Encryption>(record, Tag::tls);
  const auto address = parse_endpoint(text_or_empty(record, Tag::address));
  const bool has_refresh = record.text(number_of(Tag::refresh)).has_value();
  const auto refresh = has_refresh ? word<Refresh>(record, Tag::refresh) : std::optional(Refresh::noop);
  if (!protocol || !encryption || !address || !refresh) return fail(mailbox_record);
  const std::string folder = text_or_empty(record, Tag::folder);
  Account account{
      .protocol = *protocol,
      .address = *address,
      .encryption = *encryption,
      .tls_name = text_or_empty(record, Tag::tls_name),
      .user = text_or_empty(record, Tag::user),
      .password = text_or_empty(record, Tag::password),
      .folder = folder.empty() ? "INBOX" : folder,
      .habits = {.idle = number_or_zero(record, Tag::no_idle) == 0,
                 .idle_break = duration(record, Tag::idle_break),
                 .refresh = *refresh,
                 .refresh_every = duration(record, Tag::refresh_every),
                 .say_id = number_or_zero(record, Tag::say_id) != 0},
  };
  // Said here, where it is sure to be noticed, and checked again before each login.
  if (!may_be_a_secret(account.user) || !may_be_a_secret(account.password) || !folder_on_wire(account.folder))
    return fail(mailbox_argument);
  if (*encryption != Encryption::none && account.tls_name.empty()) return fail(mailbox_record);
  return account;
}

Result<std::optional<Command>> decode_watch(const RecordView& record) {
  WatchCommand watch;
  watch.binding = text_or_empty(record, Tag::binding);
  const auto mode = word<Mode>(record, Tag::mode);
  if (watch.binding.empty() || !mode) return fail(mailbox_record);
  watch.mode = *mode;
  PM_TRY(watch.account, decode_account(record));

  watch.kept = read_kept(record);
  // A control plane of version 1, whose fetcher was replaced beneath it, gives the cursor in parts.
  const auto form = record.text(number_of(Tag::cursor));
  PM_TRY(watch.cursor,
         Cursor::read(form ? std::string(*form)
                           : Cursor::form_of(number_or_zero(record, Tag::uid_validity), text_or_empty(record, Tag::last_uid),
                                             record.i64(number_of(Tag::newest_date)).value_or(0), text_or_empty(record, Tag::newest_id))));
  bool whole = true;
  record.for_each([&](std::uint16_t tag, ByteView value) {
    if (tag == number_of(Tag::known_uid)) watch.cursor.add_name(text_of(value));
    if (tag == number_of(Tag::suspect)) whole = take_suspect(text_of(value), watch) && whole;
  });
  if (!whole) return fail(mailbox_record);
  return watch;
}

}  // namespace

Result<std::optional<Command>> decode_command(const RecordView& record) {
  const std::string binding = text_or_empty(record, Tag::binding);
  const std::string uid = text_or_empty(record, Tag::uid);
  const ItemId item = record.header().item;
  switch (static_cast<Kind>(record.header().kind)) {
    case Kind::watch:
      return decode_watch(record);
    case Kind::probe: {
      if (binding.empty()) return fail(mailbox_record);
      PM_TRY(Account account, decode_account(record));
      return ProbeCommand{.binding = binding, .account = std::move(account)};
    }
    case Kind::unwatch:
      if (binding.empty()) return fail(mailbox_record);
      return UnwatchCommand{.binding = binding};
    case Kind::poll:
      if (binding.empty()) return fail(mailbox_record);
      return PollCommand{.binding = binding};
    case Kind::fetch:
      if (binding.empty() || item.empty()) return fail(mailbox_record);
      if (!may_go_on_wire(uid)) return fail(mailbox_argument);
      return FetchCommand{
          .binding = binding,
          .item = item,
          .uid = uid,
          .uid_validity = number_or_zero(record, Tag::uid_validity),
          .offset = number_or_zero(record, Tag::offset),
          .credit = number_or_zero(record, Tag::credit),
      };
    case Kind::mark: {
      const auto mark = word<Mark>(record, Tag::mark);
      if (binding.empty() || !mark) return fail(mailbox_record);
      if (!may_go_on_wire(uid)) return fail(mailbox_argument);
      return MarkCommand{
          .binding = binding, .item = item, .uid = uid, .uid_validity = number_or_zero(record, Tag::uid_validity), .mark = *mark};
    }
    case Kind::credit:
      if (item.empty()) return fail(mailbox_record);
      return CreditCommand{.item = item, .credit = number_or_zero(record, Tag::credit)};
    case Kind::cancel:
      if (item.empty()) return fail(mailbox_record);
      return CancelCommand{.item = item};
    case Kind::reload:
      return ReloadCommand{.query = number_or_zero(record, Tag::query)};
    default:
      return std::nullopt;
  }
}

void write_kept(const Backoff::Kept& kept, RecordWriter& record) {
  record.u64(number_of(Tag::pause), static_cast<std::uint64_t>(kept.pause.ms()));
  if (kept.refused != Backoff::Refused::no) record.text(number_of(Tag::refused), to_string(kept.refused));
  for (const auto& [tag, value] : {std::pair(Tag::failures, kept.failures), std::pair(Tag::short_sessions, kept.short_sessions),
                                   std::pair(Tag::unsaid, kept.unsaid_refusals)}) {
    if (value != 0) record.u64(number_of(tag), value);
  }
}

}  // namespace pushmail::mailbox
