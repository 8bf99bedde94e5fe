"""The delivered programs between cheap peers of ours, on the loopback interface of a network namespace of their own.

   perf_peers <--IMAP-- pushmail-fetcher <==> pushmail-controlplane <--handoff--> pushmail-dataplane
       ^ ^ ^                                     |  SMPP                                |
       | | +-------------------------------------+                                      | MM7, kernel link
       | +------------------------------------------------------------------------------+
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness.process import Program  # noqa: E402
from harness.wait import wait_for  # noqa: E402

OURS, THEIRS = "127.0.0.2", "127.0.0.1"
HTTP, SMTP, IMAP = 8080, 2525, 1430          # the SMSC and the MMSC are at the two ports behind IMAP's
FIRST_NUMBER = {"ask": 15550000000, "push": 15551000000}
ASKED, PUSHED = 600, 200                     # mailboxes; a phone has 90 codes
MAIL, LARGE_MAIL = 10 * 1024, 300 * 1024
WINDOW = {"ask": 200, "push": 100}           # mails under way
FEW = 32
ENDS = {"ask": ("notified", ""), "push": ("delivered", "done")}   # state and mark of an item
ROUNDS, SECONDS = 3, 4.0
PAGE = 4096 + 12                             # a page in the log has a head of 24 bytes, one in the file has none
MANY = 100_000                               # bindings, and mails that wait
STATUS_TRIES = 20
IMPORTED = 10_000                            # rows of one file
ANSWERS, ANSWERS_PER_SECOND, ANSWER_SECONDS = 1000, 50, 10


class ApiConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("pushmail", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def descendants(pid):
    """PIDs of its children, and of theirs."""
    for child in pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text(encoding="ascii").split():
        yield int(child)
        yield from descendants(int(child))


class Product:
    def __init__(self, build, folder, asked=ASKED, pushed=PUSHED, size=MAIL):
        self.build, self.root, self.boxes = build, folder / "root", {"ask": asked, "push": pushed}
        self.programs = {}
        self.configure()
        words = [build / "perf/perf_peers", THEIRS, str(IMAP), "%s:%d" % (OURS, HTTP), str(asked), str(pushed), str(size)]
        self.peers = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask()

    def configure(self):
        etc = self.root / "etc/pushmail"
        etc.mkdir(parents=True)
        self.root.chmod(0o755)
        for name, secret in (("mmsc-in", b"secret\n"), ("kek", os.urandom(32))):
            (etc / name).write_bytes(secret)
            (etc / name).chmod(0o400)
        (etc / "pushmail.toml").write_text("\n".join([
            'domain = "mms.example.net"', "[link]", 'kind = "kernel"', "[smtp]", 'listen = "%s:%d"' % (OURS, SMTP),
            "[http]", 'listen = "%s:%d"' % (OURS, HTTP), "[numbering]", 'country_code = "1"',
            "[mailbox]", 'allow_networks = ["127.0.0.0/8"]', "[secrets]", 'kek_file = "%s"' % (etc / "kek"),
            "[peer.mmsc]", 'url = "http://%s:%d/mm7"' % (THEIRS, IMAP + 2), 'service_number = "5000"', 'inbound_user = "mmsc"',
            'inbound_password_file = "%s"' % (etc / "mmsc-in"),
            "[notify]", 'smsc = "%s:%d"' % (THEIRS, IMAP + 1), 'source = "5000"', "window = 100", "own_max = 80", 'own_window = "1s"',
            "[log]", 'level = "info"', ""]), encoding="ascii")

    def start(self):
        for name in ("dataplane", "controlplane"):
            self.programs[name] = Program(name, [str(self.build / ("bin/pushmail-" + name)), "--root", str(self.root)],
                                          str(self.root / (name + ".log"))).start()
        wait_for(lambda: self.alive() and (self.root / "run/pushmail/api").exists() and self.ask()["bound"], 60, "the programs to start")

    def alive(self):
        for program in self.programs.values():
            if not program.running():
                raise RuntimeError("%s ended with %s: %s" % (program.name, program.popen.returncode, program.tail(5)))
        return True

    def ask(self, order="counts"):
        self.peers.stdin.write(order + "\n")
        self.peers.stdin.flush()
        answer = self.peers.stdout.readline()
        if not answer:
            raise RuntimeError("perf_peers ended with %s" % self.peers.wait())
        return json.loads(answer)

    def bind_all(self):
        for kind, count in self.boxes.items():
            for number in range(count):
                self.bind(kind, number)
        wait_for(lambda: self.alive() and self.ask()["idling"] == sum(self.boxes.values()), 120, lambda: "all sessions to idle: %s" % self.ask())

    def bind(self, kind, number):
        connection = ApiConnection(self.root / "run/pushmail/api")
        user = kind[0] + str(number)
        body = {"msisdn": str(FIRST_NUMBER[kind] + number), "mail_address": user + "@box.example", "host": THEIRS, "port": IMAP, "tls": "none",
                "user": user, "password": "secret", "policy": kind, "mark": "seen", "peer": "mmsc", "untried": True}
        connection.request("POST", "/v1/bindings", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status not in (200, 201):
            raise RuntimeError("a binding was refused: %d %s" % (answer.status, text.decode("utf-8", "replace")))
        return json.loads(text)["id"]

    def pids(self):
        pids = {name: program.pid for name, program in self.programs.items()}
        control = pids["controlplane"]
        # The fetcher is the control plane's, or its launcher's.
        fetcher = next(pid for pid in descendants(control) if pathlib.Path("/proc/%d/comm" % pid).read_text(encoding="ascii").startswith("pushmail-fetche"))
        return dict(pids, fetcher=fetcher, peers=self.peers.pid)

    def cpu_us(self):
        """Processor time of each program so far."""
        tick = 1e6 / os.sysconf("SC_CLK_TCK")
        used = {}
        for name, pid in self.pids().items():
            fields = pathlib.Path("/proc/%d/stat" % pid).read_text(encoding="ascii").rpartition(") ")[2].split()
            used[name] = (int(fields[11]) + int(fields[12])) * tick
        return used

    def pages_written(self):
        """By the control plane's files: what it writes, but for its log. Sockets are written by other calls."""
        words = pathlib.Path("/proc/%d/io" % self.programs["controlplane"].pid).read_text(encoding="ascii").split()
        written = int(words[words.index("wchar:") + 1])
        return (written - (self.root / "controlplane.log").stat().st_size) / PAGE

    def warm_up(self, field, window):
        """Until the window has been filled and emptied once: then the flow is what it stays."""
        first = self.ask()[field]
        wait_for(lambda: self.alive() and self.ask()[field] >= first + 2 * window, 60, lambda: "mails to flow: %s" % self.ask())

    def measure(self, kind, window, seconds=SECONDS):
        """While so many mails are under way: mails a second, page writes and microseconds a mail, times of notifications."""
        field = {"ask": "asked", "push": "pushed"}[kind]
        self.ask("%s %d" % (kind, window))
        self.warm_up(field, window)
        before, cpu, pages, started = self.ask(), self.cpu_us(), self.pages_written(), time.monotonic()
        time.sleep(seconds)  # the time that is measured
        after, took = self.ask("%s 0" % kind), time.monotonic() - started
        mails = after[field] - before[field]
        used = {name: (value - cpu[name]) / max(mails, 1) for name, value in self.cpu_us().items()}
        pages = (self.pages_written() - pages) / max(mails, 1)
        wait_for(lambda: self.alive() and not self.ask()["under_way"], 60, lambda: "all mails to end: %s" % self.ask())
        if not mails or after["refused"]:
            raise RuntimeError("%d mails, %d refused by the peers" % (mails, after["refused"]))
        return {"rate": mails / took, "cpu": used, "pages": pages, "sms_ms": after["sms_ms"]}

    def wait_stored(self, kind):
        """Until every mail of that kind stands in the store as it ends."""
        ended = self.ask()[{"ask": "asked", "push": "pushed"}[kind]]
        store = sqlite3.connect("file:%s?mode=ro" % (self.root / "var/lib/pushmail/store/pushmail.sqlite"), uri=True)
        try:
            def found():
                return dict(((state, mark), count) for state, mark, count in store.execute(
                    "SELECT state, mark, count(*) FROM item WHERE binding IN (SELECT id FROM binding WHERE policy = ?) GROUP BY state, mark",
                    (kind,)))
            wait_for(lambda: found() == {ENDS[kind]: ended}, 30, lambda: "all %d mails to be %s: %s" % (ended, ENDS[kind], found()))
        finally:
            store.close()

    def stop_programs(self):
        for program in reversed(list(self.programs.values())):
            program.stop()
        self.programs.clear()

    def stop(self):
        self.stop_programs()
        self.peers.stdin.close()
        self.peers.wait(10)
        shutil.rmtree(self.root, ignore_errors=True)


