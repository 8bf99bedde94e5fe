// The HTTP server's grammar and the server itself, fed with a client's bytes in pieces.
//
// Rules that must hold: heads and chunks are read the same however they are cut; every answer is a well-formed response; each question
// to the sink is answered into one response; nothing is left when the connection has gone.
#include "dataplane/session/http_coding.h"
#include "dataplane/session/http_grammar.h"
#include "dataplane/session/http_server.h"
#include "dataplane/session/mm7_service.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace {

using namespace pushmail;

void check_fields(const http::Head& head) {
  for (const http::Field& field : head.fields) PM_CHECK(!field.name.empty() && field.value.find_first_of("\r\n") == std::string_view::npos);
}

void check_head(ByteView bytes, http::Dialect dialect) {
  std::size_t scanned = 0;
  Parsed<std::size_t> found = Parsed<std::size_t>::need_more();
  for (std::size_t size = 1; size <= bytes.size() && found.needs_more(); ++size) {
    found = http::find_head_end(bytes.first(size), scanned, dialect);
    scanned = size;
  }
  const auto whole = http::find_head_end(bytes, 0, dialect);
  if (bytes.empty()) return;
  PM_CHECK(whole.is_done() == found.is_done() && whole.is_bad() == found.is_bad());
  if (!whole.is_done()) return;
  PM_CHECK(whole.used() == found.used());
  if (dialect == http::Dialect::answer) {
    if (const auto head = http::parse_response_head(bytes.first(whole.used()))) check_fields(*head);
  } else if (const auto head = http::parse_request_head(bytes.first(whole.used()))) {
    check_fields(*head);
  }
}

struct Chunked {
  Bytes body;
  std::size_t used = 0;
  bool last = false;
  bool bad = false;
  bool operator==(const Chunked&) const = default;
};
Chunked unchunk(ByteView bytes, std::size_t piece, http::Dialect dialect) {
  http::ChunkReader reader(dialect);
  Chunked result;
  while (result.used < bytes.size() && !result.last) {
    const ByteView rest = bytes.subspan(result.used);
    const auto step = reader.read(rest.first(std::min(piece, rest.size())));
    if (!step) {
      result.bad = true;
      return result;
    }
    append(result.body, step->data);
    result.used += step->used;
    result.last = step->last;
  }
  return result;
}
void check_chunks(ByteView bytes) {
  for (const http::Dialect dialect : {http::Dialect::request, http::Dialect::answer}) {
    const Chunked whole = unchunk(bytes, bytes.size(), dialect);
    const Chunked pieces = unchunk(bytes, 1, dialect);
    PM_CHECK(whole.bad == pieces.bad && whole.last == pieces.last && whole.body == pieces.body);
  }
}

/// Whatever it is cut into, the same comes of it, and never more than was allowed.
void check_gunzip(ByteView bytes) {
  constexpr std::uint64_t size_max = 100'000;
  const auto gunzip = [&](std::size_t piece) {
    http::Gunzip reader(size_max);
    Bytes out;
    bool good = true;
    for (ByteView rest = bytes; good && !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
      good = reader.read(rest.first(std::min(piece, rest.size())), out).has_value();
    PM_CHECK(out.size() <= size_max + 16 * limits::KiB);
    return good && reader.is_whole() ? std::optional(out) : std::nullopt;
  };
  const auto whole = gunzip(bytes.size());
  // The ratio is seen earlier where less has come.
  const auto pieces = gunzip(7);
  PM_CHECK(!pieces || whole == pieces);
}

class AnswerAll final : public Mm7Sink {
 public:
  void on_mm7(Ticket ticket, Mm7Inbound inbound) override {
    PM_CHECK(inbound.peer == "mmsc");
    waiting.push_back(ticket);
  }
  std::vector<Ticket> waiting;
};

void check_server(ByteView bytes, std::size_t piece) {
  test::ManualClock clock;
  test::FakeNetwork network;
  network.chunk_size = piece;
  AnswerAll sink;
  HttpServerSettings settings;
  settings.body_size_max = 4096;
  Mm7Service service(sink);
  service.set_peers({{.name = "mmsc", .allow = {}, .credentials = {}, .service_code = {}}});
  HttpServer server(settings, service, clock);
  const Endpoint here = *parse_endpoint("198.51.100.1:80");
  PM_CHECK(network.listen(here, server).has_value());
  test::FakePeer peer;
  peer.stream = *network.connect(here, peer);
  std::size_t answered = 0;
  const auto settle = [&] {
    test::settle(network, clock.now(), [&] {
      server.tick(clock.now());
      for (; answered < sink.waiting.size(); ++answered) {
        const Ticket ticket = sink.waiting[answered];
        server.answer(ticket, service.reply_of(ticket, {.code = 1000, .text = "Success", .details = {}}));
      }
    });
  };
  settle();
  peer.say(text_of(bytes));
  settle();
  if (peer.stream != nullptr) peer.stream->finish();
  settle();
  for (int i = 0; i < 3; ++i) {
    clock.advance(seconds(700));
    settle();
  }
  PM_CHECK(server.connection_count() == 0);
  std::string_view heard = peer.heard;
  while (!heard.empty()) {
    const auto end = http::find_head_end(bytes_of(heard), 0, http::Dialect::request);
    PM_CHECK(end.is_done());
    const auto head = http::parse_response_head(bytes_of(heard).first(end.used()));
    PM_CHECK(head.has_value() && head->framing != http::Framing::until_close);
    heard.remove_prefix(end.used() + static_cast<std::size_t>(head->content_length));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  const ByteView bytes{data, size};
  for (const http::Dialect dialect : {http::Dialect::request, http::Dialect::answer}) {
    if (size < 2'000) check_head(bytes, dialect);
  }
  check_chunks(bytes);
  check_gunzip(bytes);
  check_server(bytes, 1 + data[size - 1] % 64);
  return 0;
}
