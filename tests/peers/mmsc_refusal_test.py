#!/usr/bin/python3
"""Twenty wrong messages to the test MMSC on MM7, more on MM1, and the answer that a strict one gives; then right ones."""
import asyncio
import base64
import json
import re
import tempfile
import unittest

import http1
import mmsc
from pdu import mm7, mms, wsp

NS = mm7.NAMESPACES[-1]
BODY = ("<SubmitReq xmlns=\"%s\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>pushmail</VASPID><VASID>inbox</VASID>"
        "<SenderAddress><ShortCode>50001742</ShortCode></SenderAddress></SenderIdentification>"
        "<Recipients><To><Number>+15550100002</Number></To></Recipients><ExpiryDate>P3D</ExpiryDate>"
        "<DeliveryReport>true</DeliveryReport><Subject>Hi</Subject><Content href=\"cid:mm@pm\"/></SubmitReq>" % NS)
ENVELOPE = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"%s\"><e:Header><m:TransactionID xmlns:m=\"%s\" "
            "e:mustUnderstand=\"1\">tx-1</m:TransactionID></e:Header><e:Body>%%s</e:Body></e:Envelope>" % (mm7.SOAP, NS))
CONTENT = ("--in\r\nContent-Type: text/plain; charset=utf-8; name=\"a.txt\"\r\nContent-ID: <t>\r\nContent-Location: a.txt\r\n"
           "Content-Transfer-Encoding: base64\r\n\r\nSMOpbGxvCg==\r\n--in--")
TYPE = 'multipart/related; boundary="out"; type="text/xml"; start="<soap@pm>"'


def whole(body=BODY, envelope=ENVELOPE, content=CONTENT, content_id="<mm@pm>", tail="--out--\r\n"):
    text = ("--out\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <soap@pm>\r\n\r\n%s\r\n--out\r\n"
            "Content-Type: multipart/mixed; boundary=\"in\"\r\nContent-ID: %s\r\n\r\n%s\r\n%s" % (
                envelope % body if "%s" in envelope else envelope, content_id, content, tail))
    return text.encode("utf-8")


