// Multimedia message -> mail (RFC 4356 §2.1.1).
//
// Came from: codec/mm7 DeliverReq or codec/mms Pdu, with the addresses that the route gave. Goes to: the SMTP client's DATA. The texts of
// the slides, in their order, are the mail's text; every other part is an attachment with its bytes untouched; SMIL stays behind.
#include <algorithm>
#include <array>

#include "codec/convert/convert.h"
#include "codec/convert/errors.h"
#include "codec/convert/mm_header.h"
#include "codec/convert/names.h"
#include "codec/convert/slide_order.h"
#include "codec/convert/text.h"
#include "codec/mime/compose.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t line_columns_max = 78;
constexpr std::size_t previous_sendings_max = 50;

/// A message id as it may stand in <>: printable ASCII without blanks and brackets. One that has other letters (RFC 6532) would make
/// the whole mail need SMTPUTF8, and half of it would name nothing: then it is empty.
std::string clean_id(std::string_view id) {
  if (!is_ascii(id)) return {};
  std::string out(id);
  std::erase_if(out, [](char c) { return c <= 0x20 || c == 0x7F || c == '<' || c == '>'; });
  return out;
}

/// `name: <a> <b>`, folded between ids.
void write_ids(Bytes& out, std::string_view name, std::span<const std::string> ids) {
  std::size_t column = name.size() + 1;
  bool first = true;
  for (const std::string& id : ids) {
    const std::string word = clean_id(id);
    if (word.empty()) continue;
    constexpr std::size_t brackets_size = 2;
    if (first) {
      append(out, name);
      append(out, ":");
    } else if (column + 1 + word.size() + brackets_size > line_columns_max) {
      append(out, "\r\n");
      column = 0;
    }
    append_all(out, " <", word, ">");
    column += 1 + word.size() + brackets_size;
    first = false;
  }
  if (!first) append(out, "\r\n");
}

/// LF and CR become CRLF: the canonical form of text (RFC 2045 §6.6). Lines are copied whole.
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n') continue;
    out += text.substr(line, at - line);
    out += "\r\n";
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    line = at + 1;
  }
  out += text.substr(line);
  return out;
}

void write_text_body(Bytes& out, std::string_view text) {
  append(out, "Content-Type: text/plain; charset=utf-8\r\n");
  const std::string canonical = with_crlf(text);
  const auto wide = static_cast<std::size_t>(std::ranges::count_if(canonical, is_above_ascii));
  // base64 is shorter when more than about a sixth of the bytes would be `=XX`.
  mime::write_body(out, bytes_of(canonical), wide * 6 > canonical.size() ? mime::BodyForm::base64 : mime::BodyForm::quoted_printable);
}

/// A media type as it may stand in a header; what is none is called application/octet-stream.
std::string_view clean_media_type(std::string_view type) {
  const bool good = std::count(type.begin(), type.end(), '/') == 1 && !type.starts_with('/') && !type.ends_with('/') &&
                    std::all_of(type.begin(), type.end(), [](char c) {
                      return c > 32 && c < 127 && std::string_view("()<>@,;:\\\"[]?=").find(c) == std::string_view::npos;
                    });
  return good && !ascii_starts_with_nocase(type, "multipart/") && !ascii_starts_with_nocase(type, "message/") ? type
                                                                                                              : "application/octet-stream";
}

void write_attachment(Bytes& out, const MultimediaPart& part, SafeNames& names, Arena& arena) {
  const std::string_view media_type = clean_media_type(part.media_type);
  std::string_view name = with_extension(display_name(part.name.empty() ? part.content_location : part.name, arena), media_type, arena);
  if (name.empty()) name = names.make({}, "part", media_type);
  append(out, "Content-Type: ");
  append(out, media_type);
  // RFC 4356 §2.1.3: UTF-16 has no place in mail, and phones label plain text wrongly. Other texts keep their bytes: what they are in may
  // stand in them.
  const bool is_wide = media_type.starts_with("text/") && (part.charset.starts_with("utf-16") || part.charset == "iso-10646-ucs-2");
  const bool becomes_utf8 = is_wide || media_type == "text/plain";
  const std::string utf8 = becomes_utf8 ? part_text(part) : std::string();
  if (becomes_utf8 || (!part.charset.empty() && media_type.starts_with("text/")))
    mime::write_parameter(out, "charset", becomes_utf8 ? std::string_view("utf-8") : part.charset);
  mime::write_parameter(out, "name", name);
  append(out, "\r\nContent-Disposition: ");
  const bool is_shown = media_type.starts_with("image/") || media_type.starts_with("text/");
  append(out, is_shown ? "inline" : "attachment");
  mime::write_parameter(out, "filename", name);
  append(out, "\r\n");
  if (const std::string id = clean_id(part.content_id); !id.empty()) append_all(out, "Content-ID: <", id, ">\r\n");
  mime::write_body(out, becomes_utf8 ? bytes_of(utf8) : part.data, mime::BodyForm::base64);
}

