"""SMPP 3.4: PDUs as dictionaries, field by field from one table.

Came from: a TCP connection of the SMSC. Goes to: dictionaries, and back. A PDU that does not fit its table raises SmppError with
the command_status that a strict SMSC answers.
"""
import struct

OK = 0x00
MSG_LENGTH, CMD_LENGTH, CMD_ID, BIND_STATUS, ALREADY_BOUND, PRIORITY, REGISTERED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07
SYSTEM_ERROR, SOURCE, DEST, MESSAGE_ID, BIND_FAILED, PASSWORD, SYSTEM_ID = 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
QUEUE_FULL, SERVICE_TYPE, ESM_CLASS, SUBMIT_FAILED = 0x14, 0x15, 0x43, 0x45
SOURCE_TON, SOURCE_NPI, DEST_TON, DEST_NPI, SYSTEM_TYPE, REPLACE_FLAG = 0x48, 0x49, 0x50, 0x51, 0x53, 0x54
THROTTLED, SCHEDULE, VALIDITY, DEFAULT_MSG = 0x58, 0x61, 0x62, 0x63
TLV_ERROR, TLV_NOT_ALLOWED, TLV_LENGTH, TLV_VALUE = 0xC0, 0xC1, 0xC2, 0xC4

COMMANDS = {
    0x00000001: "bind_receiver", 0x00000002: "bind_transmitter", 0x00000003: "query_sm", 0x00000004: "submit_sm",
    0x00000005: "deliver_sm", 0x00000006: "unbind", 0x00000007: "replace_sm", 0x00000008: "cancel_sm",
    0x00000009: "bind_transceiver", 0x0000000B: "outbind", 0x00000015: "enquire_link", 0x00000021: "submit_multi",
    0x00000102: "alert_notification", 0x00000103: "data_sm",
}
for _code, _name in list(COMMANDS.items()):
    if _name not in ("outbind", "alert_notification"):
        COMMANDS[_code | 0x80000000] = _name + "_resp"
COMMANDS[0x80000000] = "generic_nack"
COMMAND_CODES = {name: code for code, name in COMMANDS.items()}

_ADDRESSES = [("source_addr_ton", 1), ("source_addr_npi", 1), ("source_addr", "c21"), ("dest_addr_ton", 1),
              ("dest_addr_npi", 1), ("destination_addr", "c21")]
_BIND = [("system_id", "c16"), ("password", "c9"), ("system_type", "c13"), ("interface_version", 1), ("addr_ton", 1),
         ("addr_npi", 1), ("address_range", "c41")]
_MESSAGE = ([("service_type", "c6")] + _ADDRESSES +
            [("esm_class", 1), ("protocol_id", 1), ("priority_flag", 1), ("schedule_delivery_time", "c17"),
             ("validity_period", "c17"), ("registered_delivery", 1), ("replace_if_present_flag", 1), ("data_coding", 1),
             ("sm_default_msg_id", 1), ("short_message", "sm")])
BODIES = {
    "bind_receiver": _BIND, "bind_transmitter": _BIND, "bind_transceiver": _BIND,
    "bind_receiver_resp": [("system_id", "c16")], "bind_transmitter_resp": [("system_id", "c16")],
    "bind_transceiver_resp": [("system_id", "c16")],
    "submit_sm": _MESSAGE, "deliver_sm": _MESSAGE,
    "submit_sm_resp": [("message_id", "c65")], "deliver_sm_resp": [("message_id", "c1")],
    "unbind": [], "unbind_resp": [], "enquire_link": [], "enquire_link_resp": [], "generic_nack": [],
}
# tag: (name, least length, most length)
TLVS = {
    0x001D: ("additional_status_info_text", 1, 256), 0x001E: ("receipted_message_id", 1, 65),
    0x0204: ("user_message_reference", 2, 2), 0x020A: ("source_port", 2, 2), 0x020B: ("destination_port", 2, 2),
    0x020C: ("sar_msg_ref_num", 2, 2), 0x020E: ("sar_total_segments", 1, 1), 0x020F: ("sar_segment_seqnum", 1, 1),
    0x0210: ("sc_interface_version", 1, 1), 0x0381: ("callback_num", 4, 19), 0x0422: ("ms_availability_status", 1, 1),
    0x0423: ("network_error_code", 3, 3), 0x0424: ("message_payload", 0, 65535), 0x0425: ("delivery_failure_reason", 1, 1),
    0x0426: ("more_messages_to_send", 1, 1), 0x0427: ("message_state", 1, 1),
}
TLV_CODES = {name: code for code, (name, _, _) in TLVS.items()}