class MmscRefusal(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.pushes, self.reports, self.delivers = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.answers = []

        async def push(request):
            self.pushes.put_nowait(request)
            return http1.Answer(202, b"{}", "application/json")

        async def vasp(request):
            text = request.body.decode("utf-8", "replace")
            transaction = re.search(r"TransactionID[^>]*>([^<]+)<", text).group(1)
            kind = "DeliverRsp" if "<DeliverReq" in text else "DeliveryReportRsp"
            (self.delivers if kind == "DeliverRsp" else self.reports).put_nowait(request)
            if self.answers and self.answers.pop(0) == 503:
                return http1.Answer(503, b"later", "text/plain")
            body = '<%s xmlns="%s"><MM7Version>6.8.0</MM7Version>%s</%s>' % (kind, NS, mm7.status_xml(1000), kind)
            return http1.Answer(200, mm7.envelope(transaction, NS, body), 'text/xml; charset="utf-8"')
        self.servers = [await http1.serve(push, "127.0.0.1", 0), await http1.serve(vasp, "127.0.0.1", 0)]
        ports = [server.sockets[0].getsockname()[1] for server in self.servers]
        self.settings = {
            "mm7": ["127.0.0.1", 0], "mm1": ["127.0.0.1", 0], "control": ["127.0.0.1", 0], "server": "mmsc.example",
            "folder": self.folder.name, "push": "http://127.0.0.1:%d/push" % ports[0], "smtp": ["127.0.0.1", 1],
            "subscribers": ["15550100002", "15550100003"], "retry": 0.05,
            "vasps": [{"name": "pushmail", "user": "pm", "password": "pw", "vaspid": "pushmail", "vasid": "inbox",
                       "codes": ["5000"], "url": "http://127.0.0.1:%d/mm7" % ports[1]}]}
        self.mmsc = await mmsc.start(self.settings)

    async def asyncTearDown(self):
        for task in list(self.mmsc.tasks):
            task.cancel()
        for server in self.servers + self.mmsc.servers + [self.mmsc.mm7_server]:
            if server:
                server.close()
        self.folder.cleanup()

    async def post(self, body, content_type=TYPE, password="pw", method="POST", path="/mm7", action='""'):
        headers = {"Content-Type": content_type}
        if password is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(b"pm:" + password.encode()).decode()
        if action is not None:
            headers["SOAPAction"] = action
        return await http1.request("http://127.0.0.1:%d%s" % (self.settings["mm7"][1], path), method, body, headers, 10)

    async def fault(self, body, code, fault="Client", **more):
        answer = await self.post(body, **more)
        text = answer.body.decode()
        self.assertEqual(answer.status, 500, text)
        self.assertIn("<faultcode>env:%s</faultcode>" % fault, text)
        self.assertIn("<StatusCode>%d</StatusCode>" % code, text)
        self.assertTrue(self.pushes.empty())

    async def status(self, body, code, **more):
        answer = await self.post(body, **more)
        text = answer.body.decode()
        self.assertEqual(answer.status, 200, text)
        self.assertIn("<SubmitRsp", text)
        self.assertIn("<StatusCode>%d</StatusCode>" % code, text)
        self.assertIn(">tx-1<", text)
        self.assertNotIn("<MessageID>", text)
        self.assertTrue(self.pushes.empty())

    async def test_01_wrong_password(self):
        answer = await self.post(whole(), password="no")
        self.assertEqual(answer.status, 401)
        self.assertIn("Basic", answer.headers["www-authenticate"])

    async def test_02_get(self):
        self.assertEqual((await self.post(b"", method="GET")).status, 405)

    async def test_03_other_path(self):
        self.assertEqual((await self.post(whole(), path="/elsewhere")).status, 404)

    async def test_04_no_soap_action(self):
        await self.fault(whole(), 4004, action=None)

    async def test_05_broken_xml(self):
        await self.fault(whole(BODY.replace("</Subject>", "")), 4004)

    async def test_06_document_type(self):
        await self.fault(whole(envelope='<!DOCTYPE x [<!ENTITY y "z">]>' + (ENVELOPE.split("?>", 1)[1] % BODY)), 4004)

    async def test_07_soap_1_2(self):
        await self.fault(whole(envelope=ENVELOPE.replace(mm7.SOAP, "http://www.w3.org/2003/05/soap-envelope")), 4004,
                         "VersionMismatch")

    async def test_08_no_transaction(self):
        await self.fault(whole(envelope=ENVELOPE.replace("tx-1", "")), 4004)

    async def test_09_transaction_without_must_understand(self):
        await self.fault(whole(envelope=ENVELOPE.replace(' e:mustUnderstand="1"', "")), 4004)

    async def test_10_header_not_understood(self):
        await self.fault(whole(envelope=ENVELOPE.replace("</e:Header>", '<x xmlns="urn:x" e:mustUnderstand="1"/></e:Header>')),
                         4004, "MustUnderstand")

    async def test_11_unknown_operation(self):
        await self.fault(whole(BODY.replace("SubmitReq", "QueryStatusReq")), 4003)

    async def test_12_unknown_version(self):
        await self.status(whole(BODY.replace("6.8.0", "9.9.9")), 4002)

    async def test_13_wrong_vaspid(self):
        await self.status(whole(BODY.replace("<VASPID>pushmail", "<VASPID>other")), 4001)

    async def test_14_elements_out_of_order(self):
        await self.status(whole(BODY.replace("<Subject>Hi</Subject>", "").replace("<ExpiryDate>", "<Subject>Hi</Subject><ExpiryDate>")),
                          4004)

    async def test_15_no_recipients(self):
        await self.status(whole(re.sub("<Recipients>.*</Recipients>", "", BODY)), 4004)

    async def test_16_bad_number(self):
        await self.status(whole(BODY.replace("+15550100002", "555-CALL")), 2002)

    async def test_17_unknown_number(self):
        await self.status(whole(BODY.replace("+15550100002", "+15559999999")), 2003)

    async def test_18_sender_of_somebody_else(self):
        await self.status(whole(BODY.replace("50001742", "7777")), 2001)

    async def test_19_href_names_nothing(self):
        await self.status(whole(content_id="<other@pm>"), 2007)

    async def test_20_bad_base64(self):
        await self.status(whole(content=CONTENT.replace("SMOpbGxvCg==", "SMOp!bGxvCg=")), 2007)

    async def test_21_no_closing_boundary(self):
        await self.fault(whole(tail=""), 4004)

    async def test_22_bad_expiry(self):
        await self.status(whole(BODY.replace("P3D", "three days")), 4004)

    async def test_23_smil_names_nothing(self):
        smil = "--in\r\nContent-Type: application/smil\r\nContent-ID: <s>\r\n\r\n<smil><body><par><img src=\"x.png\"/></par></body></smil>\r\n--in--"
        body = whole(content=smil).replace(b"multipart/mixed; boundary=\"in\"",
                                           b"multipart/related; boundary=\"in\"; type=\"application/smil\"; start=\"<s>\"")
        await self.status(body, 2004)

    async def test_24_no_start(self):
        await self.fault(whole(), 4004, content_type='multipart/related; boundary="out"; type="text/xml"')

    def test_25_names_in_pieces(self):
        """RFC 2231, right and wrong."""
        parse = mm7.parse_content_type
        self.assertEqual(parse("a/b; name*=utf-8''%C3%A9.png")[1], {"name": "é.png"})
        self.assertEqual(parse("a/b; name*0*=utf-8''%C3; name*1*=%A9; name*2=\".png\"")[1], {"name": "é.png"})
        for wrong in ("a/b; name*1*=x", "a/b; name*=x", "a/b; name*=utf-8''%ff"):
            self.assertRaises(mm7.Refusal, parse, wrong)

    # ---- MM1

    async def mm1(self, body, number="15550100002", path="/mms", method="POST", kind="application/vnd.wap.mms-message"):
        headers = {"Content-Type": kind}
        if number:
            headers["X-WAP-Network-Client-MSISDN"] = number
        return await http1.request("http://127.0.0.1:%d%s" % (self.settings["mm1"][1], path), method, body, headers, 10)

    @staticmethod
    def send_req(**changes):
        pdu = mms.Pdu("m-send-req", transaction_id="T1", mms_version="1.2")
        pdu.fields.update({"from": mms.INSERT_ADDRESS, "to": ["5000"], "subject": "Hi"})
        pdu.fields.update({name.replace("_", "-"): value for name, value in changes.items()})
        pdu.parts = [wsp.Part("text/plain", b"hello", {"charset": "utf-8", "name": "t.txt"}, "t", "t.txt")]
        return mms.encode(pdu)

    async def send_status(self, body, number="15550100002"):
        answer = await self.mm1(body, number)
        self.assertEqual(answer.status, 200)
        return mms.decode(answer.body).get("response-status")

    async def test_31_no_subscriber(self):
        self.assertEqual((await self.mm1(self.send_req(), number="19990000000")).status, 403)
        self.assertEqual((await self.mm1(self.send_req(), number=None)).status, 403)

    async def test_32_malformed_send(self):
        self.assertEqual(await self.send_status(self.send_req()[:-3]), 0xE2)

    async def test_33_wrong_version(self):
        self.assertEqual(await self.send_status(self.send_req().replace(b"\x8d\x92", b"\x8d\xa0")), 0x88)

    async def test_34_sender_that_is_not_the_phone(self):
        self.assertEqual(await self.send_status(self.send_req(**{"from": "+15550100003/TYPE=PLMN"})), 0xE3)

    async def test_35_recipient_nowhere(self):
        self.assertEqual(await self.send_status(self.send_req(to=["9999"])), 0xE3)

    async def test_36_other_content_type(self):
        self.assertEqual((await self.mm1(self.send_req(), kind="text/plain")).status, 415)

    async def test_37_acknowledgement_of_nothing(self):
        ack = mms.encode(mms.Pdu("m-acknowledge-ind", transaction_id="nobody", mms_version="1.2"))
        self.assertEqual((await self.mm1(ack)).status, 400)

    async def test_38_message_of_somebody_else(self):
        answer = await self.mm1(b"", path="/m/nothing", method="GET")
        self.assertEqual(mms.decode(answer.body).get("retrieve-status"), 0xE2)

    # ---- right ones

    async def test_submit_to_report(self):
        answer = await self.post(whole())
        self.assertIn("<StatusCode>1000</StatusCode>", answer.body.decode())
        message_id = re.search("<MessageID>(.*)</MessageID>", answer.body.decode()).group(1)
        again = await self.post(whole())
        self.assertEqual(again.body, answer.body)
        document = json.loads((await asyncio.wait_for(self.pushes.get(), 10)).body)
        self.assertTrue(self.pushes.empty())
        data = b"".join(bytes.fromhex(segment)[bytes.fromhex(segment)[0] + 1:] for segment in document["segments"])
        notice = mms.decode(wsp.read_push(data)[3])
        path = "/m/" + notice.get("content-location").rsplit("/", 1)[1]
        early = mms.encode(mms.Pdu("m-notifyresp-ind", transaction_id=notice.get("transaction-id"), mms_version="1.2",
                                   status="Retrieved"))
        self.assertEqual((await self.mm1(early)).status, 400)
        got = mms.decode((await self.mm1(b"", path=path, method="GET")).body)
        self.assertEqual((got.get("message-id"), got.parts[0].text()), (message_id, "Héllo\n"))
        stranger = await self.mm1(b"", path=path, method="GET", number="15550100003")
        self.assertEqual(mms.decode(stranger.body).get("retrieve-status"), 0xE2)
        self.assertEqual((await self.mm1(early)).status, 204)
        report = (await asyncio.wait_for(self.reports.get(), 10)).body.decode()
        self.assertIn("<MMStatus>Retrieved</MMStatus>", report)
        self.assertIn("<MessageID>%s</MessageID>" % message_id, report)

    async def test_report_of_a_rejection(self):
        await self.post(whole())
        document = json.loads((await asyncio.wait_for(self.pushes.get(), 10)).body)
        data = b"".join(bytes.fromhex(segment)[bytes.fromhex(segment)[0] + 1:] for segment in document["segments"])
        notice = mms.decode(wsp.read_push(data)[3])
        await self.mm1(mms.encode(mms.Pdu("m-notifyresp-ind", transaction_id=notice.get("transaction-id"), mms_version="1.2",
                                          status="Rejected")))
        self.assertIn(b"<MMStatus>Rejected</MMStatus>", (await asyncio.wait_for(self.reports.get(), 10)).body)

    async def test_report_of_an_expiry(self):
        await self.post(whole(BODY.replace("P3D", "PT1S")))
        self.assertIn(b"<MMStatus>Expired</MMStatus>", (await asyncio.wait_for(self.reports.get(), 10)).body)

    async def test_no_report_when_none_was_asked_for(self):
        await self.post(whole(BODY.replace("<DeliveryReport>true</DeliveryReport>", "").replace("P3D", "PT1S")))
        while not [each for each in self.mmsc.log.events if each["event"] == "expired"]:
            await asyncio.sleep(0.02)
        self.assertTrue(self.reports.empty())

    async def test_send_to_vasp_with_retry(self):
        self.answers = [503]
        self.assertEqual(await self.send_status(self.send_req(delivery_report=True)), 0x80)
        first = await asyncio.wait_for(self.delivers.get(), 10)
        second = await asyncio.wait_for(self.delivers.get(), 10)
        self.assertEqual(first.body, second.body)
        document = json.loads((await asyncio.wait_for(self.pushes.get(), 10)).body)
        data = b"".join(bytes.fromhex(segment)[bytes.fromhex(segment)[0] + 1:] for segment in document["segments"])
        self.assertEqual(mms.decode(wsp.read_push(data)[3]).get("status"), "Retrieved")


if __name__ == "__main__":
    unittest.main()
