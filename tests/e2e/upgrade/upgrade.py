#!/usr/bin/python3
"""New programs go on with the state folder of an earlier main, and finish everything in it: each message once, or marked.

Came from: a state-COMMIT.tar.xz of make_fixture.py, which says what each role stands for. Goes to: real Dovecot and Postfix with the
mailboxes of then, the test SMSC and MMSC, the programs under --build. The wall clock stands an hour after the state's end (clock.cpp), so
that what is due after minutes is due, and what lasts for days (codes: 30 at most) still stands, whenever this runs. Two minutes of its time
are sms_doubt: an SMS without an answer goes once more so long after the start.
"""
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import saved  # noqa: E402
from harness import case, mailbox, namespace, records  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402

AN_HOUR = 3600
FACTS = {}
# What the phone gets, and how its mail ends. SMS and MM of the whole run, with the role's token.
ASKED_NOW = ("pop3", "announced", "forwarded_asked", "told_late", "sms_in_flight", "unseen", "in_doubt")
BY_THEMSELVES = ("asked", "push", "forwarded")
NOT_AGAIN = ("thread", "submitted", "report_on_disk", "in_flight", "marking")
TOLD_NOW = ("told_late", "sms_in_flight", "unseen")
# May have arrived before, and say so: sent again, or in flight when the data plane ended, whose HTTP client may have repeated it.
IN_DOUBT = ("in_doubt", "mail_in_doubt", "in_flight")


