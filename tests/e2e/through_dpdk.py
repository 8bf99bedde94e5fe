#!/usr/bin/python3
"""The data plane's traffic goes through its DPDK port and nothing else: no INET socket, its address on no interface of the kernel, the
port's counters equal the tap's packet for packet, and a transfer stands still while the link is down and finishes when it is up again.
"""
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402


def tap_counters():
    """Frames and bytes as the kernel counts them at the tap: what it sent is what the port received."""
    from harness.world import TAP
    values = {}
    for name in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes"):
        with open("/sys/class/net/%s/statistics/%s" % (TAP, name), encoding="ascii") as file:
            values[name] = int(file.read())
    return values


def port_counters(world):
    shown = world.ctl("worker", "show", "--json")
    return {name: shown["pushmail_data_port_%s_total" % name] for name in ("frames_in", "frames_out", "bytes_in", "bytes_out")}


def same(world, before_tap, before_port):
    tap, port = tap_counters(), port_counters(world)
    pairs = (("frames_in", "tx_packets"), ("frames_out", "rx_packets"), ("bytes_in", "tx_bytes"), ("bytes_out", "rx_bytes"))
    return all(port[ours] - before_port[ours] == tap[theirs] - before_tap[theirs] for ours, theirs in pairs)


def threads_that_take(pid, signals):
    """Threads of the process that a signal of these may be given to. The kernel's own (io_uring) run no code of ours."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task), encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        blocked = int(status["SigBlk"], 16)
        if not status["Name"].startswith("iou-wrk") and any(not blocked >> (number - 1) & 1 for number in signals):
            found.append(status["Name"])
    return found


def test(world, arguments):
    from harness.world import OURS, TAP
    # /sys shows the interfaces of the namespace that it was mounted in.
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    phone = world.phone(auto_answer=True)
    user, reader = world.mailbox(), world.mailbox()
    world.bind(phone.msisdn, user)
    check("198.18.0.2" not in subprocess.run(["ip", "-o", "addr"], stdout=subprocess.PIPE, check=True).stdout.decode(),
          "our address is on an interface of the kernel")
    equal(world.inet_sockets(world.dataplane.pid), [], "INET sockets of the data plane")
    # One that net_tap's signal reaches, before it is turned off, would leave the port deaf.
    equal(threads_that_take(world.dataplane.pid, [signal.SIGIO, *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)]), [],
          "threads of the data plane that take a driver's signals")
    # A quiet moment, so that both sides are read between two frames.
    before_tap, before_port = wait_for(lambda: quiet(world), 30, "a quiet moment")
    raw, _ = samples.mail("Hello", "Joe", "joe@example.com", world.address(user), "hi\r\n", None, [("p.png", "image/png", samples.png())])
    world.deliver(user, raw)
    phone.wait_mms(60)
    phone.ask("send", to=[world.code], text="%s\nback" % world.address(reader), subject=None, parts=[])
    world.wait_mails(reader, 1)
    wait_for(lambda: same(world, before_tap, before_port), 30, lambda: "equal counters: tap %s, port %s, before %s %s" % (
        tap_counters(), port_counters(world), before_tap, before_port))
    check(port_counters(world)["frames_in"] > before_port["frames_in"] + 20, "too few frames went through the port")
    equal(world.inet_sockets(world.dataplane.pid), [], "INET sockets of the data plane after traffic")

    # Half of a mail goes out, the link goes down, the other half cannot follow until it is up again.
    result = []
    half = (b"y" * 70 + b"\r\n") * 90000
    client = smtplib.SMTP(OURS, world.smtp_port, timeout=90)
    client.ehlo("test.example")
    recipient = "%s@%s" % (phone.msisdn, world.mms_domain)
    for command in ("MAIL FROM:<joe@example.com>", "RCPT TO:<%s>" % recipient, "DATA"):
        code, text = client.docmd(command)
        check(code in (250, 354), "%s: %d %s" % (command, code, text))
    start = port_counters(world)["bytes_in"]
    client.send(b"Subject: large\r\n\r\n" + half)
    wait_for(lambda: port_counters(world)["bytes_in"] > start + (1 << 20), 30, "a megabyte of the transfer")
    subprocess.run(["ip", "link", "set", TAP, "down"], check=True)

    def transfer():
        client.send(half + b".\r\n")
        result.append(client.getreply())
        client.close()
    thread = threading.Thread(target=transfer)
    thread.start()
    # What was in flight arrives; then nothing does for a while.
    at_rest = [port_counters(world)["bytes_in"], time.monotonic()]

    def rests():
        now = port_counters(world)["bytes_in"]
        if now != at_rest[0]:
            at_rest[:] = [now, time.monotonic()]
        return time.monotonic() - at_rest[1] > 1.5
    wait_for(rests, 20, "the transfer to stop while the link is down")
    check(thread.is_alive(), "the transfer ended while the link was down")
    subprocess.run(["ip", "link", "set", TAP, "up"], check=True)
    thread.join(90)
    check(not thread.is_alive() and result and result[0][0] == 250, "the transfer after the link came up again: %s" % result)


def quiet(world):
    """Counters of both sides when nothing moved between two looks; None otherwise."""
    first = tap_counters(), port_counters(world)
    time.sleep(0.2)
    return first if (tap_counters(), port_counters(world)) == first else None


if __name__ == "__main__":
    case.run(test, __doc__)
