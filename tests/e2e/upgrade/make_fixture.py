#!/usr/bin/python3
"""Makes a fixture of the upgrade test: a state folder in which everything that pushmail does is somewhere in the middle.

Came from: a world of the programs under --build. Goes to: state-COMMIT.tar.xz in this folder, which upgrade.py opens with newer programs.
It is made again, for a new main, by anybody who has built that main (as root; what is drawn differs each time):

  git checkout COMMIT && ./check && tests/e2e/upgrade/make_fixture.py --build build/dev

Both planes end with SIGKILL. Each state below is brought about by the peers' own means (their control commands, stopped servers) or by a
named step of PUSHMAIL_KILL_AT. Which they are:

  thread           delivered, marked; its phone has a suffix that it may answer for ever
  pop3             one mail delivered by POP3, the second announced: the first must not be news again
  announced        told by SMS, the code was not used
  told_late        accepted; the SMSC said "queue full", so its SMS waits
  sms_in_flight    accepted; the SMS left and the SMSC said nothing
  asked            the phone asked for it, and the mailbox is away
  submitted        the MMSC has it, its report has not come
  report_on_disk   the same, and the report came while the control plane was away: it lies in the journal
  in_doubt         a kill when SubmitReq may have left, the control plane knows
  in_flight        SubmitReq had no answer yet, nobody knows: the journal has the attempt
  marking          delivered; the mailbox is away, so it is not marked
  push             auto-push, refused by the MMSC for now, waits for its retry
  forwarded        a mail handed to us by SMTP for a phone of auto-push; the same
  forwarded_asked  a mail handed to us by SMTP, announced; the journal has it until the phone answers
  stopped          announced, then the phone said STOP; another mail came afterwards
  suspended        announced, then suspended by the operator; another mail came afterwards
  removed          a binding that was removed
  mail_in_doubt    a phone's message of which half of DATA went out before a kill
  to_mail          a phone's message acknowledged, and the smart host is away
  to_mail_alone    the same, and the control plane never heard of it
  unseen           a mail that came while both planes were down

What could not be had: an outcome in the journal that the control plane has not acknowledged, since it acknowledges within a millisecond and
no step stops there (its parts stand in tests/unit); a mail of which half was fetched, since chunks are on no disk.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import samples  # noqa: E402
import saved  # noqa: E402
from harness import case, mailbox  # noqa: E402
from harness.case import check  # noqa: E402
from harness.wait import wait_for  # noqa: E402

# While it is made, nothing is tried again by itself, and nothing expires.
LASTING = {"notify.code_lifetime": "30d", "smtp.expire": "30d", "peer.mmsc.expiry": "30d"}
SLOW = {key: "1h" for key in ("smtp.retry_first", "smtp.retry_most", "smtp.unknown_retry", "peer.mmsc.retry_first", "peer.mmsc.retry_most")}
FOR_EVER = 1000000
OURS = "198.18.0.2"


class Maker:
    def __init__(self, world):
        self.world, self.facts, self.phones = world, {}, {}
        self.reader = world.mailbox()

    # ---- phones and mails

    def bound(self, role, bind=None, **settings):
        """A phone with a mailbox of its own."""
        phone, user = self.world.phone(**settings), self.world.mailbox()
        binding = self.world.bind(phone.msisdn, user, **(bind or {}))
        self.phones[role] = phone
        self.facts[role] = {"msisdn": phone.msisdn, "user": user, "binding": binding["id"]}
        return phone

    @staticmethod
    def letter(recipient, sender="joe@example.com"):
        token = samples.token()
        raw, message_id = samples.mail("%s %s" % (samples.word(), token), samples.word(), sender, recipient, samples.word() + "\r\n", None,
                                       [("p.png", "image/png", samples.png(12, 9))])
        return raw, {"token": token, "mail_message_id": message_id}

    def comes(self, role, sender="joe@example.com"):
        """A mail in the role's mailbox, which the item of the role becomes -> its token."""
        raw, names = self.letter(self.world.address(self.facts[role]["user"]), sender)
        self.facts[role].update(names)
        self.world.deliver(self.facts[role]["user"], raw)
        if role == "pop3":
            self.world.ctl("poll", "now", self.facts[role]["binding"])
        return names["token"]

    def wait(self, role, what, condition, seconds=60):
        """Waits until the role's item is so, and writes down which it is."""
        token, shown = self.facts[role]["token"], {}

        def stands():
            item = next((each for each in self.world.items() if token in each.get("subject", "")), None)
            shown.update(item or {})
            return item if item and condition(item) else None
        item = wait_for(stands, seconds, lambda: "%s: %s: %s" % (role, what, shown))
        self.facts[role]["item"] = item["item"]
        return item

    def in_state(self, role, *states, seconds=60):
        return self.wait(role, " or ".join(states), lambda item: item["state"] in states, seconds)

    def announced(self, role, sender="joe@example.com"):
        """A mail of which the phone was told."""
        token = self.comes(role, sender)
        self.facts[role]["code"] = self.in_state(role, "notified")["reply_code"]
        return self.phones[role].wait_sms(60, text=token)

    def asks(self, role):
        self.phones[role].ask("sms", to=self.world.code, text=self.facts[role]["code"])

    def submitted(self, role):
        """A mail that the MMSC has, and keeps for the phone to fetch."""
        self.announced(role)
        self.asks(role)
        self.facts[role]["message_id"] = self.in_state(role, "submitted")["message_id"]
        wait_for(lambda: self.phones[role].inbox()["mms"], 30, "the MMSC's notice for " + role)

    def sends(self, role, seconds=30):
        """A message of the phone that was acknowledged."""
        token = samples.token()
        sent = self.phones[role.replace("_alone", "")].ask("send", to=[self.world.code], subject=None, parts=[],
                                                          text="%s\n%s" % (self.world.address(self.reader), token))
        self.facts.setdefault(role, {}).update(token=token, reader=self.reader, deliver_id=sent["message_id"])
        return lambda: wait_for(lambda: self.world.mmsc_log(event="deliver_rsp", message_id=sent["message_id"], status=1000), seconds,
                                "DeliverRsp 1000 for " + role)

    def hands_over(self, role):
        """A mail that another mail server hands to us for the role's phone."""
        recipient = "%s@%s" % (self.phones[role].msisdn, self.world.mms_domain)
        raw, names = self.letter(recipient)
        self.facts[role].update(names)
        # 451 until the planes are connected again; a mail server tries again too.
        wait_for(lambda: mailbox.submit_smtp((OURS, self.world.smtp_port), "joe@example.com", [recipient], raw) == {}, 30,
                 "the mail for %s to be taken" % role)

    def restart(self, step=None):
        """The data plane dies and begins anew; with a step it dies there again."""
        armed = {"PUSHMAIL_KILL_AT": step, "PUSHMAIL_KILL_LOG": os.path.join(self.world.folder, "kills")} if step else {}
        self.world.dataplane.kill()
        self.world.dataplane.start(**armed)
        for port in (self.world.http_port, self.world.smtp_port):
            wait_for(lambda port=port: self.world.connects(OURS, port), 30, "the data plane to be back")

    # ---- states, in an order in which one does not undo another

    def everything_well(self):
        world = self.world
        for role in ("thread", "announced", "told_late", "sms_in_flight", "asked", "stopped", "suspended", "removed", "unseen",
                     "forwarded_asked", "mail_in_doubt", "to_mail"):
            self.bound(role)
        for role in ("submitted", "report_on_disk", "in_doubt", "in_flight", "marking"):
            self.bound(role, retrieval="manual")
        self.bound("pop3", {"protocol": "pop3", "mode": "poll"})
        for role in ("push", "forwarded"):
            self.bound(role, {"policy": "push"})
        joe = world.mailbox()
        self.facts["thread"]["correspondent"] = joe
        for role, sender in (("thread", world.address(joe)), ("pop3", "joe@example.com")):
            self.announced(role, sender)
            self.asks(role)
            self.facts[role]["sender"] = self.phones[role].wait_mms(60)[0]["from"]
            self.in_state(role, "delivered")
            wait_for(lambda role=role: any(row["event"] == "marked" for row in world.trace(self.facts[role]["item"])), 60,
                     role + " to be marked")
        self.facts["pop3"]["first"] = dict(self.facts["pop3"])
        for role in ("pop3", "announced", "asked", "stopped", "suspended", "in_flight", "removed"):
            self.announced(role)
        for role in ("submitted", "report_on_disk", "marking"):
            self.submitted(role)
        self.hands_over("forwarded_asked")
        self.facts["forwarded_asked"]["code"] = self.in_state("forwarded_asked", "notified")["reply_code"]

    def bindings_end(self):
        world = self.world
        self.phones["stopped"].ask("sms", to=world.code, text="STOP")
        world.ctl("binding", "suspend", self.facts["suspended"]["binding"])
        world.ctl("binding", "remove", self.facts["removed"]["binding"])
        for role in ("stopped", "suspended"):
            wait_for(lambda role=role: world.ctl("binding", "show", self.facts[role]["binding"], "--json")["state"] == role, 30,
                     "the binding to be " + role)
        self.in_state("removed", "withdrawn")
        for role in ("stopped", "suspended", "removed"):
            first = dict(self.facts[role])
            self.comes(role)
            self.facts[role]["first"] = first

    def doubts(self):
        world = self.world
        self.announced("in_doubt")
        self.restart("attempt_before_send")
        self.asks("in_doubt")
        world.dataplane.wait(60)
        self.restart("data_half")
        self.wait("in_doubt", "in doubt", lambda item: item.get("unknown_until"))
        acknowledged = self.sends("mail_in_doubt")
        world.dataplane.wait(60)
        self.restart()
        acknowledged()
        world.wait_ready()

    def last_minute(self):
        """What lasts for a minute only: the data plane gives up a SubmitReq then, and the SMSC's session ends."""
        world = self.world
        world.mmsc_ask("command", {"http": {"status": 503, "count": FOR_EVER}})
        self.comes("push")
        self.hands_over("forwarded")
        for role in ("push", "forwarded"):
            self.wait(role, "refused for now", lambda item: "503" in item.get("reason", ""))
        world.mmsc_ask("command", {"silent": True})
        self.asks("in_flight")
        wait_for(lambda: world.mmsc_log(event="silence"), 30, "SubmitReq without an answer")
        world.smsc_ask("command", {"silent": True})
        self.comes("sms_in_flight")
        self.wait("sms_in_flight", "its SMS to be under way", lambda item: item.get("reply_code"))
        wait_for(lambda: any(self.submits(each) for each in world.smsc_log(event="pdu_in")[-5:]), 30, "submit_sm without an answer")
        world.smsc_ask("command", {"silent": False, "queue_full": FOR_EVER})
        self.comes("told_late")
        wait_for(lambda: world.smsc_log(event="refused", name="submit_sm"), 30, "the SMSC to put an SMS off")
        self.in_state("told_late", "accepted")
        world.postfix.stop()
        self.sends("to_mail")()
        world.dovecot.stop()
        for role in ("asked", "marking"):
            world.wait_session(self.facts[role]["binding"], ("unreachable",))
        self.asks("asked")
        self.wait("asked", "its mailbox to be away", lambda item: item["state"] == "requested" and "cannot be reached" in item["reason"])
        self.phones["marking"].ask("fetch", id=1)
        self.in_state("marking", "delivered")
        world.controlplane.kill()
        self.sends("to_mail_alone", 10)()
        self.phones["report_on_disk"].ask("fetch", id=1)
        reported = {"message_id": self.facts["report_on_disk"]["message_id"], "status": 1000}
        wait_for(lambda: world.mmsc_log(event="delivery_report_rsp", **reported), 10, "the report to be on disk")
        world.dataplane.kill()

    @staticmethod
    def submits(record):
        return record["hex"][8:16] == "00000004"

    def afterwards(self):
        self.world.dovecot.start()
        self.comes("unseen")
        self.world.dovecot.stop()


def commit_of(folder):
    done = subprocess.run(["git", "-C", folder, "rev-parse", "--short=7", "HEAD"], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def test(world, arguments):
    maker = Maker(world)
    for part in (maker.everything_well, maker.bindings_end, maker.doubts, maker.last_minute, maker.afterwards):
        part()
        print("%s: done" % part.__name__, flush=True)
    # The next programs find the times that an operator would have.
    for key in SLOW:
        del world.config_keys[key]
    world.configure()
    commit = arguments.commit or commit_of(HERE)
    path = os.path.join(arguments.out or HERE, "state-%s.tar.xz" % commit)
    size = saved.pack(world, {"commit": commit, "roles": maker.facts}, path)
    print("%s: %d bytes" % (path, size))
    check(size <= saved.SIZE_MAX, "the fixture is larger than %d bytes" % saved.SIZE_MAX)


if __name__ == "__main__":
    # Dovecot names its files so, instead of by the machine's name.
    os.environ["DOVECOT_HOSTNAME"] = "mailboxes.example"
    case.run(test, __doc__.splitlines()[0], config={**LASTING, **SLOW},
             options=[("commit", "", "of the programs; without it, this folder's"), ("out", "", "folder for it; without it, this one")])