/// The texts of all slides, an empty line between them. A phone that writes pages is read as plain text: what it writes is a few words.
std::string text_of_slides(const MultimediaMessage& mm, const SlideOrder& order) {
  std::string text;
  for (const std::size_t index : order.texts) {
    const MultimediaPart& part = mm.parts[index];
    const std::string piece = part.media_type == "text/html" ? html_to_text(part_text(part)) : part_text(part);
    if (!text.empty()) {
      while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
      text += "\n\n";
    }
    text += piece;
  }
  return text;
}

/// Who sent it, to whom and when: of the last sending.
struct Sending {
  mime::Mailbox from;
  std::vector<mime::Mailbox> to, cc;
  std::string date;
};

Sending last_sending(const MmHeader& header, const MmToMailOptions& options) {
  // A clock that is ahead would date the mail after its own trace.
  const Timestamp date = header.date && *header.date <= options.date ? *header.date : options.date;
  Sending last{.from = options.from, .to = options.to, .cc = options.cc, .date = format_rfc5322(date)};
  if (last.from.local_part.empty()) last.from = mailbox_of(header.sender, options.our_domain);
  const bool is_routed = !last.to.empty() || !last.cc.empty();
  for (const mm7::Recipient& recipient : header.recipients) {
    mime::Mailbox mailbox = mailbox_of(recipient.address, options.our_domain);
    if (mailbox.local_part.empty()) continue;
    if (is_routed) {
      // Who gets it is known, and the phone said where each of them is to be seen; so are those whom somebody else serves (displayOnly).
      const bool is_written = recipient.address.kind == mm7::AddressKind::rfc2822;
      const auto routed = std::ranges::find_if(
          last.to, [&](const mime::Mailbox& one) { return is_written && ascii_equal_nocase(one.address(), mailbox.address()); });
      // Who stands in To as well is seen there.
      const auto is_in_to = [&](const mm7::Recipient& one) {
        return one.field == mm7::RecipientField::to && ascii_equal_nocase(one.address.value, recipient.address.value);
      };
      if (routed != last.to.end() && std::ranges::none_of(header.recipients, is_in_to)) {
        mailbox = std::move(*routed);
        last.to.erase(routed);
      } else if (!is_written || !recipient.address.display_only) {
        continue;
      }
    }
    if (recipient.field == mm7::RecipientField::bcc) continue;
    (recipient.field == mm7::RecipientField::to ? last.to : last.cc).push_back(std::move(mailbox));
  }
  return last;
}

/// One earlier sending: entry n of Previously-Sent-By and Previously-Sent-Date-and-Time.
struct Earlier {
  std::uint32_t sequence = 0;
  mm7::Address sender;
  std::optional<Timestamp> date;
};
/// In the order of time, that is by number. A date without a sender is passed over, and so is what is more than any message was ever sent.
std::vector<Earlier> earlier_sendings(const MmHeader& header) {
  std::vector<Earlier> out;
  for (const mm7::PreviousSender& sender :
       std::span(header.previous_senders).first(std::min(header.previous_senders.size(), previous_sendings_max))) {
    const auto date = std::find_if(header.previous_dates.begin(), header.previous_dates.end(),
                                   [&](const mm7::PreviousDate& d) { return d.sequence == sender.sequence; });
    out.push_back({.sequence = sender.sequence,
                   .sender = sender.address,
                   .date = date == header.previous_dates.end() ? std::optional<Timestamp>() : date->at});
  }
  std::stable_sort(out.begin(), out.end(), [](const Earlier& a, const Earlier& b) { return a.sequence < b.sequence; });
  return out;
}

void write_mailboxes(Bytes& out, const std::string& prefix, std::string_view name, std::span<const mime::Mailbox> mailboxes) {
  if (!mailboxes.empty()) mime::write_mailboxes_field(out, prefix + std::string(name), mailboxes);
}

