"""WSP value types, content types, multipart bodies and the connectionless push PDU (WAP-230 section 8).

Came from: bytes of mms.py and of an SMS. Goes to: Python values. A reader here is strict: what the specification does not
allow raises PduError, with the offset where it was seen.
"""


class PduError(ValueError):
    """What is wrong with the bytes, and where."""

    def __init__(self, why, at=None):
        super().__init__(why if at is None else "%s at byte %d" % (why, at))
        self.why = why
        self.at = at


CONTENT_TYPES = {
    0x00: "*/*", 0x01: "text/*", 0x02: "text/html", 0x03: "text/plain", 0x06: "text/x-vCalendar", 0x07: "text/x-vCard",
    0x08: "text/vnd.wap.wml", 0x0B: "multipart/*", 0x0C: "multipart/mixed", 0x0D: "multipart/form-data",
    0x0F: "multipart/alternative", 0x10: "application/*", 0x12: "application/x-www-form-urlencoded", 0x1C: "image/*",
    0x1D: "image/gif", 0x1E: "image/jpeg", 0x1F: "image/tiff", 0x20: "image/png", 0x21: "image/vnd.wap.wbmp",
    0x22: "application/vnd.wap.multipart.*", 0x23: "application/vnd.wap.multipart.mixed",
    0x24: "application/vnd.wap.multipart.form-data", 0x25: "application/vnd.wap.multipart.byteranges",
    0x26: "application/vnd.wap.multipart.alternative", 0x27: "application/xml", 0x28: "text/xml",
    0x29: "application/vnd.wap.wbxml", 0x2D: "text/vnd.wap.si", 0x2E: "application/vnd.wap.sic", 0x2F: "text/vnd.wap.sl",
    0x30: "application/vnd.wap.slc", 0x33: "application/vnd.wap.multipart.related", 0x3B: "application/xhtml+xml",
    0x3D: "text/css", 0x3E: "application/vnd.wap.mms-message", 0x45: "application/vnd.wap.xhtml+xml",
    0x4F: "audio/*", 0x50: "video/*", 0x5A: "application/octet-stream",
}
CONTENT_TYPE_CODES = {name: code for code, name in CONTENT_TYPES.items()}

CHARSETS = {
    3: "us-ascii", 4: "iso-8859-1", 5: "iso-8859-2", 6: "iso-8859-3", 7: "iso-8859-4", 8: "iso-8859-5", 9: "iso-8859-6",
    10: "iso-8859-7", 11: "iso-8859-8", 12: "iso-8859-9", 17: "shift_jis", 18: "euc-jp", 36: "ks_c_5601-1987", 38: "euc-kr",
    39: "iso-2022-jp", 106: "utf-8", 111: "iso-8859-15", 113: "gbk", 114: "gb18030", 1000: "utf-16-be", 1013: "utf-16-be",
    1014: "utf-16-le", 1015: "utf-16", 2025: "gb2312", 2026: "big5", 2084: "koi8-r", 2250: "windows-1250",
    2251: "windows-1251", 2252: "windows-1252",
}
CHARSET_CODES = {"us-ascii": 3, "iso-8859-1": 4, "utf-8": 106, "shift_jis": 17, "iso-2022-jp": 39, "utf-16": 1015}

