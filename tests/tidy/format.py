"""Every C++ file stands as .clang-format writes it. `format.py --write` writes them so.

One version of the program, since each writes a little differently.
"""

import os
import subprocess
import sys

PROGRAM = "clang-format-19"
FOLDERS = ("codec", "controlplane", "core", "dataplane", "perf", "tests")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def sources():
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            yield from (os.path.join(path, name) for name in names if name.endswith((".h", ".cpp")))


def main():
    how = ["-i"] if sys.argv[1:] == ["--write"] else ["--dry-run", "--Werror"]
    files = sorted(sources())
    if not files:
        sys.exit("format: no source was found under %s" % ROOT)
    sys.exit(subprocess.run([PROGRAM, *how, *files], check=False).returncode)


if __name__ == "__main__":
    main()
