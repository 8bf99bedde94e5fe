#include "codec/sms/smpp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "codec/sms/errors.h"

namespace pushmail::smpp {

namespace {

constexpr std::size_t header_size = 16;
constexpr std::size_t short_message_max = 254;

/// text: C-octet string, `size` counts its NUL. octet: one byte. counted: a length byte and that many bytes.
/// secret: as text, but never printed.
enum class FieldKind : std::uint8_t { text, secret, octet, counted };

struct Field {
  std::string_view name;
  FieldKind kind;
  std::uint16_t size;
  std::string Pdu::* text = nullptr;
  std::uint8_t Pdu::* octet = nullptr;
  Bytes Pdu::* counted = nullptr;
};

constexpr Field c_octets(std::string_view name, std::uint16_t size, std::string Pdu::* member) {
  return {name, FieldKind::text, size, member};
}
constexpr Field octet(std::string_view name, std::uint8_t Pdu::* member) { return {name, FieldKind::octet, 1, nullptr, member}; }

// SMPP 3.4 §4.1.1
constexpr std::array bind_fields{
    c_octets("system_id", 16, &Pdu::system_id),
    Field{"password", FieldKind::secret, 9, &Pdu::password},
    c_octets("system_type", 13, &Pdu::system_type),
    octet("interface_version", &Pdu::interface_version),
    octet("addr_ton", &Pdu::addr_ton),
    octet("addr_npi", &Pdu::addr_npi),
    c_octets("address_range", 41, &Pdu::address_range),
};
// SMPP 3.4 §4.1.2
constexpr std::array bind_resp_fields{c_octets("system_id", 16, &Pdu::system_id)};
// SMPP 3.4 §4.4.1 and §4.6.1: submit_sm and deliver_sm have one layout.
constexpr std::array message_fields{
    c_octets("service_type", 6, &Pdu::service_type),
    octet("source_addr_ton", &Pdu::source_addr_ton),
    octet("source_addr_npi", &Pdu::source_addr_npi),
    c_octets("source_addr", 21, &Pdu::source_addr),
    octet("dest_addr_ton", &Pdu::dest_addr_ton),
    octet("dest_addr_npi", &Pdu::dest_addr_npi),
    c_octets("destination_addr", 21, &Pdu::destination_addr),
    octet("esm_class", &Pdu::esm_class),
    octet("protocol_id", &Pdu::protocol_id),
    octet("priority_flag", &Pdu::priority_flag),
    c_octets("schedule_delivery_time", 17, &Pdu::schedule_delivery_time),
    c_octets("validity_period", 17, &Pdu::validity_period),
    octet("registered_delivery", &Pdu::registered_delivery),
    octet("replace_if_present_flag", &Pdu::replace_if_present_flag),
    octet("data_coding", &Pdu::data_coding),
    octet("sm_default_msg_id", &Pdu::sm_default_msg_id),
    Field{"short_message", FieldKind::counted, short_message_max, nullptr, nullptr, &Pdu::short_message},
};
// SMPP 3.4 §4.7.1: no short_message, addresses of 65 octets.
constexpr std::array data_fields{
    c_octets("service_type", 6, &Pdu::service_type),
    octet("source_addr_ton", &Pdu::source_addr_ton),
    octet("source_addr_npi", &Pdu::source_addr_npi),
    c_octets("source_addr", 65, &Pdu::source_addr),
    octet("dest_addr_ton", &Pdu::dest_addr_ton),
    octet("dest_addr_npi", &Pdu::dest_addr_npi),
    c_octets("destination_addr", 65, &Pdu::destination_addr),
    octet("esm_class", &Pdu::esm_class),
    octet("registered_delivery", &Pdu::registered_delivery),
    octet("data_coding", &Pdu::data_coding),
};
// SMPP 3.4 §4.4.2 and §4.7.2; in deliver_sm_resp (§4.6.2) the field is a single NUL, but some SMSCs fill it.
constexpr std::array message_resp_fields{c_octets("message_id", 65, &Pdu::message_id)};

struct Row {
  Command command;
  std::string_view name;
  std::span<const Field> fields;
};

constexpr std::span<const Field> header_only{};
constexpr std::array rows{
    Row{Command::bind_receiver, "bind_receiver", bind_fields},
    Row{Command::bind_transmitter, "bind_transmitter", bind_fields},
    Row{Command::bind_transceiver, "bind_transceiver", bind_fields},
    Row{Command::bind_receiver_resp, "bind_receiver_resp", bind_resp_fields},
    Row{Command::bind_transmitter_resp, "bind_transmitter_resp", bind_resp_fields},
    Row{Command::bind_transceiver_resp, "bind_transceiver_resp", bind_resp_fields},
    Row{Command::submit_sm, "submit_sm", message_fields},
    Row{Command::submit_sm_resp, "submit_sm_resp", message_resp_fields},
    Row{Command::deliver_sm, "deliver_sm", message_fields},
    Row{Command::deliver_sm_resp, "deliver_sm_resp", message_resp_fields},
    Row{Command::data_sm, "data_sm", data_fields},
    Row{Command::data_sm_resp, "data_sm_resp", message_resp_fields},
    Row{Command::unbind, "unbind", header_only},
    Row{Command::unbind_resp, "unbind_resp", header_only},
    Row{Command::enquire_link, "enquire_link", header_only},
    Row{Command::enquire_link_resp, "enquire_link_resp", header_only},
    Row{Command::generic_nack, "generic_nack", header_only},
};

const Row* row_of(std::uint32_t command_id) {
  const auto row = std::ranges::find(rows, static_cast<Command>(command_id), &Row::command);
  return row == rows.end() ? nullptr : &*row;
}

constexpr std::size_t message_id_size_max = 254;  // of one that breaks the rule (SMPP 3.4 §5.2.23: 64)

/// Reads `field` at `at` into `pdu` and moves `at` behind it.
Result<void> read_field(const Field& field, ByteView body, std::size_t& at, Pdu& pdu) {
  switch (field.kind) {
    case FieldKind::octet:
      if (at >= body.size()) return fail(smpp_short_body, header_size + at);
      pdu.*field.octet = body[at++];
      return {};
    case FieldKind::text:
    case FieldKind::secret: {
      const ByteView rest = body.subspan(at);
      const auto nul = std::ranges::find(rest, std::uint8_t{0});
      const auto size = static_cast<std::size_t>(nul - rest.begin());
      // The status says what became of a request: an id or a name that is too long, or where the PDU ends in place of its NUL, is worth
      // more than the rule.
      const bool is_answer = is_response(pdu.command);
      if (size >= field.size && !is_answer) return fail(smpp_long_string, header_size + at);
      const bool ends_here = nul == rest.end();
      if (ends_here && !is_answer) return fail(smpp_short_body, header_size + at);
      const std::size_t size_max = field.text == &Pdu::message_id ? message_id_size_max : field.size - std::size_t{1};
      pdu.*field.text = text_of(rest.first(is_answer ? std::min(size, size_max) : size));
      at += size + (ends_here ? 0 : 1);
      return {};
    }
    case FieldKind::counted: {
      if (at >= body.size()) return fail(smpp_short_body, header_size + at);
      const std::size_t size = body[at];
      if (body.size() - at - 1 < size) return fail(smpp_short_body, header_size + at);
      const ByteView bytes = body.subspan(at + 1, size);
      (pdu.*field.counted).assign(bytes.begin(), bytes.end());
      at += size + 1;
      return {};
    }
  }
  return {};
}

/// Whether a PDU is whole without the optional parameters that cannot be read. Some SMSCs pad PDUs with zeros; a text whose parameters are
/// damaged is a text all the same, which the SMSC would give up, or send for ever, if it was refused.
bool can_do_without(const Pdu& pdu, ByteView unread) {
  return is_response(pdu.command) || !pdu.user_data().empty() || std::ranges::all_of(unread, [](std::uint8_t octet) { return octet == 0; });
}

Result<void> read_tlvs(ByteView body, std::size_t at, Pdu& pdu) {
  while (at < body.size()) {
    const std::size_t left = body.size() - at;
    const std::size_t size = left < 4 ? left : load<std::uint16_t>(body.data() + at + 2, std::endian::big);
    if (left < 4 + size) {
      if (can_do_without(pdu, body.subspan(at))) return {};
      return fail(smpp_bad_tlv, header_size + at);
    }
    const auto tag = load<std::uint16_t>(body.data() + at, std::endian::big);
    const ByteView value = body.subspan(at + 4, size);
    pdu.tlvs.push_back({.tag = tag, .value = Bytes(value.begin(), value.end())});
    at += 4 + size;
  }
  return {};
}

Result<void> write_field(const Field& field, const Pdu& pdu, Bytes& out) {
  switch (field.kind) {
    case FieldKind::octet:
      out.push_back(pdu.*field.octet);
      return {};
    case FieldKind::text:
    case FieldKind::secret: {
      const std::string& text = pdu.*field.text;
      if (text.size() >= field.size || text.contains('\0')) return fail(smpp_not_encodable, out.size());
      append(out, std::string_view(text));
      out.push_back(0);
      return {};
    }
    case FieldKind::counted: {
      const Bytes& bytes = pdu.*field.counted;
      if (bytes.size() > field.size) return fail(smpp_not_encodable, out.size());
      out.push_back(static_cast<std::uint8_t>(bytes.size()));
      append(out, ByteView(bytes));
      return {};
    }
  }
  return {};
}

struct StatusRow {
  std::uint32_t code;
  StatusClass kind;
  std::string_view text;
};
// SMPP 3.4 §5.1.3; the classes are ours.
constexpr auto status_rows = std::to_array<StatusRow>({
    {0x00, StatusClass::ok, "ok"},
    {0x01, StatusClass::permanent, "invalid message length"},
    {0x02, StatusClass::permanent, "invalid command length"},
    {0x03, StatusClass::permanent, "invalid command id"},
    {0x04, StatusClass::session, "wrong bind status"},
    {0x05, StatusClass::session, "already bound"},
    {0x06, StatusClass::permanent, "invalid priority"},
    {0x07, StatusClass::permanent, "invalid registered delivery flag"},
    {0x08, StatusClass::temporary, "system error"},
    {0x0A, StatusClass::permanent, "invalid source address"},
    {0x0B, StatusClass::permanent, "invalid destination address"},
    {0x0C, StatusClass::permanent, "invalid message id"},
    {0x0D, StatusClass::session, "bind failed"},
    {0x0E, StatusClass::session, "invalid password"},
    {0x0F, StatusClass::session, "invalid system id"},
    {0x11, StatusClass::permanent, "cancel failed"},
    {0x13, StatusClass::permanent, "replace failed"},
    {0x14, StatusClass::temporary, "message queue full"},
    {0x15, StatusClass::permanent, "invalid service type"},
    {0x43, StatusClass::permanent, "invalid esm_class"},
    {0x45, StatusClass::temporary, "submit failed"},
    {0x48, StatusClass::permanent, "invalid source TON"},
    {0x49, StatusClass::permanent, "invalid source NPI"},
    {0x50, StatusClass::permanent, "invalid destination TON"},
    {0x51, StatusClass::permanent, "invalid destination NPI"},
    {0x53, StatusClass::session, "invalid system type"},
    {0x58, StatusClass::temporary, "throttled"},
    {0x61, StatusClass::permanent, "invalid schedule time"},
    {0x62, StatusClass::permanent, "invalid validity period"},
    {0x64, StatusClass::temporary, "receiver has a temporary error"},
    {0x65, StatusClass::permanent, "receiver has a permanent error"},
    {0x66, StatusClass::permanent, "receiver rejected the message"},
    {0xC0, StatusClass::permanent, "error in an optional parameter"},
    {0xC1, StatusClass::permanent, "optional parameter not allowed"},
    {0xC2, StatusClass::permanent, "invalid optional parameter length"},
    {0xC3, StatusClass::permanent, "optional parameter missing"},
    {0xC4, StatusClass::permanent, "invalid optional parameter value"},
    {0xFE, StatusClass::temporary, "delivery failure"},
    {0xFF, StatusClass::temporary, "unknown error"},
});

}  // namespace

Command response_of(Command request) {
  const std::uint32_t response = static_cast<std::uint32_t>(request) | 0x80000000U;
  return row_of(response) != nullptr ? static_cast<Command>(response) : Command::generic_nack;
}

std::string_view name_of(Command command) {
  const Row* row = row_of(static_cast<std::uint32_t>(command));
  return row != nullptr ? row->name : "unknown";
}

StatusClass class_of(std::uint32_t command_status) {
  const auto row = std::ranges::find(status_rows, command_status, &StatusRow::code);
  return row == status_rows.end() ? StatusClass::permanent : row->kind;
}

std::string_view status_text(std::uint32_t command_status) {
  const auto row = std::ranges::find(status_rows, command_status, &StatusRow::code);
  if (row != status_rows.end()) return row->text;
  return command_status >= 0x400 && command_status <= 0x4FF ? "vendor-specific error" : "reserved status";
}

const Tlv* Pdu::tlv(std::uint16_t wanted) const {
  const auto found = std::ranges::find(tlvs, wanted, &Tlv::tag);
  return found == tlvs.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> Pdu::tlv_number(std::uint16_t wanted) const {
  const Tlv* found = tlv(wanted);
  if (found == nullptr || found->value.empty() || found->value.size() == 3 || found->value.size() > 4) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t byte : found->value) number = number << 8 | byte;
  return number;
}

std::optional<std::string_view> Pdu::tlv_text(std::uint16_t wanted) const {
  const Tlv* found = tlv(wanted);
  if (found == nullptr) return std::nullopt;
  const std::string_view text = text_of(found->value);
  return text.substr(0, text.find('\0'));
}

ByteView Pdu::user_data() const {
  const Tlv* payload = tlv(tag::message_payload);
  return payload != nullptr && short_message.empty() ? ByteView(payload->value) : ByteView(short_message);
}

Parsed<Frame> parse_frame(ByteView bytes, std::uint32_t size_max) {
  if (bytes.size() < 4) return Parsed<Frame>::need_more();
  const auto length = load<std::uint32_t>(bytes.data(), std::endian::big);
  if (length < header_size || length > size_max) return Parsed<Frame>::bad(smpp_bad_length);
  if (bytes.size() < length) return Parsed<Frame>::need_more();
  return Parsed<Frame>::done({.command_id = load<std::uint32_t>(bytes.data() + 4, std::endian::big),
                              .status = load<std::uint32_t>(bytes.data() + 8, std::endian::big),
                              .sequence = load<std::uint32_t>(bytes.data() + 12, std::endian::big),
                              .body = bytes.subspan(header_size, length - header_size)},
                             length);
}

Result<Pdu> decode(const Frame& frame) {
  const Row* row = row_of(frame.command_id);
  if (row == nullptr) return fail(smpp_unknown_command, 4);
  Pdu pdu;
  pdu.command = row->command;
  pdu.status = frame.status;
  pdu.sequence = frame.sequence;
  // Many SMSCs leave the body out of a response that refuses, and some out of one that does not.
  if (is_response(row->command) && frame.body.empty()) return pdu;
  std::size_t at = 0;
  for (const Field& field : row->fields) {
    if (const auto done = read_field(field, frame.body, at, pdu); !done) return std::unexpected(done.error());
  }
  if (const auto done = read_tlvs(frame.body, at, pdu); !done) return std::unexpected(done.error());
  return pdu;
}

Result<Bytes> encode(const Pdu& pdu) {
  const Row* row = row_of(static_cast<std::uint32_t>(pdu.command));
  if (row == nullptr) return fail(smpp_not_encodable, 4);
  Bytes out;
  append(out, std::uint32_t{0}, std::endian::big);
  append(out, static_cast<std::uint32_t>(pdu.command), std::endian::big);
  append(out, pdu.status, std::endian::big);
  append(out, pdu.sequence, std::endian::big);
  for (const Field& field : row->fields) {
    if (const auto done = write_field(field, pdu, out); !done) return std::unexpected(done.error());
  }
  for (const Tlv& tlv : pdu.tlvs) {
    if (tlv.value.size() > 0xFFFF) return fail(smpp_not_encodable, out.size());
    append(out, tlv.tag, std::endian::big);
    append(out, static_cast<std::uint16_t>(tlv.value.size()), std::endian::big);
    append(out, ByteView(tlv.value));
  }
  store(out.data(), static_cast<std::uint32_t>(out.size()), std::endian::big);
  return out;
}

Pdu respond(const Pdu& request, std::uint32_t command_status) {
  Pdu response;
  response.command = response_of(request.command);
  response.status = command_status;
  response.sequence = request.sequence;
  return response;
}

Pdu nack_for(const Frame& frame, const Error& error) {
  Pdu nack;
  nack.sequence = frame.sequence;
  if (error.is(smpp_unknown_command) || is_response(static_cast<Command>(frame.command_id))) {
    nack.command = Command::generic_nack;
    nack.status = error.is(smpp_unknown_command) ? status::bad_command_id : status::bad_command_length;
    return nack;
  }
  nack.command = response_of(static_cast<Command>(frame.command_id));
  nack.status = error.is(smpp_bad_tlv)       ? status::tlv_error
                : error.is(smpp_long_string) ? status::bad_message_length
                                             : status::bad_command_length;
  return nack;
}

std::string dump(const Pdu& pdu) {
  std::string line = fmt::format("{} seq={} status={:#x}", name_of(pdu.command), pdu.sequence, pdu.status);
  const Row* row = row_of(static_cast<std::uint32_t>(pdu.command));
  if (row != nullptr) {
    for (const Field& field : row->fields) {
      switch (field.kind) {
        case FieldKind::octet:
          line += fmt::format(" {}={}", field.name, pdu.*field.octet);
          break;
        case FieldKind::text:
          line += fmt::format(" {}={}", field.name, pdu.*field.text);
          break;
        case FieldKind::secret:
          line += fmt::format(" {}=***", field.name);
          break;
        case FieldKind::counted:
          line += fmt::format(" {}={} bytes", field.name, (pdu.*field.counted).size());
          break;
      }
    }
  }
  for (const Tlv& tlv : pdu.tlvs) line += fmt::format(" {:04x}={} bytes", tlv.tag, tlv.value.size());
  return line;
}

}  // namespace pushmail::smpp
