#!/usr/bin/python3
"""The systemd units: systemd reads them without a word, they expose no more than was decided, and they name programs that exist.

    units_test.py --programs FOLDER     where pushmail-dataplane, pushmail-controlplane and pushmail-fetcher are (several, divided by colons)

Run by ctest where systemd-analyze is installed. No systemd need run.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
UNITS = os.path.join(SOURCE, "conf", "package", "systemd")
EXPOSURE_MOST = {"pushmail-dataplane.service": 4.0, "pushmail-controlplane.service": 2.5, "pushmail-fetcher@.service": 2.5}
PROGRAMS = []


def run(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
                          env=dict(os.environ, SYSTEMD_LOG_COLOR="0", LC_ALL="C"))
    return done.returncode, done.stdout.decode("utf-8", "replace")


def program(name):
    for folder in PROGRAMS:
        found = [path for path in glob.glob(os.path.join(folder, "**", name), recursive=True) if os.access(path, os.X_OK) and os.path.isfile(path)]
        if found:
            return found[0]
    raise AssertionError("%s is not under %s" % (name, PROGRAMS))


class Units(unittest.TestCase):
    def setUp(self):
        # The programs as they were built stand for those that a package would install.
        self.folder = tempfile.mkdtemp(prefix="pushmail-units-")
        self.addCleanup(shutil.rmtree, self.folder)
        for path in sorted(glob.glob(os.path.join(UNITS, "pushmail*"))):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            text = re.sub(r"/usr/(?:sbin|lib/pushmail)/(pushmail-\w+)", lambda match: program(match.group(1)), text)
            with open(os.path.join(self.folder, os.path.basename(path)), "w", encoding="utf-8") as file:
                file.write(text)

    def units(self):
        return sorted(os.listdir(self.folder))

    def test_the_manager_waits_for_the_drain(self):
        with open(os.path.join(SOURCE, "docs", "timers.txt"), encoding="utf-8") as file:
            drains = {fields[0]: fields[3] for fields in (line.split() for line in file) if fields[1] in ("drain", "api_drain")}
        for plane, name in (("data", "pushmail-dataplane.service"), ("control", "pushmail-controlplane.service")):
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                patience = re.search(r"^TimeoutStopSec=(\d+)$", file.read(), re.M)
            # Five seconds for what comes behind it: the journal, log-outs, unbind.
            self.assertGreaterEqual(int(patience.group(1)), int(drains[plane].removesuffix("s")) + 5, name)

    def test_systemd_reads_them_without_a_word(self):
        wanted = {"pushmail-controlplane.service", "pushmail-dataplane.service", "pushmail-fetcher.socket", "pushmail-fetcher@.service", "pushmail.target"}
        self.assertEqual(set(self.units()), wanted)
        code, text = run("systemd-analyze", "verify", "--man=no", *[os.path.join(self.folder, name) for name in self.units()])
        # Of the machine's own units it says what it likes.
        ours = [line for line in text.splitlines() if "pushmail" in line]
        self.assertEqual((code, ours), (0, []), text)

    def test_a_mistake_would_be_seen(self):
        path = os.path.join(self.folder, "pushmail-dataplane.service")
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n[Service]\nProtectSytem=strict\n")
        _, text = run("systemd-analyze", "verify", "--man=no", path)
        self.assertIn("ProtectSytem", text)

    def test_they_expose_what_was_decided_and_no_more(self):
        for name, most in EXPOSURE_MOST.items():
            _, text = run("systemd-analyze", "security", "--offline=true", "--no-pager", os.path.join(self.folder, name))
            match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)
            self.assertIsNotNone(match, text)
            print("%s: exposure %s of at most %s" % (name, match.group(1), most))
            self.assertLessEqual(float(match.group(1)), most, name)

    def test_none_runs_as_root_or_makes_a_core_file(self):
        for name in EXPOSURE_MOST:
            with open(os.path.join(UNITS, name), encoding="utf-8") as file:
                text = file.read()
            user = re.search(r"^User=(\S+)$", text, re.M)
            self.assertTrue(user and user.group(1) != "root", name)
            self.assertIn("\nLimitCORE=0\n", text, name)
            with open(os.path.join(SOURCE, "conf", "package", "sysusers.conf"), encoding="utf-8") as file:
                self.assertRegex(file.read(), r"(?m)^u %s " % re.escape(user.group(1)), name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAMS.extend(arguments.programs.split(":"))
    unittest.main(argv=[sys.argv[0]] + rest)
