// SQLite behind three small classes: a connection, a prepared statement, and Result instead of return codes.
//
// Used by the files of the store only; another engine would take its place. Statements are prepared once per text and kept; binding and
// reading go in column order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pushmail::sqlite {

/// Steps that SQLite's machine has made in this thread. They do not depend on clocks, so a test asks that a question takes no more of them
/// the more is stored.
[[nodiscard]] std::uint64_t steps_made();

/// One run of a prepared statement. Reset when it goes out of scope.
class Run {
 public:
  explicit Run(sqlite3_stmt* statement) : statement_(statement) {}
  /// One that cannot be run: step() says so.
  explicit Run(Error why) : statement_(nullptr), failed_(why) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  Run(Run&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)),
        failed_(other.failed_),
        parameter_(other.parameter_),
        column_(other.column_) {}
  Run& operator=(Run&&) = delete;
  ~Run();

  // Parameters, in order.
  Run& put(std::string_view value);
  Run& put(std::int64_t value);
  Run& put(ByteView value);

  /// True: a row is there, its columns can be taken in order. False: no more rows.
  [[nodiscard]] Result<bool> step();
  /// For statements without rows; store_conflict when a unique index or key forbids it.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] std::string text();
  [[nodiscard]] std::int64_t number();
  [[nodiscard]] Bytes bytes();

 private:
  void bound(int code);
  sqlite3_stmt* statement_;
  std::optional<Error> failed_;  // what went wrong before the first step
  int parameter_ = 0;
  int column_ = 0;
};

class Connection {
 public:
  /// `path` may be `:memory:`. WAL, every commit synced.
  [[nodiscard]] static Result<Connection> open(const std::filesystem::path& path);
  /// A file that goes from hand to hand: no log beside it. It is there already, and what is in it stays as it is until it is written to.
  [[nodiscard]] static Result<Connection> open_file(const std::filesystem::path& path);
  /// Everything in it as of one moment, whoever writes meanwhile, into `file`, which is there and empty (SQLite's online backup). Durable
  /// when this returns, as one file.
  [[nodiscard]] Result<void> copy_into(const std::filesystem::path& file);
  /// Commits are not synced any more, and the log grows until checkpoint(); `committed` gets the log's pages after each.
  [[nodiscard]] Result<void> leave_syncing_to(std::function<void(std::uint64_t pages)> committed);
  /// Moves pages of the log into the file, as far as no reader or writer is in the way. The number of pages that stay in the log.
  [[nodiscard]] Result<std::uint64_t> checkpoint();
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  /// The statement is kept under its text, so `sql` must come from a small fixed set. A text that does not compile is our own fault;
  /// when the disk or the memory does not let it, the run says so.
  [[nodiscard]] Run prepare(std::string_view sql);
  /// Several statements without parameters or rows.
  [[nodiscard]] Result<void> execute(std::string_view sql);
  [[nodiscard]] bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Connection() = default;
  [[nodiscard]] static Result<Connection> open_handle(const std::filesystem::path& path, int more_flags);

  std::unique_ptr<std::function<void(std::uint64_t)>> committed_;  // the handle keeps its address
  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

}  // namespace pushmail::sqlite
