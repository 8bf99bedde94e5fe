"""The whole world of an end-to-end test: addresses, ports, keys and numbers drawn anew; every program started and known by name.

Came from: demo.py and the tests beside it (inside harness.namespace). Goes to: Dovecot, Postfix, the peers, pushmail. Two addresses in
one network: 198.18.0.1 is everybody else's, 198.18.0.2 is the data plane's, on an interface of the kernel or behind a tap of DPDK.
"""
import glob
import json
import os
import random
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import urllib.request

from harness import mailbox, records
from harness.dovecot import Dovecot
from harness.namespace import run_folder
from harness.ports import unused_ports
from harness.postfix import Postfix
from harness.process import Program
from harness.wait import wait_for

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PEERS = os.path.join(SOURCE, "tests", "peers")
THEIRS, OURS = "198.18.0.1", "198.18.0.2"
MAC, KERNEL_MAC = "02:70:6d:00:00:02", "02:70:6d:00:00:01"   # ours behind the tap, and the kernel's own end of it
TAP = "pmtap"
PROGRAMS = ("pushmail-dataplane", "pushmail-controlplane", "pushmailctl")


def find_programs(build):
    """Paths of the programs under a build folder; of several, divided by colons, the first that has one."""
    found = {}
    for name in PROGRAMS:
        paths = [path for folder in build.split(":") for depth in ("bin/", "", "*/", "*/*/") for path in glob.glob(os.path.join(folder, depth + name))
                 if os.path.isfile(path) and os.access(path, os.X_OK)]
        if not paths:
            sys.exit("%s is not built in %s" % (name, build))
        found[name] = os.path.abspath(paths[0])
    return found


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[%s]" % ", ".join(toml(each) for each in value)
    return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')


class Phone:
    """A phone process and its control connection."""

    def __init__(self, world, msisdn, settings):
        self.world, self.msisdn, self.settings, self.program, self.connection = world, msisdn, settings, None, None

    def ask(self, op, seconds=90, **fields):
        """One command -> its answer; an answer that is not ok raises AssertionError."""
        if self.connection is None:
            self.connection = socket.create_connection(tuple(self.settings["control"]), 10)
            self.reader = self.connection.makefile("r", encoding="utf-8")
        self.connection.settimeout(seconds)
        self.connection.sendall(json.dumps(dict(fields, op=op)).encode() + b"\n")
        answer = json.loads(self.reader.readline() or '{"ok": false, "error": "the phone is gone"}')
        if not answer.pop("ok"):
            raise AssertionError("phone: %s" % answer.get("error"))
        return answer

    def inbox(self):
        return self.ask("inbox")

    def log(self):
        return records.lines(self.settings["log"])

    def wait_sms(self, seconds=60, count=1, text=""):
        """The newest SMS, once there are `count` that contain `text`."""
        def enough():
            found = [each for each in self.inbox()["sms"] if text in each["text"]]
            return found if len(found) >= count else None
        return wait_for(enough, seconds, "%d SMS at %s" % (count, self.msisdn))[-1]

    def wait_mms(self, seconds=90, count=1):
        """All messages, once `count` were retrieved."""
        def enough():
            found = [each for each in self.inbox()["mms"] if each["state"] == "retrieved"]
            return found if len(found) >= count else None
        return wait_for(enough, seconds, "%d MM at %s" % (count, self.msisdn))

    def raw(self, message):
        """The binary M-Retrieve.conf of a retrieved message."""
        with open(os.path.join(message["folder"], "retrieve.conf"), "rb") as file:
            return file.read()


