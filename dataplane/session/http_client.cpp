#include "dataplane/session/http_client.h"
#include "core/timers.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/errors.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/http_client_state.h"
#include "dataplane/session/http_coding.h"
#include "dataplane/session/http_date.h"
#include "dataplane/session/http_grammar.h"
#include "dataplane/session/lent.h"

namespace pushmail {

namespace {

constexpr http::ChunkReader answer_chunks(http::Dialect::answer);

}  // namespace

class HttpClient::Connection final : public ClientConnection {
 public:
  using State = HttpClientState;
  using Event = HttpClientEvent;

  explicit Connection(HttpClient& client) : client_(client), since_(client.now_) {}
  ~Connection() override {
    if (job_) release_lent(job_->request.body);
  }

  void on_open() override {
    opened_ = true;
    move(Event::opened);
    client_.start_waiting();
  }
  void on_data(ByteView bytes) override {
    if (state_ == State::closing) return;
    // Nobody asked: what follows could be taken for the answer of the next request.
    if (!job_) return abort_with(http_answer_cut);
    answer_begun_ = true;
    append(input_, bytes);
    read_answer();
  }
  void on_sent() override {
    all_sent_ = state_ != State::half_sent;
    if (all_sent_) return;
    client_.faults_.at(fault_point::submit_req_half);
    move(Event::go_on);
    lend(std::exchange(second_half_, {}));
  }
  void on_end() override {
    if (state_ == State::closing) return stream().finish();
    // Where a stream can tell a whole end from one that somebody cut, only the whole one ends such a body.
    if (job_ && head_ && framing_ == http::Framing::until_close && stream().failure() == nullptr) return complete();
    learn_from_close();
    if (!job_) return finish();
    abort_with(http_answer_cut);
  }
  void on_close(CloseReason reason) override {
    HttpClient& client = client_;
    if (reason == CloseReason::reset_by_peer && state_ != State::closing) learn_from_close();
    const bool was_opening = !opened_;
    const ErrorInfo& why = reason_or(was_opening ? http_no_connection : http_answer_cut);
    // In TLS 1.3 we may write before the peer has looked at our certificate; one that refuses it has read nothing (RFC 8446 §4.4.2).
    const bool is_refused = answers_ == 0 && stream().failure() == &core_tls_ours_refused;
    const Ending ending = answer_begun_ ? Ending::cut : is_refused || is_unread(request_offset_) ? Ending::unread : Ending::silent;
    const Use use = answers_ == 0 ? Use::fresh : Use::reused;
    const bool whole = answer_whole_;
    const bool stalled = ended_by(http_answer_late) && client.target_.is_silent_since(started_);
    HttpAnswer answer = std::move(answer_);
    std::optional<digest::Challenge> challenge = std::move(challenge_);
    std::optional<Job> job = std::exchange(job_, std::nullopt);
    client.connections_.forget(*this);  // `this` is gone, and the stream has let go of the body
    if (job && whole)
      client.conclude(std::move(*job), std::move(answer), std::move(challenge));
    else if (job)
      client.ended(std::move(*job), ending, use, why);
    if (was_opening) client.connection_failed(why);
    if (stalled) client.fail_all(client.queue_, why);
  }

  void start(Job job) {
    const HttpClientSettings& settings = client_.settings_;
    move(Event::start);
    started_ = client_.clock_.now();
    request_offset_ = given_size();
    head_ = false;
    answer_begun_ = false;
    answer_whole_ = false;
    all_sent_ = false;
    input_.clear();
    body_.clear();
    chunks_ = answer_chunks;
    compress(job);
    const ByteView body = job.request.body.bytes;
    std::string head = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n", settings.path, settings.host);
    head += client_.authorization_of(job);
    // TS 23.140 §10.1: the header is there, its value is the empty string in quotes; some peers want another.
    head +=
        fmt::format("SOAPAction: \"{}\"\r\nAccept-Encoding: gzip\r\nContent-Type: {}\r\n{}Content-Length: {}\r\n\r\n", settings.soap_action,
                    job.request.content_type, job.coding == http::RequestCoding::gzip ? "Content-Encoding: gzip\r\n" : "", body.size());
    job_ = std::move(job);
    send(head);
    if (body.empty()) return;
    if (!client_.faults_.armed() || body.size() < 2) return lend(body);
    move(Event::hold_half);
    second_half_ = body.subspan(body.size() / 2);
    lend(body.first(body.size() / 2));
  }