class SmppError(ValueError):
    """`status` is what a strict peer answers; `close` says that the stream is lost."""

    def __init__(self, status, why, close=False):
        super().__init__(why)
        self.status = status
        self.close = close


def header(data):
    """-> (length, command id, status, sequence)."""
    return struct.unpack(">IIII", data[:16])


def _cstring(body, at, most, name):
    zero = body.find(b"\0", at, at + most)
    if zero < 0:
        raise SmppError(CMD_LENGTH, "%s has no NUL in its %d bytes" % (name, most))
    try:
        return body[at:zero].decode("ascii"), zero + 1
    except UnicodeDecodeError:
        raise SmppError(CMD_LENGTH, "%s is not ASCII" % name) from None


def decode_body(name, body):
    """Fields of a PDU's body; TLVs stand under "tlvs" by name."""
    fields, at = {}, 0
    for field, shape in BODIES[name]:
        if shape == 1:
            if at >= len(body):
                raise SmppError(CMD_LENGTH, "%s is missing" % field)
            fields[field] = body[at]
            at += 1
        elif shape == "sm":
            if at >= len(body):
                raise SmppError(CMD_LENGTH, "sm_length is missing")
            size = body[at]
            if size > 254:
                raise SmppError(MSG_LENGTH, "sm_length %d" % size)
            if at + 1 + size > len(body):
                raise SmppError(CMD_LENGTH, "short_message is cut")
            fields[field] = body[at + 1:at + 1 + size]
            at += 1 + size
        else:
            if name.endswith("_resp") and at >= len(body):
                break
            fields[field], at = _cstring(body, at, int(shape[1:]), field)
    fields["tlvs"] = {}
    while at < len(body):
        if name in ("unbind", "unbind_resp", "enquire_link", "enquire_link_resp", "generic_nack"):
            raise SmppError(CMD_LENGTH, "%s has no body" % name)
        if len(body) - at < 4:
            raise SmppError(TLV_ERROR, "a TLV's head is cut")
        tag, size = struct.unpack(">HH", body[at:at + 4])
        if at + 4 + size > len(body):
            raise SmppError(TLV_ERROR, "TLV %04X is cut" % tag)
        value = body[at + 4:at + 4 + size]
        at += 4 + size
        if tag in TLVS:
            known, least, most = TLVS[tag]
            if not least <= size <= most:
                raise SmppError(TLV_LENGTH, "TLV %s of %d bytes" % (known, size))
            if known in fields["tlvs"]:
                raise SmppError(TLV_NOT_ALLOWED, "TLV %s twice" % known)
            fields["tlvs"][known] = value
    return fields


def encode(name, sequence, status=0, tlvs=None, **fields):
    body = b""
    if not (status and name.endswith("_resp") and not fields):
        for field, shape in BODIES[name]:
            if shape == 1:
                body += bytes([fields.get(field, 0)])
            elif shape == "sm":
                text = fields.get(field, b"")
                body += bytes([len(text)]) + text
            else:
                body += fields.get(field, "").encode("ascii") + b"\0"
    for tag, value in (tlvs or {}).items():
        body += struct.pack(">HH", TLV_CODES[tag], len(value)) + value
    return struct.pack(">IIII", 16 + len(body), COMMAND_CODES[name], status, sequence) + body


GSM = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
       "¿abcdefghijklmnopqrstuvwxyzäöñüà")
GSM_EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
                 0x65: "€"}
_GSM_CODES = {char: bytes([code]) for code, char in enumerate(GSM) if code != 0x1B}
_GSM_CODES.update({char: bytes([0x1B, code]) for code, char in GSM_EXTENSION.items()})


def gsm_decode(data):
    out, at = [], 0
    while at < len(data):
        code = data[at]
        at += 1
        if code > 127:
            raise SmppError(SUBMIT_FAILED, "byte %02X is not in the default alphabet" % code)
        if code == 0x1B:
            if at >= len(data):
                raise SmppError(SUBMIT_FAILED, "the text ends in an escape")
            out.append(GSM_EXTENSION.get(data[at], " "))
            at += 1
        else:
            out.append(GSM[code])
    return "".join(out)


def gsm_encode(text):
    """Bytes, or None when a character is in neither table."""
    try:
        return b"".join(_GSM_CODES[char] for char in text)
    except KeyError:
        return None


def split_udh(data):
    """-> ({element: bytes}, user data)."""
    if not data or data[0] + 1 > len(data):
        raise SmppError(ESM_CLASS, "a user data header that does not fit")
    elements, at, end = {}, 1, data[0] + 1
    while at < end:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            raise SmppError(ESM_CLASS, "an element of the user data header that does not fit")
        elements[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return elements, data[end:]
