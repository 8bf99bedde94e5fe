#!/usr/bin/python3
"""What tests/corpus/read says of mails whose loss is known, with the browsers and the program that it uses.

Usage: read_test.py CORPUS_PRINT_TEXT
"""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# Two dozen words that no seed has by chance.
STORY = ("harbour lantern window copper garden thunder ribbon marble orchard pepper saddle timber velvet walnut yellow anchor basket candle "
         "dragon engine feather glacier hammer island")


def load_read():
    loader = importlib.machinery.SourceFileLoader("corpus_read", str(HERE / "read"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("corpus_read", loader))
    loader.exec_module(module)
    return module


def page_mail(page, subject="News"):
    return f"From: ann@example.com\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<html><body>{page}</body></html>\n"


def two_texts(plain, page):
    return ("From: ann@example.com\nSubject: News\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n"
            f"--b\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>{page}</p>\n--b--\n")


def report(words, returned):
    return ("From: mailer-daemon@example.com\nSubject: Not delivered\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
            f"--b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; example.com\n\n"
            "Final-Recipient: rfc822; joe@example.com\nAction: failed\nStatus: 5.1.1\n"
            f"\n--b\nContent-Type: message/rfc822\n\nFrom: ann@example.com\nSubject: Hello\n\n{returned}\n--b--\n")


class Read(unittest.TestCase):
    program = ""

    @classmethod
    def setUpClass(cls):
        cls.read = load_read()

    def judged(self, mail):
        """The row of one mail, converted by the program."""
        with tempfile.TemporaryDirectory() as folder:
            file = str(pathlib.Path(folder) / "mail.eml")
            pathlib.Path(file).write_text(mail, encoding="utf-8")
            return self.read.judge(self.read.our_texts(self.program, [file])[file])

    def test_a_page_that_is_read_whole(self):
        row = self.judged(page_mail(f"<h1>Today</h1><p>{STORY}</p>"))
        self.assertEqual((0.0, 0.0, {}), (row["missing"], row["extra"], row["reasons"]))
        self.assertEqual(25, row["visible"])
        self.assertFalse(self.read.is_bad(row))

    def test_what_a_style_or_a_colour_hides(self):
        for style in ("display:none", "font-size:0", "color:#fefffe"):
            with self.subTest(style):
                row = self.judged(page_mail(f"<p>Good morning everybody</p><div style='{style}'>{STORY}</div>"))
                self.assertEqual({"hidden": 24}, row["reasons"])
                self.assertFalse(self.read.is_bad(row))

    def test_white_letters_on_a_dark_ground_are_seen(self):
        row = self.judged(page_mail(f"<table bgcolor='#002244'><tr><td><font color=white>{STORY}</font></td></tr></table>"))
        self.assertEqual({}, row["reasons"])

    def test_a_quote_that_is_folded(self):
        row = self.judged(page_mail(f"<p>Yes, I come.</p><p>On 1 May 2024 Joe wrote:</p><blockquote type=cite>{STORY.replace(' ', '<br>')}</blockquote>", "Re: News"))
        self.assertEqual({"folded"}, set(row["reasons"]))
        self.assertGreaterEqual(row["reasons"]["folded"], 20)
        self.assertFalse(self.read.is_bad(row))

    def test_the_mail_that_a_report_returns(self):
        row = self.judged(report("Your mail was not delivered to joe", STORY))
        self.assertEqual({"returned": 24}, row["reasons"])
        self.assertFalse(self.read.is_bad(row))

    def test_a_plain_text_with_less_than_the_page(self):
        row = self.judged(two_texts(STORY, f"{STORY} unsubscribe here"))
        self.assertEqual({"plain": 2}, row["reasons"])
        self.assertFalse(row["placeholder"])

    def test_words_that_are_lost_are_bad(self):
        page = {"type": "text/html", "place": "mail", "text": f"<p>{STORY}</p>"}
        row = self.read.judge({"read": "harbour lantern", "parts": [page], "notes": []})
        self.assertEqual({"other": 22}, row["reasons"])
        self.assertTrue(self.read.is_bad(row))

    def test_a_placeholder_that_is_taken_is_found(self):
        page = {"type": "text/html", "place": "mail", "text": f"<p>{STORY}</p>"}
        plain = {"type": "text/plain", "place": "mail", "text": "Please use another program"}
        row = self.read.judge({"read": plain["text"], "parts": [plain, page], "notes": ["text/html: the plain text of the same content is shown"]})
        self.assertTrue(row["placeholder"])
        self.assertTrue(self.read.is_bad(row))

    def test_links_are_counted(self):
        row = self.judged(page_mail("<p>See <a href='https://example.com/a'>the harbour</a></p>"))
        self.assertEqual(len("https://example.com/a"), row["link_characters"])


if __name__ == "__main__":
    Read.program = sys.argv.pop(1)
    unittest.main()
