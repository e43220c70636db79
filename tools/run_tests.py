#!/usr/bin/env python3
"""Builds and runs every test, adds up what ran and holds the skips against tests/allowed_skips.

Stages, in order: tidy, release (unit tests, reference pages), asan (unit tests, fuzzers), mutants, tsan, e2e. The closing line is
"N passed, N failed, N skipped"; the exit status is 0 only when nothing failed, every skip is listed and every stage ran.
A test that fails is run once more by itself. If it passes then it is "unsteady": named in the closing lines, and more than
UNSTEADY_MAX of them fail the run. Never run again is what a sanitizer reports, and a test that names a seed: it would be another test.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import fuzz

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = max(1, os.cpu_count() or 1)
STAGES = ["tidy", "release", "asan", "fuzz", "mutants", "tsan", "e2e"]
# Modules whose tests run threads or are promised to be clean under the thread sanitizer.
TSAN_MODULES = ["net", "http", "store", "health", "dataplane_proxy", "agent", "api"]
FUZZ_SECONDS = 60
# End-to-end tests that load the machine or measure times.
E2E_ALONE = ["test_changes", "test_kills", "test_health", "test_shares", "test_upgrade"]
# Those that mostly wait, for checks and timeouts; all others run beside them.
E2E_WAITING = ["test_faults", "test_dnlb", "test_namespaces", "test_fail_open", "test_persistence"]
UNIT_TIMEOUT_SECONDS = 600
# Chosen because a busy machine may starve one test or two of a few thousand; more is a fault of the tests or the product.
UNSTEADY_MAX = 2
# A test that fails with chosen dice says how to throw them again.
SEED = re.compile(r"(?i)(?<![a-z-])seed[ =]\d+")
SANITIZER_REPORT = re.compile(rb"(WARNING|ERROR): \w+Sanitizer|runtime error:")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.unsteady = 0, [], [], []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.unsteady += other.unsteady


def say(text):
    print(f"== {text}", flush=True)


def run(command, log, timeout=None, env=None):
    """Runs a command with its output in a file; returns (exit status, seconds). A timeout counts as status 124."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with open(log, "wb") as out:
        try:
            status = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                    timeout=timeout, env={**os.environ, **(env or {})}).returncode
        except subprocess.TimeoutExpired:
            status = 124
    return status, time.monotonic() - started


def tail(log, lines=40):
    text = log.read_text(errors="replace").splitlines()
    return "\n".join("    " + line for line in text[-lines:])


def build(preset, targets=()):
    say(f"building {preset}")
    folder = BUILD / preset
    if not (folder / "build.ninja").exists():
        status, _ = run(["cmake", "--preset", preset], BUILD / f"{preset}.configure.log")
        if status:
            print(tail(BUILD / f"{preset}.configure.log"))
            return False
    status, seconds = run(["ninja", "-C", str(folder), *targets], BUILD / f"{preset}.build.log")
    if status:
        print(tail(BUILD / f"{preset}.build.log", 80))
        return False
    say(f"built {preset} in {seconds:.0f} s")
    return True


def unit_programs(preset, modules=None):
    programs = sorted((BUILD / preset).glob("weir_*_tests"))
    if modules is not None:
        programs = [p for p in programs if p.name[len("weir_"):-len("_tests")] in modules]
    return programs


def run_unit(preset, program):
    """One gtest program; its own JSON report is the truth, and a program that dies without one counts as failed."""
    tally = Tally()
    folder = BUILD / preset / "reports"
    folder.mkdir(exist_ok=True)
    report, log = folder / f"{program.name}.json", folder / f"{program.name}.log"
    report.unlink(missing_ok=True)
    environment = {"TSAN_OPTIONS": f"halt_on_error=1 suppressions={ROOT}/tests/tsan_suppressions",
                   "ASAN_OPTIONS": "detect_stack_use_after_return=1"}
    status, _ = run([str(program), f"--gtest_output=json:{report}"], log, UNIT_TIMEOUT_SECONDS, environment)
    cases = []
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            cases += [(f"{preset}:{program.name}:{suite['name']}.{c['name']}", c) for c in suite["testsuite"]]
    for name, case in cases:
        if case.get("failures"):
            tally.failed.append(name)
        elif case["result"] == "SKIPPED":
            tally.skipped.append((name, skip_reason(case, log)))
        elif case["result"] == "COMPLETED":
            tally.passed += 1
    if (status and not tally.failed) or not cases:
        tally.failed.append(f"{preset}:{program.name} (exit status {status})")
    if tally.failed:
        print(f"   {program.name} ({preset}) failed:\n{tail(log)}", flush=True)
        # A failed case has a report; a program that died has none, and a sanitizer's word stands.
        if cases and not SANITIZER_REPORT.search(log.read_bytes()):
            again, text = log.with_suffix(".again.log"), log.read_text(errors="replace")
            run_again(tally, lambda name: said_by(name.rsplit(":", 1)[1], text),
                      lambda name: run([str(program), f"--gtest_filter={name.rsplit(':', 1)[1]}"], again,
                                       UNIT_TIMEOUT_SECONDS, environment)[0] == 0 and not_empty(again))
    return tally


