#!/usr/bin/python3
"""Code that checks code: what a reviewer would otherwise have to look for in every change.

Run by ctest. Prints each finding as file:line: rule, and fails when there is one.
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("core", "codec", "dataplane", "controlplane")
STANDARD_HEADER = re.compile(r"^(std\w*|[a-z_]+)$")
POSIX_HEADERS = re.compile(r"^(sys/|net/|netinet/|netpacket/|arpa/|linux/|[a-z_0-9]+\.h$)")

# Calls that have one place or none: pattern, where it may stand, and why.
BANNED = (
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(", (), "unbounded C string call"),
    (r"(?<![\w.>])(rand|srand|random|drand48)\s*\(", (), "predictable random numbers: core/ids"),
    (r"\b(system|popen)\s*\(", (), "starts a shell"),
    (r"\b(system_clock|steady_clock|high_resolution_clock)\b", (), "a clock outside core/clock"),
    (r"\b(clock_gettime|gettimeofday|time)\s*\(\s*(CLOCK|NULL|nullptr|&)", ("core/clock.cpp",), "a clock outside core/clock"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(", (), "a sleep where an event belongs"),
    (r"\bgetrandom\s*\(", ("core/ids.cpp",), "random bytes outside core/ids"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", (), "unfinished work"),
    (r"\bstd::shared_ptr\b", ("controlplane/", "core/tls"), "shared ownership in codec or data plane"),
    (r"\b(bool|int) (is_digit|is_letter|is_alphanumeric|is_hex_digit|hex_value|is_blank|is_white|is_control)\((char|std::uint8_t|unsigned char)",
     ("core/ascii.h",), "a class of ASCII beside core/ascii.h"),
    (r"& 0x[cC]0U?\)+ *[!=]= *0x80", ("core/utf8.h", "codec/simd/"), "UTF-8 beside core/utf8.h"),
    (r"\bDuration \w+ = (milli|micro)?seconds\(|constexpr auto \w+ = std::chrono::\w+\(",
     ("core/timers.h", "core/log", "core/wall_steps.cpp", "controlplane/binding/providers.cpp", "controlplane/cli/client.cpp", "controlplane/cli/live_check.cpp",
      "controlplane/fetcher/loop.cpp", "controlplane/notify/smpp_protocol.h", "controlplane/schedule/due.h", "dataplane/tcp/sim_link.h",
      "dataplane/tcp/rtt.h", "dataplane/nic/port.cpp", "dataplane/session/concurrency.h", "dataplane/main.cpp"),
     "a timer beside core/timers.h"),
    (r"\b(atoi|atol|atof|strtol|strtoul)\s*\(", (), "number parsing without an error"),
    (r"\bmailstream_(socket|ssl|cfstream)_|\bmailmime_parse|\bmailimap_(socket|ssl)_|\bmailpop3_(socket|ssl)_", (), "stock libetpan sockets, TLS or MIME"),
)


def sources(suffixes=(".h", ".cpp")):
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path


def code_lines(path):
    """Lines without comments and string contents, with their numbers."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = re.sub(r'"(\\.|[^"\\])*"', '""', line) if not line.lstrip().startswith("#include") else line
        yield number, line.split("//", 1)[0]


def file_local(text):
    """What stands in unnamed namespaces."""
    return "\n".join(re.findall(r"^namespace \{ *\n(.*?)^\} +$", text, re.M | re.S))


def allow_list():
    rows = {}
    for line in (ROOT / "tests/tidy/includes.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            folder, ours, libraries = (line.split("\t") + ["", ""])[:3]
            rows[folder] = (set(ours.split()), tuple(libraries.split()))
    return rows


def row_of(relative, rows):
    """The most exact row: a file's own (core/tls), else its folder's."""
    own = relative.with_suffix("").as_posix()
    if own in rows:
        return own
    folder = relative.parent
    while folder.as_posix() not in rows and folder.as_posix() != ".":
        folder = folder.parent
    return folder.as_posix()


class Tidy(unittest.TestCase):
    maxDiff = None

    def report(self, findings):
        self.assertEqual([], findings, "\n" + "\n".join(findings))

    def test_the_seam_of_the_store_is_narrow(self):
        """Another engine has to bring at most five functions: those of sqlite.h, none of them a row's."""
        found = [(str(path.relative_to(ROOT)), number) for path in sources() if path.parent == ROOT / "controlplane/store"
                 for number, line in code_lines(path) if re.search(r"\bvirtual\b.*\(", line) and "~" not in line]
        self.assertLessEqual(len([one for one in found if one[0] != "controlplane/store/durability.h"]), 5, found)

    def test_includes_point_one_way(self):
        rows = allow_list()
        findings = []
        for path in sources():
            relative = path.relative_to(ROOT)
            row = row_of(relative, rows)
            if row not in rows:
                findings.append(f"{relative}: its folder has no row in tests/tidy/includes.tsv")
                continue
            ours, libraries = rows[row]
            for number, line in code_lines(path):
                match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
                if not match:
                    continue
                quoted, target = match.group(1) == '"', match.group(2)
                if quoted:
                    target_row = row_of(pathlib.Path(target), rows)
                    if target_row not in ours and target_row != row and target_row != relative.parent.as_posix():
                        findings.append(f"{relative}:{number}: {row} may not include {target}")
                elif not STANDARD_HEADER.match(target) and not any(target.startswith(l) for l in libraries):
                    library = re.match(r"^(openssl|boost|nlohmann|libxml|libetpan|sqlite3|rte_|liburing|isa-l|toml\+\+|CLI|ares|iconv|fmt)", target)
                    if library or not POSIX_HEADERS.match(target):
                        findings.append(f"{relative}:{number}: {row} may not include <{target}>")
        self.report(findings)

    def test_the_planes_meet_in_the_contract_alone(self):
        rows = allow_list()
        findings = []
        for folder, (ours, _) in rows.items():
            for other in ours:
                for plane, not_of in (("controlplane", "dataplane"), ("dataplane", "controlplane"), ("core", "dataplane"), ("core", "controlplane")):
                    if folder.split("/")[0] == plane and other.split("/")[0] == not_of:
                        findings.append(f"tests/tidy/includes.tsv: {folder} may include {other}")
        self.report(findings)

    def test_no_file_takes_anothers_calls(self):
        """A folder is compiled in one go but in dev: a file's own function must not hide one of core from the files behind it."""
        findings = []
        shared = {name for path in (ROOT / "core").glob("*.h") for _, line in code_lines(path)
                  for name in re.findall(r"^(?![}#/ ])[\w:<>,&*\[\] ]+?[ &*](\w+)\(", line)}
        for folder in sorted({path.parent for path in sources((".cpp",))} - {ROOT / "core"}):
            cmake = (folder / "CMakeLists.txt").read_text(encoding="utf-8") if (folder / "CMakeLists.txt").is_file() else ""
            apart = {word for block in re.findall(r"APART ([^)]*)\)", cmake) for word in block.split()} | {"main.cpp"}
            files = {path: "\n".join(line for _, line in code_lines(path)) for path in sorted(folder.glob("*.cpp")) if path.name not in apart}
            own = {path: set(re.findall(r"^(?!return|else|namespace|using|[#} ])[\w:<>,&*\[\] ]+?[ &*](\w+)\((?:[^;]*$|[^;{]*\{)", file_local(text), re.M)) for path, text in files.items()}
            for path, names in own.items():
                for other, text in files.items():
                    if other == path:
                        continue
                    for name in sorted((names & shared) - own[other]):
                        if re.search(r"(?<![\w.>:])%s\(" % name, text):
                            findings.append(f"{other.relative_to(ROOT)}: a call of {name} would be {path.name}'s")
        self.report(findings)

    def test_banned_calls(self):
        findings = []
        for path in sources():
            relative = path.relative_to(ROOT).as_posix()
            for number, line in code_lines(path):
                for pattern, places, why in BANNED:
                    if re.search(pattern, line) and not any(relative.startswith(p) for p in places):
                        findings.append(f"{relative}:{number}: {why}: {line.strip()[:80]}")
        self.report(findings)

    def test_every_header_is_guarded_and_used(self):
        findings = []
        everything = "\n".join(p.read_text(encoding="utf-8") for f in CODE_FOLDERS + ("tests", "perf") for p in (ROOT / f).rglob("*") if p.suffix in (".h", ".cpp"))
        for path in sources((".h",)):
            relative = path.relative_to(ROOT).as_posix()
            if "#pragma once" not in path.read_text(encoding="utf-8"):
                findings.append(f"{relative}: no #pragma once")
            if f'"{relative}"' not in everything:
                findings.append(f"{relative}: nobody includes it")
        self.report(findings)

    def test_every_file_opens_with_what_it_is(self):
        findings = []
        for path in sources((".h",)):
            lines = path.read_text(encoding="utf-8").splitlines()
            if not lines or not lines[0].startswith("// "):
                findings.append(f"{path.relative_to(ROOT)}: does not say at its top what it is")
        self.report(findings)

    def test_every_parser_has_seeds(self):
        findings = []
        for path in sorted((ROOT / "tests/fuzz").glob("*.cpp")):
            if path.stem == "replay":
                continue
            if not any((ROOT / "tests/fuzz/seeds" / path.stem).glob("*")):
                findings.append(f"tests/fuzz/{path.name}: no seeds in tests/fuzz/seeds/{path.stem}")
            if f"pushmail_fuzz({path.stem}" not in (ROOT / "tests/fuzz/CMakeLists.txt").read_text(encoding="utf-8"):
                findings.append(f"tests/fuzz/{path.name}: not registered in tests/fuzz/CMakeLists.txt")
        self.report(findings)

    def test_every_timer_is_listed(self):
        text = (ROOT / "core/timers.h").read_text(encoding="utf-8")
        named = re.findall(r"inline constexpr Timer (\w+) =", text)
        listed = [word for table in re.findall(r"to_array<Timer>\(\{(.*?)\}\)", text, re.S) for word in re.findall(r"\w+", table)]
        self.assertGreater(len(named), 90)
        self.assertEqual(named, listed)
        for name in named:
            self.assertRegex(text, r'Timer %s =\s+detail::\w+\(\s*"%s"' % (name, name))
        everything = "\n".join(path.read_text(encoding="utf-8") for path in sources() if path.name != "timers.h")
        self.report([f"core/timers.h: nobody waits for {name}" for name in named if f"timers::{name}" not in everything])

    def test_error_rows_are_unique(self):
        seen, findings = {}, []
        for path in sources((".h",)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = re.search(r'ErrorInfo\s+\w+\{\s*(?:\.name\s*=\s*)?"([^"]+)"', line)
                if match:
                    where = f"{path.relative_to(ROOT)}:{number}"
                    if match.group(1) in seen:
                        findings.append(f"{where}: error {match.group(1)} exists at {seen[match.group(1)]}")
                    seen[match.group(1)] = where
        self.assertGreater(len(seen), 8)
        self.report(findings)

    def test_comments_cite_what_is_there(self):
        sections = set(re.findall(r"^## (.*)$", (ROOT / "docs/design.md").read_text(encoding="utf-8"), re.M))
        findings = []
        for path in sources():
            text = re.sub(r"\n *//+ ?", " ", path.read_text(encoding="utf-8"))
            where = path.relative_to(ROOT)
            findings += [f"{where}: cites {cited}" for cited in re.findall(r"\bdesign \d\w*", text)]
            for rest in re.findall(r"docs/design\.md, (.*)", text):
                if not any(rest.startswith(section) for section in sections):
                    findings.append(f"{where}: docs/design.md has no section '{rest[:40]}'")
        self.report(findings)

    def test_readme_walk_is_true(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.split("## Follow one mail", 1)
        self.assertEqual(2, len(section), "README.md has no section 'Follow one mail'")
        files = re.findall(r"^\d+\. `([^`]+)`", section[1].split("\n## ", 1)[0], re.M)
        self.assertGreaterEqual(len(files), 10)
        findings = []
        for name in files:
            path = ROOT / name
            if not path.is_file():
                findings.append(f"README.md: {name} does not exist")
                continue
            head = "\n".join(path.read_text(encoding="utf-8").splitlines()[:12]).lower()
            if "came from" not in head or "goes to" not in head:
                findings.append(f"{name}: does not say at its top where data comes from and goes to")
        self.report(findings)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