  void check_deadlines(Instant now) {
    const Duration waited = now - since_;
    const HttpClientSettings& settings = client_.settings_;
    switch (state_) {
      case State::opening:
        if (waited > settings.connect_time) abort_with(http_connect_late);
        return;
      case State::idle:
        if (waited > settings.keep || worn_out(now)) finish();
        return;
      case State::half_sent:
      case State::waiting:
        if (waited > settings.answer_time) abort_with(http_answer_late);
        return;
      case State::closing:
        if (waited > timers::session_linger) stream().abort();
        return;
    }
  }
  void abort_with(const ErrorInfo& why) {
    move(Event::close);
    abort_stream(why);
  }
  void finish() {
    move(Event::close);
    stream().finish();
  }
  /// May take a request now. One that has just answered may not: its FIN may come with the next poll.
  [[nodiscard]] bool usable() const {
    if (state_ != State::idle) return false;
    return is_new() || (client_.turn_ > answered_turn_ + 1 && !worn_out(client_.now_));
  }
  [[nodiscard]] bool is_new() const { return answers_ == 0; }
  [[nodiscard]] bool established() const { return opened_ && state_ != State::closing; }
  [[nodiscard]] State state() const { return state_; }
  /// When its request began.
  [[nodiscard]] Instant started() const { return started_; }

 private:
  void move(Event event) {
    // A request's clock starts once, not again for its second half.
    if (event != Event::go_on) since_ = client_.now_;
    state_.move(event);
  }
  /// Once for all tries of a request: a second one sends the same bytes.
  void compress(Job& job) const {
    if (client_.settings_.coding == http::RequestCoding::none || job.coding != http::RequestCoding::none) return;
    auto coded = http::gzipped(job.request.body.bytes);
    if (!coded) return;
    release_lent(job.request.body);
    job.request.body = lend_own(std::move(*coded));
    job.coding = http::RequestCoding::gzip;
  }
  [[nodiscard]] bool worn_out(Instant now) const {
    const std::uint32_t most = client_.requests_max(now);
    return most != 0 && answers_ >= most;
  }
  /// The peer ends a connection that it had promised to keep.
  void learn_from_close() {
    const Instant now = client_.clock_.now();
    if (answers_ == 0 || answer_begun_ || now - answered_at_ > timers::close_follows) return;
    ++client_.totals_.closed_unannounced;
    client_.request_limit_.on_unannounced_close(answers_, now);
  }

  void read_answer() {
    while (!head_) {
      const auto end = http::find_head_end(input_, 0, http::Dialect::answer);
      if (end.needs_more()) return;
      if (end.is_bad()) return abort_with(*end.error().info);
      const auto head = http::parse_response_head(ByteView{input_}.first(end.used()));
      if (!head) return abort_with(*head.error().info);
      take_head(*head);
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(end.used()));
      if (state_ == State::closing) return;
    }
    read_body();
  }

  void take_head(const http::ResponseHead& head) {
    // RFC 9110 §15.2: interim answers come before the real one. 101 answers an Upgrade that we never ask for.
    if (head.status == 101) return abort_with(http_bad_status_line);
    if (head.status < 200) return;
    head_ = true;
    answer_ = {.status = head.status,
               .content_type = std::string(head.field("content-type")),
               .body = {},
               .retry_after = http::parse_retry_after(head.field("retry-after"), head.field("date"), client_.clock_.wall())};
    challenge_ = head.status == 401 ? digest::best_challenge(head.fields) : std::nullopt;
    codings_ = head.field("content-encoding");
    framing_ = head.framing;
    body_left_ = head.content_length;
    keep_alive_ = head.keep_alive;
  }

