#!/usr/bin/python3
"""A password in every place that takes one, messages both ways, and a data plane that starts alone: it is found nowhere but in its file."""
import base64
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from bad_input import Mm7  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.processes import running  # noqa: E402
from harness.wait import wait_for  # noqa: E402

# The keys that name a file with a secret, and which secret of the world lies there. A new key is a line here.
PLANTED = {
    "peer.*.password_file": lambda world: (world.mmsc_settings["vasps"][0]["user"], world.mmsc_settings["vasps"][0]["password"]),
    "peer.*.inbound_password_file": lambda world: (world.mmsc_settings["vasps"][0]["out_user"], world.mmsc_settings["vasps"][0]["out_password"]),
    "notify.password_file": lambda world: (world.smsc_settings["system_id"], world.smsc_settings["password"]),
    "secrets.kek_file": lambda world: ("", bytes.fromhex(world.keep("kek", str))),
}
# Those that this world does not use: read as the ones above are (core/secret_file.h). The smart host's log-in has tests of its own, and a
# bearer's password is read by the very lines that read notify.password_file.
NOT_PLANTED = {"smtp.smart_host_password_file", "bearer.*.password_file"}


def secret_keys(world):
    """The keys that name a file with a secret, from the sample configuration."""
    found, table = set(), ""
    for line in world.ctl("config", "sample").splitlines():
        if heading := re.match(r"#? ?\[([a-z]+)(\.\w+)?\]", line):
            table = heading[1] + (".*" if heading[2] else "")
        elif key := re.match(r"#? ?([a-z_]*(?:password|kek)_file) =", line):
            found.add("%s.%s" % (table, key[1]))
    return found


def forms(user, secret):
    """How a secret may look in a file: as it is, in hex, and as HTTP Basic and SASL PLAIN carry it."""
    secret = secret if isinstance(secret, bytes) else secret.encode()
    user = user.encode()
    return [secret, secret.hex().encode(), base64.b64encode(secret), base64.b64encode(user + b":" + secret),
            base64.b64encode(b"\0" + user + b"\0" + secret)]


def places(world):
    """(name, bytes) of everything that our programs leave behind, or show while they run."""
    for folder, _, names in os.walk(world.root):
        if folder.startswith(os.path.join(world.root, "etc")):
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield path, file.read()
    for program in (world.dataplane, world.controlplane):
        with open(program.log, "rb") as file:
            yield program.log, file.read()
    for _, pid in running():
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                yield "%s of %d" % (name, pid), file.read()


def found_nowhere(world, planted, when):
    seen = []
    for name, data in places(world):
        seen.append(name)
        for key, (user, secret) in planted.items():
            for form in forms(user, secret):
                check(form not in data, "%s: the secret of %s is in %s" % (when, key, name))
    # Whoever finds nothing because he looked at nothing has proved nothing.
    for name in ("last-known", ".segment", ".sqlite", "dataplane.jsonl", "controlplane.jsonl", "cmdline of ", "environ of "):
        check(any(name in each for each in seen), "%s: nothing was looked at that is called %s" % (when, name))


def no_core(pid):
    with open("/proc/%d/limits" % pid, encoding="ascii") as file:
        equal(next(line.split()[4:6] for line in file if line.startswith("Max core file size")), ["0", "0"], "core file of %d" % pid)
    # A process that is not dumpable has its /proc files given to root, whoever it runs as; what it is read by is not its user.
    equal(os.stat("/proc/%d/environ" % pid).st_uid, 0, "owner of the memory of %d" % pid)


def test(world, _):
    equal(secret_keys(world) - NOT_PLANTED, set(PLANTED), "keys that name a file with a secret, of which this test has each")
    phone = world.phone(auto_answer=True)
    user = world.mailbox()
    world.bind(phone.msisdn, user)
    planted = {key: find(world) for key, find in PLANTED.items()}
    planted["the binding"] = (user, world.mailboxes[user][1])

    token = samples.token()
    raw, _ = samples.mail(token, samples.word(), "joe@example.com", world.address(user), samples.word() + "\r\n", None, [])
    world.deliver(user, raw)
    phone.wait_mms(90, 1)
    world.wait_item(lambda item: token in item.get("subject", "") and item["state"] == "delivered", 60, "the mail to be delivered")
    mm7 = Mm7(world)
    equal(mm7.post(b"<a/>", password="wrong")[0], 401, "a wrong password")
    bound, code = "<Number>+%s</Number>" % phone.msisdn, "<ShortCode>%s</ShortCode>" % world.code
    mm7.expect(1000, mm7.deliver(bound, code), "a message of the phone")
    for _, pid in running():
        no_core(pid)
    found_nowhere(world, planted, "while all run")

    # The data plane alone: it has the MMSC's password from the file that the configuration names.
    world.controlplane.stop()
    world.dataplane.kill()
    world.dataplane.start()
    wait_for(lambda: world.connects("198.18.0.2", world.http_port), 30, "the data plane to listen again")
    equal(mm7.post(b"<a/>", password="wrong")[0], 401, "a wrong password, with the data plane alone")
    mm7.expect(1000, mm7.deliver(bound, code), "a message of the phone, with the data plane alone")
    found_nowhere(world, planted, "with the data plane alone")

    world.controlplane.start()
    world.wait_ready()
    world.wait_item(lambda item: item["way"] == "to_mail", 60, "the phone's message to reach the control plane")
    found_nowhere(world, planted, "at the end")


if __name__ == "__main__":
    case.run(test, __doc__)
