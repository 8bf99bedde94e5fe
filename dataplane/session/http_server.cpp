#include "dataplane/session/http_server.h"

#include <array>
#include <deque>

#include <fmt/format.h>

#include "core/free_memory.h"
#include "core/timers.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/http_coding.h"
#include "dataplane/session/http_date.h"
#include "dataplane/session/http_grammar.h"

namespace pushmail {

namespace {

constexpr std::uint64_t unsent_size_max = 256 * limits::KiB;
constexpr http::ChunkReader request_chunks(http::Dialect::request);
constexpr std::size_t body_reserve_max = 64 * 1024;  // a Content-Length alone gets no more memory than this

enum class After : std::uint8_t { keep, close };

}  // namespace

class HttpServer::Connection final : public ServerConnection {
 public:
  enum class Reading : std::uint8_t { head, body, skip, nothing };

  Connection(HttpServer& server, Stream& stream)
      : ServerConnection(server.connections_, stream), server_(server), body_memory_(server.body_memory_) {}

  void on_data(ByteView bytes) override {
    note_received();
    if (reading_ == Reading::nothing) return;
    if (input_.empty()) {
      const std::size_t used = read(bytes);
      if (reading_ != Reading::nothing) append(input_, bytes.subspan(used));
    } else {
      append(input_, bytes);
      read_input();
    }
  }
  void on_end() override {
    // RFC 9112 §8: what was cut in its middle is no request; what came before it is answered.
    if (reading_ == Reading::body) answer_now(exchanges_.back(), 400, After::close);
    stop_and_send();
  }
  void on_close(CloseReason) override {
    for (const Exchange& exchange : exchanges_) server_.tickets_.give_back(exchange.ticket);
    server_.connections_.remove(*this);
  }

  /// Not this one: says so and closes.
  void turn_away(int status) {
    add_exchange();
    if (status == 403)
      answer_now(exchanges_.back(), status, After::close);
    else
      try_later(exchanges_.back(), status);
    stop_reading();
    send_answers();
  }
  void answer(std::uint64_t sequence, HttpReply reply) {
    Exchange& exchange = exchanges_[sequence - first_sequence_];
    write(exchange, reply.status, reply.content_type, reply.body, {});
    send_answers();
  }
  void refuse_temporarily(std::uint64_t sequence) {
    unavailable(exchanges_[sequence - first_sequence_]);
    send_answers();
  }

 private:
  /// One request and its answer. They leave in order of arrival (RFC 9112 §9.3.2).
  struct Exchange {
    Ticket ticket;
    std::string response;  // complete when answered, but for Connection and the empty line
    std::size_t body_at = 0;
    bool answered = false;
    bool wants_continue = false;
    After after = After::keep;
  };
  enum class Late : std::uint8_t { message, nothing_to_do };

  void on_drain() override {
    if (reading_ == Reading::body) exchanges_.back().after = After::close;
    // A head that has begun is read to its end, and a body that is only read past too: complete() closes behind it.
    const bool between_requests = reading_ == Reading::head && message_started_.ns == 0;
    if (between_requests) stop_and_send();
  }
  [[nodiscard]] bool blocked() const { return exchanges_.size() >= server_.settings_.pipelined_count_max || is_full(); }
  void go_on() override {
    if (blocked() || reading_ == Reading::nothing) return;
    resume_reading();
    read_input();
  }
  void check_deadlines(Instant now) override {
    if (message_started_.ns != 0) {
      const Duration most = reading_ == Reading::head ? server_.settings_.head_time : server_.settings_.message_time;
      const bool quiet = now - last_received() > server_.settings_.idle;
      if (reading_ != Reading::nothing && !blocked() && (quiet || now - message_started_ > most)) time_out(Late::message);
      return;
    }
    if (exchanges_.empty() && now - last_received() > server_.settings_.idle) time_out(Late::nothing_to_do);
  }

  void read_input() {
    Bytes input;
    input.swap(input_);
    const std::size_t used = read(input);
    if (reading_ == Reading::nothing) return;
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(used));
    input_ = std::move(input);
  }

