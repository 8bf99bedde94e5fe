"""MMS encapsulation (OMA-MMS-ENC 1.2): the PDUs between a phone and its MMSC.

Came from: HTTP bodies and WAP pushes. Goes to: Pdu objects, and back. Strict: field order, mandatory fields, duplicates, value
ranges and everything behind the end are refused with PduError.
"""
from . import wsp
from .wsp import PduError, Reader

TYPES = {
    0x00: "m-send-req", 0x01: "m-send-conf", 0x02: "m-notification-ind", 0x03: "m-notifyresp-ind", 0x04: "m-retrieve-conf",
    0x05: "m-acknowledge-ind", 0x06: "m-delivery-ind", 0x07: "m-read-rec-ind", 0x08: "m-read-orig-ind",
}
TYPE_CODES = {name: code for code, name in TYPES.items()}

# code: (name, value kind). enum kinds name their table below.
FIELDS = {
    0x01: ("bcc", "encoded"), 0x02: ("cc", "encoded"), 0x03: ("content-location", "text"), 0x05: ("date", "long"),
    0x06: ("delivery-report", "yesno"), 0x07: ("delivery-time", "time"), 0x08: ("expiry", "time"), 0x09: ("from", "from"),
    0x0A: ("message-class", "class"), 0x0B: ("message-id", "text"), 0x0C: ("message-type", "type"),
    0x0D: ("mms-version", "version"), 0x0E: ("message-size", "long"), 0x0F: ("priority", "priority"),
    0x10: ("read-report", "yesno"), 0x11: ("report-allowed", "yesno"), 0x12: ("response-status", "octet"),
    0x13: ("response-text", "encoded"), 0x14: ("sender-visibility", "visibility"), 0x15: ("status", "status"),
    0x16: ("subject", "encoded"), 0x17: ("to", "encoded"), 0x18: ("transaction-id", "text"),
    0x19: ("retrieve-status", "octet"), 0x1A: ("retrieve-text", "encoded"), 0x1B: ("read-status", "octet"),
}
FIELD_CODES = {name: code for code, (name, _) in FIELDS.items()}
ENUMS = {
    "yesno": {0: True, 1: False},
    "class": {0: "Personal", 1: "Advertisement", 2: "Informational", 3: "Auto"},
    "priority": {0: "Low", 1: "Normal", 2: "High"},
    "visibility": {0: "Hide", 1: "Show"},
    "status": {0: "Expired", 1: "Retrieved", 2: "Rejected", 3: "Deferred", 4: "Unrecognised", 5: "Indeterminate",
               6: "Forwarded", 7: "Unreachable"},
}
INSERT_ADDRESS = "<insert-address>"
REPEATABLE = ("to", "cc", "bcc")

# type: (first fields in their order, other mandatory fields, has a body)
SHAPES = {
    "m-send-req": (("message-type", "transaction-id", "mms-version"), ("from",), True),
    "m-send-conf": (("message-type", "transaction-id", "mms-version"), ("response-status",), False),
    "m-notification-ind": (("message-type", "transaction-id", "mms-version"),
                           ("message-class", "message-size", "expiry", "content-location"), False),
    "m-notifyresp-ind": (("message-type", "transaction-id", "mms-version"), ("status",), False),
    "m-retrieve-conf": (("message-type",), ("mms-version", "date"), True),
    "m-acknowledge-ind": (("message-type", "transaction-id", "mms-version"), (), False),
    "m-delivery-ind": (("message-type", "mms-version"), ("message-id", "to", "date", "status"), False),
    "m-read-rec-ind": (("message-type", "mms-version"), ("message-id", "to", "from", "read-status"), False),
    "m-read-orig-ind": (("message-type", "mms-version"), ("message-id", "to", "from", "date", "read-status"), False),
}
ALLOWED = {
    "m-send-req": "message-type transaction-id mms-version from to cc bcc date subject message-class expiry delivery-time "
                  "priority sender-visibility delivery-report read-report",
    "m-send-conf": "message-type transaction-id mms-version response-status response-text message-id",
    "m-notification-ind": "message-type transaction-id mms-version from subject delivery-report message-class message-size "
                          "expiry content-location priority",
    "m-notifyresp-ind": "message-type transaction-id mms-version status report-allowed",
    "m-retrieve-conf": "message-type transaction-id mms-version message-id date from to cc subject message-class priority "
                       "delivery-report read-report retrieve-status retrieve-text",
    "m-acknowledge-ind": "message-type transaction-id mms-version report-allowed",
    "m-delivery-ind": "message-type mms-version message-id to date status",
    "m-read-rec-ind": "message-type mms-version message-id to from date read-status",
    "m-read-orig-ind": "message-type mms-version message-id to from date read-status",
}