class Opened:
    def __init__(self, world):
        self.world, self.roles, self.phones = world, FACTS["roles"], {}

    # ---- finding

    def item_of(self, fact):
        return self.world.item(fact["item"])

    def in_state(self, role, *states, fact=None, seconds=60):
        fact, shown = fact or self.roles[role], {}

        def stands():
            shown.update(self.item_of(fact))
            return shown if shown["state"] in states else None
        return wait_for(stands, seconds, lambda: "%s to be %s: %s" % (role, " or ".join(states), shown))

    def texts(self, role, token):
        return [each for each in self.phones[role].inbox()["sms"] if token in each["text"]]

    def messages(self, role, token):
        return [each for each in self.phones[role].inbox()["mms"] if token in each["subject"] and each["state"] == "retrieved"]

    def asks(self, role):
        self.phones[role].ask("sms", to=self.world.code, text=self.roles[role]["code"])

    def marked(self, fact):
        """Whether the mail has the mark of a delivered one in its mailbox."""
        flags = [flags for flags, mail in self.world.mails(fact["user"]) if fact["mail_message_id"].encode() in mail]
        equal(len(flags), 1, "mails with Message-ID %s" % fact["mail_message_id"])
        return "\\Seen" in flags[0]

    def wait_marked(self, role, fact=None):
        wait_for(lambda: self.marked(fact or self.roles[role]), 90, "the mail of %s to be marked" % role)

    def mails_with(self, fact):
        return [mailbox.parse(mail) for _, mail in self.world.mails(fact["reader"]) if fact["token"].encode() in mail]

    # ---- before the programs start

    def open(self):
        world = self.world
        world.start_others()
        for role, fact in self.roles.items():
            if "msisdn" in fact:
                self.phones[role] = world.phone(fact["msisdn"])
        world.start_pushmail()

    # ---- what the programs do by themselves

    def bindings_stand(self):
        for role, state in (("stopped", "stopped"), ("suspended", "suspended"), ("removed", "removed"), ("announced", "active")):
            shown = self.world.ctl("binding", "list", "--json")
            found = [each["state"] for each in shown["bindings"] if each["id"] == self.roles[role]["binding"]]
            equal(found or ["removed"], [state], "state of the binding %s" % role)

    def they_go_on(self):
        for role in BY_THEMSELVES:
            wait_for(lambda role=role: self.messages(role, self.roles[role]["token"]), 90, "the message of %s" % role)
            self.in_state(role, "delivered")
        for role in ("report_on_disk", "marking"):
            self.in_state(role, "delivered")
            self.wait_marked(role)
        for role in ("mail_in_doubt", "to_mail", "to_mail_alone"):
            wait_for(lambda role=role: self.mails_with(self.roles[role]), 90, "the mail of %s" % role)
            self.roles[role]["item"] = self.mails_with(self.roles[role])[0]["Message-ID"].strip("<>").split("@")[0]
            self.in_state(role, "delivered")
        self.told("told_late", "unseen")

    def told(self, *roles):
        for role in roles:
            self.phones[role].wait_sms(180, text=self.roles[role]["token"])
            token = self.roles[role]["token"]
            item = self.world.wait_item(lambda each, token=token: token in each.get("subject", "") and each["state"] == "notified", 60,
                                        "the item of %s to be announced" % role)
            self.roles[role].update(item=item["item"], code=item["reply_code"])

    # ---- what others do

    def reports_come(self):
        """The MMSC reports what it had taken before; of the one in flight nobody knows how it was named."""
        world = self.world
        for role, message_id in (("submitted", self.roles["submitted"]["message_id"]), ("in_flight", "unheard-of@mmsc.example")):
            item = self.item_of(self.roles[role])
            equal(item["state"], "submitted" if role == "submitted" else "submitting", "state of %s before its report" % role)
            world.mmsc_ask("command", {"report": {"message_id": message_id, "msisdn": self.roles[role]["msisdn"], "status": "Retrieved",
                                                  "sender": ["short", world.code + item["suffix"]]}})
            self.in_state(role, "delivered")
            self.wait_marked(role)

    def phones_ask(self):
        self.in_state("in_doubt", "notified")
        self.ask_and_get([role for role in ASKED_NOW if role != "sms_in_flight"])

    def a_late_sms(self):
        self.told("sms_in_flight")
        self.ask_and_get(["sms_in_flight"])

    def ask_and_get(self, roles):
        for role in roles:
            self.asks(role)
        for role in roles:
            wait_for(lambda role=role: self.messages(role, self.roles[role]["token"]), 90, "the message of %s" % role)
            self.in_state(role, "delivered")
            if role not in ("pop3", "forwarded_asked"):
                self.wait_marked(role)

    def a_phone_answers(self):
        """The sender that a message had before the upgrade leads to its correspondent."""
        fact, text = self.roles["thread"], "answer to " + self.roles["thread"]["token"]
        self.phones["thread"].ask("send", to=[fact["sender"]], text=text, subject=None, parts=[])
        mails = self.world.wait_mails(fact["correspondent"], 1)
        check(text in mailbox.text_of(mailbox.parse(mails[0][1])), "the correspondent got another mail")
        check(fact["mail_message_id"] in str(mailbox.parse(mails[0][1])["In-Reply-To"]), "the answer has no In-Reply-To of the mail")

    def bindings_go_on(self):
        """Nothing came of the mails of stopped and suspended bindings; it does when they are active again."""
        world = self.world
        for role in ("stopped", "suspended", "removed"):
            equal([self.texts(role, self.roles[role]["token"]), self.phones[role].inbox()["mms"]], [[], []], "what the phone %s got" % role)
        self.bindings_stand()
        for role in ("stopped", "suspended"):
            equal(self.item_of(self.roles[role]["first"])["state"], "notified", "state of the mail that was announced before, " + role)
        world.ctl("binding", "resume", self.roles["suspended"]["binding"])
        self.phones["stopped"].ask("sms", to=world.code, text="START")
        for role in ("stopped", "suspended"):
            self.phones[role].wait_sms(90, text=self.roles[role]["token"])
            self.phones[role].ask("sms", to=world.code, text=self.roles[role]["first"]["code"])
        for role in ("stopped", "suspended"):
            first = self.roles[role]["first"]
            wait_for(lambda role=role, first=first: self.messages(role, first["token"]), 90, "the mail announced before, " + role)
            self.in_state(role, "delivered", fact=first)

    # ---- the end

    def nothing_twice(self):
        world = self.world
        for role, phone in self.phones.items():
            facts = [fact for fact in (self.roles[role], self.roles[role].get("first")) if fact and "token" in fact]
            for fact in facts:
                token, is_first = fact["token"], fact is not self.roles[role]
                told = 1 if role in TOLD_NOW or role in ("stopped", "suspended") and not is_first else 0
                got = 1 if role in ASKED_NOW + BY_THEMSELVES and not is_first or role in ("stopped", "suspended") and is_first else 0
                equal(len(self.texts(role, token)), told, "SMS about %s at %s" % (token, role))
                equal(len(self.messages(role, token)), got, "messages %s at %s" % (token, role))
                submissions = [each for each in world.mmsc_log(event="submit_req") if token in json.dumps(each, ensure_ascii=False)]
                equal(len(submissions), got, "submissions of %s of %s" % (token, role))
            check(len(phone.inbox()["mms"]) <= len(facts), "%s got something else: %s" % (role, phone.inbox()["mms"]))
        for role in ("mail_in_doubt", "to_mail", "to_mail_alone"):
            equal(len(self.mails_with(self.roles[role])), 1, "mails of %s" % role)
        for role, fact in self.roles.items():
            if "item" in fact and role not in ("stopped", "suspended", "removed"):
                equal(bool(self.item_of(fact).get("duplicate_possible")), role in IN_DOUBT, "duplicate_possible of %s" % role)
        equal(self.item_of(self.roles["removed"]["first"])["state"], "withdrawn", "the mail of a removed binding")
        told_again = [row for row in world.trace(self.roles["sms_in_flight"]["item"]) if row["event"] == "notified"]
        equal([row.get("duplicate_possible") for row in told_again], ["1"], "an SMS in doubt that was sent again")
        open_items = [each for each in world.items() if not each["final"] and each.get("msisdn") not in
                      [self.roles[role]["msisdn"] for role in ("stopped", "suspended")]]
        equal(open_items, [], "items that are not finished")

    def nothing_wrong(self):
        """Nobody complains of the state; what a peer's connection is blamed for is not of it."""
        for program in (self.world.dataplane, self.world.controlplane):
            lines = [each for each in records.lines(program.log) if each.get("level") == "error" and each.get("event") != "link_failed"]
            equal(lines, [], "errors in the log of %s" % program.name)
        quarantine = os.path.join(self.world.root, "var", "lib", "pushmail", "journal", "lane-0", "quarantine")
        check(not os.path.exists(quarantine) or not os.listdir(quarantine), "the journal has something in quarantine")


