#!/usr/bin/python3
"""Our ESME against npm's smpp, an SMPP stack that shares nothing with ours and nothing with our own SMSC.

Usage: smpp_npm.py ESME NPM_FOLDER        (the folder that holds node_modules/smpp)
"""
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import unittest

SMSC = pathlib.Path(__file__).resolve().parents[1] / "peers/npm/smsc.js"
ESME, NPM = sys.argv[1], sys.argv[2]
PATIENCE_S = 30


class Program:
    """A child whose lines are events; they are awaited, never slept for."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                                        env=dict(os.environ, **environment))
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, event, **fields):
        """The next event of this name that has these fields; others are passed over."""
        seen = []
        while True:
            try:
                got = self.events.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise AssertionError(f"no {event} {fields}; seen: {seen}") from None
            if got["event"] == event and all(got.get(key) == value for key, value in fields.items()):
                return got
            seen.append(got)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class NpmSmsc(unittest.TestCase):
    def setUp(self):
        self.smsc = Program("node", str(SMSC), "pushmail", "secret", PUSHMAIL_NPM=NPM)
        self.addCleanup(self.smsc.close)
        self.port = self.smsc.expect("listening")["port"]

    def bind(self, password="secret"):
        esme = Program(ESME, f"127.0.0.1:{self.port}", "pushmail", password, "5000")
        self.addCleanup(esme.close)
        return esme

    def bound(self):
        esme = self.bind()
        self.assertEqual(0x34, self.smsc.expect("bound")["version"])
        esme.expect("ready")
        return esme

    def test_text_is_taken_and_its_receipt_comes_back(self):
        esme = self.bound()
        esme.say("submit 7 15550100002 Mail from Joe: Hi @ {5 €}")
        got = self.smsc.expect("submit")
        self.assertEqual(("5000", "15550100002", 1, 1), (got["from"], got["to"], got["ton"], got["npi"]))
        self.assertEqual("Mail from Joe: Hi @ {5 €}", got["text"])
        sent = esme.expect("sent", id=7)
        self.assertEqual({"event": "receipt", "phone": "15550100002", "smsc_id": sent["smsc_id"], "word": "DELIVRD"}, esme.expect("receipt"))

    def test_other_alphabets_go_as_ucs2_and_long_texts_in_segments(self):
        esme = self.bound()
        text = "Почта от 山田 😀 " * 12
        esme.say(f"submit 8 15550100002 {text}")
        parts = []
        while True:
            part = self.smsc.expect("submit")
            self.assertEqual(8, part["coding"])
            self.assertNotEqual("", part["udh"], "a segment without its number")
            parts.append(part["text"])
            if "".join(parts) == text.rstrip("\n"):
                break
            self.assertLess(len(parts), 20, parts)
        self.assertGreater(len(parts), 1)
        esme.expect("sent", id=8)

    def test_phone_answers(self):
        esme = self.bound()
        self.smsc.say(json.dumps({"mo": {"from": "15550100002", "to": "5000", "text": "17"}}))
        self.assertEqual({"event": "mo", "from": "15550100002", "to": "5000", "text": "17"}, esme.expect("mo"))
        self.smsc.expect("mo_answered", status=0)

    def test_throttled_text_is_given_back(self):
        esme = self.bound()
        self.smsc.say(json.dumps({"throttle": 1}))
        self.smsc.expect("throttling")
        esme.say("submit 9 15550100002 later")
        self.smsc.expect("throttled")
        esme.expect("deferred", id=9)
        esme.say("submit 9 15550100002 later")
        self.smsc.expect("submit", text="later")
        esme.expect("sent", id=9)

    def test_cut_connection_is_bound_again(self):
        esme = self.bound()
        self.smsc.say(json.dumps({"drop": True}))
        esme.expect("lost")
        self.smsc.expect("bound")
        esme.expect("ready")

    def test_wrong_password_is_no_bind(self):
        esme = self.bind(password="wrong")
        lost = esme.expect("lost")
        self.assertNotEqual("", lost["reason"])

    def test_end_is_an_unbind(self):
        esme = self.bound()
        esme.say("stop")
        self.smsc.expect("unbound")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