class Pdu:
    """One MMS PDU: `fields` maps names to values (to, cc and bcc to lists)."""

    def __init__(self, kind, **fields):
        self.kind = kind
        self.fields = {name.replace("_", "-"): value for name, value in fields.items() if value is not None}
        self.media = ""
        self.params = {}
        self.parts = []

    def get(self, name, otherwise=None):
        return self.fields.get(name, otherwise)

    def presentation(self):
        start = self.params.get("start", "").strip("<>")
        for part in self.parts:
            if start and part.content_id == start:
                return part
        return next((part for part in self.parts if part.media == "application/smil"), None)


def _write_value(kind, value):
    if kind == "encoded":
        return wsp.encoded_string(value)
    if kind == "text":
        return wsp.text_string(value)
    if kind == "long":
        return wsp.long_integer(value)
    if kind == "time":
        body = b"\x81" + wsp.long_integer(value)
        return wsp.value_length(len(body)) + body
    if kind == "from":
        body = b"\x81" if value == INSERT_ADDRESS else b"\x80" + wsp.encoded_string(value)
        return wsp.value_length(len(body)) + body
    if kind == "octet":
        return bytes([value])
    if kind == "version":
        return bytes([0x80 | int(value.split(".")[0]) << 4 | int(value.split(".")[1])])
    return bytes([0x80 | next(code for code, name in ENUMS[kind].items() if name == value)])


def encode(pdu):
    """Bytes of a PDU: first fields in their order, Content-Type and body last."""
    first, _, _ = SHAPES[pdu.kind]
    out = [b"\x8c" + bytes([0x80 | TYPE_CODES[pdu.kind]])]
    pdu.fields.setdefault("mms-version", "1.2")
    names = [name for name in ("transaction-id", "mms-version") if name in pdu.fields]
    names += [name for name in pdu.fields if name not in names and name not in first[:1]]
    for name in names:
        code = FIELD_CODES[name]
        values = pdu.fields[name] if name in REPEATABLE else [pdu.fields[name]]
        for value in values:
            out.append(bytes([0x80 | code]) + _write_value(FIELDS[code][1], value))
    if pdu.parts:
        smil = pdu.presentation()
        if smil is not None:
            out.append(b"\x84" + wsp.content_type("application/vnd.wap.multipart.related", start="<%s>" % smil.content_id,
                                                  type="application/smil"))
        else:
            out.append(b"\x84" + wsp.content_type("application/vnd.wap.multipart.mixed"))
        out.append(wsp.multipart(pdu.parts))
    return b"".join(out)


