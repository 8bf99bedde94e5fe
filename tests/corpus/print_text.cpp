// Prints what a person reads of mails, one JSON line for each file named on the command line: `read`, the text as the phone gets it; as
// parts the texts of the mail that it can come from, with their place: the mail, or what a report returns; as notes the decisions.
#include <algorithm>

#include "codec/convert/convert.h"
#include "codec/convert/sort_parts.h"
#include "codec/mime/message.h"
#include "codec/mime/unpack.h"
#include "tests/corpus/json.h"

using namespace pushmail;

namespace {

/// Whether it lies in the mail that a report is about, which whoever reads the report wrote himself.
bool is_returned(const std::vector<mime::Part>& parts, std::size_t index) {
  const auto is_for_machines = [&](const mime::Part& part) {
    return part.media_type == "message/delivery-status" || part.media_type == "message/disposition-notification";
  };
  for (std::size_t at = index; parts[at].parent != mime::Part::none; at = parts[at].parent) {
    const std::size_t parent = parts[at].parent;
    if (!parts[at].media_type.starts_with("message/")) continue;
    const auto is_beside = [&](const mime::Part& part) { return part.parent == parent && is_for_machines(part); };
    if (parts[parent].media_type == "multipart/report" || std::any_of(parts.begin(), parts.end(), is_beside)) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string mail = corpus::contents_of(argv[i]);
    corpus::Line line(argv[i]);
    convert::MailToMmOptions options;
    // One slide, and nothing left out: the question is what is read, not what fits.
    options.profile.smil = false;
    options.profile.size_max = 64 * 1024 * 1024;
    options.profile.encoded_size_max = 0;
    options.profile.text_size_max = 0;
    options.profile.subject_length_max = 0;
    options.sender_in_text = false;
    const auto made = convert::mail_to_mm(bytes_of(mail), options);
    if (!made) {
      line.error(made.error().info->name);
      line.print();
      continue;
    }
    line.header("read", made->text_parts == 0 ? std::string_view() : text_of(made->mm.parts.front().data));
    Arena arena;
    for (std::size_t at = 0; at < made->mail_parts.size(); ++at) {
      const mime::Part& part = made->mail_parts[at];
      const bool is_alternative = part.parent != mime::Part::none && made->mail_parts[part.parent].media_type == "multipart/alternative";
      const bool is_file = part.is_attachment || (!part.name.empty() && part.parent != mime::Part::none && !is_alternative);
      if (is_file || (part.media_type != "text/plain" && !convert::is_html(part))) continue;
      line.part(part.depth, part.media_type, part.name);
      line.detail("place", is_returned(made->mail_parts, at) ? "returned" : "mail");
      line.text(mime::decode_text(part, arena));
    }
    for (const convert::Decision& decision : made->decisions) line.note(std::string(decision.what) + ": " + std::string(decision.rule));
    line.print();
  }
  return 0;
}
