#!/usr/bin/python3
"""Takes the trials of perf/run dataplane: the delivered data plane between peers of ours, in a network namespace of its own.

  measure.py --build FOLDER FIGURE...      one JSON object on stdout: {FIGURE: {"pushmail": [...], PEER: [...], "note": "", "error": ""}}

    perf_load ──SMTP, MM7──> pushmail-dataplane ──SMTP, MM7──> perf_sinks        kernel link: 127.0.0.2 and 127.0.0.1
    perf_flood ──SYN──>           │ handoff                                       tap: 198.18.0.2 behind pmtap, 198.18.0.1
                             perf_control

What is compared runs in turns, not one after the other, so that a machine that slows down slows both.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import namespace  # noqa: E402
from harness.process import Program  # noqa: E402
from harness.wait import Late, wait_for  # noqa: E402

TAP, MAC, KERNEL_MAC = "pmtap", "02:70:6d:00:00:02", "02:70:6d:00:00:01"
ADDRESSES = {"kernel": ("127.0.0.2", "127.0.0.1"), "tap": ("198.18.0.2", "198.18.0.1")}   # ours, everybody else's
HTTP, SMTP, MMSC, NEXT_HOP, POSTFIX = 8080, 2525, 9080, 9025, 9125
BASIC = "bW1zYzpzZWNyZXQ="       # mmsc:secret
SIZE = 10 * 1024
WINDOW = 200                     # submissions under way
CONNECTIONS = 10
ROUNDS = 3
SHARE_ROUNDS = 5
WARM_SECONDS, SECONDS = 0.5, 2.0
ROAD_TURNS, TURN_SECONDS = 5, 0.5
FLOOD_CLIENTS, FLOOD_SYNS = 200, 90_000
HELD_MAILS = 45_000              # wait for their route, so that only the way out is measured
LOG_LINES = 200_000
OUTCOME_RECORDS = 2              # an MM's outcome, until the control plane has it, and its settling


class Peer:
    """A peer of ours that answers an order with a line of JSON."""

    def __init__(self, bench, program, *words):
        self.process = subprocess.Popen([bench.peers / ("perf_" + program), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        bench.running.append(self)

    def ask(self, order="counts"):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("%s ended with %s" % (self.process.args[0], self.process.wait()))
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class DataPlane:
    """The delivered program with a configuration of its own."""

    def __init__(self, bench, link):
        self.ours, self.theirs = ADDRESSES[link]
        self.root = bench.folder / ("root-%d" % len(list(bench.folder.iterdir())))
        etc = self.root / "etc/pushmail"
        etc.mkdir(parents=True)
        self.root.chmod(0o755)
        (etc / "mmsc-in").write_text("secret\n", encoding="ascii")
        kind = 'kind = "kernel"'
        if link == "tap":
            kind = 'kind = "dpdk"\naddress = "%s/24"\ngateway = "%s"\nmac = "%s"\nvdev = "net_tap0,iface=%s,mac=%s"' % (
                self.ours, self.theirs, MAC, TAP, KERNEL_MAC)
        (etc / "pushmail.toml").write_text("\n".join([
            'domain = "mms.example.net"', "[link]", kind, "[smtp]", 'listen = "%s:%d"' % (self.ours, SMTP),
            "[http]", 'listen = "%s:%d"' % (self.ours, HTTP),
            "[peer.mmsc]", 'url = "http://%s:%d/mm7"' % (self.theirs, MMSC), 'service_number = "5000"', 'inbound_user = "mmsc"',
            'inbound_password_file = "%s"' % (etc / "mmsc-in"), "[notify]", 'smsc = "127.0.0.1:2775"', 'source = "5000"',
            "[log]", 'level = "info"', ""]), encoding="ascii")
        self.program = Program("pushmail-dataplane", [str(bench.build / "bin/pushmail-dataplane"), "--root", str(self.root)],
                               str(self.root / "log")).start()
        bench.running.append(self)
        self.socket = self.root / "run/pushmail/handoff-0"
        wait_for(self.answers, 30, "the data plane to answer")

    def answers(self):
        if not self.program.running():
            raise RuntimeError("the data plane ended with %s: %s" % (self.program.popen.returncode, self.program.tail(5)))
        with socket.create_connection((self.ours, SMTP), 2) as connection:
            return connection.recv(4) == b"220 "

    def cpu_of_threads(self):
        """Microseconds of CPU by thread name."""
        used = collections.Counter()
        for task in pathlib.Path("/proc/%d/task" % self.program.pid).iterdir():
            name = (task / "comm").read_text(encoding="ascii").strip()
            used[name] += int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1000
        return used

    def counters(self):
        """Name and value of each entry of the counters file (core/contract/counters/counters.h)."""
        data = (self.root / "run/pushmail/counters").read_bytes()
        (count,) = struct.unpack_from("<Q", data, 8)
        entries = (struct.unpack_from("<56sQ", data, 64 + 64 * i) for i in range(count))
        return {name.rstrip(b"\0").decode("ascii"): value for name, value in entries}

    def stop(self):
        self.program.stop()
        shutil.rmtree(self.root, ignore_errors=True)


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder, self.running = build, folder, []
        self.peers = build / "perf"

    def network(self):
        for words in (["ip", "tuntap", "add", "dev", TAP, "mode", "tap", "multi_queue"],
                      ["sysctl", "-q", "-w", "net.ipv6.conf.%s.disable_ipv6=1" % TAP],
                      ["ip", "link", "set", TAP, "address", KERNEL_MAC], ["ip", "addr", "add", ADDRESSES["tap"][1] + "/24", "dev", TAP],
                      ["ip", "link", "set", TAP, "up"]):
            subprocess.run(words, check=True)

    def stop(self, *some):
        for each in list(some) or list(reversed(self.running)):
            self.running.remove(each)
            each.stop()

    def sinks(self, link, delay_ms=0):
        theirs = ADDRESSES[link][1]
        sinks = Peer(self, "sinks", "%s:%d" % (theirs, MMSC), "%s:%d" % (theirs, NEXT_HOP), delay_ms)
        sinks.ask()
        return sinks

    def control(self, plane, size=SIZE):
        control = Peer(self, "control", plane.socket, "http://%s:%d/mm7" % (plane.theirs, MMSC), "%s:%d" % (plane.theirs, NEXT_HOP), size)
        control.ask()
        return control

    def load(self, plane, what, whom, connections=CONNECTIONS, port=None, address=None):
        port = port or (HTTP if what == "deliver" else SMTP)
        return Peer(self, "load", what, "%s:%d" % (address or plane.ours, port), connections, SIZE, whom)


def rate(peer, field, seconds=SECONDS):
    """Messages a second that a peer counts."""
    before, started = peer.ask()[field], time.monotonic()
    time.sleep(seconds)
    after = peer.ask()[field]
    return (after - before) / (time.monotonic() - started)


# ---- the figures: each gives {"pushmail": trials, PEER: trials, "note": words} ------------------------------------------------------


def log_share(bench):
    """What log.level = info costs of the road mailbox -> MMSC, in percent of its CPU time.

    With and without cannot be compared: two runs of the same program differ by more than the share. So it is added up: the CPU time of the
    log's thread, and for the threads that log the lines an MM takes times what a line costs (perf_log).
    """
    sinks = bench.sinks("kernel")
    shares, parts = [], []
    for _ in range(SHARE_ROUNDS):
        plane = DataPlane(bench, "kernel")
        control = bench.control(plane)
        control.ask("window %d" % WINDOW)
        time.sleep(WARM_SECONDS)
        log = plane.root / "log"
        count, size, cpu = sinks.ask()["submits"], log.stat().st_size, plane.cpu_of_threads()
        time.sleep(SECONDS)
        count, end, later = sinks.ask()["submits"] - count, log.stat().st_size, plane.cpu_of_threads()
        with open(log, "rb") as file:
            file.seek(size)
            lines = file.read(end - size).count(b"\n")
        bench.stop(control, plane)
        if count == 0:
            raise RuntimeError("no MM was submitted")
        with open(bench.folder / "lines", "wb") as file:
            done = subprocess.run([bench.peers / "perf_log", str(LOG_LINES)], stdout=subprocess.PIPE, stderr=file, check=True)
        line = json.loads(done.stdout)["cpu_us"]
        spent = {name: later[name] - cpu.get(name, 0) for name in later}
        parts.append((lines / count, line, spent["log"] / count, sum(spent.values()) / count))
        shares.append((spent["log"] + lines * line) / sum(spent.values()) * 100)
    return {"pushmail": shares,
            "note": "%.1f lines an MM, %.2f us a line, %.1f us of the log's thread; an MM %.0f us" % tuple(map(statistics.median, zip(*parts)))}


def attempt_share(bench):
    """What the records of attempts cost of the road mailbox -> MMSC, in percent of its CPU time.

    The program has no switch that leaves them out, since nothing may be sent without one. But all else that this road journals is known
    (OUTCOME_RECORDS): the journal's own counters say how many records of what size an MM takes, and the product's journal alone, with as
    many under way, says what such a record costs.
    """
    sinks = bench.sinks("kernel")
    plane = DataPlane(bench, "kernel")
    control = bench.control(plane)
    control.ask("window %d" % WINDOW)
    time.sleep(WARM_SECONDS)
    names = ["pushmail_data_journal_%s_total" % each for each in ("records", "bytes", "syncs")]
    before, count, cpu = plane.counters(), sinks.ask()["submits"], sum(plane.cpu_of_threads().values())
    time.sleep(SECONDS)
    after, count, cpu = plane.counters(), sinks.ask()["submits"] - count, sum(plane.cpu_of_threads().values()) - cpu
    bench.stop(control, plane)
    records, size, syncs = (after[name] - before[name] for name in names)
    if not count:
        raise RuntimeError("no MM was submitted")
    attempts = records / count - OUTCOME_RECORDS
    if attempts < 0.5:
        raise RuntimeError("no records of attempts: %.1f records an MM" % (records / count))
    # perf_journal settles each record, which makes two; a sync takes as many as wait for it.
    depth = max(1, round(records / 2 / max(1, syncs)))
    folder = bench.folder / "journal"
    folder.mkdir()
    done = subprocess.run([bench.peers / "perf_journal", folder, str(round(size / records)), str(depth), "3"], stdout=subprocess.PIPE,
                          check=True)
    alone = json.loads(done.stdout)
    cost = attempts / 2 * alone["cpu_us"]
    return {"pushmail": [cost / (cpu / count) * 100],
            "note": "%.1f records of attempts an MM, %d bytes, %d a sync; alone %.1f us of CPU for two, an MM %.0f us" % (
                attempts, size / records, round(records / max(1, syncs)), alone["cpu_us"], cpu / count)}


def journal_replay(bench):
    """Seconds of a start with 1,000,000 messages of a kilobyte that nobody has settled."""
    trials = []
    for number in range(ROUNDS):
        folder = bench.folder / ("replay-%d" % number)
        folder.mkdir()
        done = subprocess.run([bench.peers / "perf_journal", folder, "1024", "512", "start", "1000000"], stdout=subprocess.PIPE, check=True)
        trials.append(json.loads(done.stdout)["seconds"])
        shutil.rmtree(folder)
    return {"pushmail": trials, "note": "1,000,000 records of 1 KiB, unsettled"}


def slow_mmsc(bench):
    """MMs a second at an MMSC that answers after 100 ms, and what the contract's connections could carry."""
    latency_s = 0.1
    sinks = bench.sinks("kernel", int(latency_s * 1000))
    plane = DataPlane(bench, "kernel")
    control = bench.control(plane)
    connections = control.ask("window %d" % WINDOW)["connections"]
    time.sleep(5)
    trials = [rate(control, "submitted", 3) for _ in range(ROUNDS)]
    return {"pushmail": trials, "contract": [connections / latency_s] * ROUNDS, "note": "%d connections, 200 MMs under way" % connections}


