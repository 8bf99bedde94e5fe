#!/usr/bin/python3
"""A phone of the tests: SMS through smsc.py, multimedia messages over MM1 with mmsc.py.

Came from: SMS and WAP pushes (smsc.py), M-Retrieve.conf (mmsc.py), commands of a test. Goes to: answers by SMS, M-Send.req,
acknowledgements; every MM is kept in a folder: the raw M-Retrieve.conf, its parts, and one HTML page with the slides.

  phone.py SETTINGS.json    {"msisdn": digits, "smsc": [ip, port], "mmsc": "http://ip:port/mms", "control": [ip, port], "log": path,
                             "folder": path, "retrieval": "immediate" | "deferred" | "manual", "report_allowed": true,
                             "auto_answer": false, "size_max": 1048576}

Control: JSON lines, one answer for each: {"op": "inbox"}, {"op": "sms", "to", "text"}, {"op": "answer", "id"?},
{"op": "fetch" | "reject", "id"}, {"op": "send", "to": [..], "subject", "text", "parts": [{"name", "type", "data": base64}],
"delivery_report": bool}, {"op": "show", "id"?}, {"op": "set", "auto_answer" | "retrieval": value}.
Malformed pushes are dropped, a malformed M-Retrieve.conf is never acknowledged, an MMS of another major version is Unrecognised.
"""
import asyncio
import base64
import html
import json
import os
import re
import secrets
import signal
import sys

from lxml import etree

import http1
from ledger import Ledger
from pdu import mms, wsp

MMS_TYPE = "application/vnd.wap.mms-message"


