// SMPP 3.4 PDUs as data: one flat Pdu, and a table that lists each command's fields in wire order. Encode, decode and dump walk it.
//
// Came from / goes to: the TCP connection of controlplane/notify. parse_frame() cuts the stream, decode() reads one frame.
// Invariant: decode(encode(pdu)) == pdu for the fields that the command has. Adding a PDU or a field is adding rows in smpp.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "core/result.h"

namespace pushmail::smpp {

enum class Command : std::uint32_t {
  bind_receiver = 0x00000001,
  bind_transmitter = 0x00000002,
  submit_sm = 0x00000004,
  deliver_sm = 0x00000005,
  unbind = 0x00000006,
  bind_transceiver = 0x00000009,
  enquire_link = 0x00000015,
  data_sm = 0x00000103,
  generic_nack = 0x80000000,
  bind_receiver_resp = 0x80000001,
  bind_transmitter_resp = 0x80000002,
  submit_sm_resp = 0x80000004,
  deliver_sm_resp = 0x80000005,
  unbind_resp = 0x80000006,
  bind_transceiver_resp = 0x80000009,
  enquire_link_resp = 0x80000015,
  data_sm_resp = 0x80000103,
};
/// The answer to a request; generic_nack for what has none.
[[nodiscard]] Command response_of(Command request);
[[nodiscard]] constexpr bool is_response(Command command) { return (static_cast<std::uint32_t>(command) & 0x80000000U) != 0; }
/// What is told and never answered: outbind (SMPP 3.4 §4.1.7) and alert_notification (§4.12).
[[nodiscard]] constexpr bool is_one_way(std::uint32_t command_id) { return command_id == 0x0000000B || command_id == 0x00000102; }
/// `submit_sm`; `unknown` for a number without a row.
[[nodiscard]] std::string_view name_of(Command command);

/// command_status values that we write or act on (SMPP 3.4 §5.1.3).
namespace status {
inline constexpr std::uint32_t ok = 0x00;
inline constexpr std::uint32_t bad_message_length = 0x01;
inline constexpr std::uint32_t bad_command_length = 0x02;
inline constexpr std::uint32_t bad_command_id = 0x03;
inline constexpr std::uint32_t wrong_bind_status = 0x04;
inline constexpr std::uint32_t already_bound = 0x05;
inline constexpr std::uint32_t system_error = 0x08;
inline constexpr std::uint32_t bind_failed = 0x0D;
inline constexpr std::uint32_t bad_password = 0x0E;
inline constexpr std::uint32_t bad_system_id = 0x0F;
inline constexpr std::uint32_t queue_full = 0x14;
inline constexpr std::uint32_t submit_failed = 0x45;
inline constexpr std::uint32_t throttled = 0x58;
inline constexpr std::uint32_t esme_temporary = 0x64;
inline constexpr std::uint32_t esme_permanent = 0x65;
inline constexpr std::uint32_t esme_reject = 0x66;
inline constexpr std::uint32_t tlv_error = 0xC0;
inline constexpr std::uint32_t bad_tlv_length = 0xC2;
}  // namespace status

/// What a non-zero command_status means for the message: try again, rebind first, or give up.
enum class StatusClass : std::uint8_t { ok, temporary, session, permanent };
[[nodiscard]] StatusClass class_of(std::uint32_t command_status);
/// A few words for logs and `item show`.
[[nodiscard]] std::string_view status_text(std::uint32_t command_status);

/// Optional parameter tags (SMPP 3.4 §5.3.2).
namespace tag {
inline constexpr std::uint16_t additional_status_info_text = 0x001D;
inline constexpr std::uint16_t receipted_message_id = 0x001E;
inline constexpr std::uint16_t user_message_reference = 0x0204;
inline constexpr std::uint16_t source_port = 0x020A;
inline constexpr std::uint16_t destination_port = 0x020B;
inline constexpr std::uint16_t sar_msg_ref_num = 0x020C;
inline constexpr std::uint16_t sar_total_segments = 0x020E;
inline constexpr std::uint16_t sar_segment_seqnum = 0x020F;
inline constexpr std::uint16_t sc_interface_version = 0x0210;
inline constexpr std::uint16_t network_error_code = 0x0423;
inline constexpr std::uint16_t message_payload = 0x0424;
inline constexpr std::uint16_t message_state = 0x0427;
}  // namespace tag

struct Tlv {
  std::uint16_t tag = 0;
  Bytes value;
  bool operator==(const Tlv&) const = default;
};

inline constexpr std::uint8_t ton_unknown = 0, ton_international = 1, ton_national = 2, ton_alphanumeric = 5, ton_abbreviated = 6;
inline constexpr std::uint8_t npi_unknown = 0, npi_e164 = 1, npi_x121 = 3, npi_telex = 4, npi_e212 = 6, npi_internet = 14, npi_wap = 18;
inline constexpr std::uint8_t esm_udhi = 0x40;  // the short message begins with a user data header
inline constexpr std::uint8_t esm_type_mask = 0x3C;
inline constexpr std::uint8_t esm_receipt = 0x04;
inline constexpr std::uint8_t esm_delivery_ack = 0x08;  // the receiving phone's own acknowledgements
inline constexpr std::uint8_t esm_user_ack = 0x10;
inline constexpr std::uint8_t esm_abort = 0x18;
inline constexpr std::uint8_t esm_intermediate = 0x20;

/// Every field any PDU has; a command uses those of its rows and leaves the rest alone.
struct Pdu {
  Command command = Command::enquire_link;
  std::uint32_t status = 0;
  std::uint32_t sequence = 0;

