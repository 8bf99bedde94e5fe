#include "core/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <iterator>

#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail {

namespace {

// Set once by log_start before any thread exists; afterwards only the least level and the sink change.
struct Settings {
  std::string plane = "none";
  std::atomic<LogLevel> least{LogLevel::info};
  LogPersons persons = LogPersons::hashed;
  HashKey key{};
  std::atomic<LogSink*> sink{nullptr};
};

Settings& settings() {
  static Settings instance;
  return instance;
}

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

// What json_escape gives, at the end of `out`. Nearly all text of a log needs no escape, and is appended in one piece.
void append_escaped(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  for (std::size_t at = 0; at < text.size();) {
    const auto end =
        static_cast<std::size_t>(std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), plain) - text.begin());
    out.append(text.substr(at, end - at));
    at = end;
    if (at == text.size()) return;
    const char c = text[at];
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
      ++at;
    } else if (is_control(c)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
      ++at;
    } else if (const std::size_t length = code_point_at(text, at).size; length != 0) {
      out.append(text.substr(at, length));
      at += length;
    } else {
      out.append("\\ufffd");
      ++at;
    }
  }
}

// RFC 3339 with milliseconds. A thread that logs much formats each second once.
void append_time(std::string& out, Timestamp at) {
  constexpr std::int64_t second_us = 1'000'000;
  constexpr std::size_t up_to_second = 19;  // 2026-11-23T21:54:12
  thread_local Timestamp formatted{-second_us};
  thread_local std::array<char, up_to_second> text;
  const std::int64_t into_second = (at.us % second_us + second_us) % second_us;
  if (const Timestamp second{at.us - into_second}; second != formatted) {
    format_rfc3339(second).copy(text.data(), text.size());
    formatted = second;
  }
  out.append(text.data(), text.size());
  const auto ms = static_cast<int>(into_second / 1000);
  for (const char c :
       {'.', static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10), static_cast<char>('0' + ms % 10), 'Z'})
    out.push_back(c);
}

constexpr std::size_t usual_line_size = 400;

}  // namespace

std::string json_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

void log_start(std::string_view plane, LogLevel least, LogPersons persons) {
  Settings& s = settings();
  s.plane = plane;
  s.least = least;
  s.persons = persons;
  s.key = new_hash_key();
}

LogPersons log_persons() { return settings().persons; }

void log_hash_by(const HashKey& key) { settings().key = key; }
void log_least(LogLevel least) { settings().least.store(least, std::memory_order_relaxed); }

LogLevel log_level_of(std::string_view word) {
  const auto* const named = std::ranges::find(level_names, word);
  return named == level_names.end() ? LogLevel::info : static_cast<LogLevel>(named - level_names.begin());
}

void log_to(LogSink* sink) { settings().sink.store(sink, std::memory_order_release); }

LogEvent::LogEvent(LogLevel level, std::string_view event)
    : level_(level), wanted_(level >= settings().least.load(std::memory_order_relaxed)) {
  if (!wanted_) return;
  line_.reserve(usual_line_size);
  line_.append(R"({"ts":")");
  append_time(line_, SystemClock().wall());
  line_.append(R"(","level":")").append(level_names[static_cast<std::size_t>(level)]).append(R"(","plane":")").append(settings().plane);
  line_.push_back('"');
  text("event", event);
}

LogEvent::~LogEvent() {
  if (!wanted_) return;
  line_.append("}\n");
  if (LogSink* sink = settings().sink.load(std::memory_order_acquire); sink != nullptr) {
    sink->put(level_, line_);
    return;
  }
  // A log that cannot be written must not stop the service.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line_.data(), line_.size());
}

LogEvent& LogEvent::trace(const TraceId& id) { return wanted_ ? text("trace", to_string(id)) : *this; }
LogEvent& LogEvent::item(const ItemId& id) { return wanted_ ? text("item", to_string(id)) : *this; }
LogEvent& LogEvent::error(const Error& e) {
  text("error", e.info->name).text("rule", e.info->text).number("at", e.at);
  return e.os == 0 ? *this : os_error(e.os);
}

LogEvent& LogEvent::os_error(int os) {
  const char* name = ::strerrorname_np(os);
  const char* words = ::strerrordesc_np(os);
  return text("errno", name != nullptr ? name : "?").text("errno_text", words != nullptr ? words : "");
}

LogEvent& LogEvent::text(std::string_view key, std::string_view value) {
  if (!wanted_) return *this;
  line_.append(",\"").append(key).append("\":\"");
  append_escaped(line_, value);
  line_.push_back('"');
  return *this;
}

LogEvent& LogEvent::number(std::string_view key, std::int64_t value) {
  if (!wanted_) return *this;
  const fmt::format_int digits(value);
  line_.append(",\"").append(key).append("\":").append(digits.data(), digits.size());
  return *this;
}

LogEvent& LogEvent::person(std::string_view key, std::string_view value) {
  if (!wanted_ || settings().persons == LogPersons::clear) return text(key, value);
  // Joins lines about one person, and gives the number away to nobody who has only the log.
  return text(key, fmt::format("#{:016x}", siphash(settings().key, bytes_of(value))));
}

}  // namespace pushmail
