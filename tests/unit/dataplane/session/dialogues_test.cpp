// The dialogues of tests/dialogues/{http,smtp}, as people read them, held against our servers over an in-memory stream.
//
//   # why                                  C> what the client writes, CRLF behind it; with \ at its end nothing, with \n LF alone
//   S> what the server writes, exactly     S> ...   whatever it writes before the next line of the dialogue
//   wait 61s                               S: end   the server has ended its side        S: nothing   it writes nothing yet
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "dataplane/session/smtp_server.h"
#include "tests/unit/dataplane/session/fake_stream.h"
#include "tests/unit/dataplane/session/mm7_server.h"

namespace pushmail {
namespace {

using test::FakeNetwork;
using test::FakePeer;
using test::ManualClock;

const std::filesystem::path folder = std::filesystem::path(PUSHMAIL_SOURCE_DIR) / "tests/dialogues";

std::vector<std::string> dialogues() {
  std::vector<std::string> found;
  for (const char* protocol : {"http", "smtp"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / protocol))
      found.push_back(entry.path().lexically_relative(folder).string());
  }
  std::ranges::sort(found);
  return found;
}

/// Numbers that begin with 1555 are bound; every mail and every request is kept.
struct Keeper final : MailSink, Mm7Sink {
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override {
    const bool is_bound = recipient.address.contains("1555");
    smtp->answer_recipient(ticket, is_bound ? SmtpReply{.code = 250, .enhanced = "2.1.5", .text = "ok"}
                                            : SmtpReply{.code = 550, .enhanced = "5.1.1", .text = "nobody is bound to it"});
  }
  void on_mail(Ticket ticket, MailInbound) override { smtp->answer_mail(ticket, {.code = 250, .enhanced = "2.0.0", .text = "kept"}); }
  void on_mm7(Ticket ticket, Mm7Inbound) override { mm7->answer(ticket, {.code = 1000, .text = "Success", .details = {}}); }
  SmtpServer* smtp = nullptr;
  test::Mm7Server* mm7 = nullptr;
};

test::Mm7ServerSettings one_mmsc() {
  test::Mm7ServerSettings settings;
  settings.peers.push_back({.name = "mmsc",
                            .allow = {*parse_network("192.0.2.0/24")},
                            .credentials = {.user = "mmsc", .password = "secret"},
                            .service_code = {}});
  return settings;
}

class Dialogue : public testing::TestWithParam<std::string> {
 protected:
  Dialogue() {
    keeper_.smtp = &smtp_;
    keeper_.mm7 = &mm7_;
    EXPECT_TRUE(network_.listen(smtp_at_, smtp_).has_value());
    EXPECT_TRUE(network_.listen(http_at_, mm7_.http()).has_value());
  }
  ~Dialogue() override {
    if (peer_.stream != nullptr) peer_.stream->abort();
    settle();
  }
  void settle() {
    test::settle(network_, clock_.now(), [&] {
      smtp_.tick(clock_.now());
      mm7_.http().tick(clock_.now());
    });
  }
  void pass(Duration time) {
    for (std::int64_t passed = 0; passed < time.ns; passed += seconds(1).ns) {
      clock_.advance(seconds(1));
      settle();
    }
  }
  /// The next line of what the server wrote; nothing when there is none.
  std::optional<std::string> take_line() {
    const std::size_t end = peer_.heard.find("\r\n");
    if (end == std::string::npos) return std::nullopt;
    std::string line = peer_.heard.substr(0, end);
    peer_.heard.erase(0, end + 2);
    return line;
  }
  void say(std::string_view line) {
    if (line.ends_with("\\n")) return peer_.say(std::string(line.substr(0, line.size() - 2)) + "\n");
    if (line.ends_with('\\')) return peer_.say(line.substr(0, line.size() - 1));
    peer_.say(std::string(line) + "\r\n");
  }
  void expect(std::string_view line) {
    if (line == "...") {
      is_loose_ = true;
      return;
    }
    std::optional<std::string> heard = take_line();
    while (is_loose_ && heard && *heard != line) heard = take_line();
    is_loose_ = false;
    EXPECT_EQ(heard.value_or("nothing; left: " + peer_.heard), line);
  }

  ManualClock clock_;
  Keeper keeper_;
  FakeNetwork network_;
  SmtpServer smtp_{{.domain = "mms.example", .size_max = 10'000, .connections = {}}, keeper_, clock_};
  test::Mm7Server mm7_{one_mmsc(), keeper_, clock_};
  Endpoint smtp_at_ = *parse_endpoint("198.51.100.1:25"), http_at_ = *parse_endpoint("198.51.100.1:8080");
  FakePeer peer_;
  bool is_loose_ = false;
};

TEST_P(Dialogue, IsHeldAsItIsWritten) {
  peer_.stream = *network_.connect(GetParam().starts_with("smtp") ? smtp_at_ : http_at_, peer_);
  settle();
  std::ifstream file(folder / GetParam());
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    SCOPED_TRACE(GetParam() + ":" + std::to_string(number) + ": " + line);
    const std::string_view text = line;
    if (text.starts_with("C>")) {
      if (std::exchange(is_loose_, false)) peer_.heard.clear();
      say(text.substr(std::min<std::size_t>(3, text.size())));
      settle();
    } else if (text.starts_with("S>")) {
      expect(text.substr(std::min<std::size_t>(3, text.size())));
    } else if (text == "S: end") {
      EXPECT_EQ(peer_.heard, "");
      EXPECT_TRUE(peer_.ended || peer_.closed);
    } else if (text == "S: nothing") {
      EXPECT_EQ(peer_.heard, "");
      EXPECT_FALSE(peer_.ended);
    } else if (text.starts_with("wait ") && text.ends_with('s')) {
      pass(seconds(parse_number<std::int64_t>(text.substr(5, text.size() - 6)).value()));
    } else {
      EXPECT_TRUE(text.empty() || text.starts_with('#')) << "no line of a dialogue";
    }
    if (HasFailure()) return;
  }
  if (!is_loose_) {
    EXPECT_EQ(peer_.heard, "") << "nobody expected it";
  }
}
INSTANTIATE_TEST_SUITE_P(Files, Dialogue, testing::ValuesIn(dialogues()), [](const auto& file) {
  std::string name = file.param;
  std::ranges::replace_if(name, [](char c) { return !is_alphanumeric(c); }, '_');
  return name;
});

}  // namespace
}  // namespace pushmail
