#!/usr/bin/python3
"""The patent's figures 4 and 5 on real input, through every real part. Called by ./demo, which builds first.

Each line that is printed was read from a record of the program that did it: `pushmailctl item trace --jsonl`, the logs of the MMSC,
SMSC and phones, and those of Dovecot and Postfix. The script knows which records must exist, not what they say: it exits with 1 when
one is missing. Numbers, suffix, ports, tokens and attachment bytes are drawn anew in each run.

  demo.py --build FOLDER [--link dpdk|kernel] [--keep] [--seconds N]
"""
import argparse
import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import mailbox, namespace, records  # noqa: E402
from harness.wait import Late, wait_for  # noqa: E402

# Fields of a record that say nothing to a reader, or stand at the front of the line already.
HIDDEN = ("ts", "program", "plane", "level", "event", "step", "trace", "hex", "item", "state")


class Demo:
    def __init__(self, world, seconds):
        self.world, self.seconds, self.missing = world, seconds, []

    def title(self, text):
        print("\n== %s" % text, flush=True)

    def line(self, step, when, source, words, trace):
        print("%-4s %-24s %-28s %-32s %s" % (step, when, source, trace or "-", words), flush=True)

    def show(self, step, source, record, trace):
        """Prints one record; its trace id is its own, or that of the item it was found by."""
        words = ["%s%s" % (record.get("event", ""), " -> " + record["state"] if record.get("state") else "")]
        words += ["%s=%s" % (name, value if len(str(value)) < 90 else str(value)[:87] + "...") for name, value in record.items()
                  if name not in HIDDEN and value not in ("", None)]
        self.line(step, record["ts"], "%s: %s" % (source, record.get("program") or record.get("plane")), " ".join(words), record.get("trace") or trace)

    def step(self, step, source, find, trace=None):
        """Waits for the record of a step and prints it. `find` gives it, or nothing yet."""
        try:
            record = wait_for(find, self.seconds, "step %s in %s" % (step, source))
        except Late as late:
            self.missing.append("%s (%s)" % (step, late))
            print("%-4s MISSING: %s" % (step, late), flush=True)
            return None
        self.show(step, source, record, trace() if callable(trace) else trace)
        return record

    # ---- finders, one for each kind of record

    def state(self, item, *states):
        return lambda: next((row for row in self.world.trace(item) if row["state"] in states), None)

    def mmsc(self, event, **wanted):
        return lambda: next(iter(self.world.mmsc_log(event=event, **wanted)), None)

    def smsc(self, event, **wanted):
        return lambda: next(iter(self.world.smsc_log(event=event, **wanted)), None)

    def phone(self, phone, event, **wanted):
        return lambda: next((each for each in phone.log() if each["event"] == event and
                             all(each.get(name) == value for name, value in wanted.items())), None)

    def log_line(self, program, server, *words):
        """A line of Dovecot's or Postfix's log that holds all the words."""
        def find():
            for line in server.lines():
                if all(word in line for word in words):
                    when, text = re.match(r"([A-Z][a-z]{2} +\d+ [\d:]+|\S+) (.*)", line).groups()
                    return {"ts": when, "program": program, "event": text}
            return None
        return find

    def postfix_delivery(self, message_id):
        """Postfix's word on the next hop of a mail, found by its Message-ID."""
        def find():
            lines = self.world.postfix.lines()
            queue = [re.search(r": ([0-9A-F]+): message-id=<%s>" % re.escape(message_id), line) for line in lines]
            queue = [match.group(1) for match in queue if match]
            return self.log_line("postfix", self.world.postfix, *([": %s: to=" % queue[-1], "status=sent"]))() if queue else None
        return find


def picture_of(message, name):
    """Bytes of the part with this name in a message that a phone keeps."""
    part = next((part for part in message["parts"] if part["name"] == name), None)
    if part is None:
        return None
    with open(part["file"], "rb") as file:
        return file.read()


def digest(data):
    return "none" if data is None else "%d bytes, SHA-256 %s" % (len(data), hashlib.sha256(data).hexdigest()[:16])


