// Came from: mail_to_mm.cpp. A multipart holds parts; of what it holds, each is placed once, in the order of the mail.
#include "codec/convert/sort_parts.h"

#include <algorithm>

#include "codec/convert/alternative_choice.h"
#include "codec/convert/body_text.h"
#include "codec/convert/media_types.h"
#include "codec/convert/report_text.h"
#include "codec/convert/sealed.h"
#include "codec/convert/text.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

/// Text that stands in the mail itself, not beside it. A name makes it an attachment, unless it is the mail or one of its alternatives.
bool is_inline_text(const mime::Message& mail, const mime::Part& part) {
  if (!is_readable_text(part.media_type) && !is_html(part)) return false;
  if (part.parent == mime::Part::none) return true;
  return !part.is_attachment && (part.name.empty() || mail.parts[part.parent].media_type == "multipart/alternative");
}

bool is_vcard(const mime::Part& part) {
  return part.media_type == "text/vcard" || part.media_type == "text/x-vcard" || part.media_type == "text/directory";
}

class Sorter {
 public:
  Sorter(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena)
      : mail_(mail), decisions_(decisions), arena_(arena), groups_(arena), texts_(arena), attachments_(arena), calendars_(arena) {}

  SortedParts sort() {
    find_groups();
    for (std::size_t i = 0; i < mail_.parts.size(); ++i) place(i);
    return {.texts = texts_.take(), .attachments = attachments_.take(), .calendars = calendars_.take()};
  }

 private:
  /// What is known of a part beside its own header.
  struct Group {
    std::size_t alternative = mime::Part::none;  // the outermost multipart/alternative around it
    bool has_plain = false;                      // of an alternative: it has plain text worth showing
    bool has_html = false;                       // of an alternative: it has a page
    std::size_t report = mime::Part::none;       // the multipart that is a report, around it
    bool is_report = false;                      // it has a part for machines: by its type, or by what is in it
    bool has_words = false;                      // of a report: it says something to a person
    bool is_judged = false;                      // of an alternative
    bool is_dropped = false;                     // it, or what it stands in
  };
  static constexpr std::size_t plain_size_max = 16 * 1024;  // bytes as they stand in the mail
  static constexpr std::size_t page_size_max = 192 * 1024;

  void find_groups() {
    const std::span<Group> groups = groups_.extend_items(mail_.parts.size());
    std::fill(groups.begin(), groups.end(), Group{});
    for (const mime::Part& part : mail_.parts) {
      if (part.parent != mime::Part::none && is_report_for_machines(part)) groups[part.parent].is_report = true;
    }
    for (std::size_t i = 0; i < mail_.parts.size(); ++i) {
      const mime::Part& part = mail_.parts[i];
      // A parent always stands before its children.
      if (part.parent != mime::Part::none) {
        const mime::Part& parent = mail_.parts[part.parent];
        groups[i].alternative = groups[part.parent].alternative != mime::Part::none ? groups[part.parent].alternative
                                : parent.media_type == "multipart/alternative"      ? part.parent
                                                                                    : mime::Part::none;
      }
      find_report(i);
    }
    for (std::size_t i = 0; i < mail_.parts.size(); ++i) {
      if (groups[i].alternative == mime::Part::none || groups[groups[i].alternative].is_judged) continue;
      groups[groups[i].alternative].is_judged = true;
      judge(groups, groups[i].alternative, i);
    }
  }

  /// Which report a part belongs to, and whether it is the one that speaks to a person. What a report cites does not.
  void find_report(std::size_t i) {
    const mime::Part& part = mail_.parts[i];
    if (part.parent == mime::Part::none) return;
    const bool is_in_report = groups_[part.parent].is_report || mail_.parts[part.parent].media_type == "multipart/report";
    groups_[i].report = is_in_report                              ? part.parent
                        : mail_.parts[part.parent].is_multipart() ? groups_[part.parent].report
                                                                  : mime::Part::none;
    const std::size_t report = groups_[i].report;
    if (report == mime::Part::none || groups_[report].has_words || !is_inline_text(mail_, part)) return;
    const std::string_view text = mime::decode_text(part, arena_);
    groups_[report].has_words = is_html(part) ? !ascii_trim(html_to_text(text)).empty() : !ascii_trim(text).empty();
  }

  /// What the two kinds of text of an alternative say; its parts stand from `first` on.
  void judge(std::span<Group> groups, std::size_t alternative, std::size_t first) {
    Said plain;
    bool has_plain = false;
    for (std::size_t i = first; i < mail_.parts.size(); ++i) {
      const mime::Part& part = mail_.parts[i];
      if (groups[i].alternative != alternative || !is_inline_text(mail_, part)) continue;
      if (is_html(part)) {
        groups[alternative].has_html = true;
      } else if (part.media_type == "text/plain") {
        // The first plain text that says anything speaks for all of them.
        if (plain.words.count() > 0) continue;
        const std::string_view text = beginning_of(part, plain_size_max);
        has_plain = has_plain || !ascii_trim(text).empty();
        plain = said_by_plain(text);
      }
    }
    // Without words it may be a smile; with a page beside it that says the same.
    const bool is_wordless = plain.words.count() == 0 && groups[alternative].has_html;
    if (!has_plain || is_wordless) return;
    const bool is_clear = !groups[alternative].has_html || (!plain.has_markup && plain.words.count() >= words_of_a_message);
    groups[alternative].has_plain = is_clear || !page_says_more(plain, said_by_pages(groups, alternative, first));
  }