def flood(bench, syns):
    """200 clients connect while strangers send so many SYNs a second (0: all that the machine makes): how many see the 220, and how fast."""
    plane = DataPlane(bench, "tap")
    strangers = Peer(bench, "flood", "%s:%d" % (plane.ours, SMTP), syns)
    time.sleep(2)
    before, lost, started = strangers.ask()["sent"], dropped_by_tap(), time.monotonic()
    clients = bench.load(plane, "connect", "-", FLOOD_CLIENTS)
    time.sleep(FLOOD_CLIENTS * 0.01 + 4)
    seen = clients.ask()
    sent, lost, seconds = strangers.ask()["sent"] - before, dropped_by_tap() - lost, time.monotonic() - started
    bench.stop(clients, strangers, plane)
    return seen, "%.0f SYN/s from 65,536 addresses, of which the tap itself dropped %.0f %%" % (sent / seconds, lost / sent * 100)


def dropped_by_tap():
    """Frames that found the tap's queue full, before any program could read them."""
    shown = subprocess.run(["ip", "-json", "-stats", "link", "show", TAP], stdout=subprocess.PIPE, check=True)
    return json.loads(shown.stdout)[0]["stats64"]["tx"]["dropped"]


def flood_syn(bench):
    """The flood that once shut the port, by turns, and once all that the machine makes."""
    runs = [flood(bench, FLOOD_SYNS) for _ in range(ROUNDS)]
    note = runs[0][1]
    full, full_note = flood(bench, 0)
    return {"flood.syn": {"pushmail": [seen["accepted"] for seen, _ in runs], "note": note},
            "flood.syn.p99": {"pushmail": [seen["p99_ms"] for seen, _ in runs], "note": note},
            "flood.syn.full": {"pushmail": [full["accepted"]], "note": full_note}}