  /// Takes what it can of `bytes`, state by state, and says how much.
  std::size_t read(ByteView bytes) {
    using Step = std::optional<std::size_t> (Connection::*)(ByteView);
    static constexpr std::array<Step, 3> steps{&Connection::read_head, &Connection::read_body, &Connection::read_body};
    std::size_t used = 0;
    while (reading_ != Reading::nothing) {
      if (reading_ == Reading::head && blocked()) {
        pause_reading();
        break;
      }
      const auto taken = (this->*steps[static_cast<std::size_t>(reading_)])(bytes.subspan(used));
      if (!taken) break;
      used += *taken;
    }
    return used;
  }

  std::optional<std::size_t> read_head(ByteView bytes) {
    // RFC 9112 §2.2: an empty line before a request is left over from an old client.
    if (bytes.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
      scanned_ = 0;
      return 2;
    }
    if (!bytes.empty() && message_started_.ns == 0) message_started_ = now();
    const auto end = http::find_head_end(bytes, scanned_, http::Dialect::request);
    if (end.needs_more()) {
      scanned_ = bytes.size();
      return std::nullopt;
    }
    scanned_ = 0;
    add_exchange();
    if (end.is_bad()) return refuse_and_stop(http::status_of(end.error()));
    const auto head = http::parse_request_head(bytes.first(end.used()));
    if (!head) return refuse_and_stop(http::status_of(head.error()));
    take_head(*head);
    return end.used();
  }

