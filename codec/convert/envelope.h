// What SMTP says beside a mail: the other half of what RFC 4356 maps.
//
// Came from: an SMTP dialogue (mail -> MM), or convert (MM -> mail). Goes to: convert, or the SMTP client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pushmail::convert {

/// NOTIFY of RFC 3461 §4.1. `never` excludes the others.
struct Notify {
  bool never = false;
  bool success = false;
  bool failure = false;
  bool operator==(const Notify&) const = default;
};

struct SmtpRecipient {
  std::string address;
  std::optional<Notify> notify;
  std::string original;  // ORCPT: `rfc822;joe@example.com`
};

/// BY of RFC 2852 §4: what is too late comes back, or its sender is told.
struct DeliverBy {
  enum class Mode : std::uint8_t { return_it, notify };
  std::int64_t seconds = 0;
  Mode mode = Mode::return_it;
};

struct SmtpEnvelope {
  std::string mail_from;  // empty: <>
  std::vector<SmtpRecipient> recipients;
  std::string envelope_id;  // ENVID
  std::optional<DeliverBy> deliver_by;
};

}  // namespace pushmail::convert
