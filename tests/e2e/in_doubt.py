#!/usr/bin/python3
"""A submission in doubt is not sent again to an MMSC that would show it twice: the item waits for the report, and says so.

The data plane dies in the middle of SubmitReq, and between SubmitRsp and its durable outcome (PUSHMAIL_KILL_AT, as in kills.py); the MMSC
does not recognise a TransactionID that it had before.
"""
import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from kills import TO_PHONE, Rounds  # noqa: E402


def submissions(world, token):
    return [each for each in world.mmsc_log(event="submit_req") if token in json.dumps(each, ensure_ascii=False)]


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
    taken = len(submissions(world, token))
    equal(taken, 1 if step == "submit_rsp_before_settle" else 0, "what the MMSC has taken at %s" % step)
    rounds.restart_dataplane()
    answer.join(60)
    # In the middle of SubmitReq the word that it was begun may have died with the data plane: nothing was taken, and it is sent again.
    item = world.wait_item(lambda each: token in each.get("subject", "") and
                           (each["state"] == "delivered" or (not taken and each.get("duplicate_possible"))), 90,
                           "the item with %s to be delivered or marked" % token)
    if item["state"] == "delivered":
        equal(len([each for each in phone.wait_mms(60, count + 1) if token in each["subject"]]), 1, "messages with %s" % token)
        equal(len(submissions(world, token)), 1, "submissions with %s" % token)
    else:
        check("report will tell" in item["reason"], "the reason of an item in doubt: %r" % item["reason"])
        equal(len(submissions(world, token)), 0, "submissions with %s" % token)
    return item["state"]


def test(world, arguments):
    rounds = Rounds(world)
    for index in range(arguments.rounds):
        step = TO_PHONE[index % len(TO_PHONE)]
        print("round %d, %s: %s" % (index + 1, step, one_round(rounds, step)), flush=True)
    print("hits at named steps: %s" % ", ".join("%s %d" % item for item in sorted(rounds.hits.items())))


if __name__ == "__main__":
    case.run(test, __doc__.splitlines()[0], options=[("rounds", 4, "rounds")], peer={"deduplicates": False})
