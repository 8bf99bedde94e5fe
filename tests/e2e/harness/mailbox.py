"""A person at the mail side: delivers by LMTP, reads by IMAP. Python's own libraries, nothing of pushmail."""
import contextlib
import email
import email.policy
import imaplib
import smtplib


def deliver_lmtp(endpoint, sender, recipient, mail):
    """Delivers a mail as the final hop would; raises when Dovecot does not take it."""
    with contextlib.closing(smtplib.LMTP(endpoint[0], endpoint[1])) as client:
        client.ehlo_or_helo_if_needed()
        refused = client.sendmail(sender, [recipient], mail)
        client.quit()
    if refused:
        raise OSError("LMTP refused: %r" % refused)


def submit_smtp(endpoint, sender, recipients, mail):
    """Hands a mail to an SMTP server -> {recipient: (code, text)} of those it refused."""
    with smtplib.SMTP(endpoint[0], endpoint[1], timeout=30) as client:
        try:
            return client.sendmail(sender, recipients, mail)
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients


def can_login(endpoint, user, password):
    client = imaplib.IMAP4(endpoint[0], endpoint[1], timeout=30)
    try:
        client.login(user, password)
        return True
    except imaplib.IMAP4.error:
        return False
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.logout()


def read_mails(endpoint, user, password, folder="INBOX", items="FLAGS"):
    """Every mail in the folder -> [(flags text, or what `items` asks for, bytes)], oldest first, without marking it as read."""
    client = imaplib.IMAP4(endpoint[0], endpoint[1], timeout=30)
    try:
        client.login(user, password)
        client.select(folder, readonly=True)
        found = []
        _, numbers = client.search(None, "ALL")
        for number in numbers[0].split():
            _, data = client.fetch(number, "(%s BODY.PEEK[])" % items)
            found.append((data[0][0].decode("utf-8", "replace") + (data[1].decode("utf-8", "replace") if isinstance(data[1], bytes) else ""),
                          data[0][1]))
        return found
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.logout()


def parse(mail):
    return email.message_from_bytes(mail, policy=email.policy.default)


def text_of(message):
    """The plain text of a parsed mail."""
    body = message.get_body(("plain",))
    return body.get_content() if body is not None else ""


def attachments(message):
    """[(name, media type, bytes)] of everything that is not the text."""
    body = message.get_body(("plain",))
    found = []
    for part in message.walk():
        if part.is_multipart() or part is body:
            continue
        found.append((part.get_filename(), part.get_content_type(), part.get_payload(decode=True)))
    return found