  void take_head(const http::RequestHead& head) {
    Exchange& exchange = exchanges_.back();
    if (!head.keep_alive || is_draining()) exchange.after = After::close;
    framing_ = head.framing;
    body_left_ = head.content_length;
    chunks_ = request_chunks;
    skipped_ = 0;
    const bool expects = !head.field("expect").empty();
    if (const int status = refusal(head); status != 0) {
      // A client that waits for 100 may or may not send its body now: only closing is unambiguous. Nor is a body read past that is
      // larger than any we take, or that comes from where nobody may speak.
      const bool readable = !expects && status != 403 && status != 413 && status != 429 && status != 503;
      if (status == 503 || status == 429)
        try_later(exchange, status);
      else
        answer_now(exchange, status, readable ? After::keep : After::close, admission_.fields);
      if (!readable) exchange.after = After::close;
      if (exchange.after == After::close) return stop_and_send();
      reading_ = Reading::skip;
      return send_answers();
    }
    content_type_ = head.field("content-type");
    body_ = std::make_unique<Bytes>();
    if (!begin_coding(head)) return;
    body_->reserve(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, body_reserve_max)));
    reading_ = Reading::body;
    // RFC 9110 §10.1.1: 1.0 clients do not know 100; without a body there is nothing to wait for.
    exchange.wants_continue = expects && head.minor_version >= 1 && framing_ != http::Framing::none;
    send_answers();
  }

  /// The status that refuses this head, or 0.
  int refusal(const http::RequestHead& head) {
    raise(Standing::unproven);
    admission_ = server_.service_.admit(
        head, {.source = source().ip, .is_named = server_.connections_.limiter().is_named(source().ip), .proof = stream().proof()}, now());
    if (admission_.is_last) exchanges_.back().after = After::close;
    if (admission_.refusal != 0) return admission_.refusal;
    if (admission_.is_proven) raise(Standing::proven);
    // RFC 9110 §10.1.1: any other expectation is refused.
    const std::string_view expect = head.field("expect");
    if (!expect.empty() && !ascii_equal_nocase(expect, "100-continue")) return 417;
    if (!http::request_coding_of(head.field("content-encoding"))) {
      // RFC 9110 §15.5.16: and what would have been right.
      admission_.fields = "Accept-Encoding: gzip\r\n";
      return 415;
    }
    if (head.content_length > server_.settings_.body_size_max) return 413;
    if (!server_.body_memory_.has_room(head.content_length) || !has_free_memory(head.content_length)) return 503;
    return 0;
  }

  /// False when there is no memory for it, which is answered already.
  bool begin_coding(const http::RequestHead& head) {
    if (http::request_coding_of(head.field("content-encoding")) != http::RequestCoding::gzip) return true;
    if (!body_memory_.grow(http::Gunzip::memory_size)) {
      no_memory();
      return false;
    }
    gunzip_ = std::make_unique<http::Gunzip>(server_.settings_.body_size_max);
    return true;
  }

  /// Both body and skip: the same framing, kept or thrown away.
  std::optional<std::size_t> read_body(ByteView bytes) {
    if (framing_ == http::Framing::chunked) return read_chunk(bytes);
    const ByteView data = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_)));
    body_left_ -= data.size();
    if (!keep_body(data)) return data.size();
    if (body_left_ == 0) {
      complete();
      return data.size();
    }
    return data.empty() ? std::nullopt : std::optional<std::size_t>{data.size()};
  }
  std::optional<std::size_t> read_chunk(ByteView bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto step = chunks_.read(bytes);
    if (!step) return refuse_and_stop(http::status_of(step.error()));
    if (!keep_body(step->data)) return step->used;
    if (step->last) complete();
    return step->used;
  }
  /// False when the body has become too much, which is answered already.
  bool keep_body(ByteView data) {
    if (reading_ == Reading::skip) {
      skipped_ += data.size();
      if (skipped_ <= server_.settings_.body_size_max) return true;
      stop_and_send();
      return false;
    }
    if (gunzip_) return keep_coded(data);
    if (body_->size() + data.size() > server_.settings_.body_size_max) {
      refuse_and_stop(413);
      return false;
    }
    if (!body_memory_.grow(data.size())) {
      no_memory();
      return false;
    }
    append(*body_, data);
    return true;
  }
  bool keep_coded(ByteView data) {
    const std::size_t before = body_->size();
    const auto read = gunzip_->read(data, *body_);
    if (!read) {
      refuse_and_stop(http::status_of(read.error()));
      return false;
    }
    if (!body_memory_.grow(body_->size() - before)) {
      no_memory();
      return false;
    }
    return true;
  }
  void no_memory() {
    unavailable(exchanges_.back());
    exchanges_.back().after = After::close;
    stop_and_send();
  }

  void complete() {
    const bool kept = reading_ == Reading::body;
    if (kept && gunzip_ && !gunzip_->is_whole()) {
      refuse_and_stop(http::status_of({.info = &http_bad_gzip}));
      return;
    }
    const bool close = kept ? exchanges_.back().after == After::close : is_draining();
    reading_ = close ? Reading::nothing : Reading::head;
    message_started_ = {};
    // The answer to what was read past is out already.
    if (!kept) return close ? stop_and_send() : void();
    exchanges_.back().wants_continue = false;
    deliver(exchanges_.back(), first_sequence_ + exchanges_.size() - 1);
  }

  void deliver(Exchange& exchange, std::uint64_t sequence) {
    body_memory_.clear();
    gunzip_.reset();
    exchange.ticket = server_.tickets_.take({.connection = this, .sequence = sequence});
    auto reply = server_.service_.take(
        exchange.ticket, {.memo = std::move(admission_.memo), .content_type = std::move(content_type_), .body = std::move(body_)});
    if (reply) answer(sequence, std::move(*reply));
  }

  // Answers.

  void add_exchange() { exchanges_.emplace_back(); }
  std::size_t refuse_and_stop(int status) {
    // A request whose body is only read past has its answer already.
    if (reading_ != Reading::skip) answer_now(exchanges_.back(), status, After::close);
    stop_and_send();
    return 0;
  }
  void answer_now(Exchange& exchange, int status, After after, std::string_view fields = {}) {
    ++server_.counts_.refused;
    if (after == After::close) exchange.after = After::close;
    write(exchange, status, {}, {}, fields);
  }
  void unavailable(Exchange& exchange) { try_later(exchange, 503); }
  void try_later(Exchange& exchange, int status) {
    ++(status == 503 ? server_.counts_.unavailable : server_.counts_.refused);
    write(exchange, status, {}, {}, fmt::format("Retry-After: {}\r\n", server_.settings_.retry_after.ns / 1'000'000'000));
  }
  void write(Exchange& exchange, int status, std::string_view content_type, ByteView body, std::string_view more) {
    server_.tickets_.give_back(exchange.ticket);
    exchange.wants_continue = false;
    exchange.answered = true;
    exchange.response = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Length: {}\r\n", status, http::reason_of(status),
                                    http::format_date(server_.clock_.wall()), body.size());
    if (!content_type.empty()) exchange.response += fmt::format("Content-Type: {}\r\n", content_type);
    exchange.response += more;
    // The head stays open: whether the connection closes after this answer is known when it is sent.
    exchange.body_at = exchange.response.size();
    exchange.response += text_of(body);
  }
  void send_answers() {
    if (is_finishing()) return;
    const bool was_blocked = blocked();
    while (!exchanges_.empty() && exchanges_.front().answered) {
      Exchange exchange = std::move(exchanges_.front());
      exchanges_.pop_front();
      ++first_sequence_;
      const bool last = exchange.after == After::close || (reading_ == Reading::nothing && exchanges_.empty());
      exchange.response.insert(exchange.body_at, last ? "Connection: close\r\n\r\n" : "\r\n");
      send(exchange.response);
      if (last) return finish();
    }
    if (!exchanges_.empty() && exchanges_.front().wants_continue) {
      exchanges_.front().wants_continue = false;
      send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (exchanges_.empty() && reading_ == Reading::nothing) return finish();
    if (was_blocked && !blocked()) become_runnable();
  }
  void finish() {
    stop_reading();
    finish_stream();
  }

  void stop_reading() {
    reading_ = Reading::nothing;
    message_started_ = {};
    drop_body();
    input_ = {};
  }
  void stop_and_send() {
    stop_reading();
    send_answers();
  }
  void drop_body() {
    body_memory_.clear();
    body_.reset();
    gunzip_.reset();
  }
  void time_out(Late late) {
    ++server_.counts_.timed_out;
    if (late == Late::nothing_to_do) return finish();
    if (reading_ == Reading::skip) return abort();
    if (reading_ == Reading::head) add_exchange();
    refuse_and_stop(408);
  }

  HttpServer& server_;
  Reading reading_ = Reading::head;
  Bytes input_;              // not read yet: part of a head, or requests that wait
  std::size_t scanned_ = 0;  // of a head that is not complete
  std::deque<Exchange> exchanges_;
  std::uint64_t first_sequence_ = 0;  // of exchanges_.front()

  // The request whose body is being read.
  HttpAdmission admission_;
  std::string content_type_;
  std::unique_ptr<Bytes> body_;
  std::unique_ptr<http::Gunzip> gunzip_;  // where it comes compressed
  MemoryShare body_memory_;
  http::Framing framing_ = http::Framing::none;
  std::uint64_t body_left_ = 0;
  std::uint64_t skipped_ = 0;
  http::ChunkReader chunks_ = request_chunks;

  Instant message_started_{};  // zero between requests
};

HttpServer::HttpServer(const HttpServerSettings& settings, HttpService& service, const Clock& clock)
    : settings_(settings),
      service_(service),
      clock_(clock),
      body_memory_(settings_.body_memory_max),
      connections_(
          {.connections = settings_.connections, .unsent_size_max = unsent_size_max, .idle = settings_.idle, .linger = settings_.linger},
          counts_, clock.now()) {}

HttpServer::~HttpServer() = default;

void HttpServer::on_accept(Stream& stream) {
  using enum ServerConnections::Welcome;
  const IpAddress source = stream.peer().ip;
  auto made = std::make_unique<Connection>(*this, stream);
  Connection& connection = *made;
  const int unwanted = connections_.limiter().is_named(source) ? 0 : service_.refusal_at_accept(source, connections_.now());
  const auto welcome = connections_.add(std::move(made), unwanted == 0 ? ServerConnections::Wanted::yes : ServerConnections::Wanted::no);
  if (welcome == served) return;
  const int refusal = unwanted == 0 ? 503 : unwanted;
  refusals_.note(source, http::reason_of(refusal), connections_.now());
  if (welcome == refused)
    connection.turn_away(refusal);
  else
    stream.abort();
}

void HttpServer::answer(Ticket ticket, HttpReply reply) {
  const auto question = tickets_.find(ticket);
  if (!question) {
    ++counts_.late_answers;
    return;
  }
  question->connection->answer(question->sequence, std::move(reply));
}

void HttpServer::refuse_temporarily(Ticket ticket) {
  const auto question = tickets_.find(ticket);
  if (!question) {
    ++counts_.late_answers;
    return;
  }
  question->connection->refuse_temporarily(question->sequence);
}

}  // namespace pushmail
