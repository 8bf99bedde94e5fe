#include "dataplane/session/http_client.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "dataplane/session/errors.h"
#include "dataplane/session/http_grammar.h"
#include "dataplane/session/lent.h"

namespace pushmail {

namespace {

constexpr Duration linger = seconds(5);
constexpr std::int64_t retry_after_max = 86'400;  // seconds; more is as good as a day

std::optional<Duration> parse_retry_after(std::string_view value) {
  std::int64_t count = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, count);
  if (value.empty() || error != std::errc{} || stop != end || count < 0) return std::nullopt;
  return seconds(std::min(count, retry_after_max));
}

}  // namespace

class HttpClient::Connection final : public StreamEvents {
 public:
  enum class State : std::uint8_t { opening, idle, half_sent, waiting, closing };

  explicit Connection(HttpClient& client) : client_(client), since_(client.now_) {}
  ~Connection() override {
    if (second_half_) release_lent(*second_half_);
  }

  void bind(Stream& stream) { stream_ = &stream; }

  void on_open() override {
    become(State::idle);
    client_.start_waiting();
  }
  void on_data(ByteView bytes) override {
    if (state_ == State::closing) return;
    // Nobody asked: what follows could be taken for the answer of the next request.
    if (!request_) return abort_with(http_answer_cut);
    append(input_, bytes);
    read_answer();
  }
  void on_sent() override {
    if (state_ != State::half_sent) {
      all_sent_ = true;
      if (state_ == State::idle) client_.start_waiting();
      return;
    }
    client_.faults_.at(fault_point::submit_req_half);
    become(State::waiting);
    stream_->send_lent(*std::exchange(second_half_, std::nullopt));
  }
  void on_end() override {
    if (state_ == State::closing) return stream_->finish();
    if (!request_) return finish();
    if (head_ && framing_ == http::Framing::until_close) return complete();
    abort_with(http_answer_cut);
  }
  void on_close(CloseReason) override {
    HttpClient& client = client_;
    const bool was_opening = !opened_;
    const ErrorInfo& why = why_ != nullptr ? *why_ : was_opening ? http_no_connection : http_answer_cut;
    const auto request = request_;
    client.forget(*this);  // `this` is gone
    if (request) client.events_.on_http_result(*request, HttpFailure{.outcome = HttpOutcome::unknown, .error = {.info = &why}});
    if (was_opening)
      client.connection_failed(why);
    else
      client.start_waiting();
  }

  void start(std::uint64_t id, const HttpRequest& request) {
    const HttpClientSettings& settings = client_.settings_;
    become(State::waiting);
    request_ = id;
    head_ = false;
    all_sent_ = false;
    input_.clear();
    body_.clear();
    chunks_ = {};
    std::string head = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n", settings.path, settings.host);
    if (!settings.credentials.user.empty()) head += fmt::format("Authorization: {}\r\n", basic_authorization(settings.credentials));
    // TS 23.140 §10.1: the header is there, its value is the empty string in quotes; some peers want another.
    head += fmt::format("SOAPAction: \"{}\"\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n", settings.soap_action, request.content_type,
                        request.body.bytes.size());
    stream_->send(bytes_of(head));
    if (request.body.bytes.empty()) return release_lent(request.body);
    if (!client_.faults_.armed()) return stream_->send_lent(request.body);
    const auto [first, second] = split_lent(request.body);
    become(State::half_sent);
    second_half_ = second;
    if (first.bytes.empty())
      release_lent(first);
    else
      stream_->send_lent(first);
  }

  void check_deadlines(Instant now) {
    const Duration waited = now - since_;
    const HttpClientSettings& settings = client_.settings_;
    switch (state_) {
      case State::opening:
        if (waited > settings.connect_time) abort_with(http_connect_late);
        return;
      case State::idle:
        if (waited > settings.keep) finish();
        return;
      case State::half_sent:
      case State::waiting:
        if (waited > settings.answer_time) abort_with(http_answer_late);
        return;
      case State::closing:
        if (waited > linger) stream_->abort();
        return;
    }
  }
  void abort_with(const ErrorInfo& why) {
    why_ = &why;
    become(State::closing);
    stream_->abort();
  }
  [[nodiscard]] bool usable() const { return state_ == State::idle && all_sent_; }
  [[nodiscard]] bool opening() const { return state_ == State::opening; }
  [[nodiscard]] bool established() const { return opened_ && state_ != State::closing; }

 private:
  void become(State state) {
    if (state == State::idle) opened_ = true;
    // A request's clock starts once, not again for its second half.
    if (state_ != State::half_sent || state != State::waiting) since_ = client_.now_;
    state_ = state;
  }