class World:
    """`drawn` and `mailboxes` are those of an earlier world, which this one goes on with: it is known by the same ports and secrets."""

    def __init__(self, build, link="kernel", peer=None, mmsc=None, config=None, small_disk=None, drawn=None, mailboxes=None):
        self.folder = run_folder()
        self.link = link
        self.programs = find_programs(build)
        self.random = random.SystemRandom()
        self.drawn = dict(drawn or {})    # what keep() drew, or was given
        self.ports = unused_ports([value for value in self.drawn.values() if isinstance(value, int)])
        self.peer_keys = dict(peer or {})
        self.config_keys = dict(config or {})
        self.mmsc_settings = dict(mmsc or {})
        self.mailboxes = dict(mailboxes or {})   # user -> (address, password)
        self.phones = {}
        self.started = []
        self.mms_domain = self.keep("mms_domain", lambda: "mms-%s.example" % secrets.token_hex(3))
        self.box_domain = self.keep("box_domain", lambda: "box-%s.example" % secrets.token_hex(3))
        self.code = self.keep("code", lambda: str(self.random.randrange(2000, 9000)))
        self.logs = self.make_folder("log")
        self.root = self.make_folder("root")
        if small_disk:
            # The mount goes with the namespace.
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=755" % small_disk, "tmpfs",
                            self.make_folder("root/var/lib/pushmail", 0o755)], check=True)
        self.dovecot = self.postfix = self.smsc = self.mmsc = self.dataplane = self.controlplane = None

    def make_folder(self, name, mode=0o711):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        return path

    def keep(self, name, draw):
        """What `name` was drawn as, once for this world and those that go on with it."""
        if name not in self.drawn:
            self.drawn[name] = draw()
        return self.drawn[name]

    def port(self, name=None):
        """A port that nobody here has; with a name the same one each time."""
        return self.keep("port of " + name, lambda: next(self.ports)) if name else next(self.ports)

    def number(self):
        """A new phone number, digits only."""
        return "1555" + "".join(str(self.random.randrange(10)) for _ in range(7))

    def write(self, path, text, mode=0o600):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8"))
        os.chmod(path, mode)
        return path

    @staticmethod
    def give(path, mode, user=None, group=None):
        shutil.chown(path, user, group)
        os.chmod(path, mode)
        return path

    # ---- starting

    def start(self):
        self.start_others()
        self.configure()
        return self.start_pushmail()

    def start_others(self):
        """Everybody but pushmail."""
        self.network()
        self.http_port, self.smtp_port, self.metrics_port = self.port("http"), self.port("smtp"), self.port("metrics")
        self.start_mail()
        self.start_peers()

    def start_pushmail(self):
        self.dataplane = self.pushmail("dataplane").start()
        self.controlplane = self.pushmail("controlplane").start()
        self.started += [self.controlplane, self.dataplane]
        self.wait_ready()
        return self

    def network(self):
        """The network of the world. A tap that exists before the program outlives it, with its address and routes."""
        def ip(*words):
            subprocess.run(["ip"] + list(words), check=True)
        if self.link == "dpdk":
            ip("tuntap", "add", "dev", TAP, "mode", "tap", "multi_queue")
            subprocess.run(["sysctl", "-q", "-w", "net.ipv6.conf.%s.disable_ipv6=1" % TAP], check=False)
            ip("link", "set", TAP, "address", KERNEL_MAC)
            ip("addr", "add", THEIRS + "/24", "dev", TAP)
            ip("link", "set", TAP, "up")
        else:
            ip("addr", "add", THEIRS + "/24", "dev", "lo")
            ip("addr", "add", OURS + "/24", "dev", "lo")

    def start_mail(self):
        ports = iter(["imap", "pop3", "lmtp", "imaps", "pop3s"])
        self.dovecot = Dovecot(os.path.join(self.folder, "dovecot"), THEIRS, lambda: self.port(next(ports)))
        for user, (_, password) in self.mailboxes.items():
            self.dovecot.add_user(user, password)
        self.dovecot.start()
        self.postfix = Postfix(self.make_folder("postfix", 0o755), THEIRS, self.port("postfix"), self.box_domain, self.mms_domain,
                               self.dovecot.lmtp, (OURS, self.smtp_port))
        self.postfix.start()

    def peer(self, name, settings):
        """Starts smsc.py, mmsc.py or phone.py and waits until it listens."""
        label = name if name != "phone" else "phone-" + settings["msisdn"]
        settings["log"] = os.path.join(self.logs, label + ".jsonl")
        path = self.write(os.path.join(self.folder, "peers", label + ".json"), json.dumps(settings))
        out = os.path.join(self.logs, label + ".out")
        program = Program(label, [sys.executable, "-B", os.path.join(PEERS, name + ".py"), path], out).start()
        self.started.append(program)
        wait_for(lambda: records.lines(out) or not program.running(), 20, "%s to start" % label)
        if not program.running():
            raise RuntimeError("%s did not start:\n%s" % (label, program.tail()))
        return program

    def start_peers(self):
        def secret(name, size):
            return self.keep(name, lambda: secrets.token_hex(size))
        self.smsc_settings = {"listen": [THEIRS, self.port("smsc")], "phones": [THEIRS, self.port()], "control": [THEIRS, self.port()],
                              "system_id": "pm" + secret("smsc user", 3), "password": secret("smsc password", 4), "codes": [self.code]}
        self.smsc = self.peer("smsc", self.smsc_settings)
        settings = {
            "mm7": [THEIRS, self.port("mm7")], "mm1": [THEIRS, self.port()], "control": [THEIRS, self.port()],
            "folder": self.make_folder("mmsc"), "server": "mmsc.example", "retry": 0.5, "answer_timeout": 10,
            "push": "http://%s:%d/push" % tuple(self.smsc_settings["control"]), "smtp": [THEIRS, self.postfix.port],
            "subscribers": [], "vasps": [{
                "name": "pushmail", "user": "u" + secret("mm7 user", 3), "password": secret("mm7 password", 8), "vaspid": "pushmail",
                "vasid": "inbox", "codes": [self.code], "numbers": [], "url": "http://%s:%d/mm7" % (OURS, self.http_port),
                "out_user": "m" + secret("mmsc user", 3), "out_password": secret("mmsc password", 8)}]}
        settings.update(self.mmsc_settings)
        self.mmsc_settings = settings
        self.mmsc = self.peer("mmsc", settings)

    def configuration(self):
        """Keys of pushmail.toml by table."""
        vasp = self.mmsc_settings["vasps"][0]

        # As an operator gives them away: both planes read passwords, again when the configuration is read again, and nobody else does.
        def secret(name, value):
            return self.give(self.write(os.path.join(self.root, "etc", "pushmail", "secrets", name), value + "\n"), 0o440, group="pushmail")
        link = {"kind": "kernel"}
        if self.link == "dpdk":
            link = {"kind": "dpdk", "address": OURS + "/24", "gateway": THEIRS, "mac": MAC,
                    "vdev": "net_tap0,iface=%s,mac=%s" % (TAP, KERNEL_MAC)}
        tables = {
            "": {"domain": self.mms_domain, "node": self.keep("node", lambda: self.random.randrange(1, 4000))},
            "link": link,
            "journal": {"segment_size": "8MiB"},
            "smtp": {"listen": "%s:%d" % (OURS, self.smtp_port), "smart_host": "%s:%d" % (THEIRS, self.postfix.port),
                     "retry_first": "1s", "retry_most": "3s", "unknown_retry": "2s"},
            "http": {"listen": "%s:%d" % (OURS, self.http_port)},
            "metrics": {"listen": "127.0.0.1:%d" % self.metrics_port},
            "peer.mmsc": dict({
                "url": "http://%s:%d/mm7" % tuple(self.mmsc_settings["mm7"]), "user": vasp["user"],
                "password_file": secret("mmsc", vasp["password"]), "inbound_user": vasp["out_user"],
                "inbound_password_file": secret("mmsc-in", vasp["out_password"]), "vaspid": vasp["vaspid"],
                "vasid": vasp["vasid"], "service_number": self.code, "retry_first": "1s", "retry_most": "3s"}, **self.peer_keys),
            "mailbox": {"allow_networks": ["198.18.0.0/24", "127.0.0.0/8"]},
            "numbering": {"country_code": "1"},          # of number()
            "notify": {"smsc": "%s:%d" % tuple(self.smsc_settings["listen"]), "system_id": self.smsc_settings["system_id"],
                       "password_file": secret("smsc", self.smsc_settings["password"]), "source": self.code},
            "log": {"level": "debug", "pii": "clear"},
            "secrets": {"kek_file": self.give(self.write(os.path.join(self.root, "etc", "pushmail", "secrets", "kek"),
                                                         bytes.fromhex(self.keep("kek", lambda: secrets.token_hex(32)))), 0o400, user="pushmail-cp")},
        }
        for path, value in self.config_keys.items():
            table, _, key = path.rpartition(".")
            tables.setdefault(table, {})[key] = value
        return tables

    def configure(self):
        out = []
        for table, keys in self.configuration().items():
            if table:
                out.append("[%s]" % table)
            out += ["%s = %s" % (key, toml(value)) for key, value in keys.items()] + [""]
        self.write(os.path.join(self.root, "etc", "pushmail", "pushmail.toml"), "\n".join(out), 0o644)

    def pushmail(self, name):
        return Program(name, [self.programs["pushmail-" + name], "--root", self.root],
                       os.path.join(self.logs, name + ".jsonl"), folder=self.folder)

    def wait_ready(self, seconds=30):
        """Both ports of the data plane answer, and the notifier is bound to the SMSC."""
        for port in (self.http_port, self.smtp_port):
            wait_for(lambda port=port: self.alive() and self.connects(OURS, port), seconds, "port %d of the data plane" % port)
        wait_for(lambda: self.alive() and any(word in ("transceiver", "receiver") for word in self.smsc_ask("state")["bound"]), seconds,
                 "the notifier to bind")

    def alive(self):
        for program in (self.dataplane, self.controlplane):
            if not program.running():
                raise RuntimeError("%s ended with %s:\n%s" % (program.name, program.popen.returncode, program.tail()))
        return True

    @staticmethod
    def connects(address, port):
        with socket.create_connection((address, port), 2):
            return True

    # ---- peers

    @staticmethod
    def http_ask(endpoint, path, command=None):
        request = urllib.request.Request("http://%s:%d/%s" % (endpoint[0], endpoint[1], path),
                                         None if command is None else json.dumps(command).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.load(answer)

    def smsc_ask(self, path, command=None):
        return self.http_ask(self.smsc_settings["control"], path, command)

    def mmsc_ask(self, path, command=None):
        return self.http_ask(self.mmsc_settings["control"], path, command)

    def mmsc_log(self, **wanted):
        return records.matching(records.lines(self.mmsc_settings["log"]), **wanted)

    def smsc_log(self, **wanted):
        return records.matching(records.lines(self.smsc_settings["log"]), **wanted)

    def phone(self, msisdn=None, **settings):
        """Starts a phone; its number becomes a subscriber of the MMSC."""
        msisdn = msisdn or self.number()
        self.mmsc_ask("command", {"subscribers": [msisdn]})
        settings = dict({"msisdn": msisdn, "smsc": self.smsc_settings["phones"], "control": [THEIRS, self.port()],
                         "mmsc": "http://%s:%d/mms" % tuple(self.mmsc_settings["mm1"]), "retrieval": "immediate",
                         "folder": self.make_folder("phone-" + msisdn, 0o755)}, **settings)
        phone = Phone(self, msisdn, settings)
        phone.program = self.peer("phone", settings)
        self.phones[msisdn] = phone
        wait_for(lambda: phone.inbox()["attached"], 20, "phone %s to attach" % msisdn)
        return phone

    def route_number(self, msisdn):
        """From now on the MMSC hands messages for this number to pushmail instead of its phone."""
        self.mmsc_ask("command", {"numbers": {"pushmail": [msisdn]}})

    # ---- mailboxes

    def mailbox(self, name=None):
        """A new mailbox user -> name."""
        user = name or "u" + secrets.token_hex(4)
        password = secrets.token_hex(8)
        self.dovecot.add_user(user, password)
        self.mailboxes[user] = ("%s@%s" % (user, self.box_domain), password)
        # Dovecot looks at its file of users once a second at most.
        wait_for(lambda: mailbox.can_login(self.dovecot.imap, user, password), 10, "Dovecot to know %s" % user)
        return user

    def address(self, user):
        return self.mailboxes[user][0]

    def deliver(self, user, mail, sender="joe@example.com"):
        mailbox.deliver_lmtp(self.dovecot.lmtp, sender, self.address(user), mail)

    def mails(self, user, folder="INBOX"):
        return mailbox.read_mails(self.dovecot.imap, user, self.mailboxes[user][1], folder)

    def wait_mails(self, user, count, seconds=60):
        def enough():
            found = self.mails(user)
            return found if len(found) >= count else None
        return wait_for(enough, seconds, "%d mails for %s" % (count, user))

    # ---- pushmail

    def ctl(self, *words, check=True):
        """pushmailctl -> its output; with --json among the words, parsed."""
        done = subprocess.run([self.programs["pushmailctl"], "--root", self.root] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        text = done.stdout.decode("utf-8", "replace")
        if check and done.returncode:
            raise AssertionError("pushmailctl %s: exit %d: %s%s" % (" ".join(words), done.returncode, text,
                                                                    done.stderr.decode("utf-8", "replace")))
        if "--jsonl" in words:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        if "--json" in words:
            return json.loads(text) if text.strip() else None
        return text

    def bind(self, msisdn, user, policy="ask", mode="idle", protocol="imap"):
        """A binding between a phone and a mailbox, added as an operator would; waits until the fetcher has seen the mailbox."""
        address, password = self.mailboxes[user]
        secret = self.write(os.path.join(self.folder, "secrets", user), password + "\n")
        port = self.dovecot.imap[1] if protocol == "imap" else self.dovecot.pop3[1]
        words = ["binding", "add", "--msisdn", msisdn, "--address", address, "--protocol", protocol, "--host", THEIRS,
                 "--port", str(port), "--tls", "none", "--user", user, "--password-file", secret, "--policy", policy, "--mode", mode, "--peer", "mmsc",
                 "--json"]
        binding = self.ctl(*words)
        # Between two polls there is no session.
        return self.wait_session(binding["id"], ("idling", "ready", "closed") if mode == "poll" else ("idling", "ready"))

    def wait_session(self, binding, words=("idling", "ready"), seconds=30):
        """Waits until the fetcher has seen the mailbox (what was in it before is no news) and stands as one of `words`."""
        shown = {}

        def stands():
            shown.update(self.ctl("binding", "show", binding, "--json"))
            mailbox_state = shown.get("mailbox", {})
            seen = "uid_validity" in mailbox_state or "last_uid" in mailbox_state or "polled" in mailbox_state
            return shown if mailbox_state.get("session") in words and (seen or "auth_failed" in words) else None
        return wait_for(stands, seconds, lambda: "the mailbox session of %s: %s" % (binding, shown.get("mailbox")))

    def items(self):
        """All items, newest first."""
        return self.ctl("item", "list", "--limit", "1000", "--json")["items"]

    def item(self, identity):
        return self.ctl("item", "show", identity, "--json")

    def trace(self, identity):
        return self.ctl("item", "trace", identity, "--jsonl")

    def wait_item(self, condition, seconds=60, what="an item"):
        """The first item that the condition is true of."""
        return wait_for(lambda: next((item for item in self.items() if condition(item)), None), seconds, what)

    # ---- the end

    def stop(self):
        for phone in self.phones.values():
            if phone.connection:
                phone.connection.close()
        for program in reversed(self.started):
            program.stop()
        if self.postfix:
            self.postfix.stop()
        if self.dovecot:
            self.dovecot.stop()

    def words_of_failure(self):
        """Ends of all logs, for a test that failed."""
        out = []
        for path in sorted(glob.glob(os.path.join(self.logs, "*"))):
            with open(path, encoding="utf-8", errors="replace") as file:
                out.append("---- %s\n%s" % (os.path.basename(path), "".join(line for line in file.readlines()[-25:] if '"pdu_' not in line)))
        if self.postfix:
            out.append("---- postfix\n" + "\n".join(self.postfix.lines()[-15:]))
        return "\n".join(out)

    @staticmethod
    def inet_sockets(pid):
        """INET sockets of a process, as links of its descriptors that /proc/net knows."""
        inodes = set()
        for descriptor in glob.glob("/proc/%d/fd/*" % pid):
            try:
                target = os.readlink(descriptor)
                if stat.S_ISSOCK(os.stat(descriptor).st_mode):
                    inodes.add(target.split("[")[1].rstrip("]"))
            except OSError:
                continue
        found = []
        for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
            with open("/proc/%d/net/%s" % (pid, table), encoding="ascii") as file:
                found += [table for line in file.readlines()[1:] if line.split()[9] in inodes]
        return found
