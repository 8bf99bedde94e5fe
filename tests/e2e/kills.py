#!/usr/bin/python3
"""kill -9 in the middle: nothing that was acknowledged is lost, nothing arrives twice, and no peer waits for a time-out.

Rounds go in turn through phone to mail (the data plane dies) and mailbox to phone (data plane, control plane or fetcher die). Half of
them die at named steps inside the data plane (PUSHMAIL_KILL_AT, hits written to PUSHMAIL_KILL_LOG), half at random times. The ledger of
what was acknowledged is the peers': MMSC, Postfix, Dovecot.
"""
import glob
import json
import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from harness import case, mailbox  # noqa: E402
from harness.case import check, equal  # noqa: E402
from harness.wait import wait_for  # noqa: E402

TO_MAIL = ("append_before_sync", "sync_before_answer", "answer_before_relay", "attempt_before_sync", "data_half")
TO_PHONE = ("submit_req_half", "submit_rsp_before_settle", "attempt_before_sync", "attempt_before_send")
# What was under way is through after so many restarts.
RESTARTS_MAX = 5


class Rounds:
    def __init__(self, world):
        self.world = world
        self.kill_log = os.path.join(world.folder, "kills")
        self.hits = {}
        self.random_kills, self.interrupted = 0, 0
        self.mails, self.messages = [], []   # tokens of all rounds, looked at once more in the end
        self.phone = world.phone()
        self.user, self.reader = world.mailbox(), world.mailbox()
        world.bind(self.phone.msisdn, self.user)

    def log_lines(self):
        try:
            with open(self.kill_log, encoding="utf-8") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def old_connection(self):
        """A connection of a peer that the data plane will not survive."""
        connection = socket.create_connection(("198.18.0.2", self.world.http_port), 5)
        connection.sendall(b"POST /mm7 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        return connection

    def reset_at_once(self, connection):
        """What a peer sees on it afterwards: an end, at once."""
        connection.settimeout(5)
        started = time.monotonic()
        try:
            connection.sendall(b"x")
            while connection.recv(4096):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        except socket.timeout:
            raise AssertionError("an old connection is still open 5 s after the restart") from None
        finally:
            connection.close()
        check(time.monotonic() - started < 5, "an old connection ended late")

    def all_through(self):
        """Nothing is under way: what a random kill left would reach an armed step again and again, before the round's own message does."""
        wait_for(lambda: all(item["state"] == "delivered" for item in self.world.items()), 90, "the rounds before to be through")

    def restart_dataplane(self, step=None):
        world = self.world
        world.dataplane.kill()
        for _ in range(RESTARTS_MAX):
            world.dataplane.start(**({"PUSHMAIL_KILL_AT": step, "PUSHMAIL_KILL_LOG": self.kill_log} if step else {}))
            for port in (world.http_port, world.smtp_port):
                wait_for(lambda port=port: not world.dataplane.running() or world.connects("198.18.0.2", port), 30, "the data plane to be back")
            if world.dataplane.running():
                return
            # What the journal still holds of the round before goes on at once, and has reached the step.
            equal(world.dataplane.popen.wait(), -signal.SIGKILL, "how the data plane ended while it started")
        raise AssertionError("the data plane died %d times at %s while it started" % (RESTARTS_MAX, step))

    def die_at(self, step, before):
        """Waits until the armed data plane killed itself at its step, and counts the hit."""
        wait_for(lambda: not self.world.dataplane.running(), 60, "the data plane to reach %s" % step)
        equal(self.world.dataplane.popen.returncode, -signal.SIGKILL, "how the data plane ended at %s" % step)
        check(len(self.log_lines()) > before, "no line about %s in PUSHMAIL_KILL_LOG" % step)
        check(step in self.log_lines()[-1].replace(".", "_"), "PUSHMAIL_KILL_LOG says %r at %s" % (self.log_lines()[-1], step))
        self.hits[step] = self.hits.get(step, 0) + 1

    @staticmethod
    def at_a_random_time(kill):
        """Most of the work is done in 30 ms, so most kills fall there; some come later."""
        time.sleep(samples.RANDOM.uniform(0, 0.03) if samples.RANDOM.randrange(4) else samples.RANDOM.uniform(0.03, 0.3))
        kill()

    def count(self, interrupted):
        self.random_kills += 1
        self.interrupted += interrupted

    def one_mail(self, token):
        """The mail with this token is in the mailbox, once."""
        def count():
            return [mail for _, mail in self.world.mails(self.reader) if token in mailbox.text_of(mailbox.parse(mail))]
        found = wait_for(count, 90, "the mail with %s" % token)
        self.mails.append(token)
        if len(found) > 1:
            identity = mailbox.parse(found[0])["Message-ID"].strip("<>").split("@")[0]
            check(self.world.item(identity).get("duplicate_possible"), "%d mails with %s" % (len(found), token))

    def phone_to_mail(self, step):
        token = samples.token()
        before = len(self.log_lines())
        if step:
            self.all_through()
        self.restart_dataplane(step)
        connection = self.old_connection()
        sent = self.phone.ask("send", to=[self.world.code], text="%s\n%s" % (self.world.address(self.reader), token), subject=None, parts=[])
        if step:
            self.die_at(step, before)
        else:
            self.at_a_random_time(self.world.dataplane.kill)
            self.count(not self.world.mmsc_log(event="deliver_rsp", message_id=sent["message_id"]) or
                       not [mail for _, mail in self.world.mails(self.reader) if token.encode() in mail])
        self.restart_dataplane()
        self.reset_at_once(connection)
        wait_for(lambda: self.world.mmsc_log(event="deliver_rsp", message_id=sent["message_id"], status=1000), 60,
                 "DeliverRsp 1000 for %s" % token)
        self.one_mail(token)

    def fetchers(self):
        """PIDs of the fetcher processes in this namespace."""
        found = []
        for path in glob.glob("/proc/[0-9]*/comm"):
            try:
                with open(path, encoding="ascii") as file:
                    if file.read().startswith("pushmail-fetche"):
                        found.append(int(path.split("/")[2]))
            except OSError:
                continue
        return found

    def mailbox_to_phone(self, step, victim):
        token = samples.token()
        before, count = len(self.log_lines()), len(self.phone.inbox()["mms"])
        if step:
            self.all_through()
            self.restart_dataplane(step)
        raw, _ = samples.mail("%s %s" % (samples.word(), token), samples.word(), "joe@example.com", self.world.address(self.user),
                              samples.word() + "\r\n", None, [("p.png", "image/png", samples.png(120, 90))])
        self.world.deliver(self.user, raw)
        sms = self.phone.wait_sms(60, text=token)
        wait_for(self.fetchers, 30, "a fetcher to run")
        answer = threading.Thread(target=self.phone.ask, args=("answer",), kwargs={"id": sms["id"]})
        answer.start()
        if step:
            self.die_at(step, before)
            self.restart_dataplane()
        else:
            def kill_fetchers():
                for pid in self.fetchers():
                    os.kill(pid, signal.SIGKILL)
            self.at_a_random_time(kill_fetchers if victim == "fetcher" else self.world.controlplane.kill)
            self.count(not [each for each in self.world.mmsc_log(event="submit_rsp") if each["message_id"] in {
                other["message_id"] for other in self.world.mmsc_log(event="notification_ind")}
                and token in json.dumps(self.world.mmsc_log(event="submit_req", transaction=each["transaction"]), ensure_ascii=False)])
            if victim != "fetcher":
                self.world.controlplane.start()
        answer.join(60)
        item = self.world.wait_item(lambda each: token in each.get("subject", "") and each["state"] == "delivered", 90,
                                    "the item with %s to be delivered" % token)
        messages = [each for each in self.phone.wait_mms(60, count + 1) if token in each["subject"]]
        self.messages.append((token, item["item"]))
        check(len(messages) == 1 or self.world.item(item["item"]).get("duplicate_possible"), "%d messages with %s" % (len(messages), token))

    def at_the_end(self):
        """Nothing came twice later on."""
        for token in list(self.mails):
            self.one_mail(token)
        inbox = self.phone.inbox()["mms"]
        for token, item in self.messages:
            found = [each for each in inbox if token in each["subject"]]
            check(len(found) == 1 or self.world.item(item).get("duplicate_possible"), "%d messages with %s in the end" % (len(found), token))


def test(world, arguments):
    rounds = Rounds(world)
    for index in range(arguments.rounds):
        named = index % 2 == 0
        step = TO_MAIL[index // 2 % len(TO_MAIL)] if named else None
        started = time.monotonic()
        rounds.phone_to_mail(step)
        print("round %d, phone to mail, %s: %.1f s" % (index + 1, step or "random time", time.monotonic() - started), flush=True)
        step = TO_PHONE[index // 2 % len(TO_PHONE)] if named else None
        victim = "fetcher" if index // 2 % 2 else "controlplane"
        started = time.monotonic()
        rounds.mailbox_to_phone(step, victim)
        print("round %d, mailbox to phone, %s: %.1f s" % (index + 1, step or victim + " at a random time", time.monotonic() - started),
              flush=True)
    rounds.at_the_end()
    print("hits at named steps: %s" % ", ".join("%s %d" % item for item in sorted(rounds.hits.items())))
    print("kills at random times: %d, of which %d fell into the middle" % (rounds.random_kills, rounds.interrupted))
    if arguments.rounds >= 10:
        check(rounds.interrupted > 0, "no kill at a random time interrupted anything")
        equal(sorted(rounds.hits), sorted({*TO_MAIL, *TO_PHONE}), "steps that were hit")


if __name__ == "__main__":
    case.run(test, __doc__.splitlines()[0], options=[("rounds", 20, "rounds in each direction")], mmsc={"dedup": True},
             peer={"deduplicates": True})
