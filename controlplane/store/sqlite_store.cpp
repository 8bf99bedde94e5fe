#include "controlplane/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "controlplane/store/announcements_sql.h"
#include "controlplane/store/binding_fields.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/schema_sql.h"
#include "controlplane/store/sqlite.h"
#include "core/log.h"
#include "core/peer_id.h"

namespace pushmail {

namespace {

using sqlite::Connection;
using sqlite::Run;

const std::string binding_columns = [] {
  std::string columns;
  for (const BindingField& field : binding_fields) columns += fmt::format("{}{}", columns.empty() ? "" : ", ", field.name);
  return columns;
}();
// By when they are written: once; on the way to mail also when the mail is routed; at every step of the item's life. Each index of a column
// that an update names is written again, whether or not the value is another.
constexpr std::string_view item_columns_fixed =
    "id, trace, way, source, msisdn, uid_validity, uid, mail_message_id, mail_references, created, author, authentication, "
    "source_address, sender_domain";
constexpr std::string_view item_columns_of_route = "binding, correspondent, correspondent_name, subject";
constexpr std::string_view item_columns_of_life =
    "state, reason, peer, message_id, size, suffix, reply_code, code_expires, updated, expires, retry_at, attempts, duplicate_possible, "
    "mark, announced, doubts, doubt_began, unknown_until, asked_in_doubt";
constexpr std::string_view suffix_columns =
    "msisdn, digits, binding, correspondent, correspondent_name, thread, subject, message_id, refs, last_used";
constexpr std::string_view sms_columns =
    "id, msisdn, text, kind, item, state, smsc_id, created, retry_at, attempts, submits, doubts, submitted_at, reason";
constexpr std::string_view report_columns = "id, trace, peer, message_id, recipient, sender, mm_status, status_text, time, item";

// peer_id_key() in SQL, in the very words of the indexes.
constexpr std::string_view message_key = R"(ltrim(lower(trim(message_id, ' <>"')), '0'))";

// Lists are one entry a line: message ids and details hold no line ends, which joined() makes sure of.
std::string joined(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) {
    for (const char c : entry) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    entries.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return entries;
}

template <class Id>
Id id_of(const Bytes& bytes) {
  Id id;
  if (bytes.size() == id.bytes.size()) std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

Msisdn msisdn_of(const std::string& digits) { return Msisdn::from_digits(digits).value_or(Msisdn()); }

template <HasWords E>
E take_word(Run& run, E otherwise) {
  return parse_word<E>(run.text()).value_or(otherwise);
}

BindingCell cell_of(Run& run, CellKind kind) {
  switch (kind) {
    case CellKind::number:
      return run.number();
    case CellKind::bytes:
      return run.bytes();
    case CellKind::text:
      break;
  }
  return run.text();
}

Binding read_binding(Run& run) {
  Binding b;
  for (const BindingField& field : binding_fields) field.take(b, cell_of(run, field.kind));
  return b;
}

void put_binding(Run& run, const Binding& b) {
  for (const BindingField& field : binding_fields) std::visit([&](const auto& value) { run.put(value); }, field.cell(b));
}

const std::string& item_columns() {
  static const std::string all = fmt::format("{}, {}, {}", item_columns_fixed, item_columns_of_route, item_columns_of_life);
  return all;
}

Item read_item(Run& run) {
  Item i;
  i.id = id_of<ItemId>(run.bytes());
  i.trace = id_of<TraceId>(run.bytes());
  i.way = take_word(run, Way::to_phone);
  i.source = take_word(run, Source::mailbox);
  i.msisdn = msisdn_of(run.text());
  i.uid_validity = static_cast<std::uint64_t>(run.number());
  i.uid = run.text();
  i.mail_message_id = run.text();
  i.mail_references = split(run.text());
  i.created = {run.number()};
  i.author = run.text();
  i.authentication = run.text();
  i.source_address = run.text();
  i.sender_domain = run.text();

  i.binding = run.text();
  i.correspondent = run.text();
  i.correspondent_name = run.text();
  i.subject = run.text();

  i.state = take_word(run, ItemState::failed);
  i.reason = run.text();
  i.peer = run.text();
  i.message_id = run.text();
  i.size = static_cast<std::uint64_t>(run.number());
  i.suffix = run.text();
  i.reply_code = run.text();
  i.code_expires = {run.number()};
  i.updated = {run.number()};
  i.expires = {run.number()};
  i.retry_at = {run.number()};
  i.attempts = static_cast<std::uint32_t>(run.number());
  i.duplicate_possible = run.number() != 0;
  i.mark = take_word(run, MarkProgress::none);
  i.announced = {run.number()};
  i.doubts = static_cast<std::uint32_t>(run.number());
  i.doubt_began = {run.number()};
  i.unknown_until = {run.number()};
  i.asked_in_doubt = run.number() != 0;
  return i;
}

void put_item_fixed(Run& run, const Item& i) {
  run.put(ByteView(i.id.bytes)).put(ByteView(i.trace.bytes)).put(to_string(i.way)).put(to_string(i.source)).put(i.msisdn.digits());
  run.put(static_cast<std::int64_t>(i.uid_validity)).put(i.uid).put(i.mail_message_id).put(joined(i.mail_references)).put(i.created.us);
  run.put(i.author).put(i.authentication).put(i.source_address).put(i.sender_domain);
}

void put_item_route(Run& run, const Item& i) { run.put(i.binding).put(i.correspondent).put(i.correspondent_name).put(i.subject); }

void put_item_life(Run& run, const Item& i) {
  run.put(to_string(i.state)).put(i.reason).put(i.peer).put(i.message_id).put(static_cast<std::int64_t>(i.size));
  run.put(i.suffix).put(i.reply_code).put(i.code_expires.us).put(i.updated.us).put(i.expires.us).put(i.retry_at.us);
  run.put(std::int64_t{i.attempts}).put(std::int64_t{i.duplicate_possible ? 1 : 0}).put(to_string(i.mark)).put(i.announced.us);
  run.put(std::int64_t{i.doubts}).put(i.doubt_began.us).put(i.unknown_until.us).put(std::int64_t{i.asked_in_doubt ? 1 : 0});
}

HistoryRow read_history(Run& run) {
  HistoryRow h;
  h.item = id_of<ItemId>(run.bytes());
  h.trace = id_of<TraceId>(run.bytes());
  h.time = {run.number()};
  h.program = take_word(run, Program::control);
  h.event = run.text();
  h.state = parse_word<ItemState>(run.text());
  for (const std::string& line : split(run.text())) {
    const std::size_t equals = line.find('=');
    h.details.emplace_back(line.substr(0, equals), equals == std::string::npos ? "" : line.substr(equals + 1));
  }
  h.arrival = run.number();
  return h;
}

Suffix read_suffix(Run& run) {
  Suffix s;
  s.msisdn = msisdn_of(run.text());
  s.digits = run.text();
  s.binding = run.text();
  s.correspondent = run.text();
  s.correspondent_name = run.text();
  s.thread = run.text();
  s.subject = run.text();
  s.message_id = run.text();
  s.references = split(run.text());
  s.last_used = {run.number()};
  return s;
}

Sms read_sms(Run& run) {
  Sms s;
  s.id = run.number();
  s.msisdn = msisdn_of(run.text());
  s.text = run.text();
  s.kind = take_word(run, SmsKind::other);
  s.item = id_of<ItemId>(run.bytes());
  s.state = take_word(run, SmsState::failed);
  s.smsc_id = run.text();
  s.created = {run.number()};
  s.retry_at = {run.number()};
  s.attempts = static_cast<std::uint32_t>(run.number());
  s.submits = static_cast<std::uint32_t>(run.number());
  s.doubts = static_cast<std::uint32_t>(run.number());
  s.submitted_at = {run.number()};
  s.reason = run.text();
  return s;
}

Report read_report(Run& run) {
  Report r;
  r.id = id_of<ItemId>(run.bytes());
  r.trace = id_of<TraceId>(run.bytes());
  r.peer = run.text();
  r.message_id = run.text();
  r.recipient = run.text();
  r.sender = run.text();
  r.mm_status = run.text();
  r.status_text = run.text();
  r.time = {run.number()};
  r.item = id_of<ItemId>(run.bytes());
  return r;
}

template <class Row>
Result<std::vector<Row>> all(Run& run, Row (*read)(Run&)) {
  std::vector<Row> rows;
  while (true) {
    PM_TRY(const bool row, run.step());
    if (!row) return rows;
    rows.push_back(read(run));
  }
}

template <class Row>
Result<std::optional<Row>> first(Run& run, Row (*read)(Run&)) {
  PM_TRY(const bool row, run.step());
  if (!row) return std::optional<Row>();
  return std::optional<Row>(read(run));
}

// `?, ?, ?` for a column list.
std::string question_marks(std::string_view columns) {
  std::string marks = "?";
  for (const char c : columns) marks += c == ',' ? ", ?" : "";
  return marks;
}

// The one number of a count(*).
Result<std::uint64_t> counted(Run& run) {
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  return static_cast<std::uint64_t>(run.number());
}

// `'accepted', 'notified'`: each once and in one order, since every text is a prepared statement that is kept.
std::string list_of(std::vector<ItemState> states) {
  std::ranges::sort(states);
  const auto repeated = std::ranges::unique(states);
  states.erase(repeated.begin(), repeated.end());
  std::string list;
  for (const ItemState word : states) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", to_string(word));
  return list;
}

// What is asked for every few seconds is found by the time at which it is due, however much waits. Without statistics SQLite would take the
// index of states instead.
std::string_view hint_for(const ItemFilter& filter) {
  const auto are = [&](std::initializer_list<ItemState> states) { return std::ranges::equal(filter.states, states); };
  if (filter.unknown_by) return " INDEXED BY item_unknown";
  if (filter.mark == MarkProgress::pending && filter.due) return " INDEXED BY item_mark_due";
  if (filter.due && are({ItemState::requested})) return " INDEXED BY item_due";
  if (filter.code_due && are({ItemState::accepted, ItemState::notified})) return " INDEXED BY item_code_due";
  if (filter.expired_by && are({ItemState::submitted, ItemState::reported})) return " INDEXED BY item_unreported";
  return {};
}

std::string_view source_of(Origin origin) { return origin == Origin::stranger ? "smtp" : "mailbox"; }

// An empty result of a statement that did something is a conflict told as false.
Result<bool> stored(Result<void> done) {
  if (done) return true;
  if (done.error().is(store_conflict)) return false;
  return std::unexpected(done.error());
}

// Pages of the log: a checkpoint begins; what it left is moved between two groups.
constexpr std::uint64_t checkpoint_pages = 1000;
constexpr std::uint64_t rest_pages = 4000;

class SqliteStore final : public GroupedStore {
 public:
  explicit SqliteStore(Connection connection) : db_(std::move(connection)) {}
  ~SqliteStore() override {
    if (log_ >= 0) ::close(log_);
  }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Result<void> migrate();
  Result<void> begin_groups(const std::filesystem::path& path);

  Result<void> write(const std::function<Result<void>()>& body) override;

  void on_changed(std::function<void()> changed) override { changed_ = std::move(changed); }
  Result<void> commit() override;
  Result<void> sync() override;
  [[nodiscard]] bool takes_checkpoint() override;
  void checkpoint() override;

  Result<void> add_binding(const Binding& binding) override {
    static const std::string sql = fmt::format("INSERT INTO binding ({}) VALUES ({})", binding_columns, question_marks(binding_columns));
    Run run = db_.prepare(sql);
    put_binding(run, binding);
    return run.run();
  }
  Result<void> update_binding(const Binding& binding) override {
    static const std::string sql = fmt::format("UPDATE binding SET ({}) = ({}) WHERE id = ?{}", binding_columns,
                                               question_marks(binding_columns), find_binding_field("id") - binding_fields.data() + 1);
    Run run = db_.prepare(sql);
    put_binding(run, binding);
    return run.run();
  }
  Result<std::optional<Binding>> binding(std::string_view id) override {
    static const std::string sql = fmt::format("SELECT {} FROM binding WHERE id = ?", binding_columns);
    Run run = db_.prepare(sql);
    run.put(id);
    return first(run, read_binding);
  }
  Result<std::vector<Binding>> bindings(std::string_view after, std::size_t count_max) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM binding INDEXED BY binding_of_time WHERE state <> 'removed' AND "
        "(created, id) > (coalesce((SELECT created FROM binding WHERE id = ?1), 0), ?1) ORDER BY created, id LIMIT ?2",
        binding_columns);
    Run run = db_.prepare(sql);
    run.put(after).put(static_cast<std::int64_t>(count_max));
    return all(run, read_binding);
  }
  Result<std::vector<Binding>> bindings_of_account(std::string_view host, std::string_view user) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM binding INDEXED BY binding_of_account WHERE state <> 'removed' AND lower(host) = lower(?) AND lower(user) = "
        "lower(?) ORDER BY created, id",
        binding_columns);
    Run run = db_.prepare(sql);
    run.put(host).put(user);
    return all(run, read_binding);
  }
  Result<std::vector<Binding>> bindings_of(const Msisdn& phone) override {
    static const std::string sql =
        fmt::format("SELECT {} FROM binding WHERE msisdn = ? AND state <> 'removed' ORDER BY created, id", binding_columns);
    Run run = db_.prepare(sql);
    run.put(phone.digits());
    return all(run, read_binding);
  }

  Result<MailboxState> mailbox(std::string_view binding) override {
    Run run = db_.prepare(
        "SELECT cursor, uid_validity, last_uid, session, reason, session_at, polled_at, skipped, skip_reason, restored FROM mailbox WHERE "
        "binding = ?");
    run.put(binding);
    PM_TRY(const bool row, run.step());
    MailboxState state;
    if (!row) return state;
    state.cursor = run.text();
    state.uid_validity = static_cast<std::uint64_t>(run.number());
    state.last_uid = run.text();
    state.session = run.text();
    state.reason = run.text();
    state.session_at = {run.number()};
    state.polled_at = {run.number()};
    state.skipped = static_cast<std::uint64_t>(run.number());
    state.skip_reason = run.text();
    state.restored = {run.number()};
    return state;
  }
  Result<void> set_mailbox(std::string_view binding, const MailboxState& state) override {
    Run run = db_.prepare(
        "INSERT OR REPLACE INTO mailbox (binding, cursor, uid_validity, last_uid, session, reason, session_at, polled_at, skipped, "
        "skip_reason, restored) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    run.put(binding).put(state.cursor).put(static_cast<std::int64_t>(state.uid_validity)).put(state.last_uid).put(state.session);
    run.put(state.reason).put(state.session_at.us).put(state.polled_at.us).put(static_cast<std::int64_t>(state.skipped));
    run.put(state.skip_reason).put(state.restored.us);
    return run.run();
  }
  Result<std::vector<std::string>> known_uids(std::string_view binding) override {
    Run run = db_.prepare("SELECT uid FROM known_uid WHERE binding = ?");
    run.put(binding);
    return all<std::string>(run, [](Run& row) { return row.text(); });
  }
  Result<void> add_known_uid(std::string_view binding, std::string_view uid) override {
    Run run = db_.prepare("INSERT OR IGNORE INTO known_uid (binding, uid) VALUES (?, ?)");
    run.put(binding).put(uid);
    return run.run();
  }
  Result<void> forget_known_uids(std::string_view binding) override {
    Run run = db_.prepare("DELETE FROM known_uid WHERE binding = ?");
    run.put(binding);
    return run.run();
  }

  Result<bool> add_item(const Item& item) override {
    static const std::string sql = fmt::format("INSERT INTO item ({}) VALUES ({})", item_columns(), question_marks(item_columns()));
    Run run = db_.prepare(sql);
    put_item_fixed(run, item);
    put_item_route(run, item);
    put_item_life(run, item);
    return stored(run.run());
  }
  Result<void> update_item(const Item& item) override {
    static const std::string life =
        fmt::format("UPDATE item SET ({}) = ({}) WHERE id = ?", item_columns_of_life, question_marks(item_columns_of_life));
    static const std::string route =
        fmt::format("UPDATE item SET ({}) = ({}) WHERE id = ?", item_columns_of_route, question_marks(item_columns_of_route));
    if (item.way == Way::to_mail) {
      Run run = db_.prepare(route);
      put_item_route(run, item);
      run.put(ByteView(item.id.bytes));
      if (const auto done = run.run(); !done) return done;
    }
    Run run = db_.prepare(life);
    put_item_life(run, item);
    run.put(ByteView(item.id.bytes));
    return run.run();
  }
  Result<std::optional<Item>> item(const ItemId& id) override {
    static const std::string sql = fmt::format("SELECT {} FROM item WHERE id = ?", item_columns());
    Run run = db_.prepare(sql);
    run.put(ByteView(id.bytes));
    return first(run, read_item);
  }
  Result<std::vector<Item>> items(const ItemFilter& filter) override;
  Result<std::vector<Item>> items_of_message(std::string_view peer, std::string_view message_id) override {
    if (message_id.empty()) return std::vector<Item>();
    static const std::string sql = fmt::format(
        "SELECT {} FROM item WHERE peer = ? AND {} = ? AND message_id <> '' ORDER BY message_id <> ?", item_columns(), message_key);
    Run run = db_.prepare(sql);
    run.put(peer).put(peer_id_key(message_id)).put(message_id);
    return all(run, read_item);
  }
  Result<std::vector<CodeHolder>> code_holders(const Msisdn& phone) override {
    Run run = db_.prepare(announcements_sql::code_holders);
    run.put(phone.digits());
    return all<CodeHolder>(run, [](Run& row) {
      CodeHolder holder;
      holder.code = row.text();
      holder.item = id_of<ItemId>(row.bytes());
      holder.origin = row.text() == to_string(Source::smtp) ? Origin::stranger : Origin::own;
      holder.state = take_word(row, ItemState::failed);
      holder.announced = {row.number()};
      holder.updated = {row.number()};
      return holder;
    });
  }
  Result<std::optional<Item>> item_of_code(const Msisdn& phone, std::string_view code) override {
    static const std::string sql =
        fmt::format("SELECT {} FROM item WHERE msisdn = ? AND reply_code = ? AND reply_code <> ''", item_columns());
    Run run = db_.prepare(sql);
    run.put(phone.digits()).put(code);
    return first(run, read_item);
  }
  Result<std::optional<Item>> newest_waiting(const Msisdn& phone, Origin origin, Waiting waiting) override {
    ItemId id;
    {
      Run run = db_.prepare(announcements_sql::newest_waiting);
      run.put(phone.digits())
          .put(source_of(origin))
          .put(to_string(waiting == Waiting::never_announced ? ItemState::accepted : ItemState::notified));
      PM_TRY(const bool row, run.step());
      if (!row) return std::optional<Item>();
      id = id_of<ItemId>(run.bytes());
    }
    return item(id);
  }
  Result<std::uint64_t> count_waiting(const Msisdn& phone, Origin origin) override {
    Run run = db_.prepare(announcements_sql::count_waiting);
    run.put(phone.digits()).put(source_of(origin));
    return counted(run);
  }
  Result<std::vector<Msisdn>> phones_waiting(const Msisdn& after, std::size_t count_max) override {
    Run run = db_.prepare(announcements_sql::phones_waiting);
    run.put(after.digits()).put(static_cast<std::int64_t>(count_max));
    return all<Msisdn>(run, [](Run& row) { return msisdn_of(row.text()); });
  }
  Result<Unanswered> unanswered(const Msisdn& phone, Origin origin, Timestamp since) override {
    Run run = db_.prepare(announcements_sql::unanswered);
    run.put(phone.digits()).put(source_of(origin)).put(since.us);
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    Unanswered found{.count = static_cast<std::uint64_t>(run.number())};
    found.last = {run.number()};
    return found;
  }
  Result<HandedIn> handed_in(const Msisdn& phone, const Stranger& stranger, Timestamp since, std::size_t count_max) override {
    Run run = db_.prepare(announcements_sql::handed_in);
    run.put(stranger.source_address)
        .put(stranger.sender_domain)
        .put(phone.digits())
        .put(since.us)
        .put(static_cast<std::int64_t>(count_max));
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    HandedIn found{.mails = static_cast<std::uint64_t>(run.number())};
    found.of_source = static_cast<std::uint64_t>(run.number());
    found.of_sender = static_cast<std::uint64_t>(run.number());
    return found;
  }
  Result<std::uint64_t> count_open_of_strangers(const Msisdn& phone) override {
    Run run = db_.prepare(announcements_sql::count_open_of_strangers);
    run.put(phone.digits());
    return counted(run);
  }

  Result<std::vector<Duration>> report_times(std::string_view peer, std::size_t count_max) override {
    Run run = db_.prepare("SELECT ms FROM report_time WHERE peer = ? ORDER BY row DESC LIMIT ?");
    run.put(peer).put(static_cast<std::int64_t>(count_max));
    return all<Duration>(run, [](Run& row) { return milliseconds(row.number()); });
  }
  Result<void> add_report_time(std::string_view peer, Duration took, std::size_t count_max) override {
    {
      Run run = db_.prepare("INSERT INTO report_time (peer, ms) VALUES (?, ?)");
      run.put(peer).put(took.ms());
      if (const auto added = run.run(); !added) return added;
    }
    Run run = db_.prepare(
        "DELETE FROM report_time WHERE peer = ? AND row <= (SELECT row FROM report_time WHERE peer = ? ORDER BY row DESC LIMIT 1 OFFSET "
        "?)");
    run.put(peer).put(peer).put(static_cast<std::int64_t>(count_max));
    return run.run();
  }
  Result<PeerTraffic> peer_traffic(std::string_view peer, Timestamp since, Timestamp taken_by, std::uint64_t looked_at_max) override {
    PeerTraffic traffic;
    const auto count = [&](std::uint64_t& into, std::string_view sql, std::optional<Timestamp> by = std::nullopt) -> Result<void> {
      Run run = db_.prepare(sql);
      run.put(peer).put(since.us).put(static_cast<std::int64_t>(looked_at_max));
      if (by) run.put(by->us);
      PM_TRY(into, counted(run));
      return {};
    };
    constexpr std::string_view silent =
        "SELECT count(*) FROM (SELECT updated FROM item WHERE peer = ? AND way = 'to_phone' AND state = 'submitted' AND created >= ? "
        "LIMIT ?) WHERE updated <= ?";
    constexpr std::string_view reported =
        "SELECT count(*) FROM (SELECT 1 FROM item WHERE peer = ? AND way = 'to_phone' AND state IN ('reported', 'delivered') AND "
        "created >= ? LIMIT ?)";
    // All states are named for the index, in which the time stands behind them.
    static const std::string from_phones = fmt::format(
        "SELECT count(*) FROM (SELECT suffix FROM item WHERE peer = ? AND way = 'to_mail' AND state IN ('{}') AND created >= ? LIMIT ?) "
        "WHERE ",
        fmt::join(words<ItemState>, "', '"));
    static const std::string answers = from_phones + "suffix <> ''", new_mails = from_phones + "suffix = ''";
    if (const auto done = count(traffic.silent, silent, taken_by); !done) return std::unexpected(done.error());
    if (const auto done = count(traffic.reported, reported); !done) return std::unexpected(done.error());
    if (const auto done = count(traffic.answers, answers); !done) return std::unexpected(done.error());
    if (const auto done = count(traffic.new_mails, new_mails); !done) return std::unexpected(done.error());
    return traffic;
  }
  Result<std::uint64_t> count_unknown(std::string_view peer) override {
    Run run = db_.prepare("SELECT count(*) FROM item INDEXED BY item_unknown WHERE unknown_until <> 0 AND peer = ?");
    run.put(peer);
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    return static_cast<std::uint64_t>(run.number());
  }

  Result<std::vector<Backlog>> backlog(std::uint64_t count_most) override {
    std::vector<Backlog> found;
    for (std::size_t i = 0; i < words<ItemState>.size(); ++i) {
      const auto state = static_cast<ItemState>(i);
      if (is_final(state)) continue;
      Backlog one{.state = state};
      {
        // Both by item_of_state alone, in which rows of one state stand in the order they came in.
        Run run = db_.prepare("SELECT count(*) FROM (SELECT 1 FROM item WHERE state = ? LIMIT ?)");
        run.put(to_string(state)).put(static_cast<std::int64_t>(count_most));
        PM_TRY(one.count, counted(run));
      }
      if (one.count == 0) continue;
      Run run = db_.prepare(
          "SELECT min(created), min(updated) FROM (SELECT created, updated FROM item WHERE state = ? ORDER BY rowid LIMIT 1000)");
      run.put(to_string(state));
      PM_TRY(const bool row, run.step());
      PM_CHECK(row);
      one.oldest = {run.number()};
      one.still_since = {run.number()};
      found.push_back(one);
    }
    return found;
  }

  Result<void> add_history(const HistoryRow& row) override {
    std::vector<std::string> details;
    for (const auto& [key, value] : row.details) details.push_back(key + "=" + value);
    Run run = db_.prepare("INSERT INTO history (item, trace, time, program, event, state, details) VALUES (?, ?, ?, ?, ?, ?, ?)");
    run.put(ByteView(row.item.bytes))
        .put(ByteView(row.trace.bytes))
        .put(row.time.us)
        .put(to_string(row.program))
        .put(row.event)
        .put(row.state ? to_string(*row.state) : std::string_view());
    run.put(joined(details));
    return run.run();
  }
  Result<std::vector<HistoryRow>> history(const ItemId& item) override {
    // Programs tell of what happened at slightly different times; people read it in the order of the events.
    Run run = db_.prepare("SELECT item, trace, time, program, event, state, details, row FROM history WHERE item = ? ORDER BY time, row");
    run.put(ByteView(item.bytes));
    return all(run, read_history);
  }
  Result<std::vector<HistoryRow>> history_of_trace(const TraceId& trace) override {
    Run run = db_.prepare("SELECT item, trace, time, program, event, state, details, row FROM history WHERE trace = ? ORDER BY time, row");
    run.put(ByteView(trace.bytes));
    return all(run, read_history);
  }

  Result<std::optional<Suffix>> suffix(const Msisdn& phone, std::string_view digits) override {
    static const std::string sql = fmt::format("SELECT {} FROM suffix WHERE msisdn = ? AND digits = ?", suffix_columns);
    Run run = db_.prepare(sql);
    run.put(phone.digits()).put(digits);
    return first(run, read_suffix);
  }
  Result<std::vector<Suffix>> suffixes(const Msisdn& phone) override {
    static const std::string sql = fmt::format("SELECT {} FROM suffix WHERE msisdn = ? ORDER BY last_used", suffix_columns);
    Run run = db_.prepare(sql);
    run.put(phone.digits());
    return all(run, read_suffix);
  }
  Result<void> put_suffix(const Suffix& s) override {
    static const std::string sql =
        fmt::format("INSERT OR REPLACE INTO suffix ({}) VALUES ({})", suffix_columns, question_marks(suffix_columns));
    Run run = db_.prepare(sql);
    run.put(s.msisdn.digits()).put(s.digits).put(s.binding).put(s.correspondent).put(s.correspondent_name).put(s.thread).put(s.subject);
    run.put(s.message_id).put(joined(s.references)).put(s.last_used.us);
    return run.run();
  }

  Result<void> queue_sms(const Sms& s) override {
    Run run = db_.prepare(
        "INSERT INTO sms (msisdn, text, kind, item, state, smsc_id, created, retry_at, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    run.put(s.msisdn.digits())
        .put(s.text)
        .put(to_string(s.kind))
        .put(ByteView(s.item.bytes))
        .put(to_string(s.state))
        .put(s.smsc_id)
        .put(s.created.us);
    run.put(s.retry_at.us).put(std::int64_t{s.attempts});
    return run.run();
  }
  Result<void> update_sms(const Sms& s) override {
    Run run = db_.prepare(
        "UPDATE sms SET state = ?, smsc_id = ?, retry_at = ?, attempts = ?, submits = ?, doubts = ?, submitted_at = ?, reason = ? WHERE id "
        "= ?");
    run.put(to_string(s.state)).put(s.smsc_id).put(s.retry_at.us).put(std::int64_t{s.attempts}).put(std::int64_t{s.submits});
    run.put(std::int64_t{s.doubts}).put(s.submitted_at.us).put(s.reason).put(s.id);
    return run.run();
  }
  Result<std::vector<Sms>> pending_sms(Timestamp due, std::size_t count_max) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM sms WHERE state = 'pending' AND doubts = 0 AND retry_at <= ? ORDER BY retry_at, id LIMIT ?", sms_columns);
    Run run = db_.prepare(sql);
    run.put(due.us).put(static_cast<std::int64_t>(count_max));
    return all(run, read_sms);
  }
  Result<std::optional<Sms>> doubtful_sms(Timestamp due) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM sms WHERE state = 'pending' AND doubts > 0 AND retry_at <= ? ORDER BY retry_at, id LIMIT 1", sms_columns);
    Run run = db_.prepare(sql);
    run.put(due.us);
    return first(run, read_sms);
  }
  Result<std::vector<Sms>> submitting_sms() override {
    static const std::string sql = fmt::format("SELECT {} FROM sms WHERE state = 'submitting' ORDER BY id", sms_columns);
    Run run = db_.prepare(sql);
    return all(run, read_sms);
  }
  Result<std::optional<Sms>> sms(std::int64_t id) override {
    static const std::string sql = fmt::format("SELECT {} FROM sms WHERE id = ?", sms_columns);
    Run run = db_.prepare(sql);
    run.put(id);
    return first(run, read_sms);
  }
  Result<std::uint64_t> count_sms(const Msisdn& phone, SmsKind kind, Timestamp since) override {
    Run run = db_.prepare("SELECT count(*) FROM sms WHERE msisdn = ? AND kind = ? AND created >= ?");
    run.put(phone.digits()).put(to_string(kind)).put(since.us);
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    return static_cast<std::uint64_t>(run.number());
  }
  Result<Submits> sms_submits(const Msisdn& phone, SmsKind kind, Timestamp since, Timestamp until) override {
    Run run = db_.prepare(
        "SELECT coalesce(sum(submits), 0), coalesce(min(submitted_at), 0) FROM sms "
        "WHERE msisdn = ? AND kind = ? AND submitted_at BETWEEN ? AND ? AND submits > 0");
    run.put(phone.digits()).put(to_string(kind)).put(since.us).put(until.us);
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    Submits found{.count = static_cast<std::uint64_t>(run.number())};
    found.oldest = {run.number()};
    return found;
  }
  Result<std::optional<std::string>> our_text_in(const Msisdn& phone, std::string_view text, Timestamp since) override {
    // Shorter ones may be anybody's words.
    // All kinds are named for the index, in which the time stands behind them.
    static const std::string sql = fmt::format(
        "SELECT text FROM sms WHERE msisdn = ?1 AND kind IN ('{}') AND created >= ?2 AND (text = ?3 OR (length(text) >= 20 AND "
        "instr(?3, text) > 0)) ORDER BY length(text) DESC LIMIT 1",
        fmt::join(words<SmsKind>, "', '"));
    Run run = db_.prepare(sql);
    run.put(phone.digits()).put(since.us).put(text);
    return first(run, +[](Run& row) { return row.text(); });
  }
  Result<void> add_sms_part(std::int64_t sms, std::string_view smsc_id, Timestamp now) override {
    {
      Run old = db_.prepare("DELETE FROM sms_part WHERE time < ?");
      old.put(now.us - sms_part_days * 86'400 * 1'000'000);
      if (const auto forgotten = old.run(); !forgotten) return forgotten;
    }
    Run run = db_.prepare("INSERT OR IGNORE INTO sms_part (key, sms, time) VALUES (?, ?, ?)");
    run.put(peer_id_key(smsc_id)).put(sms).put(now.us);
    return run.run();
  }
  Result<std::vector<Sms>> sms_of_part(std::string_view key) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM sms WHERE id IN (SELECT sms FROM sms_part WHERE key = ? ORDER BY sms DESC LIMIT 20) ORDER BY id DESC", sms_columns);
    Run run = db_.prepare(sql);
    run.put(key);
    return all(run, read_sms);
  }
  Result<std::optional<Sms>> last_notification(const Msisdn& phone) override {
    static const std::string sql = fmt::format(
        "SELECT {} FROM sms WHERE msisdn = ? AND kind = 'notify' AND state = 'sent' ORDER BY created DESC, id DESC LIMIT 1", sms_columns);
    Run run = db_.prepare(sql);
    run.put(phone.digits());
    return first(run, read_sms);
  }
  Result<void> withdraw_sms(const ItemId& item) override {
    Run run = db_.prepare("UPDATE sms SET state = 'failed', reason = 'no longer needed' WHERE item = ? AND state = 'pending'");
    run.put(ByteView(item.bytes));
    return run.run();
  }

  Result<void> shift_waits(Timestamp from, Duration by) override {
    for (const char* sql : {"UPDATE item SET retry_at = retry_at + ?1 WHERE retry_at > ?2",
                            "UPDATE item SET code_expires = code_expires + ?1 WHERE code_expires > ?2",
                            "UPDATE item SET expires = expires + ?1 WHERE expires > ?2",
                            "UPDATE item SET unknown_until = unknown_until + ?1 WHERE unknown_until > ?2",
                            "UPDATE sms SET retry_at = retry_at + ?1 WHERE retry_at > ?2"}) {
      Run run = db_.prepare(sql);
      run.put(by.us()).put(from.us);
      if (const auto done = run.run(); !done) return done;
    }
    // An SMS that waits for a day is given up: the day is one of waiting.
    Run run = db_.prepare("UPDATE sms SET created = created + ? WHERE state IN ('pending', 'submitting')");
    run.put(by.us());
    return run.run();
  }
  Result<void> clamp_waits(const WaitsMax& most) override {
    const std::int64_t retry = most.now.us + most.retry.us();
    const std::int64_t code = most.now.us + most.code.us();
    for (const auto& [sql, latest] :
         {std::pair("UPDATE item SET retry_at = ?1 WHERE retry_at > ?1", retry),
          std::pair("UPDATE item SET code_expires = ?1 WHERE code_expires > ?1", code),
          std::pair("UPDATE item SET announced = ?1 WHERE announced > ?1", most.now.us),
          std::pair("UPDATE item SET created = ?1 WHERE created > ?1", most.now.us),
          std::pair("UPDATE item SET unknown_until = ?1 WHERE unknown_until > ?1", most.now.us + most.doubt.us()),
          std::pair("UPDATE sms SET retry_at = ?1 WHERE retry_at > ?1", retry),
          std::pair("UPDATE sms SET created = ?1 WHERE created > ?1", most.now.us)}) {
      Run run = db_.prepare(sql);
      run.put(latest);
      if (const auto done = run.run(); !done) return done;
    }
    return {};
  }

  Result<bool> add_report(const Report& r) override;
  Result<void> match_report(const ItemId& report, const ItemId& item) override {
    Run run = db_.prepare("UPDATE report SET item = ? WHERE id = ?");
    run.put(ByteView(item.bytes)).put(ByteView(report.bytes));
    return run.run();
  }
  Result<std::vector<Report>> orphan_reports(std::string_view peer, std::string_view message_id) override {
    constexpr std::string_view latest =
        "SELECT {} FROM (SELECT * FROM report INDEXED BY {} WHERE peer = ? AND item = x''{} ORDER BY rowid DESC LIMIT 1000) ORDER BY "
        "time, id";
    static const std::string any = fmt::format(latest, report_columns, "report_waiting", "");
    static const std::string named = fmt::format(latest, report_columns, "report_of_message", fmt::format(" AND {} = ?", message_key));
    Run run = db_.prepare(message_id.empty() ? any : named);
    run.put(peer);
    if (!message_id.empty()) run.put(peer_id_key(message_id));
    return all(run, read_report);
  }
  Result<void> trim_orphan_reports(std::string_view peer, std::uint64_t most) override {
    Run run = db_.prepare(
        "DELETE FROM report WHERE rowid IN (SELECT rowid FROM report INDEXED BY report_waiting WHERE peer = ? AND item = x'' ORDER BY "
        "rowid "
        "DESC LIMIT -1 OFFSET ?)");
    run.put(peer).put(static_cast<std::int64_t>(most));
    return run.run();
  }

 private:
  void note_change();
  [[nodiscard]] bool is_lost();
  [[nodiscard]] Result<void> begin_group();
  [[nodiscard]] Result<void> write_alone(const std::function<Result<void>()>& body);
  [[nodiscard]] Result<void> write_in_group(const std::function<Result<void>()>& body);

  Connection db_;
  bool writing_ = false;

  // Groups.
  std::filesystem::path path_;        // empty: every write is synced
  std::optional<Connection> moving_;  // checkpoint()'s own
  std::function<void()> changed_;
  bool noted_ = false;  // changed_ was called since the last commit()
  bool committing_ = false;
  bool open_ = false;  // a group is
  bool lost_ = false;  // SQLite undid more than one write
  int log_ = -1;       // sync()'s own: a descriptor of the log
  std::uint64_t log_pages_ = 0;
  std::uint64_t checkpoint_at_ = checkpoint_pages;
  std::uint64_t rest_at_ = rest_pages;
};

