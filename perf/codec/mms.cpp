// MMS: a retrieval of 100 KB (SMIL, a text, a picture, a sound) in and out. Nothing of the parts is copied either way.
#include <benchmark/benchmark.h>

#include <random>

#include "codec/mms/pdu.h"

namespace pushmail {
namespace {

struct Album {
  Bytes smil, text, picture, sound;
  mms::Pdu pdu;

  Album() {
    const auto fill = [](std::string_view start, std::size_t size) {
      std::mt19937 dice(11);
      Bytes out(start.begin(), start.end());
      while (out.size() < size) out.push_back(static_cast<std::uint8_t>(dice()));
      return out;
    };
    smil = fill(
        "<smil><head><layout><root-layout width=\"240\" height=\"320\"/></layout></head><body><par dur=\"5s\"><img "
        "src=\"p.jpg\"/></par></body></smil>",
        0);
    text = fill("Gr\u00fc\u00dfe aus Z\u00fcrich, bis n\u00e4chste Woche", 0);
    picture = fill("\xFF\xD8\xFF\xE0", 90 * 1024);
    sound = fill("#!AMR\n", 10 * 1024);

    pdu.type = mms::MessageType::retrieve_conf;
    pdu.transaction_id = "T20240630123000-0001";
    pdu.message_id = "01J0000000000000000000001@mmsc1.example";
    pdu.date = 1'719'748'800;
    pdu.from = mms::From{.kind = mms::From::Kind::address, .address = "+15550100002/TYPE=PLMN"};
    pdu.to = {"+15550100003/TYPE=PLMN", "joe@example.com"};
    pdu.cc = {"+15550100004/TYPE=PLMN"};
    pdu.subject = "Urlaub \u2013 Gr\u00fc\u00dfe";
    pdu.message_class = "Personal";
    pdu.priority = static_cast<std::uint8_t>(mms::Priority::normal);
    pdu.delivery_report = false;
    pdu.read_report = false;
    pdu.has_content = true;
    pdu.content.parts = {{.media_type = "application/smil",
                          .charset = "utf-8",
                          .name = "pres.smil",
                          .content_id = "0.item@pm.example",
                          .content_location = "pres.smil",
                          .data = smil},
                         {.media_type = "text/plain",
                          .charset = "utf-8",
                          .name = "a.txt",
                          .content_id = "1.item@pm.example",
                          .content_location = "a.txt",
                          .data = text},
                         {.media_type = "image/jpeg",
                          .charset = {},
                          .name = "p.jpg",
                          .content_id = "2.item@pm.example",
                          .content_location = "p.jpg",
                          .data = picture},
                         {.media_type = "audio/amr",
                          .charset = {},
                          .name = "s.amr",
                          .content_id = "3.item@pm.example",
                          .content_location = "s.amr",
                          .data = sound}};
    pdu.content.presentation = 0;
  }
};

void decode_pdu(benchmark::State& state) {
  const Album album;
  const Bytes octets = mms::encode(album.pdu).value();
  for (auto _ : state) {
    const auto pdu = mms::decode(octets);
    PM_CHECK(pdu.has_value());
    benchmark::DoNotOptimize(pdu);
  }
}
BENCHMARK(decode_pdu)->Name("mms.decode.100k/pushmail");

void encode_pdu(benchmark::State& state) {
  const Album album;
  for (auto _ : state) {
    const auto gather = mms::encode_gather(album.pdu);
    PM_CHECK(gather.has_value());
    benchmark::DoNotOptimize(gather);
  }
}
BENCHMARK(encode_pdu)->Name("mms.encode.100k/pushmail");

}  // namespace
}  // namespace pushmail
