#!/usr/bin/python3
"""MMSC of the tests: MM7 Relay/Server for a VASP, MM1 over HTTP for phones, WAP pushes through smsc.py, mail through SMTP.

Came from: pushmail's data plane (SubmitReq), phones (M-Send.req, GET, M-NotifyResp.ind, M-Acknowledge.ind). Goes to: phones
(M-Notification.ind, M-Retrieve.conf, M-Delivery.ind), the data plane (DeliverReq, DeliveryReportReq), an SMTP server.
Routing is what MMSCs do by default: short codes and listed numbers to their VASP, e-mail recipients to SMTP, numbers to phones.

  mmsc.py SETTINGS.json [--no-dedup]
  {"mm7": [ip, port], "mm1": [ip, port], "control": [ip, port], "log": path, "folder": path, "server": "mmsc.example",
   "push": "http://smsc/push", "smtp": [ip, port], "mail_domain": "mmsc.example", "subscribers": [digits], "dedup": true,
   "retry": 1.0, "vasps": [{"name", "user", "password", "vaspid", "vasid", "codes": ["5000"], "numbers": [digits], "url",
                            "out_user", "out_password"}]}

Control: GET /state, GET /ledger, POST /command with any of {"refuse": {"code": n, "count": n}}, {"fault": {"code", "count"}},
{"http": {"status": n, "count": n}}, {"silent": bool}, {"listening": bool}, {"lose_answer": n}, {"dedup": bool}, {"subscribers": [digits]},
{"numbers": {vasp: [digits]}} (numbers whose messages go to that VASP), {"report": {"message_id", "msisdn", "sender": [kind, value],
"status"}} (of a message that it took before it was started anew).
"""
import asyncio
import base64
import datetime
import email.message
import email.utils
import hmac
import json
import os
import re
import secrets
import signal
import smtplib
import sys
import time

import http1
from ledger import Ledger, trace_of
from pdu import mm7, mms, wsp

MSISDN_HEADER = "x-wap-network-client-msisdn"
MMS_TYPE = "application/vnd.wap.mms-message"
SEGMENT_SINGLE = 133
SEGMENT_MULTI = 128
PORTS = bytes.fromhex("05040b8423f0")


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def plmn(digits):
    return "+%s/TYPE=PLMN" % digits


class Message:
    """One MM on its way to one phone."""

    def __init__(self, message_id, recipient, sender, subject, parts, smil):
        self.message_id, self.recipient, self.sender, self.subject = message_id, recipient, sender, subject
        self.parts, self.smil = parts, smil
        self.token = secrets.token_urlsafe(6)
        self.transaction = "n" + secrets.token_hex(4)
        self.deferred = False
        self.fetch_transaction = ""
        self.state = "waiting"            # waiting, fetched, retrieved, rejected, expired
        self.date = int(time.time())
        self.expires = self.date + 259200
        self.vasp = None                  # who gets the delivery report
        self.wants_report = False
        self.reports = []
        self.fields = {}                  # what log lines about it carry
        self.size = sum(len(part.data) for part in parts) + 512
        self.message_class = "Personal"
        self.priority = "Normal"


