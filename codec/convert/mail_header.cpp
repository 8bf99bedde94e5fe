// Came from: mail_to_mm.cpp, with the outermost header of a mail. X-Mms-* fields of a mail are nobody's word and are not read.
#include "codec/convert/mail_header.h"

#include <algorithm>

#include "codec/convert/text.h"
#include "codec/mime/date.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t other_people_max = 6;        // named one by one
constexpr std::size_t other_person_size_max = 64;  // bytes of each
constexpr std::size_t name_size_max = 200;

/// RFC 4356 table 6: Importance wins over X-Priority.
std::string_view priority_of(const mime::Part& header, Arena& arena) {
  const std::string_view importance = mime::decode_header(header.field("Importance"), arena);
  if (ascii_equal_nocase(importance, "high")) return "High";
  if (ascii_equal_nocase(importance, "low")) return "Low";
  if (!importance.empty()) return {};
  const std::string_view x_priority = ascii_trim(header.field("X-Priority"));
  if (x_priority.starts_with('1') || x_priority.starts_with('2')) return "High";
  if (x_priority.starts_with('4') || x_priority.starts_with('5')) return "Low";
  return {};
}

/// A machine wrote it: null return path, or RFC 3834 §5.
bool is_automatic(const mime::Part& header, Arena& arena) {
  const std::string_view return_path = header.field("Return-Path");
  if (!return_path.empty() && ascii_trim(return_path) == "<>") return true;
  const std::string_view word = mime::decode_header(header.field("Auto-Submitted"), arena);
  return !word.empty() && !ascii_starts_with_nocase(word, "no");
}

std::string_view bare_message_id(std::string_view value, Arena& arena) {
  const std::size_t open = value.find('<');
  if (open != std::string_view::npos) {
    value = value.substr(open + 1);
    value = value.substr(0, value.find('>'));
  }
  const std::string_view id = mime::decode_header(value, arena);
  if (id.find_first_of(" <>") == std::string_view::npos) return id;
  ArenaText out(arena);
  for (const char c : id) {
    if (c != ' ' && c != '<' && c != '>') out += c;
  }
  return out.take_view();
}

/// RFC 5322 §3.6.4: the last of References is the parent; some mailers write In-Reply-To alone.
std::string_view answered_id(const mime::Part& header, Arena& arena) {
  std::string_view value = header.field("In-Reply-To");
  if (value.find('<') == std::string_view::npos) {
    value = header.field("References");
    const std::size_t last = value.rfind('<');
    value = last == std::string_view::npos ? std::string_view{} : value.substr(last);
  }
  return value.empty() ? value : bare_message_id(value, arena);
}

/// The fields of one resending, still folded (RFC 5322 §3.6.6).
struct ResentBlock {
  std::string_view from, to, cc, date, message_id;
};

/// Topmost, that is newest, first. A field that a block has already, and any other field, ends it.
std::span<const ResentBlock> resent_blocks(const mime::Part& header, Arena& arena) {
  static constexpr std::pair<std::string_view, std::string_view ResentBlock::*> members[] = {{"from", &ResentBlock::from},
                                                                                             {"to", &ResentBlock::to},
                                                                                             {"cc", &ResentBlock::cc},
                                                                                             {"date", &ResentBlock::date},
                                                                                             {"message-id", &ResentBlock::message_id}};
  ArenaList<ResentBlock> blocks(arena);
  bool in_block = false;
  for (const mime::Field& field : header.fields) {
    if (!ascii_starts_with_nocase(field.name, "resent-")) {
      in_block = false;
      continue;
    }
    const std::string_view which = field.name.substr(7);
    for (const auto& [name, member] : members) {
      if (!ascii_equal_nocase(which, name)) continue;
      if (!in_block || !(blocks.back().*member).empty()) blocks.push_back({});
      in_block = true;
      blocks[blocks.size() - 1].*member = field.value;
    }
  }
  return blocks.take();
}

mime::MailboxView first_mailbox(std::string_view value, Arena& arena) {
  const auto mailboxes = mime::parse_mailboxes(value, arena);
  const auto with_domain = std::find_if(mailboxes.begin(), mailboxes.end(), [](const mime::MailboxView& m) { return !m.domain.empty(); });
  if (with_domain != mailboxes.end()) return *with_domain;
  return mailboxes.empty() ? mime::MailboxView{} : mailboxes.front();
}

/// RFC 4356 §2.1.2, resent mail: the original is entry 0, older blocks follow in the order of time, and the topmost block is the sender,
/// the recipients and the date of the MM.
void read_resendings(const mime::Part& header, MailToMm& into, Arena& arena) {
  const std::span<const ResentBlock> blocks = resent_blocks(header, arena);
  if (blocks.empty()) return;
  ArenaList<PreviousSending> previous(arena);
  previous.reserve(blocks.size());
  previous.push_back({.sender = into.sender, .date = into.date});
  for (std::size_t i = blocks.size() - 1; i > 0; --i) {
    previous.push_back({.sender = first_mailbox(blocks[i].from, arena), .date = mime::parse_date(blocks[i].date)});
  }
  into.previous = previous.take();
  const ResentBlock& top = blocks.front();
  if (!top.from.empty()) into.sender = first_mailbox(top.from, arena);
  into.date = mime::parse_date(top.date);
  into.to = mime::parse_mailboxes(top.to, arena);
  into.cc = mime::parse_mailboxes(top.cc, arena);
  if (!top.message_id.empty()) into.message_id = bare_message_id(top.message_id, arena);
}

