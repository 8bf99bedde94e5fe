// Prints what our parser makes of mails, one JSON line for each file named on the command line.
#include "codec/mime/message.h"
#include "codec/mime/tolerances.h"
#include "tests/corpus/json.h"

using namespace pushmail;

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string mail = corpus::contents_of(argv[i]);
    corpus::Line line(argv[i]);
    auto message = mime::parse(bytes_of(mail));
    if (!message) {
      line.error(message.error().info->name);
      line.print();
      continue;
    }
    std::vector<mime::Tolerance> notes = message->tolerated;
    for (std::size_t at = 0; at < message->parts.size(); ++at) {
      const mime::Part& part = message->parts[at];
      line.part(part.depth, part.declared_type, part.name);
      const bool has_children = at + 1 < message->parts.size() && message->parts[at + 1].parent == at;
      if (has_children) continue;
      line.bytes(mime::decode_body(part, message->arena, &notes));
      if (part.media_type.starts_with("text/")) line.text(mime::decode_text(part, message->arena, &notes));
    }
    for (const mime::Tolerance& note : notes) line.note(note.rule);
    line.print();
  }
  return 0;
}
