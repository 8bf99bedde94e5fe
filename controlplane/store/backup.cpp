#include "controlplane/store/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

#include "controlplane/store/errors.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/schema_sql.h"
#include "controlplane/store/sqlite.h"
#include "controlplane/store/sqlite_store.h"
#include "core/ascii.h"
#include "core/storage.h"

namespace pushmail {

namespace {

using sqlite::Connection;
using sqlite::Run;

// As they are written, SQLite keeps them: so a file that has these two tables has these columns.
constexpr std::string_view facts_table = "CREATE TABLE backup (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT";
constexpr std::string_view files_table =
    "CREATE TABLE backup_file (path TEXT PRIMARY KEY, mode INTEGER NOT NULL, owner TEXT NOT NULL, owner_group TEXT NOT NULL, "
    "content BLOB NOT NULL) STRICT";
constexpr std::string_view lane_prefix = "journal ";
constexpr std::size_t rows_at_once = 1000;

// A file that nobody else can read, before anything is in it.
Result<void> make_empty(const std::filesystem::path& file) {
  const int made = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (made < 0) return fail_os(store_open, errno);
  ::close(made);
  return {};
}

Result<void> remove_store(const std::filesystem::path& file) {
  std::error_code error;
  for (const char* end : {"", "-wal", "-shm", "-journal"}) {
    std::filesystem::remove(file.string() + end, error);
    if (error) return fail_os(store_open, error.value());
  }
  return {};
}

Result<void> write_beside(Connection& to, const Backup& beside) {
  PM_TRY_VOID(to.execute("BEGIN"));
  PM_TRY_VOID(to.execute(std::string(facts_table)));
  PM_TRY_VOID(to.execute(std::string(files_table)));
  const auto put = [&to](std::string_view key, std::string_view value) -> Result<void> {
    Run run = to.prepare("INSERT INTO backup (key, value) VALUES (?, ?)");
    return run.put(key).put(value).run();
  };
  const BackupFacts& facts = beside.facts;
  PM_TRY_VOID(put("made", fmt::to_string(facts.made.us)));
  PM_TRY_VOID(put("version", facts.version));
  PM_TRY_VOID(put("key", facts.key));
  for (const JournalMark& mark : facts.journal) PM_TRY_VOID(put(std::string(lane_prefix) + mark.lane, fmt::to_string(mark.sequence)));
  for (const BackupFile& file : beside.files) {
    Run run = to.prepare("INSERT INTO backup_file (path, mode, owner, owner_group, content) VALUES (?, ?, ?, ?, ?)");
    PM_TRY_VOID(run.put(file.path).put(std::int64_t{file.mode}).put(file.owner).put(file.group).put(ByteView(file.content)).run());
  }
  return to.execute("COMMIT");
}

Result<std::int64_t> number_of(Connection& from, std::string_view sql) {
  Run run = from.prepare(sql);
  PM_TRY(const bool row, run.step());
  return row ? run.number() : 0;
}

Result<void> check_whole(Connection& from) {
  Run tables = from.prepare("SELECT count(*) FROM sqlite_master WHERE sql IN (?, ?)");
  tables.put(facts_table).put(files_table);
  const auto row = tables.step();
  if (!row || !*row || tables.number() != 2) return fail(store_no_backup);
  PM_TRY(const std::int64_t version, number_of(from, "PRAGMA user_version"));
  if (version == 0) return fail(store_no_backup);  // a store has tables
  if (version > std::int64_t{store_migrations.size()}) return fail(store_newer, static_cast<std::size_t>(version));
  Run check = from.prepare("PRAGMA quick_check(1)");
  const auto checked = check.step();
  if (!checked || !*checked || check.text() != "ok") return fail(store_no_backup);
  PM_TRY(const std::int64_t size, number_of(from, "SELECT coalesce(sum(length(content)), 0) FROM backup_file"));
  if (size > std::int64_t{backup_files_size_max}) return fail(store_no_backup);
  return {};
}

// Its log has gone into it: beside the other file it would be taken for that one's.
bool is_one_file(const std::filesystem::path& store) {
  auto opened = Connection::open_file(store);
  if (!opened) return false;
  Run alone = opened->prepare("PRAGMA journal_mode = DELETE");
  const auto row = alone.step();
  return row && *row && alone.text() == "delete";
}

// What is no database, or a broken one, is no backup.
Result<Connection> open_backup(const std::filesystem::path& file) {
  auto opened = Connection::open_file(file);
  if (!opened && opened.error().is(store_io)) return fail(store_no_backup);
  return opened;
}

// By pages, newest first: what is written does not move a page's end.
Result<void> for_each_item(Store& store, std::vector<ItemState> states, const std::function<Result<void>(Item&)>& use) {
  ItemFilter filter{.states = std::move(states), .way = Way::to_phone, .count_max = rows_at_once};
  for (;;) {
    PM_TRY(auto items, store.items(filter));
    for (Item& item : items) {
      if (item.source != Source::mailbox) continue;
      if (const auto done = use(item); !done) return done;
    }
    if (items.size() < rows_at_once) return {};
    filter.before = to_string(items.back().id);
  }
}

}  // namespace

Result<void> make_backup(const std::filesystem::path& store, const std::filesystem::path& file, const Backup& beside) {
  const std::filesystem::path made = file.string() + ".new";
  if (const auto removed = remove_store(made); !removed) return removed;
  if (const auto empty = make_empty(made); !empty) return empty;
  const auto written = [&]() -> Result<void> {
    PM_TRY(Connection from, Connection::open_file(store));
    if (const auto copied = from.copy_into(made); !copied) return copied;
    PM_TRY(Connection to, Connection::open_file(made));
    return write_beside(to, beside);
  }();
  if (!written) {
    (void)remove_store(made);
    return written;
  }
  if (const int renamed = system_storage().rename(made, file); renamed < 0) return fail_os(store_open, -renamed);
  return sync_folder(system_storage(), file.has_parent_path() ? file.parent_path() : ".", Sync::file_named);
}

Result<Backup> read_backup(const std::filesystem::path& file) {
  PM_TRY(Connection from, open_backup(file));
  if (const auto whole = check_whole(from); !whole) return std::unexpected(whole.error());
  Backup backup;
  Run facts = from.prepare("SELECT key, value FROM backup");
  for (;;) {
    PM_TRY(const bool row, facts.step());
    if (!row) break;
    const std::string key = facts.text();
    const std::string value = facts.text();
    if (key == "made") backup.facts.made = {parse_number<std::int64_t>(value).value_or(0)};
    if (key == "version") backup.facts.version = value;
    if (key == "key") backup.facts.key = value;
    if (key.starts_with(lane_prefix))
      backup.facts.journal.push_back({.lane = key.substr(lane_prefix.size()), .sequence = parse_number<std::uint64_t>(value).value_or(0)});
  }
  Run files = from.prepare("SELECT path, mode, owner, owner_group, content FROM backup_file ORDER BY path");
  for (;;) {
    PM_TRY(const bool row, files.step());
    if (!row) return backup;
    BackupFile one{.path = files.text()};
    one.mode = static_cast<std::uint32_t>(files.number()) & 0777;
    one.owner = files.text();
    one.group = files.text();
    one.content = files.bytes();
    backup.files.push_back(std::move(one));
  }
}

Result<std::unique_ptr<Store>> unpack_backup(const std::filesystem::path& file, const std::filesystem::path& store) {
  if (const auto removed = remove_store(store); !removed) return std::unexpected(removed.error());
  if (const auto empty = make_empty(store); !empty) return std::unexpected(empty.error());
  {
    PM_TRY(Connection from, open_backup(file));
    if (const auto whole = check_whole(from); !whole) return std::unexpected(whole.error());
    if (const auto copied = from.copy_into(store); !copied) return std::unexpected(copied.error());
  }
  {
    PM_TRY(Connection to, Connection::open_file(store));
    if (const auto done = to.execute("BEGIN; DROP TABLE backup; DROP TABLE backup_file; COMMIT"); !done)
      return std::unexpected(done.error());
  }
  return open_sqlite_store(store);
}

Result<RestoreMarks> mark_restored(Store& store, Timestamp now, Duration wait) {
  RestoreMarks marks;
  using enum ItemState;
  const auto done = store.write([&]() -> Result<void> {
    const auto doubted = for_each_item(store, {requested, fetching, converting, submitting}, [&](Item& item) -> Result<void> {
      if (item.is_unknown()) return {};
      ++item.doubts;
      item.doubt_began = now;
      item.duplicate_possible = true;
      item.message_id.clear();
      item.retry_at = {};
      item.unknown_until = {now.us + wait.us()};
      ++marks.in_doubt;
      PM_TRY([[maybe_unused]] const bool moved,
             move_item(store, item,
                       {.event = ItemEvent::submission_in_doubt,
                        .reason = fmt::format("the store came out of a backup, and the message may have been sent since; its report will "
                                              "tell, until {}",
                                              format_rfc3339(item.unknown_until)),
                        .time = now}));
      return {};
    });
    if (!doubted) return doubted;
    const auto marked = for_each_item(store, {accepted, notified}, [&](Item& item) -> Result<void> {
      item.doubts = std::max(item.doubts, 1U);
      item.duplicate_possible = true;
      ++marks.waiting;
      PM_TRY_VOID(note(store, item, "restored", now, Program::control, {{"duplicate_possible", "1"}}));
      return store.update_item(item);
    });
    if (!marked) return marked;
    for (std::string after;;) {
      PM_TRY(const auto bindings, store.bindings(after, rows_at_once));
      for (const Binding& binding : bindings) {
        PM_TRY(MailboxState mailbox, store.mailbox(binding.id));
        mailbox.restored = now;
        ++marks.mailboxes;
        PM_TRY_VOID(store.set_mailbox(binding.id, mailbox));
      }
      if (bindings.size() < rows_at_once) return {};
      after = bindings.back().id;
    }
  });
  if (!done) return std::unexpected(done.error());
  return marks;
}

Result<void> exchange_store(const std::filesystem::path& made, const std::filesystem::path& store, const std::filesystem::path& kept) {
  std::error_code error;
  const std::filesystem::path folder = store.parent_path();
  struct stat owner{};
  if (::geteuid() == 0 && (::stat(folder.c_str(), &owner) != 0 || ::chown(made.c_str(), owner.st_uid, owner.st_gid) != 0))
    return fail_os(store_open, errno);
  if (std::filesystem::exists(store, error)) {
    // Kept first, as it is: SQLite throws the log of a broken store away when it opens it.
    const std::filesystem::path log = store.string() + "-wal", kept_log = kept.string() + "-wal";
    std::filesystem::create_hard_link(store, kept, error);
    const bool has_log = !error && std::filesystem::exists(log, error);
    if (has_log) std::filesystem::create_hard_link(log, kept_log, error);
    if (error) return fail_os(store_open, error.value());
    if (is_one_file(store)) {
      std::filesystem::remove(kept_log, error);
    } else {
      for (const char* end : {"-wal", "-shm"}) {
        if (!error) std::filesystem::remove(store.string() + end, error);
      }
    }
    if (error) return fail_os(store_open, error.value());
  }
  if (const int renamed = system_storage().rename(made, store); renamed < 0) return fail_os(store_open, -renamed);
  return sync_folder(system_storage(), folder, Sync::file_named);
}

}  // namespace pushmail