class Phone:
    def __init__(self, settings):
        self.settings = settings
        self.msisdn = settings["msisdn"]
        self.log = Ledger("phone", settings.get("log"))
        self.sms = []                     # {"id", "from", "text"}
        self.mms = []                     # {"id", "from", "subject", "state", "transaction", "url", ...}
        self.reports = []                 # M-Delivery.ind
        self.waiting = {}                 # our SMS id -> future of its status
        self.writer = None
        self.tasks = set()

    def note(self, event, **fields):
        self.log.write(event, msisdn=self.msisdn, **fields)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.note("broken", why=repr(task.exception()))

    # ---- SMS

    async def radio(self):
        """Stays attached to the SMSC, for ever."""
        while True:
            try:
                reader, self.writer = await asyncio.open_connection(*self.settings["smsc"], limit=1 << 20)
                self.writer.write(json.dumps({"op": "attach", "msisdn": self.msisdn}).encode() + b"\n")
                async for line in reader:
                    await self.from_network(json.loads(line))
            except OSError as error:
                self.note("no_network", why=str(error))
            self.writer = None
            await asyncio.sleep(0.5)

    async def from_network(self, event):
        if event["event"] == "attached":
            self.note("attached")
        elif event["event"] == "mo_result":
            future = self.waiting.pop(event["id"], None)
            if future and not future.done():
                future.set_result(event["status"])
        elif event["event"] == "sms":
            self.writer.write(json.dumps({"op": "ack", "id": event["id"]}).encode() + b"\n")
            if "data" in event:
                if event.get("port") == 2948:
                    self.take_push(bytes.fromhex(event["data"]))
                else:
                    self.note("refused", why="binary SMS to port %s" % event.get("port"))
                return
            if any(each["id"] == event["id"] for each in self.sms):
                return
            self.sms.append({"id": event["id"], "from": event["from"], "text": event["text"]})
            self.note("sms", step=402, sms=event["id"], source=event["from"], text=event["text"])
            if self.settings.get("auto_answer") and self.code_asked(event["text"]):
                self.spawn(self.answer(event["id"]))

    @staticmethod
    def code_asked(text):
        """The two digits that an SMS asks to be answered with; the asking stands behind sender and subject."""
        asked = re.findall(r"(?i)\b(?:answer|reply|code|send)\b\D{0,12}(?<!\d)(\d\d)(?!\d)", text)
        return asked[-1] if asked else None

    def code_in(self, text):
        """The code of an SMS as a person finds it: where it is asked for, else the last two digits that stand alone."""
        alone = re.findall(r"(?<![\d.:/+-])(\d\d)(?![\d:/]|\.\d)", text)
        return self.code_asked(text) or (alone[-1] if alone else None)

    async def send_sms(self, to, text):
        identity = secrets.token_hex(4)
        future = asyncio.get_running_loop().create_future()
        self.waiting[identity] = future
        if self.writer is None:
            raise ConnectionError("no network")
        self.writer.write(json.dumps({"op": "mo", "to": to, "text": text, "id": identity}).encode() + b"\n")
        status = await asyncio.wait_for(future, 60)
        self.note("sms_sent", step=403, to=to, text=text, status=status)
        return status

    async def answer(self, identity=None):
        message = next((each for each in reversed(self.sms) if identity in (None, each["id"]) and self.code_in(each["text"])), None)
        if message is None:
            raise KeyError("no SMS with a code")
        code = self.code_in(message["text"])
        status = await self.send_sms(message["from"], code)
        return {"code": code, "status": status, "to": message["from"]}

    # ---- MM1

    def take_push(self, data):
        """A WAP push; what is malformed is dropped, as phones do."""
        try:
            _, media, application, body = wsp.read_push(data)
            if media != MMS_TYPE or application not in (None, 4):
                raise wsp.PduError("push of %s for application %s" % (media, application))
            version = re.match(rb"\x8c\x82\x98([\x21-\x7e]+)\0\x8d([\x80-\xff])", body)
            if version and version.group(2)[0] & 0x70 != 0x10:
                self.note("refused", why="MMS version %02X" % version.group(2)[0])
                self.spawn(self.respond(version.group(1).decode(), "Unrecognised"))
                return
            pdu = mms.decode(body)
            if pdu.kind == "m-delivery-ind":
                self.reports.append({"message_id": pdu.get("message-id"), "to": pdu.get("to"), "status": pdu.get("status")})
                self.note("delivery_ind", step=505, message_id=pdu.get("message-id"), mm_status=pdu.get("status"), to=pdu.get("to"))
                return
            if pdu.kind != "m-notification-ind":
                raise wsp.PduError("%s as a push" % pdu.kind)
            if not re.match(r"http://[^/\s]+/\S*$", pdu.get("content-location")):
                raise wsp.PduError("Content-Location %r" % pdu.get("content-location"))
        except wsp.PduError as error:
            self.note("refused", why=str(error))
            return
        known = next((each for each in self.mms if each["transaction"] == pdu.get("transaction-id")), None)
        if known:
            self.note("notification_repeated", mm1_transaction=known["transaction"])
            return
        message = {"id": len(self.mms) + 1, "from": pdu.get("from"), "subject": pdu.get("subject", ""), "state": "notified",
                   "transaction": pdu.get("transaction-id"), "url": pdu.get("content-location"), "size": pdu.get("message-size")}
        self.mms.append(message)
        self.note("notification_ind", step=407, mm1_transaction=message["transaction"], sender=message["from"])
        if message["size"] > self.settings.get("size_max", 1 << 20):
            self.spawn(self.reject(message))
        elif self.settings.get("retrieval", "immediate") != "manual":
            self.spawn(self.retrieve(message))

    async def post(self, pdu):
        """Posts a PDU to the MMSC; again when the network fails, as phones do."""
        for attempt in range(5):
            try:
                return await http1.request(self.settings["mmsc"], "POST", mms.encode(pdu), {
                    "Content-Type": MMS_TYPE, "Accept": "*/*, " + MMS_TYPE, "X-WAP-Network-Client-MSISDN": self.msisdn,
                    "User-Agent": "test-phone/1"})
            except (OSError, asyncio.TimeoutError) as error:
                self.note("no_answer", why=str(error), attempt=attempt + 1)
                await asyncio.sleep(self.settings.get("retry", 1.0))
        raise ConnectionError("the MMSC does not answer")

    async def respond(self, transaction, status):
        pdu = mms.Pdu("m-notifyresp-ind", transaction_id=transaction, mms_version="1.2", status=status)
        if status in ("Retrieved", "Deferred"):
            pdu.fields["report-allowed"] = self.settings.get("report_allowed", True)
        answer = await self.post(pdu)
        self.note("notifyresp_ind", mm1_transaction=transaction, mm_status=status, http=answer.status,
                  step=410 if status == "Retrieved" else None)

    async def reject(self, message):
        message["state"] = "rejected"
        await self.respond(message["transaction"], "Rejected")

    async def retrieve(self, message, tries=3):
        deferred = self.settings.get("retrieval") == "deferred"
        if deferred and message["state"] == "notified":
            message["state"] = "deferred"
            await self.respond(message["transaction"], "Deferred")
        for attempt in range(tries):
            try:
                answer = await http1.request(message["url"], headers={
                    "Accept": "*/*, " + MMS_TYPE, "X-WAP-Network-Client-MSISDN": self.msisdn, "User-Agent": "test-phone/1"})
                if answer.status != 200 or answer.content_type.split(";")[0] != MMS_TYPE:
                    raise wsp.PduError("HTTP %d with %r" % (answer.status, answer.content_type))
                pdu = mms.decode(answer.body)
                if pdu.kind != "m-retrieve-conf":
                    raise wsp.PduError("%s instead of M-Retrieve.conf" % pdu.kind)
                if pdu.get("retrieve-status", 0x80) != 0x80:
                    raise wsp.PduError("Retrieve-Status %02X" % pdu.get("retrieve-status"))
                self.check_content(pdu)
                break
            except (wsp.PduError, OSError, asyncio.TimeoutError) as error:
                self.note("refused", why=str(error), mm1_transaction=message["transaction"], attempt=attempt + 1)
                await asyncio.sleep(self.settings.get("retry", 1.0))
        else:
            message["state"] = "failed"
            return
        self.keep(message, pdu, answer.body)
        self.note("retrieve_conf", step=409, mm1_transaction=message["transaction"], message_id=pdu.get("message-id"),
                  sender=pdu.get("from"), subject=pdu.get("subject"), bytes=len(answer.body), parts=len(pdu.parts),
                  page=message["page"])
        if pdu.get("transaction-id") == message["transaction"]:
            await self.respond(message["transaction"], "Retrieved")
        elif pdu.get("transaction-id"):
            acknowledge = mms.Pdu("m-acknowledge-ind", transaction_id=pdu.get("transaction-id"), mms_version="1.2",
                                  report_allowed=self.settings.get("report_allowed", True))
            answer = await self.post(acknowledge)
            self.note("acknowledge_ind", step=410, mm1_transaction=pdu.get("transaction-id"), http=answer.status)
        message["state"] = "retrieved"

    @staticmethod
    def check_content(pdu):
        """What a phone needs to show a message: readable texts, a SMIL whose parts exist."""
        smil = pdu.presentation()
        for part in pdu.parts:
            if part.media.startswith("text/"):
                try:
                    part.text()
                except (UnicodeDecodeError, LookupError):
                    raise wsp.PduError("text part %s is not %s" % (part.name(), part.params.get("charset"))) from None
        if smil is None:
            return
        try:
            root = etree.fromstring(smil.data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        except etree.XMLSyntaxError as error:
            raise wsp.PduError("SMIL: %s" % error) from None
        for element in root.iter():
            source = element.get("src") if isinstance(element.tag, str) else None
            if source is not None and find_part(pdu, source) is None:
                raise wsp.PduError("SMIL names %s, which is no part" % source)

    # ---- keeping and showing

    def keep(self, message, pdu, raw):
        folder = os.path.join(self.settings["folder"], "mm-%d" % message["id"])
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "retrieve.conf"), "wb") as file:
            file.write(raw)
        listed, used = [], set()
        for index, part in enumerate(pdu.parts):
            path = os.path.join(folder, "part-%d" % index)
            with open(path, "wb") as file:
                file.write(part.data)
            listed.append({"type": part.media, "name": part.params.get("name") or part.location, "file": path,
                           "bytes": len(part.data), "charset": part.params.get("charset"), "content_id": part.content_id})
        slides = slides_of(pdu)
        text = ["From: %s" % pdu.get("from"), "Subject: %s" % pdu.get("subject", "")]
        page = ["<!doctype html><html><head><meta charset=\"utf-8\"><title>%s</title><style>body{font-family:sans-serif;"
                "max-width:40em;margin:1em auto}section{border:1px solid #999;padding:1em;margin:1em 0}img{max-width:100%%}"
                "pre{white-space:pre-wrap}</style></head><body><h1>%s</h1><p>From %s to %s</p>" % (
                    html.escape(pdu.get("subject", "")), html.escape(pdu.get("subject", "")), html.escape(pdu.get("from", "")),
                    html.escape(self.msisdn))]
        for number, slide in enumerate(slides, 1):
            text.append("--- slide %d" % number)
            page.append("<section><h2>%d</h2>" % number)
            for part in slide:
                used.add(id(part))
                page.append(part_html(part))
                text.append(part.text() if part.media.startswith("text/plain") else "[%s %s, %d bytes]" % (
                    part.media, part.name(), len(part.data)))
            page.append("</section>")
        smil = pdu.presentation()
        rest = [part for part in pdu.parts if part is not smil and id(part) not in used]
        if rest:
            text.append("--- attachments")
            page.append("<section><h2>Attachments</h2>")
            for part in rest:
                page.append(part_html(part))
                text.append("[%s %s, %d bytes]" % (part.media, part.name(), len(part.data)))
            page.append("</section>")
        page.append("</body></html>\n")
        name = os.path.join(folder, "message.html")
        with open(name, "w", encoding="utf-8") as file:
            file.write("".join(page))
        message.update(folder=folder, page=name, text="\n".join(text), parts=listed, message_id=pdu.get("message-id"),
                       subject=pdu.get("subject", ""), **{"from": pdu.get("from")})

    # ---- sending

    async def send(self, command):
        """M-Send.req with text and parts as slides -> what M-Send.conf said."""
        pdu = mms.Pdu("m-send-req", transaction_id=command.get("transaction") or "t" + secrets.token_hex(6), mms_version="1.2")
        pdu.fields["from"] = mms.INSERT_ADDRESS
        pdu.fields["to"] = [str(address) for address in command["to"]]
        if command.get("subject") is not None:
            pdu.fields["subject"] = command["subject"]
        pdu.fields.update({"message-class": "Personal", "priority": "Normal",
                           "delivery-report": bool(command.get("delivery_report", False)), "read-report": False})
        media = []
        if command.get("text") is not None:
            media.append(wsp.Part("text/plain", command["text"].encode("utf-8"), {"charset": "utf-8", "name": "text.txt"},
                                  "text", "text.txt"))
        for index, part in enumerate(command.get("parts", [])):
            media.append(wsp.Part(part["type"], base64.b64decode(part["data"]), {"name": part["name"]}, "part%d" % index,
                                  part["name"]))
        root = etree.Element("smil")
        layout = etree.SubElement(etree.SubElement(root, "head"), "layout")
        etree.SubElement(layout, "root-layout", width="176", height="208")
        etree.SubElement(layout, "region", id="Image", left="0", top="0", width="176", height="144", fit="meet")
        etree.SubElement(layout, "region", id="Text", left="0", top="144", width="176", height="64", fit="scroll")
        body = etree.SubElement(root, "body")
        pictures = [part for part in media if part.media.startswith("image/")]
        slides = max(1, len(pictures)) if media else 0
        for index in range(slides):
            slide = etree.SubElement(body, "par", dur="8s")
            if index < len(pictures):
                etree.SubElement(slide, "img", src=pictures[index].location, region="Image")
            if index == 0 and media[0].media == "text/plain":
                etree.SubElement(slide, "text", src=media[0].location, region="Text")
        smil = wsp.Part("application/smil", etree.tostring(root, encoding="utf-8"), {"charset": "utf-8"}, "smil", "show.smil")
        pdu.parts = [smil] + media
        raw = mms.encode(pdu)
        self.note("send_req", step=501, mm1_transaction=pdu.get("transaction-id"), to=pdu.get("to"), subject=pdu.get("subject"),
                  bytes=len(raw))
        answer = await self.post(pdu)
        conf = mms.decode(answer.body)
        if conf.kind != "m-send-conf" or conf.get("transaction-id") != pdu.get("transaction-id"):
            raise wsp.PduError("%s for %s" % (conf.kind, conf.get("transaction-id")))
        self.note("send_conf", step=502, mm1_transaction=pdu.get("transaction-id"), message_id=conf.get("message-id"),
                  response_status="%02X" % conf.get("response-status"), text=conf.get("response-text"))
        return {"response_status": conf.get("response-status"), "message_id": conf.get("message-id"),
                "transaction": pdu.get("transaction-id")}

    # ---- control

    def by_id(self, identity):
        if identity is None and self.mms:
            return self.mms[-1]
        return next(each for each in self.mms if each["id"] == identity)

    async def command(self, command):
        op = command.get("op")
        if op == "inbox":
            return {"sms": self.sms, "mms": self.mms, "reports": self.reports, "attached": self.writer is not None}
        if op == "sms":
            return {"status": await self.send_sms(command["to"], command["text"])}
        if op == "answer":
            return await self.answer(command.get("id"))
        if op == "fetch":
            await self.retrieve(self.by_id(command.get("id")))
            return self.by_id(command.get("id"))
        if op == "reject":
            await self.reject(self.by_id(command.get("id")))
            return {}
        if op == "send":
            return await self.send(command)
        if op == "show":
            return self.by_id(command.get("id"))
        if op == "set":
            self.settings.update({name: value for name, value in command.items() if name != "op"})
            return {}
        raise KeyError("op %r" % op)

    async def control(self, reader, writer):
        try:
            async for line in reader:
                try:
                    answer = {"ok": True, **await self.command(json.loads(line))}
                except (KeyError, ValueError, OSError, StopIteration, asyncio.TimeoutError) as error:
                    answer = {"ok": False, "error": "%s: %s" % (type(error).__name__, error)}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