def roads(bench, link):
    """SubmitReq and mail out of the same size over the same link, by turns of a second, both between the same programs."""
    sinks = bench.sinks(link)
    submit, mail = [], []
    for _ in range(ROUNDS):
        plane = DataPlane(bench, link)
        control = bench.control(plane)
        control.ask("mails 0")
        load = bench.load(plane, "deliver", BASIC)
        wait_for(lambda: control.ask()["held"] >= HELD_MAILS, 60, "the phones' messages to be taken")
        bench.stop(load)
        for _ in range(ROAD_TURNS):
            for trials, field, on, off in ((submit, "submits", "window %d" % WINDOW, "window 0"), (mail, "mails", "mails %d" % WINDOW, "mails 0")):
                control.ask(on)
                time.sleep(WARM_SECONDS)
                trials.append(rate(sinks, field, TURN_SECONDS))
                control.ask(off)
        if not control.ask()["held"]:
            raise RuntimeError("all mails were out before the end of the measurement")
        bench.stop(control, plane)
    refused = sinks.ask()["refused"]
    note = "refused by the sinks: %d" % refused if refused else ""
    return {"road.submit.10k." + link: {"pushmail": submit, "note": note},
            "road.mail_out.10k." + link: {"pushmail": mail, "submit": submit,
                                          "note": " ".join(["%d under way, as many as SubmitReqs" % WINDOW, note]).strip()}}