Result<void> SqliteStore::write(const std::function<Result<void>()>& body) {
  PM_CHECK(!writing_);
  writing_ = true;
  auto done = path_.empty() ? write_alone(body) : write_in_group(body);
  writing_ = false;
  return done;
}

Result<void> SqliteStore::write_alone(const std::function<Result<void>()>& body) {
  if (const auto begun = db_.execute("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> done = body();
  if (done) done = db_.execute("COMMIT");
  // A full disk ends the transaction by itself; anything else that cannot be undone must not go on.
  if (!done && db_.in_transaction()) {
    const bool undone = db_.execute("ROLLBACK").has_value();
    PM_CHECK(undone || !db_.in_transaction());
  }
  return done;
}

Result<void> SqliteStore::begin_groups(const std::filesystem::path& path) {
  path_ = path;
  return db_.leave_syncing_to([this](std::uint64_t pages) {
    // The log began anew.
    if (pages < log_pages_ || log_pages_ == 0) {
      checkpoint_at_ = checkpoint_pages;
      rest_at_ = rest_pages;
    }
    log_pages_ = pages;
    if (!committing_) note_change();
  });
}

void SqliteStore::note_change() {
  if (noted_) return;
  noted_ = true;
  if (changed_) changed_();
}

// Whatever statement fails, a read too, can make SQLite undo the whole transaction, with the writes in it that had succeeded.
bool SqliteStore::is_lost() {
  lost_ = lost_ || (open_ && !db_.in_transaction());
  return lost_;
}

// While there is room a group can be committed: what has succeeded in it is taken for durable by everything in memory.
Result<void> SqliteStore::begin_group() {
  if (is_lost()) return fail(store_io);
  if (open_) return {};
  struct statvfs room{};
  if (::statvfs(path_.c_str(), &room) != 0) return std::unexpected(Error{.info = &store_io, .at = 0, .os = errno});
  if (std::uint64_t{room.f_bavail} * room.f_frsize < store_room_least)
    return std::unexpected(Error{.info = &store_io, .at = 0, .os = ENOSPC});
  auto begun = db_.prepare("BEGIN IMMEDIATE").run();
  open_ = begun.has_value();
  return begun;
}

Result<void> SqliteStore::write_in_group(const std::function<Result<void>()>& body) {
  if (const auto begun = begin_group(); !begun) return begun;
  if (const auto set = db_.prepare("SAVEPOINT one").run(); !set) return set;
  Result<void> done = body();
  if (done) done = db_.prepare("RELEASE one").run();
  note_change();
  if (done) return done;
  // A full disk ends the whole transaction by itself.
  const bool undone = db_.in_transaction() && db_.execute("ROLLBACK TO one; RELEASE one").has_value();
  lost_ = lost_ || !undone;
  return done;
}

Result<void> SqliteStore::commit() {
  noted_ = false;
  if (is_lost()) return fail(store_io);
  if (open_) {
    open_ = false;
    committing_ = true;
    const auto done = db_.prepare("COMMIT").run();
    committing_ = false;
    if (!done) return done;
  }
  if (log_pages_ < rest_at_) return {};
  // Nothing is written now, so what a checkpoint left can follow, and the log begins anew. Where that fails the log has it all still.
  rest_at_ = log_pages_ + checkpoint_pages;
  if (const auto left = db_.checkpoint(); left && *left == 0) log_pages_ = 0;
  return {};
}

Result<void> SqliteStore::sync() {
  if (log_ < 0) {
    log_ = ::open((path_.string() + "-wal").c_str(), O_RDONLY | O_CLOEXEC);
    if (log_ < 0) return std::unexpected(Error{.info = &store_io, .at = 0, .os = errno});
  }
  int failed = 0;
  do {
    failed = ::fdatasync(log_);
  } while (failed != 0 && errno == EINTR);
  if (failed != 0) return std::unexpected(Error{.info = &store_io, .at = 0, .os = errno});
  return {};
}

// Once for so many new pages: each one syncs the file.
bool SqliteStore::takes_checkpoint() {
  if (log_pages_ < checkpoint_at_) return false;
  checkpoint_at_ = log_pages_ + checkpoint_pages;
  return true;
}

void SqliteStore::checkpoint() {
  if (!moving_) {
    auto opened = Connection::open(path_);
    if (!opened) return log_error("store_checkpoint").error(opened.error()), void();
    moving_.emplace(std::move(*opened));
  }
  if (const auto done = moving_->checkpoint(); !done) log_error("store_checkpoint").error(done.error());
}

Result<void> SqliteStore::migrate() {
  std::int64_t version = 0;
  {
    Run run = db_.prepare("PRAGMA user_version");
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    version = run.number();
  }
  if (version > std::int64_t{store_migrations.size()}) return fail(store_newer, static_cast<std::size_t>(version));
  for (; version < std::int64_t{store_migrations.size()}; ++version) {
    const auto done = write([&]() -> Result<void> {
      if (const auto step = db_.execute(store_migrations[static_cast<std::size_t>(version)]); !step) return step;
      return db_.execute(fmt::format("PRAGMA user_version = {}", version + 1));
    });
    if (!done) return done;
  }
  return {};
}

Result<std::vector<Item>> SqliteStore::items(const ItemFilter& filter) {
  // The shape of the question is in the text, and so are its words, which partial indexes are about; its values are parameters.
  std::string sql = fmt::format("SELECT {} FROM item{} WHERE 1", item_columns(), hint_for(filter));
  // By its phone, of which there is an index.
  if (!filter.binding.empty()) sql += " AND binding = ? AND msisdn = (SELECT msisdn FROM binding WHERE id = ?)";
  if (filter.states.size() == 1) sql += fmt::format(" AND state = {}", list_of(filter.states));
  if (filter.states.size() > 1) sql += fmt::format(" AND state IN ({})", list_of(filter.states));
  if (filter.way) sql += " AND way = ?";
  if (filter.trace) sql += " AND trace = ?";
  if (filter.mark) sql += fmt::format(" AND mark = '{}'", to_string(*filter.mark));
  if (filter.due) sql += " AND retry_at <= ?";
  if (filter.code_due) sql += " AND code_expires <> 0 AND code_expires <= ?";
  if (filter.expired_by) sql += " AND expires <> 0 AND expires <= ?";
  if (filter.unknown_by) sql += " AND unknown_until <> 0 AND unknown_until <= ?";
  if (filter.msisdn) sql += " AND msisdn = ?";
  if (!filter.peer.empty()) sql += " AND peer = ?";
  if (filter.nameless) sql += " AND message_id = '' AND (state = 'submitted' OR doubts > 0)";
  if (!filter.before.empty()) sql += " AND id < ?";
  sql += filter.order == ItemOrder::newest_first ? " ORDER BY id DESC LIMIT ?" : " ORDER BY id LIMIT ?";

  Run run = db_.prepare(sql);
  if (!filter.binding.empty()) run.put(filter.binding).put(filter.binding);
  if (filter.way) run.put(to_string(*filter.way));
  if (filter.trace) run.put(ByteView(filter.trace->bytes));
  if (filter.due) run.put(filter.due->us);
  if (filter.code_due) run.put(filter.code_due->us);
  if (filter.expired_by) run.put(filter.expired_by->us);
  if (filter.unknown_by) run.put(filter.unknown_by->us);
  if (filter.msisdn) run.put(filter.msisdn->digits());
  if (!filter.peer.empty()) run.put(filter.peer);
  if (!filter.before.empty()) run.put(ByteView(parse_item_id(filter.before).value_or(ItemId()).bytes));
  run.put(static_cast<std::int64_t>(filter.count_max));
  return all(run, read_item);
}

Result<bool> SqliteStore::add_report(const Report& r) {
  // Peer + MessageID + phone + MMStatus + date name a report; another status is news.
  {
    // IS, since of what is `=` something SQLite puts that into the expression too, and then finds no index for it.
    static const std::string sql = fmt::format(
        "SELECT 1 FROM report INDEXED BY report_of_message WHERE peer = ? AND {} = ? AND time = ? AND message_id IS ? AND recipient = ? "
        "AND sender = ? AND mm_status = ?",
        message_key);
    Run same = db_.prepare(sql);
    same.put(r.peer).put(peer_id_key(r.message_id)).put(r.time.us).put(r.message_id).put(r.recipient).put(r.sender).put(r.mm_status);
    PM_TRY(const bool known, same.step());
    if (known) return false;
  }
  static const std::string sql = fmt::format("INSERT INTO report ({}) VALUES ({})", report_columns, question_marks(report_columns));
  Run run = db_.prepare(sql);
  run.put(ByteView(r.id.bytes)).put(ByteView(r.trace.bytes)).put(r.peer).put(r.message_id).put(r.recipient).put(r.sender);
  run.put(r.mm_status).put(r.status_text).put(r.time.us).put(r.item.empty() ? ByteView() : ByteView(r.item.bytes));
  return stored(run.run());
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path) {
  PM_TRY(auto connection, Connection::open(path));
  auto store = std::make_unique<SqliteStore>(std::move(connection));
  if (const auto migrated = store->migrate(); !migrated) return std::unexpected(migrated.error());
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<GroupedStore>> open_grouped_store(const std::filesystem::path& path) {
  PM_TRY(auto connection, Connection::open(path));
  auto store = std::make_unique<SqliteStore>(std::move(connection));
  if (const auto migrated = store->migrate(); !migrated) return std::unexpected(migrated.error());
  if (const auto begun = store->begin_groups(path); !begun) return std::unexpected(begun.error());
  return std::unique_ptr<GroupedStore>(std::move(store));
}

}  // namespace pushmail
