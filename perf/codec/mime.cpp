// Whole mails: structure and every body decoded, against GMime doing the same. `.structure` figures are ours without decoding.
#include <benchmark/benchmark.h>
#include <gmime/gmime.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "codec/mime/compose.h"
#include "codec/mime/message.h"

namespace {

using namespace pushmail;

/// A letter with text, HTML and a picture of random bytes, about `size` bytes in all.
std::string with_picture(std::size_t size) {
  std::mt19937 random(7);
  Bytes picture(size * 57 / 78 - 2000);
  for (std::uint8_t& byte : picture) byte = static_cast<std::uint8_t>(random());
  Bytes out;
  append(out, std::string_view("From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nTo: Ann <ann@example.com>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
                               "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  std::string text;
  while (text.size() < 1500) text += "Grüße aus Bern, wo es schneit und niemand etwas anderes erwartet hat.\r\n";
  mime::write_body(out, bytes_of(text), mime::BodyForm::quoted_printable);
  append(out, std::string_view("\r\n--outer\r\nContent-Type: image/jpeg; name=\"bern.jpg\"\r\nContent-Disposition: attachment; filename=\"bern.jpg\"\r\n"));
  mime::write_body(out, picture, mime::BodyForm::base64);
  append(out, std::string_view("\r\n--outer--\r\n"));
  return {out.begin(), out.end()};
}

using Mails = std::vector<std::string>;

/// The mails of PUSHMAIL_CORPUS when that is set, else our own samples.
Mails real_mails() {
  const char* named = std::getenv("PUSHMAIL_CORPUS");
  Mails mails;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(named != nullptr ? named : "tests/fuzz/seeds/mime_parse", error)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::string mail{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!mail.empty()) mails.push_back(std::move(mail));
  }
  return mails;
}

enum class Decode : bool { no, yes };

void ours(benchmark::State& state, const Mails& mails, Decode decode) {
  mime::Message message;
  for (auto _ : state) {
    for (const std::string& mail : mails) {
      auto parsed = mime::parse(bytes_of(mail), std::move(message));
      message = parsed ? std::move(*parsed) : mime::Message{};
      if (decode == Decode::no) continue;
      for (const mime::Part& part : message.parts) {
        if (part.is_multipart()) continue;
        if (part.media_type.starts_with("text/")) benchmark::DoNotOptimize(mime::decode_text(part, message.arena).data());
        else benchmark::DoNotOptimize(mime::decode_body(part, message.arena).data());
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mails.size()));
}

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

void gmime(benchmark::State& state, const Mails& mails) {
  for (auto _ : state) {
    for (const std::string& mail : mails) {
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
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mails.size()));
}

const bool registered = [] {
  g_mime_init();
  static const struct {
    std::string name;
    Mails mails;
  } sets[] = {{"mime.parse.real", real_mails()}, {"mime.parse.100k", {with_picture(100'000)}}, {"mime.parse.300k", {with_picture(300'000)}}};
  for (const auto& set : sets) {
    benchmark::RegisterBenchmark((set.name + "/pushmail").c_str(), [&set](benchmark::State& state) { ours(state, set.mails, Decode::yes); });
    benchmark::RegisterBenchmark((set.name + "/gmime").c_str(), [&set](benchmark::State& state) { gmime(state, set.mails); });
    benchmark::RegisterBenchmark((set.name + ".structure/pushmail").c_str(), [&set](benchmark::State& state) { ours(state, set.mails, Decode::no); });
  }
  return true;
}();

}  // namespace