def _read_value(reader, kind):
    if kind == "encoded":
        return wsp.read_encoded_string(reader)
    if kind == "text":
        raw = reader.text_string()
        if not raw:
            reader.fail("an empty text")
        return raw.decode("utf-8", "replace")
    if kind == "long":
        return reader.long_integer()
    if kind == "time":
        inner = reader.sub(reader.value_length())
        token = inner.octet()
        if token not in (0x80, 0x81):
            inner.fail("neither absolute nor relative time")
        seconds = inner.long_integer()
        inner.done("a time")
        return ("absolute" if token == 0x80 else "relative", seconds)
    if kind == "from":
        inner = reader.sub(reader.value_length())
        token = inner.octet()
        if token == 0x81:
            inner.done("From")
            return INSERT_ADDRESS
        if token != 0x80:
            inner.fail("neither an address nor the insert-address token")
        value = wsp.read_encoded_string(inner)
        inner.done("From")
        return value
    if kind == "octet":
        value = reader.octet()
        if value < 0x80:
            reader.fail("a status below 80")
        return value
    if kind == "version":
        value = reader.short_integer()
        return "%d.%d" % (value >> 4, value & 15)
    if kind == "class" and reader.peek() < 0x80:
        return reader.token_text()
    value = reader.octet()
    if value < 0x80 or value & 0x7F not in ENUMS[kind]:
        reader.fail("%s has no value %02X" % (kind, value))
    return ENUMS[kind][value & 0x7F]


def decode(data):
    """Reads one PDU, strictly."""
    reader = Reader(data)
    if reader.octet() != 0x8C:
        raise PduError("X-Mms-Message-Type does not come first", 0)
    code = reader.octet()
    if code < 0x80 or code & 0x7F not in TYPES:
        raise PduError("message type %02X is not known" % code, 1)
    pdu = Pdu(TYPES[code & 0x7F])
    first, mandatory, has_body = SHAPES[pdu.kind]
    allowed = ALLOWED[pdu.kind].split()
    order = ["message-type"]
    body_seen = False
    while reader.left():
        at = reader.at
        code = reader.octet()
        if code < 0x80:
            raise PduError("a field code below 80", at)
        if code == 0x84:
            if not has_body:
                raise PduError("%s has no body" % pdu.kind, at)
            pdu.media, pdu.params = wsp.read_content_type(reader)
            if pdu.media.startswith("application/vnd.wap.multipart."):
                pdu.parts = wsp.read_multipart(reader)
            else:
                pdu.parts = [wsp.Part(pdu.media, reader.take(reader.left()), pdu.params)]
            if pdu.media == "application/vnd.wap.multipart.related":
                start = pdu.params.get("start", "")
                if "type" not in pdu.params or not start:
                    raise PduError("multipart.related without start or type", at)
                if not any(part.content_id == start.strip("<>") for part in pdu.parts):
                    raise PduError("start names no part", at)
            body_seen = True
            break
        if code & 0x7F not in FIELDS:
            raise PduError("field %02X is not known" % code, at)
        name, kind = FIELDS[code & 0x7F]
        if name not in allowed:
            raise PduError("%s has no field %s" % (pdu.kind, name), at)
        if name in pdu.fields and name not in REPEATABLE:
            raise PduError("%s twice" % name, at)
        value = _read_value(reader, kind)
        if name in REPEATABLE:
            pdu.fields.setdefault(name, []).append(value)
        else:
            pdu.fields[name] = value
        order.append(name)
        if name == "mms-version" and not value.startswith("1."):
            raise PduError("MMS version %s" % value, at)
    wanted = list(first) if pdu.kind != "m-retrieve-conf" else (
        ["message-type", "transaction-id", "mms-version"] if "transaction-id" in pdu.fields else ["message-type", "mms-version"])
    if order[:len(wanted)] != wanted:
        raise PduError("the first fields are not %s" % ", ".join(wanted))
    for name in mandatory:
        if name not in pdu.fields:
            raise PduError("%s is missing" % name)
    if pdu.kind == "m-send-req" and not any(name in pdu.fields for name in REPEATABLE):
        raise PduError("no recipient")
    if has_body and not body_seen and pdu.get("retrieve-status", 0x80) == 0x80:
        raise PduError("no content")
    if pdu.kind == "m-retrieve-conf" and body_seen and "message-id" not in pdu.fields:
        raise PduError("message-id is missing")
    return pdu