  void read_body() {
    using http::Framing;
    std::size_t used = 0;
    bool last = framing_ == Framing::none;
    if (framing_ == Framing::length) {
      used = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input_.size()));
      append(body_, ByteView{input_}.first(used));
      body_left_ -= used;
      last = body_left_ == 0;
    } else if (framing_ == Framing::until_close) {
      used = input_.size();
      append(body_, ByteView{input_});
    } else if (framing_ == Framing::chunked) {
      while (used < input_.size() && !last) {
        const auto step = chunks_.read(ByteView{input_}.subspan(used));
        if (!step) return abort_with(*step.error().info);
        append(body_, step->data);
        used += step->used;
        last = step->last;
      }
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
    if (body_.size() + (framing_ == Framing::length ? body_left_ : 0) > client_.settings_.answer_size_max) return too_large();
    if (last) complete();
  }
  /// A refusal stays a refusal without its page; a 200 that cannot be read leaves it open what the peer did.
  void too_large() {
    keep_alive_ = false;
    if (answer_.status < 300) return abort_with(http_body_too_large);
    body_.clear();
    complete();
  }

  void complete() {
    // What cannot be decoded says nothing, whoever reads it.
    answer_.body = http::decode_content(std::move(body_), codings_, client_.settings_.answer_size_max).value_or(Bytes());
    body_ = {};
    answered_at_ = client_.clock_.now();
    answered_turn_ = client_.turn_;
    ++answers_;
    client_.answered(answer_.status, started_);
    // An answer to a request that is not out whole: the body is the lender's again once the stream is dead.
    if (!all_sent_) {
      answer_whole_ = true;
      move(Event::close);
      return stream().abort();
    }
    answer_begun_ = false;
    // More bytes than the answer: nobody asked for them.
    if (!keep_alive_ || !input_.empty() || worn_out(answered_at_) || client_.closing_)
      finish();
    else
      move(Event::answered);
    client_.conclude(*std::exchange(job_, std::nullopt), std::exchange(answer_, {}), std::exchange(challenge_, std::nullopt));
  }

  HttpClient& client_;
  StateBy<http_client_steps, State::opening> state_;
  Instant since_;
  bool opened_ = false;
  bool all_sent_ = true;
  std::uint32_t answers_ = 0;  // whole ones
  Instant answered_at_{};
  std::uint64_t answered_turn_ = 0;

  std::optional<Job> job_;  // the one that is out
  Instant started_{};
  std::uint64_t request_offset_ = 0;  // its first byte, in what was given to the stream
  ByteView second_half_;              // only with fault points

  Bytes input_;
  bool answer_begun_ = false;
  bool answer_whole_ = false;  // and told when the stream is dead
  bool head_ = false;
  HttpAnswer answer_;
  std::optional<digest::Challenge> challenge_;  // of a 401
  Bytes body_;
  std::string codings_;
  http::Framing framing_ = http::Framing::none;
  std::uint64_t body_left_ = 0;
  bool keep_alive_ = false;
  http::ChunkReader chunks_ = answer_chunks;
};

HttpClient::HttpClient(Network& network, HttpClientSettings settings, HttpClientEvents& events, const Clock& clock, FaultPoints faults)
    : network_(network),
      settings_(std::move(settings)),
      events_(events),
      clock_(clock),
      faults_(faults),
      now_(clock.now()),
      target_(settings_.connections_max) {}

HttpClient::~HttpClient() {
  for (const auto* jobs : {&resends_, &queue_}) {
    for (const Job& job : *jobs) release_lent(job.request.body);
  }
}

