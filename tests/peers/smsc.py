#!/usr/bin/python3
"""SMSC of the tests: SMPP 3.4 for the VASP, JSON lines for phones, HTTP for the MMSC's WAP pushes and for control.

Came from: pushmail's notifier (submit_sm), phones (their answers), mmsc.py (pushes). Goes to: phones (SMS, whole, after reassembly),
the notifier (deliver_sm: answers and receipts). Strict: a PDU that does not follow SMPP 3.4 is refused with the status of section 5.1.3.

  smsc.py SETTINGS.json     {"listen": [ip, port], "phones": [ip, port], "control": [ip, port], "log": path, "system_id": ...,
                             "password": ..., "system_type": "", "codes": ["5000"], "enquire_link": 30}

A phone's connection: {"op": "attach", "msisdn": digits}; then {"event": "sms", "id", "from", "text" | "data", "port"} come and
{"op": "ack", "id"} or {"op": "mo", "to", "text", "id"} go; {"event": "mo_result", "id", "status"} says what became of an answer.
Control: POST /push {"to", "segments": [hex]}, POST /command {"throttle": n, "queue_full": n, "refuse_bind": n, "silent": bool},
GET /state, GET /ledger.
"""
import asyncio
import collections
import datetime
import json
import re
import signal
import sys

import http1
from ledger import Ledger
from pdu import smpp, wsp

PDU_MAX = 70000
TIME_FORM = re.compile(r"\d{12}(\d\d\d[+-]|000R)$")


