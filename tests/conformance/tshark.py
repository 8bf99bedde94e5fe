#!/usr/bin/python3
"""tshark dissects the PDUs that we write, and finds in them what we meant; a PDU cut short is reported, so the judge can say no.

Usage: tshark.py PROGRAM   (conformance_samples). Needs tshark and text2pcap; without them the test fails. The PDUs that the phone's
and the MMSC's stand-ins write (tests/peers/pdu) pass the same judge, and read ours strictly.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "peers")]
import samples  # noqa: E402
from pdu import mms as peer_mms  # noqa: E402
from pdu import wsp as peer_wsp  # noqa: E402

MMS = {}
GENERATED = {}
SMPP = {}
RELATED = "application/vnd.wap.multipart.related"
MIXED = "application/vnd.wap.multipart.mixed"
SUBJECT = "Urlaub \u2013 Gr\u00fc\u00dfe"


def hexdump(octets):
    return "".join("%06x %s\n" % (at, octets[at:at + 16].hex(" ")) for at in range(0, len(octets), 16))


class Capture:
    """Packets in a pcap file: TCP between two ports, or UDP."""

    def __init__(self, transport, packets):
        self.folder = tempfile.TemporaryDirectory()
        text, self.path = (os.path.join(self.folder.name, name) for name in ("packets.txt", "packets.pcap"))
        with open(text, "w", encoding="ascii") as file:
            file.write("".join(hexdump(packet) for packet in packets))
        subprocess.run(["text2pcap", "-q", *transport, text, self.path], check=True, capture_output=True, timeout=60)

    def tshark(self, *arguments):
        return subprocess.run(["tshark", "-r", self.path, *arguments], check=True, capture_output=True, text=True, timeout=120).stdout

    def malformed(self):
        return self.tshark("-Y", "_ws.malformed")

    def fields(self, names):
        """One dict a packet; several values of a field are joined by commas."""
        wanted = [argument for name in names for argument in ("-e", name)]
        lines = self.tshark("-T", "fields", "-E", "separator=|", "-E", "aggregator=,", *wanted).splitlines()
        return [dict(zip(names, line.split("|"))) for line in lines]

    def raw(self, field):
        """The field's octets in each packet, as they lie on the wire."""
        found = []
        for packet in ElementTree.fromstring(self.tshark("-T", "pdml")).iter("packet"):
            node = next((node for node in packet.iter("field") if node.get("name") == field), None)
            found.append(bytes.fromhex(node.get("value")) if node is not None else b"")
        return found


