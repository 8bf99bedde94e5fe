#include "perf/codec/mails.h"

#include <benchmark/benchmark.h>
#include <gmime/gmime.h>

#include <random>

#include "codec/mime/compose.h"

namespace pushmail::perf {
namespace {

void decode_part(GMimeObject*, GMimeObject* object, gpointer) {
  if (!GMIME_IS_PART(object)) return;
  GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(object));
  if (content == nullptr) return;
  if (GMIME_IS_TEXT_PART(object)) {
    char* text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
    benchmark::DoNotOptimize(text);
    g_free(text);
    return;
  }
  GMimeStream* memory = g_mime_stream_mem_new();
  g_mime_data_wrapper_write_to_stream(content, memory);
  g_object_unref(memory);
}

}  // namespace

std::string letter_with_picture(std::size_t size) {
  std::mt19937 random(7);
  Bytes picture(size * 57 / 78 - 2000);
  for (std::uint8_t& byte : picture) byte = static_cast<std::uint8_t>(random());
  std::string mail =
      "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nTo: Ann <ann@example.com>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\nContent-Type: text/plain; "
      "charset=utf-8\r\n";
  std::string text;
  while (text.size() < 1500) text += "Grüße aus Bern, wo es schneit und niemand etwas anderes erwartet hat.\r\n";
  Bytes body;
  mime::write_body(body, bytes_of(text), mime::BodyForm::quoted_printable);
  mail += text_of(body);
  mail += "\r\n--outer\r\nContent-Type: image/jpeg; name=\"bern.jpg\"\r\nContent-Disposition: attachment; filename=\"bern.jpg\"\r\n";
  body.clear();
  mime::write_body(body, picture, mime::BodyForm::base64);
  mail += text_of(body);
  return mail + "\r\n--outer--\r\n";
}

void gmime_parse_and_decode(const std::string& mail) {
  GMimeStream* stream = g_mime_stream_mem_new_with_buffer(mail.data(), mail.size());
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
  if (message != nullptr) {
    g_mime_message_foreach(message, decode_part, nullptr);
    g_object_unref(message);
  }
  g_object_unref(parser);
  g_object_unref(stream);
}

}  // namespace pushmail::perf
