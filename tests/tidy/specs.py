#!/usr/bin/python3
"""docs/specs.md says which clause of which specification stands in which file, and the sources agree.

Each clause that a source cites has a row that names the file; each file of a row cites the clause; a clause that is not done at all is
cited nowhere but in its row, or where the sources say that it is not done. `specs.py --update` writes the rows that the sources ask for
and keeps what was said of those that were there; a new row says cited, until somebody has judged it.
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("core", "codec", "dataplane", "controlplane")
SPEC = re.compile(r"RFC \d{3,5}|TS \d\d\.\d{3}|U[TA][SX] #\d+|SMPP \d\.\d|OMA-[A-Z]+-[A-Z]+ \d\.\d|OMA-EMN \d\.\d|WAP-\d{3}|MS-OX[A-Z]+"
                  r"|E\.1\d\d|XML 1\.0|SOAP 1\.1")
CLAUSE = re.compile(r"§(\d+(?:\.\d+)*|[A-Z](?:\.\d+)+|[A-Z]\b)")
CLAUSES = re.compile(r"(?:,? (?:and )?§(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)+|[A-Z]\b))+")
STATES = ("cited", "yes", "partly", "no")


def citations(text):
    """Each (specification, clause) that a source cites; the clause is empty where the whole is meant. Comments may break lines."""
    text = re.sub(r"\n\s*//+ ?", " ", text)
    found = set()
    for spec in SPEC.finditer(text):
        behind = CLAUSES.match(text, spec.end())
        clauses = CLAUSE.findall(behind.group(0)) if behind else [""]
        found.update((spec.group(0), clause) for clause in clauses)
    return found


def cited():
    rows = {}
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                for key in citations(path.read_text(encoding="utf-8")):
                    rows.setdefault(key, []).append(str(path.relative_to(ROOT)))
    return rows


def written():
    """(specification, clause) -> (state, files) of docs/specs.md, and what is wrong with its form."""
    rows, findings = {}, []
    for number, line in enumerate((ROOT / "docs/specs.md").read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        spec = SPEC.match(cells[0]) if line.startswith("| ") else None
        if spec is None:
            continue
        clause = cells[0][spec.end():].strip().removeprefix("§")
        if len(cells) != 3 or cells[2].split(":")[0] not in STATES or (spec.group(0), clause) in rows:
            findings.append(f"docs/specs.md:{number}: not `| clause | files | cited, yes, partly: why, or no: why |`, or the clause stands there twice")
            continue
        if cells[2] not in ("cited", "yes") and ":" not in cells[2]:
            findings.append(f"docs/specs.md:{number}: {cells[2]} without what is missing")
        rows[(spec.group(0), clause)] = (cells[2], [name.strip("` ") for name in cells[1].split(",") if name.strip()])
    return rows, findings


def natural(key):
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for part in key for piece in re.findall(r"\d+|\D+", part + " ")]


def update():
    index = ROOT / "docs/specs.md"
    rows, _ = written()
    head = index.read_text(encoding="utf-8").split("\n| ", 1)[0]
    lines = [head, "| clause | files | done |", "|---|---|---|"]
    sources = cited()
    kept = {key for key, (state, files) in rows.items() if not files}
    for key in sorted(sources.keys() | kept, key=natural):
        files = ", ".join(f"`{file}`" for file in sources.get(key, []))
        lines.append(f"| {key[0]}{' §' + key[1] if key[1] else ''} | {files} | {rows.get(key, ('cited',))[0]} |")
    index.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Specs(unittest.TestCase):
    def test_the_index_and_the_sources_agree(self):
        rows, findings = written()
        sources = cited()
        for key in sorted(sources.keys() | rows.keys(), key=natural):
            name = f"{key[0]} §{key[1]}" if key[1] else key[0]
            state, files = rows.get(key, (None, []))
            if state is None:
                findings.append(f"{name}: cited in {', '.join(sources[key])}, and has no row in docs/specs.md")
                continue
            for file in sorted(set(files) - set(sources.get(key, []))):
                findings.append(f"{name}: docs/specs.md names {file}, which does not cite it")
            for file in sorted(set(sources.get(key, [])) - set(files)):
                findings.append(f"{name}: {file} cites it, and docs/specs.md does not name it")
            if not files and not state.startswith("no:"):
                findings.append(f"{name}: {state}, and no file")
        self.assertGreater(len(rows), 300)
        self.assertEqual([], findings, "\n" + "\n".join(findings))


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        unittest.main(argv=sys.argv)
