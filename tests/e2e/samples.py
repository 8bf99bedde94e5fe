"""Mails and pictures for demo and tests, drawn anew each time: every byte, name and token is random."""
import email.generator
import email.header
import email.message
import email.policy
import email.utils
import io
import random
import secrets
import struct
import zlib

RANDOM = random.SystemRandom()
LETTERS = "äöüßéèñçåøłžőğ日本語メールПривет"


def token():
    return secrets.token_hex(4)


def word(letters=6):
    """A word with letters outside ASCII."""
    return "".join(RANDOM.choice(LETTERS) for _ in range(letters))


def png(width=48, height=36):
    """A picture of random pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + secrets.token_bytes(width * 3) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def mail(subject, sender_name, sender, recipient, text, html=None, attachments=()):
    """A multipart mail; attachments are (name, media type, bytes)."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = email.utils.formataddr((str(email.header.Header(sender_name, "utf-8")), sender))
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = "<%s@example.com>" % secrets.token_hex(8)
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, media, data in attachments:
        kind, _, sub = media.partition("/")
        message.add_attachment(data, maintype=kind, subtype=sub, filename=name)
    out = io.BytesIO()
    email.generator.BytesGenerator(out, policy=email.policy.SMTP).flatten(message)
    return out.getvalue(), message["Message-ID"].strip("<> ")
