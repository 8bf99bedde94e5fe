// The mail server of perf/run controlplane: IMAP4rev1 with IDLE (RFC 3501, RFC 2177), many mailboxes of one mail after the other.
//
// A mailbox is a counter: mail n has UID n, and all have one text. Strict: what is out of turn, or no command of ours, is answered BAD and
// counted.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "perf/dataplane/samples.h"
#include "perf/dataplane/sockets.h"

namespace pushmail::perf {

/// Who has a mailbox: asked by SMS, or sent the mail at once.
enum class Kind : std::uint8_t { ask, push };

struct Mailbox {
  Kind kind = Kind::ask;
  std::string user{};
  std::string msisdn{};
  std::uint32_t mails = 0;
  std::uint32_t told = 0;  // mails, as the session knows them
  int session = -1;        // the connection that has it selected
  bool idles = false;
  bool busy = false;                 // its last mail is under way
  Instant since{};                   // since when
  std::vector<std::string> codes{};  // announced, not answered yet

  /// News leave at once where the session waits for them.
  void tell(Loop& loop) {
    if (!idles || told == mails) return;
    told = mails;
    loop.answer(session, fmt::format("* {} EXISTS\r\n", mails));
  }
};

/// The text that all mails have, by what is asked of it.
struct MailText {
  explicit MailText(std::size_t size) : whole(mail(size)), header(whole.substr(0, whole.find("\r\n\r\n") + 4)) {}
  std::string whole;
  std::string header;
};

class ImapSession final : public Connection {
 public:
  struct Server {
    std::vector<Mailbox>& mailboxes;
    const MailText& text;
    std::uint64_t& refused;
    std::function<void(Mailbox&)> seen;  // a mail was marked \Seen
  };
  ImapSession(Server server, int fd) : Connection(fd), server_(std::move(server)) { write("* OK ready\r\n"); }

  void on_input(std::string& in) override {
    for (std::string line = take_line(in); !line.empty(); line = take_line(in)) take(std::string_view(line).substr(0, line.size() - 2));
  }
  void on_end() override {
    if (box_ == nullptr || box_->session != fd()) return;
    box_->session = -1;
    box_->idles = false;
  }

 private:
  static std::string_view word(std::string_view& rest) {
    const std::string_view found = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), found.size() + 1));
    return found;
  }
  static std::string_view unquoted(std::string_view text) {
    return text.size() >= 2 && text.front() == '"' ? text.substr(1, text.size() - 2) : text;
  }
  void done(std::string_view tag, std::string_view words = "OK done") { write(fmt::format("{} {}\r\n", tag, words)); }
  void refuse(std::string_view tag) {
    ++server_.refused;
    done(tag, "BAD out of turn");
  }

  void take(std::string_view line) {
    if (idle_tag_.empty()) return command(line);
    if (line != "DONE") ++server_.refused;
    box_->idles = false;
    done(idle_tag_);
    idle_tag_.clear();
  }
  void command(std::string_view line) {
    const std::string_view tag = word(line);
    std::string_view verb = word(line);
    if (verb == "CAPABILITY") {
      write("* CAPABILITY IMAP4rev1 IDLE\r\n");
      return done(tag);
    }
    if (verb == "LOGOUT") {
      write("* BYE\r\n");
      return done(tag);
    }
    if (verb == "LOGIN" && box_ == nullptr) return log_in(tag, line);
    if (box_ == nullptr) return refuse(tag);
    if (verb == "SELECT") return select(tag);
    if (box_->session != fd()) return refuse(tag);
    if (verb == "NOOP") return done(tag);
    if (verb == "IDLE") {
      idle_tag_ = tag;
      box_->idles = true;
      write("+ idling\r\n");
      if (box_->told != box_->mails) write(fmt::format("* {} EXISTS\r\n", box_->told = box_->mails));
      return;
    }
    if (verb != "UID") return refuse(tag);
    verb = word(line);
    if (verb == "SEARCH") return search(tag, line);
    const auto uids = uids_of(word(line));
    if (verb == "FETCH") return fetch(tag, uids, line);
    if (verb != "STORE" || line.find("\\Seen") == std::string_view::npos) return refuse(tag);
    done(tag);
    for (std::size_t i = 0; i < uids.size(); ++i) server_.seen(*box_);
  }
  void log_in(std::string_view tag, std::string_view line) {
    const std::string_view user = unquoted(word(line));
    for (Mailbox& box : server_.mailboxes) {
      if (box.user == user && unquoted(line) == "secret") box_ = &box;
    }
    if (box_ == nullptr) return done(tag, "NO [AUTHENTICATIONFAILED] who?");
    done(tag);
  }
  void select(std::string_view tag) {
    box_->session = fd();
    box_->told = box_->mails;
    write(fmt::format("* FLAGS (\\Seen)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT {}] x\r\n", box_->mails,
                      box_->mails + 1));
    done(tag, "OK [READ-WRITE] selected");
  }
  /// `7`, `7:9`, `7:*` and lists of them, as far as there are such mails. `*` is the last one, also when it lies below the first.
  std::vector<std::uint32_t> uids_of(std::string_view set) const {
    std::vector<std::uint32_t> uids;
    while (!set.empty()) {
      std::string_view part = set.substr(0, set.find(','));
      set.remove_prefix(std::min(set.size(), part.size() + 1));
      const std::size_t colon = part.find(':');
      std::uint32_t first = number(part.substr(0, colon));
      std::uint32_t last = colon == std::string_view::npos ? first : number(part.substr(colon + 1));
      if (first > last) std::swap(first, last);
      for (std::uint32_t uid = std::max(first, 1U); uid <= std::min(last, box_->mails); ++uid) uids.push_back(uid);
    }
    return uids;
  }
  std::uint32_t number(std::string_view text) const {
    std::uint32_t value = box_->mails;
    if (text != "*") std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  void search(std::string_view tag, std::string_view what) {
    if (what.starts_with("UID ")) what.remove_prefix(4);
    std::string found = "* SEARCH";
    for (const std::uint32_t uid : uids_of(what)) found += fmt::format(" {}", uid);
    write(found + "\r\n");
    done(tag);
  }
  void fetch(std::string_view tag, const std::vector<std::uint32_t>& uids, std::string_view what) {
    const MailText& text = server_.text;
    std::string section;
    if (what.find("HEADER.FIELDS") != std::string_view::npos) {
      section = fmt::format(" BODY[HEADER.FIELDS (FROM)]<0> {{{}}}\r\n{}", text.header.size(), text.header);
    } else if (const std::size_t body = what.find("BODY.PEEK[]<"); body != std::string_view::npos) {
      const std::string_view range = what.substr(body + 12);
      const std::size_t from = std::min<std::size_t>(number(range.substr(0, range.find('.'))), text.whole.size());
      const std::string_view piece = std::string_view(text.whole).substr(from, number(range.substr(range.find('.') + 1)));
      section = fmt::format(" BODY[]<{}> {{{}}}\r\n{}", from, piece.size(), piece);
    }
    for (const std::uint32_t uid : uids)
      write(fmt::format("* {} FETCH (UID {} RFC822.SIZE {} INTERNALDATE \"23-Nov-2026 21:54:12 +0000\"{})\r\n", uid, uid, text.whole.size(),
                        section));
    done(tag);
  }

  Server server_;
  Mailbox* box_ = nullptr;  // after LOGIN
  std::string idle_tag_;    // the server idles for it
};

}  // namespace pushmail::perf
