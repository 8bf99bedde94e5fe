// Mail -> multimedia message (RFC 4356 §3, TS 23.140 §8.4).
//
// Came from: dataplane/relay, with a whole mail. Goes to: codec/mm7 encode(SubmitReq). In order: which parts are the text and which are
// attachments (sort_parts), the text, then as many attachments as the profile has room for, then the SMIL over what stayed. Text
// comes first always; an attachment's bytes are untouched or the part is left out, and the last line of the text says so.
#include <fmt/format.h>

#include <algorithm>

#include "codec/convert/body_text.h"
#include "codec/convert/convert.h"
#include "codec/convert/image_size.h"
#include "codec/convert/names.h"
#include "codec/convert/reply_text.h"
#include "codec/convert/sealed.h"
#include "codec/convert/smil.h"
#include "codec/convert/text.h"
#include "codec/convert/text_split.h"
#include "codec/mime/message.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t left_out_names_max = 8;
constexpr std::size_t left_out_name_size_max = 48;
constexpr std::size_t tolerance_decisions_max = 50;

/// What each part of the mail is for.
struct Sorted {
  std::vector<std::size_t> texts;        // shown as text, in order: text/plain, text/html, message/rfc822 (its header lines)
  std::vector<std::size_t> attachments;  // in order
  std::vector<std::size_t> calendars;    // in order; those that are files are attachments too
};

bool is_html(const mime::Part& part) { return part.media_type == "text/html" || part.media_type == "application/xhtml+xml"; }
/// Text that stands in the mail itself, not beside it. A name makes it an attachment, unless it is the mail or one of its alternatives.
bool is_inline_text(const mime::Message& mail, const mime::Part& part) {
  if (part.media_type != "text/plain" && !is_html(part)) return false;
  if (part.parent == mime::Part::none) return true;
  return !part.is_attachment && (part.name.empty() || mail.parts[part.parent].media_type == "multipart/alternative");
}

bool is_vcard(const mime::Part& part) { return part.media_type == "text/vcard" || part.media_type == "text/x-vcard" || part.media_type == "text/directory"; }

class Sorter {
 public:
  Sorter(const mime::Message& mail, std::vector<Decision>& decisions) : mail_(mail), decisions_(decisions) {}

  Sorted sort() {
    find_groups();
    for (std::size_t i = 0; i < mail_.parts.size(); ++i) place(i);
    return std::move(sorted_);
  }

 private:
  /// For each part the outermost multipart/alternative around it, and whether that has plain text worth showing.
  void find_groups() {
    group_.assign(mail_.parts.size(), mime::Part::none);
    has_plain_.assign(mail_.parts.size(), false);
    has_html_.assign(mail_.parts.size(), false);
    for (std::size_t i = 0; i < mail_.parts.size(); ++i) {
      const mime::Part& part = mail_.parts[i];
      // A parent always stands before its children.
      if (part.parent != mime::Part::none) {
        const mime::Part& parent = mail_.parts[part.parent];
        group_[i] = group_[part.parent] != mime::Part::none ? group_[part.parent]
                    : parent.media_type == "multipart/alternative" ? part.parent
                                                                   : mime::Part::none;
      }
      if (group_[i] != mime::Part::none && is_html(part) && is_inline_text(mail_, part)) has_html_[group_[i]] = true;
      if (group_[i] != mime::Part::none && part.media_type == "text/plain" && is_inline_text(mail_, part) && !has_plain_[group_[i]]) {
        has_plain_[group_[i]] = !is_poor_plain_text(mime::decode_text(part));
      }
    }
  }

