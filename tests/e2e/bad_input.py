#!/usr/bin/python3
"""Bad input from every side: nothing is lost, everything is answered as its protocol says, `item show` explains where it stands."""
import base64
import http.client
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, mailbox  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402

NS = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
SOAP = ('<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>'
        '<t:TransactionID xmlns:t="%s" e:mustUnderstand="1">%%s</t:TransactionID></e:Header><e:Body>%%s</e:Body></e:Envelope>' % NS)


class Mm7:
    """Requests to the data plane as the MMSC would send them, but wrong."""

    def __init__(self, world):
        self.world, self.vasp = world, world.mmsc_settings["vasps"][0]

    def post(self, body, content_type='text/xml; charset="utf-8"', password=None, method="POST"):
        connection = http.client.HTTPConnection("198.18.0.2", self.world.http_port, timeout=20)
        secret = "%s:%s" % (self.vasp["out_user"], self.vasp["out_password"] if password is None else password)
        try:
            connection.request(method, "/mm7", body if method == "POST" else None, {
                "Content-Type": content_type, "SOAPAction": '""', "Authorization": "Basic " + base64.b64encode(secret.encode()).decode()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def deliver(self, sender, recipient, transaction=None):
        """A DeliverReq that is well formed; sender and recipient are elements."""
        body = ('<DeliverReq xmlns="%s"><MM7Version>6.8.0</MM7Version><Sender>%s</Sender><Recipients><To>%s</To></Recipients>'
                '<Content href="cid:c"/></DeliverReq>' % (NS, sender, recipient))
        text = ('--o\r\nContent-Type: text/xml; charset="utf-8"\r\nContent-ID: <s>\r\n\r\n%s\r\n--o\r\nContent-Type: text/plain; '
                'charset=utf-8\r\nContent-ID: <c>\r\n\r\nhello\r\n--o--\r\n' % (SOAP % (transaction or "x" + samples.token(), body)))
        return self.post(text.encode(), 'multipart/related; boundary="o"; type="text/xml"; start="<s>"')

    def expect(self, code, answer, what):
        status, text = answer
        check("<StatusCode>%d</StatusCode>" % code in text.replace(" ", "") or ">%d<" % code in text, "%s: wanted %d, got HTTP %d %s" % (
            what, code, status, text[:600]))


def malformed_mm7(world, mm7, phone):
    status, _ = mm7.post(b"", method="GET")
    equal(status, 405, "GET of /mm7")
    status, _ = mm7.post(b"<a/>", password="wrong")
    equal(status, 401, "a wrong password")
    for what, body in (("no XML", b"hello"), ("cut XML", (SOAP % ("t1", "<DeliverReq>")).encode()[:200]),
                       ("a document type", b'<!DOCTYPE a [<!ENTITY b "c">]>' + (SOAP % ("t2", "<x/>")).encode()),
                       ("no Body", b"<Envelope/>"), ("XML bomb", b"<a>" * 5000)):
        status, text = mm7.post(body)
        check(status in (200, 400, 500) and ("Fault" in text or "StatusCode" in text), "%s: HTTP %d %s" % (what, status, text[:300]))
    mm7.expect(4003, mm7.post((SOAP % ("t3", '<QueryStatusReq xmlns="%s"><MM7Version>6.8.0</MM7Version></QueryStatusReq>' % NS)).encode()),
               "an unknown operation")
    status, text = mm7.post((SOAP % ("t4", '<DeliverReq xmlns="%s"><MM7Version>6.8.0</MM7Version></DeliverReq>' % NS)).encode())
    check("<StatusCode>1000<" not in text and "StatusCode" in text, "a DeliverReq without Sender: %s" % text[:300])
    report = ('<DeliveryReportReq xmlns="%s"><MM7Version>6.8.0</MM7Version><MessageID>nobody-knows</MessageID><Recipient><Number>+%s'
              '</Number></Recipient><Sender><ShortCode>%s</ShortCode></Sender><Date>2025-01-01T00:00:00Z</Date><MMStatus>Retrieved'
              '</MMStatus></DeliveryReportReq>' % (NS, phone.msisdn, world.code))
    mm7.expect(1000, mm7.post((SOAP % ("t5", report)).encode()), "a report about a message that nobody knows")


def addresses(world, mm7, phone, stranger):
    bound, code = "<Number>+%s</Number>" % phone.msisdn, "<ShortCode>%s</ShortCode>" % world.code
    mm7.expect(4007, mm7.deliver("<Number>+%s</Number>" % stranger.msisdn, code), "a sender that is not bound")
    sms = stranger.wait_sms(30)
    check("subscribe" in sms["text"].lower(), "the SMS to a stranger: %r" % sms["text"])
    mm7.expect(4007, mm7.deliver("<Number>+%s</Number>" % stranger.msisdn, code), "the same again")
    mm7.expect(2003, mm7.deliver(bound, "<Number>+%s</Number>" % world.number()), "a recipient that is not bound")
    mm7.expect(2002, mm7.deliver(bound, "<Number>12</Number>"), "a recipient that is no number")
    smtp = ("198.18.0.2", world.smtp_port)
    for user, wanted, words in ((world.number(), 550, "5.1.1"), ("12x", 553, "5.1.3"), ("0049", 553, "5.1.3")):
        recipient = "%s@%s" % (user, world.mms_domain)
        refused = mailbox.submit_smtp(smtp, "joe@example.com", [recipient], b"Subject: x\r\n\r\nx\r\n")
        equal(refused.get(recipient, (None, b""))[0], wanted, "RCPT TO:<%s>: %r" % (recipient, refused))
        check(words in refused[recipient][1].decode(), "RCPT TO:<%s>: %r" % (recipient, refused))
    equal(len(stranger.inbox()["sms"]), 1, "SMS that a stranger got for two messages")


def malformed_mails(world, phone, user):
    """Each arrives as far as it can be read, or the phone is told why not."""
    address = world.address(user)
    head = "From: joe@example.com\r\nTo: %s\r\nSubject: %%s\r\nMIME-Version: 1.0\r\n" % address
    shapes = {
        "no header but the subject": "Subject: %s\r\n\r\nhello\r\n",
        "base64 that is none": head + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!\r\n",
        "a boundary that never comes": head + 'Content-Type: multipart/mixed; boundary="never"\r\n\r\nsome text\r\n',
        "a multipart without an end": head + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhalf',
        "a charset nobody knows": head + "Content-Type: text/plain; charset=x-klingon\r\n\r\nhello\r\n",
        "bytes that are no UTF-8": head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nab\xff\xfecd\r\n",
        "a content type that is none": head + "Content-Type: ;;;===\r\n\r\nhello\r\n",
        "encoded words that are broken": head + "X-A: =?utf-8?B?!!!?=\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
        "forty levels": head + "".join('Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(40)) +
                        "Content-Type: text/plain\r\n\r\ndeep\r\n",
        "nothing at all behind the head": head + "\r\n",
    }
    for what, shape in shapes.items():
        token = samples.token()
        world.deliver(user, (shape % token).encode("latin-1"))

        def arrived(token=token):
            inbox = phone.inbox()
            return [each for each in inbox["mms"] if each["state"] == "retrieved" and token in each["subject"] + each.get("text", "")] or \
                [each for each in inbox["sms"] if token in each["text"] and "could not" in each["text"]]
        wait_for(arrived, 60, "a mail with %s (%s)" % (what, token))


def wrong_password(world, user, phone):
    """The password changes between notification and answer: the mail waits, explained, and comes once the password is right."""
    phone.ask("set", auto_answer=False)
    token = samples.token()
    raw, _ = samples.mail("Password %s" % token, "Joe", "joe@example.com", world.address(user), "hi\r\n")
    world.deliver(user, raw)
    phone.wait_sms(60, text=token)
    right = world.mailboxes[user][1]
    world.dovecot.stop()
    world.dovecot.add_user(user, "another")
    world.dovecot.start()
    binding = next(each for each in world.ctl("binding", "list", "--json")["bindings"] if each["user"] == user)
    wait_for(lambda: world.ctl("binding", "show", binding["id"], "--json")["mailbox"]["session"] == "auth_failed", 60,
             "the binding to say auth_failed")
    phone.ask("answer")
    item = world.wait_item(lambda each: token in each.get("subject", "") and each.get("reason"), 60, "the item to explain itself")
    check(not item["final"], "a wrong password made the item final: %s" % item)
    world.dovecot.add_user(user, right)
    secret = world.write(os.path.join(world.folder, "secrets", user), right + "\n")
    world.ctl("binding", "password", binding["id"], "--password-file", secret)
    wait_for(lambda: any(token in each["subject"] for each in phone.inbox()["mms"] if each["state"] == "retrieved"), 90,
             "the mail to come after the password is right again")
    phone.ask("set", auto_answer=True)


def silent_phone(world, user, phone):
    """Nobody answers the notification: the item says so, and the mail stays unread in the mailbox."""
    phone.ask("set", auto_answer=False)
    token = samples.token()
    raw, _ = samples.mail("Silence %s" % token, "Joe", "joe@example.com", world.address(user), "hi\r\n")
    world.deliver(user, raw)
    phone.wait_sms(60, text=token)
    item = world.wait_item(lambda each: token in each.get("subject", "") and each["state"] == "notified", 60, "the item to be notified")
    shown = world.item(item["item"])
    check(shown.get("reason") or shown.get("code_expires"), "item show does not say what it waits for: %s" % shown)
    mail = [flags for flags, raw in world.mails(user) if token.encode() in raw]
    check(len(mail) == 1 and "\\Seen" not in mail[0], "the mail nobody asked for: %r" % mail)
    phone.ask("set", auto_answer=True)


def full_disk(world, phone, user, reader):
    """Not a byte is left on the disk: peers are told to come again, and everything arrives when there is room."""
    filler = os.path.join(world.root, "var", "lib", "pushmail", "filler")
    try:
        with open(filler, "wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
    except OSError:
        pass
    try:
        with open(filler, "ab", buffering=0) as file:
            while True:
                file.write(b"\0")
    except OSError:
        pass
    big = base64.b64encode(os.urandom(200000)).decode()
    token, refused = "", False
    sent = []
    # The journal's current segment may have room for some more; what it accepts is kept, and then it refuses.
    while not refused and len(sent) < 80:
        token = samples.token()
        sent.append((token, phone.ask("send", to=[world.code], text="%s\n%s" % (world.address(reader), token), subject=None, parts=[
            {"name": "b.bin", "type": "application/octet-stream", "data": big}])["message_id"]))

        def answered(message_id=sent[-1][1]):
            return [each for each in world.mmsc_log(message_id=message_id) if each["event"] in ("deliver_rsp", "no_answer")]
        first = wait_for(answered, 60, "an answer to a DeliverReq on a full disk")[0]
        refused = first.get("status") != 1000
    check(refused, "the journal never refused a message on a full disk")
    last = world.mmsc_log(message_id=sent[-1][1])
    check(all(each.get("status") in (None, 3000, 4000, 4006) for each in last if each["event"] == "deliver_rsp"),
          "a full disk was answered with %s" % [each.get("status") for each in last])
    mail_token = samples.token()
    raw, _ = samples.mail("Disk %s" % mail_token, "Joe", "joe@example.com", world.address(user), "hi\r\n")
    world.deliver(user, raw)
    os.unlink(filler)
    world.alive()
    for token, message_id in sent:
        wait_for(lambda message_id=message_id: world.mmsc_log(event="deliver_rsp", message_id=message_id, status=1000), 90,
                 "DeliverRsp 1000 once there is room")

    def all_there():
        texts = [mailbox.text_of(mailbox.parse(mail)) for _, mail in world.mails(reader)]
        return all(sum(token in text for text in texts) == 1 for token, _ in sent)
    wait_for(all_there, 120, "%d mails, each once, after a full disk" % len(sent))
    wait_for(lambda: any(mail_token in each["subject"] for each in phone.inbox()["mms"] if each["state"] == "retrieved"), 120,
             "the mail that came while the disk was full")


# Nothing authenticates this peer, and nothing says that this is meant.
OPEN_PEER = """link.kind = "kernel"
notify = {smsc = "127.0.0.1:1", source = "5000"}
[peer.mmsc]
url = "http://127.0.0.1:1/mm7"
service_number = "5000"
"""


def bad_configuration(world):
    """File, line, key and rule; exit 78; nothing started."""
    for line, key in (('[smtp]\nlisten = "nowhere"', "smtp.listen"), ("[smtp]\nsize_max = 12", "smtp.size_max"), ("[smtp]\nlisten_to = 1", "smtp.listen_to"),
                      ('[journal]\nsegment_size = "1"', "journal.segment_size"), (OPEN_PEER, "peer.mmsc.inbound"), ("domain = ", "")):
        root = os.path.join(world.folder, "bad")
        shutil.rmtree(root, ignore_errors=True)
        path = os.path.join(root, "etc", "pushmail", "pushmail.toml")
        world.write(path, 'domain = "mms.example"\n%s\n' % line if key else line + "\n", 0o644)
        for name in ("pushmail-dataplane", "pushmail-controlplane"):
            done = subprocess.run([world.programs[name], "--root", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20,
                                  check=False)
            text = done.stdout.decode("utf-8", "replace")
            equal(done.returncode, 78, "exit of %s with %r: %s" % (name, line, text))
            check("pushmail.toml:" in text and key in text, "%s with %r says %r" % (name, line, text))
        check(not os.path.exists(os.path.join(root, "run")) or not os.listdir(os.path.join(root, "run")), "something started")


def test(world, arguments):
    phone, stranger = world.phone(auto_answer=True), world.phone()
    user, reader = world.mailbox(), world.mailbox()
    mm7 = Mm7(world)
    world.bind(phone.msisdn, user)
    for name, step in (("bad configuration", lambda: bad_configuration(world)), ("malformed MM7", lambda: malformed_mm7(world, mm7, phone)),
                       ("addresses", lambda: addresses(world, mm7, phone, stranger)),
                       ("malformed mails", lambda: malformed_mails(world, phone, user)),
                       ("silent phone", lambda: silent_phone(world, user, phone)),
                       ("wrong password", lambda: wrong_password(world, user, phone)),
                       ("full disk", lambda: full_disk(world, phone, user, reader))):
        if arguments.only in ("", name):
            print(name, flush=True)
            step()


if __name__ == "__main__":
    case.run(test, __doc__, options=[("only", "", "one part alone")], small_disk="48M", config={"journal.segment_size": "2MiB"})
