#!/usr/bin/python3
"""A mail that another mail server forwards to <number>@<our domain> by SMTP reaches the phone: ask first, and pushed at once."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, mailbox  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402


def test(world, arguments):
    asked, pushed = world.phone(auto_answer=True), world.phone()
    world.bind(asked.msisdn, world.mailbox())
    world.bind(pushed.msisdn, world.mailbox(), policy="push")
    postfix = (world.postfix.address, world.postfix.port)
    for phone in (asked, pushed):
        token, picture = samples.token(), samples.png()
        recipient = "%s@%s" % (phone.msisdn, world.mms_domain)
        raw, _ = samples.mail("%s %s" % (samples.word(), token), samples.word(), "joe@example.com", recipient, samples.word() + "\r\n",
                              None, [("p.png", "image/png", picture)])
        equal(mailbox.submit_smtp(postfix, "joe@example.com", [recipient], raw), {}, "recipients that Postfix refused")
        message = phone.wait_mms(90)[-1]
        check(token in message["subject"], "the phone got %r" % message["subject"])
        part = next(each for each in message["parts"] if each["type"] == "image/png")
        with open(part["file"], "rb") as file:
            equal(file.read(), picture, "the picture on the phone")
        item = world.wait_item(lambda each: token in each.get("subject", "") and each["state"] == "delivered", 60, "the item to be delivered")
        equal(item["source"], "smtp", "source of the item")
    wait_for(lambda: sum("status=sent" in line and world.mms_domain in line for line in world.postfix.lines()) == 2, 30,
             "Postfix to have sent both")


if __name__ == "__main__":
    case.run(test, __doc__)