/// RFC 4356 §2.1.1: the last sending is the topmost Resent block, what was sent first is the mail's own From and Date, and what lies
/// between are blocks in between. Nobody knows to whom those went.
void write_resent_blocks(Bytes& out, const Sending& last, std::span<const Earlier> earlier, const MmToMailOptions& options) {
  const std::string prefix = "Resent-";
  append_all(out, "Resent-Date: ", last.date, "\r\n");
  write_mailboxes(out, prefix, "From", std::span(&last.from, 1));
  write_mailboxes(out, prefix, "To", last.to);
  write_mailboxes(out, prefix, "Cc", last.cc);
  if (last.to.empty() && last.cc.empty()) append(out, "Resent-To: undisclosed-recipients:;\r\n");
  write_ids(out, "Resent-Message-ID", std::span(&options.message_id, 1));
  for (std::size_t i = earlier.size() - 1; i > 0; --i) {
    const mime::Mailbox sender = mailbox_of(earlier[i].sender, options.our_domain);
    if (sender.local_part.empty()) continue;
    append_all(out, "Resent-Date: ", format_rfc5322(earlier[i].date.value_or(options.date)), "\r\n");
    write_mailboxes(out, prefix, "From", std::span(&sender, 1));
    append(out, "Resent-To: unrecoverable-recipients:;\r\n");
  }
  const mime::Mailbox first = mailbox_of(earlier.front().sender, options.our_domain);
  append_all(out, "Date: ", format_rfc5322(earlier.front().date.value_or(options.date)), "\r\n");
  mime::write_mailboxes_field(out, "From", std::span(&first, 1));
  append(out, "To: unrecoverable-recipients:;\r\n");
}

void write_addresses(Bytes& out, const MmHeader& header, const MmToMailOptions& options, const Sending& last) {
  const std::vector<Earlier> earlier = earlier_sendings(header);
  if (!earlier.empty()) {
    const mime::Mailbox first = mailbox_of(earlier.front().sender, options.our_domain);
    // Somebody else's From would be refused wherever its domain says who may write it (RFC 7489): then the history is told in the words of
    // MM4, and the mail is that of its last sender.
    if (!first.local_part.empty() && first.domain == options.our_domain) return write_resent_blocks(out, last, earlier, options);
    for (const Earlier& sending : earlier) {
      const mime::Mailbox sender = mailbox_of(sending.sender, options.our_domain);
      const std::string number = std::to_string(sending.sequence) + ", ";
      if (!sender.local_part.empty()) mime::write_text_field(out, "X-Mms-Previously-Sent-By", number + sender.address());
      if (sending.date) mime::write_text_field(out, "X-Mms-Previously-Sent-Date-And-Time", number + format_rfc5322(*sending.date));
    }
  }
  append_all(out, "Date: ", last.date, "\r\n");
  mime::write_mailboxes_field(out, "From", std::span(&last.from, 1));
  write_mailboxes(out, {}, "To", last.to);
  write_mailboxes(out, {}, "Cc", last.cc);
  if (last.to.empty() && last.cc.empty()) append(out, "To: undisclosed-recipients:;\r\n");
}

void write_header(Bytes& out, const MmHeader& header, const MmToMailOptions& options, const Sending& last) {
  // RFC 4356 §2.1.1: a trace field of the gateway.
  mime::write_text_field(
      out, "Received",
      "from mms by " + options.our_domain + " with MMS id " + clean_id(options.trace) + "; " + format_rfc5322(options.date));
  write_addresses(out, header, options, last);
  const std::string& subject = options.subject.empty() ? header.subject : options.subject;
  if (!subject.empty()) mime::write_text_field(out, "Subject", subject);
  write_ids(out, "Message-ID", std::span(&options.message_id, 1));
  write_ids(out, "In-Reply-To", std::span(&options.in_reply_to, 1));
  write_ids(out, "References", options.references);
  // Normal is not written.
  if (ascii_equal_nocase(header.priority, "high")) append(out, "Importance: High\r\n");
  if (ascii_equal_nocase(header.priority, "low")) append(out, "Importance: Low\r\n");
  if (is_automatic(header)) append(out, "Auto-Submitted: auto-generated\r\n");  // RFC 3834 §5
  if (is_bulk(header)) append(out, "Precedence: bulk\r\n");
  if (header.read_report) mime::write_mailboxes_field(out, "Disposition-Notification-To", std::span(&last.from, 1));
  // The MMSC's own name of the message, for whoever looks for it there.
  if (const std::string id = clean_id(header.message_id); !id.empty()) append_all(out, "X-Mms-Message-ID: \"", id, "\"\r\n");
  if (!options.trace.empty()) mime::write_text_field(out, "Pushmail-Trace", options.trace);
  append(out, "MIME-Version: 1.0\r\n");
}