def find_part(pdu, source):
    """The part that a SMIL src names (spec order: Content-ID, Content-Location, name, bare Content-ID)."""
    tests = (lambda part: source == "cid:" + part.content_id, lambda part: source == part.location,
             lambda part: source == part.params.get("name"), lambda part: source == part.content_id)
    return next((part for test in tests for part in pdu.parts if test(part)), None)


def slides_of(pdu):
    """Lists of parts, one a slide: by SMIL, else everything on one."""
    smil = pdu.presentation()
    if smil is None:
        return [pdu.parts]
    root = etree.fromstring(smil.data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    return [[find_part(pdu, element.get("src")) for element in par.iter() if isinstance(element.tag, str) and element.get("src")]
            for par in root.iter("{*}par")]


def part_html(part):
    if part.media.startswith("text/plain"):
        return "<pre>%s</pre>" % html.escape(part.text())
    data = "data:%s;base64,%s" % (part.media, base64.b64encode(part.data).decode())
    if part.media.startswith("image/"):
        return '<figure><img alt="%s" src="%s"><figcaption>%s, %d bytes</figcaption></figure>' % (
            html.escape(part.name()), data, html.escape(part.name()), len(part.data))
    return '<p><a download="%s" href="%s">%s</a>, %d bytes</p>' % (
        html.escape(part.name()), data, html.escape(part.name()), len(part.data))


async def start(settings):
    """The running phone; settings get the control port that was really taken."""
    phone = Phone(settings)
    os.makedirs(settings["folder"], exist_ok=True)
    phone.server = await asyncio.start_server(phone.control, *settings["control"], limit=8 << 20)
    settings["control"] = list(phone.server.sockets[0].getsockname()[:2])
    phone.radio_task = asyncio.ensure_future(phone.radio())
    return phone


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    phone = await start(settings)
    print(json.dumps({"control": settings["control"]}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    phone.radio_task.cancel()
    for task in list(phone.tasks):
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
