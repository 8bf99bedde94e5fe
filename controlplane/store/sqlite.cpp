#include "controlplane/store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>

#include "controlplane/store/errors.h"
#include "core/log.h"
#include "core/storage.h"

namespace pushmail::sqlite {

namespace {

constexpr int busy_ms_max = 5000;
thread_local std::uint64_t steps = 0;

// What the system said in a call of SQLite's, which keeps it for few of them: else the errno that the call left. 0: nothing. Before each
// call errno is 0.
int system_error_of(sqlite3* handle) {
  const int left = errno;
  const int kept = sqlite3_system_errno(handle);
  return kept != 0 ? kept : left;
}

std::unexpected<Error> failed(sqlite3* handle, int code) {
  const Error error{.info = &store_io, .at = 0, .os = system_error_of(handle)};
  if ((code & 0xff) == SQLITE_CONSTRAINT) return fail(store_conflict);
  log_error("store_failed").text("text", sqlite3_errmsg(handle)).number("code", sqlite3_extended_errcode(handle)).error(error);
  return std::unexpected(error);
}

// What SQLite takes for no failure of a statement's, and says here alone: a folder that it could not open to sync it, a file that it read
// instead of wrote, a log that a crash left. Statements that were refused are in failed().
void on_sqlite_word(void*, int code, const char* words) {
  // SQLite is in the middle of a call whose errno is read when it returns (system_error_of).
  const int kept = errno;
  switch (code & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_FULL:
    case SQLITE_NOTADB:
    case SQLITE_WARNING:
      log_warning("sqlite").number("code", code).text("text", words);
      break;
    case SQLITE_NOTICE:
      log_info("sqlite").number("code", code).text("text", words);
      break;
    default:
      break;
  }
  errno = kept;
}

}  // namespace

Run::~Run() {
  if (statement_ == nullptr) return;
  steps += static_cast<std::uint64_t>(sqlite3_stmt_status(statement_, SQLITE_STMTSTATUS_VM_STEP, 1));
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::uint64_t steps_made() { return steps; }

// Parameters that a statement does not have are our own fault.
void Run::bound(int code) {
  if (code == SQLITE_OK || failed_) return;
  PM_CHECK(code == SQLITE_NOMEM || code == SQLITE_TOOBIG);
  failed_ = failed(sqlite3_db_handle(statement_), code).error();
}

Run& Run::put(std::string_view value) {
  ++parameter_;
  if (statement_ != nullptr)
    bound(sqlite3_bind_text(statement_, parameter_, value.data() == nullptr ? "" : value.data(), static_cast<int>(value.size()),
                            SQLITE_TRANSIENT));
  return *this;
}

Run& Run::put(std::int64_t value) {
  ++parameter_;
  if (statement_ != nullptr) bound(sqlite3_bind_int64(statement_, parameter_, value));
  return *this;
}

Run& Run::put(ByteView value) {
  // A null pointer would bind NULL; an empty blob is a value.
  static constexpr std::uint8_t nothing = 0;
  ++parameter_;
  if (statement_ != nullptr)
    bound(sqlite3_bind_blob(statement_, parameter_, value.empty() ? &nothing : value.data(), static_cast<int>(value.size()),
                            SQLITE_TRANSIENT));
  return *this;
}

Result<bool> Run::step() {
  if (failed_) return std::unexpected(*failed_);
  column_ = 0;
  errno = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failed(sqlite3_db_handle(statement_), code);
}

Result<void> Run::run() {
  PM_TRY(const bool row, step());
  PM_CHECK(!row);
  return {};
}

std::string Run::text() {
  const int column = column_++;
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::int64_t Run::number() { return sqlite3_column_int64(statement_, column_++); }

Bytes Run::bytes() {
  const int column = column_++;
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return data == nullptr ? Bytes() : Bytes(data, data + sqlite3_column_bytes(statement_, column));
}

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Connection> Connection::open_handle(const std::filesystem::path& path, int more_flags) {
  // For the whole process, and before SQLite is used at all. Nobody reads how much memory it has, and counting takes a lock each time.
  [[maybe_unused]] static const int set_up =
      sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_word, nullptr) + sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* handle = nullptr;
  errno = 0;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | more_flags, nullptr);
  const int opening = errno;
  Connection connection;
  connection.handle_.reset(handle);
  if (code != SQLITE_OK) {
    const Error error{.info = &store_open, .at = 0, .os = system_error_of(handle)};
    log_error("store_open_failed").text("path", path.string()).text("text", sqlite3_errstr(code)).error(error);
    return std::unexpected(error);
  }
  // What it cannot open for writing it opens for reading, whatever the reason: a store that never takes a word again.
  if (sqlite3_db_readonly(handle, "main") != 0) {
    const Error error{.info = &store_open, .at = 0, .os = opening};
    log_error("store_open_failed").text("path", path.string()).text("text", "it can only be read").error(error);
    return std::unexpected(error);
  }
  sqlite3_busy_timeout(handle, busy_ms_max);
  return connection;
}

Result<Connection> Connection::open_file(const std::filesystem::path& path) {
  PM_TRY(Connection connection, open_handle(path, 0));
  if (const auto set = connection.execute("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY"); !set)
    return std::unexpected(set.error());
  return connection;
}

Result<void> Connection::copy_into(const std::filesystem::path& file) {
  PM_TRY(Connection to, open_file(file));
  errno = 0;
  sqlite3_backup* const copying = sqlite3_backup_init(to.handle_.get(), "main", handle_.get(), "main");
  if (copying == nullptr) return failed(to.handle_.get(), sqlite3_errcode(to.handle_.get()));
  // In one step: in several, another connection's write begins it anew, and a busy store never lets it end. Readers keep no writer waiting.
  // What the step says of a busy store, the end does not say again.
  const int stepped = sqlite3_backup_step(copying, -1);
  if (const int code = sqlite3_backup_finish(copying); code != SQLITE_OK) return failed(to.handle_.get(), code);
  if (stepped != SQLITE_DONE) return failed(to.handle_.get(), stepped);
  // The copy says of itself that it has a log, like what it was copied from.
  return to.execute("PRAGMA journal_mode = DELETE");
}

Result<Connection> Connection::open(const std::filesystem::path& path) {
  PM_TRY(Connection connection, open_handle(path, SQLITE_OPEN_CREATE));
  // What a savepoint could have to undo is kept in memory: a file for it would be written with every statement.
  const auto set = connection.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; "
      "PRAGMA cache_size = -32768");
  if (!set) return std::unexpected(set.error());
  // The names of store and log. SQLite syncs the folder too, and goes on where that fails.
  if (path.has_parent_path()) {
    if (const auto synced = sync_folder(system_storage(), path.parent_path(), Sync::file_named); !synced) {
      log_error("store_open_failed").text("path", path.string()).text("text", "its folder cannot be synced").error(synced.error());
      return std::unexpected(synced.error());
    }
  }
  return connection;
}

