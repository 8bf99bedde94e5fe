#!/usr/bin/python3
"""The completions of bash, asked as bash asks them: the words that may stand at a place, and nothing behind an option's value.

    completion_test.py PUSHMAILCTL
"""
import subprocess
import sys
import unittest

PUSHMAILCTL = ""


def completions(*words):
    """What bash offers for the last of these words."""
    script = subprocess.run([PUSHMAILCTL, "completion", "bash"], stdout=subprocess.PIPE, check=True, timeout=30).stdout.decode()
    line = "COMP_WORDS=(pushmailctl %s); COMP_CWORD=%d; _pushmailctl; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
        " ".join("'%s'" % word for word in words), len(words))
    done = subprocess.run(["bash", "-c", script + line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, timeout=30)
    if done.stderr:
        raise AssertionError(done.stderr.decode())
    return done.stdout.decode().split()


class Completion(unittest.TestCase):
    def test_words(self):
        self.assertIn("binding", completions(""))
        self.assertEqual(completions("stat"), ["status"])
        self.assertEqual(completions("binding", "re"), ["remove", "resume"])
        self.assertEqual(completions("config", "e"), ["explain"])

    def test_options(self):
        self.assertIn("--msisdn", completions("binding", "add", "--m"))
        self.assertEqual(completions("--root", "/srv", "item", "sh"), ["show"])
        self.assertEqual(completions("item", "--json", "tr"), ["trace"])
        self.assertEqual(completions("binding", "add", "--password-file", "x"), [], "a file is bash's own to find")


if __name__ == "__main__":
    PUSHMAILCTL = sys.argv.pop(1)
    unittest.main()
