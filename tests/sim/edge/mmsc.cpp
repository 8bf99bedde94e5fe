#include "tests/sim/edge/mmsc.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace pushmail::edge {

namespace {

constexpr double reset_at_accept = 0.02, finish_at_accept = 0.02;

// The text between the end of `<name ...>` and the next `<`; a namespace prefix before the name does not matter.
std::string text_of_element(std::string_view xml, std::string_view name) {
  for (std::size_t at = xml.find(name); at != std::string_view::npos; at = xml.find(name, at + 1)) {
    const bool opens = at > 0 && (xml[at - 1] == '<' || xml[at - 1] == ':');
    const std::size_t end = xml.find('>', at);
    if (!opens || end == std::string_view::npos) continue;
    return std::string(xml.substr(end + 1, xml.find('<', end) - end - 1));
  }
  return {};
}

std::string submit_rsp(std::string_view transaction, int code, std::string_view message_id) {
  const std::string id = message_id.empty() ? std::string() : fmt::format("<MessageID>{}</MessageID>", message_id);
  return fmt::format(
      "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID "
      "env:mustUnderstand=\"1\">{}</TransactionID></env:Header><env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>{}</"
      "StatusCode>"
      "<StatusText>word</StatusText></Status>{}</SubmitRsp></env:Body></env:Envelope>",
      transaction, code, id);
}

std::string http(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status, type, body.size(), body);
}

std::string answer_of(Says says, std::string_view transaction, std::string_view message_id) {
  switch (says) {
    case Says::success:
      return http("200 OK", "text/xml", submit_rsp(transaction, 1000, message_id));
    case Says::success_without_id:
      return http("200 OK", "text/xml", submit_rsp(transaction, 1000, {}));
    case Says::success_of_another:
      return http("200 OK", "text/xml", submit_rsp("somebody-else", 1000, message_id));
    case Says::half_success: {
      const std::string whole = http("200 OK", "text/xml", submit_rsp(transaction, 1000, message_id));
      return whole.substr(0, whole.size() / 2);
    }
    case Says::nothing:
      return {};
    case Says::empty_200:
      return http("200 OK", "text/xml", "");
    case Says::no_content_204:
      return "HTTP/1.1 204 No Content\r\n\r\n";
    case Says::html_200:
      return http("200 OK", "text/html", "<html><body>OK</body></html>");
    case Says::busy:
      return http("500 Busy", "text/xml", submit_rsp(transaction, 4006, {}));
    case Says::unavailable_503:
      return http("503 Service Unavailable", "text/plain", "later");
    case Says::refused:
      return http("200 OK", "text/xml", submit_rsp(transaction, 3002, {}));
  }
  return {};
}

}  // namespace

class Mmsc::Session final : public StreamEvents {
 public:
  Session(Mmsc& mmsc, Stream& stream, std::uint64_t number)
      : mmsc_(mmsc), stream_(&stream), number_(number), closing_(draw_closing(mmsc.random_)) {}

  void on_data(ByteView bytes) override {
    if (deaf_) return;
    append(input_, bytes);
    while (!deaf_ && !input_.empty()) {
      if (deed_ == nullptr) deed_ = mmsc_.calm_ ? &calm_mmsc : &draw(mmsc_deeds, mmsc_.random_);
      if (deed_->moment == Moment::first_byte) return end(deed_->then);
      if (!take_request()) return;
    }
  }
  void on_end() override { stream_->finish(); }
  void on_close(CloseReason) override { mmsc_.sessions_.erase(number_); }  // `this` is gone

  void end(Then then) {
    // Before it, for `this` may be gone afterwards.
    deaf_ = deaf_ || then != Then::keep;
    go_on(*stream_, then);
  }

 private:
  /// False when the request is not there whole.
  bool take_request() {
    const std::string_view text = text_of(input_);
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return false;
    const std::size_t field = text.find("Content-Length: ");
    std::size_t size = 0;
    if (!text.starts_with("POST ") || field > head) return broken("no POST with a Content-Length");
    (void)std::from_chars(text.data() + field + 16, text.data() + head, size);
    if (text.size() < head + 4 + size) return false;
    const std::string body(text.substr(head + 4, size));
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(head + 4 + size));
    const std::string transaction = text_of_element(body, "TransactionID");
    if (transaction.empty()) return broken("no TransactionID");
    handle(transaction, body);
    return true;
  }
  bool broken(std::string_view why) {
    mmsc_.failure_ = fmt::format("the MMSC cannot read a request: {}", why);
    deaf_ = true;
    stream_->abort();
    return false;
  }

  void handle(const std::string& transaction, const std::string& body) {
    const MmscDeed& deed = *std::exchange(deed_, nullptr);
    Entry& entry = mmsc_.ledger_[transaction];
    ++entry.seen;
    const bool takes = deed.takes == Takes::yes || (deed.takes == Takes::drawn && mmsc_.random_.chance(0.5));
    const std::string message_id = fmt::format("mid-{}", ++mmsc_.last_message_);
    const bool is_repeat = entry.taken > 0 && mmsc_.repeats_ == Repeats::recognised;
    if (takes && !is_repeat) {
      ++entry.taken;
      mmsc_.on_taken_(
          {.message_id = message_id, .recipient = text_of_element(body, "Number"), .sender = text_of_element(body, "ShortCode")});
    }
    if (deed.says == Says::refused) entry.refused = true;
    stream_->send(bytes_of(answer_of(deed.says, transaction, message_id)));
    end(deed.then);
    if (++answers_ == closing_.after_answers && !deaf_) {
      mmsc_.schedule_.at(mmsc_.clock_.now() + closing_.delay, [&mmsc = mmsc_, number = number_] {
        const auto session = mmsc.sessions_.find(number);
        if (session != mmsc.sessions_.end()) session->second->end(Then::finish);
      });
    }
  }

  Mmsc& mmsc_;
  Stream* stream_;
  std::uint64_t number_;
  Closing closing_;
  std::uint32_t answers_ = 0;
  bool deaf_ = false;  // what comes is acknowledged by TCP and read by nobody
  const MmscDeed* deed_ = nullptr;
  Bytes input_;
};

Mmsc::Mmsc(Schedule& schedule, const Clock& clock, std::uint64_t seed, Repeats repeats, OnTaken on_taken)
    : schedule_(schedule), clock_(clock), random_(seed), repeats_(repeats), on_taken_(std::move(on_taken)) {}
Mmsc::~Mmsc() = default;

void Mmsc::on_accept(Stream& stream) {
  const std::uint64_t number = ++last_session_;
  auto session = std::make_unique<Session>(*this, stream, number);
  stream.set_events(*session);
  Session& made = *session;
  sessions_.emplace(number, std::move(session));
  if (calm_) return;
  if (random_.chance(reset_at_accept)) return made.end(Then::reset);
  if (random_.chance(finish_at_accept)) return made.end(Then::finish);
}

}  // namespace pushmail::edge