  // bind_*, and system_id in its responses.
  std::string system_id;
  std::string password;
  std::string system_type;
  std::uint8_t interface_version = 0x34;
  std::uint8_t addr_ton = 0;
  std::uint8_t addr_npi = 0;
  std::string address_range;

  // submit_sm, deliver_sm, and as far as it has them data_sm (its text is the TLV message_payload).
  std::string service_type;
  std::uint8_t source_addr_ton = 0;
  std::uint8_t source_addr_npi = 0;
  std::string source_addr;
  std::uint8_t dest_addr_ton = 0;
  std::uint8_t dest_addr_npi = 0;
  std::string destination_addr;
  std::uint8_t esm_class = 0;
  std::uint8_t protocol_id = 0;
  std::uint8_t priority_flag = 0;
  std::string schedule_delivery_time;
  std::string validity_period;
  std::uint8_t registered_delivery = 0;
  std::uint8_t replace_if_present_flag = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t sm_default_msg_id = 0;
  Bytes short_message;  // at most 254; longer goes into message_payload

  std::string message_id;  // submit_sm_resp; in deliver_sm_resp and data_sm_resp of ours unused and empty

  std::vector<Tlv> tlvs;  // in the order of the wire, unknown ones too

  [[nodiscard]] const Tlv* tlv(std::uint16_t wanted) const;
  /// A TLV of 1, 2 or 4 bytes as a number.
  [[nodiscard]] std::optional<std::uint32_t> tlv_number(std::uint16_t wanted) const;
  /// A C-octet TLV without its NUL.
  [[nodiscard]] std::optional<std::string_view> tlv_text(std::uint16_t wanted) const;
  /// short_message, or message_payload where that is empty.
  [[nodiscard]] ByteView user_data() const;
  bool operator==(const Pdu&) const = default;
};

/// One PDU cut out of the stream: the header, and the body as a view.
struct Frame {
  std::uint32_t command_id = 0;
  std::uint32_t status = 0;
  std::uint32_t sequence = 0;
  ByteView body;
};
/// Cuts one frame from the front. bad: the stream is lost; answer generic_nack 2 with sequence 0 and close.
[[nodiscard]] Parsed<Frame> parse_frame(ByteView bytes, std::uint32_t size_max = limits::smpp_pdu_size_max);
/// Reads the body. On an error the stream goes on: answer nack_for(frame, error). A response with a non-zero status may lack its body.
[[nodiscard]] Result<Pdu> decode(const Frame& frame);

/// The whole PDU; fails only when a value does not fit its field.
[[nodiscard]] Result<Bytes> encode(const Pdu& pdu);

/// The response to `request` with its sequence number.
[[nodiscard]] Pdu respond(const Pdu& request, std::uint32_t command_status = status::ok);
/// What answers a frame that decode() refused: generic_nack, or the command's own response with a status.
[[nodiscard]] Pdu nack_for(const Frame& frame, const Error& error);

/// One line, `submit_sm seq=2 status=0 source_addr=Mail ...`, for tests and tools. Passwords and texts are left out; numbers are not,
/// so it does not go into logs.
[[nodiscard]] std::string dump(const Pdu& pdu);

}  // namespace pushmail::smpp