bool is_at(const mime::MailboxView& mailbox, std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return mailbox.domain.empty() && mailbox.local_part == address;
  // People write local parts with capitals that nobody tells apart.
  return ascii_equal_nocase(mailbox.local_part, address.substr(0, at)) && ascii_equal_nocase(mailbox.domain, address.substr(at + 1));
}

}  // namespace

std::string_view mailbox_words(const mime::MailboxView& mailbox, Arena& arena) {
  ArenaText out(arena);
  const std::string_view name = readable(mailbox.display_name, arena);
  out += mailbox.local_part;
  if (!mailbox.domain.empty()) {
    out += '@';
    out += mailbox.domain;
  }
  const std::string_view address = out.take_view();
  // Machines often write their address in both places.
  if (name.empty() || name == address) return address;
  ArenaText words(arena);
  words += name;
  words += " <";
  words += address;
  words += '>';
  return words.take_view();
}

const mime::MailboxView* author_of(const mime::Part& header, Arena& arena, std::string_view raw_charset) {
  for (const std::string_view field : {"From", "Sender", "Reply-To"}) {
    const auto mailboxes = mime::parse_mailboxes(header.field(field), arena, raw_charset);
    const auto with_domain = std::find_if(mailboxes.begin(), mailboxes.end(), [](const mime::MailboxView& m) { return !m.domain.empty(); });
    if (with_domain != mailboxes.end()) return &*with_domain;
    if (!mailboxes.empty()) return &mailboxes.front();
  }
  return nullptr;
}

std::string_view name_without_address(const mime::Part& header, Arena& arena, std::string_view raw_charset) {
  std::string_view name = mime::decode_header(header.field("From"), arena, raw_charset);
  name = ascii_trim(name.substr(0, name.find('<')));
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = ascii_trim(name.substr(1, name.size() - 2));
  return readable(cut(name, name_size_max), arena);
}

std::string short_subject(std::string_view utf8, std::size_t length_max) {
  constexpr std::string_view mark = "...";
  const std::size_t length = code_point_count(utf8);
  if (length_max == 0 || length <= length_max) return std::string(utf8);
  const std::size_t kept_max = length_max - std::min(length_max, mark.size());
  std::size_t size = 0;
  for (std::size_t count = 0; size < utf8.size(); ++size) {
    if (!is_continuation(utf8[size]) && count++ == kept_max) break;
  }
  std::string_view kept = cut(utf8, size);
  // Behind a word, unless that costs half of it.
  if (utf8[kept.size()] != ' ') {
    if (const std::size_t blank = kept.rfind(' '); blank != std::string_view::npos && blank > kept.size() / 2) kept = kept.substr(0, blank);
  }
  return std::string(ascii_trim(kept)) + std::string(mark.substr(0, length_max));
}

std::string_view other_people(const MailToMm& mail, std::span<const std::string_view> own_addresses, Arena& arena) {
  const auto is_own = [&](const mime::MailboxView& m) {
    return std::any_of(own_addresses.begin(), own_addresses.end(), [&](std::string_view own) { return is_at(m, own); });
  };
  if (own_addresses.empty() && mail.to.size() + mail.cc.size() <= 1) return {};
  ArenaText line(arena);
  std::size_t count = 0;
  const auto add = [&](std::string_view label, std::span<const mime::MailboxView> mailboxes) {
    bool labelled = false;
    for (const mime::MailboxView& mailbox : mailboxes) {
      if (is_own(mailbox) || ++count > other_people_max) continue;
      line += labelled ? std::string_view(", ") : line.empty() ? std::string_view{} : std::string_view("; ");
      if (!labelled) line += label;
      labelled = true;
      const std::string_view words = mailbox_words(mailbox, arena);
      line += cut(words, other_person_size_max);
      if (words.size() > other_person_size_max) line += "...";
    }
  };
  add("To: ", mail.to);
  add("Cc: ", mail.cc);
  if (count > other_people_max) {
    line += " and ";
    append_number(line, count - other_people_max);
    line += " more";
  }
  return line.take_view();
}

void read_mail_header(mime::Message& mail, MailToMm& into) {
  const mime::Part& header = mail.parts.front();
  Arena& arena = mail.arena;
  into.mm.subject = mime::decode_header(header.field("Subject"), arena, mail.raw_charset);
  into.priority = priority_of(header, arena);
  into.automatic = is_automatic(header, arena);
  into.message_id = bare_message_id(header.field("Message-ID"), arena);
  into.answers = answered_id(header, arena);
  into.date = mime::parse_date(header.field("Date"));
  into.to = mime::parse_mailboxes(header.field("To"), arena, mail.raw_charset);
  into.cc = mime::parse_mailboxes(header.field("Cc"), arena, mail.raw_charset);
  into.read_report_to = mime::parse_mailboxes(header.field("Disposition-Notification-To"), arena);
  // RFC 4356 asks not to pass Sensitivity on; a subscriber's own mail is delivered and says so.
  const std::string_view sensitivity = mime::decode_header(header.field("Sensitivity"), arena);
  into.sensitivity = ascii_equal_nocase(sensitivity, "normal") ? std::string_view{} : sensitivity;
  if (const mime::MailboxView* author = author_of(header, arena, mail.raw_charset); author != nullptr) {
    into.sender = *author;
    into.from_display = mailbox_words(*author, arena);
  } else {
    into.from_display = name_without_address(header, arena, mail.raw_charset);
  }
  read_resendings(header, into, arena);
}

}  // namespace pushmail::convert