def said_by(test, text):
    """What a gtest program printed while this test ran."""
    found = re.search(rf"^\[ RUN      \] {re.escape(test)}\n(.*?)^\[  FAILED  \] {re.escape(test)}\b", text, re.M | re.S)
    return found.group(1) if found else text


def run_again(tally, said, passes):
    """Runs each failed test once more by itself; what passes then moves from `failed` to `unsteady`. `said` gives what a test printed."""
    if len(tally.failed) > UNSTEADY_MAX:
        return
    for name in list(tally.failed):
        if "(exit status" not in name and not SEED.search(said(name)) and passes(name):
            tally.failed.remove(name)
            tally.unsteady.append(name)
            tally.passed += 1


def skip_reason(case, log):
    messages = [entry.get("message", "") for entry in case.get("skipped", [])] if isinstance(case.get("skipped"), list) else []
    if messages:
        return " ".join(messages)[:200]
    found = re.search(re.escape(case["name"]) + r"\n.*?Skipped\n(.*?)\n", log.read_text(errors="replace"), re.S)
    return found.group(1).strip() if found else ""


def run_units(preset, modules=None):
    tally = Tally()
    programs = unit_programs(preset, modules)
    if not programs:
        tally.failed.append(f"{preset}: no test programs")
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for one in pool.map(lambda p: run_unit(preset, p), programs):
            tally.add(one)
    say(f"{preset}: {tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return tally


def stage_tidy(_):
    tally = Tally()
    for name, command in (("tidy", ["tools/tidy.py"]), ("mission", ["tools/mission.py", "--check"]),
                          ("bench", ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/perf"]),
                          ("torture", ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/torture"]),
                          ("runner", ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/runner"]),
                          ("reference-tests", ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/reference"])):
        log = BUILD / f"{name}.log"
        status, _ = run([sys.executable, *command], log)
        print(tail(log))
        if status:
            tally.failed.append(name)
        else:
            tally.passed += 1
    return tally


def built(preset, targets, then):
    if build(preset, targets):
        return then()
    tally = Tally()
    tally.failed.append(f"{preset}: build")
    return tally


def stage_release(_):
    return built("release", (), lambda: with_reference(run_units("release")))


def with_reference(tally):
    """Holds docs/reference against the program that was built; a stale page is named with the command that mends it."""
    log = BUILD / "reference.log"
    status, _ = run([sys.executable, "tools/reference.py", "--check", str(BUILD / "release" / "weir")], log)
    if status:
        print(tail(log))
        tally.failed.append("reference (./dev reference writes the pages)")
    else:
        tally.passed += 1
    return tally


def stage_asan(_):
    return built("asan", (), lambda: run_units("asan"))


def stage_tsan(_):
    return built("tsan", [f"weir_{m}_tests" for m in TSAN_MODULES], lambda: run_units("tsan", TSAN_MODULES))


def stage_fuzz(options):
    def run_fuzzers():
        tally = Tally()
        runs = fuzz.run_all(fuzz.programs_in(BUILD / "asan"), options.fuzz_seconds)
        if not runs:
            tally.failed.append("fuzz: no fuzzers were built")
        for run in runs:
            if run.status or run.new_findings:
                print(tail(run.log))
                tally.failed.append(f"fuzz:{run.name} ({run.verdict()})")
            else:
                tally.passed += 1
        print("\n".join(fuzz.table(runs)), flush=True)
        return tally
    return built("asan", (), run_fuzzers)


def stage_mutants(_):
    """Each planted mistake of tests/mutants must make the named test fail; a mutant that survives fails the suite."""
    def mutants():
        tally = Tally()
        lines = [line.split("#")[0].split() for line in (ROOT / "tests" / "mutants").read_text().splitlines()]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for one in pool.map(lambda words: run_mutant(*words), filter(None, lines)):
                tally.add(one)
        return tally
    return built("asan", (), mutants)


def run_mutant(name, kind, what, pattern):
    tally = Tally()
    log = BUILD / "asan" / "mutants" / f"{name}-{kind}.log"
    if kind == "unit":
        command = [str(BUILD / "asan" / what), f"--gtest_filter={pattern}"]
        healthy, _ = run(command, log.with_suffix(".control.log"), UNIT_TIMEOUT_SECONDS)
    else:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/e2e/{what}", "-k", pattern]
        healthy = 0  # the same test runs without the mutant in stage e2e
    # What a failed test leaves for a look is of no use here.
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        status, _ = run(command, log, UNIT_TIMEOUT_SECONDS,
                        {"WEIR_MUTANT": name, "WEIR_PROGRAM": str(BUILD / "asan" / "weir"), "TMPDIR": folder})
    # End to end, what cannot even be started fails too: only a test that ran has caught something.
    has_run = kind == "unit" or "FAILED tests/e2e" in log.read_text(errors="replace")
    caught = status != 0 and healthy == 0 and has_run and not_empty(log)
    verdict = "caught" if caught else "its test fails without it" if healthy else "SURVIVED"
    say(f"mutant {name}: {verdict} by {what} {pattern}")
    if caught:
        tally.passed += 1
    else:
        print(tail(log.with_suffix(".control.log") if healthy else log))
        tally.failed.append(f"mutant:{name}")
    return tally


def not_empty(log):
    """Guards against a filter that matches nothing."""
    text = log.read_text(errors="replace")
    return not re.search(r"Running 0 tests|no tests ran|deselected / 0 selected", text)


def e2e_shares():
    """What runs alone because it measures or loads the machine, then two shares that run beside each other."""
    others = sorted(p.stem for p in (ROOT / "tests" / "e2e").glob("test_*.py") if p.stem not in E2E_ALONE)
    waiting = [name for name in others if name in E2E_WAITING]
    return [[E2E_ALONE], [waiting, [name for name in others if name not in E2E_WAITING]]]


def stage_e2e(options):
    def e2e():
        tally = Tally()
        for number, beside in enumerate(e2e_shares()):
            with concurrent.futures.ThreadPoolExecutor(len(beside)) as pool:
                for one in pool.map(lambda share, n=number: run_e2e(f"e2e{n}-{share[0]}", share, options), beside):
                    tally.add(one)
        say(f"e2e: {tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
        return tally

    def run_e2e(label, names, options):
        tally = Tally()
        report, log = BUILD / f"{label}.xml", BUILD / f"{label}.log"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--tb=short", f"--junitxml={report}",
                   "-o", "junit_logging=all"]
        status, _ = run(command + [f"tests/e2e/{name}.py" for name in names] + options.pytest, log, 3000)
        if not report.exists():
            print(tail(log))
            tally.failed.append(f"{label} (exit status {status})")
            return tally
        said = {}
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            name = f"e2e:{case.get('classname')}.{case.get('name')}"
            said[name] = said.get(name, "") + " ".join(case.itertext())
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                tally.failed.append(name)
            elif skipped is not None:
                tally.skipped.append((name, skipped.get("message", "")))
            else:
                tally.passed += 1
        # 5: nothing was chosen, which arguments after -- may well mean for one of the shares.
        if status and not tally.failed and not (status == 5 and options.pytest):
            tally.failed.append(f"{label} (exit status {status})")
        if tally.failed:
            print(tail(log, 200))
            again = log.with_suffix(".again.log")
            run_again(tally, said.get, lambda name: run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", node_id(name)],
                                                        again, 900)[0] == 0)
        return tally
    return built("release", ("weir", "checkload", "faultback", "flowload"), e2e)


def node_id(name):
    """pytest's own name of "e2e:tests.e2e.test_x.test_y[up]"."""
    module, test = re.fullmatch(r"e2e:([\w.]+)\.(test_\w+(?:\[.*\])?)", name).groups()
    return module.replace(".", "/") + ".py::" + test


def unlisted_skips(skipped):
    """Skips that tests/allowed_skips does not permit. A line there is a regular expression over 'name: reason'."""
    allowed = []
    for line in (ROOT / "tests" / "allowed_skips").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            allowed.append(re.compile(line))
    return [(n, r) for n, r in skipped if not any(a.search(f"{n}: {r}") for a in allowed)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=STAGES, help="run this stage only (may be repeated)")
    parser.add_argument("--fuzz-seconds", type=int, default=FUZZ_SECONDS, help="time of each fuzzer (default 60)")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args()
    stages = options.only or STAGES
    BUILD.mkdir(exist_ok=True)
    total, times = Tally(), []
    for stage in stages:
        started = time.monotonic()
        say(f"stage {stage}")
        total.add(globals()[f"stage_{stage}"](options))
        times.append((stage, time.monotonic() - started))
    print("\nstage      seconds")
    for stage, seconds in times:
        print(f"{stage:10} {seconds:7.0f}")
    for name, reason in total.skipped:
        print(f"skipped: {name}: {reason}")
    for name, reason in unlisted_skips(total.skipped):
        print(f"this skip is not in tests/allowed_skips: {name}: {reason}")
        total.failed.append(name)
    for name in total.unsteady:
        print(f"unsteady, passed when run again by itself: {name}")
    if len(total.unsteady) > UNSTEADY_MAX:
        total.failed += total.unsteady
    for name in total.failed:
        print(f"FAILED: {name}")
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