  [[nodiscard]] Said said_by_pages(std::span<const Group> groups, std::size_t alternative, std::size_t first) {
    Said page;
    for (std::size_t i = first; i < mail_.parts.size(); ++i) {
      if (groups[i].alternative != alternative || !is_inline_text(mail_, mail_.parts[i]) || !is_html(mail_.parts[i])) continue;
      const HtmlText text = read_html(beginning_of(mail_.parts[i], page_size_max), {});
      page.words.add(text.text);
      page.has_pictures = page.has_pictures || text.has_remote_pictures;
    }
    return page;
  }

  /// Mostly the beginning says it, and the rest need not be decoded for the question.
  [[nodiscard]] std::string_view beginning_of(const mime::Part& part, std::size_t size_max) {
    mime::Part beginning = part;
    beginning.body = part.body.first(std::min(part.body.size(), size_max));
    return mime::decode_text(beginning, arena_);
  }

  void place(std::size_t i) {
    const mime::Part& part = mail_.parts[i];
    const mime::Part* parent = part.parent == mime::Part::none ? nullptr : &mail_.parts[part.parent];
    if (parent != nullptr && groups_[part.parent].is_dropped) groups_[i].is_dropped = true;
    if (part.is_multipart() || groups_[i].is_dropped) return;
    if (inside_report(i)) {
      const bool has_words = groups_[groups_[i].report].has_words;
      if (is_report_for_machines(part) && !has_words) {
        decisions_.push_back({label_of(part), "a report without a text of its own: told in words"});
        texts_.push_back(i);
        return;
      }
      if (is_report_for_machines(part) || part.media_type.ends_with("/rfc822-headers") || part.media_type == "message/rfc822" ||
          part.media_type == "message/global") {
        return drop(i, has_words ? "details of a delivery report; its text is shown" : "the mail that a report is about");
      }
    }
    if (has_children(i)) {
      texts_.push_back(i);  // a forwarded message: its header lines, and its own parts follow
      return;
    }
    if (is_encryption_header(mail_, part)) return drop(i, "the header of encrypted content, which is explained");
    if (sealed_part(mail_, part, arena_)) {
      texts_.push_back(i);
      return;
    }
    if (parent != nullptr && parent->media_type == "multipart/signed" &&
        (part.media_type == "application/pgp-signature" || part.media_type.starts_with("application/pkcs7-") ||
         part.media_type.starts_with("application/x-pkcs7-"))) {
      return drop(i, "the signature of signed content, which is shown");
    }
    if (is_calendar(part)) {
      calendars_.push_back(i);
      attachments_.push_back(i);
      return;
    }
    if (!is_inline_text(mail_, part)) {
      // Other forms of the same text: enriched, AMP, watch. A visiting card is more than its text.
      const bool is_form = part.name.empty() && part.media_type.starts_with("text/") && !is_vcard(part);
      if (is_form && plain_shown(i)) return drop(i, plain_is_shown);
      if (is_form && page_shown(i)) return drop(i, page_is_shown);
      attachments_.push_back(i);
      return;
    }
    // Of an alternative, other forms of text than these two are for the programs that know them.
    const bool is_other_form = !is_html(part) && part.media_type != "text/plain";
    if ((is_html(part) || is_other_form) && plain_shown(i)) return drop(i, plain_is_shown);
    if (is_other_form && page_shown(i)) return drop(i, page_is_shown);
    if (!is_html(part) && page_shown(i)) return drop(i, "says less than the HTML of the same content, which is shown");
    if (is_html(part)) decisions_.push_back({label_of(part), "HTML read as text"});
    texts_.push_back(i);
  }

  static constexpr std::string_view page_is_shown = "the HTML of the same content is shown";
  static constexpr std::string_view plain_is_shown = "the plain text of the same content is shown";
  [[nodiscard]] bool plain_shown(std::size_t i) const {
    return groups_[i].alternative != mime::Part::none && groups_[groups_[i].alternative].has_plain;
  }

  /// Of an alternative whose plain text is not worth it.
  [[nodiscard]] bool page_shown(std::size_t i) const {
    return groups_[i].alternative != mime::Part::none && groups_[groups_[i].alternative].has_html && !plain_shown(i);
  }

  void drop(std::size_t i, std::string_view rule) {
    decisions_.push_back({label_of(mail_.parts[i]), rule});
    groups_[i].is_dropped = true;
  }
  [[nodiscard]] bool inside_report(std::size_t i) const {
    return groups_[i].report != mime::Part::none && groups_[i].report == mail_.parts[i].parent;
  }
  [[nodiscard]] bool has_children(std::size_t i) const { return i + 1 < mail_.parts.size() && mail_.parts[i + 1].parent == i; }

  const mime::Message& mail_;
  ArenaList<Decision>& decisions_;
  Arena& arena_;
  ArenaList<Group> groups_;  // one for each part
  ArenaList<std::size_t> texts_;
  ArenaList<std::size_t> attachments_;
  ArenaList<std::size_t> calendars_;
};

}  // namespace

bool is_html(const mime::Part& part) { return part.media_type == "text/html" || part.media_type == "application/xhtml+xml"; }

std::string_view label_of(const mime::Part& part) { return part.name.empty() ? part.media_type : part.name; }

SortedParts sort_parts(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena) {
  return Sorter(mail, decisions, arena).sort();
}

}  // namespace pushmail::convert