  void read_answer() {
    while (!head_) {
      const auto end = http::find_head_end(input_, 0);
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
               .retry_after = parse_retry_after(head.field("retry-after"))};
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
    const std::uint64_t id = *std::exchange(request_, std::nullopt);
    answer_.body = std::move(body_);
    body_ = {};
    // More bytes than the answer: nobody asked for them.
    if (!keep_alive_ || !input_.empty() || state_ == State::half_sent) {
      become(State::closing);
      if (all_sent_)
        stream_->finish();
      else
        stream_->abort();
    } else {
      become(State::idle);
    }
    HttpClient& client = client_;
    client.events_.on_http_result(id, std::move(answer_));
    client.start_waiting();
  }
  void finish() {
    become(State::closing);
    stream_->finish();
  }

  HttpClient& client_;
  Stream* stream_ = nullptr;
  State state_ = State::opening;
  Instant since_;
  bool opened_ = false;
  bool all_sent_ = true;
  const ErrorInfo* why_ = nullptr;        // why we ended it
  std::optional<std::uint64_t> request_;  // the one that is out
  std::optional<LentBytes> second_half_;  // only with fault points

  Bytes input_;
  bool head_ = false;
  HttpAnswer answer_;
  Bytes body_;
  http::Framing framing_ = http::Framing::none;
  std::uint64_t body_left_ = 0;
  bool keep_alive_ = false;
  http::ChunkReader chunks_;
};

HttpClient::HttpClient(Network& network, HttpClientSettings settings, HttpClientEvents& events, const Clock& clock, FaultPoints faults)
    : network_(network), settings_(std::move(settings)), events_(events), faults_(faults), now_(clock.now()) {}

HttpClient::~HttpClient() {
  for (const Waiting& waiting : queue_) release_lent(waiting.request.body);
}

Result<std::uint64_t> HttpClient::post(HttpRequest request) {
  const bool full = queue_.size() >= settings_.queue_max;
  if (full || closing_) {
    release_lent(request.body);
    return fail(full ? http_queue_full : http_closing);
  }
  queue_.push_back({.id = ++last_id_, .request = std::move(request), .since = now_});
  return last_id_;
}

bool HttpClient::any_usable() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) { return connection->usable(); });
}

/// No more connections than requests that wait, and never more than the peer's share.
bool HttpClient::may_open() const {
  const auto opening = std::count_if(connections_.begin(), connections_.end(), [](const auto& each) { return each->opening(); });
  return connections_.size() < settings_.connections_max && static_cast<std::size_t>(opening) < queue_.size();
}

void HttpClient::start_waiting() {
  for (std::size_t i = 0; i < connections_.size() && !queue_.empty(); ++i) {
    if (!connections_[i]->usable()) continue;
    const Waiting next = std::move(queue_.front());
    queue_.pop_front();
    connections_[i]->start(next.id, next.request);
  }
}

bool HttpClient::open_connection() {
  auto connection = std::make_unique<Connection>(*this);
  const auto stream = network_.connect(settings_.endpoint, *connection);
  if (!stream) return false;
  connection->bind(**stream);
  connections_.push_back(std::move(connection));
  return true;
}

void HttpClient::tick(Instant now) {
  now_ = now;
  start_waiting();
  while (may_open()) {
    if (open_connection()) continue;
    connection_failed(http_no_connection);
    break;
  }
  for (const auto& connection : connections_) connection->check_deadlines(now);
  while (!queue_.empty() && now - queue_.front().since > settings_.answer_time) {
    const Waiting late = std::move(queue_.front());
    queue_.pop_front();
    release_lent(late.request.body);
    events_.on_http_result(late.id, HttpFailure{.outcome = HttpOutcome::not_sent, .error = {.info = &http_answer_late}});
  }
}

void HttpClient::fail_waiting(const ErrorInfo& why) {
  std::deque<Waiting> failed;
  failed.swap(queue_);
  for (const Waiting& waiting : failed) {
    release_lent(waiting.request.body);
    events_.on_http_result(waiting.id, HttpFailure{.outcome = HttpOutcome::not_sent, .error = {.info = &why}});
  }
}

void HttpClient::connection_failed(const ErrorInfo& why) {
  // While another connection works the rest of the queue has hope.
  const auto established = [](const auto& connection) { return connection->established(); };
  if (std::none_of(connections_.begin(), connections_.end(), established)) fail_waiting(why);
}

void HttpClient::forget(Connection& connection) {
  std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
}

void HttpClient::close_all() {
  closing_ = true;
  fail_waiting(http_closing);
  for (const auto& connection : connections_) connection->abort_with(http_closing);
}

}  // namespace pushmail