def smtp_ingress(bench):
    """Mails a second that are answered 250, on disk; Postfix with a transport that throws away."""
    from harness.postfix import Postfix
    bench.sinks("kernel")
    plane = DataPlane(bench, "kernel")
    bench.control(plane)
    domain, theirs = "box.example", ADDRESSES["kernel"][1]
    postfix = Postfix(str(bench.folder / "postfix"), theirs, POSTFIX, domain, "unused.example", (theirs, 1), (theirs, 1))
    with open(bench.folder / "postfix/etc/main.cf", "a", encoding="ascii") as main:
        main.write("transport_maps = inline:{ %s=discard: }\n" % domain)
    postfix.start()
    bench.running.append(postfix)
    ours, other = [], []
    for _ in range(ROUNDS):
        for trials, port, address, recipient in ((ours, SMTP, None, "ann@mms.example.net"), (other, POSTFIX, theirs, "ann@" + domain)):
            load = bench.load(plane, "smtp", recipient, port=port, address=address)
            time.sleep(WARM_SECONDS)
            load.ask()
            started = time.monotonic()
            time.sleep(SECONDS)
            counts = load.ask()
            trials.append(counts["accepted"] / (time.monotonic() - started))
            refused = counts["refused"]
            bench.stop(load)
            if refused:
                raise RuntimeError("%d mails were refused at port %d" % (refused, port))
    kind = subprocess.run(["stat", "-f", "-c", "%T", bench.folder], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {"pushmail": ours, "postfix": other, "note": "%d connections; disk: %s" % (CONNECTIONS, kind)}


MEASURES = {
    ("road.log_share",): log_share,
    ("road.attempt_share",): attempt_share,
    ("journal.replay.1m",): journal_replay,
    ("slow.mmsc",): slow_mmsc,
    ("flood.syn", "flood.syn.p99", "flood.syn.full"): flood_syn,
    ("road.submit.10k.tap", "road.mail_out.10k.tap"): lambda bench: roads(bench, "tap"),
    ("road.submit.10k.kernel", "road.mail_out.10k.kernel"): lambda bench: roads(bench, "kernel"),
    ("smtp.ingress.10k.durable",): smtp_ingress,
}


def run(build, wanted):
    # On a real disk: the run folder may be memory.
    with tempfile.TemporaryDirectory(prefix="pm-perf-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(build, pathlib.Path(folder))
        bench.network()
        results = {}
        for names, measure in MEASURES.items():
            if not wanted.intersection(names):
                continue
            started = time.monotonic()
            try:
                answer = measure(bench)
                results.update(answer if names[0] in answer else {names[0]: answer})
            except (RuntimeError, OSError, Late, ValueError) as error:
                results.update({name: {"error": str(error)} for name in names})
            finally:
                bench.stop()
            print("%s: %.0f s" % (" ".join(names), time.monotonic() - started), file=sys.stderr, flush=True)
        return results


def main():
    parser = argparse.ArgumentParser(description="trials of perf/run dataplane")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("figures", nargs="+")
    arguments = parser.parse_args()
    namespace.enter()
    print(json.dumps(run(arguments.build.resolve(), set(arguments.figures))))


if __name__ == "__main__":
    main()