class Session:
    """One SMPP connection."""

    def __init__(self, smsc, reader, writer):
        self.smsc, self.reader, self.writer = smsc, reader, writer
        self.bound = ""            # "", receiver, transmitter, transceiver
        self.range = ""
        self.sequence = 0
        self.waiting = {}          # our sequence -> future of the response
        self.window = asyncio.Semaphore(10)

    def send(self, data):
        self.smsc.log.write("pdu_out", hex=data.hex())
        self.writer.write(data)

    def respond(self, name, sequence, status=0, tlvs=None, **fields):
        self.send(smpp.encode(name + "_resp", sequence, status, tlvs, **fields))

    async def ask(self, name, tlvs=None, timeout=20, **fields):
        """Sends a request of ours and returns the status of its response."""
        async with self.window:
            self.sequence = self.sequence % 0x7FFFFFFF + 1
            sequence = self.sequence
            future = asyncio.get_running_loop().create_future()
            self.waiting[sequence] = (name, future)
            self.send(smpp.encode(name, sequence, 0, tlvs, **fields))
            try:
                return await asyncio.wait_for(future, timeout)
            finally:
                self.waiting.pop(sequence, None)

    async def run(self):
        keeper = asyncio.ensure_future(self.keep_alive())
        bind_timer = asyncio.get_running_loop().call_later(30, lambda: self.bound or self.writer.close())
        self.last_in = asyncio.get_running_loop().time()
        try:
            while True:
                head = await self.reader.readexactly(16)
                self.last_in = asyncio.get_running_loop().time()
                length, command, status, sequence = smpp.header(head)
                if not 16 <= length <= PDU_MAX:
                    self.smsc.log.write("refused", status=smpp.CMD_LENGTH, why="command_length %d" % length)
                    self.send(smpp.encode("generic_nack", 0, smpp.CMD_LENGTH))
                    await self.writer.drain()
                    return
                body = await self.reader.readexactly(length - 16)
                self.smsc.log.write("pdu_in", hex=(head + body).hex())
                if self.smsc.silent:
                    continue
                if not await self.take(command, status, sequence, body):
                    await self.writer.drain()
                    return
                await self.writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            keeper.cancel()
            bind_timer.cancel()
            self.smsc.sessions.discard(self)
            for _, future in self.waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError("the ESME went away"))
            if self.bound:
                self.smsc.log.write("unbound", bind=self.bound)
            self.writer.close()

    async def keep_alive(self):
        interval = self.smsc.settings.get("enquire_link", 30)
        while True:
            await asyncio.sleep(interval)
            if not self.bound or self.smsc.silent:
                continue
            if asyncio.get_running_loop().time() - self.last_in < interval:
                continue
            try:
                await self.ask("enquire_link", timeout=interval)
            except (asyncio.TimeoutError, ConnectionError):
                self.smsc.log.write("link_dead")
                self.writer.close()
                return

    async def take(self, command, status, sequence, body):
        """One PDU; False closes the connection."""
        name = smpp.COMMANDS.get(command)
        if name is None or name in ("outbind", "alert_notification") or name not in smpp.BODIES and name.endswith("_resp"):
            self.smsc.log.write("refused", status=smpp.CMD_ID, why="command_id %08X" % command)
            self.send(smpp.encode("generic_nack", sequence, smpp.CMD_ID))
            return True
        if name.endswith("_resp") or name == "generic_nack":
            asked, future = self.waiting.get(sequence, ("", None))
            if future is None or future.done() or name not in (asked + "_resp", "generic_nack"):
                self.smsc.log.write("stray_response", name=name, sequence=sequence)
                return True
            future.set_result(status)
            return True
        if not 1 <= sequence <= 0x7FFFFFFF:
            return self.refuse(name, sequence, smpp.SmppError(smpp.SYSTEM_ERROR, "sequence_number %08X" % sequence))
        if not self.bound and not name.startswith("bind_"):
            return self.refuse(name, sequence, smpp.SmppError(smpp.BIND_STATUS, "%s before bind" % name))
        if name not in smpp.BODIES:
            return self.refuse(name, sequence, smpp.SmppError(smpp.CMD_ID, "%s is not served" % name))
        try:
            fields = smpp.decode_body(name, body)
            if status:
                raise smpp.SmppError(smpp.SYSTEM_ERROR, "command_status in a request")
            if name.startswith("bind_"):
                self.bind(name, sequence, fields)
                return bool(self.bound)
            if name == "submit_sm":
                if self.bound == "receiver":
                    raise smpp.SmppError(smpp.BIND_STATUS, "submit_sm on a receiver")
                message_id = self.smsc.submit(fields)
                self.respond(name, sequence, message_id=message_id)
            elif name == "enquire_link":
                self.respond(name, sequence)
            elif name == "unbind":
                self.respond(name, sequence)
                return False
            else:
                raise smpp.SmppError(smpp.BIND_STATUS, "%s from an ESME" % name)
        except smpp.SmppError as error:
            return self.refuse(name, sequence, error)
        return True

    def refuse(self, name, sequence, error):
        self.smsc.log.write("refused", name=name, status=error.status, why=str(error))
        if error.status == smpp.CMD_ID or name + "_resp" not in smpp.COMMAND_CODES:
            self.send(smpp.encode("generic_nack", sequence, error.status))
        elif name + "_resp" in smpp.BODIES:
            self.respond(name, sequence, error.status)
        else:
            self.send(smpp.encode("generic_nack", sequence, error.status))
        return bool(self.bound)

    def bind(self, name, sequence, fields):
        settings = self.smsc.settings
        if self.bound:
            raise smpp.SmppError(smpp.ALREADY_BOUND, "a second bind")
        if self.smsc.refuse_bind:
            self.smsc.refuse_bind -= 1
            raise smpp.SmppError(smpp.BIND_FAILED, "refused by command")
        if fields["system_id"] != settings["system_id"]:
            raise smpp.SmppError(smpp.SYSTEM_ID, "system_id %r" % fields["system_id"])
        if fields["password"] != settings["password"]:
            raise smpp.SmppError(smpp.PASSWORD, "wrong password")
        if fields["system_type"] != settings.get("system_type", ""):
            raise smpp.SmppError(smpp.SYSTEM_TYPE, "system_type %r" % fields["system_type"])
        if fields["interface_version"] != 0x34:
            raise smpp.SmppError(smpp.BIND_FAILED, "interface_version %02X" % fields["interface_version"])
        if fields["addr_ton"] > 6 or fields["addr_npi"] not in (0, 1, 3, 4, 6, 8, 9, 10, 14, 18):
            raise smpp.SmppError(smpp.BIND_FAILED, "TON or NPI of the address range")
        self.bound = name[5:]
        self.smsc.sessions.add(self)
        self.smsc.log.write("bound", bind=self.bound, system_id=fields["system_id"])
        self.respond(name, sequence, tlvs={"sc_interface_version": b"\x34"}, system_id="smsc")
        self.smsc.wake()


class Phone:
    """One attached phone: messages wait here until it acknowledges them."""

    def __init__(self):
        self.writer = None
        self.queue = collections.OrderedDict()   # id -> (event, receipt or None)
        self.segments = {}                       # (source, reference, total) -> {number: data}

    def push(self, event):
        if self.writer is not None:
            self.writer.write((json.dumps(event) + "\n").encode())