def post(body):
    """From a phone."""
    return b"POST /mms HTTP/1.1\r\nHost: mmsc\r\nContent-Type: application/vnd.wap.mms-message\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def answer(body):
    """To a phone."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.wap.mms-message\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def push(body):
    return b"\x01\x06\x03\xbe\xaf\x84" + body


# How each PDU travels.
FROM_PHONE = (["-T", "49152,80"], post)
TO_PHONE = (["-T", "80,49152"], answer)
PUSHED = (["-u", "49152,2948"], push)
SMSC = ["-T", "49152,2775"]

MMS_ROADS = {
    "send_req": FROM_PHONE, "notifyresp_ind": FROM_PHONE, "acknowledge_ind": FROM_PHONE,
    "send_conf": TO_PHONE, "retrieve_conf": TO_PHONE, "retrieve_conf_mixed": TO_PHONE,
    "notification_ind": PUSHED, "delivery_ind": PUSHED,
}
# What tshark must print; a field that is not named must not be there.
MMS_FIELDS = ("mmse.message_type", "mmse.transaction_id", "mmse.mms_version", "mmse.from", "mmse.to", "mmse.cc", "mmse.message_class.id",
              "mmse.priority", "mmse.expiry.rel", "mmse.delivery_report", "mmse.read_report", "mmse.message_id", "mmse.response_status",
              "mmse.message_size", "mmse.content_location", "mmse.status", "mmse.report_allowed", "wsp.header.content_type")
ALBUM = "application/smil,text/plain,image/jpeg,audio/amr"
MMS_EXPECTED = {
    "send_req": {"mmse.message_type": "0x80", "mmse.transaction_id": "T1", "mmse.mms_version": "1.2", "mmse.from": "<insert address>",
                 "mmse.to": "+15550100002/TYPE=PLMN,bob@example.com", "mmse.cc": "500017", "mmse.message_class.id": "0x80",
                 "mmse.priority": "0x82", "mmse.expiry.rel": "259200.000000000", "mmse.delivery_report": "0x80", "mmse.read_report": "0x81",
                 "wsp.header.content_type": RELATED + "," + ALBUM},
    "notifyresp_ind": {"mmse.message_type": "0x83", "mmse.transaction_id": "n0001", "mmse.mms_version": "1.2", "mmse.status": "0x81",
                       "mmse.report_allowed": "0x80"},
    "acknowledge_ind": {"mmse.message_type": "0x85", "mmse.transaction_id": "T9", "mmse.mms_version": "1.2", "mmse.report_allowed": "0x81"},
    "send_conf": {"mmse.message_type": "0x81", "mmse.transaction_id": "T1", "mmse.mms_version": "1.2", "mmse.response_status": "0x80",
                  "mmse.message_id": "m1@mmsc"},
    "retrieve_conf": {"mmse.message_type": "0x84", "mmse.transaction_id": "T9", "mmse.mms_version": "1.2", "mmse.message_id": "m1@mmsc",
                      "mmse.from": "50001742", "mmse.to": "+15550100002/TYPE=PLMN", "mmse.message_class.id": "0x80",
                      "mmse.priority": "0x81", "mmse.delivery_report": "0x81", "wsp.header.content_type": RELATED + "," + ALBUM},
    "notification_ind": {"mmse.message_type": "0x82", "mmse.transaction_id": "n0001", "mmse.mms_version": "1.2",
                         "mmse.from": "joe@example.com", "mmse.message_class.id": "0x80", "mmse.message_size": "30000",
                         "mmse.expiry.rel": "259200.000000000", "mmse.content_location": "http://mmsc/m?n0001",
                         "wsp.header.content_type": "application/vnd.wap.mms-message"},
    "delivery_ind": {"mmse.message_type": "0x86", "mmse.mms_version": "1.2", "mmse.message_id": "m1@mmsc",
                     "mmse.to": "+15550100002/TYPE=PLMN", "mmse.status": "0x81", "wsp.header.content_type": "application/vnd.wap.mms-message"},
}
MMS_EXPECTED["retrieve_conf_mixed"] = dict(MMS_EXPECTED["retrieve_conf"],
                                           **{"wsp.header.content_type": MIXED + ",text/plain,image/jpeg,audio/amr"})

# Every kind of PDU with every field and with any fields. What tshark 4.0 cannot do is listed here, with the reason; nothing else may be marked.
MMS_KINDS = ("m-send-req", "m-send-conf", "m-notification-ind", "m-notifyresp-ind", "m-retrieve-conf", "m-acknowledge-ind", "m-delivery-ind",
             "m-read-rec-ind", "m-read-orig-ind", "m-forward-req", "m-forward-conf", "m-mbox-store-req", "m-mbox-store-conf", "m-mbox-view-req",
             "m-mbox-view-conf", "m-mbox-upload-req", "m-mbox-upload-conf", "m-mbox-delete-req", "m-mbox-delete-conf", "m-mbox-descr",
             "m-delete-req", "m-delete-conf", "m-cancel-req", "m-cancel-conf")
# MMS 1.3 came after its table: these fields have no name there, and are passed over by the form of their value.
UNKNOWN_FIELDS = set(range(0xB4, 0xC0))
# These have a name only: their value is passed over too.
NAMED_ONLY = {"X-Mms-Store", "X-Mms-MM-State", "X-Mms-MM-Flags", "X-Mms-Store-Status", "X-Mms-Store-Status-Text", "X-Mms-Stored",
              "X-Mms-Attributes", "X-Mms-Totals", "X-Mms-Mbox-Totals", "X-Mms-Quotas", "X-Mms-Mbox-Quotas", "X-Mms-Message-Count",
              "X-Mms-Start", "X-Mms-Distribution-Indicator", "X-Mms-Element-Descriptor", "X-Mms-Limit", "X-Mms-Previously-Sent-By",
              "X-Mms-Previously-Sent-Date"}
ALLOWED_MARKS = {
    "m-send-req.4": "a part without data: its dissector is given nothing, and fails",
    "m-delivery-ind.1": "the last header's value is 0x84, which is then taken for the code of Content-Type",
}

SMPP_FIELDS = ("smpp.command_id", "smpp.sequence_number", "smpp.command_status", "smpp.system_id", "smpp.source_addr_ton", "smpp.source_addr",
               "smpp.dest_addr_ton", "smpp.dest_addr_npi", "smpp.destination_addr", "smpp.data_coding", "smpp.sm_length", "smpp.message_id",
               "smpp.receipted_message_id", "smpp.message_state", "smpp.SC_interface_version")


def submit(sequence, data_coding, size):
    return {"smpp.command_id": "0x00000004", "smpp.sequence_number": str(sequence), "smpp.source_addr_ton": "0x06", "smpp.source_addr": "500017",
            "smpp.dest_addr_ton": "0x01", "smpp.dest_addr_npi": "0x01", "smpp.destination_addr": "15550100002",
            "smpp.data_coding": data_coding, "smpp.sm_length": str(size)}


SMPP_EXPECTED = {
    "bind_transceiver": {"smpp.command_id": "0x00000009", "smpp.sequence_number": "1", "smpp.system_id": "pushmail"},
    "bind_transceiver_resp": {"smpp.command_id": "0x80000009", "smpp.sequence_number": "1", "smpp.command_status": "0x00000000",
                              "smpp.system_id": "SMSC", "smpp.SC_interface_version": "52"},
    # "[" and "]" take two octets each; a segment has 6 octets of header.
    "submit_sm_1": submit(2, "0x00", 36 + 2),
    "submit_sm_long_1": submit(3, "0x00", 7 + 152),
    "submit_sm_long_2": submit(4, "0x00", 7 + 48),
    "submit_sm_ucs2_1": submit(5, "0x08", 18),
    "submit_sm_resp": {"smpp.command_id": "0x80000004", "smpp.sequence_number": "2", "smpp.command_status": "0x00000000", "smpp.message_id": "1a2b"},
    "deliver_sm": {"smpp.command_id": "0x00000005", "smpp.sequence_number": "7", "smpp.source_addr_ton": "0x01", "smpp.source_addr": "15550100002",
                   "smpp.dest_addr_ton": "0x00", "smpp.dest_addr_npi": "0x00", "smpp.destination_addr": "500017", "smpp.data_coding": "0x00",
                   "smpp.sm_length": "96", "smpp.receipted_message_id": "1a2b", "smpp.message_state": "2"},
    "deliver_sm_resp": {"smpp.command_id": "0x80000005", "smpp.sequence_number": "7", "smpp.command_status": "0x00000000"},
    "enquire_link": {"smpp.command_id": "0x00000015", "smpp.sequence_number": "9"},
    "enquire_link_resp": {"smpp.command_id": "0x80000015", "smpp.sequence_number": "9", "smpp.command_status": "0x00000000"},
    "unbind": {"smpp.command_id": "0x00000006", "smpp.sequence_number": "9"},
    "unbind_resp": {"smpp.command_id": "0x80000006", "smpp.sequence_number": "9", "smpp.command_status": "0x00000000"},
    "generic_nack": {"smpp.command_id": "0x80000000", "smpp.sequence_number": "9", "smpp.command_status": "0x00000003"},
}


def filled(values):
    return {name: value for name, value in values.items() if value}


class Judged(unittest.TestCase):
    def capture(self, transport, packets):
        made = Capture(transport, packets)
        self.addCleanup(made.folder.cleanup)
        return made


class Mms(Judged):
    def captures(self):
        """Every road with its samples, in one capture."""
        for road in (FROM_PHONE, TO_PHONE, PUSHED):
            names = [name for name in MMS if MMS_ROADS[name] is road]
            transport, wrap = road
            yield names, self.capture(transport, [wrap(MMS[name]) for name in names])

    def test_every_sample_is_judged(self):
        self.assertEqual(sorted(MMS), sorted(MMS_EXPECTED))

    def test_nothing_is_malformed_and_values_are_found(self):
        for names, capture in self.captures():
            self.assertEqual(capture.malformed(), "", names)
            for name, values in zip(names, capture.fields(MMS_FIELDS), strict=True):
                with self.subTest(name):
                    self.assertEqual(filled(values), MMS_EXPECTED[name])

    def test_subject_in_utf8(self):
        # tshark prints such texts unconverted, so the octets are compared: length, charset 106, text, NUL.
        text = SUBJECT.encode()
        capture = self.capture(TO_PHONE[0], [answer(MMS["retrieve_conf"])])
        self.assertEqual(capture.raw("mmse.subject"), [bytes([0x96, len(text) + 2, 0xEA]) + text + b"\0"])

    def test_a_cut_pdu_is_reported(self):
        for name in ("send_req", "retrieve_conf"):
            transport, wrap = MMS_ROADS[name]
            with self.subTest(name):
                self.assertNotEqual(self.capture(transport, [wrap(MMS[name][:-10])]).malformed(), "")

    def test_the_peers_strict_reader_reads_ours(self):
        for name, octets in MMS.items():
            with self.subTest(name):
                pdu = peer_mms.decode(octets)
                self.assertEqual(pdu.kind.replace("-", "_"), "m_" + name.replace("_mixed", ""))
        album = peer_mms.decode(MMS["retrieve_conf"])
        self.assertEqual(album.get("subject"), SUBJECT)
        self.assertEqual(album.presentation().location, "pres.smil")
        self.assertEqual([part.media for part in album.parts], ALBUM.split(","))
        self.assertEqual(album.parts[1].text(), "Gr\u00fc\u00dfe aus Z\u00fcrich")
        self.assertEqual(album.parts[2].data, bytes((i * 7 + i // 256) & 0xFF for i in range(5000)))

    def test_what_the_phones_stand_in_fetches(self):
        pdu = peer_mms.Pdu("m-retrieve-conf", transaction_id="T9", message_id="m1@mmsc", date=1719748800, to=["+15550100002/TYPE=PLMN"],
                           subject=SUBJECT)
        pdu.fields["from"] = "50001742"
        pdu.parts = [peer_wsp.Part("application/smil", b"<smil><body/></smil>", {"charset": "utf-8"}, "pres", "pres.smil"),
                     peer_wsp.Part("text/plain", SUBJECT.encode(), {"charset": "utf-8", "name": "a.txt"}, "a", "a.txt"),
                     peer_wsp.Part("image/jpeg", bytes(range(256)), {"name": "p.jpg"}, "p", "p.jpg")]
        octets = peer_mms.encode(pdu)
        capture = self.capture(TO_PHONE[0], [answer(octets)])
        self.assertEqual(capture.malformed(), "")
        (values,) = capture.fields(MMS_FIELDS)
        self.assertEqual(values["mmse.from"], "50001742")
        self.assertEqual(values["wsp.header.content_type"], RELATED + ",application/smil,text/plain,image/jpeg")
        self.assertNotEqual(self.capture(TO_PHONE[0], [answer(octets[:-10])]).malformed(), "")


class MmsGenerated(Judged):
    @classmethod
    def setUpClass(cls):
        cls.made = Capture(FROM_PHONE[0], [post(octets) for octets in GENERATED.values()])

    @classmethod
    def tearDownClass(cls):
        cls.made.folder.cleanup()

    def test_every_kind_is_there(self):
        self.assertEqual(sorted({name.split(".")[0] for name in GENERATED}), sorted(MMS_KINDS))

    def test_nothing_is_malformed_and_the_kind_is_found(self):
        rows = self.made.fields(("mmse.message_type", "_ws.malformed", "_ws.expert.message"))
        for (name, octets), values in zip(GENERATED.items(), rows, strict=True):
            with self.subTest(name):
                self.assertEqual(values["mmse.message_type"].split(",")[0], "%#x" % (0x80 + MMS_KINDS.index(name.split(".")[0])))
                marks = values["_ws.malformed"] + values["_ws.expert.message"].replace("POST /mms HTTP/1.1\\r\\n", "")
                if name not in ALLOWED_MARKS:
                    self.assertEqual(marks, "", octets.hex())

    def test_only_what_tshark_has_no_table_for_is_not_decoded(self):
        tree = self.made.tshark("-O", "mmse")
        self.assertLessEqual({int(code, 16) for code in re.findall(r"Unknown field \(0x([0-9a-f]+)\)", tree)}, UNKNOWN_FIELDS)
        self.assertLessEqual(set(re.findall(r"^ +(X-Mms-[A-Za-z-]+): .*\(not decoded\)$", tree, re.MULTILINE)), NAMED_ONLY)

    def test_a_cut_pdu_is_reported(self):
        whole = GENERATED["m-retrieve-conf.full"]
        self.assertNotEqual(self.capture(FROM_PHONE[0], [post(whole[:-1])]).malformed(), "")


class Smpp(Judged):
    def test_every_sample_is_judged(self):
        self.assertEqual(sorted(SMPP), sorted(SMPP_EXPECTED))

    def test_nothing_is_malformed_and_values_are_found(self):
        capture = self.capture(SMSC, SMPP.values())
        self.assertEqual(capture.malformed(), "")
        for name, values in zip(SMPP, capture.fields(SMPP_FIELDS), strict=True):
            with self.subTest(name):
                self.assertEqual(filled(values), SMPP_EXPECTED[name])

    def test_segments_are_put_together(self):
        capture = self.capture(SMSC, [SMPP["submit_sm_long_1"], SMPP["submit_sm_long_2"]])
        tree = capture.tshark("-O", "smpp,gsm_sms_ud")
        self.assertIn("Message parts: 2", tree)
        self.assertIn("Message part number: 2", tree)

    def test_a_cut_pdu_is_reported(self):
        whole = SMPP["deliver_sm"]
        # The length is made right again: what is wrong is that a field runs out of the PDU.
        cut = whole[:100]
        self.assertNotEqual(self.capture(SMSC, [len(cut).to_bytes(4, "big") + cut[4:]]).malformed(), "")


if __name__ == "__main__":
    program = sys.argv.pop(1)
    MMS.update(samples.read(program, "mms"))
    GENERATED.update(samples.read(program, "mms_generated"))
    SMPP.update(samples.read(program, "smpp"))
    unittest.main()