Run Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    errno = 0;
    const int code =
        sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
      const int os = system_error_of(handle_.get());
      log_error("store_statement").text("sql", sql).text("text", sqlite3_errmsg(handle_.get())).number("code", code).os_error(os);
      // A text that does not fit the schema. Everything else is the disk (the schema is read from it) or the memory.
      PM_CHECK((code & 0xff) != SQLITE_ERROR && (code & 0xff) != SQLITE_MISUSE);
      return Run(Error{&store_io});
    }
    found = statements_.emplace(std::string(sql), statement).first;
  }
  return Run(found->second.get());
}

Result<void> Connection::execute(std::string_view sql) {
  errno = 0;
  const int code = sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(handle_.get(), code);
  return {};
}

Result<void> Connection::leave_syncing_to(std::function<void(std::uint64_t)> committed) {
  if (const auto set = execute("PRAGMA synchronous = NORMAL"); !set) return set;
  committed_ = std::make_unique<std::function<void(std::uint64_t)>>(std::move(committed));
  // In place of the automatic checkpoint, which is such a hook.
  sqlite3_wal_hook(
      handle_.get(),
      [](void* to, sqlite3*, const char*, int pages) {
        (*static_cast<std::function<void(std::uint64_t)>*>(to))(static_cast<std::uint64_t>(pages));
        return SQLITE_OK;
      },
      committed_.get());
  return {};
}

Result<std::uint64_t> Connection::checkpoint() {
  int in_log = 0;
  int moved = 0;
  errno = 0;
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  // Another connection is at it.
  if ((code & 0xff) == SQLITE_BUSY) return static_cast<std::uint64_t>(std::max(in_log, 0));
  if (code != SQLITE_OK) return failed(handle_.get(), code);
  return static_cast<std::uint64_t>(std::max(in_log - moved, 0));
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

}  // namespace pushmail::sqlite