def mail_to_phone(demo, phone, user):
    """Steps 401 to 412 -> (the message as the phone keeps it, the mail's Message-ID)."""
    import samples
    world = demo.world
    token = samples.token()
    subject = "%s %s" % (samples.word(), token)
    name = "%s-%s.png" % (samples.word(3), samples.token())
    picture = samples.png()
    text = "%s\r\n%s %s\r\n" % (samples.word(8), samples.word(4), samples.token())
    raw, message_id = samples.mail(subject, samples.word(5), "joe@%s" % world.box_domain, world.address(user), text,
                                   "<html><body><p>%s</p></body></html>" % text.strip(), [(name, "image/png", picture)])
    demo.title("Figure 4: a mail for %s, subject %r, picture %r" % (phone.msisdn, subject, name))
    world.deliver(user, raw, "joe@%s" % world.box_domain)
    item = world.wait_item(lambda each: each["way"] == "to_phone" and token in each.get("subject", ""), demo.seconds, "the mail's item")
    identity, trace = item["item"], item["trace"]
    names = {"transaction": "pm" + identity}
    demo.step("401", "log", demo.log_line("dovecot", world.dovecot, "msgid=<%s>" % message_id, "saved mail"), trace)
    demo.step("401", "item trace", demo.state(identity, "accepted"), trace)
    demo.step("402", "item trace", demo.state(identity, "notified"), trace)
    demo.step("402", "log", demo.phone(phone, "sms"), trace)
    phone.ask("answer")
    demo.step("403", "log", demo.phone(phone, "sms_sent"), trace)
    demo.step("403", "item trace", demo.state(identity, "requested"), trace)
    demo.step("404", "item trace", demo.state(identity, "fetching"), trace)
    demo.step("404", "item trace", demo.state(identity, "converting", "submitting"), trace)
    for step, event in (("405", "submit_req"), ("406", "submit_rsp")):
        demo.step(step, "log", demo.mmsc(event, **names), trace)
    demo.step("406", "item trace", demo.state(identity, "submitted"), trace)
    notice = demo.step("407", "log", demo.mmsc("notification_ind", **names), trace) or {}
    mm1 = {"mm1_transaction": notice.get("mm1_transaction")}
    demo.step("407", "log", demo.phone(phone, "notification_ind", **mm1), trace)
    demo.step("408", "log", demo.mmsc("retrieve_req", **names), trace)
    demo.step("409", "log", demo.mmsc("retrieve_conf", **names), trace)
    shown = demo.step("409", "log", demo.phone(phone, "retrieve_conf", **mm1), trace) or {}
    demo.step("410", "log", demo.mmsc("notifyresp_ind", mm_status="Retrieved", **names), trace)
    report = {"message_id": shown.get("message_id")}
    demo.step("411", "log", demo.mmsc("delivery_report_req", **report), trace)
    demo.step("412", "log", demo.mmsc("delivery_report_rsp", **report), trace)
    demo.step("412", "item trace", demo.state(identity, "delivered"), trace)
    message = phone.wait_mms(demo.seconds)[-1]
    fetched = picture_of(message, name)
    print("     attachment in the mail: %s; on the phone: %s" % (digest(picture), digest(fetched)))
    if fetched != picture:
        demo.missing.append("the phone's picture is not the mail's")
    if token not in message["text"]:
        demo.missing.append("the phone does not show the mail's subject")
    return message, message_id


def phone_to_mail(demo, phone, to, reader, text, subject):
    """Steps 501 to 506 for one message of the phone -> the mail as it lies in Dovecot, parsed."""
    import samples
    world = demo.world
    name = "%s.png" % samples.token()
    picture = samples.png()
    before = {each["item"] for each in world.items()}
    count = len(world.mails(reader))
    sent = phone.ask("send", to=[to], subject=subject, text=text, delivery_report=True,
                     parts=[{"name": name, "type": "image/png", "data": base64.b64encode(picture).decode()}])
    names = {"message_id": sent["message_id"]}
    found = {}

    def trace():
        """The trace id of the item that the DeliverReq became."""
        if not found:
            found.update(world.wait_item(lambda each: each["way"] == "to_mail" and each["item"] not in before and
                                         each.get("msisdn") == phone.msisdn, demo.seconds, "the message's item"))
        return found["trace"]
    demo.step("501", "log", demo.phone(phone, "send_req", mm1_transaction=sent["transaction"]), trace)
    demo.step("501", "log", demo.mmsc("send_req", **names), trace)
    demo.step("502", "log", demo.mmsc("send_conf", **names), trace)
    demo.step("503", "log", demo.mmsc("deliver_req", **names), trace)
    trace()
    demo.step("503", "item trace", demo.state(found["item"], "routed"), trace)
    demo.step("504", "log", demo.mmsc("deliver_rsp", **names), trace)
    demo.step("505", "log", demo.mmsc("delivery_ind", **names), trace)
    demo.step("505", "log", demo.phone(phone, "delivery_ind", **names), trace)
    demo.step("506", "item trace", demo.state(found["item"], "delivered"), trace)
    message_id = "%s@%s" % (found["item"], world.mms_domain)
    demo.step("506", "log", demo.postfix_delivery(message_id), trace)
    demo.step("506", "log", demo.log_line("dovecot", world.dovecot, "msgid=<%s>" % message_id, "saved mail"), trace)
    mail = mailbox.parse(world.wait_mails(reader, count + 1, demo.seconds)[-1][1])
    print("     in Dovecot, mailbox %s:" % world.address(reader))
    for header in ("From", "To", "Subject", "Message-ID", "In-Reply-To", "Pushmail-Trace"):
        if mail[header]:
            print("       %s: %s" % (header, mail[header]))
    for line in mailbox.text_of(mail).strip().splitlines():
        print("       | %s" % line)
    arrived = next((data for part, _, data in mailbox.attachments(mail) if part == name), None)
    print("       attachment on the phone: %s; in the mail: %s" % (digest(picture), digest(arrived)))
    if arrived != picture:
        demo.missing.append("the mail's picture is not the phone's")
    if mail["Message-ID"].strip("<>") != message_id:
        demo.missing.append("506: another mail than the phone's arrived")
    return mail


