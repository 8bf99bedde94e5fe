#!/usr/bin/python3
"""Started by root, none of the programs stays root or keeps a capability, and messages go both ways; without accounts none starts."""
import glob
import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.processes import running  # noqa: E402
from harness.wait import wait_for  # noqa: E402

USERS = {"pushmail-datapl": "pushmail-dp", "pushmail-contro": "pushmail-cp", "pushmail-launch": "pushmail-fetch", "pushmail-fetche": "pushmail-fetch"}
NONE = "0" * 16


def status(path):
    with open(path, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def programs():
    return [(name, pid) for name, pid in running() if name in USERS]


def nobody_is_root():
    found = programs()
    equal({name for name, _ in found}, set(USERS), "processes that run")
    for name, pid in found:
        user = pwd.getpwnam(USERS[name])
        for path in glob.glob("/proc/%d/task/*/status" % pid):
            thread = status(path)
            what = "%s, thread %s" % (name, thread["Name"])
            equal(thread["Uid"].split(), [str(user.pw_uid)] * 4, "users of " + what)
            equal(thread["Gid"].split(), [str(user.pw_gid)] * 4, "groups of " + what)
            check("0" not in thread["Groups"].split(), "%s is in root's group" % what)
            equal({thread[field] for field in ("CapInh", "CapPrm", "CapEff", "CapAmb")}, {NONE}, "capabilities of " + what)
        equal(status("/proc/%d/status" % pid)["NoNewPrivs"], "1", "no new privileges of " + name)


def refused_without_accounts(world):
    """Each program, in a mount namespace in which nobody has made the accounts."""
    lines = {}
    for name in ("passwd", "group"):
        with open("/etc/" + name, encoding="utf-8") as file:
            lines[name] = world.write(os.path.join(world.folder, "without", name), "".join(
                line for line in file if not line.startswith("pushmail")), 0o644)
    root = world.make_folder("untouched")
    world.write(os.path.join(root, "etc/pushmail/pushmail.toml"),
                'domain = "mms.example.net"\nlink.kind = "kernel"\n[notify]\nsmsc = "127.0.0.1:2775"\nsource = "5000"\n', 0o644)
    fetcher = glob.glob(os.path.join(os.path.dirname(world.programs["pushmail-controlplane"]), "pushmail-fetcher"))
    for program, account in [(world.programs["pushmail-dataplane"], "pushmail-dp"), (world.programs["pushmail-controlplane"], "pushmail-cp")] + [
            (path, "pushmail-fetch") for path in fetcher]:
        done = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"',
                               "sh", lines["passwd"], lines["group"], program, "--root", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=20, check=False)
        said = done.stdout.decode("utf-8", "replace")
        equal((done.returncode, "there is no account %s to change to" % account in said), (67, True), "%s without accounts: %s" % (program, said))
    equal(sorted(os.listdir(root)), ["etc"], "what a refused start left")


def test(world, _):
    phone = world.phone(auto_answer=True)
    user = world.mailbox()
    world.bind(phone.msisdn, user)
    nobody_is_root()
    token = samples.token()
    raw, _ = samples.mail(token, samples.word(), "joe@example.com", world.address(user), samples.word() + "\r\n", None, [])
    world.deliver(user, raw)
    phone.wait_mms(90, 1)
    phone.ask("send", to=[world.code], text="%s\n%s" % (world.address(user), token), subject=None, parts=[])
    world.wait_mails(user, 2, 90)
    # A fetcher that dies is started again, by who is no more than it.
    def fetchers():
        return {pid for name, pid in programs() if name == "pushmail-fetche"}
    killed = fetchers()
    for pid in killed:
        os.kill(pid, 9)
    # Looked at once: between two looks the old one ends.
    wait_for(lambda: fetchers() - killed, 30, "a fetcher to be started again")
    nobody_is_root()
    # And both planes once more, over what the first ones left.
    world.dataplane.stop()
    world.controlplane.stop()
    wait_for(lambda: not programs(), 20, "all of it to end")
    world.dataplane.start()
    world.controlplane.start()
    world.wait_ready()
    wait_for(lambda: len({name for name, _ in programs()}) == len(USERS), 30, "all of it to run")
    nobody_is_root()
    refused_without_accounts(world)


if __name__ == "__main__":
    case.run(test, __doc__)
