#!/usr/bin/python3
"""An MMSC that closes kept connections after its answers without saying so, soon or late, and a balancer before it that acknowledges
what it never passes on: nothing is called submitted that the MMSC never saw, and nothing comes twice without a mark.
"""
import os
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import samples  # noqa: E402
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402
from pdu import mm7  # noqa: E402

ADDRESS = ("198.18.0.1", 39918)
NAMESPACE = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
# (answers on a connection, seconds until it is closed, how): from long to short lives, since what was learnt of one holds for the next
WAYS = [(10, 0.05, "fin"), (5, 0.01, "rst"), (2, 0.002, "fin"), (1, 0.0, "fin")]


class Mmsc:
    """Knows what it has seen; `swallow` requests are acknowledged and reset, as by a balancer, and not seen."""

    def __init__(self):
        self.seen, self.lock, self.way, self.swallow, self.swallowed = [], threading.Lock(), WAYS[0], 0, []
        self.listener = socket.create_server(ADDRESS, backlog=200)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        reader, answers = connection.makefile("rb"), 0
        try:
            while True:
                body = self.request(reader)
                if body is None:
                    return
                transaction = re.search(rb"<[^>]*TransactionID[^>]*>([^<]*)<", body).group(1).decode("ascii")
                with self.lock:
                    if answers > 0 and self.swallow > 0:
                        self.swallow -= 1
                        self.swallowed.append(transaction)
                        return self.reset(connection)
                    self.seen.append(transaction)
                answers += 1
                answer = mm7.submit_rsp(transaction, NAMESPACE, "6.8.0", 1000, "m-" + transaction)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
                every, delay, how = self.way
                if answers >= every:
                    time.sleep(delay)  # the peer's own way, not a wait of the test
                    return self.reset(connection) if how == "rst" else None
        except OSError:
            pass  # the client went first
        finally:
            reader.close()
            connection.close()

    @staticmethod
    def request(reader):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline()
            if not line:
                return None
            head += line
        return reader.read(int(re.search(rb"(?i)content-length: *(\d+)", head).group(1)))

    @staticmethod
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def one_way(world, mmsc, user, name, count):
    """`count` mails at once; their items when each has been called submitted."""
    token = samples.token()
    for _ in range(count):
        raw, _ = samples.mail(token, "A", "joe@example.com", world.address(user), "hello\r\n")
        world.deliver(user, raw)

    def items():
        return [each for each in world.items() if token in each.get("subject", "")]
    wait_for(lambda: sum(each["state"] == "submitted" for each in items()) == count, 60,
             lambda: "%s: %s" % (name, sorted(each["state"] for each in items())))
    found = items()
    for each in found:
        times = mmsc.seen.count("pm" + each["item"])
        check(times >= 1, "%s: called submitted and never seen: %s" % (name, each["item"]))
        marked = bool(world.item(each["item"]).get("duplicate_possible"))
        check(times == 1 or marked, "%s: seen %d times and unmarked: %s" % (name, times, each["item"]))
    return found


def test(world, arguments):
    mmsc = Mmsc()
    user = world.mailbox()
    world.bind(world.number(), user, policy="push")
    one_way(world, mmsc, user, "a connection to keep", 1)
    mmsc.swallow = 1
    one_way(world, mmsc, user, "a balancer that acknowledges", 1)
    equal(len(mmsc.swallowed), 1, "requests that the balancer swallowed")
    # Counters of sessions are published once a second.
    wait_for(lambda: any(int(value) >= 1 for name, value in world.ctl("worker", "show", "--json").items() if "sent_again_marked" in name), 10,
             "the second try to be counted as one that may be a duplicate")
    for way in WAYS:
        began = time.monotonic()
        mmsc.way = way
        one_way(world, mmsc, user, "every %d, %g s, %s" % way, arguments.mails)
        print("every %d, %g s, %s: %d of %d seen, %.1f s" % (*way, arguments.mails, arguments.mails, time.monotonic() - began), flush=True)


if __name__ == "__main__":
    case.run(test, __doc__.strip(), options=[("mails", 12, "mails for each way of closing")],
             peer={"url": "http://%s:%d/mm7" % ADDRESS})
