#!/usr/bin/python3
"""Twenty malformed pushes and M-Retrieve.confs to the test phone, and what a phone does with them; then a right one."""
import asyncio
import tempfile
import unittest

import http1
import phone
from pdu import mms, wsp

SMIL = b'<smil><head><layout><root-layout width="176" height="208"/></layout></head><body><par dur="5s"><text src="a.txt"/></par></body></smil>'


class PhoneRefusal(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.retrieve = b""
        self.kind = "application/vnd.wap.mms-message"
        self.gets = 0
        self.posts = []

        async def mmsc(request):
            if request.method == "GET":
                self.gets += 1
                return http1.Answer(200, self.retrieve, self.kind)
            self.posts.append(mms.decode(request.body))
            return http1.Answer(204)
        self.server = await http1.serve(mmsc, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        self.phone = phone.Phone({"msisdn": "15550100002", "mmsc": self.url + "/mms", "folder": self.folder.name, "retry": 0.01,
                                  "size_max": 100000})

    async def asyncTearDown(self):
        self.server.close()
        self.folder.cleanup()

    def notification(self, **changes):
        pdu = mms.Pdu("m-notification-ind")
        pdu.fields = {"transaction-id": "n1", "mms-version": "1.2", "from": "joe@example.com", "subject": "Hi",
                      "message-class": "Personal", "message-size": 1000, "expiry": 3600, "content-location": self.url + "/m/1"}
        for name, value in changes.items():
            if value is None:
                del pdu.fields[name.replace("_", "-")]
            else:
                pdu.fields[name.replace("_", "-")] = value
        return mms.encode(pdu)

    def conf(self, **changes):
        pdu = mms.Pdu("m-retrieve-conf")
        pdu.fields = {"transaction-id": "n1", "mms-version": "1.2", "message-id": "m1@mmsc", "date": 1700000000,
                      "from": "joe@example.com", "to": ["+15550100002/TYPE=PLMN"], "subject": "Été"}
        for name, value in changes.items():
            if value is None:
                del pdu.fields[name.replace("_", "-")]
            else:
                pdu.fields[name.replace("_", "-")] = value
        pdu.parts = [wsp.Part("application/smil", SMIL, {"charset": "utf-8"}, "s", "s.smil"),
                     wsp.Part("text/plain", "Grüße".encode(), {"charset": "utf-8", "name": "a.txt"}, "t", "a.txt")]
        return mms.encode(pdu)

    @staticmethod
    def push(body, media="application/vnd.wap.mms-message", application=4):
        return wsp.push(1, media, application, body)

    async def finish(self):
        while self.phone.tasks:
            await asyncio.wait(set(self.phone.tasks), timeout=10)

    async def dropped(self, data):
        self.phone.take_push(data)
        await self.finish()
        self.assertEqual((self.phone.mms, self.gets, self.posts), ([], 0, []))
        self.assertEqual(self.phone.log.events[-1]["event"], "refused")

    async def not_acknowledged(self, body):
        self.retrieve = body
        self.phone.take_push(self.push(self.notification()))
        await self.finish()
        self.assertEqual((self.phone.mms[0]["state"], self.gets, self.posts), ("failed", 3, []))

    async def test_01_empty_push(self):
        await self.dropped(b"")

    async def test_02_no_push_pdu(self):
        await self.dropped(b"\x01\x05" + self.push(self.notification())[2:])

    async def test_03_header_longer_than_push(self):
        await self.dropped(b"\x01\x06\x7f\xbe\xaf\x84")

    async def test_04_other_content_type(self):
        await self.dropped(self.push(self.notification(), media="text/vnd.wap.si"))

    async def test_05_other_application(self):
        await self.dropped(self.push(self.notification(), application=7))

    async def test_06_cut_notification(self):
        await self.dropped(self.push(self.notification()[:-1]))

    async def test_07_type_not_first(self):
        await self.dropped(self.push(self.notification()[2:]))

    async def test_08_version_before_transaction(self):
        body = self.notification()
        await self.dropped(self.push(body.replace(b"\x98n1\0\x8d\x92", b"\x8d\x92\x98n1\0")))

    async def test_09_no_content_location(self):
        await self.dropped(self.push(self.notification(content_location=None)))

    async def test_10_no_expiry(self):
        await self.dropped(self.push(self.notification(expiry=None)))

    async def test_11_no_size(self):
        await self.dropped(self.push(self.notification(message_size=None)))

    async def test_12_field_twice(self):
        await self.dropped(self.push(self.notification() + b"\x8e\x01\x10"))

    async def test_13_unknown_field(self):
        await self.dropped(self.push(self.notification() + b"\xf0\x80"))

    async def test_14_location_that_is_no_url(self):
        await self.dropped(self.push(self.notification(content_location="file:///etc/passwd")))

    async def test_15_other_major_version(self):
        self.phone.take_push(self.push(self.notification().replace(b"\x8d\x92", b"\x8d\xa0")))
        await self.finish()
        self.assertEqual([(each.kind, each.get("status")) for each in self.posts], [("m-notifyresp-ind", "Unrecognised")])
        self.assertEqual(self.gets, 0)

    async def test_16_message_too_large(self):
        self.phone.take_push(self.push(self.notification(message_size=100001)))
        await self.finish()
        self.assertEqual([(each.kind, each.get("status")) for each in self.posts], [("m-notifyresp-ind", "Rejected")])

    async def test_17_retrieve_conf_cut(self):
        await self.not_acknowledged(self.conf()[:-2])

    async def test_18_retrieve_conf_with_rest(self):
        await self.not_acknowledged(self.conf() + b"\0")

    async def test_19_retrieve_conf_without_message_id(self):
        await self.not_acknowledged(self.conf(message_id=None))

    async def test_20_retrieve_conf_without_date(self):
        await self.not_acknowledged(self.conf(date=None))

    async def test_21_start_names_no_part(self):
        await self.not_acknowledged(self.conf().replace(b"<s>\0\x89", b"<x>\0\x89"))

    async def test_22_smil_names_no_part(self):
        await self.not_acknowledged(self.conf().replace(b'src="a.txt"', b'src="b.txt"'))

    async def test_23_text_in_wrong_charset(self):
        await self.not_acknowledged(self.conf().replace("Grüße".encode(), "Grüße".encode("latin-1") + b"xx"))

    async def test_24_other_pdu(self):
        await self.not_acknowledged(self.notification())

    async def test_25_html_instead_of_a_message(self):
        self.kind = "text/html"
        await self.not_acknowledged(b"<html>welcome to the portal</html>")

    async def test_26_gone(self):
        gone = mms.Pdu("m-retrieve-conf", mms_version="1.2", date=1700000000, retrieve_status=0xE2)
        await self.not_acknowledged(mms.encode(gone))

    async def test_right_one(self):
        self.retrieve = self.conf()
        for _ in range(2):
            self.phone.take_push(self.push(self.notification()))
            await self.finish()
        self.assertEqual([(each.kind, each.get("transaction-id"), each.get("status")) for each in self.posts],
                         [("m-notifyresp-ind", "n1", "Retrieved")])
        message = self.phone.mms[0]
        self.assertEqual((message["state"], message["subject"]), ("retrieved", "Été"))
        self.assertIn("Grüße", message["text"])
        with open(message["page"], encoding="utf-8") as file:
            self.assertIn("<pre>Grüße</pre>", file.read())

    async def test_deferred(self):
        self.phone.settings["retrieval"] = "deferred"
        self.retrieve = self.conf(transaction_id="r9")
        self.phone.take_push(self.push(self.notification()))
        await self.finish()
        self.assertEqual([(each.kind, each.get("transaction-id"), each.get("status")) for each in self.posts],
                         [("m-notifyresp-ind", "n1", "Deferred"), ("m-acknowledge-ind", "r9", None)])


if __name__ == "__main__":
    unittest.main()
