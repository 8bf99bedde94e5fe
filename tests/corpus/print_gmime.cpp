// Prints what GMime makes of mails, in the same form as print.cpp.
#include <gmime/gmime.h>

#include <algorithm>
#include <vector>

#include "tests/corpus/json.h"

using namespace pushmail;

namespace {

struct Node {
  GMimeObject* object;
  std::size_t depth;
};

std::string lower(const char* text) {
  std::string out(text == nullptr ? "" : text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

void print_leaf(corpus::Line& line, GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) {
    line.bytes({});
  } else {
    GMimeStream* memory = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, memory);
    const GByteArray* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    line.bytes({array->data, array->len});
    g_object_unref(memory);
  }
  if (GMIME_IS_TEXT_PART(part)) {
    char* text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
    if (text != nullptr && g_utf8_validate(text, -1, nullptr)) line.text(text);
    g_free(text);
  }
}

void print_tree(corpus::Line& line, GMimeObject* root) {
  std::vector<Node> waiting{{root, 0}};
  while (!waiting.empty()) {
    const Node node = waiting.back();
    waiting.pop_back();
    if (node.object == nullptr) continue;
    char* type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(node.object));
    const char* name = GMIME_IS_PART(node.object) ? g_mime_part_get_filename(GMIME_PART(node.object)) : nullptr;
    line.part(node.depth, lower(type), name == nullptr ? "" : name);
    g_free(type);
    if (GMIME_IS_MULTIPART(node.object)) {
      auto* multipart = GMIME_MULTIPART(node.object);
      for (int i = g_mime_multipart_get_count(multipart); i-- > 0;)
        waiting.push_back({g_mime_multipart_get_part(multipart, i), node.depth + 1});
    } else if (GMIME_IS_MESSAGE_PART(node.object)) {
      GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(node.object));
      if (inner != nullptr) waiting.push_back({g_mime_message_get_mime_part(inner), node.depth + 1});
    } else if (GMIME_IS_PART(node.object)) {
      print_leaf(line, GMIME_PART(node.object));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  g_mime_init();
  for (int i = 1; i < argc; ++i) {
    const std::string mail = corpus::contents_of(argv[i]);
    corpus::Line line(argv[i]);
    GMimeStream* stream = g_mime_stream_mem_new_with_buffer(mail.data(), mail.size());
    GMimeParser* parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
    if (message == nullptr)
      line.error("no message");
    else
      print_tree(line, g_mime_message_get_mime_part(message));
    line.print();
    if (message != nullptr) g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
  }
  g_mime_shutdown();
  return 0;
}
