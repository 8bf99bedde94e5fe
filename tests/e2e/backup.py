#!/usr/bin/python3
"""A backup under traffic, more traffic, the backup put back: every mail reaches its phone, and what reaches it twice says so.

The store that comes back does not know what was sent since; the mailboxes and the journal do. So mails of after the backup are seen again
and sent again, each marked as perhaps sent before; what was under way in the moment of the backup is in doubt and is not sent again before
its time; and the key that was changed meanwhile is needed for the backup of before, and refused without.
"""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402


def deliver(world, user, count):
    subjects = [samples.token() for _ in range(count)]
    for subject in subjects:
        raw, _ = samples.mail("%s %s" % (samples.word(), subject), samples.word(), "joe@example.com", world.address(user),
                              samples.word() + "\r\n")
        world.deliver(user, raw)
    return subjects


def restart(world, between):
    world.controlplane.popen.send_signal(signal.SIGTERM)
    equal(world.controlplane.wait(25), 0, "exit code of the control plane")
    between()
    world.controlplane.start()
    world.wait_ready()


def test(world, arguments):
    phone, user = world.phone(), world.mailbox()
    world.bind(phone.msisdn, user, policy="push")
    first = deliver(world, user, 5)
    phone.wait_mms(90, 5)
    under_traffic = deliver(world, user, 20)
    phone.wait_mms(90, 8)
    backup = os.path.join(world.folder, "backup")
    made = world.ctl("backup", backup, "--json")
    check(made["journal"], "no journal in %r" % made)
    refused = world.ctl("restore", backup, check=False)
    equal(refused, "", "what restore printed beside a running control plane")
    phone.wait_mms(120, 25)
    later = deliver(world, user, 5)
    phone.wait_mms(90, 30)

    # A new key while it runs: the mailbox is watched on, and read by it after the next start.
    report = world.ctl("kek", "rotate", "--json")
    equal((report["wrapped"], report["unreadable"]), (1, 0), "passwords of the rotation")

    def restore_without_key():
        done = world.ctl("restore", backup, "--json", check=False)
        equal(done, None, "what a restore without its key printed")

    restart(world, restore_without_key)
    more = deliver(world, user, 1)
    phone.wait_mms(90, 31)

    reports = []

    def restore():
        kek = os.path.join(world.root, "etc", "pushmail", "secrets", "kek")
        os.replace(report["old_key"], kek)
        reports.append(world.ctl("restore", backup, "--json"))

    restart(world, restore)
    restored = reports[0]
    equal(restored["mailboxes"], 1, "mailboxes that are looked at again")
    last = deliver(world, user, 1)
    everything = first + under_traffic + later + more + last

    def settled():
        items = world.items()
        unknown = [item for item in items if item["state"] == "submitting"]
        check(len(unknown) <= restored["in_doubt"], "more in doubt than %d" % restored["in_doubt"])
        return all(item["state"] in ("delivered", "submitting") for item in items) and \
            all(any(subject in each["subject"] for each in items) for subject in everything)
    wait_for(settled, 120, "every mail to be known again")
    wait_for(lambda: all(any(subject in message["subject"] for message in phone.inbox()["mms"]) for subject in everything), 60,
             "every mail at the phone")

    inbox, items = [message["subject"] for message in phone.inbox()["mms"]], world.items()
    for subject in everything:
        times = sum(subject in each for each in inbox)
        marked = any(subject in item["subject"] and item.get("duplicate_possible") for item in items)
        check(times == 1 or (times == 2 and marked), "%s came %d times, %smarked" % (subject, times, "" if marked else "not "))
    check(all(sum(subject in each for each in inbox) == 1 for subject in first), "what was through before the backup came again")
    with open(world.controlplane.log, encoding="utf-8", errors="replace") as file:
        check(not any(json.loads(line).get("event") == "password_unreadable" for line in file if line.startswith("{")), "a password was lost")


if __name__ == "__main__":
    case.run(test, __doc__)