def medians(rounds, key):
    return statistics.median(each[key] for each in rounds)


def cpu_note(rounds):
    names = rounds[0]["cpu"]
    return "us of processor a mail: " + ", ".join("%s %.0f" % (name, statistics.median(each["cpu"][name] for each in rounds)) for name in names)


def flows(build, folder):
    """product.ask, product.push, their page writes, and the time from news to SMS."""
    product = Product(build, folder)
    results = {}
    try:
        product.start()
        product.bind_all()
        for kind in ("ask", "push"):
            rounds = [product.measure(kind, WINDOW[kind]) for _ in range(ROUNDS)]
            few = [product.measure(kind, FEW) for _ in range(ROUNDS)]
            results["product." + kind] = {"pushmail": [each["rate"] for each in rounds],
                                          "note": "%d under way; %s" % (WINDOW[kind], cpu_note(rounds))}
            results["product.pages." + kind] = {"pushmail": [each["pages"] for each in few],
                                                "note": "%d under way, %.0f mails/s; %s" % (FEW, medians(few, "rate"), cpu_note(few))}
            product.wait_stored(kind)
        single = [product.measure("ask", 1)["sms_ms"] for _ in range(ROUNDS)]
        for index, name in enumerate(("p50", "p99")):
            results["latency.idle_to_submit." + name] = {"pushmail": [each[index] for each in single], "note": "one mail at a time"}
    finally:
        product.stop()
    return results