PUSH_APPLICATIONS = {0: "*", 1: "push.sia", 2: "wml.ua", 3: "wta.ua", 4: "mms.ua", 9: "emn.ua"}
TOKEN_CHARS = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Reader:
    """A strict cursor over bytes."""

    def __init__(self, data, at=0, end=None):
        self.data = bytes(data)
        self.at = at
        self.end = len(self.data) if end is None else end

    def left(self):
        return self.end - self.at

    def fail(self, why):
        raise PduError(why, self.at)

    def octet(self):
        if self.at >= self.end:
            self.fail("the bytes end too early")
        value = self.data[self.at]
        self.at += 1
        return value

    def peek(self):
        if self.at >= self.end:
            self.fail("the bytes end too early")
        return self.data[self.at]

    def take(self, count):
        if count > self.left():
            self.fail("a length of %d points behind the end" % count)
        value = self.data[self.at:self.at + count]
        self.at += count
        return value

    def sub(self, count):
        if count > self.left():
            self.fail("a length of %d points behind the end" % count)
        inner = Reader(self.data, self.at, self.at + count)
        self.at += count
        return inner

    def done(self, what):
        if self.at != self.end:
            self.fail("%d bytes too many in %s" % (self.left(), what))

    def uintvar(self):
        value = 0
        for index in range(5):
            byte = self.octet()
            if index == 0 and byte == 0x80:
                self.fail("uintvar with a leading zero group")
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        return self.fail("uintvar longer than five bytes")

    def short_integer(self):
        byte = self.octet()
        if byte < 0x80:
            self.fail("short-integer expected")
        return byte & 0x7F

    def long_integer(self):
        count = self.octet()
        if not 1 <= count <= 30:
            self.fail("long-integer of %d bytes" % count)
        raw = self.take(count)
        if count > 1 and raw[0] == 0:
            self.fail("long-integer is not minimal")
        return int.from_bytes(raw, "big")

    def integer_value(self):
        return self.short_integer() if self.peek() >= 0x80 else self.long_integer()

    def value_length(self):
        first = self.octet()
        if first < 31:
            return first
        if first == 31:
            return self.uintvar()
        return self.fail("value-length expected")

    def cstring(self):
        zero = self.data.find(b"\0", self.at, self.end)
        if zero < 0:
            self.fail("text without its NUL")
        raw = self.data[self.at:zero]
        self.at = zero + 1
        return raw

    def text_string(self):
        if self.left() and self.peek() != 0 and (self.peek() < 0x20 or self.peek() >= 0x80):
            self.fail("text-string begins with byte %02X" % self.peek())
        raw = self.cstring()
        return raw[1:] if raw[:1] == b"\x7f" else raw

    def token_text(self):
        raw = self.cstring()
        if not raw or any(byte not in TOKEN_CHARS for byte in raw):
            self.fail("token-text expected")
        return raw.decode("ascii")


def uintvar(value):
    groups = [value & 0x7F]
    value >>= 7
    while value:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(reversed(groups))


def value_length(size):
    return bytes([size]) if size < 31 else b"\x1f" + uintvar(size)


def short_integer(value):
    assert 0 <= value <= 127
    return bytes([0x80 | value])


def long_integer(value):
    raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes([len(raw)]) + raw


def integer_value(value):
    return short_integer(value) if value <= 127 else long_integer(value)


def text_string(text):
    raw = text.encode("utf-8") if isinstance(text, str) else bytes(text)
    if b"\0" in raw:
        raise PduError("NUL inside a text")
    return (b"\x7f" if raw[:1] >= b"\x80" else b"") + raw + b"\0"


def encoded_string(text):
    """ASCII goes as plain text, everything else with its charset."""
    if all(0x20 <= ord(c) < 0x7F for c in text):
        return text_string(text)
    body = short_integer(106) + text_string(text)
    return value_length(len(body)) + body


def read_encoded_string(reader):
    if reader.peek() > 31:
        raw = reader.text_string()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return reader.fail("text in no charset that is named")
    inner = reader.sub(reader.value_length())
    charset = CHARSETS.get(inner.integer_value())
    if charset is None:
        inner.fail("charset without a number in the table")
    if charset.startswith("utf-16"):
        raw = inner.take(inner.left())
        raw = raw[:-2] if raw[-2:] == b"\0\0" else raw
    else:
        raw = inner.cstring()
        raw = raw[1:] if raw[:1] == b"\x7f" else raw
        inner.done("encoded-string")
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        return reader.fail("text is not %s" % charset)


def content_type(media, **params):
    """Bytes of a Content-Type value. Parameters: charset, name, start, type."""
    code = CONTENT_TYPE_CODES.get(media)
    body = b""
    if "start" in params:
        body += b"\x8a" + text_string(params["start"])
    if "type" in params:
        body += b"\x89" + text_string(params["type"])
    if "charset" in params:
        body += b"\x81" + integer_value(CHARSET_CODES[params["charset"]])
    if "name" in params:
        body += b"\x85" + text_string(params["name"])
    if not body:
        return short_integer(code) if code is not None else text_string(media)
    body = (short_integer(code) if code is not None else text_string(media)) + body
    return value_length(len(body)) + body


def _media(reader):
    first = reader.peek()
    if first >= 0x80 or first <= 30:
        code = reader.integer_value()
        media = CONTENT_TYPES.get(code)
        if media is None:
            reader.fail("content type without a number in the table: %d" % code)
        return media
    raw = reader.text_string().decode("ascii", "replace")
    if raw.count("/") != 1:
        reader.fail("content type %r" % raw)
    return raw.lower()


