#!/usr/bin/python3
"""Twenty wrong messages to the test SMSC, and the answer that a strict SMSC gives; then a few right ones."""
import asyncio
import json
import struct
import unittest

import http1
import smsc
from pdu import smpp

BIND = {"system_id": "pushmail", "password": "secret", "interface_version": 0x34}
GOOD = {"source_addr_ton": 6, "source_addr_npi": 0, "source_addr": "5000", "dest_addr_ton": 1, "dest_addr_npi": 1,
        "destination_addr": "15550100002", "esm_class": 0, "registered_delivery": 1, "data_coding": 0, "short_message": b"Hello"}


def raw(command, body=b"", sequence=7, status=0, length=None):
    return struct.pack(">IIII", 16 + len(body) if length is None else length, command, status, sequence) + body


class SmscRefusal(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.settings = {"listen": ["127.0.0.1", 0], "phones": ["127.0.0.1", 0], "control": ["127.0.0.1", 0],
                         "system_id": "pushmail", "password": "secret", "codes": ["5000"]}
        self.smsc = await smsc.start(self.settings)
        self.writers = []

    async def asyncTearDown(self):
        for writer in self.writers:
            writer.close()
        self.smsc.task.cancel()
        for server in self.smsc.servers:
            server.close()

    async def connect(self, kind="transceiver", bind=True):
        reader, writer = await asyncio.open_connection(*self.settings["listen"])
        self.writers.append(writer)
        if bind:
            answer = await self.ask(reader, writer, smpp.encode("bind_" + kind, 1, **BIND))
            self.assertEqual(answer[:2], ("bind_%s_resp" % kind, 0))
        return reader, writer

    @staticmethod
    async def receive(reader):
        """-> (name, status, sequence, body) or None at the end of the stream."""
        try:
            head = await asyncio.wait_for(reader.readexactly(16), 10)
        except asyncio.IncompleteReadError:
            return None
        length, command, status, sequence = smpp.header(head)
        return smpp.COMMANDS[command], status, sequence, await reader.readexactly(length - 16)

    async def ask(self, reader, writer, data):
        writer.write(data)
        return await self.receive(reader)

    async def refused(self, data, name, status, sequence=7, bind=True, kind="transceiver", closes=False):
        reader, writer = await self.connect(kind, bind)
        answer = await self.ask(reader, writer, data)
        self.assertEqual(answer[:3], (name, status, sequence))
        if closes:
            self.assertIsNone(await self.receive(reader))
        else:
            self.assertEqual((await self.ask(reader, writer, smpp.encode("enquire_link", 8)))[:3], ("enquire_link_resp", 0, 8))

    async def submit(self, status, **changes):
        await self.refused(smpp.encode("submit_sm", 7, **dict(GOOD, **changes)), "submit_sm_resp", status)

    async def test_01_wrong_system_id(self):
        await self.refused(smpp.encode("bind_transceiver", 7, **dict(BIND, system_id="other")), "bind_transceiver_resp",
                           smpp.SYSTEM_ID, bind=False, closes=True)

    async def test_02_wrong_password(self):
        await self.refused(smpp.encode("bind_transceiver", 7, **dict(BIND, password="wrong")), "bind_transceiver_resp",
                           smpp.PASSWORD, bind=False, closes=True)

    async def test_03_old_version(self):
        await self.refused(smpp.encode("bind_transceiver", 7, **dict(BIND, interface_version=0x33)), "bind_transceiver_resp",
                           smpp.BIND_FAILED, bind=False, closes=True)

    async def test_04_second_bind(self):
        await self.refused(smpp.encode("bind_transceiver", 7, **BIND), "bind_transceiver_resp", smpp.ALREADY_BOUND)

    async def test_05_submit_before_bind(self):
        await self.refused(smpp.encode("submit_sm", 7, **GOOD), "submit_sm_resp", smpp.BIND_STATUS, bind=False, closes=True)

    async def test_06_submit_on_a_receiver(self):
        await self.refused(smpp.encode("submit_sm", 7, **GOOD), "submit_sm_resp", smpp.BIND_STATUS, kind="receiver")

    async def test_07_unknown_command(self):
        await self.refused(raw(0x00000777), "generic_nack", smpp.CMD_ID)

    async def test_08_length_below_header(self):
        await self.refused(raw(0x15, length=15), "generic_nack", smpp.CMD_LENGTH, sequence=0, closes=True)

    async def test_09_length_far_too_large(self):
        await self.refused(raw(0x04, length=70001), "generic_nack", smpp.CMD_LENGTH, sequence=0, closes=True)

    async def test_10_cut_body(self):
        whole = smpp.encode("submit_sm", 7, **GOOD)[16:]
        await self.refused(raw(0x04, whole[:-3]), "submit_sm_resp", smpp.CMD_LENGTH)

    async def test_11_destination_ton(self):
        await self.submit(smpp.DEST_TON, dest_addr_ton=2)

    async def test_12_destination_npi(self):
        await self.submit(smpp.DEST_NPI, dest_addr_npi=0)

    async def test_13_destination_with_plus(self):
        await self.submit(smpp.DEST, destination_addr="+15550100002")

    async def test_14_source_of_somebody_else(self):
        await self.submit(smpp.SOURCE, source_addr="7777")

    async def test_15_alphanumeric_source_too_long(self):
        await self.submit(smpp.SOURCE, source_addr_ton=5, source_addr="TwelveLetter")

    async def test_16_esm_class_of_a_receipt(self):
        await self.submit(smpp.ESM_CLASS, esm_class=0x04)

    async def test_17_header_longer_than_message(self):
        await self.submit(smpp.ESM_CLASS, esm_class=0x40, data_coding=4, short_message=b"\x0a\x00\x03")

    async def test_18_registered_delivery(self):
        await self.submit(smpp.REGISTERED, registered_delivery=3)

    async def test_19_more_than_one_sms(self):
        await self.submit(smpp.MSG_LENGTH, short_message=b"x" * 161)

    async def test_20_cut_tlv(self):
        body = smpp.encode("submit_sm", 7, **GOOD)[16:] + b"\x02\x04\x00\x02\x01"
        await self.refused(raw(0x04, body), "submit_sm_resp", smpp.TLV_ERROR)

    async def test_21_tlv_of_wrong_length(self):
        body = smpp.encode("submit_sm", 7, **GOOD)[16:] + b"\x02\x04\x00\x01\x01"
        await self.refused(raw(0x04, body), "submit_sm_resp", smpp.TLV_LENGTH)

    async def test_22_validity_form(self):
        await self.submit(smpp.VALIDITY, validity_period="tomorrow")

    async def test_23_half_a_surrogate_pair(self):
        await self.submit(smpp.SUBMIT_FAILED, data_coding=8, short_message=b"\xd8\x3d")

    async def test_24_sequence_zero(self):
        await self.refused(smpp.encode("submit_sm", 0, **GOOD), "submit_sm_resp", smpp.SYSTEM_ERROR, sequence=0)

    async def test_right_ones(self):
        """A long text in two segments reaches the phone whole; receipt and answer come back."""
        reader, writer = await self.connect()
        phone_in, phone_out = await asyncio.open_connection(*self.settings["phones"])
        self.writers.append(phone_out)
        phone_out.write(b'{"op": "attach", "msisdn": "15550100002"}\n')
        self.assertEqual(json.loads(await phone_in.readline()), {"event": "attached"})
        text = "Grüße €" + "x" * 160
        data = smpp.gsm_encode(text)
        for index, piece in enumerate((data[:153], data[153:])):
            answer = await self.ask(reader, writer, smpp.encode("submit_sm", 10 + index, **dict(
                GOOD, esm_class=0x40, short_message=bytes([5, 0, 3, 9, 2, index + 1]) + piece)))
            self.assertEqual(answer[:3], ("submit_sm_resp", 0, 10 + index))
        sms = json.loads(await phone_in.readline())
        self.assertEqual((sms["from"], sms["text"]), ("5000", text))
        phone_out.write(json.dumps({"op": "ack", "id": sms["id"]}).encode() + b"\n")
        for _ in range(2):
            name, _, sequence, body = await self.receive(reader)
            fields = smpp.decode_body("deliver_sm", body)
            self.assertEqual((name, fields["esm_class"], fields["source_addr"], fields["tlvs"]["message_state"]),
                             ("deliver_sm", 4, "15550100002", b"\x02"))
            writer.write(smpp.encode("deliver_sm_resp", sequence))
        phone_out.write(b'{"op": "mo", "to": "5000", "text": "42", "id": "a"}\n')
        name, _, sequence, body = await self.receive(reader)
        fields = smpp.decode_body("deliver_sm", body)
        self.assertEqual((fields["short_message"], fields["source_addr"], fields["destination_addr"]), (b"42", "15550100002", "5000"))
        writer.write(smpp.encode("deliver_sm_resp", sequence))
        self.assertEqual(json.loads(await phone_in.readline()), {"event": "mo_result", "id": "a", "status": 0})
        state = await http1.request("http://127.0.0.1:%d/state" % self.settings["control"][1])
        self.assertEqual(json.loads(state.body)["outbox"], 0)


if __name__ == "__main__":
    unittest.main()
