#!/usr/bin/python3
"""pushmail-fetcher against a real Dovecot: IMAP with IDLE, POP3, TLS, passwords, mails byte for byte.

The script is the control plane: it speaks the records of core/contract/fetcher/schema.h over the fetcher's descriptor 3. Everything
runs in a network namespace of its own. usage: mailbox_dovecot.py PUSHMAIL_FETCHER APPEND_MAIL [test name part]
"""
import imaplib
import os
import pwd
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import namespace, wire_records  # noqa: E402
from harness.dovecot import Dovecot  # noqa: E402
from harness.mailbox import deliver_lmtp, read_mails  # noqa: E402
from harness.ports import unused_ports  # noqa: E402
from harness.wait import wait_for  # noqa: E402

WATCH, UNWATCH, POLL, FETCH, MARK, CREDIT = 1, 2, 3, 4, 5, 6
SESSION, BASELINE, NEW_MAIL, POLLED, CHUNK, FETCHED, FETCH_FAILED, MARKED = range(32, 40)
(BINDING, PROTOCOL, ADDRESS, TLS, TLS_NAME, USER, PASSWORD, MODE, FOLDER, UID_VALIDITY, UID, LAST_UID, KNOWN_UID, STATE, REASON, SUBJECT,
 SENDER, SIZE, MESSAGE_ID, REFERENCE, DATE, OFFSET, DATA, MARK_WORD, TRACE, TIME, CREDIT_COUNT, REPLY_TO) = range(1, 29)
CURSOR = 48

# Dovecot answers IDLE half a second late, and the machine may be busy.
PATIENCE = 20
SUBJECT_TEXT = "Grüße aus Köln – 你好 ✓"
SENDER_NAME = "Jürgen Müller"