class Mmsc:
    def __init__(self, settings):
        self.settings = settings
        self.log = Ledger("mmsc", settings.get("log"))
        self.subscribers = set(settings.get("subscribers", []))
        self.messages = {}                # token -> Message
        self.by_transaction = {}          # (number, transaction id) -> Message
        self.seen = {}                    # (vasp, TransactionID) -> answer bytes
        self.sent = {}                    # (msisdn, transaction id) -> M-Send.conf bytes
        self.next_id = 0
        self.refusals = {}                # refuse, fault, http -> [value, count]
        self.silent = False
        self.lose_answer = 0
        self.tasks = set()
        self.captured = 0

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.log.write("broken", why=repr(task.exception()))

    def new_message_id(self):
        self.next_id += 1
        return "m%d-%s@%s" % (self.next_id, secrets.token_hex(5), self.settings["server"])

    def take_refusal(self, kind):
        entry = self.refusals.get(kind)
        if not entry:
            return None
        entry[1] -= 1
        if entry[1] <= 0:
            del self.refusals[kind]
        return entry[0]

    # ---- MM7: what the VASP sends

    def vasp_of(self, request):
        match = re.fullmatch(r"Basic ([A-Za-z0-9+/=]+)", request.headers.get("authorization", ""))
        if not match:
            return None
        try:
            given = base64.b64decode(match.group(1), validate=True)
        except ValueError:
            return None
        for vasp in self.settings["vasps"]:
            if hmac.compare_digest(given, ("%s:%s" % (vasp["user"], vasp["password"])).encode()):
                return vasp
        return None

    async def mm7_request(self, request):
        if self.silent:
            self.log.write("silence", target=request.target)
            await asyncio.sleep(3600)
            return None
        if request.target != "/mm7":
            return http1.Answer(404, b"not here", "text/plain")
        if request.method != "POST":
            return http1.Answer(405, b"POST only", "text/plain", Allow="POST")
        status = self.take_refusal("http")
        if status:
            self.log.write("refused", http=status, why="by command")
            return http1.Answer(status, b"by command", "text/plain")
        vasp = self.vasp_of(request)
        if vasp is None:
            self.log.write("refused", http=401, why="wrong or no credentials")
            return http1.Answer(401, b"who are you", "text/plain", WWW_Authenticate='Basic realm="mm7"')
        namespace, version = mm7.NAMESPACES[-1], "6.8.0"
        try:
            if "soapaction" not in request.headers:
                raise mm7.Refusal(4004, "no SOAPAction", "Client")
            self.capture(request)
            submit = mm7.parse_submit(request.headers.get("content-type", ""), request.body)
            namespace, version = submit.namespace, submit.version
            return self.submit(request, vasp, submit)
        except mm7.Refusal as refusal:
            self.log.write("refused", status=refusal.status, fault=refusal.fault, why=refusal.why, transaction=refusal.transaction,
                           trace=trace_of(request.headers))
            if refusal.fault:
                body = mm7.fault(refusal.transaction, namespace, version, refusal.status, refusal.fault, refusal.why)
                return http1.Answer(500, body, 'text/xml; charset="utf-8"')
            body = mm7.submit_rsp(refusal.transaction, namespace, version, refusal.status, details=refusal.why)
            return http1.Answer(200, body, 'text/xml; charset="utf-8"')

    def capture(self, request):
        """Keeps every SubmitReq as it came, for the schema test and for tshark."""
        if self.settings.get("folder"):
            self.captured += 1
            name = os.path.join(self.settings["folder"], "submit-%d" % self.captured)
            with open(name + ".type", "w", encoding="latin-1") as file:
                file.write(request.headers.get("content-type", "") + "\n")
            with open(name + ".body", "wb") as file:
                file.write(request.body)

    def submit(self, request, vasp, submit):
        trace = trace_of(request.headers)
        key = (vasp["name"], submit.transaction)
        names = {"transaction": submit.transaction, "trace": trace}
        if self.settings.get("dedup", True) and key in self.seen:
            answer, message_id = self.seen[key]
            self.log.write("submit_duplicate", step=405, message_id=message_id, **names)
            self.log.write("submit_rsp", step=406, status=1000, message_id=message_id, **names)
            return http1.Answer(200, answer, 'text/xml; charset="utf-8"')
        self.log.write("submit_req", step=405, to=[value for _, _, value in submit.recipients],
                       sender=submit.sender[1] if submit.sender else None, subject=submit.fields.get("Subject"),
                       bytes=len(request.body), **names)
        fault = self.take_refusal("fault")
        if fault:
            raise mm7.Refusal(fault, "by command", "Server", submit.transaction)
        code = self.take_refusal("refuse")
        if code:
            raise mm7.Refusal(code, "by command", "", submit.transaction)
        if submit.vaspid != vasp["vaspid"] or submit.vasid != vasp["vasid"]:
            raise mm7.Refusal(4001, "VASPID %r VASID %r" % (submit.vaspid, submit.vasid), "", submit.transaction)
        if submit.sender and submit.sender[0] in ("short", "number") and not any(
                submit.sender[1].startswith(code) for code in vasp["codes"]):
            raise mm7.Refusal(2001, "sender %s is not this VASP's" % submit.sender[1], "", submit.transaction)
        if submit.sender is None and not vasp["codes"]:
            raise mm7.Refusal(2001, "no sender", "", submit.transaction)
        if len(submit.recipients) > 20:
            raise mm7.Refusal(3003, "%d recipients" % len(submit.recipients), "", submit.transaction)
        if not submit.parts:
            raise mm7.Refusal(2004, "nothing to send", "", submit.transaction)
        unknown = [value for _, kind, value in submit.recipients if kind != "number" or value not in self.subscribers]
        if len(unknown) == len(submit.recipients):
            raise mm7.Refusal(2003, ", ".join(unknown), "", submit.transaction)
        code = 1100 if unknown else 1000
        message_id = self.new_message_id()
        for _, kind, value in submit.recipients:
            if value in unknown:
                continue
            sender = submit.sender or ("short", vasp["codes"][0])
            message = Message(message_id, value, sender, submit.fields.get("Subject", ""), submit.parts, submit.smil)
            message.vasp, message.wants_report = vasp, submit.fields.get("DeliveryReport") in ("true", "1")
            message.namespace, message.version = submit.namespace, submit.version
            message.message_class = submit.fields.get("MessageClass", "Personal")
            message.priority = submit.fields.get("Priority", "Normal")
            message.fields = dict(names, message_id=message_id, msisdn=value)
            expiry = submit.fields.get("ExpiryDate")
            if expiry and expiry.startswith("P"):
                message.expires = message.date + int(mm7.duration_seconds(expiry))
            elif expiry:
                stamp = datetime.datetime.fromisoformat(expiry.replace("Z", "+00:00"))
                message.expires = int((stamp if stamp.tzinfo else stamp.replace(tzinfo=datetime.timezone.utc)).timestamp())
            self.accept(message)
        answer = mm7.submit_rsp(submit.transaction, submit.namespace, submit.version, code, message_id, ", ".join(unknown))
        self.seen[key] = (answer, message_id)
        if self.lose_answer:
            self.lose_answer -= 1
            self.log.write("answer_lost", message_id=message_id, **names)
            return None
        self.log.write("submit_rsp", step=406, status=code, message_id=message_id, **names)
        return http1.Answer(200, answer, 'text/xml; charset="utf-8"')

    # ---- MM1: notification, retrieval, acknowledgement

    def accept(self, message):
        self.messages[message.token] = message
        self.by_transaction[(message.recipient, message.transaction)] = message
        self.spawn(self.notify(message))
        self.spawn(self.expire(message))

    def sender_text(self, message):
        kind, value = message.sender
        return plmn(value) if kind == "number" else value

    async def notify(self, message):
        url = "%s/m/%s" % (self.mm1_url, message.token)
        pdu = mms.Pdu("m-notification-ind")
        pdu.fields = {"transaction-id": message.transaction, "mms-version": "1.2", "from": self.sender_text(message)}
        if message.subject:
            pdu.fields["subject"] = message.subject[:40]
        pdu.fields.update({"message-class": message.message_class, "message-size": message.size,
                           "expiry": max(1, message.expires - int(time.time())), "content-location": url})
        await self.push(message.recipient, mms.encode(pdu))
        self.log.write("notification_ind", step=407, mm1_transaction=message.transaction, **message.fields)

    async def push(self, number, body):
        """A WAP push as binary SMS to port 2948, in segments, handed to the SMSC until it takes it."""
        data = wsp.push(secrets.randbelow(256), MMS_TYPE, 4, body)
        if len(data) <= SEGMENT_SINGLE:
            segments = [bytes([len(PORTS)]) + PORTS + data]
        else:
            pieces = [data[at:at + SEGMENT_MULTI] for at in range(0, len(data), SEGMENT_MULTI)]
            reference = secrets.randbelow(256)
            segments = [bytes([len(PORTS) + 5]) + PORTS + bytes([0, 3, reference, len(pieces), index + 1]) + piece
                        for index, piece in enumerate(pieces)]
        document = json.dumps({"to": number, "from": "mmsc", "segments": [segment.hex() for segment in segments]}).encode()
        while True:
            try:
                answer = await http1.request(self.settings["push"], "POST", document, {"Content-Type": "application/json"})
                if answer.status == 202:
                    return
                self.log.write("push_refused", http=answer.status, why=answer.body.decode("utf-8", "replace"))
            except (OSError, asyncio.TimeoutError) as error:
                self.log.write("push_failed", why=str(error))
            await asyncio.sleep(self.settings.get("retry", 1.0))

    async def expire(self, message):
        await asyncio.sleep(max(0, message.expires - time.time()))
        if message.state in ("waiting", "fetched"):
            message.state = "expired"
            self.log.write("expired", **message.fields)
            self.report(message, "Expired")

    async def mm1_request(self, request):
        number = request.headers.get(MSISDN_HEADER, "")
        if number not in self.subscribers:
            self.log.write("refused", http=403, why="no subscriber: %r" % number)
            return http1.Answer(403, b"no subscriber", "text/plain")
        match = re.fullmatch(r"/m/([A-Za-z0-9_-]+)", request.target)
        if request.method == "GET":
            return self.fetch(number, match.group(1)) if match else http1.Answer(404, b"no such message", "text/plain")
        if request.method != "POST":
            return http1.Answer(405, b"GET or POST", "text/plain", Allow="GET, POST")
        if request.target != "/mms" and not match:
            return http1.Answer(404, b"not here", "text/plain")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != MMS_TYPE:
            self.log.write("refused", http=415, why="Content-Type %r" % request.headers.get("content-type"))
            return http1.Answer(415, b"not an MMS PDU", "text/plain")
        try:
            pdu = mms.decode(request.body)
        except wsp.PduError as error:
            self.log.write("refused", why=str(error), msisdn=number)
            return self.malformed(request.body)
        if pdu.kind == "m-send-req":
            return self.send_req(number, pdu)
        if pdu.kind in ("m-notifyresp-ind", "m-acknowledge-ind"):
            return self.acknowledge(number, pdu)
        if pdu.kind == "m-read-rec-ind":
            self.log.write("read_rec_ind", msisdn=number, message_id=pdu.get("message-id"))
            return http1.Answer(204)
        self.log.write("refused", why="%s from a phone" % pdu.kind, msisdn=number)
        return self.send_conf("0", 0xE2, text="%s does not come from a phone" % pdu.kind)

    def malformed(self, body):
        """Something unreadable: M-Send.conf when it can have been an M-Send.req, else 400."""
        if body[:2] != b"\x8c\x80":
            return http1.Answer(400, b"malformed MMS PDU", "text/plain")
        match = re.match(rb"\x8c\x80\x98([\x21-\x7e]+)\0\x8d(.)", body, re.S)
        if match and match.group(2)[0] & 0x70 != 0x10:
            return self.send_conf(match.group(1).decode(), 0x88, text="version")
        return self.send_conf(match.group(1).decode() if match else "0", 0xE2, text="malformed")

    def send_conf(self, transaction, status, message_id=None, text=None):
        pdu = mms.Pdu("m-send-conf", transaction_id=transaction, mms_version="1.2", response_status=status, response_text=text,
                      message_id=message_id)
        return http1.Answer(200, mms.encode(pdu), MMS_TYPE)

    def fetch(self, number, token):
        message = self.messages.get(token)
        if message is None or message.recipient != number or message.state == "expired":
            self.log.write("refused", why="no such message", msisdn=number)
            pdu = mms.Pdu("m-retrieve-conf", mms_version="1.2", date=int(time.time()), retrieve_status=0xE2, retrieve_text="gone")
            return http1.Answer(200, mms.encode(pdu), MMS_TYPE)
        self.log.write("retrieve_req", step=408, **message.fields)
        if message.deferred:
            message.fetch_transaction = message.fetch_transaction or "r" + secrets.token_hex(4)
        pdu = mms.Pdu("m-retrieve-conf")
        pdu.fields = {"transaction-id": message.fetch_transaction or message.transaction, "mms-version": "1.2",
                      "message-id": message.message_id, "date": message.date, "from": self.sender_text(message),
                      "to": [plmn(number)]}
        if message.subject:
            pdu.fields["subject"] = message.subject
        pdu.fields.update({"message-class": message.message_class, "priority": message.priority, "delivery-report": False})
        pdu.parts = []
        for index, part in enumerate(message.parts):
            params = {}
            if part.media.startswith("text/") or part.media == "application/smil":
                params["charset"] = "utf-8"
            name = part.params.get("name") or part.location
            if name:
                params["name"] = name
            data = part.data
            charset = part.params.get("charset", "utf-8").lower()
            if "charset" in params and charset not in ("utf-8", "us-ascii"):
                data = data.decode(charset).encode("utf-8")
            pdu.parts.append(wsp.Part(part.media, data, params, part.content_id or "part%d" % index,
                                      part.location or part.params.get("name", "")))
        message.state = "fetched" if message.state == "waiting" else message.state
        body = mms.encode(pdu)
        self.log.write("retrieve_conf", step=409, bytes=len(body), **message.fields)
        return http1.Answer(200, body, MMS_TYPE)

    def acknowledge(self, number, pdu):
        transaction = pdu.get("transaction-id")
        message = self.by_transaction.get((number, transaction))
        if pdu.kind == "m-acknowledge-ind":
            message = next((each for each in self.messages.values()
                            if each.recipient == number and each.fetch_transaction == transaction), None)
        if message is None:
            self.log.write("refused", why="%s for transaction %s" % (pdu.kind, transaction), msisdn=number)
            return http1.Answer(400, b"no such transaction", "text/plain")
        status = pdu.get("status") if pdu.kind == "m-notifyresp-ind" else "Retrieved"
        name = "notifyresp_ind" if pdu.kind == "m-notifyresp-ind" else "acknowledge_ind"
        step = 410 if status == "Retrieved" else 407
        self.log.write(name, step=step, mm_status=status, mm1_transaction=transaction, **message.fields)
        if status == "Retrieved" and message.state == "waiting":
            self.log.write("refused", why="Retrieved without a GET", **message.fields)
            return http1.Answer(400, b"nothing was retrieved", "text/plain")
        if status == "Deferred":
            message.deferred = True
        elif status == "Retrieved" and message.state == "fetched":
            message.state = "retrieved"
            if pdu.get("report-allowed", True):
                self.report(message, "Retrieved")
        elif status in ("Rejected", "Unrecognised") and message.state in ("waiting", "fetched"):
            message.state = "rejected"
            self.report(message, status)
        return http1.Answer(204)

    # ---- reports to the VASP

    def report(self, message, status):
        if message.vasp is not None and message.wants_report:
            self.spawn(self.send_report(message, status))

    def report_of_old(self, message_id, msisdn, sender, status):
        """Reports what became of a message that this process never saw."""
        message = Message(message_id, msisdn, tuple(sender), "", [], None)
        message.vasp, message.wants_report = self.settings["vasps"][0], True
        message.namespace, message.version = mm7.NAMESPACES[-1], "6.8.0"
        message.fields = {"message_id": message_id, "msisdn": msisdn}
        self.report(message, status)

    async def send_report(self, message, status):
        transaction = "rs" + secrets.token_hex(8)
        body = mm7.delivery_report(transaction, message.namespace, message.version, self.settings["server"], message.message_id,
                                   ("number", message.recipient), message.sender, utc_now(), status)
        names = dict(message.fields, report_transaction=transaction)
        names.pop("transaction", None)
        await self.to_vasp(message.vasp, 'text/xml; charset="utf-8"', body, transaction, "DeliveryReportRsp",
                           ("delivery_report_req", 411), ("delivery_report_rsp", 412), dict(names, mm_status=status))

    async def to_vasp(self, vasp, content_type, body, transaction, answer_name, ask, told, names):
        """One MM7 request to the VASP, the same TransactionID again until there is an answer -> StatusCode or 0."""
        headers = {"Content-Type": content_type, "SOAPAction": '""'}
        if vasp.get("out_user"):
            secret = "%s:%s" % (vasp["out_user"], vasp["out_password"])
            headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        pause = self.settings.get("retry", 1.0)
        for attempt in range(self.settings.get("tries", 200)):
            self.log.write(ask[0], step=ask[1], attempt=attempt + 1, **names)
            try:
                answer = await http1.request(vasp["url"], "POST", body, headers, self.settings.get("answer_timeout", 15))
                trace = trace_of(answer.headers)
                if answer.body:
                    code, text = mm7.parse_response(answer.content_type, answer.body, transaction, answer_name)
                    self.log.write(told[0], **dict(dict(names, trace=trace or names.get("trace")), step=told[1], http=answer.status,
                                                   status=code, text=text))
                    if code in (3000, 4000, 4006):
                        raise ConnectionError("temporary status %d" % code)
                    return code
                self.log.write("no_answer", http=answer.status, **names)
                if answer.status < 500:
                    return 0
            except mm7.Refusal as refusal:
                self.log.write("bad_answer", http=answer.status, why=refusal.why, **names)
                if answer.status < 500:
                    return 0
            except (OSError, asyncio.TimeoutError) as error:
                self.log.write("no_answer", why=str(error) or type(error).__name__, **names)
            await asyncio.sleep(pause)
        return 0

    # ---- what a phone sends

    def send_req(self, number, pdu):
        transaction = pdu.get("transaction-id")
        if (number, transaction) in self.sent:
            self.log.write("send_duplicate", step=501, msisdn=number, mm1_transaction=transaction)
            return http1.Answer(200, self.sent[(number, transaction)], MMS_TYPE)
        asserted = pdu.get("from")
        if asserted != mms.INSERT_ADDRESS and re.sub(r"/TYPE=PLMN$", "", asserted).lstrip("+") != number:
            self.log.write("refused", why="From %r of %s" % (asserted, number), msisdn=number)
            return self.send_conf(transaction, 0xE3, text="sender")
        routes = []
        for field in ("to", "cc", "bcc"):
            for address in pdu.get(field, []):
                route = self.route(field, address)
                if route is None:
                    self.log.write("refused", why="recipient %r" % address, msisdn=number)
                    return self.send_conf(transaction, 0xE3, text="recipient %s" % address)
                routes.append(route)
        if pdu.get("message-class") == "Auto" and pdu.get("delivery-report"):
            self.log.write("refused", why="class Auto with delivery report", msisdn=number)
            return self.send_conf(transaction, 0xE2, text="Auto")
        message_id = self.new_message_id()
        names = {"msisdn": number, "message_id": message_id, "mm1_transaction": transaction}
        self.log.write("send_req", step=501, to=[route[2][2] for route in routes], subject=pdu.get("subject"), **names)
        answer = self.send_conf(transaction, 0x80, message_id)
        self.sent[(number, transaction)] = answer.body
        self.log.write("send_conf", step=502, response_status="80", **names)
        for vasp in self.settings["vasps"]:
            ours = [route[2] for route in routes if route[0] == "vasp" and route[1] is vasp]
            if ours:
                self.spawn(self.deliver(vasp, number, ours, pdu, names))
        for route in routes:
            if route[0] == "phone":
                message = Message(message_id, route[2][2], ("number", number), pdu.get("subject", ""), *self.content_of(pdu))
                message.fields = {"message_id": message_id, "msisdn": route[2][2], "sender": number}
                self.accept(message)
        mails = [route[2] for route in routes if route[0] == "mail"]
        if mails:
            self.spawn(self.mail(number, mails, pdu, names))
        return answer

    def route(self, field, address):
        """-> (vasp | phone | mail, vasp, (field, kind, value)), or None when the recipient is bad."""
        if "@" in address:
            match = re.fullmatch(r"(?:.*<)?([^\s<>@]+@[^\s<>@]+)>?", address)
            return ("mail", None, (field, "mail", match.group(1))) if match else None
        match = re.fullmatch(r"\+?(\d{5,15})/TYPE=PLMN", address)
        if match:
            digits = match.group(1)
            for vasp in self.settings["vasps"]:
                if digits in vasp.get("numbers", []):
                    return "vasp", vasp, (field, "number", digits)
                # Codes that phones send with TYPE=PLMN are codes all the same.
                if any(digits.startswith(code) for code in vasp["codes"]) and digits not in self.subscribers:
                    return "vasp", vasp, (field, "short", digits)
            return ("phone", None, (field, "number", digits)) if digits in self.subscribers else None
        if re.fullmatch(r"[0-9A-Za-z*#+]{2,21}", address):
            for vasp in self.settings["vasps"]:
                if any(address.startswith(code) for code in vasp["codes"]):
                    return "vasp", vasp, (field, "short", address)
        return None

    @staticmethod
    def content_of(pdu):
        smil = pdu.presentation()
        parts = [mm7.ContentPart(part.media, dict(part.params), part.content_id, part.location, part.data) for part in pdu.parts]
        return parts, pdu.parts.index(smil) if smil is not None else None

    async def deliver(self, vasp, number, recipients, pdu, names):
        transaction = "rs" + secrets.token_hex(8)
        parts, smil = self.content_of(pdu)
        names = dict(names, transaction=transaction)
        linked = "link-" + secrets.token_hex(6)
        content_type, body = mm7.deliver_req(
            transaction, mm7.NAMESPACES[-1], "6.8.0", self.settings["server"], vasp["vaspid"], vasp["vasid"], linked,
            ("number", number), recipients, utc_now(), pdu.get("priority", "Normal"), pdu.get("subject"), parts, smil)
        code = await self.to_vasp(vasp, content_type, body, transaction, "DeliverRsp", ("deliver_req", 503), ("deliver_rsp", 504),
                                  dict(names, to=[value for _, _, value in recipients]))
        if pdu.get("delivery-report"):
            status = "Retrieved" if code in (1000, 1100) else "Rejected"
            for _, kind, value in recipients:
                notice = mms.Pdu("m-delivery-ind")
                notice.fields = {"mms-version": "1.2", "message-id": names["message_id"],
                                 "to": [plmn(value) if kind == "number" else value], "date": int(time.time()), "status": status}
                await self.push(number, mms.encode(notice))
                self.log.write("delivery_ind", step=505, mm_status=status, recipient=value, **names)

    async def mail(self, number, recipients, pdu, names):
        """E-mail recipients go to SMTP, as MMSCs do by default (MM3)."""
        message = email.message.EmailMessage()
        sender = "+%s@%s" % (number, self.settings.get("mail_domain", self.settings["server"]))
        message["From"], message["To"] = sender, ", ".join(value for _, _, value in recipients)
        message["Subject"] = pdu.get("subject", "")
        message["Message-ID"] = "<%s>" % names["message_id"]
        message["Date"] = email.utils.formatdate()
        texts = [part.text() for part in pdu.parts if part.media == "text/plain"]
        message.set_content("\n".join(texts))
        for part in pdu.parts:
            if part.media not in ("text/plain", "application/smil"):
                kind, _, sub = part.media.partition("/")
                message.add_attachment(part.data, maintype=kind, subtype=sub, filename=part.name())

        def send():
            with smtplib.SMTP(*self.settings["smtp"], timeout=30) as client:
                return client.send_message(message, sender, [value for _, _, value in recipients])
        try:
            refused = await asyncio.to_thread(send)
            self.log.write("smtp_sent", to=[value for _, _, value in recipients], refused=list(refused), **names)
        except (OSError, smtplib.SMTPException) as error:
            self.log.write("smtp_failed", to=[value for _, _, value in recipients], why=str(error), **names)

    # ---- control

    async def control(self, request):
        if request.method == "GET" and request.target == "/ledger":
            return http1.Answer(200, json.dumps(self.log.events).encode(), "application/json")
        if request.method == "GET" and request.target == "/state":
            state = {"messages": [{"message_id": each.message_id, "msisdn": each.recipient, "state": each.state}
                                  for each in self.messages.values()], "busy": len(self.tasks)}
            return http1.Answer(200, json.dumps(state).encode(), "application/json")
        if request.target != "/command":
            return http1.Answer(404, b"not here", "text/plain")
        try:
            command = json.loads(request.body)
            for kind, name in (("refuse", "code"), ("fault", "code"), ("http", "status")):
                if kind in command:
                    self.refusals[kind] = [int(command[kind][name]), int(command[kind].get("count", 1))]
            self.silent = bool(command.get("silent", self.silent))
            self.lose_answer = int(command.get("lose_answer", self.lose_answer))
            self.subscribers |= set(command.get("subscribers", []))
            for vasp in self.settings["vasps"]:
                vasp.setdefault("numbers", []).extend(command.get("numbers", {}).get(vasp["name"], []))
            if "report" in command:
                self.report_of_old(**command["report"])
            if "dedup" in command:
                self.settings["dedup"] = bool(command["dedup"])
            if "listening" in command:
                await self.listen(bool(command["listening"]))
        except (ValueError, KeyError, TypeError) as error:
            return http1.Answer(400, str(error).encode(), "text/plain")
        self.log.write("command", **command)
        return http1.Answer(200, b"{}", "application/json")

    async def listen(self, on):
        """Opens or closes the MM7 port: an MMSC that is down refuses connections."""
        if on and self.mm7_server is None:
            self.mm7_server = await http1.serve(self.mm7_request, *self.settings["mm7"])
            self.settings["mm7"] = list(self.mm7_server.sockets[0].getsockname()[:2])
        elif not on and self.mm7_server is not None:
            http1.stop(self.mm7_server)
            self.mm7_server = None


async def start(settings):
    """The running MMSC; settings get the ports that were really taken."""
    mmsc = Mmsc(settings)
    mmsc.mm7_server = None
    await mmsc.listen(True)
    mmsc.servers = [await http1.serve(mmsc.mm1_request, *settings["mm1"]), await http1.serve(mmsc.control, *settings["control"])]
    for name, server in zip(("mm1", "control"), mmsc.servers):
        settings[name] = list(server.sockets[0].getsockname()[:2])
    mmsc.mm1_url = "http://%s:%d" % tuple(settings["mm1"])
    mmsc.log.write("ready", **{name: settings[name] for name in ("mm7", "mm1", "control")})
    return mmsc


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    if "--no-dedup" in sys.argv[2:]:
        settings["dedup"] = False
    mmsc = await start(settings)
    print(json.dumps({name: settings[name] for name in ("mm7", "mm1", "control")}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    for task in list(mmsc.tasks):
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