  void place(std::size_t i) {
    const mime::Part& part = mail_.parts[i];
    const mime::Part* parent = part.parent == mime::Part::none ? nullptr : &mail_.parts[part.parent];
    if (part.is_multipart() || dropped(i)) return;
    const bool in_report = inside_report(i);
    if (in_report && (part.media_type == "message/delivery-status" || part.media_type == "message/disposition-notification" ||
                      part.media_type == "text/rfc822-headers" || part.media_type == "message/rfc822")) {
      return drop(i, "details of a delivery report; its text is shown");
    }
    if (has_children(i)) {
      sorted_.texts.push_back(i);  // a forwarded message: its header lines, and its own parts follow
      return;
    }
    if (is_encryption_header(mail_, part)) return drop(i, "the header of encrypted content, which is explained");
    if (sealed_part(mail_, part)) {
      sorted_.texts.push_back(i);
      return;
    }
    if (parent != nullptr && parent->media_type == "multipart/signed" &&
        (part.media_type == "application/pgp-signature" || part.media_type.starts_with("application/pkcs7-") ||
         part.media_type.starts_with("application/x-pkcs7-"))) {
      return drop(i, "the signature of signed content, which is shown");
    }
    if (is_calendar(part)) {
      sorted_.calendars.push_back(i);
      if (part.name.empty()) return;
    }
    if (!is_inline_text(mail_, part)) {
      // Other forms of the same text: enriched, AMP, watch. A visiting card is more than its text.
      if (plain_shown(i) && part.name.empty() && part.media_type.starts_with("text/") && !is_vcard(part)) return drop(i, plain_is_shown);
      sorted_.attachments.push_back(i);
      return;
    }
    if (is_html(part) && plain_shown(i)) return drop(i, plain_is_shown);
    if (!is_html(part) && group_[i] != mime::Part::none && has_html_[group_[i]] && !plain_shown(i)) return drop(i, "says less than the HTML of the same content, which is shown");
    if (is_html(part)) decisions_.push_back({describe(part), "HTML read as text"});
    sorted_.texts.push_back(i);
  }

  static constexpr const char* plain_is_shown = "the plain text of the same content is shown";
  [[nodiscard]] bool plain_shown(std::size_t i) const { return group_[i] != mime::Part::none && has_plain_[group_[i]]; }

  void drop(std::size_t i, std::string rule) {
    decisions_.push_back({describe(mail_.parts[i]), std::move(rule)});
    dropped_parts_.push_back(i);
  }
  /// Whether it stands inside a message that was dropped. Parts are at most mime_depth_max deep.
  [[nodiscard]] bool dropped(std::size_t i) const {
    for (std::size_t up = mail_.parts[i].parent; up != mime::Part::none; up = mail_.parts[up].parent) {
      if (std::find(dropped_parts_.begin(), dropped_parts_.end(), up) != dropped_parts_.end()) return true;
    }
    return false;
  }
  [[nodiscard]] bool inside_report(std::size_t i) const {
    const std::size_t parent = mail_.parts[i].parent;
    return parent != mime::Part::none && mail_.parts[parent].media_type == "multipart/report";
  }
  [[nodiscard]] bool has_children(std::size_t i) const { return i + 1 < mail_.parts.size() && mail_.parts[i + 1].parent == i; }
  static std::string describe(const mime::Part& part) { return std::string(part.name.empty() ? part.media_type : part.name); }

  const mime::Message& mail_;
  std::vector<Decision>& decisions_;
  Sorted sorted_;
  std::vector<std::size_t> group_;
  std::vector<bool> has_plain_;
  std::vector<bool> has_html_;
  std::vector<std::size_t> dropped_parts_;
};

std::string mailbox_words(const mime::Mailbox& mailbox) {
  const std::string name = readable(mailbox.display_name);
  // Machines often write their address in both places.
  return name.empty() || name == mailbox.address() ? mailbox.address() : name + " <" + mailbox.address() + ">";
}

/// The sender as the phone shows it: From, else Sender.
std::string sender_of(const mime::Part& header) {
  for (const std::string_view field : {"From", "Sender", "Reply-To"}) {
    const auto mailboxes = mime::parse_mailboxes(header.field(field));
    const auto with_domain = std::find_if(mailboxes.begin(), mailboxes.end(), [](const mime::Mailbox& m) { return !m.domain.empty(); });
    if (with_domain != mailboxes.end()) return mailbox_words(*with_domain);
    if (!mailboxes.empty()) return mailbox_words(mailboxes.front());
  }
  return {};
}

/// RFC 4356 table 6: Importance wins over X-Priority.
std::string priority_of(const mime::Part& header) {
  const std::string importance = mime::decode_header(header.field("Importance"));
  if (ascii_equal_nocase(importance, "high")) return "High";
  if (ascii_equal_nocase(importance, "low")) return "Low";
  if (!importance.empty()) return {};
  const std::string_view x_priority = ascii_trim(header.field("X-Priority"));
  if (x_priority.starts_with('1') || x_priority.starts_with('2')) return "High";
  if (x_priority.starts_with('4') || x_priority.starts_with('5')) return "Low";
  return {};
}

/// A machine wrote it: null return path, or RFC 3834 §5.
bool is_automatic(const mime::Part& header) {
  const std::string_view return_path = header.field("Return-Path");
  if (!return_path.empty() && ascii_trim(return_path) == "<>") return true;
  const std::string word = mime::decode_header(header.field("Auto-Submitted"));
  return !word.empty() && !ascii_starts_with_nocase(word, "no");
}