def refused_phone(demo, stranger):
    """A phone without a binding: its message is refused, and it is told how to subscribe."""
    world = demo.world
    demo.title("A phone that is not bound: %s" % stranger.msisdn)
    sent = stranger.ask("send", to=[world.code], text="hello", parts=[], delivery_report=True)
    names = {"message_id": sent["message_id"]}
    log = world.dataplane.log

    def trace():
        """The trace id that the data plane gave to the message it refused."""
        found = wait_for(lambda: records.matching(records.lines(log), event="admission_refused"), demo.seconds, "the refusal in its log")
        return found[-1]["trace"]
    demo.step("503", "log", demo.mmsc("deliver_req", **names), trace)
    demo.step("503", "log", lambda: next(iter(records.matching(records.lines(log), event="admission_refused")), None), trace)
    answer = demo.step("504", "log", demo.mmsc("deliver_rsp", **names), trace)
    demo.step("505", "log", demo.phone(stranger, "delivery_ind", **names), trace)
    demo.step("505", "log", demo.phone(stranger, "sms"), trace)
    if answer and answer["status"] == 1000:
        demo.missing.append("the phone that is not bound was not refused")


def counters(demo):
    """The data plane's own counters, and those of the interface it sits behind."""
    world = demo.world
    print("\n== Counters: pushmailctl worker show --json")
    for name, value in world.ctl("worker", "show", "--json").items():
        if "_port_" in name or "_tcp_" in name:
            print("     %-45s %d" % (name, value))
    if world.link == "dpdk":
        from harness.world import TAP
        print("\n== The kernel's counters of the tap behind the DPDK port: ip -s link show %s" % TAP)
        print(subprocess.run(["ip", "-s", "link", "show", TAP], stdout=subprocess.PIPE, check=True).stdout.decode().rstrip())
        print("INET sockets of pushmail-dataplane: %d" % len(world.inet_sockets(world.dataplane.pid)))


def run(world, arguments):
    import samples
    demo = Demo(world, arguments.seconds)
    world.start()
    print("Everything runs in %s: data plane on %s, MMSC and mail servers on %s, service number %s" % (
        world.link if world.link != "dpdk" else "our TCP on a DPDK port", world.configuration()["http"]["listen"],
        world.mmsc_settings["mm7"][0], world.code))
    phone, other, stranger = world.phone(), world.phone(), world.phone()
    reader, second, joe = world.mailbox(), world.mailbox(), world.mailbox("joe")
    world.bind(phone.msisdn, reader)
    world.bind(other.msisdn, second)
    message, message_id = mail_to_phone(demo, phone, reader)

    suffix = message["from"]
    demo.title("Figure 5: the phone answers %s" % suffix)
    answer = phone_to_mail(demo, phone, suffix, joe, "%s %s" % (samples.word(), samples.token()), None)
    if message_id not in str(answer["In-Reply-To"]):
        demo.missing.append("the answer has no In-Reply-To of the mail")
    demo.title("Figure 5: a new mail to an address in the first line")
    phone_to_mail(demo, phone, world.code, joe, "%s %s\n%s" % (world.address("joe"), samples.word(), samples.token()), None)
    demo.title("Figure 5: a new mail to another bound number, %s" % other.msisdn)
    world.route_number(other.msisdn)
    phone_to_mail(demo, phone, "+%s/TYPE=PLMN" % other.msisdn, second, samples.word() + " " + samples.token(), samples.word())
    refused_phone(demo, stranger)

    print("\n== What the phone %s shows" % phone.msisdn)
    print("\n".join("     | " + line for line in message["text"].splitlines()))
    page = os.path.join(arguments.build.split(":")[0], "demo", "message.html")
    os.makedirs(os.path.dirname(page), exist_ok=True)
    shutil.copyfile(message["page"], page)
    print("     page with the slides: %s" % os.path.abspath(page))
    counters(demo)
    if demo.missing:
        print("\nMISSING:\n  " + "\n  ".join(demo.missing))
    else:
        print("\nEvery step of figures 4 and 5 was seen.")
    if arguments.keep:
        print("\nStill running. Look with:\n  %s --root %s item list\nEnd with Ctrl-C." % (world.programs["pushmailctl"], world.root),
              flush=True)
        signal.pause()
    return 1 if demo.missing else 0


def main():
    parser = argparse.ArgumentParser(description="figures 4 and 5 on real input")
    parser.add_argument("--build", default=os.environ.get("PUSHMAIL_BUILD", "build/dev"))
    parser.add_argument("--link", choices=("dpdk", "kernel"), default="dpdk")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--seconds", type=float, default=60, help="how long a step may take")
    arguments = parser.parse_args()
    namespace.enter()
    from harness.world import World
    world = World(arguments.build, arguments.link)
    code = 1
    try:
        code = run(world, arguments)
    except (Late, RuntimeError, AssertionError, OSError) as error:
        print("\ndemo: %s\n%s" % (error, world.words_of_failure()), flush=True)
    finally:
        world.stop()
    sys.exit(code)


if __name__ == "__main__":
    main()
