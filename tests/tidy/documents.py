#!/usr/bin/python3
"""What docs/, README.md and conf/*/README.md name is there: files behind links, keys of the configuration, samples of it.

Keys are those of conf/pushmail.toml, which another test holds against the table in code.
"""
import pathlib
import re
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("conf/*/README.md")])
# First words of what looks like a key and is a program's, a file's or another's.
NO_TABLES = re.compile(r"[a-z_0-9]+\.(md|h|cpp|py|tsv|toml|txt|yml|json|conf|service|socket|target|pem|net|com|key)$")


def of_all(key):
    """`peer.*.url` of `peer.home.url`: the key of a table of which there are as many as somebody names."""
    return re.sub(r"^(peer|bearer)\.\w+(\.|$)", r"\1.*\2", key)


def keys():
    """Every key, as of_all() has it."""
    found, table = set(), ""
    for line in (ROOT / "conf/pushmail.toml").read_text(encoding="utf-8").splitlines():
        if head := re.match(r"#?\[([\w.]+)\]$", line):
            table = of_all(head.group(1)) + "."
        elif key := re.match(r"#?(\w+) = ", line):
            found.add(table + key.group(1))
    return found


def flat(table, path=""):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, path + name + ".")
        else:
            yield path + name


class Documents(unittest.TestCase):
    maxDiff = None

    def report(self, findings):
        self.assertEqual([], findings, "\n" + "\n".join(findings))

    def test_files_behind_links_are_there(self):
        findings = []
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
                if "://" not in target and not (document.parent / target).exists():
                    findings.append(f"{document.relative_to(ROOT)}: {target} is not there")
        self.report(findings)

    def test_samples_have_keys_that_there_are(self):
        known, findings, samples = keys(), [], 0
        for document in DOCUMENTS:
            for sample in re.findall(r"```toml\n(.*?)```", document.read_text(encoding="utf-8"), re.S):
                samples += 1
                for key in flat(tomllib.loads(sample)):
                    if of_all(key) not in known:
                        findings.append(f"{document.relative_to(ROOT)}: {key} is no key")
        self.assertGreater(samples, 2)
        self.report(findings)

    def test_keys_in_the_text_are_keys(self):
        known, findings = keys(), []
        tables = {key.split(".")[0] for key in known if "." in key}
        for document in DOCUMENTS:
            for word in re.findall(r"`([a-z_0-9]+(?:\.[A-Za-z_0-9*]+)+)(?: = [^`]*)?`", document.read_text(encoding="utf-8")):
                key = of_all(word)
                if word.split(".")[0] not in tables or NO_TABLES.match(word):
                    continue
                pattern = re.compile("".join(r"\w+" if piece == "*" else re.escape(piece) for piece in re.split(r"(\*)", key)) + "$")
                if key not in known and not any(pattern.match(one) for one in known):
                    findings.append(f"{document.relative_to(ROOT)}: {word} is no key")
        self.report(findings)


if __name__ == "__main__":
    unittest.main()