std::string bare_message_id(std::string_view value) {
  const std::size_t open = value.find('<');
  if (open != std::string_view::npos) {
    value = value.substr(open + 1);
    value = value.substr(0, value.find('>'));
  }
  std::string id = mime::decode_header(value);
  std::erase_if(id, [](char c) { return c == ' ' || c == '<' || c == '>'; });
  return id;
}

/// `Forwarded: subject / from` above the text of a message inside the mail. Its header fields are in its first child.
std::string forwarded_lines(const mime::Message& mail, std::size_t index) {
  const mime::Part& inner = mail.parts[index + 1];
  std::string out = "---- Forwarded message ----\n";
  if (const std::string from = sender_of(inner); !from.empty()) out += from + "\n";
  for (const std::string_view field : {"Date", "Subject"}) {
    if (const std::string value = mime::decode_header(inner.field(field)); !value.empty()) out += std::string(field) + ": " + value + "\n";
  }
  return out;
}

/// RFC 4356 asks not to pass Sensitivity on; a subscriber's own mail is delivered and says so.
std::string sensitivity_words(const mime::Part& header) {
  const std::string word = mime::decode_header(header.field("Sensitivity"));
  return word.empty() || ascii_equal_nocase(word, "normal") ? std::string() : " [" + std::string(cut(word, 32)) + "]";
}

/// An attachment that is to go into the MM, decoded once.
struct Attachment {
  std::string label;                     // for people
  std::string name;
  std::string media_type;
  std::string charset;
  Bytes data;
  std::size_t size = 0;                  // of the data, or what it would be
  bool is_included = true;
};

class Builder {
 public:
  Builder(const mime::Message& mail, const MailToMmOptions& options) : mail_(mail), options_(options), body_(mail, result_.decisions) {}

  MailToMm build() {
    const mime::Part& header = mail_.parts.front();
    result_.from_display = sender_of(header);
    result_.priority = priority_of(header);
    result_.automatic = is_automatic(header);
    result_.message_id = bare_message_id(header.field("Message-ID"));
    result_.mm.subject = mime::decode_header(header.field("Subject"));
    note_tolerances();

    Sorted sorted = Sorter(mail_, result_.decisions).sort();
    if (options_.sender_in_text) {
      text_ = (result_.from_display.empty() ? std::string("(unknown sender)") : result_.from_display) + sensitivity_words(header) + "\n";
    }
    std::string body;
    for (const std::size_t i : sorted.calendars) add_card(body, i, sorted);
    const std::size_t cards_end = body.size();
    for (const std::size_t i : sorted.texts) add_text(body, i);
    if (cards_end > 0 && body.size() == cards_end && !body_.card_description().empty()) body += "\n\n" + body_.card_description();
    text_ += body;
    while (text_.ends_with('\n')) text_.pop_back();
    body_.order_pictures(sorted.attachments);
    for (const std::size_t i : sorted.attachments) attach(i);
    fit();
    adopt();
    return std::move(result_);
  }

 private:
  void note_tolerances() {
    std::vector<std::string_view> seen;
    for (const mime::Tolerance& tolerance : mail_.tolerated) {
      if (std::find(seen.begin(), seen.end(), tolerance.rule) != seen.end() || seen.size() >= tolerance_decisions_max) continue;
      seen.push_back(tolerance.rule);
      result_.decisions.push_back({fmt::format("byte {}", tolerance.at), fmt::format("tolerated: {}", tolerance.rule)});
    }
  }

  void note_body(std::string_view what, const std::vector<mime::Tolerance>& tolerated) {
    for (const mime::Tolerance& tolerance : tolerated) {
      result_.decisions.push_back({std::string(what), fmt::format("tolerated: {} at byte {} of the body", tolerance.rule, tolerance.at)});
    }
  }

  void add_text(std::string& body, std::size_t index) {
    const mime::Part& part = mail_.parts[index];
    std::string piece;
    if (part.media_type.starts_with("message/")) {
      piece = forwarded_lines(mail_, index);
    } else {
      piece = body_.read(part);
    }
    if (ascii_trim(piece).empty()) return;
    // Texts that follow each other start with an empty line between them.
    if (!body.empty()) {
      while (body.ends_with('\n')) body.pop_back();
      body += "\n\n";
    }
    body += piece;
  }

  /// A calendar without a name that has no card goes with the attachments.
  void add_card(std::string& body, std::size_t index, Sorted& sorted) {
    const mime::Part& part = mail_.parts[index];
    const std::string card = body_.read_card(part);
    if (card.empty() && part.name.empty() && body.empty()) sorted.attachments.push_back(index);
    if (!card.empty()) body += body.empty() ? card : "\n\n" + card;
  }