def prepare(arguments):
    """Before the world is there: the files lie where it looks for them, and the clock of its programs is set."""
    FACTS.update(saved.unpack(arguments.state, namespace.run_folder()))
    clock = arguments.clock or os.path.join(arguments.build.split(":")[0], "tests", "e2e", "upgrade", "libupgrade_clock.so")
    check(os.path.isfile(clock), "%s is not there: --clock" % clock)
    os.environ.update(LD_PRELOAD=os.path.realpath(clock), PUSHMAIL_CLOCK_SHIFT=str(FACTS["ended"] + AN_HOUR - int(time.time())))
    return {"drawn": FACTS["drawn"], "mailboxes": FACTS["mailboxes"]}


def test(world, _):
    opened = Opened(world)
    started = time.monotonic()
    for part in (opened.open, opened.bindings_stand, opened.they_go_on, opened.reports_come, opened.phones_ask, opened.a_phone_answers,
                 opened.bindings_go_on, opened.a_late_sms, opened.nothing_twice, opened.nothing_wrong):
        part()
        print("%s: done after %.1f s" % (part.__name__, time.monotonic() - started), flush=True)


if __name__ == "__main__":
    case.run(test, __doc__.splitlines()[0], prepare=prepare,
             options=[("state", "", "the fixture"), ("clock", "", "libupgrade_clock.so; without it, that of --build")])
