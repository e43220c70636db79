#!/usr/bin/env python3
"""Measures Weir beside a bare relay, HAProxy and nginx, and says how sure it is. docs/performance.md explains the method.

Each area ends within 8 minutes (`scale` within 12) and leaves its numbers in build/bench/AREA.json (one case alone: AREA-CASE.json); `page` writes
docs/performance.md from those files.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import counts  # noqa: E402
import machine  # noqa: E402
import marks  # noqa: E402
import memory  # noqa: E402
import page  # noqa: E402
import scale  # noqa: E402
import subjects  # noqa: E402
import traffic  # noqa: E402

RESULTS = subjects.ROOT / "build" / "bench"
AREAS = {"http": lambda folder, options: traffic.run("http", folder, options), "tcp": lambda folder, options: traffic.run("tcp", folder, options),
         "memory": memory.run, "scale": scale.run, "counts": counts.run}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("area", choices=[*AREAS, "all", "page"], help="what to measure; `all` does each in turn and writes the page; `page` only writes it")
    parser.add_argument("--case", help=f"of http and tcp: only this one of {', '.join(traffic.CASES)}")
    parser.add_argument("--seconds", type=float, default=0.8, help="length of a measured part (default 0.8)")
    parser.add_argument("--warmup", type=float, default=0.2, help="seconds before each measured part (default 0.2)")
    parser.add_argument("--rounds", type=int, default=0, help="exactly so many rounds (default: as many as the time allows)")
    parser.add_argument("--minutes", type=float, default=7.6, help="time for the rounds of an area (default 7.6)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the connections, requests and objects, for a quick try (default 1)")
    parser.add_argument("--change-seconds", type=float, default=300, help="of scale: for so long changes are made (default 300)")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder")
    options = parser.parse_args()
    if options.case and options.case not in traffic.CASES:
        parser.error(f"no case {options.case}")
    return options


def measure(area, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench-"))
    started = time.time()
    print(f"== {area}", flush=True)
    try:
        quiet = machine.is_quiet()
        result = {"area": area, "command": "./dev bench " + " ".join(sys.argv[1:]), "quiet": quiet, "machine": machine.describe(),
                  "versions": subjects.versions(), "build": subjects.build(), "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(started)),
                  **AREAS[area](folder, options)}
    finally:
        if options.keep:
            print(f"left for a look: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    result["took_seconds"] = round(time.time() - started)
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / (f"{area}-{options.case}.json" if area in traffic.AREAS and options.case else f"{area}.json")
    file.write_text(json.dumps(result, indent=1) + "\n")
    for row in marks.rows(result):
        print("  mark: " + ", ".join(row))
    print(f"\n{area}: {result['took_seconds']} s, all numbers in {file.relative_to(subjects.ROOT)}")


def main():
    options = arguments()
    # So that what it started ends with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if options.area != "page":
        machine.enter_namespace()
        os.sched_setaffinity(0, {subjects.LOAD_CORE})
        for area in AREAS if options.area == "all" else [options.area]:
            measure(area, options)
    if options.area in ("all", "page"):
        page.write(RESULTS, subjects.ROOT / "docs" / "performance.md")


if __name__ == "__main__":
    main()