  void attach(std::size_t index) {
    const mime::Part& part = mail_.parts[index];
    Attachment attachment;
    attachment.name = display_name(part.name);
    attachment.label = attachment.name.empty() ? part.media_type : attachment.name;
    attachment.media_type = usual_media_type(part.media_type, attachment.name);
    attachment.size = part.coding == mime::TransferCoding::base64 ? part.body.size() / 78 * 57 : part.body.size();  // about, until decoded
    // What surely does not fit is not decoded at all: half of base64 is a safe bound whatever its lines are, other codings have none.
    const bool is_base64 = part.coding == mime::TransferCoding::base64;
    const bool is_identity = part.coding == mime::TransferCoding::identity;
    const std::size_t least = is_base64 ? part.body.size() / 2 : is_identity ? part.body.size() : 0;
    if (least <= options_.profile.size_max) {
      std::vector<mime::Tolerance> tolerated;
      if (attachment.media_type.starts_with("text/")) {
        attachment.charset = "utf-8";
        attachment.data = text_attachment(part, tolerated);
      } else {
        attachment.data = mime::decode_body(part, &tolerated);
      }
      note_body(attachment.label, tolerated);
      attachment.size = attachment.data.size();
    }
    attachment.is_included = attachment.size <= options_.profile.size_max;
    if (!attachment.is_included) note_left_out(attachment);
    else leave_out_large_image(attachment);
    attachments_.push_back(std::move(attachment));
  }

  /// Text beside the mail: its bytes when they are UTF-8 already, else converted, line ends as they were.
  static Bytes text_attachment(const mime::Part& part, std::vector<mime::Tolerance>& tolerated) {
    Bytes bytes = mime::decode_body(part, &tolerated);
    std::string text = mime::to_utf8(bytes, part.charset);
    if (text_of(bytes) == text) return bytes;
    return {text.begin(), text.end()};
  }

  void leave_out_large_image(Attachment& attachment) {
    if (!attachment.media_type.starts_with("image/")) return;
    const MmProfile& profile = options_.profile;
    const ImageSize size = read_image_size(attachment.data).value_or(ImageSize{});
    const bool too_wide = profile.image_width_max != 0 && size.width > profile.image_width_max;
    const bool too_high = profile.image_height_max != 0 && size.height > profile.image_height_max;
    const bool too_large = profile.image_size_max != 0 && attachment.size > profile.image_size_max;
    if (!too_wide && !too_high && !too_large) return;
    attachment.is_included = false;
    attachment.data = Bytes();
    result_.decisions.push_back({attachment.label, fmt::format("left out: a picture of {}x{} pixels and {} is more than the phone takes", size.width, size.height, size_words(attachment.size))});
  }

  void note_left_out(const Attachment& attachment) {
    result_.decisions.push_back({attachment.label, fmt::format("left out: {} do not fit into {}", size_words(attachment.size), size_words(options_.profile.size_max))});
  }

  /// Leaves out, largest first, until everything together is within the profile; then the text is cut.
  void fit() {
    std::size_t data_size = 0;
    for (const Attachment& attachment : attachments_) data_size += attachment.is_included ? attachment.size : 0;
    while (data_size > options_.profile.size_max) data_size -= leave_out_largest();
    while (true) {
      assemble(text_);
      const std::size_t total = total_size();
      if (total <= options_.profile.size_max) return;
      if (leave_out_largest() > 0) continue;
      return cut_text();
    }
  }

  /// Its size; 0 when only empty ones are left. Of equal ones the last goes first.
  std::size_t leave_out_largest() {
    Attachment* largest = nullptr;
    for (Attachment& attachment : attachments_) {
      if (attachment.is_included && attachment.size > 0 && (largest == nullptr || attachment.size >= largest->size)) largest = &attachment;
    }
    if (largest == nullptr) return 0;
    largest->is_included = false;
    largest->data = Bytes();
    note_left_out(*largest);
    return largest->size;
  }

  /// Down to what fits with the markup of its own slides, which are fewer than those of the whole text.
  void cut_text() {
    constexpr std::string_view mark = "\n[...]";
    const std::string whole = std::move(text_);
    const std::size_t size_max = options_.profile.size_max;
    for (std::size_t wanted = std::min<std::size_t>(whole.size(), size_max);;) {
      const std::size_t kept = wanted > mark.size() ? wanted - mark.size() : 0;
      text_ = kept > 0 ? std::string(cut(whole, kept)) + std::string(mark) : std::string();
      assemble(text_);
      const std::size_t total = total_size();
      if (total <= size_max || wanted == 0) break;
      wanted -= std::min(wanted, total - size_max);
    }
    result_.decisions.push_back({"text", fmt::format("cut from {} to {}", size_words(whole.size()), size_words(text_.size()))});
  }

