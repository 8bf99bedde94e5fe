#!/usr/bin/python3
"""Takes the trials of perf/run controlplane: the store's writes on a real disk, in groups and each alone, in turns.

  measure.py --build FOLDER FIGURE...      one JSON object on stdout: {FIGURE: {"pushmail": [...], "note": "", "error": ""}}
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
SECONDS = 3
WAITING = 32     # mails under way


def store_flow(build, road):
    """Mails a second that the writes of a road allow; `alone` syncs each write."""
    rates, details = {"grouped": [], "alone": []}, {"grouped": [], "alone": []}
    for _ in range(ROUNDS):
        for way in rates:
            # On a real disk: the run folder may be memory.
            with tempfile.TemporaryDirectory(prefix="pm-perf-", dir="/var/tmp") as folder:
                done = subprocess.run([build / "perf/perf_store_flow", folder, road, way, str(WAITING), str(SECONDS)], stdout=subprocess.PIPE,
                                      check=True)
            counts = json.loads(done.stdout)
            rates[way].append(counts["mails"] / counts["seconds"])
            details[way].append(counts)

    def median(way, key):
        return statistics.median(counts[key] for counts in details[way])
    note = "; ".join("%s: %.0f us CPU, %.1f writes a mail" % (way, median(way, "cpu_us"), median(way, "writes")) for way in rates)
    return {"pushmail": rates["grouped"], "note": "%d waiting; each write alone %.0f mails/s; %s" % (WAITING, statistics.median(rates["alone"]), note)}


MEASURES = {
    ("store.flow.ask",): lambda build: store_flow(build, "ask"),
    ("store.flow.push",): lambda build: store_flow(build, "push"),
}


def main():
    parser = argparse.ArgumentParser(description="trials of perf/run controlplane")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("figures", nargs="+")
    arguments = parser.parse_args()
    results = {}
    for (name,), measure in MEASURES.items():
        if name not in arguments.figures:
            continue
        started = time.monotonic()
        try:
            results[name] = measure(arguments.build.resolve())
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            results[name] = {"error": str(error)}
        print("%s: %.0f s" % (name, time.monotonic() - started), file=sys.stderr, flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
