#!/usr/bin/python3
"""A flood of spoofed SYN keeps nobody out: while frames with ever new sources arrive at the tap, 200 clients connect one after the other
and each gets its HTTP answer; the flood shows in the counters and as one line in the log. `--rate 0` floods as fast as the tap takes
frames; beyond what its queue holds that measures the queue.
"""
import multiprocessing
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import case  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402

CLIENTS, CLIENT_EVERY, FLOOD_SECONDS_MAX, FRAMES_MAX, BURST = 200, 0.015, 6, 600_000, 64
COUNTERS = ("tcp_cookies_sent_total", "tcp_cookies_accepted_total", "tcp_accepted_total")


def inverted_sum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def spoofed_syn(to_mac, from_mac, address, port, rng):
    """One frame: a SYN from an address and port that nobody has, behind the gateway."""
    source = socket.inet_aton("10.%d.%d.%d" % (rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)))
    destination = socket.inet_aton(address)
    tcp = struct.pack("!HHIIBBHHHI", rng.randrange(1024, 65536), port, rng.getrandbits(32), 0, 6 << 4, 2, 65535, 0, 0, 0x020405B4)
    checksum = inverted_sum(source + destination + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", checksum) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0, source, destination)
    ip = ip[:10] + struct.pack("!H", inverted_sum(ip)) + ip[12:]
    return to_mac + from_mac + b"\x08\x00" + ip + tcp


def flood(device, frames, rate, over, sent):
    """`rate` frames a second, in bursts, until `over`, but never more than the bounds above. A full queue is not waited for."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    start, count = time.monotonic(), 0
    end = start + FLOOD_SECONDS_MAX
    while not over.is_set() and count < FRAMES_MAX and time.monotonic() < end:
        if rate:
            time.sleep(max(0, start + count / rate - time.monotonic()))
        for _ in range(BURST):
            try:
                raw.send(frames[count % len(frames)])
            except OSError:
                pass
            count += 1
    sent.value = count


def exchange(address):
    """Seconds until connected, and until answered."""
    start = time.monotonic()
    with socket.create_connection(address, timeout=10) as connection:
        connected = time.monotonic() - start
        connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        check(connection.recv(4096).startswith(b"HTTP/1.1 "), "no HTTP answer")
        return connected, time.monotonic() - start


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000


def test(world, arguments):
    from harness.world import KERNEL_MAC, MAC, OURS, TAP

    def counters():
        shown = world.ctl("worker", "show", "--json")
        return {name: shown["pushmail_data_" + name] for name in COUNTERS}

    address, rng = (OURS, world.http_port), random.Random(1)
    quiet = [exchange(address) for _ in range(20)]
    before = counters()
    equal(before["tcp_cookies_sent_total"], 0, "cookies before the flood")
    to_mac, from_mac = (bytes.fromhex(mac.replace(":", "")) for mac in (MAC, KERNEL_MAC))
    frames = [spoofed_syn(to_mac, from_mac, OURS, world.http_port, rng) for _ in range(20_000)]
    over, sent = multiprocessing.Event(), multiprocessing.Value("L", 0)
    flooder = multiprocessing.Process(target=flood, args=(TAP, frames, arguments.rate, over, sent))
    flooder.start()
    # The half-open places are spent before the first client comes.
    wait_for(lambda: counters()["tcp_cookies_sent_total"] > 0, 10, "the first cookie")
    times, failures, start = [], [], time.monotonic()
    for client in range(CLIENTS):
        time.sleep(max(0, start + client * CLIENT_EVERY - time.monotonic()))
        try:
            times.append(exchange(address))
        except (OSError, AssertionError) as error:
            failures.append(repr(error))
    took, during = time.monotonic() - start, flooder.is_alive()
    over.set()
    flooder.join()
    wait_for(lambda: counters()["tcp_accepted_total"] >= before["tcp_accepted_total"] + CLIENTS, 10, "the counters of all clients")
    after = counters()
    print("%d of %d clients in %.1f s beside %d spoofed SYN (still coming at the end: %s)" % (len(times), CLIENTS, took, sent.value, during))
    for what, values in (("quiet", quiet), ("flood", times)):
        if values:
            print("%s: connect p50 %.1f p99 %.1f ms, answered p99 %.1f ms" % (
                what, percentile([v[0] for v in values], 0.5), percentile([v[0] for v in values], 0.99), percentile([v[1] for v in values], 0.99)))
    print("grew by: %s" % {name: after[name] - before[name] for name in COUNTERS})
    equal(failures, [], "clients that were kept out")
    check(after["tcp_cookies_accepted_total"] > CLIENTS // 2, "too few clients came in by a cookie")
    check('"event":"syn_flood","now":"begun"' in world.dataplane.tail(10_000), "the log does not say that a flood has begun")


if __name__ == "__main__":
    case.run(test, __doc__, options=(("rate", 10_000, "spoofed SYN a second; 0: without a pause"),))
