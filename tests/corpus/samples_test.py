#!/usr/bin/python3
"""Our reading of the sample mails in samples/ against what a person wrote down for each in samples/expected.json.

Usage: samples_test.py CORPUS_PRINT [--write]. --write puts down what is read today: for a new sample, to be looked at before it is kept.
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAMPLES = HERE / "samples"
EXPECTED = SAMPLES / "expected.json"


def readings(program):
    files = sorted(SAMPLES.glob("*.eml"))
    answer = subprocess.run([pathlib.Path(program).resolve(), *(file.name for file in files)], cwd=SAMPLES, capture_output=True, check=True)
    rows = [json.loads(line) for line in answer.stdout.decode("utf-8").split("\n") if line]
    return {row.pop("file"): row for row in rows}


def expected():
    return json.loads(EXPECTED.read_text(encoding="utf-8"))


def tolerances():
    """[(constant, rule)] of the written list."""
    return re.findall(r'string_view (\w+) = "([^"]+)"', (ROOT / "codec/mime/tolerances.h").read_text(encoding="utf-8"))


class Samples(unittest.TestCase):
    maxDiff = None
    program = ""

    def test_each_is_read_as_expected(self):
        wanted, found = expected(), readings(self.program)
        self.assertEqual(sorted(wanted), sorted(found))
        for name, reading in found.items():
            with self.subTest(name):
                self.assertEqual(wanted[name], reading)

    def test_every_tolerance_is_shown(self):
        """By a sample, or, where the broken mail is too large for one, by a unit test."""
        noted = {rule for row in expected().values() for rule in row["notes"]}
        tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/unit/codec/mime").glob("*.cpp"))
        rows = tolerances()
        self.assertGreater(len(rows), 20)
        for constant, rule in rows:
            with self.subTest(rule):
                self.assertTrue(rule in noted or re.search(rf"\btolerance::{constant}\b", tests), "neither a sample nor a unit test shows it")

    def test_every_tolerance_is_described(self):
        readme = (ROOT / "codec/mime/README.md").read_text(encoding="utf-8")
        for _, rule in tolerances():
            with self.subTest(rule):
                self.assertIn(rule, readme)


if __name__ == "__main__":
    Samples.program = sys.argv[1]
    if "--write" in sys.argv:
        EXPECTED.write_text(json.dumps(readings(sys.argv[1]), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        unittest.main(argv=sys.argv[:1])
