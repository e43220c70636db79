#!/usr/bin/env python3
"""Runs the fuzzers (src/**/*_fuzz.cpp, built in an asan folder) and says how far each came.

By time (`./dev fuzz SECONDS`) all run side by side; by number (`./dev fuzz --executions N`) as many at once as there are cores,
each until it has made N executions, which must be within --limit. A seed folder <name>_corpus/ and a dictionary <name>.dict
beside the source are used where they are there. What a fuzzer finds worth keeping stays in build/fuzz/<name>/corpus, without what
other inputs there reach too, and is where the next run starts; an input that breaks a promise stays in build/fuzz/<name>/findings,
and each new one makes the exit status 1.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "fuzz"
MILLION = 1_000_000
# Of one input. Chosen because all of them share the cores, and a sanitized program is slow.
TIMEOUT_SECONDS = 25
MEMORY_MIB = 2048
# For one fuzzer to make its executions. Chosen because a million of the slowest takes some hours.
LIMIT_SECONDS = 4 * 3600
# For making a corpus small again; what is not done by then stays as it is. Chosen as many times what the largest needs.
MERGE_SECONDS = 600
REPORT_SECONDS = 60
# The lines that libFuzzer prints for each input that it keeps, and now and then.
PROGRESS = re.compile(r"^#(\d+)\s+\S+\s+cov: (\d+) ft: \d+ corp: (\d+)", re.M)


# Cases of another parser that lie beside a checkout; read in place, they are seeds too where they are there.
DATA = ROOT.parent / "shared" / "data" / "llhttp_cases.json"
DATA_KIND = {"h1_request_fuzz": "request", "h1_roundtrip_fuzz": "request", "h1_response_fuzz": "response"}


def write_data_seeds(name, folder):
    """Fills `folder`, which lasts no longer than the run, with the cases that this fuzzer can use."""
    if name in DATA_KIND and DATA.exists():
        for case in json.loads(DATA.read_text()):
            if case["kind"] == DATA_KIND[name]:
                (folder / case["id"].replace("/", "_")).write_bytes(case["bytes"].encode())


class Run:
    """One fuzzer at work: its command, its log and what the log says."""

    def __init__(self, program):
        self.program, self.name = pathlib.Path(program), pathlib.Path(program).name
        folder = KEPT / self.name
        self.corpus, self.findings, self.log = folder / "corpus", folder / "findings", folder / "log"
        self.executions, self.edges, self.inputs, self.last_new, self.first_edges = 0, 0, 0, 0, 0
        self.seconds, self.status, self.new_findings, self.offset = 0.0, None, [], 0

    def options(self, artifacts):
        return [f"-timeout={TIMEOUT_SECONDS}", f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={artifacts}/"]

    def command(self, seconds, executions, data):
        sources = sorted((ROOT / "src").rglob(f"{self.name}.cpp"))
        beside = sources[0].parent if sources else ROOT
        dictionary, seeds = beside / f"{self.name}.dict", beside / f"{self.name}_corpus"
        options = [*self.options(self.findings), "-print_final_stats=1", f"-max_total_time={seconds}"]
        options += [f"-dict={dictionary}"] if dictionary.exists() else []
        options += [f"-runs={executions}"] if executions else []
        return [str(self.program), *options, str(self.corpus), *(str(folder) for folder in (seeds, data) if folder.exists())]

    def go(self, seconds, executions=0):
        """Runs for so long at most, and no longer than it takes to make that many executions."""
        for folder in (self.corpus, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        before, started = set(self.findings.iterdir()), time.monotonic()
        with tempfile.TemporaryDirectory(prefix="weir-fuzz-") as data, open(self.log, "wb") as out:
            write_data_seeds(self.name, pathlib.Path(data))
            try:
                # Beyond its time it is stuck, which no fuzzer may be.
                self.status = subprocess.run(self.command(seconds, executions, pathlib.Path(data)), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                                             stdin=subprocess.DEVNULL, timeout=seconds + 10 * TIMEOUT_SECONDS).returncode
            except subprocess.TimeoutExpired:
                self.status = 124
        self.seconds = time.monotonic() - started
        self.new_findings = sorted(set(self.findings.iterdir()) - before)
        self.read_log()
        self.make_small()
        return self

    def make_small(self):
        """Leaves of the corpus what it takes to reach all that it reaches: the next run reads all of it before its own time begins."""
        with tempfile.TemporaryDirectory(prefix="weir-fuzz-") as folder:
            small, artifacts = pathlib.Path(folder) / "corpus", pathlib.Path(folder) / "artifacts"
            small.mkdir()
            artifacts.mkdir()
            try:
                status = subprocess.run([str(self.program), *self.options(artifacts), "-merge=1", str(small), str(self.corpus)], cwd=ROOT,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                        timeout=MERGE_SECONDS).returncode
            except subprocess.TimeoutExpired:
                return
            kept = {one.name for one in small.iterdir()}
            if status or not kept:
                return
            for one in small.iterdir():
                shutil.copyfile(one, self.corpus / one.name)
            for one in self.corpus.iterdir():
                if one.name not in kept:
                    one.unlink()

    def read_log(self):
        """Takes in what the log has got since the last time."""
        if not self.log.exists():
            return
        with open(self.log, errors="replace") as log:
            log.seek(self.offset)
            text = log.read()
        whole = text[: text.rfind("\n") + 1]
        self.offset += len(whole.encode(errors="replace"))
        for count, edges, inputs in PROGRESS.findall(whole):
            self.executions = int(count)
            self.first_edges = self.first_edges or int(edges)
            if int(edges) > self.edges:
                self.edges, self.last_new = int(edges), self.executions
            self.inputs = int(inputs)
        final = re.search(r"stat::number_of_executed_units:\s*(\d+)", whole)
        if final:
            self.executions = int(final.group(1))

    def verdict(self):
        if self.new_findings:
            return f"{len(self.new_findings)} FINDINGS in {self.findings}"
        if self.status:
            return f"exit status {self.status}, see {self.log}"
        return "a million, no finding" if self.executions >= MILLION else "no finding"


def table(runs):
    """Rows of what each fuzzer did; the last edge that was new is also said as a share of all executions."""
    yield f"{'fuzzer':18} {'executions':>12} {'a second':>9} {'edges':>6} {'new':>5} {'inputs':>6} {'last new edge at':>20}  verdict"
    for run in runs:
        speed = run.executions / run.seconds if run.seconds else 0
        at = f"{run.last_new} ({100 * run.last_new / max(1, run.executions):.0f} %)"
        yield (f"{run.name:18} {run.executions:12} {speed:9.0f} {run.edges:6} {run.edges - run.first_edges:5} {run.inputs:6} {at:>20}"
               f"  {run.verdict()}")


def programs_in(folder, only=()):
    found = sorted(p for p in pathlib.Path(folder).glob("*_fuzz") if p.is_file())
    return [p for p in found if not only or p.name in only or p.name.removesuffix("_fuzz") in only]


def report_while(runs, done):
    """A line a minute for each that is at work."""
    started = time.monotonic()
    while not done.wait(REPORT_SECONDS):
        for run in runs:
            if run.status is None and run.log.exists():
                run.read_log()
                print(f"   {time.monotonic() - started:6.0f} s  {run.name:18} {run.executions:12} executions, {run.edges} edges", flush=True)


def run_all(programs, seconds, executions=0):
    """All of them side by side for `seconds`, or by turns until each has made `executions`, for `seconds` at most; the runs, ended."""
    runs = [Run(program) for program in programs]
    for run in runs:
        run.log.unlink(missing_ok=True)
    done = threading.Event()
    reporter = threading.Thread(target=report_while, args=(runs, done))
    reporter.start()
    try:
        at_once = max(1, os.cpu_count() or 1) if executions else len(runs)
        with concurrent.futures.ThreadPoolExecutor(at_once or 1) as pool:
            for run in pool.map(lambda one: one.go(seconds, executions), runs):
                print(f"== {run.name}: {run.executions} executions, {run.edges} edges, {run.verdict()}", flush=True)
    finally:
        done.set()
        reporter.join()
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=int, default=3600, help="how long all run side by side (default 3600)")
    parser.add_argument("--executions", type=int, default=0, help="instead: until each has made so many")
    parser.add_argument("--limit", type=int, default=LIMIT_SECONDS, help="seconds that each may take for its executions (default 4 h)")
    parser.add_argument("--only", action="append", default=[], help="this fuzzer, with or without its _fuzz (may be repeated)")
    parser.add_argument("--folder", action="append", help="folder with the programs (default build/asan)")
    options = parser.parse_args()
    programs = [p for folder in options.folder or [ROOT / "build" / "asan"] for p in programs_in(folder, options.only)]
    if not programs:
        sys.exit("fuzz: no such fuzzers were built")
    runs = run_all(programs, options.limit if options.executions else options.seconds, options.executions)
    print("\n" + "\n".join(table(runs)))
    bad = [run for run in runs if run.status or run.new_findings]
    late = [run.name for run in runs if run.executions < options.executions]
    for finding in (finding for run in runs for finding in run.new_findings):
        print(f"finding: {finding}")
    short = [run.name for run in runs if run.executions < MILLION]
    print(f"{len(runs)} fuzzers, {sum(run.executions for run in runs)} executions, {len(bad)} with a finding; "
          + (f"under a million: {', '.join(short)}" if short else "each made a million executions"))
    if late:
        print(f"not done within {options.limit} s: {', '.join(late)}")
    sys.exit(1 if bad or late else 0)


if __name__ == "__main__":
    main()
