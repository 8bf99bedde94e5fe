// Mail -> multimedia message (RFC 4356 §2.1.2, TS 23.140 §8.4).
//
// Came from: dataplane/relay, with a whole mail. Goes to: submission.cpp. In order: which parts are the text and which are attachments
// (sort_parts), the text, then as many attachments as the profile has room for, then the SMIL over what stayed. Text comes first always;
// an attachment's bytes are untouched or the part is left out, and the last line of the text says so. Everything that is made on the way
// lies in the arena of the parsed mail; nothing is allocated for a field, a part or a line.
#include <algorithm>

#include "codec/convert/body_text.h"
#include "codec/convert/convert.h"
#include "codec/convert/encoded_size.h"
#include "codec/convert/enriched.h"
#include "codec/convert/errors.h"
#include "codec/convert/hard_wrap.h"
#include "codec/convert/image_size.h"
#include "codec/convert/mail_header.h"
#include "codec/convert/media_types.h"
#include "codec/convert/names.h"
#include "codec/convert/reading_order.h"
#include "codec/convert/report_text.h"
#include "codec/convert/sealed.h"
#include "codec/convert/smil.h"
#include "codec/convert/sort_parts.h"
#include "codec/convert/text.h"
#include "codec/convert/text_split.h"
#include "codec/mime/flowed.h"
#include "codec/mime/message.h"
#include "codec/mime/rtf.h"
#include "codec/mime/unpack.h"
#include "core/limits.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t left_out_names_max = 8;
constexpr std::size_t left_out_name_size_max = 48;
constexpr std::size_t tolerance_decisions_max = 50;
constexpr std::size_t texts_size_max = 8 * limits::MiB;  // of all text parts as they stand in the mail
constexpr std::size_t trace_fields_max = 100;            // RFC 5321 §6.3
constexpr std::size_t slide_size_min = 30;               // bytes of SMIL that go with a picture that goes

/// `Forwarded: subject / from` above the text of a message inside the mail. Its header fields are in its first child.
void add_forwarded_lines(ArenaText& out, const mime::Part& inner, Arena& arena, std::string_view raw_charset) {
  out += "---- Forwarded message ----\n";
  if (const mime::MailboxView* author = author_of(inner, arena, raw_charset); author != nullptr) {
    out += mailbox_words(*author, arena);
    out += '\n';
  }
  for (const std::string_view field : {"Date", "Subject"}) {
    const std::string_view value = mime::decode_header(inner.field(field), arena, raw_charset);
    if (value.empty()) continue;
    out += field;
    out += ": ";
    out += value;
    out += '\n';
  }
}

/// A part beside the text, decoded once.
struct Attachment {
  enum class Fate : std::uint8_t { included, left_out, not_carried };
  std::size_t part = 0;
  std::string_view label;  // for people
  std::string_view name;
  std::string_view media_type;
  std::string_view charset;
  ByteView data;
  std::size_t size = 0;  // of the data, or what it would be
  Fate fate = Fate::included;
};

class Builder {
 public:
  Builder(mime::Message mail, const MailToMmOptions& options, MailToMm reused)
      : mail_(std::move(mail)),
        arena_(mail_.arena),
        options_(options),
        decisions_(arena_),
        large_pictures_(arena_),
        body_(mail_, decisions_, arena_),
        text_(arena_),
        attachments_(arena_),
        tolerated_(std::move(mail_.tolerated)) {
    result_.mm.parts = std::move(reused.mm.parts);
    result_.mm.parts.clear();
  }