  [[nodiscard]] std::size_t total_size() const {
    std::size_t total = 0;
    for (const MultimediaPart& part : result_.mm.parts) total += part.data.size();
    return total;
  }

  [[nodiscard]] std::string left_out_line() const {
    std::string names;
    std::size_t count = 0;
    for (const Attachment& attachment : attachments_) {
      if (attachment.is_included) continue;
      if (++count > left_out_names_max) continue;
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", cut(attachment.label, left_out_name_size_max), size_words(attachment.size));
    }
    if (count == 0) return {};
    if (count > left_out_names_max) names += fmt::format(" and {} more", count - left_out_names_max);
    return "[Left out: " + names + "]";
  }

  /// The MM from the text and the attachments that are included.
  void assemble(const std::string& body) {
    MultimediaMessage& mm = result_.mm;
    mm.parts.clear();
    mm.owned.clear();
    mm.presentation = MultimediaMessage::no_presentation;
    SafeNames names;
    std::string text = body;
    if (const std::string line = left_out_line(); !line.empty()) text += (text.empty() ? "" : "\n") + line;

    std::vector<Slide> slides;
    const MmProfile& profile = options_.profile;
    const std::size_t first = profile.smil ? 1 : 0;
    if (first == 1) mm.parts.emplace_back();  // the presentation stands first (RFC 2387 §3.2); written last
    // Without slides a phone shows one text.
    const SplitLimits limits{.size_max = first == 1 ? profile.slide_text_size_max : text.size(), .count_max = std::max<std::size_t>(profile.slide_count_max, 1)};
    for (const std::string_view piece : split_text(text, limits)) {
      mm.owned.emplace_back(piece.begin(), piece.end());
      mm.parts.push_back({.media_type = "text/plain", .charset = "utf-8", .name = {}, .content_id = {}, .content_location = names.make({}, "text", "text/plain"), .data = mm.owned.back()});
      mm.parts.back().name = mm.parts.back().content_location;
      slides.push_back({.text = mm.parts.back().content_location, .media = {}, .kind = SlideMedia::none, .seconds = reading_seconds(piece.size())});
    }
    result_.text_parts = slides.size();
    for (const Attachment& attachment : attachments_) {
      if (!attachment.is_included) continue;
      const SlideMedia kind = kind_of(attachment.media_type);
      MultimediaPart part{.media_type = attachment.media_type,
                          .charset = attachment.charset,
                          .name = attachment.name,
                          .content_id = {},
                          .content_location = names.make(attachment.name, stem_of(kind), attachment.media_type),
                          .data = attachment.data};
      if (part.name.empty()) part.name = part.content_location;
      // A slide holds a text and one picture, film or sound; the first goes with the text, unless that has slides of its own.
      if (kind != SlideMedia::none) {
        if (slides.empty() || slides.back().kind != SlideMedia::none || (slides.size() == result_.text_parts && slides.size() > 1)) slides.emplace_back();
        slides.back().media = part.content_location;
        slides.back().kind = kind;
      }
      mm.parts.push_back(std::move(part));
    }
    if (first == 1) {
      const std::string smil = write_smil(slides);
      mm.owned.emplace_back(smil.begin(), smil.end());
      mm.parts.front() = {.media_type = "application/smil", .charset = "utf-8", .name = "slides.smil", .content_id = {}, .content_location = names.make("slides.smil", "slides", "application/smil"), .data = mm.owned.back()};
      mm.presentation = 0;
    }
    for (std::size_t i = 0; i < mm.parts.size(); ++i) {
      mm.parts[i].content_id = fmt::format("{}.{}@{}", i, options_.item_id, options_.content_id_domain);
    }
  }

  /// The bytes of the attachments move into the message, which then owns all that its parts show; a moved vector keeps its address.
  void adopt() {
    for (Attachment& attachment : attachments_) {
      if (attachment.is_included) result_.mm.owned.push_back(std::move(attachment.data));
    }
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

  const mime::Message& mail_;
  const MailToMmOptions& options_;
  MailToMm result_;
  BodyReader body_;
  std::string text_;
  std::vector<Attachment> attachments_;
};

}  // namespace

Result<MailToMm> mail_to_mm(ByteView mail, const MailToMmOptions& options) {
  PM_TRY(const mime::Message message, mime::parse(mail));
  return Builder(message, options).build();
}

}  // namespace pushmail::convert
