// The carrier of perf/run controlplane: an SMSC (SMPP 3.4) and an MMSC (MM7) that take everything at once, and whose phones fetch each
// message and say so.
//
// Strict: a PDU or a request that is out of turn, or that no rule knows, is refused and counted; so is an answer of ours that is not 1000.
#pragma once

#include <fmt/format.h>

#include <deque>

#include "codec/sms/smpp.h"
#include "perf/dataplane/sockets.h"

namespace pushmail::perf {

class SmscSession final : public Connection {
 public:
  struct Server {
    std::uint64_t& refused;
    std::uint64_t& count;  // of all SMS so far: their message ids
    std::function<void(int fd)> bound;
    std::function<void(const smpp::Pdu&)> submitted;
    std::function<void(std::uint32_t sequence)> delivered;  // our deliver_sm was answered
  };
  SmscSession(Server server, int fd) : Connection(fd), server_(std::move(server)) {}

  void on_input(std::string& in) override {
    std::size_t taken = 0;
    while (true) {
      const auto rest = bytes_of(std::string_view(in).substr(taken));
      const auto frame = smpp::parse_frame(rest);
      if (!frame.is_done()) break;
      taken += frame.used();
      take(frame.value());
    }
    in.erase(0, taken);
  }

 private:
  void send_pdu(const smpp::Pdu& pdu) {
    const auto bytes = smpp::encode(pdu);
    if (bytes) write(text_of(*bytes));
  }
  void take(const smpp::Frame& frame) {
    const auto pdu = smpp::decode(frame);
    if (!pdu) {
      ++server_.refused;
      return send_pdu(smpp::nack_for(frame, pdu.error()));
    }
    using smpp::Command;
    smpp::Pdu answer = smpp::respond(*pdu);
    switch (pdu->command) {
      case Command::bind_transceiver:
        if (is_bound_) break;
        is_bound_ = true;
        answer.system_id = "perf";
        send_pdu(answer);
        return server_.bound(fd());
      case Command::submit_sm:
        if (!is_bound_) break;
        answer.message_id = fmt::format("{}", ++server_.count);
        send_pdu(answer);
        return server_.submitted(*pdu);
      case Command::deliver_sm_resp:
        if (pdu->status != smpp::status::ok) ++server_.refused;
        return server_.delivered(pdu->sequence);
      case Command::enquire_link:
      case Command::unbind:
        return send_pdu(answer);
      case Command::enquire_link_resp:
        return;
      default:
        break;
    }
    ++server_.refused;
    send_pdu(smpp::respond(*pdu, smpp::status::wrong_bind_status));
  }

  Server server_;
  bool is_bound_ = false;
};

/// What a phone writes to the service number.
inline std::string answer_pdu(std::uint32_t sequence, std::string_view msisdn, std::string_view code) {
  smpp::Pdu pdu;
  pdu.command = smpp::Command::deliver_sm;
  pdu.sequence = sequence;
  pdu.source_addr_ton = smpp::ton_international;
  pdu.source_addr_npi = smpp::npi_e164;
  pdu.source_addr = msisdn;
  pdu.destination_addr = "5000";
  const ByteView text = bytes_of(code);
  pdu.short_message = Bytes(text.begin(), text.end());
  return std::string(text_of(smpp::encode(pdu).value()));
}

/// The text of the first element of that name.
inline std::string element(std::string_view xml, std::string_view name) {
  const std::size_t start = xml.find(name);
  const std::size_t text = start == std::string_view::npos ? start : xml.find('>', start);
  if (text == std::string_view::npos) return {};
  return std::string(xml.substr(text + 1, xml.find("</", text) - text - 1));
}

constexpr std::string_view mm7_namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

inline std::string envelope(std::string_view transaction, std::string_view body) {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header>"
      "<mm7:TransactionID xmlns:mm7=\"{}\" env:mustUnderstand=\"1\">{}</mm7:TransactionID></env:Header><env:Body>{}</env:Body>"
      "</env:Envelope>",
      mm7_namespace, transaction, body);
}

/// A message that the MMSC took, as its report names it.
struct Delivered {
  std::string message_id{};
  std::string recipient{};
  std::string sender{};
  Instant due{};
};

class MmscSession final : public Connection {
 public:
  struct Server {
    std::uint64_t& refused;
    std::uint64_t& count;  // of all messages so far: their ids
    std::function<void(Delivered)> taken;
  };
  MmscSession(Server server, int fd) : Connection(fd), server_(std::move(server)) {}

  void on_input(std::string& in) override {
    for (auto [head, body] = take_http(in); !head.empty(); std::tie(head, body) = take_http(in)) {
      Delivered message{.recipient = element(body, "Number"), .sender = element(body, "ShortCode")};
      const std::string transaction = element(body, "TransactionID");
      if (!head.starts_with("POST ") || transaction.empty() || message.recipient.empty() || message.sender.empty() ||
          body.find("SubmitReq") == std::string::npos) {
        ++server_.refused;
        write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        continue;
      }
      message.message_id = fmt::format("m{}", ++server_.count);
      const std::string xml = envelope(
          transaction, fmt::format("<SubmitRsp xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></Status>"
                                   "<MessageID>{}</MessageID></SubmitRsp>",
                                   mm7_namespace, message.message_id));
      write(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}", xml.size(), xml));
      server_.taken(std::move(message));
    }
  }

 private:
  Server server_;
};

/// Sends report after report, each when the one before was answered.
class Reporter final : public Connection {
 public:
  struct Server {
    std::uint64_t& refused;
    std::deque<Delivered>& waiting;
    std::uint64_t& sent;
  };
  Reporter(Server server, int fd) : Connection(fd), server_(server) {}

  void on_input(std::string& in) override {
    for (auto [head, body] = take_http(in); !head.empty(); std::tie(head, body) = take_http(in)) {
      asks_ = false;
      if (element(body, "StatusCode") != "1000") ++server_.refused;
    }
  }
  /// To be called again and again; sends the connection's next one when it is due.
  void go_on(Loop& loop, Instant now) {
    if (asks_ || server_.waiting.empty() || server_.waiting.front().due > now) return;
    const Delivered message = std::move(server_.waiting.front());
    server_.waiting.pop_front();
    const std::string xml = envelope(
        fmt::format("r{}", ++server_.sent),
        fmt::format("<DeliveryReportReq xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><MMSRelayServerID>mmsc</MMSRelayServerID><MessageID>{}"
                    "</MessageID><Recipient><Number>{}</Number></Recipient><Sender><ShortCode>{}</ShortCode></Sender><Date>{}</Date>"
                    "<MMStatus>Retrieved</MMStatus></DeliveryReportReq>",
                    mm7_namespace, message.message_id, message.recipient, message.sender, format_rfc3339(SystemClock().wall())));
    asks_ = true;
    loop.answer(fd(),
                fmt::format("POST /mm7 HTTP/1.1\r\nHost: pushmail\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Type: text/xml; "
                            "charset=\"utf-8\"\r\nSOAPAction: \"\"\r\nContent-Length: {}\r\n\r\n{}",
                            xml.size(), xml));
  }

 private:
  Server server_;
  bool asks_ = false;
};

}  // namespace pushmail::perf
