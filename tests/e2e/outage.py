#!/usr/bin/python3
"""The MMSC is down for a while: ten retrieved mails wait, `item show` says why, then all of them arrive, none twice."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402


def test(world, arguments):
    phone = world.phone(auto_answer=True)
    user = world.mailbox()
    world.bind(phone.msisdn, user)
    world.mmsc_ask("command", {"listening": False})
    down_at = time.monotonic()
    tokens = [samples.token() for _ in range(arguments.mails)]
    for token in tokens:
        raw, _ = samples.mail("%s %s" % (samples.word(), token), samples.word(), "joe@example.com", world.address(user),
                              samples.word() + "\r\n", None, [("p.png", "image/png", samples.png())])
        world.deliver(user, raw)

    def of_tokens():
        return [item for item in world.items() if any(token in item.get("subject", "") for token in tokens)]

    def all_wait():
        items = of_tokens()
        return items if len(items) == len(tokens) and all(item["state"] in ("submitting", "converting") for item in items) else None
    items = wait_for(all_wait, 90, lambda: "%d items to wait for the MMSC: %s" % (
        len(tokens), sorted(item["state"] for item in of_tokens())))
    wait_for(lambda: all(world.item(item["item"]).get("reason") for item in items), 60, "item show to say why they wait")
    for item in items:
        shown = world.item(item["item"])
        check(not shown["final"], "%s is final while the MMSC is down: %s" % (shown["item"], shown))
    # The outage lasts what it lasts; nothing may become final meanwhile.
    while time.monotonic() < down_at + arguments.seconds:
        check(not any(item["final"] for item in of_tokens()), "an item became final during the outage")
        time.sleep(min(1.0, max(0.05, down_at + arguments.seconds - time.monotonic())))
    equal(world.mmsc_log(event="submit_req"), [], "SubmitReqs during the outage")
    world.mmsc_ask("command", {"listening": True})
    messages = phone.wait_mms(120, len(tokens))
    wait_for(lambda: all(item["state"] == "delivered" for item in of_tokens()), 60, lambda: "items to be delivered: %s" % (
        sorted(item["state"] for item in of_tokens())))
    for token in tokens:
        equal(len([each for each in messages if token in each["subject"]]), 1, "messages with %s" % token)
    equal(len(phone.inbox()["mms"]), len(tokens), "messages on the phone")
    equal(len(world.mmsc_log(event="notification_ind")), len(tokens), "messages that the MMSC accepted")


if __name__ == "__main__":
    case.run(test, __doc__, options=[("seconds", 60, "how long the MMSC is down"), ("mails", 10, "how many mails wait")])