def fill(product, template, count):
    """Suspended bindings and mails that wait, as copies of one of each, while the control plane does not run."""
    def columns(store, table):
        return [row[1] for row in store.execute("PRAGMA table_info(%s)" % table)]
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) " % count
    number = "printf('1556%07d', n.i)"
    with sqlite3.connect(product.root / "var/lib/pushmail/store/pushmail.sqlite") as store:
        store.execute("PRAGMA synchronous = OFF")
        other = {"binding": {"id": "'full' || n.i", "msisdn": number, "mail_address": "n.i || '@box.example'", "state": "'suspended'"},
                 "item": {"id": "randomblob(16)", "trace": "randomblob(16)", "binding": "'full' || n.i", "msisdn": number}}
        for table, key in (("binding", "id"), ("item", "binding")):
            names = columns(store, table)
            values = ", ".join(other[table].get(name, "t." + name) for name in names)
            store.execute("%sINSERT INTO %s (%s) SELECT %s FROM n, (SELECT * FROM %s WHERE %s = ? LIMIT 1) AS t" % (
                numbers, table, ", ".join(names), values, table, key), (template,))
    store.close()


def full(build, folder, many=MANY):
    """With a full store, while mails flow: how long `status` takes, and how long a phone's answer waits behind large mails."""
    product = Product(build, folder, asked=150, pushed=150, size=LARGE_MAIL)
    try:
        product.start()
        template = product.bind("ask", 0)
        wait_for(lambda: product.ask()["idling"] == 1, 30, "a session to idle")
        product.ask("ask 1")
        wait_for(lambda: product.ask()["asked"], 30, "a mail to be announced")
        product.ask("ask 0")
        product.stop_programs()
        fill(product, template, many)
        product.start()
        for kind, count in product.boxes.items():
            for number in range(1 if kind == "ask" else 0, count):
                product.bind(kind, number)
        wait_for(lambda: product.alive() and product.ask()["idling"] == sum(product.boxes.values()), 120, "all sessions to idle")

        product.ask("ask 50")
        wait_for(lambda: product.ask()["waiting_answers"] >= ANSWERS, 60, "mails to be announced")
        statuses = []
        for _ in range(STATUS_TRIES):
            started = time.monotonic()
            done = subprocess.run([product.build / "bin/pushmailctl", "--root", product.root, "status"], stdout=subprocess.PIPE, check=False)
            statuses.append((time.monotonic() - started) * 1000)
            if done.returncode not in (0, 1):
                raise RuntimeError("status says %d: %s" % (done.returncode, done.stdout.decode("utf-8", "replace")))
        product.ask("ask 0")
        wait_for(lambda: not product.ask()["under_way"], 60, "all mails to end")

        product.ask("push 100")
        product.warm_up("pushed", 100)
        product.ask("answers %d" % ANSWERS_PER_SECOND)
        product.ask()
        rounds = []
        before, started = product.ask()["pushed"], time.monotonic()
        for _ in range(ROUNDS):
            time.sleep(ANSWER_SECONDS / ROUNDS)  # the time that is measured
            rounds.append(product.ask()["answer_ms"])
        after = product.ask("answers 0")
        flow = (after["pushed"] - before) / (time.monotonic() - started)
        product.ask("push 0")
        product.alive()
        if after["refused"] or not after["answered"]:
            raise RuntimeError("%d answers taken, %d refused by the peers" % (after["answered"], after["refused"]))
    finally:
        product.stop()
    note = "%d bindings and waiting mails" % many
    return {"product.full.status": {"pushmail": statuses, "note": note + "; 50 mails of 300 KB under way"},
            "product.full.answer.p99": {"pushmail": [each[1] for each in rounds],
                                        "note": note + "; 100 mails of 300 KB under way, %.0f a second; p50 %.1f ms" % (
                                            flow, statistics.median(each[0] for each in rounds))}}


