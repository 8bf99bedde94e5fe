#!/usr/bin/python3
"""A submission of which nobody knows whether it arrived is not sent again while its report may tell, and the item says so.

The data plane dies around SubmitReq (PUSHMAIL_KILL_AT, as in kills.py); the MMSC does not recognise a TransactionID that it had before.
Killed before the attempt is durable, nothing has left: it is sent again as if nothing had been.
"""
import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from kills import Rounds  # noqa: E402


def submissions(world, token):
    return [each for each in world.mmsc_log(event="submit_req") if token in json.dumps(each, ensure_ascii=False)]


# Step -> what the MMSC has taken by then, and whether the attempt is on disk.
STEPS = {"attempt_before_sync": (0, False), "attempt_before_send": (0, True), "submit_req_half": (0, True), "submit_rsp_before_settle": (1, True)}


def one_round(rounds, step):
    world, phone, token = rounds.world, rounds.phone, samples.token()
    before, count = len(rounds.log_lines()), len(phone.inbox()["mms"])
    rounds.restart_dataplane(step)
    raw, _ = samples.mail(token, samples.word(), "joe@example.com", world.address(rounds.user), samples.word() + "\r\n", None,
                          [("p.png", "image/png", samples.png(120, 90))])
    world.deliver(rounds.user, raw)
    answer = threading.Thread(target=phone.ask, args=("answer",), kwargs={"id": phone.wait_sms(60, text=token)["id"]})
    answer.start()
    rounds.die_at(step, before)
    taken, durable = STEPS[step]
    equal(len(submissions(world, token)), taken, "what the MMSC has taken at %s" % step)
    rounds.restart_dataplane()
    answer.join(60)
    item = world.wait_item(lambda each: token in each.get("subject", "") and
                           (each["state"] == "delivered" or (durable and not taken and each.get("unknown_until"))), 90,
                           "the item with %s to be delivered or in doubt" % token)
    if item["state"] == "delivered":
        equal(len([each for each in phone.wait_mms(60, count + 1) if token in each["subject"]]), 1, "messages with %s" % token)
        equal(len(submissions(world, token)), 1, "submissions with %s" % token)
        check(durable or not item.get("doubts"), "a doubt where nothing had left")
        return item["state"]
    equal(item["state"], "submitting", "the state of an item in doubt")
    check("not known whether" in item["reason"], "the reason of an item in doubt: %r" % item["reason"])
    sms = len(phone.inbox()["sms"])
    phone.ask("sms", to=world.code, text=item["reply_code"])
    told = phone.wait_sms(30, sms + 1)["text"]
    check("not known yet" in told and "already" not in told, "the phone was told %r" % told)
    equal(len(submissions(world, token)), 0, "submissions with %s" % token)
    return "in doubt until %s" % item["unknown_until"]


def test(world, arguments):
    rounds = Rounds(world)
    for index in range(arguments.rounds):
        step = list(STEPS)[index % len(STEPS)]
        print("round %d, %s: %s" % (index + 1, step, one_round(rounds, step)), flush=True)
    print("hits at named steps: %s" % ", ".join("%s %d" % item for item in sorted(rounds.hits.items())))


if __name__ == "__main__":
    case.run(test, __doc__.splitlines()[0], options=[("rounds", 4, "rounds")], peer={"deduplicates": False})
