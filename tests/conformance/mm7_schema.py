#!/usr/bin/python3
"""Every envelope that we write passes mm7/mm7.xsd, and a bent one does not.

Usage: mm7_schema.py PROGRAM   (conformance_samples). Needs xmllint; without it the test fails.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mm7", "mm7.xsd")
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
MM7 = "{http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4}"
ENVELOPES = {}
# The message each sample holds.
MESSAGES = {
    "submit_least": "SubmitReq", "submit_most": "SubmitReq", "submit_plmn": "SubmitReq", "deliver_rsp": "DeliverRsp",
    "submit_full": "SubmitReq", "cancel": "CancelReq", "cancel_extended": "extendedCancelReq", "replace_least": "ReplaceReq",
    "replace_most": "ReplaceReq", "replace_extended_least": "extendedReplaceReq", "replace_extended_most": "extendedReplaceReq",
    "read_reply_rsp": "ReadReplyRsp", "deliver_rsp_refused": "DeliverRsp", "report_rsp": "DeliveryReportRsp", "fault": "VASPErrorRsp",
}


def validate(xml):
    """Returns xmllint's exit status and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "message.xml")
        with open(path, "wb") as file:
            file.write(xml)
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMA, path], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr


def message_in(envelope):
    """The message as it stands in the envelope, cut out octet by octet: no parser of ours or Python's rewrites it."""
    start = b"<detail>" if b"<detail>" in envelope else b"<env:Body>"
    end = b"</detail>" if b"<detail>" in envelope else b"</env:Body>"
    return envelope[envelope.index(start) + len(start):envelope.index(end)]


class Schema(unittest.TestCase):
    def test_every_sample_is_there(self):
        self.assertEqual(sorted(ENVELOPES), sorted(MESSAGES))

    def test_messages_pass_the_schema(self):
        for name, envelope in ENVELOPES.items():
            with self.subTest(name):
                status, text = validate(message_in(envelope))
                self.assertEqual(status, 0, text)

    def test_envelopes_are_soap(self):
        for name, envelope in ENVELOPES.items():
            with self.subTest(name):
                root = ElementTree.fromstring(envelope)
                self.assertEqual(root.tag, SOAP + "Envelope")
                header, body = list(root)
                self.assertEqual((header.tag, body.tag), (SOAP + "Header", SOAP + "Body"))
                (transaction,) = list(header)
                self.assertEqual(transaction.tag, MM7 + "TransactionID")
                self.assertEqual(transaction.get(SOAP + "mustUnderstand"), "1")
                self.assertTrue(transaction.text)
                message = body[0]
                if message.tag == SOAP + "Fault":
                    self.assertEqual([child.tag for child in message], ["faultcode", "faultstring", "detail"])
                    message = message.find("detail")[0]
                self.assertEqual(message.tag, MM7 + MESSAGES[name])

    def test_values(self):
        body = ElementTree.fromstring(message_in(ENVELOPES["submit_most"]))
        self.assertEqual(body.findtext(MM7 + "Subject"), "<&>\"'\ufffd\ufffd Urlaub \u2013 Gr\u00fc\u00dfe")
        self.assertEqual(body.findtext(MM7 + "TimeStamp"), "2024-06-30T12:30:00Z")
        self.assertEqual(body.findtext(MM7 + "ExpiryDate"), "P3DT1M1S")
        self.assertEqual(body.findtext(MM7 + "DeliveryReport"), "true")
        self.assertEqual([child.tag[len(MM7):] for child in body.find(MM7 + "Recipients")], ["To", "Cc", "Bcc"])
        plmn = ElementTree.fromstring(message_in(ENVELOPES["submit_plmn"]))
        self.assertEqual(plmn.find(MM7 + "Recipients")[0][0].text, "+15550100002/TYPE=PLMN")
        self.assertEqual(plmn.findtext(MM7 + "DeliveryReport"), "true")

    def test_every_element_is_written_in_order(self):
        """The most that each request can hold holds every element of its type in the schema."""
        schema = ElementTree.parse(SCHEMA).getroot()
        xs = "{http://www.w3.org/2001/XMLSchema}"
        application = [row.get("name") for row in schema.find(f"{xs}group[@name='Application']").iter(xs + "element")]
        for sample, type_name in (("submit_full", "SubmitReqType"), ("cancel", "CancelReqType"), ("cancel_extended", "ExtendedCancelReqType"),
                                  ("replace_most", "ReplaceReqType"), ("replace_extended_most", "ExtendedReplaceReqType")):
            with self.subTest(sample):
                wanted = []
                for row in schema.find(f"{xs}complexType[@name='{type_name}']/{xs}sequence"):
                    wanted += [row.get("name")] if row.tag == xs + "element" else application
                message = ElementTree.fromstring(message_in(ENVELOPES[sample]))
                self.assertEqual([child.tag[len(MM7):] for child in message], wanted)

    def test_every_submission_asks_for_the_delivery_report(self):
        for name, message in MESSAGES.items():
            if message in ("SubmitReq", "extendedReplaceReq"):
                self.assertEqual(ElementTree.fromstring(message_in(ENVELOPES[name])).findtext(MM7 + "DeliveryReport"), "true", name)

    def test_what_is_bent_is_refused(self):
        good = message_in(ENVELOPES["submit_most"])
        swapped = re.sub(rb"(<LinkedID>.*?</LinkedID>)(<MessageClass>.*?</MessageClass>)", rb"\2\1", good)
        bent = {
            "order": swapped,
            "missing version": re.sub(rb"<MM7Version>.*?</MM7Version>", b"", good),
            "class": good.replace(b"<MessageClass>Auto<", b"<MessageClass>auto<"),
            "boolean": good.replace(b"<DeliveryReport>true<", b"<DeliveryReport>yes<"),
            "duration": good.replace(b"<ExpiryDate>P3DT1M1S<", b"<ExpiryDate>3 days<"),
            "unknown element": good.replace(b"<Priority>", b"<Colour>red</Colour><Priority>"),
            "href": good.replace(b"href=\"cid:", b"href=\"http:"),
            "recipients": re.sub(rb"<To>.*?</To>", b"<To></To>", good),
        }
        cancel = message_in(ENVELOPES["cancel"])
        replace = message_in(ENVELOPES["replace_most"])
        bent_others = {
            "cancel without id": (cancel, re.sub(rb"<MessageID>.*?</MessageID>", b"", cancel)),
            "cancel with CancelID": (cancel, cancel.replace(b"MessageID>", b"CancelID>")),
            "replace with subject": (replace, replace.replace(b"<ReadReply>", b"<Subject>x</Subject><ReadReply>")),
            "replace order": (replace, re.sub(rb"(<TimeStamp>.*?</TimeStamp>)(<ReadReply>.*?</ReadReply>)", rb"\2\1", replace)),
        }
        for name, (whole, xml) in bent_others.items():
            with self.subTest(name):
                self.assertNotEqual(xml, whole)
                self.assertNotEqual(validate(xml)[0], 0)
        for name, xml in bent.items():
            with self.subTest(name):
                self.assertNotEqual(xml, good)
                self.assertNotEqual(validate(xml)[0], 0)


if __name__ == "__main__":
    ENVELOPES.update(samples.read(sys.argv.pop(1), "mm7"))
    unittest.main()
