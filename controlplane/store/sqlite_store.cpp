#include "controlplane/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "controlplane/store/errors.h"
#include "controlplane/store/schema_sql.h"
#include "core/log.h"

namespace pushmail {

using sqlite::Connection;
using sqlite::Run;

Store::Store(Connection connection) : db_(std::move(connection)) {}
Store::~Store() {
  if (log_ >= 0) ::close(log_);
}

Result<void> Store::write(const std::function<Result<void>()>& body) {
  PM_CHECK(!writing_);
  writing_ = true;
  auto done = path_.empty() ? write_alone(body) : write_in_group(body);
  writing_ = false;
  return done;
}

Result<void> Store::write_alone(const std::function<Result<void>()>& body) {
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

Result<void> Store::begin_groups(const std::filesystem::path& path) {
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

void Store::note_change() {
  if (noted_) return;
  noted_ = true;
  if (changed_) changed_();
}

bool Store::is_lost() {
  lost_ = lost_ || (open_ && !db_.in_transaction());
  return lost_;
}

Result<void> Store::begin_group() {
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

Result<void> Store::write_in_group(const std::function<Result<void>()>& body) {
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

Result<void> Store::commit() {
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

Result<void> Store::sync() {
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

bool Store::takes_checkpoint() {
  if (log_pages_ < checkpoint_at_) return false;
  checkpoint_at_ = log_pages_ + checkpoint_pages;
  return true;
}

void Store::checkpoint() {
  if (!moving_) {
    auto opened = Connection::open(path_);
    if (!opened) return log_error("store_checkpoint").error(opened.error()), void();
    moving_.emplace(std::move(*opened));
  }
  if (const auto done = moving_->checkpoint(); !done) log_error("store_checkpoint").error(done.error());
}

Result<void> Store::migrate() {
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

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path) {
  PM_TRY(auto connection, Connection::open(path));
  auto store = std::make_unique<Store>(std::move(connection));
  if (const auto migrated = store->migrate(); !migrated) return std::unexpected(migrated.error());
  return store;
}

Result<std::unique_ptr<Store>> open_grouped_store(const std::filesystem::path& path) {
  PM_TRY(auto store, open_sqlite_store(path));
  if (const auto begun = store->begin_groups(path); !begun) return std::unexpected(begun.error());
  return store;
}

}  // namespace pushmail