  Result<MailToMm> build(std::span<const mime::Unpacked> opened) {
    const mime::Part& header = mail_.parts.front();
    read_mail_header(mail_, result_);
    if (const auto refused = refusal(header); !refused) return std::unexpected(refused.error());
    note_opened(opened);
    note_tolerances();
    const SortedParts sorted = sort_parts(mail_, decisions_, arena_);
    add_header_lines();
    body_start_ = text_.size();
    for (const std::size_t i : sorted.calendars) add_piece(body_.read_card(i));
    const std::size_t cards_end = text_.size();
    for (const std::size_t i : sorted.texts) add_text(i);
    // An invitation without a text of its own says the rest inside.
    if (text_.size() == cards_end) add_piece(body_.card_description());
    while (!text_.empty() && text_.back() == '\n') text_.shrink(text_.size() - 1);
    limit_text();
    put_in_reading_order(mail_, sorted.attachments, body_.pictures(), arena_);
    attachments_.reserve(sorted.attachments.size());
    for (const std::size_t i : sorted.attachments) attach(i);
    if (text_.size() <= body_start_ && attachments_.empty()) {
      if (!text_.empty()) text_ += '\n';
      text_ += "[This mail is empty.]";
    }
    fit();
    for (const Attachment& attachment : attachments_.items()) {
      // RFC 3459 §5: who sent it said that the rest is not to arrive alone.
      const bool is_required = mail_.parts[attachment.part].handling == mime::Handling::required;
      if (options_.refuses && is_required && attachment.fate != Attachment::Fate::included) return fail(convert_required_part);
    }
    result_.decisions = decisions_.take();
    result_.large_pictures = large_pictures_.take();
    result_.mm.arena = std::move(mail_.arena);
    result_.mail_parts = std::move(mail_.parts);
    return std::move(result_);
  }

 private:
  using Fate = Attachment::Fate;

  [[nodiscard]] Result<void> refusal(const mime::Part& header) const {
    if (!options_.refuses) return {};
    const auto is_trace = [](const mime::Field& field) { return ascii_equal_nocase(field.name, "Received"); };
    if (static_cast<std::size_t>(std::count_if(header.fields.begin(), header.fields.end(), is_trace)) > trace_fields_max)
      return fail(convert_mail_loop);
    if (!result_.sensitivity.empty()) return fail(convert_sensitive);
    return {};
  }

  void note_opened(std::span<const mime::Unpacked> opened) {
    for (const mime::Unpacked& package : opened) {
      const std::string_view what = package.name.empty() ? mail_.parts[package.part].declared_type : package.name;
      decisions_.push_back({what, rule_of(package.package)});
    }
  }
  static std::string_view rule_of(mime::Package package) {
    switch (package) {
      case mime::Package::winmail:
        return "opened: what Outlook put into it stands in the mail";
      case mime::Package::winmail_rtf:
        return "opened: what Outlook put into it stands in the mail; its text was RTF";
      case mime::Package::message:
        return "a mail that came as a file, or in base64: opened";
      case mime::Package::uuencode:
        return "files in the text (uuencode) are attachments";
      case mime::Package::signature:
        return "signed inside its signature (S/MIME): the content is shown; the signature is not checked";
    }
    return {};
  }

