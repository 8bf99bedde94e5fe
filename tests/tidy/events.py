#!/usr/bin/python3
"""docs/events.md: every event of the log, with its programs, levels and meaning.

Events are found in the sources; what each means, and what to do, stands in events.tsv, which has a row for each and no other.
`events.py --update` writes the page. Run by ctest.
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/tidy/events.tsv"
PAGE = ROOT / "docs/events.md"
# The longest prefix that fits says whose log it is. What both planes and the fetcher stand on is any program's.
PROGRAMS = {"core": "any", "codec": "data", "dataplane": "data", "controlplane": "control", "controlplane/fetcher": "fetcher", "controlplane/cli": "ctl"}
NAME = re.compile(r'"([a-z][a-z_0-9]+)"')
LEVEL = re.compile(r"LogLevel::(debug|info|warning|error)")
LEVELS = ("error", "warning", "info", "debug")
# Calls whose event is handed on to them: where they stand -> in which files, and how, it is named.
HANDED_ON = {
    "controlplane/api/api.cpp": ("controlplane/api/*.cpp", re.compile(r'\bchanged\([^;]*"([a-z_]+)", 20[01]\)')),
    "dataplane/link.cpp": ("dataplane/link.cpp", re.compile(r'\bwatch\(\w+, "([a-z_]+)"')),
    "dataplane/session/refusal_log.cpp": ("dataplane/**/*.h", re.compile(r'\bRefusalLog \w+\{"([a-z_]+)"\}')),
}
HEAD = """# Log events

One line of JSON on standard error for each; `event` is one of these, `plane` is the program: data, control, fetcher. Made from the sources and
`tests/tidy/events.tsv` by `tests/tidy/events.py --update`; a test compares. `item`, `trace`, `peer` and `binding` name what a line is about, `error`
and `rule` what was broken, `errno` and `errno_text` what the system said. Persons are hashes (`log.pii`), the same in all programs.

| event | program | level | meaning |
|---|---|---|---|
"""


def program_of(path):
    name = path.relative_to(ROOT).as_posix()
    return PROGRAMS[max((prefix for prefix in PROGRAMS if name.startswith(prefix + "/")), key=len)]


def sources():
    for folder in ("core", "codec", "dataplane", "controlplane"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp") and path.name not in ("log.h", "log.cpp"):
                yield path


def found():
    """({event: (programs, levels)}, what is wrong)"""
    events, findings = {}, []

    def add(name, program, levels):
        programs, known = events.setdefault(name, (set(), set()))
        programs.add(program)
        known.update(levels)
    for path in sources():
        relative = path.relative_to(ROOT).as_posix()
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        for call in re.finditer(r"\blog_(debug|info|warning|error)\(|\bLogEvent\(", text):
            inside = argument(text, call.end())
            levels = [call.group(1)] if call.group(1) else LEVEL.findall(inside)
            names = NAME.findall(inside)
            if not names and relative in HANDED_ON:
                pattern, naming = HANDED_ON[relative]
                names = [name for file in sorted(ROOT.glob(pattern)) for name in naming.findall(file.read_text(encoding="utf-8"))]
            if not names or not levels:
                findings.append(f"{relative}:{text.count(chr(10), 0, call.start()) + 1}: which event is it? HANDED_ON in tests/tidy/events.py says where to look")
            for name in names:
                add(name, program_of(path), levels)
    return events, findings


def argument(text, start):
    """What stands between a bracket that was opened in front of `start` and its end."""
    depth, at = 1, start
    while depth > 0:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def meanings():
    """{event: meaning} of the table, and what is wrong with its form."""
    rows, findings, last = {}, [], ""
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            continue
        event, _, meaning = line.partition("\t")
        if not meaning.strip() or "\t" in meaning or "|" in meaning or event <= last:
            findings.append(f"tests/tidy/events.tsv:{number}: not `event TAB meaning`, or out of order")
        rows[event] = meaning
        last = event
    return rows, findings


def page():
    events, _ = found()
    rows, _ = meanings()
    lines = []
    for name in sorted(events):
        programs, levels = events[name]
        shown = ", ".join(level for level in LEVELS if level in levels)
        lines.append(f"| `{name}` | {', '.join(sorted(programs))} | {shown} | {rows.get(name, '')} |\n")
    return HEAD + "".join(lines)


class Events(unittest.TestCase):
    maxDiff = None

    def report(self, findings):
        self.assertEqual([], findings, "\n" + "\n".join(findings))

    def test_each_event_has_a_meaning_and_each_meaning_an_event(self):
        events, findings = found()
        rows, wrong = meanings()
        self.assertGreater(len(events), 100)
        findings += wrong
        findings += [f"{name}: no meaning in tests/tidy/events.tsv" for name in sorted(events.keys() - rows.keys())]
        findings += [f"tests/tidy/events.tsv: no source logs {name}" for name in sorted(rows.keys() - events.keys())]
        self.report(findings)

    def test_the_page_is_the_table(self):
        self.assertEqual(page(), PAGE.read_text(encoding="utf-8"), "tests/tidy/events.py --update writes it")


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        unittest.main()
