#!/usr/bin/python3
"""What the phone fetched is what the mail held, and the mail holds what the phone sent: byte for byte, letter by letter.

Sizes around the line lengths of base64 (57) and quoted-printable (76), 64 KiB, 299 KB and three random ones; random bytes; base64,
quoted-printable and 8bit; names in RFC 2231 and RFC 2047 form. The binary M-Retrieve.confs and the SMPP PDUs must please tshark.
"""
import base64
import os
import secrets
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, mailbox, oracle  # noqa: E402
from harness.case import check, equal  # noqa: E402

SIZES = [1, 56, 57, 58, 76, 77, 65536, 299 * 1000] + [samples.RANDOM.randrange(2, 200000) for _ in range(3)]
CODINGS = ("base64", "quoted-printable", "8bit")


def encoded_word(text):
    """RFC 2047 words of at most 75 characters each, split between characters."""
    words, piece = [], b""
    for char in text:
        if len(piece) + len(char.encode()) > 42:
            words.append(piece)
            piece = b""
        piece += char.encode()
    return " ".join("=?utf-8?B?%s?=" % base64.b64encode(each).decode() for each in words + [piece])


def parameter(name, value, form):
    """A file name as RFC 2231 (in pieces) or as RFC 2047 words, as real mail has it."""
    if form == 2231:
        quoted = urllib.parse.quote(value, safe="")
        half = quoted.find("%", len(quoted) // 2)
        return "%s*0*=utf-8''%s;\r\n %s*1*=%s" % (name, quoted[:half], name, quoted[half:])
    return '%s="%s"' % (name, encoded_word(value))


def encode(data, coding):
    """-> (bytes of the part, the bytes it stands for). 8bit has lines, no NUL and no bare CR, so its bytes are drawn to fit."""
    if coding == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n"), data
    if coding == "quoted-printable":
        # Every byte that is no letter is quoted: what it stands for is binary.
        out, column = [], 0
        for byte in data:
            piece = b"%c" % byte if 0x30 <= byte <= 0x7A and byte != 0x3D else b"=%02X" % byte
            if column + len(piece) > 75:
                out.append(b"=\r\n")
                column = 0
            out.append(piece)
            column += len(piece)
        return b"".join(out), data
    clean = bytes(byte if byte not in (0, 10, 13) else 0xE4 for byte in data)
    lines = [clean[at:at + 900] for at in range(0, len(clean), 900)]
    # Line ends are part of the data here; a leading dot is SMTP's and LMTP's affair.
    body = b"\r\n".join(lines)
    return body, body


def compose(subject, sender_name, sender, recipient, text, name, form, coding, data):
    part, meant = encode(data, coding)
    boundary = "b-" + secrets.token_hex(8)
    head = ["From: %s <%s>" % (encoded_word(sender_name), sender), "To: " + recipient, "Subject: " + encoded_word(subject),
            "Message-ID: <%s@example.com>" % secrets.token_hex(8), "Date: Mon, 02 Jun 2025 10:00:00 +0200", "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="%s"' % boundary, "", "--" + boundary,
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", ""]
    lines = "\r\n".join(head).encode() + b"\r\n" + text.replace("\n", "\r\n").encode() + b"\r\n--" + boundary.encode() + b"\r\n"
    lines += ("Content-Type: application/octet-stream\r\nContent-Disposition: attachment;\r\n %s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (
        parameter("filename", name, form), coding)).encode()
    return lines + part + b"\r\n--" + boundary.encode() + b"--\r\n", meant


def to_phone(world, phone, user, index, size, coding, form):
    data = secrets.token_bytes(size)
    token = samples.token()
    subject, sender_name = "%s %s" % (samples.word(9), token), samples.word(5) + " " + samples.word(4)
    text = "%s\n%s %s" % (samples.word(12), samples.word(3), token)
    name = "%s %s.bin" % (samples.word(4), token)
    raw, meant = compose(subject, sender_name, "joe@example.com", world.address(user), text, name, form, coding, data)
    world.deliver(user, raw)
    message = next(each for each in phone.wait_mms(120, index) if token in each["subject"] or token in each["text"])
    where = "%d bytes, %s, RFC %d" % (size, coding, form)
    part = [each for each in message["parts"] if each["type"] == "application/octet-stream"]
    equal(len(part), 1, "parts of the attachment's type (%s)" % where)
    with open(part[0]["file"], "rb") as file:
        fetched = file.read()
    equal(fetched, meant, "attachment on the phone (%s)" % where)
    equal(part[0]["name"], name, "name on the phone (%s)" % where)
    equal(message["subject"], subject, "subject on the phone (%s)" % where)
    check(sender_name in message["text"] and "joe@example.com" in message["text"], "the sender %r is not in the text:\n%s" % (
        sender_name, message["text"]))
    check(text in message["text"], "the text %r is not on the phone:\n%s" % (text, message["text"]))
    return message


def to_mail(world, phone, reader, index, size):
    data = secrets.token_bytes(size)
    subject, text = "%s %s" % (samples.word(7), samples.token()), "%s\n%s %s" % (samples.word(11), samples.word(3), samples.token())
    name = "%s.bin" % samples.token()
    sent = phone.ask("send", to=[world.code], subject=subject, text="%s\n%s" % (world.address(reader), text),
                     parts=[{"name": name, "type": "application/octet-stream", "data": base64.b64encode(data).decode()}])
    equal(sent["response_status"], 0x80, "Response-Status of M-Send.conf")
    mail = mailbox.parse(world.wait_mails(reader, index, 120)[-1][1])
    found = [each for each in mailbox.attachments(mail) if each[0] == name]
    equal(len(found), 1, "attachments named %s among %r" % (name, [each[0] for each in mailbox.attachments(mail)]))
    equal(found[0][2], data, "attachment in the mail (%d bytes)" % size)
    equal(mail["Subject"], subject, "subject of the mail (%d bytes)" % size)
    equal(mailbox.text_of(mail).replace("\r\n", "\n").strip("\n"), text, "text of the mail")


def test(world, arguments):
    phone = world.phone(auto_answer=True)
    user, reader = world.mailbox(), world.mailbox()
    world.bind(phone.msisdn, user)
    index = 0
    for size in SIZES:
        codings = CODINGS if size < 65536 else CODINGS[:1] if size > 200000 else ("base64", "quoted-printable")
        for coding in codings:
            index += 1
            message = to_phone(world, phone, user, index, size, coding, 2231 if index % 2 else 2047)
            oracle.check_retrieve_conf(world, phone.raw(message))
    # Of no bytes there is nothing that a phone could show, but a phone may send it.
    for index, size in enumerate([0] + SIZES, 1):
        to_mail(world, phone, reader, index, size)
    oracle.check_smpp(world, [bytes.fromhex(each["hex"]) for each in world.smsc_log() if each["event"] in ("pdu_in", "pdu_out")])
    oracle.check_submit_bodies(world)


if __name__ == "__main__":
    case.run(test, __doc__.splitlines()[0], mmsc={}, peer={"mm_size_max": "500KiB"})