  void note_tolerances() {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < tolerated_.size() && seen < tolerance_decisions_max; ++i) {
      const std::string_view rule = tolerated_[i].rule;
      const auto before = tolerated_.begin() + static_cast<std::ptrdiff_t>(i);
      // Broken mail breaks one rule many times; rules are few, so this looks at few.
      if (std::find_if(tolerated_.begin(), before, [&](const mime::Tolerance& t) { return t.rule == rule; }) != before) continue;
      ++seen;
      decisions_.push_back({format_in(arena_, "byte {}", tolerated_[i].at), format_in(arena_, "tolerated: {}", rule)});
    }
    tolerated_.clear();
  }

  /// What was broken in the body that was decoded last.
  void note_body(std::string_view what) {
    for (const mime::Tolerance& tolerance : tolerated_) {
      decisions_.push_back({what, format_in(arena_, "tolerated: {} at byte {} of the body", tolerance.rule, tolerance.at)});
    }
    tolerated_.clear();
  }

  /// Who wrote it and to whom else: what a phone cannot show, since it sees a service as sender and itself as recipient.
  void add_header_lines() {
    if (options_.sender_in_text) {
      text_ += result_.from_display.empty() ? std::string_view("(unknown sender)") : result_.from_display;
      if (!result_.previous.empty() && !result_.sender.local_part.empty()) {
        const std::string_view last = mailbox_words(result_.sender, arena_);
        if (last != result_.from_display) {
          text_ += ", resent by ";
          text_ += last;
        }
      }
      if (!result_.sensitivity.empty()) {
        text_ += " [";
        text_ += cut(result_.sensitivity, 32);
        text_ += ']';
      }
      text_ += '\n';
    }
    shorten_subject();
    if (options_.display_only_recipients) return;
    if (const std::string_view others = other_people(result_, options_.own_addresses, arena_); !others.empty()) {
      text_ += others;
      text_ += '\n';
    }
  }

  void shorten_subject() {
    const std::size_t length_max = options_.profile.subject_length_max;
    // No character is less than a byte.
    if (length_max == 0 || result_.mm.subject.size() <= length_max) return;
    if (std::string shortened = short_subject(result_.mm.subject, length_max); shortened != result_.mm.subject) {
      text_ += "Subject: ";
      text_ += readable(result_.mm.subject, arena_);
      text_ += '\n';
      decisions_.push_back(
          {"Subject", format_in(arena_, "cut after {} characters; whole in the text", options_.profile.subject_length_max)});
      result_.mm.subject = std::move(shortened);
    }
  }

  void add_text(std::size_t index) {
    const mime::Part& part = mail_.parts[index];
    const auto sealed = sealed_part(mail_, part, arena_);
    if (sealed) {
      decisions_.push_back({label_of(part), sealed->rule});
      add_piece(sealed->sentence);
    } else if (is_report_for_machines(part)) {
      add_piece(report_text(mail_, index, arena_));
    } else if (part.media_type.starts_with("message/")) {
      ArenaText lines(arena_);
      add_forwarded_lines(lines, mail_.parts[index + 1], arena_, mail_.raw_charset);
      add_piece(lines.take_view());
    } else {
      // Far more than a phone gets, markup and coding included; what is beyond costs no memory.
      mime::Part read = part;
      read.body = part.body.first(std::min(part.body.size(), text_room_));
      text_room_ -= read.body.size();
      if (read.body.size() < part.body.size()) decisions_.push_back({label_of(part), "too much text: the rest is not read"});
      const std::string_view text = mime::decode_text(read, arena_, &tolerated_);
      note_body(part.media_type);
      add_piece(shown_text(read, text));
    }
  }

  [[nodiscard]] std::string_view shown_text(const mime::Part& part, std::string_view text) {
    if (is_html(part)) return body_.read(part, text);
    if (mime::is_flowed(part)) return body_.read(part, mime::unflow(text, part, arena_));
    if (is_enriched(part)) return body_.read(part, read_enriched(part, text, arena_));
    if (part.media_type == "text/rtf") {
      const mime::RtfText rtf = mime::read_rtf(mime::decode_body(part, arena_), arena_);
      mime::Part read = part;
      read.media_type = rtf.is_html ? "text/html" : "text/plain";
      return body_.read(read, rtf.text);
    }
    // Quotes and signatures are known by their lines, so these are joined last.
    return rejoin_wrapped(body_.read(part, text), arena_);
  }

  /// A text has a limit of its own, far below that of pictures.
  void limit_text() {
    const std::uint64_t size_max = options_.profile.text_size_max;
    if (size_max == 0 || text_.size() <= size_max) return;
    keep_text(cut_at_line(text_.view(), static_cast<std::size_t>(size_max)));
    decisions_.push_back({"text", format_in(arena_, "cut from {} to {}, as much as the profile shows of a text",
                                            size_words(text_.size() + cut_size_, arena_), size_words(text_.size(), arena_))});
  }
  /// At most `size_max` bytes, up to the end of a line or a word where one ends in the last part of it.
  [[nodiscard]] static std::size_t cut_at_line(std::string_view text, std::size_t size_max) {
    const std::string_view kept = cut(text, size_max);
    for (const char end : {'\n', ' '}) {
      if (const std::size_t at = kept.rfind(end); at != std::string_view::npos && at > kept.size() / 8 * 7) return at;
    }
    return kept.size();
  }
  void keep_text(std::size_t size) {
    cut_size_ += text_.size() - size;
    text_.shrink(size);
    while (!text_.empty() && (text_.back() == '\n' || text_.back() == ' ')) text_.shrink(text_.size() - 1);
  }

  void add_piece(std::string_view piece) {
    if (ascii_trim(piece).empty()) return;
    // Texts that follow each other start with an empty line between them.
    if (text_.size() > body_start_) {
      while (text_.size() > body_start_ && text_.back() == '\n') text_.shrink(text_.size() - 1);
      text_ += "\n\n";
    }
    text_ += piece;
  }

  void attach(std::size_t index) {
    const mime::Part& part = mail_.parts[index];
    const bool is_on_card = body_.is_on_card(index);
    if (is_on_card && part.name.empty()) return;  // no file, only what the card says
    Attachment attachment;
    attachment.part = index;
    attachment.name = display_name(part.name, arena_);
    attachment.media_type = usual_media_type(part.media_type, attachment.name);
    if (attachment.media_type == "application/smil" && options_.profile.smil) {
      decisions_.push_back({label_of(part), "slides of another message; the message has its own"});
      return;
    }
    if (attachment.media_type == "application/octet-stream") attachment.media_type = type_by_content(part);
    attachment.name = with_extension(attachment.name, attachment.media_type, arena_);
    attachment.label = attachment.name.empty() ? attachment.media_type : attachment.name;
    // What a card stands for is worth a try: some phones add it to their calendar, and all of them show the card.
    if (attachment.name.empty() && media_type_row(attachment.media_type) == nullptr) {
      // Nobody could open it: neither its type nor its name says what it is.
      attachment.fate = Fate::not_carried;
      attachment.size = mime::decoded_size(part);
      decisions_.push_back({attachment.label, "left out: neither its type nor a name says what it is"});
    } else if (carriage_of(attachment.media_type) == Carriage::listed && !is_on_card) {
      attachment.fate = Fate::not_carried;
      attachment.size = mime::decoded_size(part);
      decisions_.push_back(
          {attachment.label, format_in(arena_, "left out: phones do not show {} from a multimedia message", attachment.media_type)});
    } else if (const ReducedPicture* reduced = reduced_picture(index); reduced != nullptr) {
      attachment.media_type = reduced->media_type;
      attachment.data = reduced->data;
      attachment.size = reduced->data.size();
      decisions_.push_back({attachment.label, "made smaller"});
      leave_out_if_large(attachment);
    } else {
      decode(part, attachment);
      leave_out_if_large(attachment);
    }
    if (attachment.size == 0) {
      attachment.fate = Fate::left_out;
      decisions_.push_back({attachment.label, "left out: it is empty"});
      // What has a name was meant to be something.
      if (part.name.empty()) return;
    }
    attachments_.push_back(attachment);
  }

  /// The media type of bytes of which nobody said what they are.
  [[nodiscard]] std::string_view type_by_content(const mime::Part& part) {
    constexpr std::size_t coded_head_size = 64;
    mime::Part head = part;
    head.body = part.body.first(std::min(part.body.size(), coded_head_size));
    const std::string_view found = media_type_of_content(mime::decode_body(head, arena_));
    // An office document is an archive by its content; its name says more.
    return found.empty() || !extension_of(part.name).empty() ? std::string_view("application/octet-stream") : found;
  }

  [[nodiscard]] const ReducedPicture* reduced_picture(std::size_t part) const {
    const auto found = std::find_if(options_.reduced_pictures.begin(), options_.reduced_pictures.end(),
                                    [&](const ReducedPicture& p) { return p.part == part; });
    return found == options_.reduced_pictures.end() ? nullptr : &*found;
  }

  void decode(const mime::Part& part, Attachment& attachment) {
    // What surely does not fit is not decoded at all: half of base64 is a safe bound whatever its lines are, other codings have none.
    const bool is_base64 = part.coding == mime::TransferCoding::base64;
    const bool is_identity = part.coding == mime::TransferCoding::identity;
    const std::size_t least = is_base64 ? part.body.size() / 2 : is_identity ? part.body.size() : 0;
    if (least > options_.profile.size_max) {
      attachment.size = mime::decoded_size(part);
      return;
    }
    attachment.data = mime::decode_body(part, arena_, &tolerated_);
    attachment.size = attachment.data.size();
    if (attachment.media_type.starts_with("text/")) {
      // Text beside the mail: its bytes when they are UTF-8 already, else converted, line ends as they were.
      attachment.charset = "utf-8";
      attachment.data = bytes_of(mime::to_utf8(attachment.data, part.charset, arena_));
      attachment.size = attachment.data.size();
    }
    note_body(attachment.label);
  }

  void leave_out_if_large(Attachment& attachment) {
    const MmProfile& profile = options_.profile;
    if (attachment.size > profile.size_max) return leave_out(attachment);
    if (!attachment.media_type.starts_with("image/")) return;
    const bool any_limit = profile.image_width_max != 0 || profile.image_height_max != 0 || profile.image_size_max != 0;
    if (!any_limit) return;
    const ImageSize size = read_image_size(attachment.data).value_or(ImageSize{});
    const bool too_wide = profile.image_width_max != 0 && size.width > profile.image_width_max;
    const bool too_high = profile.image_height_max != 0 && size.height > profile.image_height_max;
    const bool too_large = profile.image_size_max != 0 && attachment.size > profile.image_size_max;
    if (!too_wide && !too_high && !too_large) return;
    attachment.fate = Fate::left_out;
    name_large_picture(attachment);
    decisions_.push_back(
        {attachment.label, format_in(arena_, "left out, too large: a picture of {}x{} pixels and {} is more than the phone takes",
                                     size.width, size.height, size_words(attachment.size, arena_))});
  }

  void leave_out(Attachment& attachment) {
    attachment.fate = Fate::left_out;
    name_large_picture(attachment);
    decisions_.push_back({attachment.label, format_in(arena_, "left out, too large: {} do not fit into {}",
                                                      size_words(attachment.size, arena_), size_words(options_.profile.size_max, arena_))});
  }

  void name_large_picture(const Attachment& attachment) {
    if (!attachment.media_type.starts_with("image/")) return;
    const ImageSize size = read_image_size(attachment.data).value_or(ImageSize{});
    large_pictures_.push_back({.part = attachment.part,
                               .media_type = attachment.media_type,
                               .width = size.width,
                               .height = size.height,
                               .size = attachment.size});
  }

  /// Leaves out, largest first, until everything together is within the profile; then the text is cut.
  void fit() {
    std::size_t data_size = 0;
    for (const Attachment& attachment : attachments_.items()) data_size += attachment.fate == Fate::included ? attachment.size : 0;
    while (data_size > options_.profile.size_max) data_size -= leave_out_largest();
    while (true) {
      assemble(text_.view());
      const std::size_t excess = excess_size();
      if (excess == 0) return;
      // One after the other as long as what went is surely too little, so that a thousand small parts are not assembled a thousand times.
      std::size_t gone = 0;
      for (std::size_t size = leave_out_largest(); size > 0; size = gone < excess ? leave_out_largest() : 0) gone += size + slide_size_min;
      if (gone > 0) continue;
      return cut_text();
    }
  }

  /// Its size; 0 when only empty ones are left. Of equal ones the last goes first.
  std::size_t leave_out_largest() {
    Attachment* largest = nullptr;
    for (Attachment& attachment : attachments_.items()) {
      if (attachment.fate == Fate::included && attachment.size > 0 && (largest == nullptr || attachment.size >= largest->size))
        largest = &attachment;
    }
    if (largest == nullptr) return 0;
    leave_out(*largest);
    return largest->size;
  }

  /// Down to what fits with the markup of its own slides, which are fewer than those of the whole text.
  void cut_text() {
    const std::size_t whole_size = text_.size() + cut_size_;
    for (std::size_t wanted = std::min<std::size_t>(text_.size(), options_.profile.size_max);;) {
      keep_text(std::min(text_.size(), cut(text_.view(), wanted).size()));
      assemble(text_.view());
      const std::size_t excess = excess_size();
      if (excess == 0 || wanted == 0) break;
      wanted -= std::min(wanted, excess);
    }
    decisions_.push_back(
        {"text", format_in(arena_, "cut from {} to {}", size_words(whole_size, arena_), size_words(text_.size(), arena_))});
  }

  /// How many bytes of content are too many; 0 when the message is within the profile.
  [[nodiscard]] std::size_t excess_size() const {
    const MmProfile& profile = options_.profile;
    const EncodedSizes sizes = encoded_sizes(result_, profile, options_.display_only_recipients);
    std::size_t excess = sizes.parts > profile.size_max ? sizes.parts - static_cast<std::size_t>(profile.size_max) : 0;
    if (profile.encoded_size_max == 0) return excess;
    const auto limit = static_cast<std::size_t>(profile.encoded_size_max);
    if (sizes.pdu > limit) excess = std::max(excess, sizes.pdu - limit);
    if (sizes.submit > limit) {
      // Of what is too much in base64 three quarters are content.
      const std::size_t more = sizes.submit - limit;
      excess = std::max(excess, profile.base64_parts ? more / 4 * 3 + 1 : more);
    }
    return excess;
  }

  /// `[Left out: big.png (49 KB), offer.pdf (1.2 MB); in your mailbox]`; empty when nothing was.
  [[nodiscard]] std::string_view left_out_line() {
    ArenaText line(arena_);
    std::size_t count = 0;
    for (const Attachment& attachment : attachments_.items()) {
      // RFC 3459 §5: an optional part that cannot arrive is as if it had not been there; the decisions name it all the same.
      if (attachment.fate == Fate::included || mail_.parts[attachment.part].handling == mime::Handling::optional) continue;
      if (++count > left_out_names_max) continue;
      line += count == 1 ? std::string_view("[Left out: ") : std::string_view(", ");
      line += cut(attachment.label, left_out_name_size_max);
      line += " (";
      line += size_words(attachment.size, arena_);
      line += ')';
    }
    if (count == 0) return {};
    if (count > left_out_names_max) {
      line += " and ";
      append_number(line, count - left_out_names_max);
      line += " more";
    }
    if (!options_.left_out_hint.empty()) {
      line += "; ";
      line += options_.left_out_hint;
    }
    line += ']';
    return line.take_view();
  }

  /// `[The rest of the text (380 KB) is in your mailbox]`; empty when it is all there.
  [[nodiscard]] std::string_view rest_line() {
    if (cut_size_ == 0) return {};
    const std::string_view where = options_.left_out_hint.empty() ? std::string_view("left out") : options_.left_out_hint;
    return format_in(arena_, "[The rest of the text ({}) is {}]", size_words(cut_size_, arena_), where);
  }

  /// The text and the lines about what is not there.
  [[nodiscard]] std::string_view whole_text(std::string_view body) {
    const std::string_view rest = rest_line();
    const std::string_view line = left_out_line();
    if (rest.empty() && line.empty()) return body;
    ArenaText text(arena_);
    text.reserve(body.size() + rest.size() + line.size() + 2);
    text += body;
    for (const std::string_view note : {rest, line}) {
      if (note.empty()) continue;
      if (!text.empty()) text += '\n';
      text += note;
    }
    return text.take_view();
  }

  /// The MM from the text and the attachments that are included.
  void assemble(std::string_view body) {
    MultimediaMessage& mm = result_.mm;
    mm.parts.clear();
    mm.presentation = MultimediaMessage::no_presentation;
    SafeNames names(arena_);
    const MmProfile& profile = options_.profile;
    const std::string_view text = whole_text(body);
    // Without slides a phone shows one text.
    const SplitLimits limits{.size_max = profile.smil ? profile.slide_text_size_max : text.size(),
                             .count_max = std::max<std::size_t>(profile.slide_count_max, 1)};
    const std::span<const std::string_view> pieces = split_text(text, limits, arena_);
    result_.text_parts = pieces.size();
    ArenaList<Slide> slides(arena_);
    slides.reserve(attachments_.size() + pieces.size());
    mm.parts.reserve(attachments_.size() + pieces.size() + 1);
    if (profile.smil) mm.parts.emplace_back();  // the presentation stands first (RFC 2387 §3.2); written last
    for (const std::string_view piece : pieces) {
      const std::string_view location = names.make({}, "text", "text/plain");
      mm.parts.push_back({.media_type = "text/plain",
                          .charset = "utf-8",
                          .name = location,
                          .content_id = {},
                          .content_location = location,
                          .data = bytes_of(piece)});
      slides.push_back({.text = location, .media = {}, .kind = SlideMedia::none, .seconds = reading_seconds(piece.size())});
    }
    for (const Attachment& attachment : attachments_.items()) {
      if (attachment.fate == Fate::included) add_part(attachment, names, slides);
    }
    if (options_.profile.smil) {
      const std::string_view smil = write_smil(slides.items(), arena_);
      mm.parts.front() = {.media_type = "application/smil",
                          .charset = "utf-8",
                          .name = "slides.smil",
                          .content_id = {},
                          .content_location = names.make("slides.smil", "slides", "application/smil"),
                          .data = bytes_of(smil)};
      mm.presentation = 0;
    }
    for (std::size_t i = 0; i < mm.parts.size(); ++i) {
      mm.parts[i].content_id = format_in(arena_, "{}.{}@{}", i, options_.item_id, options_.content_id_domain);
    }
  }

  void add_part(const Attachment& attachment, SafeNames& names, ArenaList<Slide>& slides) {
    const SlideMedia kind = kind_of(attachment.media_type);
    const std::string_view location = names.make(attachment.name, stem_of(kind), attachment.media_type);
    result_.mm.parts.push_back({.media_type = attachment.media_type,
                                .charset = attachment.charset,
                                .name = attachment.name.empty() ? location : with_extension(attachment.name, attachment.media_type, arena_),
                                .content_id = {},
                                .content_location = location,
                                .data = attachment.data});
    // A slide holds a text and one picture, film or sound; the first goes with the text, unless that has slides of its own.
    if (kind == SlideMedia::none) return;
    const bool is_behind_texts = slides.size() == result_.text_parts && slides.size() > 1;
    if (slides.empty() || slides.back().kind != SlideMedia::none || is_behind_texts) slides.push_back({});
    slides[slides.size() - 1].media = location;
    slides[slides.size() - 1].kind = kind;
  }

  static SlideMedia kind_of(std::string_view media_type) {
    if (media_type.starts_with("image/")) return SlideMedia::image;
    if (media_type.starts_with("video/")) return SlideMedia::video;
    if (media_type.starts_with("audio/")) return SlideMedia::audio;
    return SlideMedia::none;
  }
  static std::string_view stem_of(SlideMedia kind) {
    switch (kind) {
      case SlideMedia::image:
        return "image";
      case SlideMedia::video:
        return "video";
      case SlideMedia::audio:
        return "audio";
      case SlideMedia::none:
        break;
    }
    return "part";
  }

  mime::Message mail_;
  Arena& arena_;  // the mail's
  const MailToMmOptions& options_;
  MailToMm result_;
  ArenaList<Decision> decisions_;
  ArenaList<LargePicture> large_pictures_;
  BodyReader body_;
  ArenaText text_;
  std::size_t text_room_ = texts_size_max;  // bytes of text parts that are still read
  std::size_t body_start_ = 0;              // of the mail's text in text_
  std::size_t cut_size_ = 0;                // bytes of the text that are not there
  ArenaList<Attachment> attachments_;
  std::vector<mime::Tolerance> tolerated_;  // of the mail, then of one body after the other
};

}  // namespace

Result<MailToMm> mail_to_mm(ByteView mail, const MailToMmOptions& options, MailToMm reused) {
  mime::Message memory;
  memory.parts = std::move(reused.mail_parts);
  memory.arena = std::move(reused.mm.arena);
  PM_TRY(mime::Message message, mime::parse(mail, std::move(memory)));
  const std::vector<mime::Unpacked> opened = mime::unpack(message);
  return Builder(std::move(message), options, std::move(reused)).build(opened);
}

}  // namespace pushmail::convert
