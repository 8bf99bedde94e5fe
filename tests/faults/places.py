"""From the return addresses that the shim saw to the calls of the sources.

Came from: the pages of the programs (plan.py). Goes to: tests/faults/run, which names each case by its place.
"""
import os
import re
import subprocess

import sites

# What others ask for: the place that asked is the site.
SEAMS = ("core/storage.cpp", "core/storage.h", "core/thread.cpp", "core/wait_on.cpp", "core/secret_file.cpp")


def in_source(file):
    """A path of the debug information as one of the sources', wherever they were when they were compiled."""
    parts = file.split("/")
    for at, part in enumerate(parts):
        if part in sites.FOLDERS and os.path.exists(os.path.join(sites.SOURCE, *parts[at:])):
            return "/".join(parts[at:])
    return file


def symbolize(program, offsets):
    """{offset: [(file, line)]} of each return address, inlined frames first."""
    done = subprocess.run(["addr2line", "-a", "-i", "-e", program], input="\n".join("0x%x" % each for each in offsets),
                          stdout=subprocess.PIPE, text=True, check=True)
    found, now = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("0x") and ":" not in line:
            now = found.setdefault(int(line, 16), [])
        else:
            file, _, number = line.split(" ")[0].rpartition(":")
            now.append((in_source(file), int(number) if number.isdigit() else 0))
    return found


class Map:
    """From return addresses to the calls of the sources."""

    def __init__(self, lists):
        self.by_line = {}
        for file, calls in lists.items():
            for line, call in calls:
                # A call of several lines is known by its first or a later one.
                for near in (line, line + 1, line - 1):
                    self.by_line.setdefault((file, near), []).append((abs(near - line), call))

    def row(self, file, line, failed):
        """The call there: the one that failed, if it stands there; else the nearest."""
        calls = self.by_line.get((file, line))
        return (file, min((call != failed, distance, call) for distance, call in calls)[2]) if calls else None

    def place(self, failed, frames):
        """((site, offset of its frame), all rows on the way): the innermost place that is not a seam; else the innermost frame."""
        rows, chosen = [], None
        for offset, lines in frames:
            for file, line in lines:
                row = self.row(file, line, failed)
                if not row:
                    continue
                rows.append(row)
                if chosen is None and file not in SEAMS:
                    chosen = ("%s %s" % row, offset)
        if chosen is None and rows:
            chosen = ("%s %s" % rows[0], next(offset for offset, lines in frames if any(self.row(*each, failed) == rows[0] for each in lines)))
        if chosen is None and frames:
            offset, lines = frames[0]
            chosen = ("(library) %s" % re.sub(r"^.*include/", "", lines[0][0]), offset)
        return chosen, rows