def imported(build, folder):
    """`pushmailctl binding import`, whose mailboxes are watched from then on: rows a second, and what each costs."""
    product = Product(build, folder, asked=1, pushed=1)
    rates, costs = [], []
    try:
        product.start()
        for trial in range(ROUNDS):
            file = folder / ("rows-%d.jsonl" % trial)
            rows = ({"msisdn": "155%08d" % (70_000_000 + trial * IMPORTED + number), "mail_address": "i%d.%d@box.example" % (trial, number),
                     "host": THEIRS, "port": IMAP, "tls": "none", "user": "i%d.%d" % (trial, number), "password": "secret", "mode": "poll",
                     "peer": "mmsc"} for number in range(IMPORTED))
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")
            cpu, started = product.cpu_us()["controlplane"], time.monotonic()
            done = subprocess.run([product.build / "bin/pushmailctl", "--root", product.root, "--json", "binding", "import", file],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            rates.append(IMPORTED / (time.monotonic() - started))
            costs.append((product.cpu_us()["controlplane"] - cpu) / IMPORTED)
            if done.returncode or json.loads(done.stdout).get("added") != IMPORTED:
                raise RuntimeError("import says %d: %s" % (done.returncode, (done.stdout + done.stderr)[:300].decode("utf-8", "replace")))
        product.alive()
    finally:
        product.stop()
    return {"bindings.import": {"pushmail": rates, "note": "%d rows a file; control plane %.0f us CPU a row" % (IMPORTED, statistics.median(costs))}}
