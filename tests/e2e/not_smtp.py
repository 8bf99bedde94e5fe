#!/usr/bin/python3
"""All three mails of steps 501-506 reach their mailboxes through MM7, although the MMSC sends e-mail recipients out by SMTP."""
import base64
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, mailbox  # noqa: E402
from harness.case import check, equal  # noqa: E402


def test(world, arguments):
    phone, other = world.phone(auto_answer=True), world.phone()
    user, second, joe = world.mailbox(), world.mailbox(), world.mailbox("joe")
    world.bind(phone.msisdn, user)
    world.bind(other.msisdn, second)

    # What the MMSC does with an e-mail recipient: SMTP, past us.
    token = samples.token()
    phone.ask("send", to=[world.address("joe")], subject=token, text=token, parts=[])
    mail = mailbox.parse(world.wait_mails("joe", 1)[-1][1])
    equal((mail["Subject"], mail["Pushmail-Trace"]), (token, None), "a mail that went out by SMTP")
    equal(len(world.mmsc_log(event="smtp_sent")), 1, "mails that the MMSC sent by SMTP")

    # A mail gives the phone a suffix that it can answer.
    raw, message_id = samples.mail("Hello %s" % samples.token(), "Joe", "joe@%s" % world.box_domain, world.address(user), "hi\r\n")
    world.deliver(user, raw)
    suffix = phone.wait_mms(90)[-1]["from"]
    check("@" not in suffix and suffix.lstrip("+").startswith(world.code), "the phone sees %s, not a suffix of %s" % (suffix, world.code))
    world.route_number(other.msisdn)
    for to, reader, first_line in ((suffix, "joe", ""), (world.code, "joe", world.address("joe") + "\n"),
                                   ("+%s/TYPE=PLMN" % other.msisdn, second, "")):
        token, picture = samples.token(), samples.png()
        count = len(world.mails(reader))
        sent = phone.ask("send", to=[to], subject=None, text=first_line + token, delivery_report=True,
                         parts=[{"name": "p.png", "type": "image/png", "data": base64.b64encode(picture).decode()}])
        mail = mailbox.parse(world.wait_mails(reader, count + 1)[-1][1])
        check(token in mailbox.text_of(mail), "the mail to %s holds another text: %r" % (to, mailbox.text_of(mail)))
        check(mail["Pushmail-Trace"], "the mail to %s did not come through us" % to)
        equal([data for name, _, data in mailbox.attachments(mail) if name == "p.png"], [picture], "the picture sent to %s" % to)
        check(world.address(user) in mail["From"], "From is %s" % mail["From"])
        equal(len(world.mmsc_log(event="deliver_rsp", message_id=sent["message_id"], status=1000)), 1, "DeliverRsp for %s" % to)
        if to == suffix:
            check(message_id in str(mail["In-Reply-To"]), "In-Reply-To is %s" % mail["In-Reply-To"])
    equal(len(world.mmsc_log(event="smtp_sent")), 1, "mails that the MMSC sent by SMTP in the end")


if __name__ == "__main__":
    case.run(test, __doc__)
