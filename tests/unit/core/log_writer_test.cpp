#include "core/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace pushmail {
namespace {

constexpr int patience_ms = 10'000;

/// The operator's end of the log.
class Reader {
 public:
  Reader() {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~Reader() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  [[nodiscard]] int fd() const { return ends_[1]; }
  /// What lies in the pipe, without waiting.
  const std::string& read() {
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer, sizeof buffer)) > 0;) text_.append(buffer, static_cast<std::size_t>(n));
    return text_;
  }
  /// Milliseconds until `part` was there.
  Duration wait_for(std::string_view part) {
    const Instant start = SystemClock().now();
    while (read().find(part) == std::string::npos) {
      pollfd ready{.fd = ends_[0], .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, patience_ms) <= 0) {
        ADD_FAILURE() << part << " was not written";
        break;
      }
    }
    return SystemClock().now() - start;
  }
  [[nodiscard]] std::vector<std::string> lines() {
    std::vector<std::string> lines;
    std::istringstream text(read());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  /// Until the pipe takes no more: a reader that has stopped.
  void fill() const {
    ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    const std::string page(4096, '.');
    while (::write(ends_[1], page.data(), page.size()) > 0) {
    }
    ::fcntl(ends_[1], F_SETFL, 0);
  }

 private:
  int ends_[2] = {-1, -1};
  std::string text_;
};

std::string text_of(const LogRing::Batch& batch) {
  std::string text;
  for (std::size_t i = 0; i < batch.part_count; ++i) text.append(static_cast<const char*>(batch.parts[i].iov_base), batch.parts[i].iov_len);
  return text;
}

TEST(LogRing, gives_whole_lines_in_order_round_its_end_many_times) {
  LogRing ring(128);
  std::string put, got;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = std::string(static_cast<std::size_t>(i % 37), 'x') + std::to_string(i) + "\n";
    ASSERT_TRUE(ring.put(line, 128)) << i;
    put += line;
    if (i % 2 == 1) {
      const LogRing::Batch batch = ring.peek(4096);
      EXPECT_EQ(batch.line_count, 2u);
      got += text_of(batch);
      ring.release(batch);
      EXPECT_TRUE(ring.empty());
    }
  }
  EXPECT_EQ(got, put);
}

TEST(LogRing, a_full_ring_refuses_and_gives_all_of_it) {
  LogRing ring(64);
  EXPECT_TRUE(ring.put("0123456\n", 64));
  EXPECT_FALSE(ring.put(std::string(60, 'y'), 64));
  EXPECT_TRUE(ring.put("abcdefg\n", 32));
  EXPECT_FALSE(ring.put("A\n", 40)) << "48 bytes would be used";
  EXPECT_TRUE(ring.put("A\n", 48));
  EXPECT_TRUE(ring.put("B\n", 64));
  EXPECT_FALSE(ring.put("C\n", 64));
  EXPECT_EQ(text_of(ring.peek(10)), "0123456\n") << "one line at least, and no second one over the limit";
  EXPECT_EQ(text_of(ring.peek(4096)), "0123456\nabcdefg\nA\nB\n");
}

TEST(LogRing, lines_of_one_thread_keep_their_order) {
  constexpr int threads = 4, lines = 5000;
  LogRing ring(4096);
  std::vector<std::thread> writers;
  for (int thread = 0; thread < threads; ++thread) {
    writers.emplace_back([&ring, thread] {
      for (int i = 0; i < lines; ++i) {
        while (!ring.put(std::to_string(thread) + " " + std::to_string(i) + "\n", 4096)) std::this_thread::yield();
      }
    });
  }
  std::string text;
  for (int taken = 0; taken < threads * lines;) {
    const LogRing::Batch batch = ring.peek(4096);
    if (batch.line_count == 0) std::this_thread::yield();
    text += text_of(batch);
    taken += static_cast<int>(batch.line_count);
    ring.release(batch);
  }
  for (std::thread& writer : writers) writer.join();
  std::istringstream in(text);
  std::map<int, int> next;
  for (int thread = 0, line = 0; in >> thread >> line;) ASSERT_EQ(next[thread]++, line) << "thread " << thread;
  EXPECT_EQ(next, (std::map<int, int>{{0, lines}, {1, lines}, {2, lines}, {3, lines}}));
}

TEST(LogWriter, a_line_of_an_idle_program_is_written_soon) {
  Reader reader;
  LogWriter writer({.fd = reader.fd()});
  for (const std::string event : {"first", "second", "third"}) {
    log_info(event).number("n", 1);
    EXPECT_LT(reader.wait_for(event).ms(), 100);
  }
  EXPECT_EQ(writer.dropped(), 0u);
}

TEST(LogWriter, writes_everything_at_its_end) {
  Reader reader;
  {
    LogWriter writer({.fd = reader.fd(), .gather = seconds(100)});
    for (int i = 0; i < 100; ++i) log_info("event").number("n", i);
  }
  const auto lines = reader.lines();
  ASSERT_EQ(lines.size(), 100u);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_TRUE(lines[i].ends_with("\"event\":\"event\",\"n\":" + std::to_string(i) + "}")) << lines[i];
}

TEST(LogWriter, a_flush_does_not_wait_for_the_thread) {
  Reader reader;
  LogWriter writer({.fd = reader.fd(), .gather = seconds(100)});
  log_info("before_the_end");
  log_flush();
  EXPECT_NE(reader.read().find("before_the_end"), std::string::npos);
}

// Each level may fill a larger part of the ring than the one below.
TEST(LogWriter, drops_what_matters_least_first_and_says_how_many) {
  Reader reader;
  std::uint64_t dropped = 0;
  {
    LogWriter writer({.fd = reader.fd(), .ring_size = 1024, .gather = seconds(100)});
    const auto put = [&writer](LogLevel level, std::string_view line) {
      const std::uint64_t before = writer.dropped();
      writer.put(level, line);
      return writer.dropped() == before;
    };
    // 16 bytes a line with its size.
    int taken = 0;
    while (put(LogLevel::debug, "debug..\n")) ++taken;
    EXPECT_EQ(taken, 32);
    while (put(LogLevel::info, "info...\n")) ++taken;
    EXPECT_EQ(taken, 48);
    while (put(LogLevel::warning, "warning\n")) ++taken;
    EXPECT_EQ(taken, 56);
    while (put(LogLevel::error, "error..\n")) ++taken;
    EXPECT_EQ(taken, 64);
    dropped = writer.dropped();
    EXPECT_EQ(dropped, 4u);
    EXPECT_EQ(log_lines_dropped(), 4u);
  }
  const auto lines = reader.lines();
  ASSERT_EQ(lines.size(), 65u);
  EXPECT_NE(lines.back().find("\"event\":\"log_lines_dropped\",\"count\":4,\"total\":4"), std::string::npos) << lines.back();
}

TEST(LogWriter, a_reader_that_stopped_stops_nobody) {
  Reader reader;
  reader.fill();
  {
    LogWriter writer({.fd = reader.fd(), .ring_size = 4096, .gather = milliseconds(0)});
    for (int i = 0; i < 1000; ++i) log_info("event").number("n", i);
    EXPECT_GT(writer.dropped(), 900u);
  }
}

TEST(LogWriterDeathTest, lines_before_a_failed_check_are_written) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        LogWriter writer({.gather = seconds(100)});
        log_info("the_line_before");
        PM_CHECK(writer.dropped() == 1);
      },
      "check_failed(.|\n)*the_line_before");
}

}  // namespace
}  // namespace pushmail
