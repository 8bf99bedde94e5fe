#!/usr/bin/python3
"""Takes the trials of perf/run controlplane: the store's writes on a real disk, in groups and each alone, in turns; and the whole product
between peers of ours, in a network namespace of its own.

  measure.py --build FOLDER FIGURE...      one JSON object on stdout: {FIGURE: {"pushmail": [...], "note": "", "error": ""}}
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import product  # noqa: E402
from harness import namespace  # noqa: E402
from harness.wait import Late  # noqa: E402

ROUNDS = 5
SECONDS = 3
WAITING = 32     # mails under way


def store_flow(build, folder, road):
    """Mails a second that the writes of a road allow; `alone` syncs each write."""
    rates, details = {"grouped": [], "alone": []}, {"grouped": [], "alone": []}
    for number in range(ROUNDS):
        for way in rates:
            place = folder / ("%s-%s-%d" % (road, way, number))
            place.mkdir()
            done = subprocess.run([build / "perf/perf_store_flow", place, road, way, str(WAITING), str(SECONDS)], stdout=subprocess.PIPE,
                                  check=True)
            counts = json.loads(done.stdout)
            rates[way].append(counts["mails"] / counts["seconds"])
            details[way].append(counts)

    def median(way, key):
        return statistics.median(counts[key] for counts in details[way])
    note = "; ".join("%s: %.0f us CPU, %.1f writes a mail" % (way, median(way, "cpu_us"), median(way, "writes")) for way in rates)
    return {"store.flow." + road: {"pushmail": rates["grouped"],
                                   "note": "%d waiting; each write alone %.0f mails/s; %s" % (WAITING, statistics.median(rates["alone"]), note)}}


MEASURES = {
    ("store.flow.ask",): lambda build, folder: store_flow(build, folder, "ask"),
    ("store.flow.push",): lambda build, folder: store_flow(build, folder, "push"),
    ("product.ask", "product.push", "product.pages.ask", "product.pages.push", "latency.idle_to_submit.p50",
     "latency.idle_to_submit.p99"): product.flows,
    ("product.full.status", "product.full.answer.p99"): product.full,
    ("bindings.import",): product.imported,
}


def run(build, wanted):
    results = {}
    for names, measure in MEASURES.items():
        if not wanted.intersection(names):
            continue
        started = time.monotonic()
        # On a real disk: the run folder may be memory.
        with tempfile.TemporaryDirectory(prefix="pm-perf-", dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)
            try:
                results.update(measure(build, pathlib.Path(folder)))
            except (RuntimeError, OSError, subprocess.CalledProcessError, Late, ValueError) as error:
                results.update({name: {"error": str(error)} for name in names})
        print("%s: %.0f s" % (" ".join(names), time.monotonic() - started), file=sys.stderr, flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description="trials of perf/run controlplane")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("figures", nargs="+")
    arguments = parser.parse_args()
    namespace.enter()
    print(json.dumps(run(arguments.build.resolve(), set(arguments.figures))))


if __name__ == "__main__":
    main()