class Fetcher:
    """The program under test with its socket; `wait` returns records in order and keeps those it passed over."""

    def __init__(self, program, root, log):
        self.socket, theirs = socket.socketpair()
        with open(log, "ab") as errors:
            self.popen = subprocess.Popen([program, "--root", root], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, pass_fds=(3,),
                                          preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.sequence, self.reader, self.passed_over = 0, wire_records.Reader(), []

    def send(self, kind, fields, item=bytes(16)):
        self.sequence += 1
        self.socket.sendall(wire_records.build(kind, self.sequence, fields, item))

    def records(self, seconds):
        """Records as they come, for at most `seconds`."""
        end = time.monotonic() + seconds
        while True:
            record = self.reader.next()
            if record is not None:
                yield record
                continue
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            data = self.socket.recv(1 << 20)
            assert data, "the fetcher closed its socket"
            self.reader.feed(data)

    def wait(self, what, fits, seconds=PATIENCE):
        for index, record in enumerate(self.passed_over):
            if fits(record):
                return self.passed_over.pop(index)
        for record in self.records(seconds):
            if fits(record):
                return record
            self.passed_over.append(record)
        raise AssertionError("no %s within %d s; seen: %s" % (what, seconds, [(r.kind, r.text(STATE), r.text(REASON)) for r in self.passed_over]))

    def wait_kind(self, binding, kind, seconds=PATIENCE):
        return self.wait("kind %d for %s" % (kind, binding), lambda r: r.kind == kind and r.text(BINDING) == binding, seconds)

    def wait_state(self, binding, state, seconds=PATIENCE):
        return self.wait("state %s of %s" % (state, binding),
                         lambda r: r.kind == SESSION and r.text(BINDING) == binding and r.text(STATE) == state, seconds)

    def fetch(self, binding, uid, uid_validity, credit=1, seconds=60):
        """A mail's bytes, one credit for each chunk; an error word instead when the fetch failed."""
        item = os.urandom(16)
        self.send(FETCH, [(BINDING, binding), (UID, uid), (UID_VALIDITY, uid_validity), (CREDIT_COUNT, credit)], item)
        data = b""
        while True:
            record = self.wait("answer to a fetch", lambda r: r.item == item, seconds)
            if record.kind == CHUNK:
                assert record.number(OFFSET) == len(data), "a hole in the mail at %d" % len(data)
                assert 0 < len(record.bytes(DATA)) <= 65536
                data += record.bytes(DATA)
                self.send(CREDIT, [(CREDIT_COUNT, 1)], item)
            elif record.kind == FETCHED:
                assert record.number(SIZE) == len(data), "announced %d, sent %d" % (record.number(SIZE), len(data))
                return data
            else:
                assert record.kind == FETCH_FAILED
                return record.text(REASON)

    def end(self):
        self.socket.close()
        code = self.popen.wait(20)
        assert code == 0, "the fetcher ended with %d" % code


class World:
    def __init__(self, program):
        self.folder = namespace.run_folder()
        self.authority, self.certificate = self.make_certificates()
        self.dovecot = Dovecot(os.path.join(self.folder, "dovecot"), "127.0.0.1", unused_ports().__next__, self.certificate)
        # Before the start: Dovecot looks at its passwd file once a second at most.
        self.users = [("user%d" % number, "pw %08x \"\\%%" % random.getrandbits(32)) for number in range(20)]
        for name, password in self.users:
            self.dovecot.add_user(name, password)
        self.dovecot.start()
        root = os.path.join(self.folder, "root")
        os.makedirs(os.path.join(root, "etc/pushmail"))
        with open(os.path.join(root, "etc/pushmail/pushmail.toml"), "w", encoding="ascii") as file:
            file.write('domain = "mms.example.net"\nlink.kind = "kernel"\n[notify]\nsmsc = "127.0.0.1:2775"\nsource = "5000"\n'
                       '[tls]\nextra_ca = "%s"\n[log]\nlevel = "debug"\n' % self.authority)
        self.log = os.path.join(self.folder, "fetcher.log")
        self.root, self.program = root, program
        self.fetcher = Fetcher(program, root, self.log)

    def make_certificates(self):
        """A certification authority and a certificate for mail.example.net, valid for this run."""
        def openssl(*arguments):
            subprocess.run(["openssl"] + list(arguments), check=True, capture_output=True, cwd=self.folder)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                "-days", "2", "-subj", "/CN=Test authority")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "mail.key", "-out", "mail.csr",
                "-subj", "/CN=mail.example.net")
        with open(os.path.join(self.folder, "mail.ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:mail.example.net\n")
        openssl("x509", "-req", "-in", "mail.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "mail.pem", "-days", "2",
                "-extfile", "mail.ext")
        os.chmod(os.path.join(self.folder, "ca.pem"), 0o644)
        return os.path.join(self.folder, "ca.pem"), (os.path.join(self.folder, "mail.pem"), os.path.join(self.folder, "mail.key"))

    def user(self):
        """A new user with an empty mailbox -> (name, password)."""
        return self.users.pop()

    def watch(self, binding, user, protocol="imap", mode="poll", tls="none", port=None, **more):
        fields = {ADDRESS: "127.0.0.1:%d" % (port or getattr(self.dovecot, protocol)[1]), USER: user[0], PASSWORD: user[1],
                  PROTOCOL: protocol, TLS: tls, TLS_NAME: "mail.example.net", MODE: mode, FOLDER: "INBOX", BINDING: binding}
        known = more.pop("known", [])
        fields.update({{"uid_validity": UID_VALIDITY, "last_uid": LAST_UID, "tls_name": TLS_NAME, "cursor": CURSOR}[key]: value for key, value in more.items()})
        self.fetcher.send(WATCH, list(fields.items()) + [(KNOWN_UID, uid) for uid in known])

    def deliver(self, user, mail):
        deliver_lmtp(self.dovecot.lmtp, "joe@example.com", user[0] + "@box.example", mail)

    def stored(self, user):
        return [mail for _, mail in read_mails(self.dovecot.imap, *user)]

    def end(self):
        self.dovecot.stop()


def make_mail(size=0, subject=SUBJECT_TEXT):
    import base64
    import email.header
    token = "%016x" % random.getrandbits(64)
    head = ("From: %s <joe@example.com>\r\nTo: <alice@box.example>\r\nReply-To: <answers@example.com>\r\nSubject: %s\r\n"
            "Date: Mon, 23 Nov 2026 21:54:12 +0100\r\nMessage-ID: <%s@example.com>\r\nReferences: <one@example.com>\r\n <two@example.com>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            % (email.header.Header(SENDER_NAME, "utf-8").encode(), email.header.Header(subject, "utf-8").encode(linesep="\r\n"), token))
    body = base64.encodebytes(random.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
    # Lines that protocols could take for their own.
    return head.encode() + b".\r\n..\r\n.x\r\n)\r\n* 1 EXISTS\r\n" + body, token


def check_announced(record, token, mail_size):
    assert record.text(SUBJECT) == SUBJECT_TEXT, record.text(SUBJECT)
    assert record.text(SENDER) == SENDER_NAME + " <joe@example.com>", record.text(SENDER)
    assert record.text(REPLY_TO) == "answers@example.com", record.text(REPLY_TO)
    assert record.text(MESSAGE_ID) == token + "@example.com", record.text(MESSAGE_ID)
    assert [value.decode() for value in record.all(REFERENCE)] == ["one@example.com", "two@example.com"]
    assert record.number(DATE) == 1795467252 * 1000000, record.number(DATE)
    assert record.number(SIZE) >= mail_size, (record.number(SIZE), mail_size)
    assert len(record.bytes(TRACE)) == 16 and any(record.bytes(TRACE))


def test_imap_poll_and_fetch(world):
    """First sight is a baseline and no flood; a poll finds what is new; sizes around the piece of 64 KiB come byte for byte."""
    user, fetcher = world.user(), world.fetcher
    for _ in range(3):
        world.deliver(user, make_mail()[0])
    world.watch("poll", user)
    baseline = fetcher.wait_kind("poll", BASELINE)
    assert baseline.text(LAST_UID) == "3", baseline.text(LAST_UID)
    fetcher.wait_kind("poll", POLLED)
    sizes = [0, 100, 65536 - 400, 65536, 131072, 300_000, 1_000_000]
    tokens = []
    for size in sizes:
        mail, token = make_mail(size)
        world.deliver(user, mail)
        tokens.append((token, len(mail)))
    fetcher.send(POLL, [(BINDING, "poll")])
    found = []
    for token, size in tokens:
        record = fetcher.wait_kind("poll", NEW_MAIL)
        check_announced(record, token, size)
        found.append(record)
    polled = fetcher.wait_kind("poll", POLLED)
    assert polled.text(LAST_UID) == found[-1].text(UID) == "10"
    stored = world.stored(user)
    for record, mail in zip(found, stored[3:]):
        data = fetcher.fetch("poll", record.text(UID), record.number(UID_VALIDITY))
        assert data == mail, "mail of %d bytes is not what Dovecot has (%s)" % (len(mail), data if isinstance(data, str) else len(data))
    assert fetcher.fetch("poll", "4711", found[0].number(UID_VALIDITY)) == "gone"
    assert fetcher.fetch("poll", "4", found[0].number(UID_VALIDITY) + 1) == "gone"
    fetcher.send(POLL, [(BINDING, "poll")])
    fetcher.wait_kind("poll", POLLED)
    assert not [r for r in fetcher.passed_over if r.kind == NEW_MAIL], "a mail was announced twice"
    # A control plane that lost what it was told says what it knows, and is told again.
    world.watch("poll", user, uid_validity=found[0].number(UID_VALIDITY), last_uid="9")
    fetcher.send(POLL, [(BINDING, "poll")])
    assert fetcher.wait_kind("poll", NEW_MAIL).text(UID) == "10"
    fetcher.wait_kind("poll", POLLED)


def test_imap_idle(world):
    """A mail is announced while the session idles, and the session answers commands in the middle of it."""
    user, fetcher = world.user(), world.fetcher
    world.watch("idle", user, mode="idle")
    fetcher.wait_kind("idle", BASELINE)
    assert fetcher.wait_kind("idle", POLLED).text(LAST_UID) == "0"
    fetcher.wait_state("idle", "idling")
    uids = []
    for _ in range(3):
        mail, token = make_mail(1000)
        world.deliver(user, mail)
        record = fetcher.wait_kind("idle", NEW_MAIL)
        check_announced(record, token, len(mail))
        uids.append((record.text(UID), record.number(UID_VALIDITY)))
    stored = world.stored(user)
    for (uid, validity), mail in zip(uids, stored):
        assert fetcher.fetch("idle", uid, validity) == mail
    fetcher.send(POLL, [(BINDING, "idle")])
    assert fetcher.wait_kind("idle", POLLED).text(LAST_UID) == "3"
    item = os.urandom(16)
    fetcher.send(MARK, [(BINDING, "idle"), (UID, uids[0][0]), (UID_VALIDITY, uids[0][1]), (MARK_WORD, "seen")], item)
    marked = fetcher.wait_kind("idle", MARKED)
    assert marked.item == item and marked.text(REASON) is None
    fetcher.send(MARK, [(BINDING, "idle"), (UID, uids[1][0]), (UID_VALIDITY, uids[1][1]), (MARK_WORD, "delete")], item)
    assert fetcher.wait_kind("idle", MARKED).text(REASON) is None
    mails = read_mails(world.dovecot.imap, *user)
    assert len(mails) == 2 and "\\Seen" in mails[0][0] and "\\Seen" not in mails[1][0], [flags for flags, _ in mails]
    fetcher.send(UNWATCH, [(BINDING, "idle")])


def test_imap_new_numbering(world):
    """UIDVALIDITY that changed is a new baseline; nothing of it is announced."""
    user, fetcher = world.user(), world.fetcher
    for _ in range(2):
        world.deliver(user, make_mail()[0])
    world.watch("numbering", user, uid_validity=1, last_uid="0")
    fetcher.send(POLL, [(BINDING, "numbering")])
    assert fetcher.wait_kind("numbering", BASELINE).text(LAST_UID) == "2"
    fetcher.wait_kind("numbering", POLLED)
    assert not [r for r in fetcher.passed_over if r.kind == NEW_MAIL]


def test_imap_after_absence(world):
    """What came while nobody looked is announced from the watermark on, also when it is a hundred mails."""
    user, fetcher = world.user(), world.fetcher
    world.watch("absence", user)
    baseline = fetcher.wait_kind("absence", BASELINE)
    fetcher.send(UNWATCH, [(BINDING, "absence")])
    for _ in range(100):
        world.deliver(user, make_mail()[0])
    world.watch("absence", user, cursor=baseline.text(CURSOR), mode="idle")
    uids = [fetcher.wait_kind("absence", NEW_MAIL).text(UID) for _ in range(100)]
    assert uids == [str(uid) for uid in range(1, 101)], uids
    fetcher.send(UNWATCH, [(BINDING, "absence")])


def test_imap_append(world):
    """A mail goes into a folder byte for byte, with flags and date; a folder that is not there is refused."""
    user = world.user()
    for size in (100, 4096, 300_000):
        mail, _ = make_mail(size)
        name = os.path.join(world.folder, "appended.eml")
        with open(name, "wb") as file:
            file.write(mail)
        def append(folder):
            return subprocess.run([world.append_mail, "127.0.0.1:%d" % world.dovecot.imap[1], user[0], user[1], folder, name],
                                  capture_output=True, text=True, timeout=60)
        done = append("INBOX")
        assert done.returncode == 0, done.stdout + done.stderr
        flags, stored = read_mails(world.dovecot.imap, *user, items="FLAGS INTERNALDATE")[-1]
        assert stored == mail, "%d bytes of %d" % (len(stored), len(mail))
        assert "\\Seen" in flags and "\\Answered" in flags, flags
        assert time.mktime(imaplib.Internaldate2tuple(flags.encode())) == 1794121600, flags
        refused = append("No such folder")
        assert refused.returncode == 1 and "NO [TRYCREATE]" in refused.stdout, refused.stdout + refused.stderr


def test_pop3(world):
    """POP3: baseline of UIDLs, news by comparison, bytes with dots, DELE at QUIT."""
    user, fetcher = world.user(), world.fetcher
    world.deliver(user, make_mail()[0])
    world.watch("pop3", user, protocol="pop3")
    baseline = fetcher.wait_kind("pop3", BASELINE)
    assert len(baseline.all(KNOWN_UID)) == 1 and baseline.number(UID_VALIDITY) == 1
    fetcher.wait_kind("pop3", POLLED)
    sent = [make_mail(size) for size in (0, 5000, 65536, 400_000)]
    for mail, _ in sent:
        world.deliver(user, mail)
    fetcher.send(POLL, [(BINDING, "pop3")])
    found = [fetcher.wait_kind("pop3", NEW_MAIL) for _ in sent]
    for record, (mail, token) in zip(found, sent):
        check_announced(record, token, len(mail))
    assert not fetcher.wait_kind("pop3", POLLED).all(KNOWN_UID)
    stored = world.stored(user)
    for record, mail in zip(found, stored[1:]):
        data = fetcher.fetch("pop3", record.text(UID), 1)
        assert data == mail, "mail of %d bytes is not what Dovecot has" % len(mail)
    assert fetcher.fetch("pop3", "no-such-uidl", 1) == "gone"
    fetcher.send(MARK, [(BINDING, "pop3"), (UID, found[0].text(UID)), (MARK_WORD, "delete")], os.urandom(16))
    assert fetcher.wait_kind("pop3", MARKED).text(REASON) is None
    assert world.stored(user) == stored[:1] + stored[2:]
    fetcher.send(POLL, [(BINDING, "pop3")])
    known = [value.decode() for value in fetcher.wait_kind("pop3", POLLED).all(KNOWN_UID)]
    assert len(known) == 4 and found[0].text(UID) not in known, known


def test_wrong_password(world):
    """auth_failed, once: no second try until the watch is renewed, whatever is asked; then the mailbox works."""
    user, fetcher = world.user(), world.fetcher
    for protocol in ("imap", "pop3"):
        binding = "wrong-" + protocol
        world.watch(binding, (user[0], "not it"), protocol=protocol, mode="idle")
        refused = fetcher.wait_state(binding, "auth_failed")
        assert refused.text(REASON), "no reason"
        fetcher.send(POLL, [(BINDING, binding)])
        fetcher.wait_state(binding, "auth_failed")
        assert fetcher.fetch(binding, "1", 0) == "auth_failed"
        # Dovecot writes its log a moment later.
        tries = wait_for(lambda: [line for line in world.dovecot.lines() if protocol + "-login" in line and "auth failed" in line.lower()],
                         PATIENCE, "Dovecot's log of the refusal")
        assert len(tries) == 1 and "1 attempts" in tries[0], tries
        world.watch(binding, user, protocol=protocol, mode="poll")
        fetcher.send(POLL, [(BINDING, binding)])
        fetcher.wait_kind(binding, POLLED)
        fetcher.send(UNWATCH, [(BINDING, binding)])


def test_tls(world):
    """TLS from the start and STARTTLS, IMAP and POP3; a wrong name is refused before the password is sent."""
    user, fetcher = world.user(), world.fetcher
    mail, _ = make_mail(200_000)
    world.deliver(user, mail)
    for protocol in ("imap", "pop3"):
        for tls in ("implicit", "starttls"):
            binding = "%s-%s" % (protocol, tls)
            port = getattr(world.dovecot, protocol + ("s" if tls == "implicit" else ""))[1]
            world.watch(binding, user, protocol=protocol, tls=tls, port=port)
            baseline = fetcher.wait_kind(binding, BASELINE)
            uid = baseline.text(LAST_UID) if protocol == "imap" else baseline.text(KNOWN_UID)
            assert fetcher.fetch(binding, uid, baseline.number(UID_VALIDITY)) == world.stored(user)[0]
            wrong = binding + "-wrong-name"
            world.watch(wrong, user, protocol=protocol, tls=tls, port=port, tls_name="other.example.net")
            reason = fetcher.wait_state(wrong, "tls_failed").text(REASON)
            assert "ostname" in reason, reason
            fetcher.send(UNWATCH, [(BINDING, wrong)])
    world.watch("idle-tls", user, mode="idle", tls="implicit", port=world.dovecot.imaps[1])
    fetcher.wait_state("idle-tls", "idling")
    world.deliver(user, mail)
    fetcher.wait_kind("idle-tls", NEW_MAIL)
    fetcher.send(UNWATCH, [(BINDING, "idle-tls")])


def test_unreachable_and_back(world):
    """A server that is away is tried again; after its return the mailbox idles without anybody's help."""
    user, fetcher = world.user(), world.fetcher
    world.watch("away", user, mode="idle")
    fetcher.wait_state("away", "idling")
    world.dovecot.stop()
    fetcher.wait_state("away", "unreachable")
    item = fetcher.fetch("away", "1", 0)
    assert item == "unreachable", item
    world.dovecot.start()
    fetcher.wait_state("away", "idling", 60)
    world.deliver(user, make_mail()[0])
    fetcher.wait_kind("away", NEW_MAIL)
    fetcher.send(UNWATCH, [(BINDING, "away")])


def test_credit(world):
    """No more chunks than credit; the rest comes when it is given, and other mailboxes work meanwhile."""
    user, fetcher = world.user(), world.fetcher
    world.watch("credit", user)
    fetcher.wait_kind("credit", BASELINE)
    world.deliver(user, make_mail(400_000)[0])
    fetcher.send(POLL, [(BINDING, "credit")])
    record = fetcher.wait_kind("credit", NEW_MAIL)
    item = os.urandom(16)
    fetcher.send(FETCH, [(BINDING, "credit"), (UID, record.text(UID)), (UID_VALIDITY, record.number(UID_VALIDITY))], item)
    other = world.user()
    world.watch("credit-other", other)
    fetcher.wait_kind("credit-other", POLLED)
    assert not [r for r in fetcher.passed_over if r.item == item], "a chunk without credit"
    data = b""
    fetcher.send(CREDIT, [(CREDIT_COUNT, 2)], item)
    for _ in range(2):
        data += fetcher.wait("chunk", lambda r: r.item == item).bytes(DATA)
    fetcher.send(POLL, [(BINDING, "credit-other")])
    fetcher.wait_kind("credit-other", POLLED)
    assert not [r for r in fetcher.passed_over if r.item == item], "more chunks than credit"
    fetcher.send(CREDIT, [(CREDIT_COUNT, 100)], item)
    while True:
        chunk = fetcher.wait("chunk", lambda r: r.item == item)
        if chunk.kind == FETCHED:
            break
        data += chunk.bytes(DATA)
    assert data == world.stored(user)[0]


def test_control_bytes_never_reach_the_wire(world):
    """A user name with a line end is refused, and nobody even connects."""
    fetcher = world.fetcher
    with socket.create_server(("127.0.0.1", 0)) as server:
        world.watch("crlf", ("bob\r\nDELE 1", "x"), protocol="pop3", port=server.getsockname()[1])
        refused = fetcher.wait_kind("crlf", SESSION)
        assert refused.text(STATE) == "protocol_error" and refused.text(REASON), refused.text(STATE)
        fetcher.send(POLL, [(BINDING, "crlf")])
        assert fetcher.wait_kind("crlf", SESSION).text(STATE) == "closed"
        assert not select.select([server], [], [], 0)[0], "somebody connected"


def test_privileges_and_secrets(world):
    """The fetcher is not root, leaves no core, opens no file, and no password stands in its log."""
    pid = world.fetcher.popen.pid
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        status = file.read()
    uid = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")][0]
    assert set(uid) == {str(pwd.getpwnam("pushmail-fetch").pw_uid)}, uid
    assert all(line.split()[1] == "0" * 16 for line in status.splitlines() if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb"))), status
    assert "NoNewPrivs:\t1" in status
    with open("/proc/%d/limits" % pid, encoding="ascii") as file:
        assert any(line.split()[:5] == ["Max", "core", "file", "size", "0"] for line in file)
    for number in os.listdir("/proc/%d/fd" % pid):
        target = os.readlink("/proc/%d/fd/%s" % (pid, number))
        assert target.startswith(("socket:", "anon_inode:", "pipe:")) or target in ("/dev/null", world.log), target
    with open(world.log, encoding="utf-8") as file:
        log = file.read()
    for password in list(world.dovecot.users.values()) + ["not it"]:
        assert password.removeprefix("{PLAIN}") not in log, "a password stands in the log"


def test_not_as_the_owner_of_the_store(world):
    """Started as the user who owns the control plane's store the fetcher refuses to run; as another user, or as root, it runs."""
    somebody = 54321
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        store = os.path.join(root, "var/lib/pushmail/store")
        os.makedirs(store)
        os.makedirs(os.path.join(root, "etc/pushmail"))
        with open(os.path.join(root, "etc/pushmail/pushmail.toml"), "w", encoding="ascii") as file:
            file.write('domain = "mms.example.net"\nlink.kind = "kernel"\n[notify]\nsmsc = "127.0.0.1:2775"\nsource = "5000"\n')
        # The checkout may lie where nobody but root can go.
        program = shutil.copy(world.program, os.path.join(root, "pushmail-fetcher"))

        def run_as(user, owner):
            os.chown(store, owner, owner)
            ours, theirs = socket.socketpair()

            def become():
                os.dup2(theirs.fileno(), 3)
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)

            with ours, theirs:
                process = subprocess.Popen([program, "--root", root], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.PIPE, pass_fds=(3,), preexec_fn=become)
                theirs.close()
                ours.close()
                return process.wait(20), process.communicate()[1].decode()

        code, said = run_as(somebody, somebody)
        assert code == os.EX_NOPERM and "privileges_kept" in said, (code, said)
        for user, owner in ((somebody, 0), (0, 0), (0, somebody)):
            code, said = run_as(user, owner)
            assert code == 0, (user, owner, code, said)


def test_broken_record_ends_it(world):
    """A record with a wrong checksum ends the fetcher; it does not guess."""
    extra = Fetcher(world.program, world.root, world.log)
    record = bytearray(wire_records.build(POLL, 1, [(BINDING, "x")]))
    record[-1] ^= 1
    extra.socket.sendall(record)
    assert extra.popen.wait(20) == 70


def main():
    namespace.enter()
    program = os.path.abspath(sys.argv[1])
    part = sys.argv[3] if len(sys.argv) > 3 else ""
    world = World(program)
    world.append_mail = os.path.abspath(sys.argv[2])
    failed = passed = 0
    try:
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_") and part in n]:
            started = time.monotonic()
            try:
                test(world)
                passed += 1
                print("ok     %-45s %5.1f s" % (name, time.monotonic() - started), flush=True)
            except (AssertionError, OSError) as error:
                failed += 1
                lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
                print("FAILED %s: %s (lines %s)" % (name, error, lines), flush=True)
                world.fetcher.passed_over.clear()
        if world.fetcher.popen.poll() is None:
            started = time.monotonic()
            world.fetcher.end()
            assert time.monotonic() - started < 5, "the fetcher was slow to end"
    finally:
        if failed:
            with open(world.log, encoding="utf-8", errors="replace") as file:
                print("fetcher's log, the end:\n" + "".join(file.readlines()[-40:]))
            print("Dovecot's log, the end:\n" + "\n".join(world.dovecot.lines()[-20:]))
        world.end()
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
