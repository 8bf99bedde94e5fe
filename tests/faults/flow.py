"""A message in each direction through a running world, whose programs are started again when they end; the peers' ledgers say what came.

Came from: tests/faults/run, tests/faults/shortage. Goes to: the harness of tests/e2e.
"""
import os
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import samples  # noqa: E402
from harness import mailbox  # noqa: E402
from harness.case import check  # noqa: E402
from harness.wait import wait_for  # noqa: E402
from harness.world import Phone  # noqa: E402

PROGRAMS = ("pushmail-dataplane", "pushmail-controlplane", "pushmail-fetcher")
PATIENCE = 180  # seconds: an SMS of which nobody knows waits for a minute or two


class Flow:
    def __init__(self, world):
        self.world = world
        self.reader = world.mailbox()
        self.left = 0            # SMS that this phone may still get
        self.ends = []           # (program, exit code) of the case that runs

    def spare_phone(self):
        """Nobody gets more than 100 SMS an hour: another phone with a mailbox of its own, now and then."""
        if self.left > 0:
            return
        self.left = 40
        self.phone = self.world.phone()
        self.user = self.world.mailbox()
        self.binding = self.world.bind(self.phone.msisdn, self.user)["id"]

    # ---- programs

    def program(self, name):
        return self.world.dataplane if name == "pushmail-dataplane" else self.world.controlplane

    def keep_running(self):
        """Restarts what ended, as a service manager does, and remembers how."""
        for name in PROGRAMS[:2]:
            program = self.program(name)
            if not program.running():
                self.ends.append((name, program.popen.returncode))
                program.start()

    def wait(self, condition, what, seconds=PATIENCE):
        def kept():
            self.keep_running()
            return condition()
        return wait_for(kept, seconds, what)

    def ready(self):
        world = self.world
        for port in (world.http_port, world.smtp_port):
            self.wait(lambda port=port: world.connects("198.18.0.2", port), "port %d" % port)
        self.wait(lambda: any(word in ("transceiver", "receiver") for word in world.smsc_ask("state")["bound"]), "the notifier to bind")

    def fetchers(self):
        found = []
        for each in os.listdir("/proc"):
            try:
                with open("/proc/%s/comm" % each, encoding="ascii") as file:
                    if each.isdigit() and file.read().startswith("pushmail-fetche"):
                        found.append(int(each))
            except OSError:
                continue
        return found

    # ---- one message in each direction

    def send_both(self):
        self.left -= 1
        token = samples.token()
        sent = self.phone.ask("send", to=[self.world.code], text="%s\n%s" % (self.world.address(self.reader), token), subject=None, parts=[])
        raw, _ = samples.mail("news " + token, samples.word(), "joe@example.com", self.world.address(self.user), samples.word() + "\r\n", None,
                              [("p.png", "image/png", samples.png(48, 36))])
        self.world.deliver(self.user, raw)
        return token, sent["message_id"]

    def announced(self, token):
        return self.wait(lambda: next((each for each in self.phone.inbox()["sms"] if token in each["text"]), None), "the SMS about " + token)

    def answer(self, sms):
        thread = threading.Thread(target=self.try_answer, args=(sms["id"],))
        thread.start()
        return thread

    def try_answer(self, identity):
        try:
            # On a connection of its own, beside the one that is asked for the inbox meanwhile.
            Phone(self.world, self.phone.msisdn, self.phone.settings).ask("answer", id=identity)
        except (AssertionError, OSError):
            pass  # what did not arrive in the end is seen below

    def arrived(self, token):
        def mails():
            return [mail for _, mail in self.world.mails(self.reader) if token in mailbox.text_of(mailbox.parse(mail))]

        def messages():
            return [each for each in self.phone.inbox()["mms"] if each["state"] == "retrieved" and token in each["subject"]]
        found = self.wait(mails, "the mail with " + token)
        if len(found) > 1:
            identity = mailbox.parse(found[0])["Message-ID"].strip("<>").split("@")[0]
            check(self.world.item(identity).get("duplicate_possible"), "%d mails with %s, unmarked" % (len(found), token))
        found = self.wait(messages, "the message with " + token)
        if len(found) > 1:
            check(any(token in each.get("subject", "") and each.get("duplicate_possible") for each in self.world.items()),
                  "%d messages with %s, unmarked" % (len(found), token))

    def round(self):
        self.spare_phone()
        token, _ = self.send_both()
        answering = self.answer(self.announced(token))
        self.arrived(token)
        answering.join(PATIENCE)