Result<std::uint64_t> HttpClient::post(HttpRequest request) {
  if (closing_) {
    release_lent(request.body);
    return pushmail::fail(http_closing);
  }
  queue_.push_back({.id = ++last_id_, .request = std::move(request)});
  return last_id_;
}

HttpClient::Pool HttpClient::pool() const {
  Pool pool;
  for (const auto& connection : connections_) {
    switch (connection->state()) {
      case Connection::State::opening:
        ++pool.opening;
        break;
      case Connection::State::idle:
        ++pool.idle;
        break;
      case Connection::State::half_sent:
      case Connection::State::waiting:
        ++pool.busy;
        if (target_.concurrency.is_passed_over(connection->started(), now_)) ++pool.passed_over;
        break;
      case Connection::State::closing:
        break;
    }
  }
  return pool;
}

/// No more than wait, never more than the peer may have now. Those that close count too, but twice the contract is room for them.
bool HttpClient::may_open(const Pool& pool) const {
  if (!target_.may_open(now_) || connections_.size() >= 2 * std::size_t{settings_.connections_max}) return false;
  const std::size_t for_queue = queue_.size() - std::min<std::size_t>(queue_.size(), pool.idle);
  return target_.concurrency.has_place(pool.all(), pool.passed_over) && pool.opening < resends_.size() + for_queue;
}

std::uint32_t HttpClient::requests_max(Instant now) const {
  const std::uint32_t learnt = request_limit_.at(now);
  const std::uint32_t configured = settings_.requests_per_connection;
  return learnt != 0 && configured != 0 ? std::min(learnt, configured) : std::max(learnt, configured);
}

bool HttpClient::has_work() const {
  if (resends_.empty() && queue_.empty()) return false;
  const Pool now = pool();
  // An idle one that has just answered is usable after the next poll.
  return (!queue_.empty() && now.idle > 0 && target_.concurrency.has_place(now.busy, now.passed_over)) || may_open(now);
}

void HttpClient::start_waiting() {
  Pool now = pool();
  for (const auto& connection : connections_) {
    if (!target_.concurrency.has_place(now.busy, now.passed_over)) return;
    if (!connection->usable()) continue;
    if (connection->is_new() && !resends_.empty())
      start_on(*connection, resends_);
    else if (!queue_.empty())
      start_on(*connection, queue_);
    else
      continue;
    ++now.busy;
  }
}

void HttpClient::start_on(Connection& connection, std::deque<Job>& from) {
  Job job = std::move(from.front());
  from.pop_front();
  job.duplicate_possible = job.marked;
  connection.start(std::move(job));
}

/// A resend wants a new connection: where the peer has no more to give, a kept one that is idle makes room.
void HttpClient::make_room_for_resends() {
  const Pool now = pool();
  if (resends_.size() <= now.opening || target_.concurrency.has_place(now.all(), now.passed_over)) return;
  const auto is_kept = [](const Connection& each) { return each.state() == Connection::State::idle && !each.is_new(); };
  if (Connection* kept = connections_.find(is_kept)) kept->finish();
}

bool HttpClient::open_connection() {
  auto connection = std::make_unique<Connection>(*this);
  return connections_.open(network_, settings_.endpoint, connection).has_value();
}

void HttpClient::tick(Instant now) {
  now_ = now;
  ++turn_;
  make_room_for_resends();
  start_waiting();
  while (may_open(pool())) {
    if (open_connection()) continue;
    connection_failed(http_no_connection);
    break;
  }
  connections_.check_deadlines(now);
}

void HttpClient::answered(int status, Instant started) {
  const Instant now = clock_.now();
  target_.note_answer(now);
  // RFC 9110 §15.6.4, RFC 6585 §4.
  if (status == 503 || status == 429) return target_.concurrency.on_overload(now);
  if (status < 300) target_.concurrency.on_answer(now - started, queue_.empty() ? Demand::none : Demand::waiting, now);
}