def read_content_type(reader):
    """-> (media type, {parameter: text})."""
    if reader.peek() >= 0x80 or reader.peek() >= 0x20:
        return _media(reader), {}
    inner = reader.sub(reader.value_length())
    media = _media(inner)
    params = {}
    while inner.left():
        if inner.peek() >= 0x80:
            code = inner.short_integer()
            if code == 0x01:
                charset = CHARSETS.get(inner.integer_value())
                if charset is None:
                    inner.fail("charset without a number in the table")
                name, value = "charset", charset
            elif code in (0x05, 0x17):
                name, value = "name", inner.text_string().decode("utf-8", "replace")
            elif code in (0x06, 0x18):
                name, value = "filename", inner.text_string().decode("utf-8", "replace")
            elif code in (0x0A, 0x19):
                name, value = "start", inner.text_string().decode("utf-8", "replace")
            elif code == 0x09:
                name, value = "type", _media(inner)
            else:
                inner.fail("parameter %02X is not known" % code)
        else:
            name = inner.token_text().lower()
            value = (str(inner.integer_value()) if inner.peek() >= 0x80 or inner.peek() < 0x20
                     else inner.text_string().decode("utf-8", "replace").strip('"'))
        if name in params:
            inner.fail("parameter %s twice" % name)
        params[name] = value
    return media, params


class Part:
    """One entry of a multipart body."""

    def __init__(self, media, data, params=None, content_id="", location="", disposition="", encoding=""):
        self.media = media
        self.data = data
        self.params = params or {}
        self.content_id = content_id
        self.location = location
        self.disposition = disposition
        self.encoding = encoding

    def name(self):
        return self.location or self.params.get("name") or self.params.get("filename") or self.content_id

    def text(self):
        return self.data.decode(self.params.get("charset", "utf-8"))


def multipart(parts):
    out = [uintvar(len(parts))]
    for part in parts:
        head = content_type(part.media, **part.params)
        if part.content_id:
            head += b"\xc0\x22<" + part.content_id.encode() + b">\0"
        if part.location:
            head += b"\x8e" + text_string(part.location)
        out += [uintvar(len(head)), uintvar(len(part.data)), head, part.data]
    return b"".join(out)


def read_multipart(reader):
    count = reader.uintvar()
    parts = []
    for _ in range(count):
        head_size = reader.uintvar()
        data_size = reader.uintvar()
        if not head_size:
            reader.fail("a part without Content-Type")
        head = reader.sub(head_size)
        media, params = read_content_type(head)
        part = Part(media, b"", params)
        seen = set()
        while head.left():
            if head.peek() >= 0x80:
                code = head.short_integer()
                if code in seen:
                    head.fail("part header %02X twice" % code)
                seen.add(code)
                if code == 0x40:
                    if head.peek() != 0x22:
                        head.fail("Content-ID is a quoted-string")
                    raw = head.cstring()[1:].decode("utf-8", "replace")
                    if not (raw.startswith("<") and raw.endswith(">")):
                        head.fail("Content-ID without <>")
                    part.content_id = raw[1:-1]
                elif code == 0x0E:
                    part.location = head.text_string().decode("utf-8", "replace")
                elif code in (0x2E, 0x45):
                    inner = head.sub(head.value_length())
                    part.disposition = ({0x80: "form-data", 0x81: "attachment", 0x82: "inline"}.get(inner.octet(), "")
                                        if inner.peek() >= 0x80 else inner.token_text())
                else:
                    head.fail("part header %02X is not known" % code)
            else:
                name = head.token_text().lower()
                value = head.text_string().decode("utf-8", "replace")
                if name == "content-transfer-encoding":
                    part.encoding = value.lower()
        part.data = reader.take(data_size)
        parts.append(part)
    reader.done("the multipart body")
    return parts


def push(transaction, media, application, body):
    head = content_type(media)
    if application is not None:
        head += b"\xaf" + short_integer(application)
    return bytes([transaction & 0xFF, 0x06]) + uintvar(len(head)) + head + body


def read_push(data):
    """-> (transaction, media, application number or None, body)."""
    reader = Reader(data)
    transaction = reader.octet()
    if reader.octet() != 0x06:
        raise PduError("not a push PDU", 1)
    head = reader.sub(reader.uintvar())
    media, _ = read_content_type(head)
    application = None
    while head.left():
        code = head.short_integer()
        if code == 0x2F:
            application = head.integer_value()
        elif code == 0x34:
            head.short_integer()
        else:
            head.fail("push header %02X is not known" % code)
    return transaction, media, application, reader.take(reader.left())
