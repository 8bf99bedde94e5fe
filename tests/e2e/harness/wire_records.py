"""The records of our sockets, built and read independently of the C++ code: header, fields, CRC32C (see core/record.h).

`length u32, kind u16, version u16, sequence u64, item 16 bytes, crc u32`, little-endian, then fields `tag u16, length u32, bytes`.
"""
import struct

HEADER = struct.Struct("<IHHQ16s")
FIELD = struct.Struct("<HI")


def _table():
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return rows


TABLE = _table()


def crc32c(data, seed=0):
    value = seed ^ 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


class Record:
    """One record read: `fields` is [(tag, bytes)] in order."""

    def __init__(self, kind, sequence, item, fields):
        self.kind, self.sequence, self.item, self.fields = kind, sequence, item, fields

    def all(self, tag):
        return [value for number, value in self.fields if number == tag]

    def bytes(self, tag):
        found = self.all(tag)
        return found[0] if found else None

    def text(self, tag):
        value = self.bytes(tag)
        return None if value is None else value.decode("utf-8")

    def number(self, tag):
        value = self.bytes(tag)
        return None if value is None else struct.unpack("<Q", value)[0]


def build(kind, sequence, fields, item=bytes(16), version=1):
    """`fields`: [(tag, str | int | bytes)]; an int is a u64."""
    body = b""
    for tag, value in fields:
        if isinstance(value, str):
            value = value.encode()
        elif isinstance(value, int):
            value = struct.pack("<Q", value)
        body += FIELD.pack(tag, len(value)) + value
    head = HEADER.pack(HEADER.size + 4 + len(body), kind, version, sequence, item)
    return head + struct.pack("<I", crc32c(body, crc32c(head))) + body


class Reader:
    """Bytes in, records out; a wrong checksum or length is an AssertionError."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data

    def next(self):
        if len(self.buffer) < 4:
            return None
        length = struct.unpack_from("<I", self.buffer)[0]
        assert HEADER.size + 4 <= length <= 32 << 20, "record of %d bytes" % length
        if len(self.buffer) < length:
            return None
        whole = bytes(self.buffer[:length])
        del self.buffer[:length]
        _, kind, _, sequence, item = HEADER.unpack_from(whole)
        crc = struct.unpack_from("<I", whole, HEADER.size)[0]
        assert crc == crc32c(whole[HEADER.size + 4:], crc32c(whole[:HEADER.size])), "checksum of record %d" % sequence
        fields, at = [], HEADER.size + 4
        while at < length:
            tag, size = FIELD.unpack_from(whole, at)
            at += FIELD.size
            assert at + size <= length, "field past the end of record %d" % sequence
            fields.append((tag, whole[at:at + size]))
            at += size
        return Record(kind, sequence, item, fields)