/// A request's connection is gone, and its whole answer never came.
void HttpClient::ended(Job job, Ending ending, Use use, const ErrorInfo& why) {
  const HttpOutcome given_back = job.marked || ending != Ending::unread ? HttpOutcome::unknown : HttpOutcome::not_sent;
  if (closing_) return fail(std::move(job), given_back, why);
  switch (next_after(Exchange::submit_req, ending, use)) {
    case Next::again:
      if (job.again >= submit_req_again_max) break;
      ++job.again;
      ++totals_.sent_again;
      return resends_.push_back(std::move(job));
    case Next::again_marked_if_deduplicated:
      if (!settings_.deduplicates) break;
      [[fallthrough]];
    case Next::again_marked:
      if (job.marked) break;
      job.marked = true;
      ++totals_.sent_again_marked;
      return resends_.push_back(std::move(job));
    case Next::not_sent:
    case Next::unknown:
      break;
  }
  fail(std::move(job), given_back, why);
}

/// The Authorization field of a try, or nothing.
std::string HttpClient::authorization_of(Job& job) {
  job.nonce.clear();
  if (settings_.credentials.user.empty()) return {};
  if (const auto answer = challenged_.next_authorization(settings_.credentials, "POST", settings_.path)) {
    job.nonce = challenged_.nonce();
    return fmt::format("Authorization: {}\r\n", *answer);
  }
  if (settings_.scheme == HttpScheme::digest) return {};
  return fmt::format("Authorization: {}\r\n", basic_authorization(settings_.credentials));
}

/// A whole answer. One that asks for credentials says that nothing was done: the request may go again.
void HttpClient::conclude(Job job, HttpAnswer answer, std::optional<digest::Challenge> challenge) {
  if (answer.status != 401) challenged_.on_welcome(job.nonce);
  const bool is_asked = answer.status == 401 && challenge && !settings_.credentials.user.empty();
  if (!is_asked || !challenged_.take(std::move(*challenge), job.nonce) || job.is_challenged)
    return deliver(std::move(job), std::move(answer));
  if (closing_) {
    const HttpOutcome outcome = job.marked ? HttpOutcome::unknown : HttpOutcome::not_sent;
    return fail(std::move(job), outcome, http_closing);
  }
  job.is_challenged = true;
  queue_.push_front(std::move(job));
}

void HttpClient::deliver(Job job, HttpResult result) {
  std::visit([&job](auto& each) { each.duplicate_possible = job.duplicate_possible; }, result);
  release_lent(job.request.body);
  events_.on_http_result(job.id, std::move(result));
}

void HttpClient::fail(Job job, HttpOutcome outcome, const ErrorInfo& why) {
  deliver(std::move(job), HttpFailure{.outcome = outcome, .error = {.info = &why}});
}

/// What waits goes back. A request that was to be sent again, marked, may have been seen before.
void HttpClient::fail_all(std::deque<Job>& jobs, const ErrorInfo& why) {
  for (Job& job : std::exchange(jobs, {})) fail(std::move(job), job.marked ? HttpOutcome::unknown : HttpOutcome::not_sent, why);
}

void HttpClient::connection_failed(const ErrorInfo& why) {
  if (connections_.find([](const Connection& each) { return each.established(); })) return target_.on_further_refused(now_);
  fail_all(resends_, why);
  fail_all(queue_, why);
}

void HttpClient::drain() {
  closing_ = true;
  fail_all(resends_, http_closing);
  fail_all(queue_, http_closing);
  for (const auto& connection : connections_) {
    if (connection->state() == Connection::State::opening) connection->abort_with(http_closing);
    if (connection->state() == Connection::State::idle) connection->finish();
  }
}

void HttpClient::close_all() {
  drain();
  for (const auto& connection : connections_) connection->abort_with(http_closing);
}

}  // namespace pushmail
