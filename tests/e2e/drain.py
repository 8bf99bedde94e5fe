#!/usr/bin/python3
"""SIGTERM with traffic under way on every leg, and a new start: no peer sees a reset, nothing that was taken is lost, nothing comes twice.

Forwarders hand in mails for phones, their sessions always in the middle of one; HTTP clients keep connections and ask again and again; the
data plane submits to the MMSC meanwhile. Three ends: of the data plane twice, and of the control plane between them.
"""
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402
from harness.world import OURS  # noqa: E402

FORWARDERS = 5
ENDS_WITHIN = 22   # timer `drain`, and what a program needs besides


class Told(Exception):
    """The server said 421."""


class Client:
    """Connections one after the other until the server takes none, each with its end looked at."""

    def __init__(self, port):
        self.port, self.trouble, self.closed, self.told = port, [], 0, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection = socket.create_connection((OURS, self.port), 10)
            except (ConnectionRefusedError, TimeoutError, OSError):
                return
            try:
                with connection, connection.makefile("rb") as reader:
                    connection.settimeout(30)
                    self.talk(connection, reader)
                    self.closed += 1
            except Told:
                self.told += 1
            except OSError as error:
                self.trouble.append("%s: %r" % (type(self).__name__, error))
                return


class Forwarder(Client):
    """Hands in mails for one phone; `taken` are the subjects that were answered 250."""

    def __init__(self, port, recipient, pause):
        self.recipient, self.pause, self.taken, self.unanswered = recipient, pause, [], []
        super().__init__(port)

    def reply(self, reader):
        line = reader.readline()
        while line[3:4] == b"-":
            line = reader.readline()
        if line.startswith(b"421"):
            if reader.read() != b"":
                raise OSError("more came behind 421")
            raise Told()
        return line

    def talk(self, connection, reader):
        def say(text):
            connection.sendall(text.encode("ascii"))
            return self.reply(reader)
        if not self.reply(reader).startswith(b"220"):
            raise OSError("no greeting")
        say("EHLO mx.example\r\n")
        for _ in range(3):
            subject = samples.token()
            say("MAIL FROM:<joe@example.com>\r\n")
            if not say("RCPT TO:<%s>\r\n" % self.recipient).startswith(b"250"):
                self.pause.wait(0.1)
                say("RSET\r\n")
                continue
            if not say("DATA\r\n").startswith(b"354"):
                raise OSError("no 354")
            connection.sendall(b"From: Joe <joe@example.com>\r\nSubject: %s\r\n\r\nthe first half" % subject.encode("ascii"))
            self.pause.wait(0.05)
            connection.sendall(b" and the second\r\n.\r\n")
            line = reader.readline()
            if not line.startswith(b"250"):
                raise OSError("a mail after 354 was answered %r" % line)
            self.taken.append(subject)
        say("QUIT\r\n")


class Asker(Client):
    """Asks by HTTP on a kept connection; every request has its answer, or the connection ends in order before it."""

    def talk(self, connection, reader):
        while True:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            line = reader.readline()
            if line == b"":
                return
            if not line.startswith(b"HTTP/1.1 "):
                raise OSError("answered %r" % line)
            last, size = False, 0
            while line not in (b"\r\n", b""):
                line = reader.readline()
                last = last or line.lower() == b"connection: close\r\n"
                size = int(line.split(b":")[1]) if line.lower().startswith(b"content-length:") else size
            reader.read(size)
            if last:
                self.told += 1
                if reader.read() != b"":
                    raise OSError("more came behind the last answer")
                return


def aborts():
    """Connections in this network that a kernel socket reset with data or by choice."""
    with open("/proc/net/netstat", encoding="ascii") as file:
        lines = [line.split() for line in file if line.startswith("TcpExt:")]
    return int(dict(zip(lines[0], lines[1]))["TCPAbortOnData"])


def end(program):
    program.popen.send_signal(signal.SIGTERM)
    equal(program.wait(ENDS_WITHIN), 0, "exit code of %s" % program.name)


def round_of(world, phones, taken):
    pause = threading.Event()
    askers = [Asker(world.http_port) for _ in range(3)]
    forwarders = [Forwarder(world.smtp_port, "%s@%s" % (phone.msisdn, world.mms_domain), pause) for phone in phones]
    clients = askers + forwarders
    wait_for(lambda: all(each.taken for each in forwarders) or any(each.trouble for each in clients), 60, "a mail of each forwarder")
    before = aborts()
    end(world.dataplane)
    pause.set()
    for each in clients:
        each.thread.join(20)
        check(not each.thread.is_alive(), "a client hangs")
    equal([each.trouble for each in clients if each.trouble], [], "what clients saw beside answers and orderly ends")
    check(sum(each.told for each in forwarders) > 0, "no session was told 421")
    if world.link == "kernel":
        equal(aborts(), before, "connections that were reset")
    with open(world.dataplane.log, encoding="utf-8", errors="replace") as file:
        check("drain_cut" not in file.read(), "the drain ran out of time")
    for phone, each in zip(phones, forwarders):
        taken[phone.msisdn] += each.taken


def test(world, arguments):
    phones = [world.phone() for _ in range(FORWARDERS)]
    for phone in phones:
        world.bind(phone.msisdn, world.mailbox(), policy="push")
    taken = {phone.msisdn: [] for phone in phones}
    round_of(world, phones, taken)
    world.dataplane.start()
    world.wait_ready()
    end(world.controlplane)
    world.controlplane.start()
    world.wait_ready()
    round_of(world, phones, taken)
    world.dataplane.start()
    world.wait_ready()
    for phone in phones:
        subjects = taken[phone.msisdn]
        got = [message["subject"] for message in phone.wait_mms(120, len(subjects))]
        for subject in subjects:
            equal(sum(subject in each for each in got), 1, "times that the phone has the mail %s" % subject)
    wait_for(lambda: all(item["state"] == "delivered" for item in world.items()), 60, "all items to be delivered")


if __name__ == "__main__":
    case.run(test, __doc__, config={"smtp.%s_max" % limit: 100000 for limit in
                                    ("phone_mails", "source_mails", "sender_mails", "phone_waiting")})
