// The kernels against memcpy, GMime and glibc's iconv. Bytes counted: the encoded side of base64 and of quoted-printable decode, the plain
// side of quoted-printable encode, the input of charsets and checks. Every peer has its buffers ready, as the kernel has.
#include <benchmark/benchmark.h>
#include <gmime/gmime.h>
#include <iconv.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>

#include "codec/mime/message.h"
#include "codec/simd/simd.h"

namespace pushmail {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

/// Paragraphs of words drawn by a fixed seed, about `size` bytes, CRLF behind each. `gap` stands between words.
std::string text_from(std::span<const std::string_view> words, std::string_view gap, std::size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) {
    for (const std::size_t end = text.size() + 200 + random() % 400; text.size() < end;) {
      text += words[random() % words.size()];
      text += gap;
    }
    text += ".\r\n";
  }
  return text;
}

std::string english(std::size_t size) {
  static constexpr std::string_view words[] = {"the",   "message",  "was",  "sent",   "to",       "a",        "phone",
                                               "on",    "Thursday", "and",  "nobody", "answered", "before",   "noon,",
                                               "which", "is",       "rare", "for",    "our",      "customers"};
  return text_from(words, " ", size);
}
std::string french(std::size_t size) {
  static constexpr std::string_view words[] = {"l'été", "à",         "où",   "élève", "près",   "du",      "château", "fenêtre",
                                               "très",  "agréable,", "déjà", "reçu",  "le",     "message", "répété",  "êtes-vous",
                                               "prêt",  "là",        "naïf", "une",   "entrée", "gâtée"};
  return text_from(words, " ", size);
}
std::string japanese(std::size_t size) {
  static constexpr std::string_view words[] = {"日本語", "の",   "メール",     "を",   "携帯電話", "に",         "送ります",
                                               "。",     "明日", "は",         "会議", "が",       "あります",   "、",
                                               "写真",   "も",   "届きました", "東京", "から",     "ありがとう", "ございます"};
  return text_from(words, "", size);
}
std::string russian(std::size_t size) {
  static constexpr std::string_view words[] = {"сообщение", "было",  "отправлено", "на",      "телефон", "в",      "четверг",
                                               "и",         "никто", "не",         "ответил", "до",      "полудня"};
  return text_from(words, " ", size);
}

