#!/usr/bin/python3
"""`pushmailctl status`, /readyz and /metrics say what is broken, one fault after another: the cause and the place, in five seconds.

A Prometheus asks all the while: promtool finds nothing to mend on the page, every panel of the dashboard shows something, and each fault
fires its alert.
"""
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, records  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.prometheus import Prometheus, dashboard_queries  # noqa: E402
from harness.wait import wait_for  # noqa: E402

SECONDS = 5   # in which a fault must be named; the machine's slowness comes on top
SLACK = 25
WRONG_PASSWORDS = 25   # of a source in a minute, until it is turned away


def status(world):
    """(exit code, what it says)"""
    done = subprocess.run([world.programs["pushmailctl"], "--root", world.root, "status", "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def page(world, path):
    """(HTTP status, body) of the listener."""
    url = "http://127.0.0.1:%d%s" % (world.metrics_port, path)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def wait_status(world, code, words, part=""):
    """Waits until status exits with `code` and one of its reasons has all the words; returns the whole answer."""
    last = []

    def says():
        last[:] = status(world)
        reasons = last[1]["reasons"]
        named = not words or any(all(word in reason for word in words) for reason in reasons)
        return last[1] if last[0] == code and named else None
    return wait_for(says, SECONDS + SLACK, lambda: "status to exit with %d and say %s of %s: %s" % (code, words, part, last))


def reload(world):
    """(exit code, what it says)"""
    done = subprocess.run([world.programs["pushmailctl"], "--root", world.root, "reload", "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def core_size(pid):
    """The largest core file that a process may leave, soft and hard limit."""
    with open("/proc/%d/limits" % pid, encoding="ascii") as file:
        return next(line.split()[4:6] for line in file if line.startswith("Max core file size"))


def part_of(answer, kind):
    return next(each for each in answer["parts"] if each["part"] == kind)


def strangers(world, prometheus):
    """Somebody tries passwords, then is turned away at once; from an address that is nobody's."""
    def knock():
        connection = http.client.HTTPConnection("198.18.0.2", world.http_port, timeout=20, source_address=("127.0.0.9", 0))
        try:
            connection.request("POST", "/mm7", b"<a/>", {"Content-Type": "text/xml", "Authorization": "Basic bm9ib2R5Om5vbmU="})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None   # turned away
        finally:
            connection.close()
    for _ in range(WRONG_PASSWORDS):
        equal(knock(), 401, "a wrong password")
    prometheus.wait_firing("PushmailWrongPasswords")
    for _ in range(60):
        check(knock() != 200, "a wrong password")
    prometheus.wait_firing("PushmailRejectedAtBudget")


def restarts(world, prometheus):
    """The control plane ends and is started, three times within the hour, each seen by Prometheus."""
    def seen():
        found = prometheus.series('pushmail_start_time_seconds{job="pushmail"}')
        return found and found[0]["value"][1]
    for _ in range(3):
        before = prometheus.series('last_over_time(pushmail_start_time_seconds{job="pushmail"}[1h])')[0]["value"][1]
        world.controlplane.start()
        wait_for(lambda: seen() not in (None, [], before), 30, "Prometheus to see the start")
        world.controlplane.kill()
    prometheus.wait_firing("PushmailRestarts")


def test(world, _):
    well = wait_status(world, 0, ())
    for program in (world.dataplane, world.controlplane):
        equal(core_size(program.popen.pid), ["0", "0"], "core file of %s, through which passwords go" % program.name)
    equal(well["verdict"], "serving", "verdict")
    # Both planes hash persons by one key, which whoever started first made.
    key = os.stat(os.path.join(world.root, "var", "lib", "pushmail", "shared", "log-key"))
    equal((key.st_size, key.st_mode & 0o777), (16, 0o660), "the key of the logs' hashes")
    for program in (world.dataplane, world.controlplane):
        equal(records.matching(records.lines(program.log), event="log_key_own"), [], "no key for the log of " + program.name)
    equal(part_of(well, "data_plane")["state"], "connected", "data plane")
    equal(part_of(well, "smsc")["state"], "bound", "SMSC")
    equal(part_of(well, "fetcher")["state"], "runs", "fetcher")
    equal(part_of(well, "mmsc")["state"], "not tried yet", "MMSC before its first message")
    equal(page(world, "/livez"), (200, "ok\n"), "/livez")
    equal(page(world, "/readyz"), (200, "serving\n"), "/readyz")
    lint = subprocess.run(["promtool", "check", "metrics"], input=page(world, "/metrics")[1], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    equal((lint.returncode, lint.stdout), (0, ""), "promtool check metrics")
    prometheus = Prometheus(os.path.join(world.folder, "prometheus"), world.port("prometheus"), "127.0.0.1:%d" % world.metrics_port)
    world.started.append(prometheus.start().program)
    wait_for(lambda: prometheus.series('up{job="pushmail"} == 1'), 30, "Prometheus to have asked us")
    # The disk is the machine's, and other programs write on it.
    wait_for(lambda: not any("Disk" not in alert for alert in prometheus.firing()), 30, lambda: "no alert while all is well: %s" % prometheus.firing())

    phone = world.phone(auto_answer=True)
    user = world.mailbox()
    world.bind(phone.msisdn, user)

    def send(word):
        raw, _ = samples.mail("%s %s" % (word, samples.token()), word, "joe@example.com", world.address(user), word + "\r\n", None, [])
        world.deliver(user, raw)

    # A message through it all, and then the MMSC refuses connections.
    send("first")
    phone.wait_mms(90, 1)
    equal(part_of(wait_status(world, 0, ()), "mmsc")["state"], "answers", "MMSC after its first message")
    world.mmsc_ask("command", {"listening": False})
    send("second")
    away = wait_for(lambda: next((answer for code, answer in [status(world)] if code == 1 and any("mmsc mmsc: " in each for each in answer["reasons"])),
                                 None), 60, "status to name the MMSC")
    mmsc = part_of(away, "mmsc")
    equal(mmsc["error"], "the peer cannot be reached", "the MMSC's error")
    check(mmsc.get("since") and mmsc.get("error_at"), "since when the MMSC fails: %s" % mmsc)
    check(any(each["state"] == "submitting" and each["oldest_age_s"] >= 0 for each in away["items"]), "items that wait: %s" % away["items"])
    equal(page(world, "/readyz")[0], 200, "/readyz while an MMSC is away")
    equal(prometheus.wait_firing("PushmailMmscFails")["annotations"]["summary"], "The MMSC mmsc takes nothing; its messages wait.", "words")
    prometheus.wait_firing("PushmailDegraded")
    # Items wait now, so there is something to show of everything.
    for title, query in dashboard_queries():
        wait_for(lambda: prometheus.series(query), 20, "panel %s to show a series of %s" % (title, query))
    world.mmsc_ask("command", {"listening": True})
    phone.wait_mms(90, 2)
    wait_status(world, 0, (), "MMSC")
    prometheus.wait_quiet("PushmailMmscFails")

    # The smart host is away while the phone writes.
    world.postfix.stop()
    phone.ask("send", to=[world.code], text="%s\nhello" % world.address(user), subject=None, parts=[])
    wait_status(world, 1, ("smart_host", "fails"), "smart host")
    prometheus.wait_firing("PushmailSmartHostFails")
    world.postfix.start()
    wait_status(world, 0, (), "smart host")
    prometheus.wait_quiet("PushmailSmartHostFails")

    # The disk is nearly full; below 16 MiB the service counts as down, and 8 are left to write what this test does.
    check("PushmailDiskLow" not in prometheus.firing(), "an alert of a disk that has room")
    folder = os.path.join(world.root, "var", "lib", "pushmail")
    room = os.statvfs(folder)
    with open(os.path.join(folder, "filler"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (8 << 20))
    wait_status(world, 2, ("disk", "% free"), "disk")
    prometheus.wait_firing("PushmailDiskLow")
    os.unlink(os.path.join(folder, "filler"))
    wait_status(world, 0, (), "disk")

    strangers(world, prometheus)

    # The SMSC dies.
    world.smsc.kill()
    gone = wait_status(world, 1, ("smsc", "not bound since"), "SMSC")
    check(part_of(gone, "smsc").get("error"), "the SMSC's error: %s" % part_of(gone, "smsc"))
    status_code, text = page(world, "/metrics")
    equal(status_code, 200, "/metrics")
    check('pushmail_part_status{part="smsc",name="%s:%d"} 1\n' % tuple(world.smsc_settings["listen"]) in text, "the SMSC in the metrics:\n" + text)
    prometheus.wait_firing("PushmailSmscNotBound")
    check(phone.msisdn not in text and user not in text, "a subscriber in the metrics")

    # A configuration that no program would start with.
    path = os.path.join(world.root, "etc", "pushmail", "conf.d", "later.toml")
    world.write(path, "[schedule]\nround = \"soon\"\n", 0o644)
    wait_status(world, 1, ("configuration", "later.toml:2: schedule.round"), "configuration")
    prometheus.wait_firing("PushmailConfigurationDiffers")
    code, answer = reload(world)
    equal((code, answer["reloaded"]), (78, False), "a reload of it")

    # One that the data plane alone finds wrong stays out of every program.
    world.write(path, "[tls]\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"\n", 0o644)
    code, answer = reload(world)
    equal((code, [(each["program"], each["result"]) for each in answer["programs"]]),
          (78, [("data_plane", "refused"), ("control_plane", "refused")]), "a reload without its certificate: %s" % answer)
    wait_status(world, 1, ("configuration", "was refused", "tls.certificate"), "configuration")
    # A good one is taken at once but for what needs a restart, which is named.
    world.write(path, "[schedule]\nround = \"20min\"\n[link]\nmtu = 1400\n", 0o644)
    code, answer = reload(world)
    equal((code, answer["changed"], answer["needs_restart"]), (0, ["schedule.round"], ["link.mtu"]), "a reload: %s" % answer)
    equal({each["result"] for each in answer["programs"]}, {"taken"}, "what became of the programs: %s" % answer)
    equal(part_of(status(world)[1], "configuration")["state"], "as on disk, but a restart takes link.mtu", "configuration")
    os.unlink(path)
    equal(reload(world)[0], 0, "back to what it was")

    # A worker that does not turn, a data plane that is gone, and no control plane.
    os.kill(world.dataplane.pid, signal.SIGSTOP)
    wait_status(world, 2, ("data_plane", "stuck"), "data plane")
    equal(page(world, "/readyz")[0], 503, "/readyz while the worker is stuck")
    for alert in ("PushmailDataPlaneDown", "PushmailDown"):
        prometheus.wait_firing(alert)
    os.kill(world.dataplane.pid, signal.SIGCONT)
    wait_status(world, 1, ("smsc",), "data plane that goes on")
    world.dataplane.kill()
    wait_status(world, 2, ("data_plane", "ended"), "data plane")
    world.controlplane.kill()
    alone = wait_status(world, 2, ("control_plane", "does not answer"), "control plane")
    equal([each["part"] for each in alone["parts"]], ["control_plane", "data_plane"], "what is known without a control plane")
    prometheus.wait_firing("PushmailSilent")
    restarts(world, prometheus)


if __name__ == "__main__":
    case.run(test, __doc__, small_disk="256M", config={"log.pii": "hashed", "http.wrong_passwords_per_minute": WRONG_PASSWORDS})
