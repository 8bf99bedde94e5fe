// Prints what a person reads of mails, one JSON line for each file named on the command line: `read`, the text as the phone gets it; as
// parts the texts of the mail that it can come from; as notes the decisions.
#include "codec/convert/convert.h"
#include "codec/convert/sort_parts.h"
#include "codec/mime/message.h"
#include "codec/mime/unpack.h"
#include "tests/corpus/json.h"

using namespace pushmail;

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string mail = corpus::contents_of(argv[i]);
    corpus::Line line(argv[i]);
    convert::MailToMmOptions options;
    // One slide, and nothing left out: the question is what is read, not what fits.
    options.profile.smil = false;
    options.profile.size_max = 64 * 1024 * 1024;
    options.sender_in_text = false;
    const auto made = convert::mail_to_mm(bytes_of(mail), options);
    if (!made) {
      line.error(made.error().info->name);
      line.print();
      continue;
    }
    line.header("read", made->text_parts == 0 ? std::string_view() : text_of(made->mm.parts.front().data));
    Arena arena;
    for (const mime::Part& part : made->mail_parts) {
      const bool is_alternative = part.parent != mime::Part::none && made->mail_parts[part.parent].media_type == "multipart/alternative";
      const bool is_file = part.is_attachment || (!part.name.empty() && part.parent != mime::Part::none && !is_alternative);
      if (is_file || (part.media_type != "text/plain" && !convert::is_html(part))) continue;
      line.part(part.depth, part.media_type, part.name);
      line.text(mime::decode_text(part, arena));
    }
    for (const convert::Decision& decision : made->decisions) line.note(std::string(decision.what) + ": " + std::string(decision.rule));
    line.print();
  }
  return 0;
}
