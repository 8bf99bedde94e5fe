// MM7: the envelope against libxml2's DOM, whole requests in and out, and the road DeliverReq -> mail against libxml2 plus GMime's base64.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <gmime/gmime.h>
#include <libxml/parser.h>

#include <random>
#include <string>

#include "codec/convert/convert.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "codec/mm7/xml_readers.h"
#include "codec/simd/simd.h"

namespace pushmail {
namespace {

constexpr std::string_view ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

/// A DeliverReq as a Rel-6 MMSC writes it, pretty-printed, four recipients: 1,844 bytes with the terminal's profile filled up.
std::string make_envelope() {
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\n"
      "  <env:Header>\n"
      "    <mm7:TransactionID xmlns:mm7=\"{0}\" env:mustUnderstand=\"1\">rs-0501-20240630-0001</mm7:TransactionID>\n"
      "  </env:Header>\n"
      "  <env:Body>\n"
      "    <mm7:DeliverReq xmlns:mm7=\"{0}\">\n"
      "      <mm7:MM7Version>6.8.0</mm7:MM7Version>\n"
      "      <mm7:MMSRelayServerID>mmsc1.example</mm7:MMSRelayServerID>\n"
      "      <mm7:VASPID>pushmail</mm7:VASPID>\n"
      "      <mm7:VASID>inbox</mm7:VASID>\n"
      "      <mm7:LinkedID>link-9</mm7:LinkedID>\n"
      "      <mm7:Sender><mm7:Number>+15550100002</mm7:Number></mm7:Sender>\n"
      "      <mm7:Recipients>\n"
      "        <mm7:To>\n"
      "          <mm7:ShortCode>500017</mm7:ShortCode>\n"
      "          <mm7:RFC2822Address displayOnly=\"true\">joe@example.com</mm7:RFC2822Address>\n"
      "        </mm7:To>\n"
      "        <mm7:Cc>\n"
      "          <mm7:Number>+15550100003</mm7:Number>\n"
      "          <mm7:Number>+15550100004</mm7:Number>\n"
      "        </mm7:Cc>\n"
      "      </mm7:Recipients>\n"
      "      <mm7:TimeStamp>2024-06-30T12:40:00Z</mm7:TimeStamp>\n"
      "      <mm7:Priority>Normal</mm7:Priority>\n"
      "      <mm7:Subject>Re: photos &amp; more</mm7:Subject>\n"
      "      <mm7:UACapabilities UAProf=\"http://uaprof.example/terminal.xml\"/>\n"
      "      <mm7:Content href=\"cid:mo-0501@mmsc1.example\" allowAdaptations=\"true\"/>\n"
      "    </mm7:DeliverReq>\n"
      "  </env:Body>\n"
      "</env:Envelope>\n",
      ns);
  constexpr std::size_t wanted = 1844;
  PM_CHECK(xml.size() <= wanted);
  xml.insert(xml.find("terminal.xml"), std::string(wanted - xml.size(), 'x'));
  return xml;
}

Bytes random_bytes(std::size_t size) {
  std::mt19937 dice(7);
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(dice());
  return out;
}

struct Request {
  std::string content_type, body;
  std::string coded;      // the picture as it travels
  std::size_t bytes = 0;  // of the picture
};
/// The envelope, SMIL, a text and a picture of `size` bytes in base64.
Request make_request(std::size_t size) {
  const Bytes picture = random_bytes(size);
  std::string coded(simd::base64_encoded_size(size), '\0');
  coded.resize(simd::active().base64_encode(picture, {reinterpret_cast<std::uint8_t*>(coded.data()), coded.size()}));
  Request request{.content_type = "multipart/related; boundary=\"outer-b1\"; type=\"text/xml\"; start=\"<soap-1@mmsc1.example>\"",
                  .body = {},
                  .coded = coded,
                  .bytes = size};
  request.body = fmt::format(
      "--outer-b1\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <soap-1@mmsc1.example>\r\n\r\n{}\r\n"
      "--outer-b1\r\nContent-Type: multipart/related; boundary=\"inner-b2\"; type=\"application/smil\"; start=\"<smil-1>\"\r\n"
      "Content-ID: <mo-0501@mmsc1.example>\r\n\r\n"
      "--inner-b2\r\nContent-Type: application/smil; charset=\"utf-8\"; name=\"pres.smil\"\r\nContent-ID: <smil-1>\r\n\r\n"
      "<smil><body><par><text src=\"a.txt\"/><img src=\"p.jpg\"/></par></body></smil>\r\n"
      "--inner-b2\r\nContent-Type: text/plain; charset=\"utf-8\"; name=\"a.txt\"\r\nContent-ID: <t1>\r\nContent-Location: a.txt\r\n\r\n"
      "Hello from the beach. The picture is from this morning.\r\n"
      "--inner-b2\r\nContent-Type: image/jpeg; name=\"p.jpg\"\r\nContent-ID: <p1>\r\nContent-Location: p.jpg\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--inner-b2--\r\n--outer-b1--\r\n",
      make_envelope(), coded);
  return request;
}

void libxml2_dom(const std::string& xml) {
  xmlDoc* document = xmlReadMemory(xml.data(), static_cast<int>(xml.size()), nullptr, nullptr, XML_PARSE_NONET);
  benchmark::DoNotOptimize(document);
  xmlFreeDoc(document);
}

// ---- mm7.parse.envelope ----

void parse_envelope(benchmark::State& state) {
  const std::string xml = make_envelope();
  for (auto _ : state) {
    auto tree = mm7::parse_xml(bytes_of(xml));
    PM_CHECK(tree.has_value());
    benchmark::DoNotOptimize(tree);
  }
  state.SetItemsProcessed(state.iterations());
}
void parse_envelope_dom(benchmark::State& state) {
  const std::string xml = make_envelope();
  for (auto _ : state) libxml2_dom(xml);
  state.SetItemsProcessed(state.iterations());
}
void parse_envelope_sax(benchmark::State& state) {
  const std::string xml = make_envelope();
  for (auto _ : state) {
    auto tree = mm7::read_with_libxml2(xml);
    PM_CHECK(tree.has_value());
    benchmark::DoNotOptimize(tree);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_envelope)->Name("mm7.parse.envelope/pushmail");
BENCHMARK(parse_envelope_dom)->Name("mm7.parse.envelope/libxml2");
BENCHMARK(parse_envelope_sax)->Name("mm7.parse.fallback/pushmail");

// ---- whole messages ----

void parse_request(benchmark::State& state) {
  const Request request = make_request(100 * 1024);
  for (auto _ : state) {
    auto read = mm7::parse_request(request.content_type, bytes_of(request.body));
    PM_CHECK(read.has_value());
    benchmark::DoNotOptimize(read);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_request)->Name("mm7.parse.deliverreq.100k/pushmail");

void encode_submit(benchmark::State& state, bool with_content) {
  const Bytes picture = random_bytes(100 * 1024);
  MultimediaMessage mm;
  mm.parts.push_back({.media_type = "image/jpeg",
                      .charset = {},
                      .name = "p.jpg",
                      .content_id = "1.item@pm.example",
                      .content_location = "p.jpg",
                      .data = picture});
  mm7::SubmitReq request;
  request.transaction_id = "pm01J0000000000000000000001";
  request.sender = {.kind = mm7::AddressKind::short_code, .value = "50001742"};
  request.recipients = {{.field = mm7::RecipientField::to, .address = {.kind = mm7::AddressKind::number, .value = "15550100002"}}};
  request.message_class = "Personal";
  request.expiry = seconds(3 * 86'400);
  request.subject = "Hi";
  request.content = with_content ? &mm : nullptr;
  const mm7::Mm7Dialect dialect;
  for (auto _ : state) {
    auto entity = mm7::encode(request, dialect);
    benchmark::DoNotOptimize(entity);
  }
  state.SetItemsProcessed(state.iterations());
}

// ---- convert.deliverreq_to_mail ----

void deliver_to_mail(benchmark::State& state, std::size_t picture_size) {
  const Request request = make_request(picture_size);
  convert::MmToMailOptions options;
  options.from = {"", "+15550100002", "mms.example.net"};
  options.to = {{"Joe", "joe", "example.com"}};
  options.message_id = "01J0000000000000000000001@mms.example.net";
  options.our_domain = "mms.example.net";
  options.trace = "01J0000000000000000000001";
  std::size_t size = 0;
  for (auto _ : state) {
    auto read = mm7::parse_request(request.content_type, bytes_of(request.body));
    PM_CHECK(read.has_value());
    auto mail = convert::mm_to_mail(std::get<mm7::DeliverReq>(*read), options);
    PM_CHECK(mail.has_value());
    size = mail->size();
    benchmark::DoNotOptimize(mail);
  }
  PM_CHECK(size > request.coded.size());
  state.SetItemsProcessed(state.iterations());
}

/// libxml2's DOM of the envelope, and the picture through GMime's base64 both ways: the least that a road of these libraries does.
void deliver_to_mail_peers(benchmark::State& state, std::size_t picture_size) {
  const Request request = make_request(picture_size);
  const std::string xml = make_envelope();
  std::string decoded(request.coded.size(), '\0');
  std::string coded(request.coded.size() + request.coded.size() / 8 + 1024, '\0');
  for (auto _ : state) {
    libxml2_dom(xml);
    GMimeEncoding coding;
    g_mime_encoding_init_decode(&coding, GMIME_CONTENT_ENCODING_BASE64);
    const std::size_t size = g_mime_encoding_flush(&coding, request.coded.data(), request.coded.size(), decoded.data());
    PM_CHECK(size == request.bytes);
    g_mime_encoding_init_encode(&coding, GMIME_CONTENT_ENCODING_BASE64);
    benchmark::DoNotOptimize(g_mime_encoding_flush(&coding, decoded.data(), size, coded.data()));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
// A figure's name ends with its peer, so sizes are bound here and not by Arg().
const bool registered = [] {
  benchmark::RegisterBenchmark("mm7.encode.submitreq.100k/pushmail", encode_submit, true);
  benchmark::RegisterBenchmark("mm7.encode.envelope/pushmail", encode_submit, false);
  for (const std::size_t kib : {10U, 100U, 300U}) {
    const std::string name = fmt::format("convert.deliverreq_to_mail.{}k", kib);
    benchmark::RegisterBenchmark((name + "/pushmail").c_str(), deliver_to_mail, kib * 1024);
    benchmark::RegisterBenchmark((name + "/libxml2_gmime").c_str(), deliver_to_mail_peers, kib * 1024);
  }
  return true;
}();

}  // namespace
}  // namespace pushmail