Bytes random_bytes(std::size_t size) {
  std::mt19937 random(1);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// Lines of 76 columns, CRLF; at most `size` bytes.
Bytes base64_text(std::size_t size) {
  const Bytes plain = random_bytes(size / 78 * 57);
  Bytes coded(simd::base64_encoded_size(plain.size()));
  simd::active().base64_encode(plain, coded);
  return coded;
}

/// Registers `step`, which does the whole input once, as NAME; `bytes` of it are counted.
void add(const std::string& name, std::size_t bytes, std::function<void()> step) {
  benchmark::RegisterBenchmark(name.c_str(), [bytes, step = std::move(step)](benchmark::State& state) {
    for (auto _ : state) {
      step();
      benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  });
}

void add_memcpy(const std::string& figure, std::size_t bytes) {
  add(figure + "/memcpy", bytes,
      [from = random_bytes(bytes), to = Bytes(bytes)]() mutable { std::memcpy(to.data(), from.data(), from.size()); });
}

void add_gmime(const std::string& figure, GMimeContentEncoding coding, const Bytes& in, bool encode) {
  add(figure + "/gmime", in.size(), [=, out = Bytes(in.size() * 4 + 64)]() mutable {
    GMimeEncoding state;
    if (encode)
      g_mime_encoding_init_encode(&state, coding);
    else
      g_mime_encoding_init_decode(&state, coding);
    const auto* from = reinterpret_cast<const char*>(in.data());
    auto* to = reinterpret_cast<char*>(out.data());
    const std::size_t written = g_mime_encoding_step(&state, from, in.size(), to);
    benchmark::DoNotOptimize(written + g_mime_encoding_flush(&state, from, 0, to + written));
  });
}

/// The kernels that this processor would run if it were a little older; the figure is what the newest ones gain. None below scalar.
const simd::Kernels* next_best() { return simd::all_supported().size() > 1 ? simd::all_supported()[1] : nullptr; }

void add_base64(const std::string& size_name, std::size_t size) {
  const Bytes text = base64_text(size);
  const std::string decode = "base64.decode.crlf76." + size_name;
  add(decode + "/pushmail", text.size(), [text, out = Bytes(simd::base64_decoded_max(text.size()))]() mutable {
    benchmark::DoNotOptimize(simd::active().base64_decode(text, out));
  });
  add_memcpy(decode, text.size());
  add_gmime(decode, GMIME_CONTENT_ENCODING_BASE64, text, false);
  if (const simd::Kernels* older = next_best()) {
    add(decode + "/" + std::string(older->name), text.size(), [text, older, out = Bytes(simd::base64_decoded_max(text.size()))]() mutable {
      benchmark::DoNotOptimize(older->base64_decode(text, out));
    });
  }
  const std::string encode = "base64.encode.crlf76." + size_name;
  const Bytes plain = random_bytes(size / 78 * 57);
  add(encode + "/pushmail", text.size(),
      [plain, out = Bytes(text.size())]() mutable { benchmark::DoNotOptimize(simd::active().base64_encode(plain, out)); });
  add_memcpy(encode, text.size());
  if (const simd::Kernels* older = next_best()) {
    add(encode + "/" + std::string(older->name), text.size(),
        [plain, older, out = Bytes(text.size())]() mutable { benchmark::DoNotOptimize(older->base64_encode(plain, out)); });
  }
}

/// What mail is like when it is not of 76 columns and CRLF.
void add_base64_other(const std::string& name, std::size_t columns, std::string_view line_end) {
  const Bytes text = base64_text(mib);
  Bytes other;
  std::size_t column = 0;
  for (const std::uint8_t c : text) {
    if (c == '\r' || c == '\n') continue;
    other.push_back(c);
    if (++column == columns) {
      append(other, line_end);
      column = 0;
    }
  }
  add("base64.decode." + name + ".1m/pushmail", other.size(), [other, out = Bytes(simd::base64_decoded_max(other.size()))]() mutable {
    benchmark::DoNotOptimize(simd::active().base64_decode(other, out));
  });
  add_memcpy("base64.decode." + name + ".1m", other.size());
}

void add_quoted_printable(const std::string& language, const std::string& text) {
  const Bytes plain(text.begin(), text.end());
  Bytes coded(simd::qp_encoded_max(plain.size()));
  coded.resize(simd::active().qp_encode(plain, coded, simd::QpMode::text));
  const std::string decode = "qp.decode." + language + ".1m";
  add(decode + "/pushmail", coded.size(),
      [coded, out = coded]() mutable { benchmark::DoNotOptimize(simd::active().qp_decode(coded, out)); });
  add_gmime(decode, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, coded, false);
  const std::string encode = "qp.encode." + language + ".1m";
  add(encode + "/pushmail", plain.size(), [plain, out = Bytes(simd::qp_encoded_max(plain.size()))]() mutable {
    benchmark::DoNotOptimize(simd::active().qp_encode(plain, out, simd::QpMode::text));
  });
  add_gmime(encode, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, plain, true);
}

void add_utf8(const std::string& language, const std::string& text) {
  const Bytes in(text.begin(), text.end());
  const std::string figure = "utf8.validate." + language + ".1m";
  add(figure + "/pushmail", in.size(), [in] { benchmark::DoNotOptimize(simd::active().utf8_valid_prefix(in)); });
  add_memcpy(figure, in.size());
}

/// `text`, which is UTF-8, in another charset.
Bytes in_charset(const std::string& text, const char* charset) {
  const iconv_t handle = iconv_open(charset, "UTF-8");
  Bytes out(text.size() * 3 + 64);
  char* from = const_cast<char*>(text.data());
  std::size_t left = text.size();
  char* to = reinterpret_cast<char*>(out.data());
  std::size_t room = out.size();
  while (iconv(handle, &from, &left, &to, &room) == static_cast<std::size_t>(-1) && left > 0) {
    // A letter that is cut at the end, or that the charset does not have.
    ++from;
    --left;
  }
  iconv(handle, nullptr, nullptr, &to, &room);
  iconv_close(handle);
  out.resize(out.size() - room);
  return out;
}

/// The kernel and iconv into buffers that are ready, and `mail`: mime::to_utf8 with all that it does for a part of a mail.
void add_charset(const std::string& figure, const char* charset, const std::string& text,
                 std::function<void(ByteView, MutableBytes)> kernel) {
  const Bytes in = in_charset(text, charset);
  add("charset." + figure + "/pushmail", in.size(),
      [in, kernel = std::move(kernel), out = Bytes(simd::charset_utf8_max(in.size()))]() mutable { kernel(in, out); });
  const iconv_t handle = iconv_open("UTF-8", charset);
  const auto with_iconv = [in, handle, out = Bytes(simd::charset_utf8_max(in.size()))]() mutable {
    char* from = reinterpret_cast<char*>(const_cast<std::uint8_t*>(in.data()));
    std::size_t left = in.size();
    char* to = reinterpret_cast<char*>(out.data());
    std::size_t room = out.size();
    iconv(handle, nullptr, nullptr, nullptr, nullptr);
    benchmark::DoNotOptimize(iconv(handle, &from, &left, &to, &room));
  };
  add("charset." + figure + "/iconv", in.size(), with_iconv);
  add("charset." + figure + ".mail/pushmail", in.size(),
      [in, label = std::string(charset)] { benchmark::DoNotOptimize(mime::to_utf8(in, label)); });
  add("charset." + figure + ".mail/iconv", in.size(), with_iconv);
}

void add_charsets() {
  constexpr std::size_t size = 64 * kib;
  const auto one_byte = [](const char* name) {
    return [charset = simd::single_byte_charset(name)](ByteView in, MutableBytes out) {
      benchmark::DoNotOptimize(simd::active().single_byte_to_utf8(in, out, *charset));
    };
  };
  add_charset("latin1", "ISO-8859-1", french(size), one_byte("CP1252"));
  add_charset("koi8r", "KOI8-R", russian(size), one_byte("KOI8-R"));
  add_charset("sjis", "SHIFT_JIS", japanese(size),
              [](ByteView in, MutableBytes out) { benchmark::DoNotOptimize(simd::active().shift_jis_to_utf8(in, out)); });
  add_charset("iso2022jp", "ISO-2022-JP", japanese(size),
              [](ByteView in, MutableBytes out) { benchmark::DoNotOptimize(simd::active().iso2022jp_to_utf8(in, out)); });
}

const bool registered = [] {
  g_mime_init();
  add_base64("64k", 64 * kib);
  add_base64("1m", mib);
  add_base64_other("lf64", 64, "\n");
  // Plain ASCII with soft breaks only, and the same with a line end every few lines.
  std::string one_line = english(mib);
  std::erase_if(one_line, [](char c) { return c == '\r' || c == '\n'; });
  add_quoted_printable("en", one_line);
  add_quoted_printable("en_lines", english(mib));
  add_quoted_printable("fr", french(mib));
  add_quoted_printable("jp", japanese(mib));
  add_utf8("en", english(mib));
  add_utf8("fr", french(mib));
  add_utf8("jp", japanese(mib));
  add_utf8("ru", russian(mib));
  add_charsets();
  return true;
}();

}  // namespace
}  // namespace pushmail