/// An address without what people put behind it (a comma, a colon, a full stop) and around it (brackets, quotation marks).
std::string_view without_decoration(std::string_view word) {
  struct Pair {
    std::string_view open, close;
  };
  constexpr std::string_view behind = ",:;.!";
  constexpr auto around =
      std::to_array<Pair>({{"<", ">"}, {"(", ")"}, {"[", "]"}, {"\"", "\""}, {"'", "'"}, {"“", "”"}, {"„", "“"}, {"«", "»"}});
  const auto is_around = [&word](const Pair& pair) {
    return word.size() > pair.open.size() + pair.close.size() && word.starts_with(pair.open) && word.ends_with(pair.close);
  };
  while (true) {
    while (!word.empty() && behind.contains(word.back())) word.remove_suffix(1);
    const auto* const pair = std::ranges::find_if(around, is_around);
    if (pair == around.end()) return word;
    word = word.substr(pair->open.size(), word.size() - pair->open.size() - pair->close.size());
  }
}

}  // namespace

Result<Bytes> mm_to_mail(const mm7::DeliverReq& request, const MmToMailOptions& options) {
  return mm_to_mail(header_of(request), request.content, options);
}

Result<Bytes> mm_to_mail(const MmHeader& header, const MultimediaMessage& mm, const MmToMailOptions& options) {
  if (const auto possible = check_can_be_mail(header); !possible) return std::unexpected(possible.error());
  const Sending last = last_sending(header, options);
  if (last.from.local_part.empty()) return fail(convert_no_sender);
  const SlideOrder order = slide_order(mm);
  std::string text = text_of_slides(mm, order);
  if (options.drop_first_line) {
    text = with_plain_first_word(text);
    const std::size_t begin = first_line_with_text(text);
    const std::string_view rest = std::string_view(text).substr(begin);
    text.erase(0, begin + (options.drop_address_only ? second_word(rest) : second_line(rest)));
  }
  std::vector<const MultimediaPart*> attachments;
  std::size_t total = text.size();
  for (const std::size_t part : order.attachments) {
    attachments.push_back(&mm.parts[part]);
    total += mm.parts[part].data.size();
  }

  Bytes out;
  out.reserve(4096 + total + total / 2);
  write_header(out, header, options, last);
  if (attachments.empty()) {
    write_text_body(out, text);
    if (!text_of(out).ends_with("\r\n")) append(out, "\r\n");
    return out;
  }

  // A boundary can occur only where bytes are not encoded, and nothing here goes out like that; the text is asked all the same.
  const ByteView bodies[] = {bytes_of(text)};
  const std::string boundary = mime::make_boundary(options.message_id, bodies, mime::Written::encoded);
  append(out, "Content-Type: multipart/mixed");
  mime::write_parameter(out, "boundary", boundary);
  append(out, "\r\n\r\n");
  const auto delimiter = [&](std::string_view end) {
    // A delimiter starts a line, and the line end before it belongs to it.
    append_all(out, "\r\n--", boundary, end);
  };
  if (!text.empty()) {
    delimiter("\r\n");
    write_text_body(out, text);
  }
  Arena arena;
  SafeNames names(arena);
  for (const MultimediaPart* part : attachments) {
    delimiter("\r\n");
    write_attachment(out, *part, names, arena);
  }
  delimiter("--\r\n");
  return out;
}

std::string first_text_line(const MultimediaMessage& mm) {
  const std::string text = with_plain_first_word(text_of_slides(mm, slide_order(mm)));
  const std::string_view rest = std::string_view(text).substr(first_line_with_text(text));
  const std::string line = readable(rest.substr(0, second_line(rest)));
  return std::string(ascii_trim(line));
}

std::optional<NewMailLine> parse_new_mail_line(std::string_view text) {
  const std::string plain_text = with_plain_first_word(text);
  std::string_view line = ascii_trim(plain_text);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  std::string_view word = line.substr(0, end);
  if (ascii_starts_with_nocase(word, "mailto:")) word.remove_prefix(7);
  std::string plain(without_decoration(word));
  constexpr std::string_view wide_at = "＠";  // of Japanese and Chinese keyboards
  if (const std::size_t at = plain.find(wide_at); at != std::string::npos) plain.replace(at, wide_at.size(), "@");
  auto address = mime::parse_address(plain);
  // `hello@home` is no address that anybody outside could have.
  if (!address || address->domain.find('.') == std::string::npos || address->domain.starts_with('[')) return std::nullopt;
  return NewMailLine{.to = std::move(*address), .subject = std::string(ascii_trim(line.substr(end)))};
}

}  // namespace pushmail::convert
