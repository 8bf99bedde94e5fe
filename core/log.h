// One line of JSON per event on stderr; journald or the operator's collector adds the rest. There is no other logger.
//
//   {"ts":"2026-11-23T21:54:12.123Z","level":"info","plane":"control","event":"notified","trace":"…","item":"…","peer":"smsc1"}
//
// Never given: subjects, bodies, passwords, tokens. Phone numbers and addresses only through `person()`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/siphash.h"

namespace pushmail {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Where finished lines go. put() is called by any thread, never waits, and gets a whole line with its line end.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void put(LogLevel level, std::string_view line) = 0;
};

/// One event, built by chaining. Its destructor hands the line to the sink, or without one writes it with a single write(2), so that lines
/// of threads and processes do not mix.
class LogEvent {
 public:
  LogEvent(LogLevel level, std::string_view event);
  LogEvent(const LogEvent&) = delete;
  LogEvent& operator=(const LogEvent&) = delete;
  ~LogEvent();

  LogEvent& trace(const TraceId& id);
  LogEvent& item(const ItemId& id);
  LogEvent& peer(std::string_view name) { return text("peer", name); }
  LogEvent& binding(std::string_view id) { return text("binding", id); }
  LogEvent& error(const Error& e);
  /// The errno of a call that failed, by its name and words.
  LogEvent& os_error(int os);
  LogEvent& text(std::string_view key, std::string_view value);
  LogEvent& number(std::string_view key, std::int64_t value);
  /// A phone number or mail address: a keyed hash, unless `log.pii = "clear"`.
  LogEvent& person(std::string_view key, std::string_view value);

 private:
  std::string line_;
  LogLevel level_;
  bool wanted_;
};

enum class LogPersons : std::uint8_t { hashed, clear };
/// Once, at start, before threads. `plane` is data, control, fetcher or ctl.
void log_start(std::string_view plane, LogLevel least, LogPersons persons);
[[nodiscard]] LogPersons log_persons();
/// The key of person()'s hashes, in place of one that log_start draws. While no other thread logs.
void log_hash_by(const HashKey& key);
/// At any time, by any thread.
void log_least(LogLevel least);
/// Of a word that `log.level` may have.
[[nodiscard]] LogLevel log_level_of(std::string_view word);
/// While no other thread logs. nullptr: none; not owned. The programs' sink is LogWriter.
void log_to(LogSink* sink);

inline LogEvent log_debug(std::string_view event) { return {LogLevel::debug, event}; }
inline LogEvent log_info(std::string_view event) { return {LogLevel::info, event}; }
inline LogEvent log_warning(std::string_view event) { return {LogLevel::warning, event}; }
inline LogEvent log_error(std::string_view event) { return {LogLevel::error, event}; }

/// `text` as the inside of a JSON string: quotes, backslashes and control bytes escaped, invalid UTF-8 replaced.
[[nodiscard]] std::string json_escape(std::string_view text);

}  // namespace pushmail