class Smsc:
    def __init__(self, settings):
        self.settings = settings
        self.log = Ledger("smsc", settings.get("log"))
        self.sessions = set()
        self.phones = collections.defaultdict(Phone)
        self.next_id = int(datetime.datetime.now().timestamp() * 1000) & 0xFFFFFFF
        self.outbox = collections.deque()        # deliver_sm that wait for a receiver
        self.bell = asyncio.Event()
        self.silent = False
        self.throttle = self.queue_full = self.refuse_bind = 0

    def wake(self):
        self.bell.set()

    def new_id(self):
        self.next_id += 1
        return "%08X" % self.next_id

    # ---- from the ESME

    def submit(self, fields):
        """Checks a submit_sm and queues it; the message id, or SmppError."""
        def no(status, why):
            raise smpp.SmppError(status, why)
        if self.throttle:
            self.throttle -= 1
            no(smpp.THROTTLED, "throttled by command")
        if self.queue_full:
            self.queue_full -= 1
            no(smpp.QUEUE_FULL, "queue full by command")
        if fields["service_type"] not in ("", "CMT", "WAP", "VMN"):
            no(smpp.SERVICE_TYPE, "service_type %r" % fields["service_type"])
        self.check_source(fields)
        if fields["dest_addr_ton"] != 1:
            no(smpp.DEST_TON, "destination TON %d" % fields["dest_addr_ton"])
        if fields["dest_addr_npi"] != 1:
            no(smpp.DEST_NPI, "destination NPI %d" % fields["dest_addr_npi"])
        if not re.fullmatch(r"[1-9]\d{4,14}", fields["destination_addr"]):
            no(smpp.DEST, "destination %r" % fields["destination_addr"])
        if fields["esm_class"] & 0x3C not in (0x00, 0x08, 0x10):
            no(smpp.ESM_CLASS, "esm_class %02X" % fields["esm_class"])
        if fields["priority_flag"] > 3:
            no(smpp.PRIORITY, "priority_flag %d" % fields["priority_flag"])
        if fields["schedule_delivery_time"] and not TIME_FORM.match(fields["schedule_delivery_time"]):
            no(smpp.SCHEDULE, "schedule_delivery_time %r" % fields["schedule_delivery_time"])
        if fields["validity_period"] and not TIME_FORM.match(fields["validity_period"]):
            no(smpp.VALIDITY, "validity_period %r" % fields["validity_period"])
        if fields["registered_delivery"] & 0xE0 or fields["registered_delivery"] & 3 == 3:
            no(smpp.REGISTERED, "registered_delivery %02X" % fields["registered_delivery"])
        if fields["replace_if_present_flag"] > 1:
            no(smpp.REPLACE_FLAG, "replace_if_present_flag %d" % fields["replace_if_present_flag"])
        if fields["sm_default_msg_id"]:
            no(smpp.DEFAULT_MSG, "sm_default_msg_id %d" % fields["sm_default_msg_id"])
        data = fields["short_message"]
        if "message_payload" in fields["tlvs"]:
            if data:
                no(smpp.MSG_LENGTH, "short_message and message_payload")
            data = fields["tlvs"]["message_payload"]
        coding, udhi = fields["data_coding"], bool(fields["esm_class"] & 0x40)
        # 140 octets on the air; the default alphabet is packed there, but not here.
        limit = 160 if coding in (0, 1) and not udhi else 153 + 7 if coding in (0, 1) else 140
        if len(data) > limit and "message_payload" not in fields["tlvs"]:
            no(smpp.MSG_LENGTH, "%d octets are more than one SMS holds" % len(data))
        elements, user_data = smpp.split_udh(data) if udhi else ({}, data)
        self.decode_text(coding, user_data)      # refuses what is no text in its coding
        message_id = self.new_id()
        self.log.write("submit_sm", message_id=message_id, source=fields["source_addr"], to=fields["destination_addr"],
                       coding=coding, registered=fields["registered_delivery"])
        receipt = None
        if fields["registered_delivery"] & 3:
            receipt = {"id": message_id, "fields": fields, "submitted": datetime.datetime.now()}
        self.to_phone(fields["destination_addr"], fields["source_addr"], coding, elements, user_data, receipt, message_id)
        return message_id

    def check_source(self, fields):
        ton, npi, address = fields["source_addr_ton"], fields["source_addr_npi"], fields["source_addr"]
        if ton > 6:
            raise smpp.SmppError(smpp.SOURCE_TON, "source TON %d" % ton)
        if npi not in (0, 1, 3, 4, 6, 8, 9, 10, 14, 18) or ton == 5 and npi != 0 or ton == 1 and npi != 1:
            raise smpp.SmppError(smpp.SOURCE_NPI, "source NPI %d with TON %d" % (npi, ton))
        if ton == 5:
            good = 1 <= len(address) <= 11
        elif ton == 1:
            good = re.fullmatch(r"[1-9]\d{4,14}", address)
        else:
            good = re.fullmatch(r"[0-9*#]{2,20}", address)
        if not good:
            raise smpp.SmppError(smpp.SOURCE, "source %r with TON %d" % (address, ton))
        if ton != 5 and ton != 1 and not any(address.startswith(code) for code in self.settings.get("codes", [])):
            raise smpp.SmppError(smpp.SOURCE, "source %r is not this ESME's" % address)

    @staticmethod
    def decode_text(coding, data):
        """Text, or None for binary data."""
        if coding in (0x00, 0xF0, 0xF1):
            return smpp.gsm_decode(data)
        if coding == 0x01:
            return data.decode("ascii", "strict") if all(byte < 128 for byte in data) else _bad_text("ASCII")
        if coding == 0x03:
            return data.decode("latin-1")
        if coding == 0x08:
            if len(data) % 2:
                _bad_text("UCS-2")
            try:
                return data.decode("utf-16-be")
            except UnicodeDecodeError:
                # Half of a surrogate pair: the writer cut a character in two.
                _bad_text("UCS-2")
        if coding in (0x02, 0x04) or 0xF4 <= coding <= 0xF7:
            return None
        raise smpp.SmppError(smpp.SUBMIT_FAILED, "data_coding %02X" % coding)

    # ---- to the phones

    def to_phone(self, number, source, coding, elements, data, receipt, message_id):
        phone = self.phones[number]
        key, part, total = None, 1, 1
        if 0x00 in elements and len(elements[0]) == 3:
            reference, total, part = elements[0]
            key = (source, reference, total)
        elif 0x08 in elements and len(elements[8]) == 4:
            reference, total, part = elements[8][0] << 8 | elements[8][1], elements[8][2], elements[8][3]
            key = (source, reference, total)
        port = elements[0x05][0] << 8 | elements[0x05][1] if len(elements.get(0x05, b"")) == 4 else None
        if total > 1 and 1 <= part <= total:
            parts = phone.segments.setdefault(key, {})
            parts[part] = (data, receipt)
            if len(parts) < total:
                return
            data = b"".join(parts[index][0] for index in range(1, total + 1))
            receipts = [parts[index][1] for index in range(1, total + 1) if parts[index][1]]
            del phone.segments[key]
        else:
            receipts = [receipt] if receipt else []
        text = self.decode_text(coding, data)
        event = {"event": "sms", "id": message_id, "from": source}
        if text is None:
            event.update(data=data.hex(), port=port)
        else:
            event["text"] = text
        phone.queue[message_id] = (event, receipts)
        self.log.write("queued", message_id=message_id, to=number, source=source, text=text, parts=total)
        phone.push(event)

    async def phone_connection(self, reader, writer):
        number = None
        try:
            async for line in reader:
                message = json.loads(line)
                if message.get("op") == "attach":
                    number = str(message["msisdn"])
                    phone = self.phones[number]
                    phone.writer = writer
                    self.log.write("attached", msisdn=number)
                    writer.write(b'{"event": "attached"}\n')
                    for event, _ in list(phone.queue.values()):
                        phone.push(event)
                elif number is None:
                    return
                elif message.get("op") == "ack":
                    entry = self.phones[number].queue.pop(message["id"], None)
                    if entry:
                        self.log.write("delivered", message_id=message["id"], to=number)
                        for receipt in entry[1]:
                            self.receipt(receipt)
                elif message.get("op") == "mo":
                    self.originate(number, message)
                await writer.drain()
        except (ConnectionError, ValueError, KeyError):
            pass
        finally:
            if number and self.phones[number].writer is writer:
                self.phones[number].writer = None
                self.log.write("detached", msisdn=number)
            writer.close()

    # ---- to the ESME

    def originate(self, number, message):
        data = smpp.gsm_encode(message["text"])
        coding, most, piece = (0, 160, 153) if data is not None else (8, 140, 134)
        if data is None:
            data = message["text"].encode("utf-16-be")
        pieces = [data] if len(data) <= most else [data[at:at + piece] for at in range(0, len(data), piece)]
        reference = self.next_id & 0xFF
        for index, chunk in enumerate(pieces):
            udh = b"" if len(pieces) == 1 else bytes([5, 0, 3, reference, len(pieces), index + 1])
            self.outbox.append({"phone": number, "id": message.get("id"), "last": index + 1 == len(pieces), "text": message["text"],
                                "tlvs": None, "fields": {
                                    "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": number, "dest_addr_ton": 0,
                                    "dest_addr_npi": 1, "destination_addr": message["to"], "esm_class": 0x40 if udh else 0,
                                    "data_coding": coding, "short_message": udh + chunk}})
        self.log.write("mo", msisdn=number, to=message["to"], text=message["text"])
        self.wake()

    def receipt(self, receipt):
        fields, form = receipt["fields"], "%y%m%d%H%M"
        text = "id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:" % (
            receipt["id"], receipt["submitted"].strftime(form), datetime.datetime.now().strftime(form))
        self.outbox.append({"phone": None, "receipt": receipt["id"], "tlvs": {
            "receipted_message_id": receipt["id"].encode() + b"\0", "message_state": b"\x02"}, "fields": {
                "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": fields["destination_addr"],
                "dest_addr_ton": fields["source_addr_ton"], "dest_addr_npi": fields["source_addr_npi"],
                "destination_addr": fields["source_addr"], "esm_class": 0x04, "short_message": text.encode("ascii")}})
        self.wake()

    async def deliverer(self):
        """Sends the outbox in order; an entry leaves it when the ESME answered 0 or refused it for good."""
        while True:
            await self.bell.wait()
            self.bell.clear()
            while self.outbox:
                session = next((each for each in self.sessions if each.bound in ("receiver", "transceiver")), None)
                if session is None:
                    break
                entry = self.outbox[0]
                try:
                    status = await session.ask("deliver_sm", entry["tlvs"], **entry["fields"])
                except (asyncio.TimeoutError, ConnectionError) as error:
                    self.log.write("deliver_sm_lost", why=str(error))
                    asyncio.get_running_loop().call_later(1, self.wake)
                    break
                if status in (smpp.SYSTEM_ERROR, smpp.QUEUE_FULL, smpp.THROTTLED, 0x64):
                    asyncio.get_running_loop().call_later(1, self.wake)
                    break
                self.outbox.popleft()
                self.log.write("deliver_sm", status=status, source=entry["fields"]["source_addr"],
                               to=entry["fields"]["destination_addr"], receipt=entry.get("receipt"), text=entry.get("text"))
                if entry["phone"] and entry["last"]:
                    self.phones[entry["phone"]].push({"event": "mo_result", "id": entry["id"], "status": status})

    # ---- control and pushes

    async def control(self, request):
        try:
            if request.method == "GET" and request.target == "/state":
                state = {"bound": [session.bound for session in self.sessions], "outbox": len(self.outbox),
                         "phones": {number: {"attached": phone.writer is not None, "queued": len(phone.queue)}
                                    for number, phone in self.phones.items()}}
                return http1.Answer(200, json.dumps(state).encode(), "application/json")
            if request.method == "GET" and request.target == "/ledger":
                return http1.Answer(200, json.dumps(self.log.events).encode(), "application/json")
            message = json.loads(request.body)
            if request.target == "/push":
                for segment in message["segments"]:
                    elements, data = smpp.split_udh(bytes.fromhex(segment))
                    message_id = self.new_id()
                    self.to_phone(message["to"], message.get("from", "mmsc"), 0xF5, elements, data, None, message_id)
                return http1.Answer(202, json.dumps({"id": message_id}).encode(), "application/json")
            if request.target == "/command":
                for name in ("throttle", "queue_full", "refuse_bind"):
                    setattr(self, name, int(message.get(name, getattr(self, name))))
                self.silent = bool(message.get("silent", self.silent))
                if message.get("drop"):
                    for session in list(self.sessions):
                        session.writer.transport.abort()
                self.log.write("command", **message)
                return http1.Answer(200, b"{}", "application/json")
        except (ValueError, KeyError, TypeError, smpp.SmppError, wsp.PduError) as error:
            return http1.Answer(400, str(error).encode(), "text/plain")
        return http1.Answer(404, b"not here", "text/plain")


def _bad_text(name):
    raise smpp.SmppError(smpp.SUBMIT_FAILED, "the text is not %s" % name)


async def start(settings):
    """The running SMSC; settings get the ports that were really taken."""
    smsc = Smsc(settings)

    async def smpp_connection(reader, writer):
        await Session(smsc, reader, writer).run()
    smsc.servers = [
        await asyncio.start_server(smpp_connection, *settings["listen"]),
        await asyncio.start_server(smsc.phone_connection, *settings["phones"], limit=1 << 20),
        await http1.serve(smsc.control, *settings["control"]),
    ]
    for name, server in zip(("listen", "phones", "control"), smsc.servers):
        settings[name] = list(server.sockets[0].getsockname()[:2])
    smsc.task = asyncio.ensure_future(smsc.deliverer())
    smsc.log.write("ready", **{name: settings[name] for name in ("listen", "phones", "control")})
    return smsc


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    smsc = await start(settings)
    print(json.dumps({name: settings[name] for name in ("listen", "phones", "control")}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    smsc.task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
